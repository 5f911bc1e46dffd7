// Steps that follow from one another.
import { test } from "node:test";

/** One story: after a failure the rest would only time out one by one. */
export function story() {
  let failed = false;
  return (name, work) =>
    test(name, async (t) => {
      if (failed) return t.skip("after an earlier failure");
      failed = true;
      await work(t);
      failed = false;
    });
}

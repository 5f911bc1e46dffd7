// When the machine stood still while keys were typed: machine-pauses beside one round.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";

export function watchMachine(build) {
  const child = spawn(join(build, "tests/bench/drafts/machine-pauses"), [tmpdir()], { stdio: ["pipe", "pipe", "inherit"] });
  const closed = once(child, "close");
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part) => (text += part));
  return {
    // [{what: "core" or "disk", begin, end}] in ms of the monotonic clock.
    async stop() {
      child.stdin.end();
      const [code] = await closed;
      if (code !== 0) throw new Error(`machine-pauses ended with ${code}`);
      return text.split("\n").filter(Boolean).map((line) => {
        const [what, begin, end] = line.split(" ");
        return { what, begin: Number(begin), end: Number(end) };
      });
    },
  };
}

// Whether the span has a part in one of the pauses, or in its aftermath: what piled up meanwhile
// takes cores that are half busy as long again.
export function isIn(pauses, from, to) {
  return pauses.some(({ begin, end }) => from < end + (end - begin) && to > begin);
}

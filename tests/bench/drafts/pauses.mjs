// When the disk stood still while keys were typed: disk-pauses beside one round.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CLIENT_CORE } from "./servers.mjs";

export function watchDisk(build) {
  const child = spawn("taskset", ["-c", CLIENT_CORE, join(build, "tests/bench/drafts/disk-pauses"), tmpdir()], { stdio: ["pipe", "pipe", "inherit"] });
  const closed = once(child, "close");
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part) => (text += part));
  return {
    // [{begin, end}] in ms of the monotonic clock, in order.
    async stop() {
      child.stdin.end();
      const [code] = await closed;
      if (code !== 0) throw new Error(`disk-pauses ended with ${code}`);
      return text.split("\n").filter(Boolean).map((line) => {
        const [begin, end] = line.split(" ").map(Number);
        return { begin, end };
      });
    },
  };
}

// Whether the span has a part in one of the pauses.
export function isIn(pauses, from, to) {
  return pauses.some(({ begin, end }) => from < end && to > begin);
}

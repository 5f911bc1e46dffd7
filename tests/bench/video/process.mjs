// Programs of the bench: started, pinned to a core, measured from outside and ended by their pid.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { setPriority } from "node:os";

export const RELAY_CORE = "0";
export const LOAD_CORE = "1";

const running = new Set();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Options: core ("0", "1" or "0-1"), stdio; descriptors are plenty. */
export function start(program, args, { core, stdio = ["ignore", "ignore", "inherit"] }) {
  const script = 'ulimit -n "$(ulimit -Hn)"; exec taskset -c "$@"';
  const child = spawn("sh", ["-c", script, "sh", core, program, ...args], { stdio });
  running.add(child);
  child.gone = once(child, "exit").finally(() => running.delete(child));
  return child;
}

export async function stop(child) {
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
  await child.gone;
  clearTimeout(timer);
}

/** This process and what it starts from now on. */
export function pinSelf(core) {
  execFileSync("taskset", ["-acp", core, String(process.pid)], { stdio: "ignore" });
}

/** On a shared machine others' work should cost the figures as little as it may: this process and
 * what it starts come first while it runs, where the system allows it. */
export function comeFirst() {
  const group = (nice) => writeFileSync("/proc/self/autogroup", String(nice));
  for (const raise of [() => setPriority(-20), () => group(-20)])
    try {
      raise();
    } catch {
      // without the privilege the figures are only noisier
    }
  // The terminal it was started from is of the same group.
  process.on("exit", () => {
    try {
      group(0);
    } catch {
      // as above
    }
  });
}

/** What the process alone takes: pages shared with others count in part. */
export function memoryBytes(pid) {
  return 1024 * Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))[1]);
}

export const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
export const quantile = (values, part) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.ceil(part * values.length) - 1)];

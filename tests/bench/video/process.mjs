// Programs of the bench: started, pinned to a core, measured from outside and ended by their pid.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const RELAY_CORE = "0";
export const LOAD_CORE = "1";

const running = new Set(), folders = [];
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A new folder that goes with this process. */
export function temporaryFolder() {
  folders.push(mkdtempSync(join(tmpdir(), "ablak-bench-")));
  return folders.at(-1);
}

// On a shared machine a relay that has to wait for its core looks slow: what is pinned runs in the
// real-time class where the system allows it. On an idle machine it makes no difference.
const REAL_TIME = ["chrt", "--rr", "1"];
const realTime = spawnSync(REAL_TIME[0], [...REAL_TIME.slice(1), "true"]).status === 0;

/** Options: core ("0", "1" or "0-1"), stdio; descriptors are plenty. */
export function start(program, args, { core, stdio = ["ignore", "ignore", "inherit"] }) {
  const place = [...(realTime && core.length === 1 ? REAL_TIME : []), "taskset", "-c", core];
  const child = spawn("sh", ["-c", 'ulimit -n "$(ulimit -Hn)"; exec "$@"', "sh", ...place, program, ...args], { stdio });
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

/** What the process alone takes: pages shared with others count in part. */
export function memoryBytes(pid) {
  return 1024 * Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))[1]);
}

export const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
export const quantile = (values, part) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.ceil(part * values.length) - 1)];

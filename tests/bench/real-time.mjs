// On a shared machine whoever has to wait for a core looks slow. So what has a core of its own in a
// bench runs in the real-time class where the system allows it, for both sides alike; on an idle
// machine it makes no difference. Not for what writes to the disk: the kernel's threads that do so
// would wait for it.
import { spawnSync } from "node:child_process";

const REAL_TIME = ["chrt", "--rr", "1"];
const allowed = spawnSync(REAL_TIME[0], [...REAL_TIME.slice(1), "true"]).status === 0;

/** What stands before a program's name so that it runs on this core, and before others. */
export const onCore = (core) => [...(allowed ? REAL_TIME : []), "taskset", "-c", core];

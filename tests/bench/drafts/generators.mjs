// The processes of clients, all on one core: one holds all drafts open, two type. Whoever types
// neither answers thousands of pings nor looks after thousands of connections when it collects
// garbage, and two processes do not often wait for each other.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { CLIENT_CORE, cpuSecondsOf, putFirst } from "./servers.mjs";

const here = import.meta.dirname ?? new URL(".", import.meta.url).pathname;
const TYPISTS = 2;
// What typists allocate is gone soon: with room for it, garbage is collected seldom and quickly, and
// only then. (A task that collects before there is need, on the one core of all of them, comes to
// do so in all at the same time.)
const GARBAGE = ["--min-semi-space-size=32", "--max-semi-space-size=64", "--no-minor-gc-task", "--no-memory-reducer", "--expose-gc"];

export function percentile(sorted, part) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

class Generator {
  #process;

  constructor() {
    this.#process = spawn("taskset", ["-c", CLIENT_CORE, process.execPath, ...GARBAGE, join(here, "clients.mjs")], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  }

  get pid() {
    return this.#process.pid;
  }

  ask(name, options) {
    return new Promise((done, failed) => {
      this.#process.once("message", ([kind, value]) => {
        if (kind === "failed") failed(new Error(value));
        else done(value);
      });
      this.#process.once("exit", () => failed(new Error("a client process ended")));
      this.#process.send([name, options], (error) => error && failed(error));
    });
  }

  end() {
    this.#process.removeAllListeners("exit");
    this.#process.kill("SIGKILL");
  }
}

export class Generators {
  #holder = new Generator();
  #typists = Array.from({ length: TYPISTS }, () => new Generator());
  #target = null;

  async seed(target) {
    return (await this.#holder.ask("seed", target)).seed;
  }

  async open(rooms, target) {
    this.#target = target;
    return this.#holder.ask("open", { ...target, rooms });
  }

  // Two people at each of these, in place of the page that only holds it open.
  async sit(rooms) {
    await this.#holder.ask("leave", { rooms });
    for (const one of this.#typists) putFirst(one.pid);
    await Promise.all(this.#typists.map((one, i) => one.ask("sit", { ...this.#target, rooms: rooms.filter((_, j) => j % TYPISTS === i) })));
  }

  press(typing) {
    return Promise.all(this.#typists.map((one) => one.ask("press", typing)));
  }

  close() {
    return Promise.all([this.#holder, ...this.#typists].map((one) => one.ask("close")));
  }

  cpuSeconds() {
    return [this.#holder, ...this.#typists].reduce((sum, one) => sum + cpuSecondsOf(one.pid), 0);
  }

  end() {
    for (const one of [this.#holder, ...this.#typists]) one.end();
  }
}

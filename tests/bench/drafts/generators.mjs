// The processes of clients, all on the second core.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { CLIENT_CORE, cpuSecondsOf } from "./servers.mjs";

const here = import.meta.dirname ?? new URL(".", import.meta.url).pathname;
const PROCESSES = 4;

export function percentile(sorted, part) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

class Generator {
  #process = spawn("taskset", ["-c", CLIENT_CORE, process.execPath, join(here, "clients.mjs")], { stdio: ["ignore", "inherit", "inherit", "ipc"] });

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
      this.#process.send([name, options]);
    });
  }

  end() {
    this.#process.removeAllListeners("exit");
    this.#process.kill("SIGKILL");
  }
}

export class Generators {
  #all = Array.from({ length: PROCESSES }, () => new Generator());

  one(name, options) {
    return this.#all[0].ask(name, options);
  }

  all(name, options) {
    return Promise.all(this.#all.map((one) => one.ask(name, options)));
  }

  // Each takes its share of the rooms, the same ones each time.
  share(name, rooms, options) {
    return Promise.all(this.#all.map((one, i) => one.ask(name, { ...options, rooms: rooms.filter((room) => shareOf(room) === i) })));
  }

  cpuSeconds() {
    return this.#all.reduce((sum, one) => sum + cpuSecondsOf(one.pid), 0);
  }

  end() {
    for (const one of this.#all) one.end();
  }
}

// By the room's name, so that whoever holds a draft open is also who types in it.
function shareOf(room) {
  let sum = 0;
  for (const letter of room) sum = (sum * 31 + letter.codePointAt(0)) % 1_000_003;
  return sum % PROCESSES;
}

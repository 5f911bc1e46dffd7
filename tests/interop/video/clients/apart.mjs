// Clients that live in Node, in a process of their own: what they hold on to, or break when a
// process ends, is no matter of the test's.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Page } from "./page.mjs";

export async function openApart(file) {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)));
  const waiting = new Map();
  let last = 0;
  const run = (body, ...values) => {
    const call = ++last;
    child.send({ call, body, values });
    return new Promise((resolve, reject) => waiting.set(call, { resolve, reject }));
  };
  const page = new Page(run);
  const exited = once(child, "exit");
  const [{ version }] = await once(child, "message");
  child.on("message", ({ call, result, error, told }) => {
    if (told) return page.told(told);
    const { resolve, reject } = waiting.get(call);
    waiting.delete(call);
    if (error) reject(new Error(error));
    else resolve(result);
  });
  return {
    version,
    join: (trickle, found) => page.join(trickle, found),
    async close() {
      child.disconnect();
      await exited;
    },
  };
}

/** The other side: what page.js is to browsers. `peer` makes one end of a call; `end` tidies up. */
export function live(version, peer, end = () => {}) {
  globalThis.window = {
    ends: new Map(),
    join(id, trickle) {
      this.ends.set(id, peer(trickle, (candidate, mid) => process.send({ told: { id, candidate, mid } })));
    },
    async part(id) {
      const gone = this.ends.get(id);
      this.ends.delete(id);
      await gone.close();
    },
  };
  process.on("message", async ({ call, body, values }) => {
    try {
      process.send({ call, result: await new Function(body)(...values) });
    } catch (error) {
      process.send({ call, error: error.stack });
    }
  });
  process.on("disconnect", () => {
    end();
    // wrtc crashes on the ordinary way out.
    process.kill(process.pid, "SIGKILL");
  });
  process.send({ version });
}

// GStreamer's webrtcbin, one process for each end of a call.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

// Debian's dtlssrtp elements know AES-CM only.
export const gcm = false;
// It sends no audio levels.
export const tellsLevel = false;

class Peer {
  #waiting = new Map();

  constructor(trickle, found) {
    this.child = spawn(process.env.ABLAK_WEBRTCBIN, trickle ? [] : ["gathered"], {
      stdio: ["pipe", "pipe", "inherit"],
      // GStreamer keeps its plugins for as long as it lives.
      env: { ...process.env, ASAN_OPTIONS: "detect_leaks=0", G_DEBUG: "" },
    });
    this.exited = once(this.child, "exit");
    createInterface({ input: this.child.stdout }).on("line", (line) => {
      const message = JSON.parse(line);
      if (message.type === "candidate") found(message.candidate, message.mid);
      else this.#waiting.get(message.type)?.(message);
    });
    this.child.stdin.on("error", () => {});
  }

  /** The next message of a type. */
  async next(type) {
    let settle;
    const come = new Promise((resolve) => this.#waiting.set(type, (settle = resolve)));
    const message = await Promise.race([come, this.exited]);
    if (this.#waiting.get(type) === settle) this.#waiting.delete(type);
    if (Array.isArray(message)) throw new Error(`webrtcbin ended: ${message}`);
    return message;
  }

  #ask(message, type) {
    const reply = this.next(type);
    this.child.stdin.write(JSON.stringify(message) + "\n");
    return reply;
  }

  async answer(sdp) {
    return (await this.#ask({ type: "offer", sdp }, "answer")).sdp;
  }
  async candidate(candidate, mid) {
    this.child.stdin.write(JSON.stringify({ type: "candidate", candidate, mid }) + "\n");
  }
  async stats() {
    const { type: _, ...stats } = await this.#ask({ type: "stats" }, "stats");
    return stats;
  }
  async close() {
    this.child.stdin.end();
    await this.exited;
  }
}

export async function open() {
  const first = new Peer(true, () => {});
  const { version } = await first.next("hello");
  await first.close();
  return {
    version: version.replace("GStreamer", "webrtcbin"),
    async join(trickle, found) {
      const peer = new Peer(trickle, found);
      await peer.next("hello");
      return peer;
    },
    async close() {},
  };
}

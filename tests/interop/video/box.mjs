// Plays the box: listens on the control socket, and keeps the process under test.
import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { EventEmitter } from "node:events";

/** One control connection's framing: a 4-byte length and a JSON object. */
export class Frames {
  #buffer = Buffer.alloc(0);
  push(chunk) {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    const messages = [];
    while (this.#buffer.length >= 4) {
      const length = this.#buffer.readUInt32BE(0);
      if (this.#buffer.length < 4 + length) break;
      messages.push(JSON.parse(this.#buffer.subarray(4, 4 + length).toString("utf8")));
      this.#buffer = this.#buffer.subarray(4 + length);
    }
    return messages;
  }
}

export function frame(text) {
  const body = Buffer.from(text, "utf8");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

/** Events: "message" (every message), "hello", "gone". */
export class Box extends EventEmitter {
  log = [];
  #server;
  #socket = null;

  static async listen(path) {
    const box = new Box();
    box.path = path;
    box.#server = net.createServer((socket) => {
      const frames = new Frames();
      box.#socket = socket;
      socket.on("data", (chunk) => {
        for (const message of frames.push(chunk)) {
          box.log.push(message);
          box.emit("message", message);
          if (message.type === "hello") box.emit("hello", message);
        }
      });
      socket.on("error", () => {});
      socket.on("close", () => {
        if (box.#socket === socket) box.#socket = null;
        box.emit("gone");
      });
    });
    box.#server.listen(path);
    await once(box.#server, "listening");
    return box;
  }

  send(message) {
    this.sendRaw(frame(JSON.stringify(message)));
  }
  sendRaw(bytes) {
    this.#socket.write(bytes);
  }
  dropConnection() {
    this.#socket.destroy();
  }

  /** The next message that fits, from now on. */
  next(fits, what, timeoutMs = 20000) {
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        this.off("message", look);
      };
      const look = (message) => {
        if (!fits(message)) return;
        stop();
        resolve(message);
      };
      const timer = setTimeout(() => {
        stop();
        const tail = this.log.slice(-6).map((m) => JSON.stringify({ ...m, sdp: undefined }));
        reject(new Error(`waited in vain for ${what}\n${tail.join("\n")}`));
      }, timeoutMs);
      this.on("message", look);
    });
  }

  async close() {
    this.#socket?.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** ablak-media itself; its log lines are kept. */
export class Media {
  constructor(program, socketPath, options = {}) {
    const args = ["--control-socket", socketPath, "--media-addresses", options.addresses ?? "127.0.0.1"];
    args.push("--media-port-min", "0", "--media-port-max", "0");
    if (options.profiles) args.push("--media-srtp-profiles", options.profiles);
    this.lines = [];
    this.child = spawn(program, args, { stdio: ["ignore", "inherit", "pipe"], uid: options.uid, gid: options.gid });
    this.exited = once(this.child, "exit");
    this.child.stderr.setEncoding("utf8");
    this.child.stderr.on("data", (text) => {
      this.lines.push(text);
      if (process.env.VERBOSE) process.stderr.write(text);
    });
  }
  get pid() {
    return this.child.pid;
  }
  async stop(signal) {
    this.child.kill(signal);
    const [code, by] = await this.exited;
    return { code, signal: by, log: this.lines.join("") };
  }
}

// A line between a browser and the box that can be cut: a TCP proxy of our own. What a bad line does
// to a page: it ends at once (cut), says nothing any more (silence), or is slow (delay).
import { once } from "node:events";
import { connect, createServer } from "node:net";

export class Line {
  #server;
  #sockets = new Set();
  #state = "open";
  #delayMs = 0;

  static async open(port) {
    const line = new Line();
    line.#server = createServer({ allowHalfOpen: false }, (near) => line.#join(near, port));
    line.#server.listen(0, "127.0.0.1");
    await once(line.#server, "listening");
    line.url = `http://localhost:${line.#server.address().port}`;
    return line;
  }

  /** The same address, reached over this line. */
  over(address) {
    const { pathname, search, hash } = new URL(address);
    return `${this.url}${pathname}${search}${hash}`;
  }

  /** Every connection ends at once; new ones too. */
  cut() {
    this.#state = "cut";
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Nothing passes, and nobody is told. What is on its way arrives when the line is back, as TCP would have it. */
  silence() {
    this.#state = "silent";
    for (const socket of this.#sockets) socket.pause();
  }

  restore() {
    this.#state = "open";
    for (const socket of this.#sockets) socket.resume();
  }

  /** Milliseconds each way, from now on; what is already on its way keeps its place. */
  delay(ms) {
    this.#delayMs = ms;
  }

  async close() {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(near, port) {
    if (this.#state === "cut") {
      near.destroy();
      return;
    }
    const far = connect({ port, host: "127.0.0.1", noDelay: true });
    near.setNoDelay(true);
    for (const [from, to] of [[near, far], [far, near]]) {
      this.#sockets.add(from);
      const carry = this.#carrier();
      from.on("data", (bytes) => carry(() => to.writable && to.write(bytes)));
      from.on("end", () => carry(() => to.end()));
      from.on("error", () => {});
      from.on("close", () => {
        this.#sockets.delete(from);
        carry(() => to.destroy());
      });
    }
    if (this.#state === "silent") for (const socket of [near, far]) socket.pause();
  }

  /** Runs what it is given after the delay, and never out of order. */
  #carrier() {
    let last = 0;
    return (run) => {
      const now = performance.now();
      last = Math.max(last, now + this.#delayMs);
      if (last <= now) run();
      else setTimeout(run, last - now);
    };
  }
}

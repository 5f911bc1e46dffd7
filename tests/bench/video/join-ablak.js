// One person on ablak's side: the box's own call code, with a line to the bench in place of the
// box's WebSocket.
import { Call } from "../../../appliance/ui/shared/call";
import { cipher, clear, firstFrame, show } from "./join-page.js";

class Line {
  #handlers;
  constructor(url) {
    this.clear();
    this.socket = new WebSocket(url);
    this.open = new Promise((resolve) => (this.socket.onopen = resolve));
    this.socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.kind === "begin") start();
      else for (const handler of this.#handlers.get("message") ?? []) handler({ topic: "visit:bench", ...message });
    };
  }
  clear() {
    this.#handlers = new Map();
  }
  on(name, handler) {
    this.#handlers.set(name, [...(this.#handlers.get(name) ?? []), handler]);
    return () => {};
  }
  send(topic, kind, data) {
    this.socket.send(JSON.stringify({ kind, data }));
    return true;
  }
  /** The real one looks for a line that is dead; this one ends with the bench. */
  watch() {
    return () => {};
  }
  check() {}
}

const name = location.hash.slice(1);
const line = new Line(`ws://${location.host}/${name}`);
let call;

/** A new one each time, as on a page that has just been opened. */
function start() {
  call?.destroy();
  line.clear();
  call = new Call(line, "bench", [], { side: name === "first" ? "citizen" : "clerk" });
  call.remote.people.subscribe(([person]) => person?.stream && show(person.stream));
  call.start();
}

window.person = {
  ready: () => line.open,
  /** Joins before the other does, and resolves when it waits for them. */
  async wait() {
    start();
    await new Promise((resolve) => call.state.subscribe((state) => state === "waiting" && resolve()));
  },
  async join() {
    const frame = firstFrame();
    start();
    return frame;
  },
  cipher: () => cipher(call.peer),
  async end() {
    call.hangUp();
    clear();
  },
};

// WebDriver BiDi as far as one page needs it: https://w3c.github.io/webdriver-bidi/
import WebSocket from "ws";
import { EventEmitter, once } from "node:events";

/** A plain value as a LocalValue. */
function local(value) {
  if (typeof value === "string") return { type: "string", value };
  if (typeof value === "number") return { type: "number", value };
  if (typeof value === "boolean") return { type: "boolean", value };
  throw new TypeError(`no local value for ${value}`);
}

export class Bidi extends EventEmitter {
  #socket;
  #last = 0;
  #waiting = new Map();

  static async connect(address) {
    const bidi = new Bidi();
    bidi.#socket = new WebSocket(`${address}/session`);
    bidi.#socket.on("message", (data) => bidi.#received(JSON.parse(data)));
    await once(bidi.#socket, "open");
    return bidi;
  }

  #received(message) {
    if (message.type === "event") return this.emit(message.method, message.params);
    const { resolve, reject } = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.type === "error") reject(new Error(`${message.error}: ${message.message}`));
    else resolve(message.result);
  }

  send(method, params) {
    const id = ++this.#last;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  /** Runs a function's body in the page; what it returns comes back as JSON. */
  async run(context, body, values, channels = []) {
    const { result, exceptionDetails } = await this.send("script.callFunction", {
      functionDeclaration: `async function () { ${body} }`,
      arguments: [...values.map(local), ...channels.map((channel) => ({ type: "channel", value: { channel } }))],
      target: { context },
      awaitPromise: true,
      userActivation: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.text);
    return result.type === "string" ? JSON.parse(result.value) : undefined;
  }

  async close() {
    this.#socket.close();
    await once(this.#socket, "close");
  }
}

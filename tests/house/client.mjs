// A caller of a daemon's interface that keeps its cookies, as a browser would.
import * as Y from "yjs";
import WebSocket from "ws";
import { WebsocketProvider } from "y-websocket";
import * as decoding from "lib0/decoding";
import { until } from "./house.mjs";

export class Client {
  constructor(base) {
    this.base = base;
    this.cookies = new Map();
  }

  cookieHeader() {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  async request(method, path, body, headers = {}) {
    const response = await fetch(this.base + path, {
      method,
      headers: {
        cookie: this.cookieHeader(),
        origin: this.base,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    // Node 18 has no getSetCookie yet; ours sets one cookie an answer.
    for (const line of response.headers.getSetCookie?.() ?? [response.headers.get("set-cookie")].filter(Boolean)) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (value) this.cookies.set(name, value);
      else this.cookies.delete(name);
    }
    return response;
  }

  // The body of a successful answer; throws with the problem document otherwise.
  async call(method, path, body) {
    const response = await this.request(method, path, body);
    const text = await response.text();
    if (!response.ok) {
      const error = new Error(`${method} ${path}: ${response.status} ${text}`);
      error.status = response.status;
      try {
        error.problem = JSON.parse(text);
      } catch {
        // not a problem document: the text is in the message
      }
      throw error;
    }
    return text ? JSON.parse(text) : null;
  }

  get(path) {
    return this.call("GET", path);
  }
  post(path, body = undefined) {
    return this.call("POST", path, body);
  }
  put(path, body) {
    return this.call("PUT", path, body);
  }

  socket(path) {
    return new WebSocket(this.base.replace(/^http/, "ws") + path, { headers: { cookie: this.cookieHeader(), origin: this.base } });
  }

  // A stock y-websocket client of a draft, which counts what the box has said is durable.
  document(draftId, audience = "shared") {
    const client = this;
    class Socket extends WebSocket {
      constructor(url) {
        super(url, { headers: { cookie: client.cookieHeader(), origin: client.base } });
      }
    }
    const doc = new Y.Doc();
    const provider = new WebsocketProvider(`${this.base.replace(/^http/, "ws")}/api/drafts/${draftId}`, audience, doc, {
      WebSocketPolyfill: Socket,
      disableBc: true,
      connect: false,
      maxBackoffTime: 200,
    });
    const state = { doc, provider, form: doc.getMap("form"), durable: 0, refused: [], checks: null, authors: new Map() };
    provider.messageHandlers[100] = (_encoder, decoder) => {
      state.durable = decoding.readVarUint(decoder);
    };
    provider.messageHandlers[101] = (_encoder, decoder) => {
      state.refused.push(...JSON.parse(decoding.readVarString(decoder)).refused);
    };
    provider.messageHandlers[102] = (_encoder, decoder) => {
      state.checks = JSON.parse(decoding.readVarString(decoder));
    };
    provider.messageHandlers[103] = (_encoder, decoder) => {
      const { authors, complete } = JSON.parse(decoding.readVarString(decoder));
      if (complete) state.authors.clear();
      for (const author of authors) state.authors.set(author.path, author);
    };
    state.synced = () => until("the document to be synced", () => provider.synced);
    state.close = () => {
      provider.destroy();
      doc.destroy();
    };
    provider.connect();
    return state;
  }
}

// Live events of a page: everything received, and a wait for what fits.
export class Live {
  constructor(client, topics, as = undefined) {
    this.messages = [];
    this.client = client;
    this.topics = topics;
    this.as = as;
    this.seq = null;
    this.#connect();
  }

  #connect() {
    this.ws = this.client.socket(`/api/live${this.as ? `?as=${this.as}` : ""}`);
    this.ws.on("open", () => this.ws.send(JSON.stringify({ type: "subscribe", topics: this.topics, since: this.seq })));
    this.ws.on("message", (data) => {
      const message = JSON.parse(data.toString());
      if (typeof message.seq === "number") this.seq = message.seq;
      this.messages.push(message);
    });
    this.ws.on("error", () => {});
  }

  send(topic, kind, data) {
    this.ws.send(JSON.stringify({ type: "send", topic, kind, data }));
  }

  wait(what, check, timeoutMs) {
    return until(what, () => this.messages.find(check), timeoutMs);
  }

  close() {
    this.ws.terminate();
  }
}

// Janus' videocall plugin as Debian ships it: its own configuration folder, WebSocket on a free port.
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import WebSocket from "ws";
import { freePort } from "../../house/ports.mjs";
import { RELAY_ADDRESS } from "./net.mjs";
import { RELAY_CORE, start, stop, temporaryFolder } from "./process.mjs";
import { read, write } from "./sdp.mjs";

export const name = "Janus 1.1.2 videocall";
const LIBRARIES = "/usr/lib/x86_64-linux-gnu/janus";

// All that is not here is Janus' own default. There is one address, no session times out because it
// is idle, and nothing is logged.
const config = (folder) => `general: {
  configs_folder = "${folder}"
  plugins_folder = "${LIBRARIES}/plugins"
  transports_folder = "${LIBRARIES}/transports"
  events_folder = "${LIBRARIES}/events"
  loggers_folder = "${LIBRARIES}/loggers"
  debug_level = 0
  session_timeout = 0
}
nat: { ice_enforce_list = "${RELAY_ADDRESS}" }
media: { rtp_port_range = "20000-60000" }
plugins: { disable = "${["audiobridge", "duktape", "echotest", "lua", "nosip", "recordplay", "sip", "streaming", "textroom", "videoroom", "voicemail"].map((plugin) => `libjanus_${plugin}.so`).join()}" }
transports: { disable = "${["http", "mqtt", "nanomsg", "pfunix", "rabbitmq"].map((transport) => `libjanus_${transport}.so`).join()}" }
loggers: { disable = "libjanus_jsonlog.so" }
`;

async function open(url, tries = 100) {
  for (;;) {
    const socket = new WebSocket(url, "janus-protocol");
    try {
      await once(socket, "open");
      return socket;
    } catch (error) {
      if (--tries === 0) throw error;
      await sleep(50);
    }
  }
}

export class Janus {
  #handles = new Map();
  #transactions = new Map();
  #next = 0;

  static async start(core = RELAY_CORE) {
    const relay = new Janus();
    const folder = temporaryFolder();
    relay.port = await freePort();
    relay.url = `ws://127.0.0.1:${relay.port}/`;
    writeFileSync(join(folder, "janus.jcfg"), config(folder));
    writeFileSync(join(folder, "janus.transport.websockets.jcfg"), `general: { ws = true, ws_port = ${relay.port}, ws_ip = "127.0.0.1", wss = false }\nadmin: { admin_ws = false }\n`);
    relay.child = start("janus", ["--configs-folder", folder, "--disable-stdout"], { core, stdio: ["ignore", "ignore", "ignore"] });
    relay.socket = await open(relay.url);
    relay.socket.on("message", (text) => relay.#received(JSON.parse(text)));
    return relay;
  }
  get pid() {
    return this.child.pid;
  }

  #received(message) {
    const waiting = this.#transactions.get(message.transaction);
    if (waiting && message.janus !== "ack") {
      this.#transactions.delete(message.transaction);
      if (message.janus === "error") waiting.reject(new Error(`Janus: ${message.error.reason}`));
      else waiting.resolve(message);
    }
    if (message.janus === "event") this.#handles.get(message.sender)?.(message.plugindata.data, message.jsep);
  }
  #request(message) {
    const transaction = `t${this.#next++}`;
    this.socket.send(JSON.stringify({ ...message, transaction }));
    return new Promise((resolve, reject) => this.#transactions.set(transaction, { resolve, reject }));
  }

  /** A session of its own with a handle, as each browser has; `event(result, jsep)` gets what the plugin says. */
  async #person(username, event) {
    const session_id = (await this.#request({ janus: "create" })).data.id;
    const handle_id = (await this.#request({ janus: "attach", session_id, plugin: "janus.plugin.videocall" })).data.id;
    this.#handles.set(handle_id, (data, jsep) => event(data.error ? { event: "error", reason: data.error } : data.result, jsep));
    const message = (body, jsep) => this.#request({ janus: "message", session_id, handle_id, body, ...(jsep ? { jsep } : {}) });
    await message({ request: "register", username });
    return { message };
  }

  /** Adds a call of two legs; resolves to their ciphers. */
  async call(generator) {
    const legs = [await generator.leg(), await generator.leg()];
    const [caller, callee] = legs.map((leg) => `leg-${leg.leg}`);
    let first, second;
    const connected = new Promise((resolve, reject) => {
      const ciphers = [];
      const connect = (i, jsep, offered) => ciphers.push(generator.connect(legs[i], legs[1 - i], jsep.sdp, { offered }));
      const failed = (result) => reject(new Error(`Janus: ${result.event} ${result.reason ?? ""}`));
      first = (result, jsep) => {
        if (result.event === "accepted") connect(0, jsep, true);
        else if (!["registered", "calling"].includes(result.event)) failed(result);
        if (ciphers.length === 2) Promise.all(ciphers).then(resolve, reject);
      };
      second = (result, jsep) => {
        if (result.event === "incomingcall") {
          second.person.message({ request: "accept" }, { type: "answer", sdp: write(legs[1], "active", read(jsep.sdp).mids) });
          connect(1, jsep, false);
        } else if (!["registered", "accepted"].includes(result.event)) failed(result);
      };
    });
    const one = await this.#person(caller, first);
    second.person = await this.#person(callee, second);
    one.message({ request: "call", username: callee }, { type: "offer", sdp: write(legs[0], "actpass") });
    return connected;
  }

  async stop() {
    this.socket.terminate();
    await stop(this.child);
  }
}

// The load generator's process and its legs.
import { EventEmitter, once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { LOAD_CORE, start, stop } from "./process.mjs";
import { read } from "./sdp.mjs";

export class Generator extends EventEmitter {
  #made = [];
  static start(build, profiles) {
    const generator = new Generator();
    generator.setMaxListeners(0);
    generator.child = start(join(build, "tests/bench/video/video-load"), [profiles], { core: LOAD_CORE, stdio: ["pipe", "pipe", "inherit"] });
    createInterface(generator.child.stdout).on("line", (line) => {
      const event = JSON.parse(line);
      if (event.event === "leg") generator.#made.shift()(event);
      else generator.emit(event.event === "settled" ? `settled ${event.leg}` : event.event, event);
    });
    generator.child.on("exit", (code, signal) => generator.emit("error", new Error(`video-load ended: ${code ?? signal}`)));
    return generator;
  }
  #say(command) {
    this.child.stdin.write(`${JSON.stringify(command)}\n`);
  }

  /** Legs are made in the order in which they are asked for. */
  leg() {
    this.#say({ do: "leg" });
    return new Promise((resolve) => this.#made.push(resolve));
  }
  /** Connects a leg to what the relay's description names; resolves to the cipher. */
  async connect(leg, peer, sdp, { offered }) {
    const { address, port, ufrag, password, fingerprint, setup, lite } = read(sdp);
    const settled = once(this, `settled ${leg.leg}`);
    // RFC 8445 §6.1.1: who offers is in control, unless the other side is a lite one.
    this.#say({ do: "connect", leg: leg.leg, peer: peer.leg, address, port, ufrag, password, fingerprint, server: offered && setup === "active", controlling: offered || lite });
    const timer = setTimeout(() => this.emit("error", new Error(`leg ${leg.leg} does not connect`)), 15000);
    const [{ profile, failure }] = await settled;
    clearTimeout(timer);
    if (failure) throw new Error(`leg ${leg.leg}: ${failure}`);
    return profile;
  }
  plain(leg, port) {
    this.#say({ do: "plain", leg: leg.leg, peer: leg.leg, address: "127.0.0.1", port });
  }

  /** One window; `began` is called when it begins. */
  async run(legs, relay, windowMs, { leadMs = 700, began } = {}) {
    const report = once(this, "report");
    if (began) this.once("began", began);
    this.#say({ do: "run", legs, relay, lead: leadMs, window: windowMs });
    return (await report)[0];
  }

  async stop() {
    this.removeAllListeners("error").on("error", () => {});
    await stop(this.child);
  }
}

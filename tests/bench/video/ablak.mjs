// ablak-media with the bench in the box's place: control messages over a Unix socket.
import { once } from "node:events";
import { join } from "node:path";
import { Box } from "../../interop/video/box.mjs";
import { RELAY_ADDRESS } from "./net.mjs";
import { RELAY_CORE, start, stop, temporaryFolder } from "./process.mjs";
import { write } from "./sdp.mjs";

export class Ablak {
  #sessions = 0;
  /** `profiles`: the SRTP profiles it may use, if not its own choice; `program`: another media process of the build. */
  static async start(build, core = RELAY_CORE, profiles, program = "video/ablak-media") {
    const relay = new Ablak();
    relay.box = await Box.listen(join(temporaryFolder(), "control"));
    relay.box.setMaxListeners(0);
    const hello = once(relay.box, "hello");
    relay.child = start(join(build, program), ["--control-socket", relay.box.path, "--media-addresses", RELAY_ADDRESS,
      "--media-port-min", "0", "--media-port-max", "0", "--media-sessions-max", "10000", "--log-level", "error",
      ...(profiles ? ["--media-srtp-profiles", profiles] : [])], { core });
    await hello;
    return relay;
  }
  get pid() {
    return this.child.pid;
  }

  /** Adds a call, of two legs if nothing else is said; resolves to their ciphers. */
  async call(generator, parties = 2) {
    const session = `call-${this.#sessions++}`;
    const legs = [];
    while (legs.length < parties) legs.push(await generator.leg());
    return Promise.all(legs.map((leg, i) => this.#join(generator, session, leg, legs[(i + 1) % parties])));
  }

  async #join(generator, session, leg, peer) {
    const id = `leg-${leg.leg}`;
    let connected;
    const failed = new Promise((_, reject) => {
      this.box.on("message", (message) => {
        if (message.session !== session || message.leg !== id) return;
        if (message.type === "error") reject(new Error(`${id}: ${message.slug} ${message.detail}`));
        if (message.type === "state" && message.state === "failed") reject(new Error(`${id}: ${message.reason}`));
        if (message.type !== "offer") return;
        // Later offers tell of the other's streams; they are answered like the first.
        this.box.send({ type: "answer", session, leg: id, generation: message.generation, sdp: write(leg, "active", undefined, message.sdp) });
        connected ??= generator.connect(leg, peer, message.sdp, { offered: false });
      });
    });
    const offered = this.box.next((m) => m.type === "offer" && m.leg === id && m.session === session, `an offer for ${id}`);
    this.box.send({ type: "join", session, leg: id, label: id, audio: true, video: true });
    await Promise.race([offered, failed]);
    return Promise.race([connected, failed]);
  }

  async stop() {
    await stop(this.child);
    await this.box.close();
  }
}

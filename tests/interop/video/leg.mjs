// One client's part in a call: the box's offers go to it, its answers and candidates to the box.
import { setTimeout as sleep } from "node:timers/promises";
import { rtpHeader, Wire } from "./wire.mjs";

const codecs = new Set([96, 98, 102]);
const retransmissions = new Set([97, 99, 103]);

/** The offer as it reads for somebody who knows nothing of retransmissions. */
function withoutRtx(sdp) {
  return sdp
    .replace(/^m=video .*$/m, (line) => line.replace(/ (97|99|103)\b/g, ""))
    .replace(/^a=(rtpmap|fmtp):(97|99|103) .*\r\n/gm, "")
    .replace(/^a=ssrc-group:FID \d+ (\d+)\r\n/gm, "");
}

export class Leg {
  errors = [];
  wire = new Wire();
  /** `repeated`: what was lost came after all, under its own number. */
  seen = { lost: 0, retransmitted: 0, repeated: 0 };
  #queue = Promise.resolve();
  #generation = 0;
  #toLose = 0;
  #lost = new Set();
  #countdown = 0;

  constructor(box, session, leg, { knowsRtx }) {
    Object.assign(this, { box, session, leg, knowsRtx });
    this.wire.loses = (packet, towardsClient) => towardsClient && this.#pass(rtpHeader(packet));
    this.listen = (message) => {
      if (message.session !== session || message.leg !== leg) return;
      if (message.type === "offer") this.#next(() => this.#offered(message));
      if (message.type === "candidate") this.#next(() => this.#candidate(message));
      if (message.type === "error") this.errors.push(message);
    };
    box.on("message", this.listen);
  }

  /** Offers and candidates are taken one after the other. */
  #next(step) {
    this.#queue = this.#queue.then(step).catch((error) => this.errors.push(error));
  }

  async #offered({ sdp, generation }) {
    this.#generation = generation;
    const offer = await this.wire.through(this.knowsRtx ? sdp : withoutRtx(sdp), true);
    const answer = await this.wire.through(await this.peer.answer(offer), false);
    this.#send({ type: "answer", generation, sdp: answer });
  }

  async #candidate({ candidate, mid }) {
    await this.peer.candidate(await this.wire.through(candidate, true), mid);
  }

  #send(message) {
    this.box.send({ ...message, session: this.session, leg: this.leg });
  }

  async join(program, trickle) {
    this.peer = await program.join(trickle, async (found, mid) => {
      const candidate = await this.wire.through(found, false);
      this.#send({ type: "candidate", generation: this.#generation, candidate, mid });
    });
    this.#send({ type: "join", audio: true, video: true });
  }

  /**
   * Loses three video packets on their way to the client, some way apart, until it has got over it.
   * Again every two seconds, as probing for bandwidth may by chance repeat what was lost before it
   * is missed.
   */
  async recovers(complaint) {
    Object.assign(this.seen, { lost: 0, retransmitted: 0, repeated: 0 });
    this.#lost.clear();
    const lose = () => (this.#toLose = 3);
    lose();
    const clock = setInterval(lose, 2000);
    try {
      return await this.until(complaint);
    } finally {
      clearInterval(clock);
    }
  }

  #pass(header) {
    if (header === null) return false;
    if (retransmissions.has(header.payloadType)) this.seen.retransmitted++;
    if (!codecs.has(header.payloadType)) return false;
    const name = `${header.ssrc}-${header.sequence}`;
    if (this.#lost.delete(name)) this.seen.repeated++;
    if (this.#toLose === 0 || this.#countdown-- > 0) return false;
    this.#countdown = 10;
    this.#toLose--;
    this.#lost.add(name);
    this.seen.lost++;
    return true;
  }

  connected() {
    return this.box.next(
      (m) => m.type === "state" && m.session === this.session && m.leg === this.leg && m.state === "connected",
      `${this.leg} to be connected`, 10_000);
  }

  /** The client's figures once they are good; `complaint` says what is not. */
  async until(complaint, timeoutMs = 8000) {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const stats = await this.peer.stats();
      const wrong = complaint(stats, this.seen);
      if (!wrong) return stats;
      if (Date.now() > deadline) throw new Error(`${this.leg} ${wrong}: ${JSON.stringify({ ...stats, ...this.seen })}`);
      await sleep(100);
    }
  }

  async part() {
    this.#send({ type: "leave" });
    this.box.off("message", this.listen);
    await this.#queue;
    await this.peer?.close();
    await this.wire.close();
  }
}

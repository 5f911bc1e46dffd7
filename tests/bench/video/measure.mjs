// One system under load: calls are added to it and windows of time measured.
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { Ablak } from "./ablak.mjs";
import { Generator } from "./generator.mjs";
import { Janus } from "./janus.mjs";
import { memoryBytes, RELAY_CORE, start, stop } from "./process.mjs";

const pairwise = (rule) => (build) => Ablak.start(build, RELAY_CORE, undefined, `tests/bench/video/ablak-media-pairwise-${rule}`);
const systems = {
  ours: (build) => Ablak.start(build),
  // What the product decided against, for calls of more than two: pairwise/pairwise.c.
  each: pairwise("each"),
  worst: pairwise("worst"),
  peer: () => Janus.start(),
};

const LOST_PART = 0.001;
const ADDED_DELAY_US = 5000;
/** How many times as much the generator could do: what is measured with less may be its limit. */
const HEADROOM = 3;
/** On a shared machine a window may have met something else. */
const TRIES = 3;
/** Calls that are set up at the same time. */
const AT_ONCE = 4;

export class Bench {
  calls = 0;
  parties = 2;
  ciphers = new Set();
  static async start(build, system, profiles, parties = 2) {
    const bench = new Bench();
    bench.parties = parties;
    bench.generator = Generator.start(build, profiles);
    bench.failed = once(bench.generator, "error").then(([error]) => Promise.reject(error));
    bench.failed.catch(() => {});
    bench.relay = await systems[system](build);
    return bench;
  }
  async #add() {
    for (const cipher of await this.relay.call(this.generator, this.parties)) this.ciphers.add(cipher);
  }
  async #grow(calls) {
    while (this.calls < calls) {
      const more = Math.min(AT_ONCE, calls - this.calls);
      await Promise.race([this.failed, Promise.all(Array.from({ length: more }, () => this.#add()))]);
      this.calls += more;
    }
  }

  /** All calls send for a while; memory is read in the middle when it is asked for. */
  async window(calls, windowMs, { memory = false } = {}) {
    await this.#grow(calls);
    let bytes;
    const began = memory ? () => setTimeout(() => (bytes = memoryBytes(this.relay.pid)), windowMs / 2) : undefined;
    const report = await Promise.race([this.failed, this.generator.run(this.parties * this.calls, this.relay.pid, windowMs, { began })]);
    if (report.opened === 0 || report.forged > 0) throw new Error(`the relay changed packets: ${JSON.stringify(report)}`);
    if (report.strays > 0) throw new Error(`senders were told of packets that are not theirs: ${JSON.stringify(report)}`);
    if (report.drops > 0) throw new Error(`the generator lost ${report.drops} packets itself`);
    return {
      ...report, memory: bytes,
      usPerPacket: report.relay_ns / report.wall_received / 1000,
      load: report.relay_ns / report.wall_ns,
      ownLoad: report.own_ns / report.wall_ns,
      headroom: report.wall_ns / report.own_ns,
      lost: 1 - report.received / report.sent,
    };
  }
  async stop() {
    await this.relay.stop();
    await this.generator.stop();
  }
}

/** Delays through a plain UDP echo in the relay's place; what a relay adds is what it has more. */
export async function baseline(build, windowMs) {
  const generator = Generator.start(build, "SRTP_AES128_CM_SHA1_80");
  const echo = start(join(build, "tests/bench/video/video-load"), ["echo"], { core: RELAY_CORE, stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface(echo.stdout), "line");
  for (let i = 0; i < 20; i++) generator.plain(await generator.leg(), JSON.parse(line).port);
  const report = await generator.run(20, echo.pid, windowMs);
  await stop(echo);
  await generator.stop();
  return report;
}

/** As many calls as the core carries: doubled while there is much room, then in steps of `step` (1.1
 * is 10 %). Only upwards, as calls that were given up would go on costing the relay something.
 * `sure`: with the headroom that the generator is to have; `most`: with whatever it had. */
export async function capacity(build, system, profiles, { step, windowMs, base, say }) {
  const bench = await Bench.start(build, system, profiles);
  const none = { calls: 0, headroom: 0 };
  let sure = none, most = none, calls = 8;
  try {
    for (let failures = 0; failures < TRIES;) {
      const seen = await bench.window(calls, windowMs);
      const added = seen.p99_us - base.p99_us;
      const good = seen.lost < LOST_PART && added < ADDED_DELAY_US;
      say(`${system} ${calls} calls: load ${seen.load.toFixed(2)}, lost ${(100 * seen.lost).toFixed(3)} %, p99 +${(added / 1000).toFixed(2)} ms, generator ${seen.ownLoad.toFixed(2)}`);
      if (!good) {
        await sleep(500 * ++failures);
        continue;
      }
      most = { calls, headroom: seen.headroom };
      if (seen.headroom >= HEADROOM) sure = most;
      failures = 0;
      const room = Math.min(2, 0.5 / seen.load, Math.max(step, seen.headroom / HEADROOM));
      calls = Math.max(Math.ceil(calls * step), Math.floor(calls * room));
    }
  } finally {
    await bench.stop();
  }
  return { sure, most };
}

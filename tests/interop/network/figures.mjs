// What a person gets of a call and of the form, measured in the pages themselves. All pages run on
// one machine and so share a clock.
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../../house/house.mjs";

const EVERY_MS = 20;

// Runs in the page before its own script. Twenty milliseconds are one packet of sound.
function observe(everyMs) {
  const it = (window.figuresOfTest = { peers: [], frames: [], sound: [], ways: [] });
  const Peer = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Peer {
    constructor(...given) {
      super(...given);
      it.peers.push(this);
    }
  };
  let audio = null, frames = 0, counted = null;
  const look = async () => {
    const peer = it.peers.findLast((one) => one.connectionState !== "closed");
    const receivers = peer?.getReceivers() ?? [];
    for (const receiver of receivers.filter((one) => one.track.kind === "audio")) {
      // The stamp of the last packet that was played.
      const [source] = receiver.getSynchronizationSources();
      if (source && source.rtpTimestamp !== audio) {
        audio = source.rtpTimestamp;
        it.sound.push(Date.now());
      }
    }
    for (const receiver of receivers.filter((one) => one.track.kind === "video"))
      for (const entry of (await receiver.getStats()).values())
        if (entry.type === "inbound-rtp") {
          if (counted !== entry.id + peer.localDescription?.sdp.slice(0, 60)) frames = entry.framesDecoded;
          counted = entry.id + peer.localDescription?.sdp.slice(0, 60);
          for (; frames < entry.framesDecoded; frames++) it.frames.push(Date.now());
        }
  };
  let busy = false;
  setInterval(() => {
    if (busy) return;
    busy = true;
    look().catch(() => {}).finally(() => (busy = false));
  }, everyMs);
}

export const prepare = (page) => page.addInitScript(observe, EVERY_MS);

/** The longest time without one of `times` between `from` and `to`, and when it ended. */
function longestGap(times, from, to) {
  let last = from, gap = { ms: 0, end: from };
  for (const time of [...times.filter((one) => one > from && one < to), to]) {
    if (time - last > gap.ms) gap = { ms: time - last, end: time };
    last = time;
  }
  return gap;
}

/** One page's figures of sound and picture between two times; `backAt`: when its line came back. */
export async function received(page, from, to, backAt) {
  const { frames, sound } = await page.evaluate(() => ({ frames: window.figuresOfTest.frames, sound: window.figuresOfTest.sound }));
  const inside = frames.filter((time) => time > from && time < to);
  const silent = longestGap(sound, from, to), dark = longestGap(frames, from, to);
  const figures = {
    audioGapMs: silent.ms,
    framesPerSecond: Math.round((inside.length * 10_000) / (to - from)) / 10,
    pictureGapMs: dark.ms,
  };
  return backAt === undefined ? figures : { ...figures, soundBackMs: silent.end - backAt, pictureBackMs: dark.end - backAt };
}

/** How the picture and the sound go at present: "host udp", "relay tls". */
export function way(page) {
  return page.evaluate(async () => {
    const report = await window.figuresOfTest.peers.at(-1).getStats();
    for (const entry of report.values())
      if (entry.type === "transport") {
        const pair = report.get(entry.selectedCandidatePairId);
        const local = pair && report.get(pair.localCandidateId);
        return local && `${local.candidateType} ${local.relayProtocol ?? local.protocol}`;
      }
  });
}

const percentile = (values, share) => values.sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? null;

/** Types into a field on one page and measures when the other shows it. */
export class Typing {
  #sent = [];
  #stopped = false;
  #done;

  static async begin(from, to) {
    const typing = new Typing();
    typing.to = to;
    await to.evaluate((field) => {
      const seen = (window.typedOfTest = []);
      let last = field.value;
      window.typedTimer = setInterval(() => {
        if (field.value === last) return;
        last = field.value;
        seen.push([last, Date.now()]);
      }, 10);
    });
    typing.#done = (async () => {
      for (let i = 0; !typing.#stopped; i++) {
        const text = `line ${i}`;
        const at = await from.evaluate((field, value) => {
          field.value = value;
          field.dispatchEvent(new InputEvent("input", { bubbles: true }));
          return Date.now();
        }, text);
        typing.#sent.push([text, at]);
        await sleep(400);
      }
    })();
    return typing;
  }

  /** `backAt`: when the line came back. What is never shown took for ever. */
  async end(backAt) {
    this.#stopped = true;
    await this.#done;
    const last = this.#sent.at(-1)[0];
    await until("what was typed last to be shown", async () => (await this.to.inputValue()) === last, 40_000).catch(() => {});
    const seen = await this.to.evaluate(() => {
      clearInterval(window.typedTimer);
      return window.typedOfTest;
    });
    // A later text that is shown first shows the earlier one too.
    const number = (text) => Number(text.split(" ")[1]);
    const shownAt = (text) => seen.find(([other]) => number(other) >= number(text))?.[1] ?? Infinity;
    const times = this.#sent.map(([text, at]) => shownAt(text) - at);
    const figures = { p50Ms: percentile(times, 0.5), maxMs: Math.max(...times), arrived: seen.at(-1)?.[0] === last };
    if (backAt === undefined) return figures;
    return { ...figures, backMs: this.#sent.map(([text]) => shownAt(text)).find((at) => at > backAt) - backAt };
  }
}

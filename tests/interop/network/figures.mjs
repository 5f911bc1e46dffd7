// What a person gets of a call and of the form, measured in the pages themselves. All pages run on
// one machine and so share a clock.
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../../house/house.mjs";

// Statistics are made anew every 50 ms.
const EVERY_MS = 60;

// Runs in the page before its own script. It notes the time of each frame decoded, and of each piece
// of sound how many milliseconds were made up (as WebRTC's statistics call it, concealed) because nothing had come;
// and by the sender's clock, as its reports give it, how far the picture shown is ahead of the sound heard.
function observe(everyMs) {
  const it = (window.figuresOfTest = { peers: [], frames: {}, sound: {}, ahead: {} });
  const Peer = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Peer {
    constructor(...given) {
      super(...given);
      it.peers.push(this);
    }
    setRemoteDescription(description) {
      // The browser's own copy leaves out the labels.
      it.offer = description.sdp;
      return super.setRemoteDescription(description);
    }
  };
  const begun = { at: 0, samples: 0, concealed: 0, played: 0, waited: 0 };
  const heard = {}, sources = {}, frames = {};
  const hear = (entry) => {
    const before = heard[entry.mid] ?? begun, pieces = (it.sound[entry.mid] ??= []);
    const at = Date.now(), samples = entry.totalSamplesReceived, concealed = entry.concealedSamples;
    const more = samples - before.samples;
    // The same statistics as before; for longer, though, it is silence.
    if (more === 0 && at - before.at < 200) return;
    const madeUp = concealed - before.concealed;
    const played = entry.jitterBufferEmittedCount, waited = entry.jitterBufferDelay;
    pieces.push({ at, madeUpMs: more > 0 ? madeUp / 48 : at - before.at, whole: madeUp >= more, played: played - before.played, waited: waited - before.waited });
    heard[entry.mid] = { at, samples, concealed, played, waited };
  };
  const see = ({ mid, ssrc, framesDecoded }) => {
    const times = (it.frames[mid] ??= []);
    // Who joins anew is another stream in the same receiver, and counts from nothing.
    if (sources[mid] !== ssrc) frames[mid] = framesDecoded;
    sources[mid] = ssrc;
    for (; frames[mid] < framesDecoded; frames[mid]++) times.push(Date.now());
  };
  const compare = (shown, heard) => {
    if (shown?.estimatedPlayoutTimestamp && heard?.estimatedPlayoutTimestamp)
      (it.ahead[shown.mid] ??= []).push({ at: Date.now(), ms: shown.estimatedPlayoutTimestamp - heard.estimatedPlayoutTimestamp });
  };
  const look = async () => {
    const peer = it.peers.findLast((one) => one.connectionState !== "closed");
    const coming = {};
    for (const entry of (await peer?.getStats())?.values() ?? []) {
      if (entry.type !== "inbound-rtp") continue;
      coming[entry.mid] = entry;
      if (entry.kind === "audio") hear(entry);
      else see(entry);
    }
    for (const mid in coming) if (/^video/.test(mid)) compare(coming[mid], coming[mid.replace("video", "audio")]);
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

const percentile = (values, share) => values.sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? null;
const sumOf = (list, name) => list.reduce((sum, one) => sum + one[name], 0);

/**
 * The longest time in which all sound was made up, and when it ended. Pieces that were made up only in
 * part count as if what was made up of them lay at the end that makes it longest.
 */
function longestSilence(sound) {
  let before = 0, run = 0, gap = { ms: 0, end: 0 };
  for (const { at, madeUpMs, whole } of sound) {
    if (whole) {
      run += madeUpMs;
    } else {
      if (before + run + madeUpMs > gap.ms) gap = { ms: Math.round(before + run + madeUpMs), end: at };
      [before, run] = [madeUpMs, 0];
    }
  }
  return before + run > gap.ms ? { ms: Math.round(before + run), end: Infinity } : gap;
}

/**
 * One page's figures of sound and picture between two times, of the first other person or of who is
 * at another place ("-2"). `backAt`: when its line came back.
 */
export async function received(page, from, to, { backAt, place = "" } = {}) {
  const [frames, sound, ahead] = await page.evaluate((at) => [window.figuresOfTest.frames[`video${at}`] ?? [], window.figuresOfTest.sound[`audio${at}`] ?? [], window.figuresOfTest.ahead[`video${at}`] ?? []], place);
  const inside = frames.filter((time) => time > from && time < to);
  const pieces = sound.filter(({ at }) => at > from && at < to);
  const apart = percentile(ahead.filter(({ at }) => at > from && at < to).map(({ ms }) => ms), 0.5);
  const silent = longestSilence(pieces), dark = longestGap(frames, from, to);
  const figures = {
    audioGapMs: silent.ms,
    audioDelayMs: Math.round((sumOf(pieces, "waited") * 1000) / sumOf(pieces, "played")),
    madeUpPercent: Math.round((sumOf(pieces, "madeUpMs") * 1000) / (to - from)) / 10,
    framesPerSecond: Math.round((inside.length * 10_000) / (to - from)) / 10,
    pictureGapMs: dark.ms,
    pictureAheadMs: apart && Math.round(apart),
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

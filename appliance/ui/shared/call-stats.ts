// A second of a call from what the browser counts (getStats): differences between two readings.
import type { LineSample } from "./line-ladder";

/** A reading: running totals, and what is a state already. */
export interface Reading {
  at: number;
  received: number;
  lost: number;
  bytesIn: number;
  bytesOut: number;
  frames: number;
  lossOut: number | null;
  roundTripMs: number | null;
  sendKbps: number | null;
  /** How the line runs: straight, or over a relay, and by which protocol. */
  way: { relayed: boolean; protocol: string } | null;
}

/** A second in figures, for people who want them. */
export interface LineFigures {
  loss: number | null;
  roundTripMs: number | null;
  kbpsIn: number;
  kbpsOut: number;
  framesPerSecond: number;
  packetsIn: number;
}

type Entry = Record<string, unknown> & { id: string; type: string };
const number = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);

function pairOf(entries: Map<string, Entry>): Entry | undefined {
  for (const entry of entries.values()) {
    if (entry.type === "transport") {
      const chosen = entries.get(String(entry["selectedCandidatePairId"]));
      if (chosen) return chosen;
    }
  }
  // Firefox has no transport entry.
  return [...entries.values()].find((entry) => entry.type === "candidate-pair" && entry["nominated"] === true && entry["state"] === "succeeded");
}

export function readingOf(report: Iterable<[string, unknown]>, at: number): Reading {
  const entries = new Map([...report].map(([id, entry]) => [id, entry as Entry]));
  const reading: Reading = { at, received: 0, lost: 0, bytesIn: 0, bytesOut: 0, frames: 0, lossOut: null, roundTripMs: null, sendKbps: null, way: null };
  for (const entry of entries.values()) {
    if (entry.type === "inbound-rtp") {
      reading.received += number(entry["packetsReceived"]) ?? 0;
      reading.lost += number(entry["packetsLost"]) ?? 0;
      reading.frames += number(entry["framesDecoded"]) ?? 0;
    } else if (entry.type === "remote-inbound-rtp") reading.lossOut = Math.max(reading.lossOut ?? 0, number(entry["fractionLost"]) ?? 0);
  }
  const pair = pairOf(entries);
  if (pair) {
    const roundTrip = number(pair["currentRoundTripTime"]);
    const send = number(pair["availableOutgoingBitrate"]);
    const local = entries.get(String(pair["localCandidateId"]));
    reading.roundTripMs = roundTrip === null ? null : roundTrip * 1000;
    reading.sendKbps = send === null ? null : send / 1000;
    reading.bytesIn = number(pair["bytesReceived"]) ?? 0;
    reading.bytesOut = number(pair["bytesSent"]) ?? 0;
    if (local) reading.way = { relayed: local["candidateType"] === "relay", protocol: String(local["relayProtocol"] ?? local["protocol"] ?? "udp") };
  }
  return reading;
}

export function figuresOf(before: Reading, now: Reading): LineFigures {
  const seconds = Math.max(0.001, (now.at - before.at) / 1000);
  const received = Math.max(0, now.received - before.received);
  const lost = Math.max(0, now.lost - before.lost);
  const lossIn = received + lost > 0 ? lost / (received + lost) : null;
  return {
    loss: lossIn === null ? now.lossOut : Math.max(lossIn, now.lossOut ?? 0),
    roundTripMs: now.roundTripMs,
    kbpsIn: Math.max(0, ((now.bytesIn - before.bytesIn) * 8) / 1000 / seconds),
    kbpsOut: Math.max(0, ((now.bytesOut - before.bytesOut) * 8) / 1000 / seconds),
    framesPerSecond: Math.max(0, (now.frames - before.frames) / seconds),
    packetsIn: received,
  };
}

/** What this page sends and may expect of the others in a second. */
export interface Circumstances {
  connected: boolean;
  sends: boolean;
  /** Sound or picture; nothing of it means that the line is cut. */
  expects: boolean;
  expectsPicture: boolean;
}

export function sampleOf(figures: LineFigures, now: Reading, { connected, sends, expects, expectsPicture }: Circumstances): LineSample {
  return {
    cut: !connected || (expects && figures.packetsIn === 0),
    loss: figures.loss,
    roundTripMs: figures.roundTripMs,
    // Without a picture of its own the browser's guess stays where it began.
    sendKbps: sends ? now.sendKbps : null,
    framesPerSecond: expectsPicture ? figures.framesPerSecond : null,
  };
}

// Trying the line before a call: this page joins a session of its own at the box with two legs, sends
// its picture and sound on one and hears them on the other. What comes back has gone the whole way
// there and back, through the same process and by the same protocol as the call will.
import { figuresOf, readingOf, type LineFigures, type Reading } from "./call-stats";
import type { Live, LiveMessage } from "./live";

export interface LineResult {
  /** Picture and sound can reach the box at all. */
  reached: boolean;
  way: Reading["way"];
  figures: LineFigures | null;
  sentPicture: boolean;
}

/** What to expect of a call over this line. */
export type Expectation = "picture" | "sound" | "text";

export function expectationOf({ reached, figures, sentPicture }: LineResult): Expectation {
  if (!reached || !figures) return "text";
  const { loss, roundTripMs, framesPerSecond } = figures;
  if ((loss ?? 0) >= 0.3 || (roundTripMs ?? 0) >= 2000) return "text";
  if ((loss ?? 0) >= 0.12 || (roundTripMs ?? 0) >= 800 || (sentPicture && framesPerSecond < 5)) return "sound";
  return "picture";
}

const CONNECT_MS = 8_000;
const SETTLE_MS = 500;
const MEASURE_MS = 2_000;
const sleep = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });

class Leg {
  readonly peer: RTCPeerConnection;
  #early: RTCIceCandidateInit[] = [];
  #queue: Promise<void> = Promise.resolve();

  constructor(readonly id: string, iceServers: RTCIceServer[], readonly tracks: readonly MediaStreamTrack[], readonly send: (kind: string, data: Record<string, unknown>) => void) {
    this.peer = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
  }

  receive(kind: string, data: Record<string, unknown>): void {
    this.#queue = this.#queue.then(() => this.#take(kind, data)).catch((error: unknown) => console.warn("line check:", error));
  }

  async #take(kind: string, data: Record<string, unknown>): Promise<void> {
    if (this.peer.signalingState === "closed") return;
    if (kind === "media.offer") await this.#answer(Number(data["generation"]), String(data["sdp"]));
    else if (kind === "media.candidate" && data["candidate"]) {
      const init: RTCIceCandidateInit = { candidate: String(data["candidate"]), sdpMLineIndex: 0 };
      if (this.peer.remoteDescription) await this.peer.addIceCandidate(init).catch(() => undefined);
      else this.#early.push(init);
    }
  }

  async #answer(generation: number, sdp: string): Promise<void> {
    const { peer } = this;
    peer.onicecandidate = ({ candidate }) => this.send("media.candidate", { leg: this.id, generation, candidate: candidate?.candidate ?? "", mid: candidate?.sdpMid ?? "audio" });
    await peer.setRemoteDescription({ type: "offer", sdp });
    for (const init of this.#early.splice(0)) await peer.addIceCandidate(init).catch(() => undefined);
    for (const transceiver of peer.getTransceivers()) {
      transceiver.direction = this.tracks.length > 0 ? "sendrecv" : "recvonly";
      const track = this.tracks.find(({ kind }) => kind === transceiver.receiver.track.kind);
      if (track && transceiver.sender.track !== track) await transceiver.sender.replaceTrack(track);
    }
    await peer.setLocalDescription(await peer.createAnswer());
    this.send("media.answer", { leg: this.id, generation, sdp: peer.localDescription?.sdp ?? "" });
  }
}

/** `tracks` stay the caller's. Ends at once when the signal says so: the call needs the line, and the processor, for itself. */
export async function checkLine(live: Live, visitId: string, iceServers: RTCIceServer[], tracks: readonly MediaStreamTrack[], signal: AbortSignal): Promise<LineResult> {
  const topic = `visit:${visitId}`;
  const legs = new Map<string, Leg>();
  const send = (kind: string, data: Record<string, unknown>) => void live.send(topic, kind, data);
  const joinAnother = () => send("media.join", { audio: true, video: true, check: true });
  let refused = false;
  const off = live.on("message", ({ topic: from, kind, data }: LiveMessage) => {
    if (from !== topic || !kind.startsWith("media.")) return;
    if (kind === "media.error" || kind === "media.gone") refused = true;
    const id = String(data["leg"] ?? "");
    if (kind === "media.offer" && !legs.has(id) && legs.size < 2) {
      // The first one sends, the second one hears it.
      const servers = Array.isArray(data["iceServers"]) ? (data["iceServers"] as RTCIceServer[]) : iceServers;
      legs.set(id, new Leg(id, servers, legs.size === 0 ? tracks : [], send));
      if (legs.size === 1) joinAnother();
    }
    legs.get(id)?.receive(kind, data);
  });
  const connected = () => legs.size === 2 && [...legs.values()].every(({ peer }) => peer.connectionState === "connected");
  try {
    joinAnother();
    for (const end = performance.now() + CONNECT_MS; !connected() && !refused && performance.now() < end && !signal.aborted; ) await sleep(100, signal);
    const hearing = [...legs.values()][1];
    if (!connected() || !hearing) return { reached: false, way: null, figures: null, sentPicture: false };
    await sleep(SETTLE_MS, signal);
    const read = async () => readingOf((await hearing.peer.getStats()) as unknown as Iterable<[string, unknown]>, performance.now());
    const before = await read();
    await sleep(MEASURE_MS, signal);
    const now = await read();
    return { reached: true, way: now.way, figures: figuresOf(before, now), sentPicture: tracks.some(({ kind }) => kind === "video") };
  } finally {
    off();
    for (const { id, peer } of legs.values()) {
      send("media.leave", { leg: id });
      peer.close();
    }
  }
}

// One page's part in a call. The box is the only offerer; this page answers, sends its candidates
// and, whatever breaks, joins again by itself. The form never waits for it.
import { signal, type Signal } from "@preact/signals";
import { backoff, type Live, type LiveMessage } from "./live";

export type CallState =
  | "idle" // not in the call
  | "asking" // the browser asks for camera and microphone
  | "joining" // waiting for the box's offer, or connecting
  | "waiting" // connected to the box, nobody else there yet
  | "talking" // the other's picture or sound is here
  | "interrupted"; // lost; coming back by itself

export interface LocalMedia {
  audio: boolean;
  video: boolean;
  /** Why there is no camera or microphone: "denied", "missing", or null. */
  problem: "denied" | "missing" | null;
}

const STALL_MS = 5_000;
const OFFER_MS = 8_000;

export class Call {
  readonly state: Signal<CallState> = signal("idle");
  readonly local: Signal<MediaStream | null> = signal(null);
  readonly remote: Signal<readonly MediaStream[]> = signal([]);
  readonly media: Signal<LocalMedia> = signal({ audio: false, video: false, problem: null });
  readonly muted = signal(false);
  readonly cameraOff = signal(false);
  readonly cipher = signal<string | null>(null);
  readonly #live: Live;
  readonly #topic: string;
  #iceServers: RTCIceServer[];
  readonly #off: (() => void)[] = [];
  #peer: RTCPeerConnection | null = null;
  #leg: string | null = null;
  #generation = 0;
  #early: RTCIceCandidateInit[] = [];
  #queue: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempt = 0;
  #wanted = false;
  /** The way of before may be no more: this device may have another address. */
  #astray = false;

  constructor(live: Live, visitId: string, iceServers: RTCIceServer[]) {
    this.#live = live;
    this.#topic = `visit:${visitId}`;
    this.#iceServers = iceServers;
    this.#off.push(
      live.on("message", (message) => {
        if (message.topic === this.#topic && message.kind.startsWith("media.")) this.#receive(message);
      }),
      live.on("lost", () => (this.#astray = true)),
      // The box holds a leg for a while after its page's line broke: name it to keep the call.
      live.on("line", (state) => {
        // While the devices are being asked for, start() joins by itself when it knows them.
        if (state === "open" && this.#wanted && this.state.value !== "asking") this.#join(false);
      }),
    );
  }

  /** The peer connection, for figures (getStats). */
  get peer(): RTCPeerConnection | null {
    return this.#peer;
  }

  async start(wish: { audio: boolean; video: boolean } = { audio: true, video: true }): Promise<void> {
    if (this.#wanted) return;
    this.#wanted = true;
    this.state.value = "asking";
    await this.#openDevices(wish);
    if (!this.#wanted) return this.#closeDevices();
    this.#attempt = 0;
    this.#join(true);
  }

  hangUp(): void {
    this.#wanted = false;
    clearTimeout(this.#timer);
    if (this.#leg) this.#live.send(this.#topic, "media.leave", { leg: this.#leg });
    this.#dropPeer();
    this.#leg = null;
    this.#closeDevices();
    this.state.value = "idle";
  }

  toggleMute(): void {
    this.muted.value = !this.muted.value;
    for (const track of this.local.value?.getAudioTracks() ?? []) track.enabled = !this.muted.value;
  }

  toggleCamera(): void {
    this.cameraOff.value = !this.cameraOff.value;
    for (const track of this.local.value?.getVideoTracks() ?? []) track.enabled = !this.cameraOff.value;
  }

  destroy(): void {
    this.hangUp();
    for (const off of this.#off) off();
  }

  // --- devices -----------------------------------------------------------------------------------

  async #openDevices(wish: { audio: boolean; video: boolean }): Promise<void> {
    const devices = navigator.mediaDevices as MediaDevices | undefined;
    const video = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 25 } };
    let problem: LocalMedia["problem"] = null;
    // Picture and sound, else sound alone, else the picture: a broken camera must not cost the call.
    const tries = [
      { audio: wish.audio, video: wish.video ? video : false },
      { audio: wish.audio, video: false },
      { audio: false, video: wish.video ? video : false },
    ].filter((constraints) => constraints.audio || constraints.video);
    for (const constraints of tries) {
      try {
        if (!devices) throw new DOMException("no devices", "NotFoundError");
        const stream = await devices.getUserMedia(constraints);
        this.local.value = stream;
        this.media.value = { audio: stream.getAudioTracks().length > 0, video: stream.getVideoTracks().length > 0, problem };
        return;
      } catch (error) {
        problem = error instanceof DOMException && error.name === "NotAllowedError" ? "denied" : "missing";
      }
    }
    this.media.value = { audio: false, video: false, problem };
  }

  #closeDevices(): void {
    for (const track of this.local.value?.getTracks() ?? []) track.stop();
    this.local.value = null;
    this.media.value = { audio: false, video: false, problem: null };
    this.muted.value = false;
    this.cameraOff.value = false;
  }

  // --- joining -----------------------------------------------------------------------------------

  #join(fresh: boolean): void {
    clearTimeout(this.#timer);
    if (fresh) this.#dropPeer();
    if (this.state.value !== "talking" && this.state.value !== "waiting")
      this.state.value = this.#attempt === 0 && this.state.value !== "interrupted" ? "joining" : "interrupted";
    const { audio, video } = this.media.value;
    // A leg whose connection is still here is only taken over, and led to our present address.
    const alive = this.#peer !== null;
    const restart = this.#astray || this.#peer?.connectionState !== "connected";
    if (this.#live.send(this.#topic, "media.join", { audio, video, ...(this.#leg ? { leg: this.#leg, alive, restart } : {}) })) this.#astray = false;
    // No offer and no word that the old leg goes on: ask again.
    this.#timer = setTimeout(() => this.#again(), OFFER_MS);
  }

  #again(): void {
    if (!this.#wanted) return;
    clearTimeout(this.#timer);
    this.state.value = "interrupted";
    this.#timer = setTimeout(() => this.#join(true), backoff(this.#attempt++));
  }

  #dropPeer(): void {
    const peer = this.#peer;
    this.#peer = null;
    this.#early = [];
    this.#generation = 0;
    this.remote.value = [];
    if (!peer) return;
    peer.onicecandidate = peer.ontrack = peer.onconnectionstatechange = null;
    peer.close();
  }

  #receive({ kind, data }: LiveMessage): void {
    if (!this.#wanted) return;
    if (kind === "media.gone") {
      this.#leg = null;
      this.#dropPeer();
      this.#again();
      return;
    }
    if (kind === "media.error") {
      if (data["slug"] === "media/no-such-leg") this.#leg = null;
      if (!this.#peer || this.#peer.connectionState !== "connected") this.#again();
      return;
    }
    // In turn: an answer must be done before the next offer or candidate is looked at.
    this.#queue = this.#queue.then(() => this.#signal(kind, data)).catch((error: unknown) => {
      console.warn("call:", error);
      this.#again();
    });
  }

  async #signal(kind: string, data: Record<string, unknown>): Promise<void> {
    const leg = String(data["leg"] ?? "");
    if (kind === "media.offer") {
      // Credentials of TURN servers run out, so each offer brings new ones.
      if (Array.isArray(data["iceServers"])) this.#iceServers = data["iceServers"] as RTCIceServer[];
      await this.#answer(leg, Number(data["generation"]), String(data["sdp"]));
    } else if (kind === "media.candidate" && leg === this.#leg) {
      const candidate = String(data["candidate"] ?? "");
      if (!candidate) return;
      const init: RTCIceCandidateInit = { candidate, sdpMid: typeof data["mid"] === "string" ? data["mid"] : null, sdpMLineIndex: 0 };
      if (this.#peer?.remoteDescription) await this.#peer.addIceCandidate(init).catch(() => undefined);
      else this.#early.push(init);
    } else if (kind === "media.state" && leg === this.#leg) {
      this.#legState(String(data["state"]), data["cipher"]);
    }
  }

  #legState(state: string, cipher: unknown): void {
    if (typeof cipher === "string") this.cipher.value = cipher;
    if (state === "connected") {
      clearTimeout(this.#timer);
      this.#attempt = 0;
      this.#updateState();
    } else if (state === "failed" || state === "closed") {
      this.#leg = null;
      this.#again();
    }
  }

  async #answer(leg: string, generation: number, sdp: string): Promise<void> {
    clearTimeout(this.#timer);
    if (leg !== this.#leg || !this.#peer) {
      this.#dropPeer();
      this.#leg = leg;
      this.#peer = this.#newPeer();
    }
    const peer = this.#peer;
    this.#generation = generation;
    peer.setConfiguration(this.#configuration());
    await peer.setRemoteDescription({ type: "offer", sdp });
    for (const candidate of this.#early.splice(0)) await peer.addIceCandidate(candidate).catch(() => undefined);
    await this.#attachTracks(peer);
    await peer.setLocalDescription(await peer.createAnswer());
    if (peer !== this.#peer) return;
    this.#live.send(this.#topic, "media.answer", { leg, generation, sdp: peer.localDescription?.sdp ?? "" });
    this.#timer = setTimeout(() => this.#checkConnected(peer), OFFER_MS);
  }

  /** Puts our tracks on the transceivers that the offer made (mids "audio" and "video"). */
  async #attachTracks(peer: RTCPeerConnection): Promise<void> {
    for (const kind of ["audio", "video"] as const) {
      const track = this.local.value?.getTracks().find((entry) => entry.kind === kind);
      const transceivers = peer.getTransceivers();
      const own = transceivers.find((entry) => entry.mid === kind) ?? transceivers.find((entry) => entry.receiver.track.kind === kind);
      if (!track || !own || own.sender.track === track) continue;
      await own.sender.replaceTrack(track);
      if (this.local.value && "setStreams" in own.sender) own.sender.setStreams(this.local.value);
      own.direction = "sendrecv";
    }
  }

  #checkConnected(peer: RTCPeerConnection): void {
    // While the line is away there is nobody to ask, and the way of before may still come back.
    if (peer === this.#peer && peer.connectionState !== "connected" && this.#live.state === "open") this.#again();
  }

  #configuration(): RTCConfiguration {
    return { iceServers: this.#iceServers, bundlePolicy: "max-bundle" };
  }

  #newPeer(): RTCPeerConnection {
    const peer = new RTCPeerConnection(this.#configuration());
    peer.onicecandidate = ({ candidate }) => {
      if (peer !== this.#peer) return;
      const data = { leg: this.#leg, generation: this.#generation, candidate: candidate?.candidate ?? "", mid: candidate?.sdpMid ?? "audio" };
      this.#live.send(this.#topic, "media.candidate", data);
    };
    peer.ontrack = (event) => {
      const [stream] = event.streams;
      if (!stream) return;
      const refresh = () => {
        const rest = this.remote.value.filter((entry) => entry.id !== stream.id);
        this.remote.value = stream.getTracks().length > 0 ? [...rest, stream] : rest;
        this.#updateState();
      };
      stream.onremovetrack = refresh;
      event.track.onunmute = event.track.onmute = () => this.#updateState();
      refresh();
    };
    peer.onconnectionstatechange = () => {
      if (peer !== this.#peer) return;
      const { connectionState } = peer;
      if (connectionState === "connected") {
        clearTimeout(this.#timer);
        this.#attempt = 0;
        this.#updateState();
        // What was cut is whole again, so the line may be, too.
        this.#live.check();
      } else if (connectionState === "failed") this.#checkConnected(peer);
      else if (connectionState === "disconnected") {
        this.state.value = "interrupted";
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#checkConnected(peer), STALL_MS);
        this.#live.send(this.#topic, "media.restart", { leg: this.#leg });
        // With a new address the line is as dead as this: once it is open again the call is joined
        // with a restart.
        this.#live.check();
      }
    };
    return peer;
  }

  #updateState(): void {
    if (!this.#wanted || this.#peer?.connectionState !== "connected") return;
    const heard = this.remote.value.some((stream) => stream.getTracks().some((track) => !track.muted));
    this.state.value = heard ? "talking" : "waiting";
  }
}

// One page's part in a call. The box is the only offerer; this page answers, sends its candidates
// and, whatever breaks, joins again by itself. The form never waits for it.
import { signal, type Signal } from "@preact/signals";
import { Parts, type Part, type Side } from "./call-part";
import { RemotePeople } from "./call-people";
import { attach } from "./call-senders";
import { figuresOf, readingOf, sampleOf, type Circumstances, type LineFigures, type Reading } from "./call-stats";
import { Devices } from "./devices";
import { climb, startLadder, type Ladder, type Step } from "./line-ladder";
import { backoff, onNetworkChange, type Live, type LiveMessage } from "./live";
import { Screen } from "./screen";

export type CallState =
  | "idle" // not in the call
  | "asking" // the browser asks for camera and microphone
  | "joining" // waiting for the box's offer, or connecting
  | "waiting" // connected to the box, nobody else there yet
  | "talking" // the other's picture or sound is here
  | "interrupted"; // lost; coming back by itself

const STALL_MS = 10_000;
const OFFER_MS = 8_000;
const SAMPLE_MS = 1_000;

/** Whose page it is; `signs`: a sign language interpreter's. */
export interface Self {
  side: Side;
  signs?: boolean;
}

export class Call {
  readonly state: Signal<CallState> = signal("idle");
  readonly devices = new Devices(() => this.#devicesChanged());
  readonly screen = new Screen(() => this.#devicesChanged());
  readonly remote = new RemotePeople(() => this.#updateState());
  /** The others in the call, as they say of themselves. */
  readonly others: Signal<readonly Part[]>;
  readonly ladder: Signal<Ladder> = signal(startLadder);
  readonly figures: Signal<LineFigures | null> = signal(null);
  /** Another page of the same person has the call. */
  readonly elsewhere = signal(false);
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
  /** Counts the connections given up: what was said of an earlier one is no longer looked at. */
  #era = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sampling: ReturnType<typeof setInterval> | undefined;
  #unwatch: () => void = () => undefined;
  #reading: Reading | null = null;
  #attempt = 0;
  #wanted = false;
  /** The box has answered: from now on the page comes back to a call that it has had. */
  #answered = false;
  /** The way of before may be no more: this device may have another address. */
  #astray = false;
  readonly #parts: Parts;

  constructor(live: Live, visitId: string, iceServers: RTCIceServer[], readonly self: Self) {
    this.#live = live;
    this.#topic = `visit:${visitId}`;
    this.#iceServers = iceServers;
    this.#parts = new Parts(live, this.#topic, () => this.#othersChanged());
    this.others = this.#parts.others;
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
      onNetworkChange(() => this.#findWay()),
    );
  }

  /** The peer connection, for figures (getStats). */
  get peer(): RTCPeerConnection | null {
    return this.#peer;
  }

  async start(wish: { audio: boolean; video: boolean } = { audio: true, video: true }): Promise<void> {
    if (this.#wanted) return;
    this.#wanted = true;
    this.elsewhere.value = false;
    this.state.value = "asking";
    const era = this.#era;
    await this.devices.open(wish);
    if (era !== this.#era) return;
    this.#unwatch = this.#live.watch();
    this.#attempt = 0;
    this.#answered = false;
    this.ladder.value = startLadder;
    this.#sampling = setInterval(() => void this.#sample(), SAMPLE_MS);
    this.#join(true);
  }

  hangUp(): void {
    // Also before the offer has named the leg: the box knows what this page has asked for.
    if (this.#wanted) this.#live.send(this.#topic, "media.leave", this.#leg ? { leg: this.#leg } : {});
    this.#end();
  }

  #end(): void {
    this.#wanted = false;
    clearTimeout(this.#timer);
    clearInterval(this.#sampling);
    this.#unwatch();
    this.#unwatch = () => undefined;
    this.#dropPeer();
    this.#leg = null;
    this.devices.close();
    this.screen.stop();
    this.state.value = "idle";
    this.#tellPart();
  }

  toggleMute(): void {
    if (this.#wanted) void this.devices.setMicrophone(this.devices.microphone.value !== "on");
  }

  toggleCamera(): void {
    if (this.#wanted) void this.devices.setCamera(this.devices.camera.value !== "on");
  }

  destroy(): void {
    this.hangUp();
    for (const off of this.#off) off();
    this.#parts.destroy();
  }

  // --- what is sent ------------------------------------------------------------------------------

  /** What all lines can take: the weakest one decides. A screen goes last, before the form alone is left. */
  #may(section: "audio" | "video" | "screen"): boolean {
    const steps: Step[] = [this.ladder.value.step, ...this.others.value.map(({ wants }) => wants)];
    if (section !== "video") return steps.every((step) => step !== "text");
    return steps.every((step) => step === "video" || (step === "sign" && this.#signs));
  }

  /** Signing goes both ways: the interpreter must see the citizen, too. */
  get #signs(): boolean {
    return this.self.signs === true || (this.self.side === "citizen" && this.signed);
  }

  /** A sign language interpreter is in the call. */
  get signed(): boolean {
    return this.self.signs === true || this.others.value.some(({ guest }) => guest?.role === "sign");
  }

  #devicesChanged(): void {
    void this.#attachTracks();
    this.#tellPart();
  }

  #othersChanged(): void {
    void this.#attachTracks();
    this.#updateState();
    this.#tellPart();
  }

  #tellPart(): void {
    const camera = this.devices.camera.value;
    this.#parts.tell({
      inCall: this.#wanted && this.state.value !== "asking",
      camera: camera === "on" && !this.#may("video") ? "paused" : camera,
      microphone: this.devices.microphone.value,
      wants: this.ladder.value.step,
      screen: this.screen.track ? "on" : "off",
    });
  }

  async #attachTracks(): Promise<void> {
    const peer = this.#peer;
    if (!peer) return;
    const may = (section: "audio" | "video" | "screen", track: MediaStreamTrack | null) => (this.#may(section) ? track : null);
    const { devices, screen } = this;
    await attach(peer, {
      tracks: { audio: may("audio", devices.track("audio")), video: may("video", devices.track("video")), screen: may("screen", screen.track) },
      signs: this.#signs,
      several: this.others.value.length > 1,
    });
  }

  // --- the line ----------------------------------------------------------------------------------

  async #sample(): Promise<void> {
    const peer = this.#peer;
    if (!peer || this.state.value === "joining") return;
    const now = readingOf((await peer.getStats()) as unknown as Iterable<[string, unknown]>, performance.now());
    const before = this.#reading;
    this.#reading = now;
    // A reading that comes late (a page in the background) is no second of the call.
    if (peer !== this.#peer || !before || now.at - before.at > 3 * SAMPLE_MS) return;
    const figures = figuresOf(before, now);
    const step = this.ladder.value.step;
    this.figures.value = figures;
    this.ladder.value = climb(this.ladder.value, sampleOf(figures, now, this.#circumstances(peer)), this.signed);
    if (step === this.ladder.value.step) return;
    await this.#attachTracks();
    this.#tellPart();
  }

  #circumstances(peer: RTCPeerConnection): Circumstances {
    const [picture, sound] = [this.#may("video"), this.#may("audio")];
    const expectsPicture = this.#expectsPictures() && this.others.value.some(({ camera }) => camera === "on");
    return {
      connected: peer.connectionState === "connected",
      sends: picture && this.devices.camera.value === "on",
      expects: expectsPicture || (sound && this.others.value.some(({ microphone }) => microphone === "on")),
      expectsPicture,
    };
  }

  #expectsPictures(): boolean {
    const { step } = this.ladder.value;
    return step === "video" || step === "sign";
  }

  /** The network is another one: the box offers anew and ICE looks for a way, while the call stays. */
  #findWay(): void {
    if (!this.#wanted || !this.#leg || !this.#peer) return;
    this.#live.send(this.#topic, "media.restart", { leg: this.#leg });
    // With a new address the line is as dead as this: once it is open again the call is joined
    // with a restart.
    this.#live.check();
  }

  // --- joining -----------------------------------------------------------------------------------

  #join(fresh: boolean): void {
    clearTimeout(this.#timer);
    if (fresh) this.#dropPeer();
    if (this.state.value !== "talking" && this.state.value !== "waiting")
      this.state.value = this.#attempt === 0 && this.state.value !== "interrupted" ? "joining" : "interrupted";
    this.#tellPart();
    // A leg whose connection is still here is only taken over, and led to our present address.
    const alive = this.#peer !== null;
    const restart = this.#astray || this.#peer?.connectionState !== "connected";
    const former = this.#leg ? { leg: this.#leg, alive, restart } : {};
    // A page may send both at any time: what it does send, it says itself.
    if (this.#live.send(this.#topic, "media.join", { audio: true, video: true, screens: true, again: this.#answered, ...former })) this.#astray = false;
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
    this.#closePeer();
    // What a closed connection was asked to do never ends: nothing may wait for it.
    this.#era++;
    this.#queue = Promise.resolve();
  }

  #closePeer(): void {
    const peer = this.#peer;
    this.#peer = null;
    this.#early = [];
    this.#generation = 0;
    this.#reading = null;
    this.remote.clear();
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
    if (kind === "media.taken") {
      this.#end();
      this.elsewhere.value = true;
      return;
    }
    if (kind === "media.error") {
      // A leg of before, which the box has given up as well.
      if (typeof data["leg"] === "string" && data["leg"] !== this.#leg) return;
      if (data["slug"] === "media/no-such-leg") this.#leg = null;
      if (!this.#peer || this.#peer.connectionState !== "connected") this.#again();
      return;
    }
    // In turn: an answer must be done before the next offer or candidate is looked at.
    const era = this.#era;
    const current = () => era === this.#era;
    this.#queue = this.#queue.then(() => (current() ? this.#signal(kind, data) : undefined)).catch((error: unknown) => {
      if (!current()) return;
      console.warn("call:", error);
      this.#again();
    });
  }

  async #signal(kind: string, data: Record<string, unknown>): Promise<void> {
    this.#answered = true;
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
      this.#closePeer();
      this.#leg = leg;
      this.#peer = this.#newPeer();
    }
    const peer = this.#peer;
    this.#generation = generation;
    peer.setConfiguration(this.#configuration());
    const gone = () => peer !== this.#peer;
    await peer.setRemoteDescription({ type: "offer", sdp });
    if (gone()) return;
    this.remote.offered(sdp);
    for (const candidate of this.#early.splice(0)) await peer.addIceCandidate(candidate).catch(() => undefined);
    if (gone()) return;
    await this.#attachTracks();
    if (gone()) return;
    await peer.setLocalDescription(await peer.createAnswer());
    if (gone()) return;
    this.#live.send(this.#topic, "media.answer", { leg, generation, sdp: peer.localDescription?.sdp ?? "" });
    // Only now is there anything to tune.
    void this.#attachTracks();
    this.#timer = setTimeout(() => this.#checkConnected(peer), OFFER_MS);
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
      if (stream) this.remote.add(stream, event.track);
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
        this.#findWay();
      }
    };
    return peer;
  }

  #updateState(): void {
    if (!this.#wanted || this.#peer?.connectionState !== "connected") return;
    // Who is in without camera and microphone is there all the same.
    const heard = this.others.value.length > 0 || this.remote.heard;
    this.state.value = heard ? "talking" : "waiting";
  }
}

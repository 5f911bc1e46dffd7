// One party's picture and sound at a moment of the timeline. The times in the files are the
// timeline's, so the video element's own time is it, too.
import { signal } from "@preact/signals";
import type { Part } from "./contents";
import type { Follower } from "./conductor";
import { Feed, playable, type ReadPart } from "./feed";
import { steer, type Deed } from "./steering";

/** A line that broke is tried again. */
const RETRY_MS = 5000;
/** Standing still it is this exact. */
const EXACT_S = 0.001;
const HAVE_CURRENT = 2;
const HAVE_FUTURE = 3;

/** "none": the party has nothing here; "unsupported": this browser cannot show it. */
export type PartyState = "none" | "shown" | "unsupported" | "failed";

export class PartyPlayer implements Follower {
  readonly state = signal<PartyState>("none");
  #feed: Feed | null = null;
  #part: Part | null = null;
  #failedMs = 0;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly parts: readonly Part[],
    private readonly read: ReadPart,
  ) {}

  get timeS(): number | null {
    return this.state.value === "shown" && !this.video.paused ? this.video.currentTime : null;
  }

  look(atS: number): Deed {
    this.#choose(atS);
    if (!this.#feed || this.state.value !== "shown") return { do: "rest" };
    const { video } = this;
    const { buffered } = video;
    this.#feed.atS = atS;
    const ranges = Array.from({ length: buffered.length }, (_, i) => [buffered.start(i), buffered.end(i)] as const);
    return steer(atS, { currentTime: video.currentTime, ranges, canPlay: video.readyState >= HAVE_FUTURE, seeking: video.seeking, complete: this.#feed.complete });
  }

  follow(deed: Deed, atS: number, speed: number): void {
    if (deed.do !== "go") return this.hold(deed, atS);
    const rate = deed.rate * speed;
    if (this.video.playbackRate !== rate) this.video.playbackRate = rate;
    // One that has come to its end would begin anew.
    if (this.video.paused && !this.video.ended) void this.video.play().catch(() => {});
  }

  hold(deed: Deed, atS: number): void {
    const { video } = this;
    if (!video.paused) video.pause();
    if (deed.do === "jump") video.currentTime = atS;
    // Over a gap to where it goes on, so that nobody has to wait for it there.
    if (deed.do === "rest" && deed.next !== undefined && video.currentTime < deed.next && !video.seeking) video.currentTime = deed.next;
  }

  stand(atS: number): boolean {
    const deed = this.look(atS);
    this.hold(deed, atS);
    if (deed.do === "rest") return true;
    if (deed.do === "jump" || this.video.seeking) return false;
    if (Math.abs(this.video.currentTime - atS) > EXACT_S && this.video.readyState > 0) {
      this.video.currentTime = atS;
      return false;
    }
    return this.video.readyState >= HAVE_CURRENT;
  }

  close(): void {
    this.#leave();
  }

  #choose(atS: number): void {
    const part = this.parts.find(({ fromMs, toMs }) => fromMs <= atS * 1000 && atS * 1000 < toMs) ?? null;
    if (this.#feed?.failed && this.state.value === "shown") {
      this.state.value = "failed";
      this.#failedMs = performance.now();
    }
    const again = this.state.value === "failed" && performance.now() - this.#failedMs > RETRY_MS;
    if (part === this.#part && !again && (!this.#feed || this.#feed.covers(atS))) return;
    this.#leave();
    this.#part = part;
    this.state.value = part === null ? "none" : playable(part) ? "shown" : "unsupported";
    if (part && this.state.value === "shown") this.#feed = new Feed(part, this.video, this.read, atS);
  }

  #leave(): void {
    this.#feed?.close();
    this.#feed = null;
    this.video.removeAttribute("src");
    this.video.load();
  }
}

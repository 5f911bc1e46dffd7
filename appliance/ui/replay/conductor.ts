// The timeline's clock, which everything of a replay follows: both pictures, the controls, the story.
import { signal, type Signal } from "@preact/signals";
import type { Deed } from "./steering";

const TICK_MS = 50;
/** After a longer silence (the machine slept, the page was hidden) those who went on know better. */
const ASLEEP_S = 2;

export interface Follower {
  /** What it has to do to be at this moment. */
  look(atS: number): Deed;
  follow(deed: Deed, atS: number, speed: number): void;
  hold(deed: Deed, atS: number): void;
  /** Goes to the moment itself and stays; true when it shows it. */
  stand(atS: number): boolean;
  /** Where it is while it plays. */
  readonly timeS: number | null;
}

/** "waiting": somebody has yet to load or to get there, and everybody waits. */
export type Motion = "still" | "playing" | "waiting";

export class Conductor {
  readonly atS: Signal<number>;
  readonly motion: Signal<Motion> = signal("waiting");
  /** What the viewer wants. */
  readonly wanted = signal(false);
  readonly speed = signal(1);
  readonly #followers: Follower[] = [];
  #tickedMs = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    readonly fromS: number,
    readonly toS: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.atS = signal(fromS);
  }

  /** Gives what takes it away again. */
  add(follower: Follower): () => void {
    this.#followers.push(follower);
    this.#wake();
    return () => {
      this.#followers.splice(this.#followers.indexOf(follower), 1);
    };
  }

  play(): void {
    if (this.atS.value >= this.toS) this.atS.value = this.fromS;
    this.wanted.value = true;
    this.#wake();
  }

  pause(): void {
    this.wanted.value = false;
    this.#wake();
  }

  seek(toS: number): void {
    this.atS.value = Math.max(this.fromS, Math.min(toS, this.toS));
    this.#wake();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #wake(): void {
    if (this.motion.value === "still" || !this.wanted.value) this.motion.value = "waiting";
    this.#tickedMs = this.now();
    this.#timer ??= setInterval(() => this.tick(), TICK_MS);
  }

  /** Called by the timer. */
  tick(): void {
    if (this.wanted.value) this.#go();
    else this.#stand();
  }

  #stand(): void {
    const settled = this.#followers.map((follower) => follower.stand(this.atS.value));
    if (!settled.every(Boolean)) return;
    this.motion.value = "still";
    this.close();
  }

  #go(): void {
    const atS = this.motion.value === "playing" ? this.#next() : this.atS.value;
    this.#tickedMs = this.now();
    if (atS >= this.toS) {
      this.atS.value = this.toS;
      this.pause();
      return;
    }
    const deeds = this.#followers.map((follower) => ({ follower, deed: follower.look(atS) }));
    const ready = deeds.every(({ deed }) => deed.do !== "wait" && deed.do !== "jump");
    for (const { follower, deed } of deeds) ready ? follower.follow(deed, atS, this.speed.value) : follower.hold(deed, atS);
    this.motion.value = ready ? "playing" : "waiting";
    this.atS.value = atS;
  }

  #next(): number {
    const passedS = (this.now() - this.#tickedMs) / 1000;
    if (passedS < ASLEEP_S) return this.atS.value + passedS * this.speed.value;
    return this.#followers.find(({ timeS }) => timeS !== null)?.timeS ?? this.atS.value;
  }
}

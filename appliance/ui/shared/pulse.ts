// Is the line still there? A connection whose far end has vanished (another network, a dead access
// point) looks just like a quiet one, and TCP takes minutes to say otherwise. So whoever must know
// watches: after some silence the box is asked, and when it does not answer the line is lost.
export interface PulseOptions {
  ask: () => void;
  lost: () => void;
  later: (run: () => void, ms: number) => unknown;
  cancel: (timer: never) => void;
}

export class Pulse {
  /** Silence after which the box is asked. */
  static readonly QUIET_MS = 2_000;
  /** An answer may need several tries of TCP's on a line that loses much. */
  static readonly ANSWER_MS = 3_000;
  /** Where something else already says that the line has changed. */
  static readonly DOUBT_MS = 2_000;
  readonly #options: PulseOptions;
  #watchers = 0;
  #open = false;
  #timer: unknown = null;
  #asked = false;

  constructor(options: PulseOptions) {
    this.#options = options;
  }

  watch(): () => void {
    this.#watchers++;
    if (this.#open && this.#timer === null) this.#wait();
    let watching = true;
    return () => {
      if (!watching) return;
      watching = false;
      if (--this.#watchers === 0 && !this.#asked) this.#stop();
    };
  }

  opened(): void {
    this.#open = true;
    this.heard();
  }

  closed(): void {
    this.#open = false;
    this.#stop();
  }

  /** Anything that came proves the line. */
  heard(): void {
    this.#stop();
    if (this.#open && this.#watchers > 0) this.#wait();
  }

  /** Asks now and waits for a shorter time. */
  doubt(): void {
    if (this.#open) this.#ask(Pulse.DOUBT_MS);
  }

  #wait(): void {
    this.#timer = this.#options.later(() => this.#ask(Pulse.ANSWER_MS), Pulse.QUIET_MS);
  }

  #ask(patienceMs: number): void {
    this.#stop();
    this.#asked = true;
    this.#options.ask();
    this.#timer = this.#options.later(() => {
      this.closed();
      this.#options.lost();
    }, patienceMs);
  }

  #stop(): void {
    this.#options.cancel(this.#timer as never);
    this.#timer = null;
    this.#asked = false;
  }
}

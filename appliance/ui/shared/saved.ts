// When is typing saved? Only when the box says so: it counts this connection's updates that are
// durable. Whatever was not confirmed when a connection ended is sent once more on the next one.
export class SavedCounter {
  #connected = false;
  #durable = 0;
  /** How many changes each unconfirmed update message of this connection carries, oldest first. */
  #carried: number[] = [];
  /** Changes no message of this connection carries: made while away, or not confirmed before it. */
  #owed = 0;
  /** How many the next message carries; one, unless it brings all that was owed. */
  #next = 1;

  /** Changes made here that the box has not called durable yet. */
  get waiting(): number {
    return this.#owed + this.#carried.reduce((sum, count) => sum + count, 0);
  }
  get saved(): boolean {
    return this.#connected && this.waiting === 0;
  }
  get connected(): boolean {
    return this.#connected;
  }
  /** True when the whole state must be sent again: call resend() and send it. */
  get owed(): boolean {
    return this.#owed > 0;
  }
  opened(): void {
    this.#connected = true;
    this.#durable = 0;
    this.#carried = [];
  }
  closed(): void {
    this.#owed = this.waiting;
    this.#carried = [];
    this.#connected = false;
  }
  /** A local change; `goesOut`: the connection carries it at once, in a message of its own. */
  edited(goesOut: boolean): void {
    if (!this.#connected || !goesOut) this.#owed++;
  }
  /** The next message carries all that was owed. */
  resend(): void {
    this.#next = this.#owed;
    this.#owed = 0;
  }
  sent(): void {
    this.#carried.push(this.#next);
    this.#next = 1;
  }
  durable(count: number): void {
    if (count <= this.#durable) return;
    this.#carried.splice(0, count - this.#durable);
    this.#durable = count;
  }
}

/** Is this y-websocket message an update of this client's own (sync message, subtype update)? */
export function isUpdateMessage(data: unknown): boolean {
  const bytes = data instanceof Uint8Array ? data : data instanceof ArrayBuffer ? new Uint8Array(data) : null;
  return bytes !== null && bytes[0] === 0 && bytes[1] === 2;
}

/** What may be said of saving: nothing before anybody here has changed anything. */
export type SaveState = "none" | "saving" | "slow" | "yes" | "away" | "frozen";

export function saveState(of: { frozen: boolean; away: boolean; edited: boolean; waiting: number; slow: boolean }): SaveState {
  if (of.frozen) return "frozen";
  if (of.away) return "away";
  if (of.waiting > 0) return of.slow ? "slow" : "saving";
  return of.edited ? "yes" : "none";
}

type Later = (run: () => void, ms: number) => unknown;

/**
 * A cut line does not always say so: packets just vanish. When something waits and nothing was
 * confirmed for a while it is called slow; after a longer while a new connection is tried.
 */
export class Patience {
  static readonly SLOW_MS = 4_000;
  static readonly LOST_MS = 10_000;
  #waiting = 0;
  #timers: unknown[] = [];

  constructor(
    readonly onSlow: (slow: boolean) => void,
    readonly onLost: () => void,
    readonly later: Later = (run, ms) => setTimeout(run, ms),
    readonly cancel: (timer: never) => void = (timer) => clearTimeout(timer),
  ) {}

  /** Call it whenever the number of waiting changes may be another. */
  waits(count: number): void {
    if (count < this.#waiting || count === 0) this.stop();
    this.#waiting = count;
    if (count > 0 && this.#timers.length === 0)
      this.#timers = [
        this.later(() => this.onSlow(true), Patience.SLOW_MS),
        this.later(() => {
          this.#timers = [];
          this.onLost();
        }, Patience.LOST_MS),
      ];
  }

  stop(): void {
    for (const timer of this.#timers) this.cancel(timer as never);
    this.#timers = [];
    this.#waiting = 0;
    this.onSlow(false);
  }
}

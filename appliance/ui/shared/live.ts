// Live events over one WebSocket a page. After a lost connection it comes back by itself, with
// jittered back-off, and asks for what it missed by the last event number it has seen.
import { roleQuery } from "./api";
import { Pulse } from "./pulse";

export interface LiveEvent {
  seq: number;
  at: string;
  topic: string;
  kind: string;
  subject: string;
  data: Record<string, unknown> | null;
}
export interface LiveMessage {
  topic: string;
  kind: string;
  data: Record<string, unknown>;
}
export type LineState = "connecting" | "open" | "waiting";

export interface SocketLike {
  readyState: number;
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  send(data: string): void;
  close(): void;
}
export interface LiveOptions {
  url: string;
  open?: (url: string) => SocketLike;
  /** Milliseconds before the next try; `attempt` counts from 0. */
  delay?: (attempt: number) => number;
  later?: (run: () => void, ms: number) => unknown;
  cancel?: (timer: never) => void;
  now?: () => number;
}

/** A handshake into a silent line hangs for minutes, also after the line is back. */
const HANDSHAKE_MS = 2_000;
/** One that began so long ago may have begun before the line came back: what it sent is lost, and TCP sends again only after a second. */
export const STALE_MS = 300;

/** How long a handshake may take: on a slow line it needs more time than one would like to wait. */
export function patience(attempt: number): number {
  return Math.min(10_000, HANDSHAKE_MS * 1.5 ** Math.min(attempt, 10));
}

/** Full jitter between half and all of an exponential step, 0.5 s to 15 s. */
export function backoff(attempt: number, random: () => number = Math.random): number {
  const step = Math.min(15_000, 500 * 2 ** Math.min(attempt, 10));
  return step / 2 + random() * (step / 2);
}

type Handlers = {
  event: Set<(event: LiveEvent) => void>;
  message: Set<(message: LiveMessage) => void>;
  /** The page must load afresh: events were lost, or the connection is new and events may be. */
  reset: Set<() => void>;
  line: Set<(state: LineState) => void>;
  /** The line was silent for too long and is opened anew; whatever else goes to the box is as dead. */
  lost: Set<() => void>;
  refused: Set<(problem: { type: string; title: string }) => void>;
};

export class Live {
  readonly #options: Required<Omit<LiveOptions, "cancel">> & { cancel: (timer: never) => void };
  readonly #handlers: Handlers = { event: new Set(), message: new Set(), reset: new Set(), line: new Set(), lost: new Set(), refused: new Set() };
  readonly #topics = new Set<string>();
  #socket: SocketLike | null = null;
  #seq: number | null = null;
  #attempt = 0;
  #closed = false;
  #timer: unknown = null;
  #triedAt = 0;
  readonly #pulse: Pulse;
  state: LineState = "connecting";

  constructor(options: LiveOptions) {
    this.#options = {
      open: (url) => new WebSocket(url),
      delay: backoff,
      later: (run, ms) => setTimeout(run, ms),
      cancel: (timer) => clearTimeout(timer),
      now: () => Date.now(),
      ...options,
    };
    const { later, cancel } = this.#options;
    this.#pulse = new Pulse({
      ask: () => this.#socket?.send('{"type":"ping"}'),
      lost: () => {
        this.#emit("lost");
        this.#reopen();
      },
      later,
      cancel,
    });
  }

  on<K extends keyof Handlers>(name: K, handler: Handlers[K] extends Set<infer H> ? H : never): () => void {
    const set = this.#handlers[name] as Set<unknown>;
    set.add(handler);
    return () => set.delete(handler);
  }

  start(): void {
    if (this.#socket || this.#closed) return;
    this.#setState("connecting");
    const { open, url, later, cancel, now } = this.#options;
    const socket = open(url);
    this.#socket = socket;
    this.#triedAt = now();
    this.#timer = later(() => {
      this.#attempt++;
      this.#reopen();
    }, patience(this.#attempt));
    socket.onopen = () => {
      cancel(this.#timer as never);
      this.#pulse.opened();
      // First of all: whoever waits for the line sends at once, and needs the topics for it.
      this.#subscribe();
      this.#setState("open");
    };
    socket.onmessage = (event) => {
      this.#pulse.heard();
      if (typeof event.data === "string") this.#receive(event.data);
    };
    socket.onclose = () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#pulse.closed();
      cancel(this.#timer as never);
      if (this.#closed) return;
      this.#setState("waiting");
      this.#timer = later(() => this.start(), this.#options.delay(this.#attempt++));
    };
  }

  /** The page has come back to the front, or the network has changed: tries now, or makes sure that the line is still there. */
  check(): void {
    if (this.#closed) return;
    if (this.state === "open") return this.#pulse.doubt();
    if (this.state === "connecting" && this.#options.now() - this.#triedAt < STALE_MS) return;
    this.#attempt = 0;
    this.#reopen();
  }

  /** Sees to it that a line that falls silent is noticed within seconds, until the function given is called. */
  watch(): () => void {
    return this.#pulse.watch();
  }

  /** Opens the connection anew, because who the page is has changed (sign-in). */
  restart(): void {
    this.#seq = null;
    this.#reopen();
  }

  #reopen(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#pulse.closed();
    if (socket) {
      socket.onopen = null;
      socket.onclose = null;
      socket.onmessage = null;
      socket.close();
    }
    this.#options.cancel(this.#timer as never);
    this.start();
  }

  subscribe(...topics: string[]): void {
    const before = this.#topics.size;
    for (const topic of topics) this.#topics.add(topic);
    if (this.#topics.size !== before && this.state === "open") this.#subscribe();
  }

  /**
   * Stops hearing a topic. The daemon only ever adds topics to a connection, so this one is
   * replaced by a new one, which goes on from the last event seen.
   */
  drop(topic: string): void {
    if (!this.#topics.delete(topic) || this.state !== "open") return;
    this.#reopen();
  }

  /** False when the line is down: passing messages are not kept for later. */
  send(topic: string, kind: string, data: Record<string, unknown>): boolean {
    if (this.state !== "open" || !this.#socket) return false;
    this.#socket.send(JSON.stringify({ type: "send", topic, kind, data }));
    return true;
  }

  close(): void {
    this.#closed = true;
    this.#pulse.closed();
    this.#options.cancel(this.#timer as never);
    this.#socket?.close();
    this.#socket = null;
  }

  #subscribe(): void {
    if (this.#topics.size === 0) return;
    this.#socket?.send(JSON.stringify({ type: "subscribe", topics: [...this.#topics], since: this.#seq }));
  }

  #receive(text: string): void {
    let message: Record<string, unknown>;
    try {
      message = JSON.parse(text) as Record<string, unknown>;
    } catch {
      return;
    }
    const { type } = message;
    if (type === "hello") {
      this.#attempt = 0;
      const seq = Number(message["seq"]);
      // A smaller number than ours: another store (restored, replaced); nothing we know holds.
      if (this.#seq !== null && seq < this.#seq) {
        this.#seq = seq;
        this.#emit("reset");
      }
      this.#seq ??= seq;
    } else if (type === "reset") {
      this.#seq = Number(message["seq"]);
      this.#emit("reset");
    } else if (type === "event") {
      const event = message as unknown as LiveEvent;
      if (this.#seq !== null && event.seq <= this.#seq) return;
      this.#seq = Math.max(this.#seq ?? 0, event.seq);
      for (const handler of this.#handlers.event) handler({ ...event, data: event.data ?? null });
    } else if (type === "message") {
      const { topic, kind, data } = message as unknown as LiveMessage;
      for (const handler of this.#handlers.message) handler({ topic, kind, data: data ?? {} });
    } else if (type === "error") {
      const problem = message["problem"] as { type: string; title: string };
      for (const handler of this.#handlers.refused) handler(problem);
    }
  }

  #emit(name: "reset" | "lost"): void {
    for (const handler of this.#handlers[name]) handler();
  }

  #setState(state: LineState): void {
    this.state = state;
    for (const handler of this.#handlers.line) handler(state);
  }
}

export function socketOrigin(): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}`;
}

/** Another network, or one again: an address of before may be gone without any error. Not every browser tells of it. */
export function onNetworkChange(changed: () => void): () => void {
  const { connection } = navigator as Navigator & { connection?: EventTarget };
  addEventListener("online", changed);
  connection?.addEventListener("change", changed);
  return () => {
    removeEventListener("online", changed);
    connection?.removeEventListener("change", changed);
  };
}

export function openLive(): Live {
  const live = new Live({ url: `${socketOrigin()}/api/live?${new URLSearchParams(roleQuery())}`.replace(/\?$/, "") });
  onNetworkChange(() => live.check());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") live.check();
  });
  live.start();
  return live;
}

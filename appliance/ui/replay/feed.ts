// A part's bytes into a video element, from a moment on and as far ahead as it is watched.
import type { Part } from "./contents";

const AHEAD_S = 30;
const BEHIND_S = 60;
const ASK_AGAIN_MS = 500;

/** At most so many bytes of a part from there on; none beyond its end. */
export type ReadPart = (part: number, from: number, signal: AbortSignal) => Promise<ArrayBuffer>;

export const playable = (part: Part) => typeof MediaSource === "function" && MediaSource.isTypeSupported(part.media);

export class Feed {
  /** All there is after `fromS` has been loaded. */
  complete = false;
  failed = false;
  /** Where it is watched; what is loaded follows. */
  atS: number;
  #fromS: number;
  #reachS = 0;
  readonly #stop = new AbortController();

  constructor(
    readonly part: Part,
    video: HTMLVideoElement,
    private readonly read: ReadPart,
    atS: number,
  ) {
    this.atS = atS;
    const entry = part.entries.filter(({ atMs }) => atMs <= atS * 1000).at(-1);
    this.#fromS = (entry && entry !== part.entries[0] ? entry.atMs : part.fromMs) / 1000;
    const source = new MediaSource();
    const url = URL.createObjectURL(source);
    video.src = url;
    source.addEventListener("sourceopen", () => {
      URL.revokeObjectURL(url);
      this.#load(source, entry?.offset ?? 0).catch((error: unknown) => {
        if (this.#stop.signal.aborted) return;
        this.failed = true;
        console.warn("recording:", error);
      });
    }, { once: true });
  }

  /** Whether the moment is there, or will be without beginning anew. */
  covers(atS: number): boolean {
    return this.#fromS <= atS && (this.complete || atS < Math.max(this.#fromS, this.#reachS) + AHEAD_S);
  }

  close(): void {
    this.#stop.abort();
  }

  async #load(source: MediaSource, from: number): Promise<void> {
    const { signal } = this.#stop;
    const { part } = this;
    const buffer = source.addSourceBuffer(part.media);
    const head = part.entries[0]?.offset ?? 0;
    let offset = from;
    // The head of the file says what the tracks are.
    if (offset > head) await change(buffer, (await this.read(part.number, 0, signal)).slice(0, head));
    else offset = 0;
    for (;;) {
      const piece = await this.read(part.number, offset, signal);
      if (signal.aborted) return;
      if (piece.byteLength === 0) break;
      offset += piece.byteLength;
      await change(buffer, piece);
      this.#reachS = endOf(buffer);
      while (!signal.aborted && this.#reachS > this.atS + AHEAD_S) await pause(ASK_AGAIN_MS);
      if (signal.aborted) return;
      await this.#forget(buffer);
    }
    source.endOfStream();
    this.complete = true;
  }

  async #forget(buffer: SourceBuffer): Promise<void> {
    const old = this.atS - BEHIND_S;
    if (old <= this.#fromS) return;
    await change(buffer, null, old);
    // The rest of a group of pictures goes with its first one.
    this.#fromS = buffer.buffered.length > 0 ? buffer.buffered.start(0) : this.#reachS;
  }
}

const endOf = (buffer: SourceBuffer) => (buffer.buffered.length > 0 ? buffer.buffered.end(buffer.buffered.length - 1) : 0);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Appends a piece or, without one, removes what is older than `toS`. */
function change(buffer: SourceBuffer, piece: ArrayBuffer | null, toS = 0): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (event: Event) => {
      buffer.removeEventListener("updateend", done);
      buffer.removeEventListener("error", done);
      if (event.type === "error") reject(new Error("a piece of the recording cannot be shown"));
      else resolve();
    };
    buffer.addEventListener("updateend", done);
    buffer.addEventListener("error", done);
    if (piece) buffer.appendBuffer(piece);
    else buffer.remove(0, toS);
  });
}

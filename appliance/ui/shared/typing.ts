// Real-time text (EN 301 549, 6.2): a line shows at the other side while it is being written, letter
// by letter and with what is erased, well within a second. The whole unsent line goes at each
// change, as T.140 does with its redundancy: one that is lost is healed by the next.
import { signal, type Signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { guestOf, sideOf, type GuestWord, type Side } from "./call-part";
import { onceKey } from "./hooks";
import type { Live } from "./live";

export interface Typed {
  page: string;
  from: Side;
  guest?: GuestWord;
  text: string;
}

/** T.140 gathers letters for as long. */
const GATHER_MS = 300;
/** What is read aloud waits for a pause: a letter each time would drown everything else. */
const PAUSE_MS = 1_000;
const STORAGE_KEY = "ablak-typing";

function remembered(on?: boolean): boolean {
  try {
    if (on !== undefined) localStorage.setItem(STORAGE_KEY, on ? "1" : "0");
    return localStorage.getItem(STORAGE_KEY) === "1";
  } catch {
    return on ?? false;
  }
}

export class Typing {
  readonly others: Signal<readonly Typed[]> = signal([]);
  /** Off until it is turned on here: not everybody wants to be read before they have finished. */
  readonly on = signal(remembered());
  readonly #page = onceKey();
  readonly #off: (() => void)[];
  #text = "";
  #told = "";
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(readonly live: Live, readonly topic: string) {
    this.#off = [
      live.on("message", ({ topic: from, kind, data }) => {
        if (from !== topic) return;
        if (kind === "typing") this.#hear(data);
        else if (kind === "presence") this.#presence(data);
      }),
    ];
  }

  turn(on: boolean, text: string): void {
    this.on.value = remembered(on);
    this.#text = on ? text : "";
    this.#flush();
  }

  tell(text: string): void {
    if (!this.on.value) return;
    this.#text = text;
    this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS);
  }

  /** The line of this side is a message now. */
  sent(side: Typed["from"]): void {
    this.others.value = this.others.value.filter(({ from }) => from !== side);
  }

  #flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#text === this.#told) return;
    if (this.live.send(this.topic, "typing", { page: this.#page, text: this.#text })) this.#told = this.#text;
  }

  #hear(data: Record<string, unknown>): void {
    const typed: Typed = { page: String(data["page"] ?? ""), from: sideOf(data), text: String(data["text"] ?? ""), ...guestOf(data) };
    const others = this.others.value;
    // In place: two who write at once do not change seats with every letter.
    if (!typed.text) this.others.value = others.filter(({ page }) => page !== typed.page);
    else if (others.some(({ page }) => page === typed.page)) this.others.value = others.map((one) => (one.page === typed.page ? typed : one));
    else this.others.value = [...others, typed];
  }

  /** Somebody came, who has heard nothing yet; or went, and writes no more. */
  #presence(data: Record<string, unknown>): void {
    const gone = (from: Side) => (from === "guest" ? (data["guests"] as unknown[] | undefined)?.length === 0 : data[from] === 0);
    this.others.value = this.others.value.filter(({ from }) => !gone(from));
    this.#told = "";
    this.#flush();
  }

  destroy(): void {
    if (this.#timer) clearTimeout(this.#timer);
    for (const off of this.#off) off();
  }
}

/** What has come since it was last read aloud; all of it after something was erased. */
export function unspoken(before: string, now: string): string {
  return now.startsWith(before) ? now.slice(before.length).trim() : now;
}

/** `text` for a polite live region: told at a pause, each word once. */
export function useSpoken(text: string): string {
  const [spoken, setSpoken] = useState("");
  const told = useRef("");
  useEffect(() => {
    if (!text) told.current = "";
    const timer = setTimeout(() => {
      setSpoken(unspoken(told.current, text));
      told.current = text;
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return spoken;
}

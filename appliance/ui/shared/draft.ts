// One audience's shared document of a draft: stock yjs over y-websocket, plus the box's own
// messages (100 durable count, 101 refusals, 102 gaps, 103 authors).
import { computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import * as decoding from "lib0/decoding";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import type { Gap } from "../generated/box-api";
import { roleQuery } from "./api";
import { Authors, type AuthorsMessage } from "./authors";
import { pathParts } from "./form-model";
import { STALE_MS, type Live } from "./live";
import { People, type RemotePerson, type Role } from "./people";
import { Pulse } from "./pulse";
import { isUpdateMessage, Patience, SavedCounter, saveState, type SaveState } from "./saved";

export type { RemotePerson, Role };
export type Audience = "shared" | "office";
export interface Refusal {
  path: string;
  reason: string;
}
export type DraftState = "connecting" | "open" | "away" | "frozen" | "broken";

const DURABLE = 100;
const REFUSED = 101;
const GAPS = 102;
const AUTHORS = 103;

export class DraftDocument {
  readonly doc = new Y.Doc();
  readonly form: Y.Map<unknown>;
  readonly role: Role;
  readonly state: Signal<DraftState> = signal("connecting");
  readonly synced = signal(false);
  /** Changes made here that the box has not called durable. */
  readonly waiting = signal(0);
  /** When the box last called everything durable that was changed here. */
  readonly savedAt: Signal<Date | null> = signal(null);
  readonly save: ReadonlySignal<SaveState>;
  readonly gaps: Signal<readonly Gap[]> = signal([]);
  readonly complete = signal(false);
  readonly refused: Signal<readonly Refusal[]> = signal([]);
  readonly authors = new Authors();
  readonly others: Signal<readonly RemotePerson[]>;
  /** What was typed after the freeze, by path, kept for the person to copy. */
  readonly late: Signal<ReadonlyMap<string, string>> = signal(new Map());
  readonly #provider: WebsocketProvider;
  readonly #people: People;
  readonly #counter = new SavedCounter();
  readonly #edited = signal(false);
  readonly #slow = signal(false);
  readonly #patience: Patience;
  #handshake: ReturnType<typeof setTimeout> | undefined;
  #triedAt = 0;
  #waitsForLine = false;
  #unconfirmed = new Map<string, string>();

  constructor(draftId: string, readonly audience: Audience, user: { role: Role; label: string }, origin: string, Socket: typeof WebSocket = WebSocket) {
    this.form = this.doc.getMap("form");
    this.role = user.role;
    const counter = this.#counter;
    class CountingSocket extends Socket {
      override send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void {
        if (isUpdateMessage(data)) counter.sent();
        super.send(data as ArrayBuffer);
      }
    }
    const provider = new WebsocketProvider(`${origin}/api/drafts`, `${draftId}/${audience}`, this.doc, {
      disableBc: true,
      params: roleQuery(),
      connect: false,
      WebSocketPolyfill: CountingSocket,
    });
    this.#provider = provider;
    this.#patience = new Patience(
      (slow) => (this.#slow.value = slow),
      () => this.#reconnect(),
    );
    this.save = computed(() =>
      saveState({
        frozen: this.state.value === "frozen",
        away: this.state.value === "away",
        edited: this.#edited.value,
        waiting: this.waiting.value,
        slow: this.#slow.value,
      }),
    );
    this.#hear();
    this.#follow();
    this.#people = new People(provider.awareness, this.doc, user, (path) => this.lookup(path));
    this.others = this.#people.others;
    addEventListener("beforeunload", this.#beforeUnload);
    provider.connect();
  }

  /** The box's own messages. */
  #hear(): void {
    const on = (kind: number, take: (decoder: decoding.Decoder) => void) => {
      this.#provider.messageHandlers[kind] = (_encoder: unknown, decoder: decoding.Decoder) => take(decoder);
    };
    const onJson = <T>(kind: number, take: (message: T) => void) => on(kind, (decoder) => take(JSON.parse(decoding.readVarString(decoder)) as T));
    on(DURABLE, (decoder) => {
      this.#counter.durable(decoding.readVarUint(decoder));
      if (this.#counter.saved) this.#unconfirmed.clear();
      this.#refresh();
    });
    onJson<{ refused: Refusal[] }>(REFUSED, ({ refused }) => {
      const now = new Map([...this.refused.value, ...refused].map((entry) => [entry.path, entry]));
      this.refused.value = [...now.values()];
    });
    onJson<{ gaps: Gap[]; complete: boolean }>(GAPS, ({ gaps, complete }) => {
      this.gaps.value = gaps;
      this.complete.value = complete;
    });
    onJson<AuthorsMessage>(AUTHORS, (message) => this.authors.take(message));
  }

  /** What happens to the connection and to the document. */
  #follow(): void {
    const provider = this.#provider;
    const counter = this.#counter;
    provider.on("status", ({ status }: { status: string }) => {
      // A handshake into a silent line would hang for minutes, also after the line is back.
      clearTimeout(this.#handshake);
      if (status === "connecting") {
        this.#triedAt = Date.now();
        this.#handshake = setTimeout(() => this.#reconnect(), Patience.LOST_MS);
      }
      if (status === "connected") {
        counter.opened();
        this.state.value = "open";
      } else if (status === "disconnected") {
        counter.closed();
        if (this.state.value === "open") this.state.value = "away";
      }
      this.#refresh();
    });
    provider.on("sync", (synced: boolean) => {
      if (!synced) return;
      this.synced.value = true;
      this.#resend();
    });
    provider.on("closed", ({ code }: { code: number }) => {
      counter.closed();
      if (code === 4409) this.#freeze();
      else this.state.value = "broken";
      this.#refresh();
    });
    this.doc.on("update", (_update: Uint8Array, from: unknown) => {
      if (from === provider) return;
      this.#edited.value = true;
      counter.edited(provider.wsconnected && provider.ws?.readyState === 1);
      this.#refresh();
    });
  }

  /** Sends all we have as one update when something was not confirmed: doing so twice is harmless. */
  #resend(): void {
    if (!this.#counter.owed || !this.#provider.ws) return;
    const update = Y.encodeStateAsUpdate(this.doc);
    this.#counter.resend();
    // The provider's own listener turns it into a sync message; nothing changes locally.
    this.#provider._updateHandler(update, this);
    this.#refresh();
  }

  #reconnect(): void {
    this.#provider.disconnect();
    this.#provider.connect();
  }

  /**
   * Goes with the page's live line, which notices first: this connection by itself takes a dead line
   * for a quiet one for half a minute. While the live line looks for a way this one waits: browsers
   * make one connection to a host at a time, and a handshake into the dead line, which only TCP's
   * ever longer back-off tries again, would hold up both. Until the function given is called.
   */
  follow(live: Live): () => void {
    const provider = this.#provider;
    const offs = [
      live.watch(),
      live.on("lost", () => {
        // Two connections share a line, but what TCP waits for they do not share.
        const heardMs = Date.now() - provider.wsLastMessageReceived;
        if (!provider.shouldConnect || heardMs <= Pulse.DOUBT_MS) return;
        this.#waitsForLine = true;
        clearTimeout(this.#handshake);
        provider.disconnect();
      }),
      live.on("line", (line) => {
        if (line !== "open") return;
        if (this.#waitsForLine) return this.#connect();
        if (!provider.shouldConnect || provider.wsconnected) return;
        if (!provider.wsconnecting || Date.now() - this.#triedAt > STALE_MS) this.#reconnect();
      }),
    ];
    return () => {
      offs.forEach((off) => off());
      if (this.#waitsForLine) this.#connect();
    };
  }

  #connect(): void {
    this.#waitsForLine = false;
    this.#provider.connect();
  }

  #freeze(): void {
    this.state.value = "frozen";
    if (this.#unconfirmed.size > 0) this.late.value = new Map(this.#unconfirmed);
  }

  /** The office has opened the draft again: a frozen one connects anew, and what was written too late goes along. */
  reopen(): void {
    if (this.state.value !== "frozen") return;
    this.state.value = "connecting";
    this.late.value = new Map();
    this.#provider.connect();
  }

  #refresh(): void {
    const { waiting } = this.#counter;
    if (waiting === 0 && this.waiting.value > 0) this.savedAt.value = new Date();
    this.waiting.value = waiting;
    if (this.state.value === "open") this.#patience.waits(waiting);
    else this.#patience.stop();
  }

  /** Whoever closes the page is asked, while the only copy of something is here. */
  readonly #beforeUnload = (event: BeforeUnloadEvent) => {
    if (this.waiting.value > 0 && this.state.value !== "frozen") event.preventDefault();
  };

  /** The value at a JSON pointer: Y.Text, Y.Array, Y.Map, or a plain value. */
  lookup(path: string): unknown {
    let value: unknown = this.form;
    for (const part of pathParts(path)) {
      if (value instanceof Y.Map) value = value.get(part);
      else if (value instanceof Y.Array) value = value.get(Number(part));
      else return undefined;
    }
    return value;
  }

  /** Sets or (undefined) clears a choice, date, tick or number. */
  set(path: string, value: string | number | boolean | undefined): void {
    const parts = pathParts(path);
    const name = parts.pop();
    const parent = this.lookup(parts.map((part) => `/${part}`).join(""));
    if (!name || !(parent instanceof Y.Map) || parent.get(name) === value) return;
    this.#unconfirmed.set(path, String(value ?? ""));
    this.forgive(path);
    this.doc.transact(() => {
      if (value === undefined) parent.delete(name);
      else parent.set(name, value);
    }, this);
  }

  /** Remembers what a text field holds, to show it if the draft is frozen before it is saved. */
  note(path: string, text: string): void {
    this.#unconfirmed.set(path, text);
    this.forgive(path);
  }

  removeRow(path: string, row: number): void {
    const rows = this.lookup(path);
    if (rows instanceof Y.Array && row < rows.length) this.doc.transact(() => rows.delete(row, 1), this);
  }

  focus(field: string | null, caret?: { anchor: number; head: number }): void {
    this.#people.focus(field, caret);
  }

  /** The meeting is over: what is there stays to be read, and nothing connects again. */
  stop(): void {
    this.#waitsForLine = false;
    clearTimeout(this.#handshake);
    this.#provider.disconnect();
  }

  /** The word about a refused change has been read: all of them, or the one at `path`. */
  forgive(path?: string): void {
    if (this.refused.value.length > 0) this.refused.value = this.refused.value.filter((entry) => path !== undefined && entry.path !== path);
  }

  destroy(): void {
    this.#waitsForLine = false;
    removeEventListener("beforeunload", this.#beforeUnload);
    clearTimeout(this.#handshake);
    this.#patience.stop();
    this.#provider.destroy();
    this.doc.destroy();
  }
}

// One audience's shared document of a draft: stock yjs over y-websocket, plus the box's own
// messages (100 durable count, 101 refusals, 102 gaps).
import { signal, type Signal } from "@preact/signals";
import * as decoding from "lib0/decoding";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import type { Gap } from "../generated/box-api";
import { roleQuery } from "./api";
import { pathParts } from "./form-model";
import { isUpdateMessage, SavedCounter } from "./saved";

export type Audience = "shared" | "office";
export type Role = "citizen" | "clerk";
export interface Refusal {
  path: string;
  reason: string;
}
export interface RemotePerson {
  client: number;
  role: Role;
  label: string;
  field: string | null;
  /** Where the other's caret is in that field's text, when known. */
  caret: number | null;
}
export type DraftState = "connecting" | "open" | "away" | "frozen" | "broken";

const DURABLE = 100;
const REFUSED = 101;
const GAPS = 102;

export class DraftDocument {
  readonly doc = new Y.Doc();
  readonly form: Y.Map<unknown>;
  readonly state: Signal<DraftState> = signal("connecting");
  readonly synced = signal(false);
  readonly saved = signal(true);
  /** True once somebody here has typed: "saved" is said only then. */
  readonly edited = signal(false);
  readonly gaps: Signal<readonly Gap[]> = signal([]);
  readonly complete = signal(false);
  readonly refused: Signal<readonly Refusal[]> = signal([]);
  readonly others: Signal<readonly RemotePerson[]> = signal([]);
  /** What was typed after the freeze, by path, kept for the person to copy. */
  readonly late: Signal<ReadonlyMap<string, string>> = signal(new Map());
  readonly #provider: WebsocketProvider;
  readonly #counter = new SavedCounter();
  #unconfirmed = new Map<string, string>();

  constructor(draftId: string, readonly audience: Audience, user: { role: Role; label: string }, origin: string, Socket: typeof WebSocket = WebSocket) {
    this.form = this.doc.getMap("form");
    const counter = this.#counter;
    const touched = () => this.#refresh();
    class CountingSocket extends Socket {
      override send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void {
        if (isUpdateMessage(data)) {
          counter.sent();
          touched();
        }
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
    provider.messageHandlers[DURABLE] = (_encoder: unknown, decoder: decoding.Decoder) => {
      counter.durable(decoding.readVarUint(decoder));
      if (counter.saved) this.#unconfirmed.clear();
      this.#refresh();
    };
    provider.messageHandlers[REFUSED] = (_encoder: unknown, decoder: decoding.Decoder) => {
      const message = JSON.parse(decoding.readVarString(decoder)) as { refused: Refusal[] };
      this.refused.value = message.refused;
    };
    provider.messageHandlers[GAPS] = (_encoder: unknown, decoder: decoding.Decoder) => {
      const message = JSON.parse(decoding.readVarString(decoder)) as { gaps: Gap[]; complete: boolean };
      this.gaps.value = message.gaps;
      this.complete.value = message.complete;
    };
    provider.on("status", ({ status }: { status: string }) => {
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
      this.edited.value = true;
      counter.edited(provider.wsconnected && provider.ws?.readyState === 1);
      this.#refresh();
    });
    provider.awareness.setLocalStateField("user", user);
    provider.awareness.on("change", () => this.#others());
    this.doc.on("afterTransaction", () => this.#others());
    provider.connect();
  }

  /** Sends all we have as one update when something was not confirmed: doing so twice is harmless. */
  #resend(): void {
    if (!this.#counter.owed || !this.#provider.ws) return;
    const update = Y.encodeStateAsUpdate(this.doc);
    this.#counter.resent();
    // The provider's own listener turns it into a sync message; nothing changes locally.
    this.#provider._updateHandler(update, this);
    this.#refresh();
  }

  #freeze(): void {
    this.state.value = "frozen";
    if (this.#unconfirmed.size > 0) this.late.value = new Map(this.#unconfirmed);
  }

  #refresh(): void {
    this.saved.value = this.#counter.saved;
  }

  #others(): void {
    const people: RemotePerson[] = [];
    for (const [client, state] of this.#provider.awareness.getStates()) {
      if (client === this.doc.clientID) continue;
      const user = state["user"] as { role?: Role; label?: string } | undefined;
      if (!user?.role) continue;
      const field = typeof state["field"] === "string" ? state["field"] : null;
      people.push({ client, role: user.role, label: user.label ?? "", field, caret: this.#caret(field, state["selection"]) });
    }
    const before = JSON.stringify(this.others.value);
    if (JSON.stringify(people) !== before) this.others.value = people;
  }

  #caret(field: string | null, selection: unknown): number | null {
    if (!field || typeof selection !== "object" || selection === null) return null;
    const text = this.lookup(field);
    if (!(text instanceof Y.Text)) return null;
    try {
      const head = Y.createRelativePositionFromJSON((selection as { head: unknown }).head as object);
      const position = Y.createAbsolutePositionFromRelativePosition(head, this.doc);
      return position && position.type === text ? position.index : null;
    } catch {
      return null;
    }
  }

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
    this.doc.transact(() => {
      if (value === undefined) parent.delete(name);
      else parent.set(name, value);
    }, this);
  }

  /** Remembers what a text field holds, to show it if the draft is frozen before it is saved. */
  note(path: string, text: string): void {
    this.#unconfirmed.set(path, text);
  }

  removeRow(path: string, row: number): void {
    const rows = this.lookup(path);
    if (rows instanceof Y.Array && row < rows.length) this.doc.transact(() => rows.delete(row, 1), this);
  }

  /** Tells the other side which field this person is in, and where in its text. */
  focus(field: string | null, caret?: { anchor: number; head: number }): void {
    const { awareness } = this.#provider;
    awareness.setLocalStateField("field", field);
    const text = field ? this.lookup(field) : null;
    const position = (index: number) => Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(text as Y.Text, index));
    awareness.setLocalStateField(
      "selection",
      caret && text instanceof Y.Text ? { anchor: position(caret.anchor), head: position(caret.head) } : null,
    );
  }

  /** The meeting is over: what is there stays to be read, and nothing connects again. */
  stop(): void {
    this.#provider.disconnect();
  }

  dismissRefusals(): void {
    this.refused.value = [];
  }

  destroy(): void {
    this.#provider.destroy();
    this.doc.destroy();
  }
}

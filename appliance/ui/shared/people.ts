// Who else has the form open, and where in it: awareness, as the other pages tell it.
import { signal, type Signal } from "@preact/signals";
import type { Awareness } from "y-protocols/awareness";
import * as Y from "yjs";

export type Role = "citizen" | "clerk";
export interface RemotePerson {
  client: number;
  role: Role;
  field: string | null;
  /** Where their caret is in that field's text, when known. */
  caret: number | null;
}

export class People {
  readonly others: Signal<readonly RemotePerson[]> = signal([]);
  readonly #awareness: Awareness;
  readonly #doc: Y.Doc;
  readonly #lookup: (path: string) => unknown;
  #told = "";

  constructor(awareness: Awareness, doc: Y.Doc, user: { role: Role; label: string }, lookup: (path: string) => unknown) {
    this.#awareness = awareness;
    this.#doc = doc;
    this.#lookup = lookup;
    awareness.setLocalStateField("user", user);
    awareness.on("change", () => this.#read());
    // A caret is a place between letters: it moves with them.
    doc.on("afterTransaction", () => this.#read());
  }

  /** Tells the others which field this person is in, and where in its text. */
  focus(field: string | null, caret?: { anchor: number; head: number }): void {
    const text = field ? this.#lookup(field) : null;
    const position = (index: number) => Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(text as Y.Text, index));
    const selection = caret && text instanceof Y.Text ? { anchor: position(caret.anchor), head: position(caret.head) } : null;
    // Every key asks; only what is new is told.
    const told = JSON.stringify([field, selection]);
    if (told === this.#told) return;
    this.#told = told;
    this.#awareness.setLocalState({ ...this.#awareness.getLocalState(), field, selection });
  }

  #read(): void {
    const people: RemotePerson[] = [];
    for (const [client, state] of this.#awareness.getStates()) {
      if (client === this.#doc.clientID) continue;
      const role = (state["user"] as { role?: unknown } | undefined)?.role;
      if (role !== "citizen" && role !== "clerk") continue;
      const field = typeof state["field"] === "string" ? state["field"] : null;
      people.push({ client, role, field, caret: this.#caret(field, state["selection"]) });
    }
    if (JSON.stringify(people) !== JSON.stringify(this.others.value)) this.others.value = people;
  }

  #caret(field: string | null, selection: unknown): number | null {
    if (!field || typeof selection !== "object" || selection === null) return null;
    const text = this.#lookup(field);
    if (!(text instanceof Y.Text)) return null;
    try {
      const head = Y.createRelativePositionFromJSON((selection as { head: unknown }).head as object);
      const position = Y.createAbsolutePositionFromRelativePosition(head, this.#doc);
      return position && position.type === text ? position.index : null;
    } catch {
      return null;
    }
  }
}

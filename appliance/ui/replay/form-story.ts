// What became of the form while it was recorded, from the messages of its document: what stood in it
// before, and each change with its moment and its side.
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import * as sync from "y-protocols/sync";
import * as Y from "yjs";
import type { Party } from "./contents";

/** What one goes on writing in a field within this time is one change. */
const TYPING_MS = 3000;
const SYNC = 0;
const AUTHORS = 103;

export interface Step {
  atMs: number;
  path: string;
  /** undefined: gone. */
  value: unknown;
  /** null: not known. */
  by: Party | null;
}
/** Steps of one side in one field that follow from one another. */
export interface Edit extends Step {
  untilMs: number;
}

const escape = (key: string) => key.replace(/~/g, "~0").replace(/\//g, "~1");

/** Every leaf by its path (RFC 6901). */
function leaves(value: unknown, path: string, into: Map<string, unknown>): Map<string, unknown> {
  if (value !== null && typeof value === "object") for (const [key, inner] of Object.entries(value)) leaves(inner, `${path}/${escape(key)}`, into);
  else if (value !== null && value !== undefined && value !== "") into.set(path, value);
  return into;
}

export class FormStory {
  readonly steps: Step[] = [];
  /** What had been entered before the recording began. */
  before: ReadonlyMap<string, unknown> = new Map();
  readonly #doc = new Y.Doc();
  #known = new Map<string, unknown>();
  #begun = false;

  take(atMs: number, message: Uint8Array): void {
    const decoder = decoding.createDecoder(message);
    const type = decoding.readVarUint(decoder);
    if (type === AUTHORS) this.#learnAuthors(decoding.readVarString(decoder));
    if (type !== SYNC) return;
    const whole = sync.readSyncMessage(decoder, encoding.createEncoder(), this.#doc, null) === sync.messageYjsSyncStep2;
    const now = leaves(this.#doc.getMap("form").toJSON(), "", new Map());
    // The first answer is all there is, and nobody's change.
    if (whole && !this.#begun) this.before = now;
    else for (const path of new Set([...this.#known.keys(), ...now.keys()])) if (now.get(path) !== this.#known.get(path)) this.steps.push({ atMs, path, value: now.get(path), by: null });
    this.#begun = true;
    this.#known = now;
  }

  // The box tells authors after the changes that they made.
  #learnAuthors(text: string): void {
    const { authors } = JSON.parse(text) as { authors?: { path: string; kind: string }[] };
    for (const { path, kind } of authors ?? [])
      if (kind === "citizen" || kind === "clerk") for (const step of this.steps) if (step.path === path && step.by === null) step.by = kind;
  }

  /** The story as it is read: who goes on in a field makes one change of it. */
  get edits(): Edit[] {
    const edits: Edit[] = [];
    for (const step of this.steps) {
      const last = edits.at(-1);
      if (last && last.path === step.path && last.by === step.by && step.atMs - last.untilMs < TYPING_MS) edits[edits.length - 1] = { ...last, value: step.value, untilMs: step.atMs };
      else edits.push({ ...step, untilMs: step.atMs });
    }
    return edits;
  }

  /** The form at a moment: by path the value, and the last step that made it. */
  at(atMs: number): Map<string, { value: unknown; step: Step | null }> {
    const form = new Map([...this.before].map(([path, value]) => [path, { value, step: null as Step | null }]));
    for (const step of this.steps) if (step.atMs <= atMs) form.set(step.path, { value: step.value, step });
    return form;
  }
}

// Who wrote what: the box's word (message 103), never a client's own. Pure data and its reading;
// author-line.tsx shows it.
import { signal, type Signal } from "@preact/signals";

export type ActorKind = "citizen" | "clerk" | "box";
export interface Actor {
  kind: ActorKind;
  id: string;
  /** This connection's own person, on whichever device. */
  you: boolean;
}
/** The answer a choice, date, tick or number had before, and whose it was. */
export interface Previous extends Actor {
  at: string;
  value: unknown;
  /** Neither of the two knew of the other's answer. */
  concurrent: boolean;
}
export interface Author extends Actor {
  path: string;
  at: string;
  /** Who else wrote in the same text. */
  others: readonly Actor[];
  previous?: Previous | null;
}

/** `complete`: all there is to know of the audience; else what changed. */
export interface AuthorsMessage {
  authors: readonly Author[];
  complete?: boolean;
}

export class Authors {
  readonly fields: Signal<ReadonlyMap<string, Author>> = signal(new Map());

  take({ authors, complete = false }: AuthorsMessage): void {
    const fields = new Map(complete ? [] : this.fields.value);
    for (const author of authors) fields.set(author.path, author);
    this.fields.value = fields;
  }
}

const same = (a: Actor, b: Actor) => a.kind === b.kind && a.id === b.id;

/** Everybody who wrote in the field, the last one first, each once. */
export function writers(author: Author): Actor[] {
  const all: Actor[] = [author];
  for (const other of author.others) if (!all.some((known) => same(known, other))) all.push(other);
  return all;
}

const isAnswer = (value: unknown) => value !== undefined && value !== null && value !== "" && value !== false;

/**
 * What is to be told of the earlier answer. "collision": two people answered without knowing of each
 * other. "correction": somebody else changed yours. "before": changed, by you or between others.
 */
export type Story = "collision" | "correction" | "before";

export function storyOf(author: Author | undefined, value: unknown): { story: Story; previous: Previous } | null {
  const previous = author?.previous;
  if (!author || !previous || !isAnswer(previous.value)) return null;
  if (previous.value === value) return null;
  // Also between one person's own two devices: neither knew of the other.
  if (previous.concurrent) return { story: "collision", previous };
  if (same(author, previous)) return null;
  return { story: previous.you && !author.you ? "correction" : "before", previous };
}

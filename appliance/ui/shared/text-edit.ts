// Pure arithmetic of text editing on UTF-16 units, as the DOM and Yjs count them.
export interface Edit {
  index: number;
  remove: number;
  insert: string;
}
/** A Yjs text delta: the only operations plain text knows. */
export interface DeltaOp {
  retain?: number;
  insert?: string;
  delete?: number;
}

const isHigh = (unit: number) => unit >= 0xd800 && unit <= 0xdbff;
const isLow = (unit: number) => unit >= 0xdc00 && unit <= 0xdfff;
const splitsPair = (text: string, at: number) =>
  at > 0 && at < text.length && isHigh(text.charCodeAt(at - 1)) && isLow(text.charCodeAt(at));

/**
 * The edit that made `after` of `before`, with the caret at `caret` in `after`. The caret tells
 * which of several equal letters was typed. No surrogate pair is ever cut: Yjs turns a split pair
 * into U+FFFD on every side.
 */
export function diffAtCaret(before: string, after: string, caret: number): Edit | null {
  if (before === after) return null;
  const grown = after.length - before.length;
  let suffixMax = Math.min(before.length, after.length, after.length - caret);
  let prefixMax = Math.min(before.length, after.length);
  let suffix = 0;
  while (suffix < suffixMax && before[before.length - 1 - suffix] === after[after.length - 1 - suffix]) suffix++;
  prefixMax = Math.min(prefixMax, before.length - suffix, after.length - suffix);
  let prefix = 0;
  while (prefix < prefixMax && before[prefix] === after[prefix]) prefix++;
  suffixMax = Math.min(before.length, after.length) - prefix;
  while (suffix < suffixMax && before[before.length - 1 - suffix] === after[after.length - 1 - suffix]) suffix++;
  if (splitsPair(before, prefix) || splitsPair(after, prefix)) prefix--;
  if (splitsPair(before, before.length - suffix) || splitsPair(after, after.length - suffix)) suffix--;
  const remove = before.length - prefix - suffix;
  return { index: prefix, remove, insert: after.slice(prefix, prefix + remove + grown) };
}

/** Where a position of the old text is in the new one; at an insertion it stays before it. */
export function mapPosition(position: number, delta: readonly DeltaOp[]): number {
  let old = 0;
  let now = 0;
  for (const op of delta) {
    if (op.retain !== undefined) {
      if (position <= old + op.retain && op.retain > 0 && position < old + op.retain) return now + (position - old);
      old += op.retain;
      now += op.retain;
    } else if (op.insert !== undefined) {
      if (position <= old) return now;
      now += op.insert.length;
    } else if (op.delete !== undefined) {
      if (position < old + op.delete) return now;
      old += op.delete;
    }
  }
  return now + (position - old);
}

/**
 * What has become of each unit of a text while others changed it. Used while an input method
 * composes: the edit is known only at its end, in positions of the text before it began.
 */
export class Origins {
  #units: (number | null)[];
  constructor(length: number) {
    this.#units = Array.from({ length }, (_, index) => index);
  }
  apply(delta: readonly DeltaOp[]): void {
    let at = 0;
    for (const op of delta) {
      if (op.retain !== undefined) at += op.retain;
      else if (op.insert !== undefined) {
        this.#units.splice(at, 0, ...Array.from({ length: op.insert.length }, () => null));
        at += op.insert.length;
      } else if (op.delete !== undefined) this.#units.splice(at, op.delete);
    }
  }
  /** The edit's removals (descending, so that they can be applied in turn) and its place today. */
  translate(edit: Edit): { removals: number[]; index: number } {
    const removals: number[] = [];
    let index = 0;
    this.#units.forEach((origin, at) => {
      if (origin === null) return;
      if (origin < edit.index) index = at + 1;
      else if (origin < edit.index + edit.remove) removals.unshift(at);
    });
    return { removals, index };
  }
}

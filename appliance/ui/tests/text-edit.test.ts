import assert from "node:assert/strict";
import { test } from "node:test";
import { diffAtCaret, mapPosition, Origins, type DeltaOp } from "../shared/text-edit";

const apply = (text: string, edit: { index: number; remove: number; insert: string } | null) =>
  edit ? text.slice(0, edit.index) + edit.insert + text.slice(edit.index + edit.remove) : text;

test("the caret tells which of equal letters was typed", () => {
  assert.deepEqual(diffAtCaret("aaa", "aaaa", 1), { index: 0, remove: 0, insert: "a" });
  assert.deepEqual(diffAtCaret("aaa", "aaaa", 4), { index: 3, remove: 0, insert: "a" });
  assert.deepEqual(diffAtCaret("aaaa", "aaa", 2), { index: 2, remove: 1, insert: "" });
});

test("a replaced selection is one edit, and nothing is one edit less", () => {
  assert.deepEqual(diffAtCaret("Kovács Éva", "Kovács Anna", 11), { index: 7, remove: 2, insert: "Ann" });
  assert.equal(diffAtCaret("Éva", "Éva", 1), null);
  assert.deepEqual(diffAtCaret("Éva", "", 0), { index: 0, remove: 3, insert: "" });
});

test("no surrogate pair is cut", () => {
  // U+1F600 and U+1F601 share their first half, U+1F600 and U+10600 their last.
  assert.deepEqual(diffAtCaret("\u{1f600}", "\u{1f601}", 2), { index: 0, remove: 2, insert: "\u{1f601}" });
  assert.deepEqual(diffAtCaret("x\u{1f600}", "x\u{10600}", 3), { index: 1, remove: 2, insert: "\u{10600}" });
  assert.deepEqual(diffAtCaret("\u{1f600}\u{1f600}", "\u{1f600}", 2), { index: 2, remove: 2, insert: "" });
});

function random(seed: number) {
  let state = seed;
  return (limit: number) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >> 8) % limit;
  };
}
const ALPHABET = ["a", "b", "\u{1f600}", "\u{1f601}", "á", "\n"];

test("random edits are reproduced exactly, with whole characters only", () => {
  const next = random(7);
  const word = (length: number) => Array.from({ length }, () => ALPHABET[next(ALPHABET.length)]).join("");
  for (let round = 0; round < 3000; round++) {
    const characters = [...word(next(8))];
    const from = next(characters.length + 1);
    const to = from + next(characters.length - from + 1);
    const insert = word(next(4));
    const before = characters.join("");
    const head = characters.slice(0, from).join("");
    const after = head + insert + characters.slice(to).join("");
    const edit = diffAtCaret(before, after, head.length + insert.length);
    assert.equal(apply(before, edit), after);
    if (edit) {
      assert.ok(!/^[\udc00-\udfff]/.test(before.slice(edit.index)), "begins inside a pair");
      assert.ok(!/^[\udc00-\udfff]/.test(before.slice(edit.index + edit.remove)), "ends inside a pair");
    }
  }
});

test("positions follow a delta and stay before an insertion at their place", () => {
  const delta: DeltaOp[] = [{ retain: 2 }, { insert: "XY" }, { retain: 1 }, { delete: 2 }];
  assert.deepEqual([0, 1, 2, 3, 4, 5, 6].map((at) => mapPosition(at, delta)), [0, 1, 2, 5, 5, 5, 6]);
  assert.equal(mapPosition(3, [{ insert: "a" }]), 4);
  assert.equal(mapPosition(0, [{ insert: "a" }]), 0);
});

test("a composition's edit finds its place again after others have edited", () => {
  const origins = new Origins("hello world".length);
  origins.apply([{ insert: ">> " }]);
  origins.apply([{ retain: 3 }, { retain: 2 }, { delete: 1 }]);
  // The composition replaced "ll" (2 and 3) by "LL": one of them has gone meanwhile.
  assert.deepEqual(origins.translate({ index: 2, remove: 2, insert: "LL" }), { removals: [5], index: 5 });
});

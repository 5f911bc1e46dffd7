import assert from "node:assert/strict";
import { test } from "node:test";
import * as Y from "yjs";
import { TextBinding, type TextElement } from "../shared/text-binding";

/** As much of an input as the binding uses: value, selection, focus and its events. */
class FakeInput extends EventTarget {
  #value = "";
  selectionStart = 0;
  selectionEnd = 0;
  selectionDirection = "none" as const;
  scrollTop = 0;
  scrollLeft = 0;
  ownerDocument = { activeElement: this };
  get value() {
    return this.#value;
  }
  set value(text: string) {
    this.#value = text;
    this.selectionStart = this.selectionEnd = text.length; // as browsers do
  }
  setSelectionRange(start: number, end: number) {
    this.selectionStart = start;
    this.selectionEnd = end;
  }
  /** Typing: replaces the selection, as a browser would, and says so. */
  type(text: string) {
    const start = this.selectionStart;
    this.#value = this.#value.slice(0, start) + text + this.#value.slice(this.selectionEnd);
    this.selectionStart = this.selectionEnd = start + text.length;
    this.dispatchEvent(new Event("input"));
  }
}

function pair(initial: string) {
  const here = new Y.Doc();
  const there = new Y.Doc();
  here.on("update", (update: Uint8Array, origin: unknown) => origin !== "wire" && Y.applyUpdate(there, update, "wire"));
  there.on("update", (update: Uint8Array, origin: unknown) => origin !== "wire" && Y.applyUpdate(here, update, "wire"));
  here.getText("t").insert(0, initial);
  const input = new FakeInput();
  const binding = new TextBinding(here.getText("t"), input as unknown as TextElement);
  return { input, binding, mine: here.getText("t"), theirs: there.getText("t") };
}

test("typing is a small edit that leaves the other's letters alone", () => {
  const { input, theirs } = pair("Kis Péter");
  input.setSelectionRange(3, 3);
  theirs.insert(9, " úr");
  input.type("s");
  assert.equal(theirs.toString(), "Kiss Péter úr");
  assert.equal(input.value, "Kiss Péter úr");
});

test("an edit from elsewhere keeps the caret where it was in the text", () => {
  const { input, theirs } = pair("abcdef");
  input.setSelectionRange(3, 5);
  theirs.insert(0, "12");
  assert.deepEqual([input.value, input.selectionStart, input.selectionEnd], ["12abcdef", 5, 7]);
  theirs.delete(0, 4);
  assert.deepEqual([input.value, input.selectionStart, input.selectionEnd], ["cdef", 1, 3]);
});

test("emoji survive being typed, replaced and split by the other side", () => {
  const { input, theirs, mine } = pair("\u{1f600}");
  input.setSelectionRange(0, 2);
  input.type("\u{1f601}");
  theirs.insert(2, "x");
  input.setSelectionRange(2, 2);
  input.type("\u{1f602}");
  assert.equal(mine.toString(), "\u{1f601}\u{1f602}x");
  assert.equal(theirs.toString(), mine.toString());
});

test("a composition is left in peace and then merged", () => {
  const { input, theirs, mine } = pair("ab");
  input.setSelectionRange(1, 1);
  input.dispatchEvent(new Event("compositionstart"));
  input.type("´");
  theirs.insert(0, "zzz");
  assert.equal(input.value, "a´b", "the element is not touched while composing");
  input.setSelectionRange(1, 2);
  input.type("é");
  input.dispatchEvent(new Event("compositionend"));
  assert.equal(mine.toString(), "zzzaéb");
  assert.equal(theirs.toString(), "zzzaéb");
  assert.deepEqual([input.value, input.selectionStart], ["zzzaéb", 5]);
});

test("after destroy nothing is connected any more", () => {
  const { input, binding, mine, theirs } = pair("a");
  binding.destroy();
  theirs.insert(1, "b");
  assert.equal(input.value, "a");
  input.type("c");
  assert.equal(mine.toString(), "ab");
});

test("the caret is told when what was typed is in the text, so that it is a place in it", () => {
  const doc = new Y.Doc();
  const text = doc.getText("t");
  text.insert(0, "ABC");
  const input = new FakeInput();
  const told: string[] = [];
  new TextBinding(text, input as unknown as TextElement, () => told.push(`${text.toString()} ${input.selectionStart}`));
  input.setSelectionRange(0, 0);
  input.type("x");
  assert.deepEqual(told, ["xABC 1"]);
});

// Binds an input or textarea to a Y.Text: local typing becomes the smallest edit, remote edits
// keep the caret, and input-method composition is never disturbed.
import type * as Y from "yjs";
import { diffAtCaret, mapPosition, Origins, type DeltaOp } from "./text-edit";

export type TextElement = HTMLInputElement | HTMLTextAreaElement;

export class TextBinding {
  readonly #text: Y.Text;
  readonly #element: TextElement;
  readonly #observer: (event: Y.YTextEvent, transaction: Y.Transaction) => void;
  #composition: { base: string; origins: Origins } | null = null;

  /** `edited` is called when what was typed is in the text: only then are carets places in it. */
  constructor(text: Y.Text, element: TextElement, readonly edited: () => void = () => {}) {
    this.#text = text;
    this.#element = element;
    element.value = text.toString();
    this.#observer = (event, transaction) => {
      if (transaction.origin === this) return;
      this.#remote(event.delta as DeltaOp[]);
    };
    text.observe(this.#observer);
    element.addEventListener("input", this.#onInput);
    element.addEventListener("compositionstart", this.#onCompositionStart);
    element.addEventListener("compositionend", this.#onCompositionEnd);
  }

  destroy(): void {
    this.#text.unobserve(this.#observer);
    this.#element.removeEventListener("input", this.#onInput);
    this.#element.removeEventListener("compositionstart", this.#onCompositionStart);
    this.#element.removeEventListener("compositionend", this.#onCompositionEnd);
  }

  readonly #onInput = () => {
    if (!this.#composition) this.#commit(this.#text.toString(), null);
  };

  readonly #onCompositionStart = () => {
    const base = this.#text.toString();
    this.#composition = { base, origins: new Origins(base.length) };
  };

  readonly #onCompositionEnd = () => {
    const composition = this.#composition;
    this.#composition = null;
    if (!composition) return;
    this.#commit(composition.base, composition.origins);
  };

  #commit(base: string, origins: Origins | null): void {
    const element = this.#element;
    const caret = element.selectionStart ?? element.value.length;
    const edit = diffAtCaret(base, element.value, caret);
    let caretNow: number | null = null;
    if (edit) {
      const { removals, index } = origins?.translate(edit) ?? { removals: null, index: edit.index };
      const apply = () => {
        if (removals) for (const at of removals) this.#text.delete(at, 1);
        else if (edit.remove > 0) this.#text.delete(index, edit.remove);
        if (edit.insert) this.#text.insert(index, edit.insert);
      };
      const { doc } = this.#text;
      if (doc) doc.transact(apply, this);
      else apply();
      caretNow = index + edit.insert.length;
    }
    if (origins) this.#show(caretNow ?? caret, caretNow ?? caret);
    this.edited();
  }

  #remote(delta: DeltaOp[]): void {
    if (this.#composition) {
      this.#composition.origins.apply(delta);
      return;
    }
    const { selectionStart, selectionEnd } = this.#element;
    this.#show(mapPosition(selectionStart ?? 0, delta), mapPosition(selectionEnd ?? 0, delta));
  }

  #show(start: number, end: number): void {
    const element = this.#element;
    const value = this.#text.toString();
    if (element.value === value) return;
    const { scrollTop, scrollLeft, selectionDirection } = element;
    element.value = value;
    if (element.ownerDocument?.activeElement === element) element.setSelectionRange(start, end, selectionDirection ?? "none");
    element.scrollTop = scrollTop;
    element.scrollLeft = scrollLeft;
  }
}

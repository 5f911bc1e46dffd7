// What the shared document holds at a path, kept up to date.
import { useEffect, useState } from "preact/hooks";
import * as Y from "yjs";
import type { DraftDocument } from "./draft";

function useFollowed<T>(draft: DraftDocument, path: string, read: () => T): T {
  const [value, setValue] = useState<T>(read);
  useEffect(() => {
    const update = () => setValue(read);
    update();
    draft.form.observeDeep(update);
    return () => draft.form.unobserveDeep(update);
  }, [draft, path]);
  return value;
}

/** The plain value, or the Y.Text itself: a text's letters are its binding's business. */
export function useDraftValue(draft: DraftDocument, path: string): unknown {
  return useFollowed(draft, path, () => draft.lookup(path));
}

export function isEmpty(value: unknown): boolean {
  return value instanceof Y.Text ? value.length === 0 : value === undefined || value === null || value === "" || value === false;
}

export function useIsEmpty(draft: DraftDocument, path: string): boolean {
  return useFollowed(draft, path, () => isEmpty(draft.lookup(path)));
}

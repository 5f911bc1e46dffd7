// What may honestly be said of saving. For the eye it follows every change; for the ear only what
// matters is said, not every letter.
import { useEffect, useRef, useState } from "preact/hooks";
import type { DraftDocument } from "./draft";
import { formatTime, t, tn } from "./i18n";
import type { SaveState } from "./saved";
import { cx } from "./ui";

function saveText(state: SaveState, waiting: number, savedAt: Date | null): string {
  switch (state) {
    case "none":
      return "";
    case "yes":
      return t("ui.form.saved-yes", { time: formatTime(savedAt ?? new Date()) });
    case "away":
      return waiting > 0 ? tn("ui.form.saved-away", waiting) : t("ui.form.saved-away-idle");
    case "slow":
      return tn("ui.form.saved-slow", waiting);
    default:
      return t(`ui.form.saved-${state}`);
  }
}

/** Only a line that is gone, and its coming back. */
function useSpoken(state: SaveState, text: string): string {
  const [spoken, setSpoken] = useState("");
  const troubled = useRef(false);
  useEffect(() => {
    if (state === "away" || state === "slow") {
      troubled.current = true;
      setSpoken(text);
    } else if (state === "frozen" || (state === "yes" && troubled.current)) {
      troubled.current = false;
      setSpoken(text);
    }
  }, [state]);
  return spoken;
}

export function SavedMark({ draft }: { draft: DraftDocument }) {
  const state = draft.save.value;
  const text = saveText(state, draft.waiting.value, draft.savedAt.value);
  const spoken = useSpoken(state, text);
  const trouble = state === "away" || state === "slow";
  return (
    <span class={cx("ab-saved", state === "yes" && "ab-saved-yes", trouble && "ab-saved-no")} data-saved={state} data-waiting={draft.waiting.value}>
      {text}
      <span class="govuk-visually-hidden" role="status">{spoken}</span>
    </span>
  );
}

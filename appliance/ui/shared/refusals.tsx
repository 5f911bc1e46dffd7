// What the box took back, and why, in plain words: at the field, or on top when there is no such
// field on this page.
import type { DraftDocument, Refusal } from "./draft";
import { elementAt, labelOf, pathParts, sectionsFor, type FormDefinition } from "./form-model";
import { localText, t, tMaybe } from "./i18n";
import { Button, Notice } from "./ui";

/** An office's field is no field of the citizen's document: that is the better reason. */
export function refusalReason(refusal: Refusal, office: boolean): string {
  return office && refusal.reason === "unknown" ? t("ui.form.refused-office") : tMaybe(`ui.form.refused-${refusal.reason}`, t("ui.form.refused-other"));
}

export function RefusalNote({ refusal, office, id, onRead }: { refusal: Refusal; office: boolean; id: string; onRead: () => void }) {
  return (
    <div class="ab-notice ab-notice-amber ab-field-notice" data-refused={refusal.reason}>
      <p id={id}>{t("ui.form.refused-here", { why: refusalReason(refusal, office) })}</p>
      <Button size="small" kind="secondary" onClick={onRead}>{t("ui.common.understood")}</Button>
    </div>
  );
}

/** Refusals that no field of this page can show. */
export function homeless(refused: readonly Refusal[], definition: FormDefinition, audience: "shared" | "office"): Refusal[] {
  const shown = sectionsFor(definition, audience).flatMap((section) => section.elements);
  return refused.filter(({ path }) => {
    const found = elementAt(definition, path);
    return !found || found.element.type === "repeat" || !shown.includes(found.group ?? found.element);
  });
}

export function Refusals({ draft, definition }: { draft: DraftDocument; definition: FormDefinition }) {
  const refused = homeless(draft.refused.value, definition, draft.audience);
  if (refused.length === 0) return null;
  return (
    <Notice tone="amber">
      <p><strong>{t("ui.form.refused")}</strong></p>
      <ul class="govuk-list">
        {refused.map((entry) => <li key={entry.path} data-refused={entry.reason}>{refusalText(entry, definition)}</li>)}
      </ul>
      <Button size="small" kind="secondary" onClick={() => refused.forEach(({ path }) => draft.forgive(path))}>{t("ui.common.understood")}</Button>
    </Notice>
  );
}

export function refusalText(refusal: Refusal, definition: FormDefinition): string {
  const label = labelOf(definition, refusal.path);
  const office = elementAt(definition, refusal.path)?.element.office ?? false;
  return `${label ? localText(label.label) : pathParts(refusal.path).join(" / ")}: ${refusalReason(refusal, office)}`;
}

// The form together: sections, repeating groups, what is missing.
import { useEffect, useState } from "preact/hooks";
import * as Y from "yjs";
import { box } from "./box";
import type { Gap } from "../generated/box-api";
import type { DraftDocument } from "./draft";
import { Field, gapText } from "./field";
import { fieldId, isRequired, labelOf, pathParts, sectionsFor, type FormDefinition, type RepeatElement } from "./form-model";
import { FormNews } from "./form-news";
import { localText, t, tn } from "./i18n";
import { LateEdits } from "./late-edits";
import { Refusals } from "./refusals";
import { Button, cx, goToField, Notice, toastError } from "./ui";

export { LateEdits };
export { WhoIsHere } from "./presence";
export { SavedMark } from "./save-mark";

interface Shared {
  draft: DraftDocument;
  draftId: string;
  definition: FormDefinition;
  autofill: boolean;
}

export function DraftForm({ draft, draftId, definition, autofill }: Shared) {
  const state = draft.state.value;
  const disabled = state === "frozen" || state === "broken";
  if (!draft.synced.value && !disabled)
    return <p class="ab-muted" role="status">{t("ui.form.loading")}</p>;
  return (
    <div class="ab-draft" data-audience={draft.audience}>
      <FormNews draft={draft} definition={definition} />
      <Refusals draft={draft} definition={definition} />
      {state === "broken" && <Notice tone="error" live>{t("ui.form.broken")}</Notice>}
      <LateEdits draft={draft} definition={definition} />
      {sectionsFor(definition, draft.audience).map((section, index) => (
        <section class="ab-form-section" key={index}>
          <h3 class="ab-subtitle">{localText(section.title)}</h3>
          {section.elements.map((element) =>
            element.type === "repeat" ? (
              <Repeat key={element.field} {...{ draft, draftId, definition, autofill, element, disabled }} titled={localText(element.title) !== localText(section.title)} />
            ) : (
              <Field
                key={element.field}
                draft={draft}
                element={element}
                path={element.field}
                required={isRequired(definition, element.field)}
                maxLength={definition.schema.properties?.[element.field.slice(1)]?.maxLength}
                disabled={disabled}
                autofill={autofill}
              />
            ),
          )}
        </section>
      ))}
    </div>
  );
}

function useRowCount(draft: DraftDocument, path: string): number {
  const count = () => {
    const rows = draft.lookup(path);
    return rows instanceof Y.Array ? rows.length : 0;
  };
  const [length, setLength] = useState(count);
  useEffect(() => {
    const update = () => setLength(count());
    update();
    draft.form.observeDeep(update);
    return () => draft.form.unobserveDeep(update);
  }, [draft, path]);
  return length;
}

function Repeat({ draft, draftId, definition, element, disabled, autofill, titled }: Shared & { element: RepeatElement; disabled: boolean; titled: boolean }) {
  const length = useRowCount(draft, element.field);
  const [busy, setBusy] = useState(false);
  const schema = definition.schema.properties?.[element.field.slice(1)];
  const full = schema?.maxItems !== undefined && length >= schema.maxItems;
  const add = async () => {
    setBusy(true);
    try {
      await box("addRow", { params: { draftId }, body: { path: element.field } });
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="ab-repeat" data-path={element.field}>
      <h4 class={cx("govuk-label", !titled && "govuk-visually-hidden")} id={fieldId(element.field)} tabIndex={-1}>{localText(element.title)}</h4>
      {Array.from({ length }, (_, row) => (
        <fieldset class="govuk-fieldset ab-repeat-row" key={row}>
          <legend class="govuk-fieldset__legend">{t("ui.form.row", { title: localText(element.title), number: row + 1 })}</legend>
          {element.elements.map((child) => {
            const name = child.field.replace(/^\//, "");
            return (
              <Field
                key={name}
                draft={draft}
                element={child}
                path={`${element.field}/${row}/${name}`}
                required={schema?.items?.required?.includes(name) ?? false}
                maxLength={schema?.items?.properties?.[name]?.maxLength}
                disabled={disabled}
                autofill={autofill}
              />
            );
          })}
          <Button kind="secondary" size="small" disabled={disabled} onClick={() => draft.removeRow(element.field, row)}>
            {t("ui.form.remove-row", { number: row + 1 })}
          </Button>
        </fieldset>
      ))}
      <Button kind="secondary" size="small" disabled={disabled || busy || full} onClick={() => void add()}>
        {t("ui.form.add-row")}
      </Button>
    </div>
  );
}

/** The label of a gap's field, with the row where there is one. */
export function gapLabel(definition: FormDefinition, gap: Gap): string {
  const found = labelOf(definition, gap.path);
  if (!found) return gap.path;
  const label = localText(found.label);
  return found.group ? t("ui.gap.in-row", { label, group: localText(found.group), number: found.row ?? 0 }) : label;
}

export function GapList({ gaps, definition, links = true }: { gaps: readonly Gap[]; definition: FormDefinition; links?: boolean }) {
  return (
    <ul class="govuk-list ab-gaps">
      {gaps.map((gap) => {
        const label = gapLabel(definition, gap);
        const href = `#${fieldId(gapTarget(definition, gap.path))}`;
        return (
          <li key={`${gap.path} ${gap.keyword}`}>
            {links ? <a href={href} onClick={(event) => goToField(event, href)}>{label}</a> : <strong>{label}</strong>}: {gapText(gap)}
          </li>
        );
      })}
    </ul>
  );
}

/** A gap may point below a field (an array's length, say): the control is the field's. */
function gapTarget(definition: FormDefinition, path: string): string {
  const parts = pathParts(path);
  const repeat = definition.layout.some((section) => section.elements.some((element) => element.type === "repeat" && element.field === `/${parts[0]}`));
  return `/${parts.slice(0, repeat ? 3 : 1).join("/")}`;
}

export function GapSummary({ draft, definition }: { draft: DraftDocument; definition: FormDefinition }) {
  const gaps = draft.gaps.value;
  if (draft.state.value === "frozen") return null;
  if (gaps.length === 0) return draft.complete.value ? <Notice tone="success" live>{t("ui.gap.none")}</Notice> : null;
  return (
    <details class="govuk-details ab-gap-summary">
      <summary class="govuk-details__summary"><span class="govuk-details__summary-text">{tn("ui.gap.count", gaps.length)}</span></summary>
      <div class="govuk-details__text"><GapList gaps={gaps} definition={definition} /></div>
    </details>
  );
}

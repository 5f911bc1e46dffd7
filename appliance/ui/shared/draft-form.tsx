// The form together: sections, repeating groups, who is here, what is saved, what is missing.
import { useEffect, useState } from "preact/hooks";
import * as Y from "yjs";
import { box } from "./box";
import type { Gap } from "../generated/box-api";
import type { DraftDocument } from "./draft";
import { Field, gapText } from "./field";
import { fieldId, isRequired, labelOf, pathParts, sectionsFor, type FormDefinition, type RepeatElement } from "./form-model";
import { localText, t, tMaybe, tn } from "./i18n";
import { Button, cx, goToField, Notice, toastError } from "./ui";

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

export function SavedMark({ draft }: { draft: DraftDocument }) {
  const state = draft.state.value;
  const away = state === "connecting" || state === "away";
  const saved = draft.saved.value;
  const key = state === "frozen" ? "frozen" : away ? "away" : saved ? "yes" : "saving";
  return (
    <span class={cx("ab-saved", key === "yes" && "ab-saved-yes", (key === "saving" || key === "away") && "ab-saved-no")} role="status" data-saved={key}>
      {t(`ui.form.saved-${key}`)}
    </span>
  );
}

export function WhoIsHere({ draft }: { draft: DraftDocument }) {
  const roles = new Set(draft.others.value.map((person) => person.role));
  return (
    <span class="ab-here" role="status">
      {[...roles].map((role) => (
        <span class="ab-here-chip" key={role}>{t(role === "clerk" ? "ui.form.clerk-here" : "ui.form.citizen-here")}</span>
      ))}
    </span>
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

function Refusals({ draft, definition }: { draft: DraftDocument; definition: FormDefinition }) {
  const refused = draft.refused.value;
  if (refused.length === 0) return null;
  return (
    <Notice tone="amber" live>
      <p><strong>{t("ui.form.refused")}</strong></p>
      <ul class="govuk-list">
        {refused.map((entry) => {
          const found = labelOf(definition, entry.path);
          return <li key={entry.path}>{found ? localText(found.label) : entry.path}: {tMaybe(`ui.form.refused-${entry.reason}`, t("ui.form.refused-other"))}</li>;
        })}
      </ul>
      <Button size="small" kind="secondary" onClick={() => draft.dismissRefusals()}>{t("ui.common.understood")}</Button>
    </Notice>
  );
}

/** After the freeze nothing typed is lost from sight: it is shown to be copied. */
export function LateEdits({ draft, definition }: { draft: DraftDocument; definition: FormDefinition }) {
  const late = draft.late.value;
  if (late.size === 0) return null;
  return (
    <Notice tone="amber" live>
      <p><strong>{t("ui.form.late-title")}</strong> {t("ui.form.late-text")}</p>
      <dl class="govuk-summary-list">
        {[...late].map(([path, text]) => {
          const found = labelOf(definition, path);
          return (
            <div class="govuk-summary-list__row" key={path}>
              <dt class="govuk-summary-list__key">{found ? localText(found.label) : path}</dt>
              <dd class="govuk-summary-list__value">{text}</dd>
            </div>
          );
        })}
      </dl>
    </Notice>
  );
}

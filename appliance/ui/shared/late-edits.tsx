// What was typed after the submission: never lost from sight, and easily taken along.
import { useRef, useState } from "preact/hooks";
import type { DraftDocument } from "./draft";
import { elementAt, fieldId, labelOf, type FormDefinition } from "./form-model";
import { answerText } from "./author-line";
import { localText, t } from "./i18n";
import { Button, Notice } from "./ui";

export function LateEdits({ draft, definition }: { draft: DraftDocument; definition: FormDefinition }) {
  const late = draft.late.value;
  if (late.size === 0) return null;
  return (
    <div class="ab-late">
      <Notice tone="amber" live>
        <p><strong>{t("ui.form.late-title")}</strong> {t("ui.form.late-text")}</p>
      </Notice>
      {[...late].map(([path, text]) => <LateEdit key={path} path={path} text={text} definition={definition} />)}
    </div>
  );
}

function LateEdit({ path, text, definition }: { path: string; text: string; definition: FormDefinition }) {
  const area = useRef<HTMLTextAreaElement>(null);
  const [copied, setCopied] = useState(false);
  const id = `late-${fieldId(path)}`;
  const label = labelOf(definition, path);
  const element = elementAt(definition, path)?.element;
  const shown = element?.type === "field" ? answerText(element, text) : text;
  const copy = async () => {
    // Selected as well: pages without TLS are given no clipboard, but Ctrl+C works on a selection.
    area.current?.select();
    try {
      await navigator.clipboard.writeText(shown);
      setCopied(true);
    } catch {
      area.current?.focus();
    }
  };
  return (
    <div class="govuk-form-group ab-late-edit" data-late={path}>
      <label class="govuk-label" for={id}>{label ? localText(label.label) : path}</label>
      <textarea class="govuk-textarea" id={id} readOnly rows={Math.min(6, shown.split("\n").length)} value={shown} ref={area} />
      <Button size="small" kind="secondary" onClick={() => void copy()}>{t("ui.form.late-copy")}</Button>
      <span class="ab-muted ab-small" role="status">{copied && t("ui.form.late-copied")}</span>
    </div>
  );
}

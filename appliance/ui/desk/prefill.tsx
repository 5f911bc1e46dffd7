// Filling in several fields at once from what lies on the desk (a card, a certificate): the client
// sees whole answers appear, not the typing.
import { useState } from "preact/hooks";
import * as Y from "yjs";
import { errorText } from "../shared/api";
import { box } from "../shared/box";
import type { DraftDocument } from "../shared/draft";
import { sectionsFor, type FieldElement, type FormDefinition } from "../shared/form-model";
import { localText, t } from "../shared/i18n";
import { Button, Dialog, Input, Notice, toast } from "../shared/ui";

function isEmpty(draft: DraftDocument, path: string): boolean {
  const value = draft.lookup(path);
  return value instanceof Y.Text ? value.length === 0 : value === undefined || value === null || value === "";
}

const prefillable = (element: FieldElement) => ["text", "email", "phone", "date"].includes(element.widget);

export function Prefill({ draft, draftId, definition, onClose }: { draft: DraftDocument; draftId: string; definition: FormDefinition; onClose: () => void }) {
  const [fields] = useState(() =>
    sectionsFor(definition, "shared")
      .flatMap((section) => section.elements)
      .filter((element): element is FieldElement => element.type === "field" && prefillable(element) && isEmpty(draft, element.field)),
  );
  const [values, setValues] = useState<Record<string, string>>({});
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    const filled = Object.fromEntries(Object.entries(values).filter(([, value]) => value.trim() !== ""));
    if (Object.keys(filled).length === 0) return onClose();
    setBusy(true);
    try {
      await box("prefillDraft", { params: { draftId }, body: { values: filled } });
      toast(t("ui.prefill.done"));
      onClose();
    } catch (failure) {
      setError(errorText(failure));
      setBusy(false);
    }
  };
  return (
    <Dialog title={t("ui.prefill.title")} onClose={onClose} wide>
      <p>{t("ui.prefill.text")}</p>
      {error && <Notice tone="error" live>{error}</Notice>}
      {fields.length === 0 && <p class="ab-muted">{t("ui.prefill.nothing")}</p>}
      <form onSubmit={(event) => void submit(event)}>
        <div class="ab-prefill-grid">
          {fields.map((element) => (
            <Input
              key={element.field}
              label={localText(element.label)}
              type={element.widget === "date" ? "date" : "text"}
              autocomplete="off"
              value={values[element.field] ?? ""}
              onInput={(event) => setValues({ ...values, [element.field]: event.currentTarget.value })}
            />
          ))}
        </div>
        <div class="ab-dialog-actions">
          <Button type="submit" disabled={busy}>{t("ui.prefill.apply")}</Button>
          <Button kind="secondary" onClick={onClose}>{t("ui.common.cancel")}</Button>
        </div>
      </form>
    </Dialog>
  );
}

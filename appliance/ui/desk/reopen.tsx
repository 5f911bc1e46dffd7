// Asking for a completion: why, and until when. The same fields serve a filing of this visit and one
// that is continued from an earlier visit.
import { useState } from "preact/hooks";
import { errorText } from "../shared/api";
import { box } from "../shared/box";
import type { Receipt, Visit } from "../generated/box-api";
import { gapLabel } from "../shared/draft-form";
import { sectionsFor, type FormDefinition } from "../shared/form-model";
import { t } from "../shared/i18n";
import { Button, Dialog, Input, Notice, toast } from "../shared/ui";

export interface Asked {
  reason: string;
  due: string;
}

/** The body's part that says it. */
export const askedBody = ({ reason, due }: Asked) => ({ reason: reason.trim(), ...(due ? { due } : {}) });

export function AskFields({ asked, setAsked, missing }: { asked: Asked; setAsked: (asked: Asked) => void; missing: boolean }) {
  return (
    <>
      <div class={missing ? "govuk-form-group govuk-form-group--error" : "govuk-form-group"}>
        <label class="govuk-label" for="reopen-reason">{t("ui.reopen.reason")}</label>
        {missing && <p class="govuk-error-message" id="reopen-reason-error"><span class="govuk-visually-hidden">{t("ui.error.prefix")} </span>{t("ui.reopen.reason-missing")}</p>}
        <textarea
          class="govuk-textarea"
          id="reopen-reason"
          rows={3}
          maxLength={1000}
          value={asked.reason}
          {...(missing ? { "aria-invalid": true, "aria-describedby": "reopen-reason-error" } : {})}
          onInput={(event) => setAsked({ ...asked, reason: event.currentTarget.value })}
        />
      </div>
      <Input
        id="reopen-due"
        class="govuk-input--width-10"
        type="date"
        label={t("ui.reopen.due")}
        hint={t("ui.reopen.due-hint")}
        value={asked.due}
        onInput={(event) => setAsked({ ...asked, due: event.currentTarget.value })}
      />
    </>
  );
}

/** What is missing is what is asked for, most of the time: the clerk only has to agree. */
function reasonFor(receipt: Receipt, definition: FormDefinition | null): string {
  if (!definition) return "";
  const office = sectionsFor(definition, "office").flatMap((section) => section.elements.map(({ field }) => field));
  const labels = receipt.gaps.filter(({ path }) => !office.includes(path)).map((gap) => gapLabel(definition, gap));
  return labels.length > 0 ? t("ui.reopen.gaps", { fields: labels.join(", ") }).slice(0, 1000) : "";
}

export function Reopen({ receipt, definition, onVisit }: { receipt: Receipt; definition: FormDefinition | null; onVisit: (visit: Visit) => void }) {
  const [asked, setAsked] = useState<Asked | null>(null);
  return (
    <p class="ab-row">
      <Button kind="secondary" class="ab-reopen" onClick={() => setAsked({ reason: reasonFor(receipt, definition), due: "" })}>{t("ui.reopen.button")}</Button>
      {asked && <ReopenDialog receipt={receipt} asked={asked} setAsked={setAsked} onVisit={onVisit} />}
    </p>
  );
}

function ReopenDialog({ receipt, asked, setAsked, onVisit }: { receipt: Receipt; asked: Asked; setAsked: (asked: Asked | null) => void; onVisit: (visit: Visit) => void }) {
  const [busy, setBusy] = useState(false);
  const [missing, setMissing] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    setMissing(asked.reason.trim() === "");
    if (asked.reason.trim() === "") return document.getElementById("reopen-reason")?.focus();
    setBusy(true);
    try {
      onVisit(await box("reopenFiling", { params: { filingId: receipt.filingId }, body: askedBody(asked) }));
      toast(t("ui.reopen.done"));
    } catch (failure) {
      setError(errorText(failure));
      setBusy(false);
    }
  };
  return (
    <Dialog title={t("ui.reopen.title", { number: receipt.number })} onClose={() => setAsked(null)}>
      <p>{t("ui.reopen.text")}</p>
      {error && <Notice tone="error" live>{error}</Notice>}
      <form noValidate onSubmit={(event) => void submit(event)}>
        <AskFields asked={asked} setAsked={setAsked} missing={missing} />
        <div class="ab-dialog-actions">
          <Button type="submit" class="ab-reopen-confirm" disabled={busy}>{t("ui.reopen.confirm")}</Button>
          <Button kind="secondary" onClick={() => setAsked(null)}>{t("ui.common.cancel")}</Button>
        </div>
      </form>
    </Dialog>
  );
}

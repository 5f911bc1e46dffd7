// Going on with an earlier filing in this visit, by its registry number. Numbers follow each other,
// so what stands under it is shown first: one wrong digit is another person's.
import { useEffect, useState } from "preact/hooks";
import { errorText } from "../shared/api";
import { box } from "../shared/box";
import type { FoundFiling, Visit } from "../generated/box-api";
import { formatDateTime, formatDay, formatNumber, localText, t } from "../shared/i18n";
import { Button, Dialog, Input, Notice, toast } from "../shared/ui";
import { AskFields, askedBody, type Asked } from "./reopen";
import { SHORTCUTS } from "./shortcuts";

interface Props {
  visit: Visit;
  onVisit: (visit: Visit) => void;
}

export function ContinueFiling({ openNow, ...props }: Props & { openNow: number }) {
  const [open, setOpen] = useState(false);
  const [seen] = useState(openNow);
  useEffect(() => {
    if (openNow !== seen) setOpen(true);
  }, [openNow]);
  return (
    <>
      <Button kind="secondary" size="small" wide class="ab-continue" keys={SHORTCUTS.continue.shown} onClick={() => setOpen(true)}>{t("ui.continue.button")}</Button>
      {open && <ContinueDialog {...props} onClose={() => setOpen(false)} />}
    </>
  );
}

function ContinueDialog({ visit, onVisit, onClose }: Props & { onClose: () => void }) {
  const [found, setFound] = useState<FoundFiling | null>(null);
  return (
    <Dialog title={t("ui.continue.button")} onClose={onClose}>
      {found ? (
        <Confirm visit={visit} found={found} onVisit={onVisit} onOther={() => setFound(null)} onClose={onClose} />
      ) : (
        <Find onFound={setFound} onClose={onClose} />
      )}
    </Dialog>
  );
}

function Find({ onFound, onClose }: { onFound: (found: FoundFiling) => void; onClose: () => void }) {
  const [number, setNumber] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const fail = (text: string) => {
    setError(text);
    document.getElementById("continue-number")?.focus();
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    if (number.trim() === "") return fail(t("ui.continue.number-missing"));
    setBusy(true);
    try {
      onFound(await box("findFiling", { query: { number: number.trim() } }));
    } catch (failure) {
      setBusy(false);
      fail(errorText(failure));
    }
  };
  return (
    <form noValidate onSubmit={(event) => void submit(event)}>
      <Input id="continue-number" label={t("ui.continue.number")} hint={t("ui.continue.text")} error={error ?? undefined} autocomplete="off" spellcheck={false} maxLength={64} value={number} onInput={(event) => setNumber(event.currentTarget.value)} />
      <div class="ab-dialog-actions">
        <Button type="submit" class="ab-continue-find" disabled={busy}>{t("ui.continue.find")}</Button>
        <Button kind="secondary" onClick={onClose}>{t("ui.common.cancel")}</Button>
      </div>
    </form>
  );
}

function Confirm({ visit, found, onVisit, onOther, onClose }: Props & { found: FoundFiling; onOther: () => void; onClose: () => void }) {
  const [asked, setAsked] = useState<Asked>({ reason: "", due: "" });
  const [missing, setMissing] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  // The step before is gone, and the focus with it.
  useEffect(() => document.getElementById("continue-found")?.focus(), []);
  const submit = async (event: Event) => {
    event.preventDefault();
    const empty = !found.completion && asked.reason.trim() === "";
    setMissing(empty);
    if (empty) return document.getElementById("reopen-reason")?.focus();
    setBusy(true);
    try {
      const body = { filingId: found.filingId, ...(found.completion ? {} : askedBody(asked)) };
      onVisit(await box("continueFiling", { params: { visitId: visit.id }, body }));
      toast(t("ui.continue.done", { number: found.number }));
      onClose();
    } catch (failure) {
      setError(errorText(failure));
      setBusy(false);
    }
  };
  return (
    <form noValidate onSubmit={(event) => void submit(event)}>
      <h3 class="ab-number ab-continue-number" id="continue-found" tabIndex={-1}>{found.number}</h3>
      <Facts found={found} />
      <Notice tone="amber">
        <p>{t("ui.continue.check")} {visit.identity === "none" && <strong>{t("ui.continue.identity")}</strong>}</p>
        {visit.draftId && !visit.filingId && <p>{t("ui.continue.aside")}</p>}
      </Notice>
      {error && <Notice tone="error" live>{error}</Notice>}
      {!found.completion && <AskFields asked={asked} setAsked={setAsked} missing={missing} />}
      <div class="ab-dialog-actions">
        <Button type="submit" class="ab-continue-confirm" disabled={busy}>{t("ui.continue.confirm")}</Button>
        <Button kind="secondary" onClick={onOther}>{t("ui.continue.another")}</Button>
      </div>
    </form>
  );
}

function Facts({ found }: { found: FoundFiling }) {
  const { completion } = found;
  const facts: [string, string][] = [
    [t("ui.receipt.service"), localText(found.serviceName) || found.service],
    [t("ui.receipt.arrived"), formatDateTime(found.arrivedAt)],
    [t("ui.continue.gaps"), formatNumber(found.gaps)],
    ...(completion ? [[t("ui.receipt.reason"), completion.reason] as [string, string]] : []),
    ...(completion?.due ? [[t("ui.receipt.due"), formatDay(completion.due)] as [string, string]] : []),
  ];
  return (
    <dl class="govuk-summary-list">
      {facts.map(([name, value]) => (
        <div class="govuk-summary-list__row" key={name}>
          <dt class="govuk-summary-list__key">{name}</dt>
          <dd class="govuk-summary-list__value">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

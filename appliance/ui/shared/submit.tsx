// Submitting and the receipt: nothing missing ever blocks it; the gaps are shown and listed. What the
// office asks to be completed is filed once more, with a receipt of its own.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { errorText, roleQuery } from "./api";
import { box } from "./box";
import type { Completion, Draft, Gap, Receipt, Registration, Visit } from "../generated/box-api";
import type { DraftDocument } from "./draft";
import { gapLabel, GapList } from "./draft-form";
import { sizeText } from "./files";
import { sectionsFor, type FormDefinition } from "./form-model";
import { useLoaded, type Loaded } from "./hooks";
import { formatDateTime, formatDay, language, localText, t, tn } from "./i18n";
import type { Live } from "./live";
import { Button, Dialog, Notice, Tag, toastError } from "./ui";

export function SubmitButton({ draftId, gaps, definition, onFiled, wide = false, keys }: {
  draftId: string;
  gaps: readonly Gap[];
  definition: FormDefinition;
  onFiled: (receipt: Receipt) => void;
  wide?: boolean;
  keys?: string;
}) {
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const submit = async () => {
    setBusy(true);
    setError(null);
    try {
      onFiled(await box("submitDraft", { params: { draftId }, body: { acceptGaps: gaps.length > 0 } }));
      setAsking(false);
    } catch (failure) {
      setError(errorText(failure));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button class="ab-submit" wide={wide} keys={keys} onClick={() => setAsking(true)}>{t("ui.submit.button")}</Button>
      {asking && (
        <Dialog title={t("ui.submit.title")} onClose={() => setAsking(false)}>
          {gaps.length > 0 ? (
            <>
              <p>{tn("ui.submit.gaps", gaps.length)}</p>
              <GapList gaps={gaps} definition={definition} links={false} />
              <p>{t("ui.submit.gaps-accept")}</p>
            </>
          ) : (
            <p>{t("ui.submit.complete")}</p>
          )}
          {error && <Notice tone="error" live>{error}</Notice>}
          <div class="ab-dialog-actions">
            <Button class="ab-submit-confirm" disabled={busy} onClick={() => void submit()}>{t(gaps.length > 0 ? "ui.submit.as-is" : "ui.submit.confirm")}</Button>
            <Button kind="secondary" onClick={() => setAsking(false)}>{t("ui.submit.back")}</Button>
          </div>
        </Dialog>
      )}
    </>
  );
}

/**
 * The visit's draft. It is loaded again when the office reopens it, and not when it is filed: what
 * was typed too late stays on the page then.
 */
export function useDraft(visit: Visit): Loaded<Draft> {
  const reopened = useRef<string | null>(null);
  if (visit.completion) reopened.current = visit.completion.id;
  const loaded = useLoaded<Draft | null>(
    () => (visit.draftId ? box("getDraft", { params: { draftId: visit.draftId } }) : Promise.resolve(null)),
    [visit.draftId, reopened.current],
  );
  // The visit may go on with another form while the one before is still here.
  return { ...loaded, value: loaded.value?.id === visit.draftId ? loaded.value : null };
}

/** Documents that were frozen by the filing connect again when it is reopened. */
export function useReopening(visit: Visit, documents: readonly (DraftDocument | null | undefined)[]): void {
  const completion = visit.completion?.id;
  useEffect(() => {
    if (completion) documents.forEach((document) => document?.reopen());
  }, [completion]);
}

/** Documents that reconnect when the page's line has proved dead. */
export function useFollowing(live: Live, documents: readonly (DraftDocument | null | undefined)[]): void {
  useEffect(() => {
    const offs = documents.map((document) => document?.follow(live));
    return () => offs.forEach((off) => off?.());
  }, [live, ...documents]);
}

/** What the office asks for, above the form. */
export function CompletionNotice({ completion }: { completion: Completion | null }) {
  if (!completion) return null;
  return (
    <section class="ab-notice ab-notice-amber ab-completion" aria-labelledby="completion-title">
      <h3 class="govuk-label" id="completion-title">{t("ui.completion.title", { number: completion.number })}</h3>
      <p>{t("ui.completion.text")}</p>
      <p class="ab-completion-reason">{completion.reason}</p>
      {completion.due && <p>{t("ui.completion.due", { day: formatDay(completion.due) })}</p>}
    </section>
  );
}

const later = (known: Receipt | null, found: Receipt) => (known?.filingId === found.filingId && known.storedAt === "headquarters" ? known : found);

/**
 * The receipt of a visit, and `filed` to put in the one that submitting gave; none while the form is
 * open, also for completion. The answers and the word that headquarters has it come in any order:
 * where it is stored only ever goes forward, and only of the receipt that is the newest.
 */
export function useReceipt(live: Live, visitId: string, filingId: string | null) {
  const [receipt, setReceipt] = useState<Receipt | null>(null);
  const newest = useRef<string | null>(null);
  const filed = useCallback((found: Receipt) => {
    newest.current = found.filingId;
    setReceipt((known) => later(known, found));
  }, []);
  const load = useCallback((id: string) => {
    box("getFiling", { params: { filingId: id } }).then((found) => {
      if (newest.current === id) setReceipt((known) => later(known, found));
    }, toastError);
  }, []);
  useEffect(() => {
    newest.current = filingId;
    if (filingId) load(filingId);
    else setReceipt(null);
    // Passing messages are lost while the line is down.
    return live.on("line", (state) => {
      if (state === "open" && filingId) load(filingId);
    });
  }, [live, filingId]);
  useEffect(
    () =>
      live.on("message", ({ topic, kind, data }) => {
        if (kind === "filing.stored" && topic === `visit:${visitId}` && data["filingId"] === newest.current) load(String(data["filingId"]));
      }),
    [live, visitId],
  );
  return { receipt, filed };
}

/** `earlier`: all registrations of the form; those that are not this receipt's can be fetched too. */
export function ReceiptView({ receipt, definition, earlier }: { receipt: Receipt; definition: FormDefinition | null; earlier: readonly Registration[] }) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // The form is gone, and the focus with it; somebody writing a message keeps theirs.
    if (!document.activeElement || document.activeElement === document.body) title.current?.focus();
  }, [receipt.filingId]);
  const others = earlier.filter(({ filingId }) => filingId !== receipt.filingId);
  return (
    <article class="ab-receipt ab-card" aria-labelledby="receipt-title">
      <div class="ab-receipt-head">
        <h2 class="ab-subtitle" id="receipt-title" tabIndex={-1} ref={title}>{t("ui.receipt.title")}</h2>
        <p class="ab-receipt-number ab-number">{receipt.number}</p>
        {receipt.completes && <Tag>{t("ui.receipt.completion", { number: (receipt.ordinal ?? 2) - 1 })}</Tag>}
        <Tag tone={receipt.storedAt === "headquarters" ? "green" : "amber"}>{t(`ui.receipt.stored-${receipt.storedAt}`)}</Tag>
      </div>
      <dl class="govuk-summary-list">
        <Row name={t("ui.receipt.service")}>{localText(receipt.serviceName)}</Row>
        <Row name={t("ui.receipt.arrived")}>{formatDateTime(receipt.arrivedAt, true)}</Row>
        <Completed receipt={receipt} definition={definition} />
        <Row name={t("ui.receipt.hash")}><span class="ab-hash">{receipt.contentSha256}</span></Row>
      </dl>
      {receipt.attachments && (
        <>
          <h3 class="govuk-label">{t("ui.receipt.attachments")}</h3>
          <ul class="govuk-list ab-receipt-attachments">
            {receipt.attachments.map(({ name, size, sha256 }) => <li key={sha256}>{name} <span class="ab-muted ab-small">({sizeText(size)})</span></li>)}
          </ul>
        </>
      )}
      {receipt.gaps.length > 0 && definition && (
        <>
          <h3 class="govuk-label">{tn("ui.receipt.gaps", receipt.gaps.length)}</h3>
          <GapList gaps={receipt.gaps} definition={definition} links={false} />
        </>
      )}
      {receipt.sample && <p class="ab-muted ab-small">{t("ui.common.sample")}</p>}
      <p class="ab-row ab-no-print">
        <a class="govuk-button govuk-button--secondary" href={pdf(receipt.filingId, "receipt")} target="_blank" rel="noopener">{t("ui.receipt.pdf")}</a>
        <a class="govuk-button govuk-button--secondary" href={pdf(receipt.filingId, "content")} target="_blank" rel="noopener">{t("ui.receipt.content-pdf")}</a>
      </p>
      {others.length > 0 && (
        <div class="ab-receipt-earlier ab-no-print">
          <h3 class="govuk-label">{t("ui.receipt.earlier")}</h3>
          <ul class="govuk-list">
            {others.map(({ filingId, arrivedAt }) => (
              <li key={filingId}><a class="govuk-link" href={pdf(filingId, "receipt")} target="_blank" rel="noopener">{t("ui.receipt.earlier-pdf", { time: formatDateTime(arrivedAt) })}</a></li>
            ))}
          </ul>
        </div>
      )}
    </article>
  );
}

function pdf(filingId: string, name: "receipt" | "content"): string {
  return `/api/filings/${encodeURIComponent(filingId)}/${name}.pdf?${new URLSearchParams({ lang: language.value, ...roleQuery() })}`;
}

/** The office's own fields are not named here: the client reads this too. */
function Changes({ paths, definition }: { paths: readonly string[]; definition: FormDefinition }) {
  const office = sectionsFor(definition, "office").flatMap((section) => section.elements.map(({ field }) => field));
  const shown = paths.filter((path) => !office.some((field) => path === field || path.startsWith(`${field}/`)));
  if (shown.length === 0) return <>{t("ui.receipt.no-changes")}</>;
  return (
    <ul class="govuk-list">
      {shown.map((path) => <li key={path}>{gapLabel(definition, { path, keyword: "" })}</li>)}
    </ul>
  );
}

function Completed({ receipt, definition }: { receipt: Receipt; definition: FormDefinition | null }) {
  const { completes, reason, due, late, changes } = receipt;
  if (!completes) return null;
  return (
    <>
      <Row name={t("ui.receipt.completes")}>{formatDateTime(completes.arrivedAt)}</Row>
      <Row name={t("ui.receipt.reason")}><span class="ab-completion-reason">{reason}</span></Row>
      {due && <Row name={t("ui.receipt.due")}>{formatDay(due)} {late && <Tag tone="amber">{t("ui.receipt.late")}</Tag>}</Row>}
      {changes && definition && <Row name={t("ui.receipt.changes")}><Changes paths={changes} definition={definition} /></Row>}
    </>
  );
}

function Row({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div class="govuk-summary-list__row">
      <dt class="govuk-summary-list__key">{name}</dt>
      <dd class="govuk-summary-list__value">{children}</dd>
    </div>
  );
}

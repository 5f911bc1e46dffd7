// Submitting and the receipt: nothing missing ever blocks it; the gaps are shown and listed.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { errorText, roleQuery } from "./api";
import { box } from "./box";
import type { Gap, Receipt } from "../generated/box-api";
import { GapList } from "./draft-form";
import type { FormDefinition } from "./form-model";
import { formatDateTime, language, localText, t, tn } from "./i18n";
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
 * The receipt of a visit, and `filed` to put in the one that submitting gave. The answers and the
 * word that headquarters has it come in any order: where it is stored only ever goes forward.
 */
export function useReceipt(live: Live, visitId: string, filingId: string | null) {
  const [receipt, setReceipt] = useState<Receipt | null>(null);
  const filed = useCallback((found: Receipt) => {
    setReceipt((known) => (known?.filingId === found.filingId && known.storedAt === "headquarters" ? known : found));
  }, []);
  const load = useCallback((id: string) => {
    box("getFiling", { params: { filingId: id } }).then(filed, toastError);
  }, []);
  useEffect(() => {
    if (filingId) load(filingId);
    // Passing messages are lost while the line is down.
    return live.on("line", (state) => {
      if (state === "open" && filingId) load(filingId);
    });
  }, [live, filingId]);
  useEffect(
    () =>
      live.on("message", ({ topic, kind, data }) => {
        if (kind === "filing.stored" && topic === `visit:${visitId}`) load(String(data["filingId"]));
      }),
    [live, visitId],
  );
  return { receipt, filed };
}

export function ReceiptView({ receipt, definition, heading = 2 }: { receipt: Receipt; definition: FormDefinition | null; heading?: 2 | 1 }) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // The form is gone, and the focus with it; somebody writing a message keeps theirs.
    if (!document.activeElement || document.activeElement === document.body) title.current?.focus();
  }, [receipt.filingId]);
  const Heading = heading === 1 ? "h1" : "h2";
  const query = new URLSearchParams({ lang: language.value, ...roleQuery() });
  const pdf = (name: string) => `/api/filings/${encodeURIComponent(receipt.filingId)}/${name}.pdf?${query}`;
  return (
    <article class="ab-receipt ab-card" aria-labelledby="receipt-title">
      <div class="ab-receipt-head">
        <Heading class="ab-subtitle" id="receipt-title" tabIndex={-1} ref={title}>{t("ui.receipt.title")}</Heading>
        <p class="ab-receipt-number ab-number">{receipt.number}</p>
        <Tag tone={receipt.storedAt === "headquarters" ? "green" : "amber"}>{t(`ui.receipt.stored-${receipt.storedAt}`)}</Tag>
      </div>
      <dl class="govuk-summary-list">
        <Row name={t("ui.receipt.service")}>{localText(receipt.serviceName)}</Row>
        <Row name={t("ui.receipt.arrived")}>{formatDateTime(receipt.arrivedAt, true)}</Row>
        <Row name={t("ui.receipt.hash")}><span class="ab-hash">{receipt.contentSha256}</span></Row>
      </dl>
      {receipt.gaps.length > 0 && definition && (
        <>
          <h3 class="govuk-label">{tn("ui.receipt.gaps", receipt.gaps.length)}</h3>
          <GapList gaps={receipt.gaps} definition={definition} links={false} />
        </>
      )}
      {receipt.sample && <p class="ab-muted ab-small">{t("ui.common.sample")}</p>}
      <p class="ab-row ab-no-print">
        <a class="govuk-button govuk-button--secondary" href={pdf("receipt")} target="_blank" rel="noopener">{t("ui.receipt.pdf")}</a>
        <a class="govuk-button govuk-button--secondary" href={pdf("content")} target="_blank" rel="noopener">{t("ui.receipt.content-pdf")}</a>
      </p>
    </article>
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

// Why a recording is to be watched, who has watched it, and whether it is to be deleted.
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Recording, Replay } from "../generated/box-api";
import { errorText } from "../shared/api";
import { box } from "../shared/box";
import { useLoaded } from "../shared/hooks";
import { formatDateTime, t, tn } from "../shared/i18n";
import { Button, cx, Dialog, Notice } from "../shared/ui";
import { nameOf } from "./list";

/** The interface asks for no more: BeginReplay. */
const REASON_LEAST = 3;
const REASON_MOST = 500;

export function AskWhy({ recording, onBegun, onClose }: { recording: Recording; onBegun: (replay: Replay) => void; onClose: () => void }) {
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const [missing, setMissing] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  useEffect(() => area.current?.focus(), []);
  const begin = () => {
    const said = reason.trim();
    setMissing(said.length < REASON_LEAST);
    if (said.length < REASON_LEAST) return area.current?.focus();
    setBusy(true);
    box("beginReplay", { params: { recordingId: recording.id }, body: { reason: said } })
      .then(onBegun, (failure: unknown) => {
        setError(errorText(failure));
        setBusy(false);
      });
  };
  return (
    <Dialog title={t("ui.replay.why-title")} onClose={onClose}>
      <p>{nameOf(recording)}, {formatDateTime(recording.startedAt)}</p>
      <div class={cx("govuk-form-group", missing && "govuk-form-group--error")}>
        <label class="govuk-label" for={id}>{t("ui.replay.why")}</label>
        <div class="govuk-hint" id={`${id}-hint`}>{t("ui.replay.why-hint")}</div>
        {missing && <p class="govuk-error-message" id={`${id}-error`} role="alert">{t("ui.replay.why-missing")}</p>}
        <textarea class="govuk-textarea ab-replay-reason" id={id} ref={area} rows={3} maxLength={REASON_MOST} value={reason} aria-describedby={`${id}-hint${missing ? ` ${id}-error` : ""}`} {...(missing ? { "aria-invalid": true } : {})} onInput={(event) => setReason(event.currentTarget.value)} />
      </div>
      {error && <Notice tone="error" live>{error}</Notice>}
      <div class="ab-dialog-actions">
        <Button class="ab-replay-begin" disabled={busy} onClick={begin}>{t("ui.replay.watch")}</Button>
        <Button kind="secondary" onClick={onClose}>{t("ui.common.cancel")}</Button>
      </div>
    </Dialog>
  );
}

export function AskToDelete({ recording, onDelete, onClose }: { recording: Recording; onDelete: () => void; onClose: () => void }) {
  return (
    <Dialog title={t("ui.replay.delete-title")} onClose={onClose}>
      <p>{nameOf(recording)}, {formatDateTime(recording.startedAt)}</p>
      <p>{t("ui.replay.delete-text")}</p>
      <div class="ab-dialog-actions">
        <Button kind="warning" class="ab-replay-delete-confirm" onClick={onDelete}>{t("ui.replay.delete")}</Button>
        <Button kind="secondary" onClick={onClose}>{t("ui.common.cancel")}</Button>
      </div>
    </Dialog>
  );
}

export function WatchedBy({ recordingId }: { recordingId: string }) {
  const { value: log } = useLoaded(() => box("listReplays", { params: { recordingId } }), [recordingId]);
  if (!log) return null;
  return (
    <details class="govuk-details ab-replay-log">
      <summary class="govuk-details__summary"><span class="govuk-details__summary-text">{tn("ui.replay.watched", log.length)}</span></summary>
      <ul class="govuk-details__text">
        {log.map((one) => <li key={one.id}>{formatDateTime(one.at, true)}, {one.by ?? "–"}: {one.reason || "–"}</li>)}
      </ul>
    </details>
  );
}

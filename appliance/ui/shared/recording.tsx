// Whether the call is recorded: asked, answered, seen all the time, stopped. The two answers of the
// question look alike, because either is as good.
import { useId, useState } from "preact/hooks";
import type { RecordingConsent, Visit } from "../generated/box-api";
import { box } from "./box";
import { localText, t, tn } from "./i18n";
import { RecordIcon, RecordOffIcon } from "./icons";
import { Button, cx, Dialog, toastError } from "./ui";

const isOn = (recording: RecordingConsent) => recording.state === "recording";

function words(recording: RecordingConsent, side: "citizen" | "clerk"): string {
  switch (recording.state) {
    case "recording":
      return t("ui.recording.on");
    case "asked":
      return side === "clerk" ? t("ui.recording.asked") : t("ui.recording.off");
    case "refused":
      return side === "clerk" ? t("ui.recording.refused-clerk") : t("ui.recording.refused");
    case "kept":
    case "interrupted":
    case "deleted":
      return t(`ui.recording.${recording.state}`);
    default:
      return t("ui.recording.off");
  }
}

function Terms({ recording }: { recording: RecordingConsent }) {
  return (
    <>
      <p>{t("ui.recording.what")}</p>
      {recording.legalBasis && <p>{t("ui.recording.why", { title: localText(recording.legalBasis.title), reference: recording.legalBasis.reference })}</p>}
      {recording.retentionDays !== null && <p>{tn("ui.recording.how-long", recording.retentionDays)}</p>}
    </>
  );
}

function Mark({ recording, side }: { recording: RecordingConsent; side: "citizen" | "clerk" }) {
  return (
    <p class={cx("ab-recording-mark", isOn(recording) && "ab-recording-on")} role="status" data-recording={recording.state}>
      {isOn(recording) ? <RecordIcon /> : <RecordOffIcon />} {words(recording, side)}
    </p>
  );
}

/** One change at a time; the visit comes anew with its event. */
function useChange(): { busy: boolean; change: (work: () => Promise<unknown>) => void } {
  const [busy, setBusy] = useState(false);
  const change = (work: () => Promise<unknown>) => {
    setBusy(true);
    work().catch(toastError).finally(() => setBusy(false));
  };
  return { busy, change };
}

export function CitizenRecording({ visit }: { visit: Visit }) {
  const { recording } = visit;
  const { busy, change } = useChange();
  const [stopping, setStopping] = useState(false);
  const title = useId();
  const answer = (said: "yes" | "no" | "withdraw", keep = false) => {
    setStopping(false);
    change(() => box("answerRecording", { body: { answer: said, keep } }));
  };
  if (!recording.possible && recording.state === "off") return null;
  if (recording.state === "asked")
    return (
      <section class="ab-card ab-recording-question" aria-labelledby={title}>
        <h2 class="ab-subtitle" id={title} role="alert">{t("ui.recording.question")}</h2>
        <Terms recording={recording} />
        <p><strong>{t("ui.recording.free")}</strong></p>
        <div class="ab-recording-answers">
          <Button kind="secondary" class="ab-recording-yes" disabled={busy} onClick={() => answer("yes")}>{t("ui.recording.yes")}</Button>
          <Button kind="secondary" class="ab-recording-no" disabled={busy} onClick={() => answer("no")}>{t("ui.recording.no")}</Button>
        </div>
      </section>
    );
  return (
    <div class="ab-recording ab-no-print">
      <Mark recording={recording} side="citizen" />
      {isOn(recording) && <Button kind="secondary" size="small" class="ab-recording-stop" onClick={() => setStopping(true)}>{t("ui.recording.stop")}</Button>}
      {(recording.state === "kept" || recording.state === "interrupted") && (
        <Button kind="secondary" size="small" class="ab-recording-delete" disabled={busy} onClick={() => answer("withdraw")}>{t("ui.recording.delete")}</Button>
      )}
      {stopping && (
        <Dialog title={t("ui.recording.stop-title")} onClose={() => setStopping(false)}>
          <p>{t("ui.recording.stop-text")}</p>
          <div class="ab-dialog-actions">
            <Button class="ab-recording-stop-delete" onClick={() => answer("withdraw")}>{t("ui.recording.stop-delete")}</Button>
            <Button kind="secondary" class="ab-recording-stop-keep" onClick={() => answer("withdraw", true)}>{t("ui.recording.stop-keep")}</Button>
            <Button kind="secondary" onClick={() => setStopping(false)}>{t("ui.common.cancel")}</Button>
          </div>
        </Dialog>
      )}
    </div>
  );
}

export function ClerkRecording({ visit }: { visit: Visit }) {
  const { recording } = visit;
  const { busy, change } = useChange();
  const [asking, setAsking] = useState(false);
  const params = { visitId: visit.id };
  const ask = () => {
    setAsking(false);
    change(() => box("askRecording", { params }));
  };
  if (!recording.possible && recording.state === "off") return null;
  const mayAsk = recording.possible && !isOn(recording) && recording.state !== "asked";
  return (
    <div class="ab-recording">
      <Mark recording={recording} side="clerk" />
      {mayAsk && <Button kind="secondary" size="small" class="ab-recording-ask" disabled={busy} onClick={() => setAsking(true)}>{t("ui.recording.ask")}</Button>}
      {isOn(recording) && <Button kind="secondary" size="small" class="ab-recording-stop" disabled={busy} onClick={() => change(() => box("stopRecording", { params }))}>{t("ui.recording.stop")}</Button>}
      {(recording.state === "kept" || recording.state === "interrupted") && <a class="ab-small" href="/replay" target="_blank" rel="noopener">{t("ui.recording.list")}</a>}
      {asking && (
        <Dialog title={t("ui.recording.ask-title")} onClose={() => setAsking(false)}>
          <Terms recording={recording} />
          <p>{t("ui.recording.ask-own")}</p>
          <div class="ab-dialog-actions">
            <Button class="ab-recording-ask-send" onClick={ask}>{t("ui.recording.ask-send")}</Button>
            <Button kind="secondary" onClick={() => setAsking(false)}>{t("ui.common.cancel")}</Button>
          </div>
        </Dialog>
      )}
    </div>
  );
}

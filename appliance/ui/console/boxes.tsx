// The fleet, live; and a new box's one-time claim code.
import { useState } from "preact/hooks";
import { errorText } from "../shared/api";
import { hq } from "../shared/hq";
import { useLiveReload, useLoaded, useNow } from "../shared/hooks";
import type { Box, Claim } from "../generated/hq-api";
import { formatDateTime, formatNumber, formatStamp, t, tn } from "../shared/i18n";
import type { Live } from "../shared/live";
import { Button, cx, Dialog, Input, Notice, Tag, toastError } from "../shared/ui";

export function Boxes({ live, canCreate }: { live: Live; canCreate: boolean }) {
  const boxes = useLoaded(() => hq("listBoxes"), []);
  useLiveReload(live, ["fleet"], boxes.reload);
  useNow(10_000);
  const [creating, setCreating] = useState(false);
  const [replacing, setReplacing] = useState<Box | null>(null);
  const [claim, setClaim] = useState<Claim | null>(null);
  const claimed = (made: Claim) => {
    setCreating(false);
    setReplacing(null);
    setClaim(made);
    boxes.reload();
  };
  if (boxes.error && !boxes.value) return <Notice tone="error" live>{errorText(boxes.error)}</Notice>;
  if (!boxes.value) return <p role="status">{t("ui.common.loading")}</p>;
  return (
    <>
      {canCreate && <p><Button class="ab-new-box" onClick={() => setCreating(true)}>{t("ui.boxes.new")}</Button></p>}
      {boxes.value.length === 0 && <p class="ab-muted">{t("ui.boxes.none")}</p>}
      <ul class="ab-boxes">
        {boxes.value.map((box) => <BoxCard key={box.id} box={box} onReplace={canCreate ? () => setReplacing(box) : null} />)}
      </ul>
      {creating && <NewBox onClose={() => setCreating(false)} onClaim={claimed} />}
      {replacing && <Replace box={replacing} onClose={() => setReplacing(null)} onClaim={claimed} />}
      {claim && <ClaimDialog claim={claim} onClose={() => setClaim(null)} />}
    </>
  );
}

function BoxCard({ box, onReplace }: { box: Box; onReplace: (() => void) | null }) {
  const state = box.state !== "enrolled" ? box.state : box.quarantined ? "quarantined" : box.connected ? "connected" : "away";
  const tone = { connected: "green", away: "amber", new: "grey", revoked: "red", quarantined: "red" }[state] as "green" | "amber" | "grey" | "red";
  return (
    <li class="ab-card ab-box" data-box={box.id} data-state={state}>
      <div class="ab-row ab-row-between">
        <h2 class="ab-subtitle">{box.name}</h2>
        <Tag tone={tone}>{t(`ui.boxes.state-${state}`)}</Tag>
      </div>
      <p class="ab-muted ab-small">{box.office}</p>
      <dl class="ab-box-figures">
        <Pair name={t("ui.boxes.waiting")}>{formatNumber(box.waiting)}</Pair>
        <Pair name={t("ui.boxes.served")}>{formatNumber(box.servedToday)}</Pair>
        <Pair name={t("ui.boxes.filings")}>{formatNumber(box.filings)}</Pair>
        <Pair name={t("ui.boxes.lag")} hot={(box.lagSeconds ?? 0) > 60}>{box.lagSeconds === null ? "–" : lag(box.lagSeconds)}</Pair>
        <Pair name={t("ui.boxes.last-sync")}>{box.lastSyncAt ? formatStamp(box.lastSyncAt) : "–"}</Pair>
        <Pair name={t("ui.boxes.applied")}>{formatNumber(box.appliedSeq)}</Pair>
        <Pair name={t("ui.boxes.edition")}>{box.edition === null ? "–" : formatNumber(box.edition)}</Pair>
        <Pair name={t("ui.boxes.epoch")}>{formatNumber(box.epoch)}</Pair>
      </dl>
      {onReplace && box.state === "enrolled" && <Button kind="secondary" size="small" onClick={onReplace}>{t("ui.boxes.replace")}</Button>}
    </li>
  );
}

function lag(seconds: number): string {
  return seconds < 120 ? tn("ui.boxes.seconds", seconds) : tn("ui.boxes.minutes", Math.round(seconds / 60));
}

function Pair({ name, hot = false, children }: { name: string; hot?: boolean; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class={cx("ab-nums", hot && "ab-hot")}>{children}</dd>
    </div>
  );
}

function NewBox({ onClose, onClaim }: { onClose: () => void; onClaim: (claim: Claim) => void }) {
  const [name, setName] = useState("");
  const [office, setOffice] = useState("");
  const [error, setError] = useState<string | null>(null);
  const submit = (event: Event) => {
    event.preventDefault();
    if (!name.trim() || !office.trim()) return setError(t("ui.boxes.fill-both"));
    hq("createBox", { body: { name: name.trim(), office: office.trim() } }).then(onClaim, (failure: unknown) => setError(errorText(failure)));
  };
  return (
    <Dialog title={t("ui.boxes.new-title")} onClose={onClose}>
      <form onSubmit={submit} noValidate>
        {error && <Notice tone="error" live>{error}</Notice>}
        <Input label={t("ui.boxes.name")} id="box-name" maxLength={100} value={name} autocomplete="off" onInput={(event) => setName(event.currentTarget.value)} />
        <Input label={t("ui.boxes.office")} hint={t("ui.boxes.office-hint")} id="box-office" maxLength={64} value={office} autocomplete="off" onInput={(event) => setOffice(event.currentTarget.value)} />
        <div class="ab-dialog-actions">
          <Button type="submit">{t("ui.boxes.make-code")}</Button>
          <Button kind="secondary" onClick={onClose}>{t("ui.common.cancel")}</Button>
        </div>
      </form>
    </Dialog>
  );
}

function Replace({ box, onClose, onClaim }: { box: Box; onClose: () => void; onClaim: (claim: Claim) => void }) {
  const go = () => {
    hq("replaceBox", { params: { boxId: box.id } }).then(onClaim, toastError);
  };
  return (
    <Dialog title={t("ui.boxes.replace-title", { name: box.name })} onClose={onClose}>
      <p>{t("ui.boxes.replace-text")}</p>
      <div class="ab-dialog-actions">
        <Button kind="warning" onClick={go}>{t("ui.boxes.replace-confirm")}</Button>
        <Button kind="secondary" onClick={onClose}>{t("ui.common.cancel")}</Button>
      </div>
    </Dialog>
  );
}

function ClaimDialog({ claim, onClose }: { claim: Claim; onClose: () => void }) {
  return (
    <Dialog title={t("ui.claim.title")} onClose={onClose}>
      <p>{t("ui.claim.text", { name: claim.box.name })}</p>
      <dl class="govuk-summary-list">
        <div class="govuk-summary-list__row"><dt class="govuk-summary-list__key">{t("ui.claim.code")}</dt><dd class="govuk-summary-list__value"><span class="ab-code ab-claim-code">{claim.claimCode}</span></dd></div>
        <div class="govuk-summary-list__row"><dt class="govuk-summary-list__key">{t("ui.claim.expires")}</dt><dd class="govuk-summary-list__value">{formatDateTime(claim.expiresAt)}</dd></div>
        <div class="govuk-summary-list__row"><dt class="govuk-summary-list__key">{t("ui.claim.ca")}</dt><dd class="govuk-summary-list__value"><span class="ab-hash">{claim.caSha256}</span></dd></div>
      </dl>
      <Notice tone="amber"><p>{t("ui.claim.once")}</p></Notice>
      <div class="ab-dialog-actions"><Button onClick={onClose}>{t("ui.claim.noted")}</Button></div>
    </Dialog>
  );
}

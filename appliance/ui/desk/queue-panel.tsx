// Left: this counter, the client called, who is waiting, and today.
import { useState } from "preact/hooks";
import { box } from "../shared/box";
import type { Me, Office, Queue, Service, Ticket, Visit } from "../generated/box-api";
import { useNow } from "../shared/hooks";
import { formatNumber, formatTime, localText, t, tn } from "../shared/i18n";
import { Button, cx, Dialog, Tag, toastError } from "../shared/ui";
import { Calling } from "./calling";
import { ContinueFiling } from "./continue-filing";
import { SHORTCUTS } from "./shortcuts";
import { PlaceTag } from "./waiting-room";

interface Props {
  me: Me;
  setMe: (me: Me) => void;
  counters: Office["counters"];
  queue: Queue | null;
  services: Service[];
  visit: Visit | null;
  /** Called by video, not there yet. */
  calling: Ticket | null;
  busy: boolean;
  canCall: boolean;
  callNext: () => void;
  recall: () => void;
  noShow: () => void;
  setAside: () => void;
  openRoom: () => void;
  finish: () => void;
  meet: (service: string) => void;
  onVisit: (visit: Visit) => void;
  /** Counts up when the shortcut asks for an earlier filing. */
  continueNow: number;
}

export function QueuePanel(props: Props) {
  const { queue, visit, busy, canCall, me, calling } = props;
  const ticket = visit?.state === "open" ? visit.ticket : null;
  const open = visit?.state === "open";
  return (
    <section class="ab-desk-queue" aria-label={t("ui.desk.queue")}>
      <CounterPicker {...props} />
      <div class="ab-now">
        {visit && open ? (
          <>
            <p class="ab-now-caption">{t(ticket ? "ui.desk.now-serving" : "ui.desk.now-meeting")}</p>
            {ticket && <p class="ab-now-number ab-number">{ticket.number}</p>}
            {ticket && ticket.calls > 1 && <p class="ab-muted ab-small">{tn("ui.desk.calls", ticket.calls)}</p>}
            <div class="ab-now-actions">
              {ticket && <Button kind="secondary" size="small" class="ab-recall" disabled={busy} keys={SHORTCUTS.recall.shown} onClick={props.recall}>{t("ui.desk.recall")}</Button>}
              {ticket && <Button kind="secondary" size="small" class="ab-no-show" disabled={busy} keys={SHORTCUTS["no-show"].shown} onClick={props.noShow}>{t("ui.desk.no-show")}</Button>}
              <Button class="ab-finish" wide disabled={busy} keys={SHORTCUTS.finish.shown} onClick={props.finish}>{t(ticket ? "ui.desk.finish" : "ui.desk.end-visit")}</Button>
              <ContinueFiling key={visit.id} visit={visit} onVisit={props.onVisit} openNow={props.continueNow} />
            </div>
          </>
        ) : calling ? (
          <Calling ticket={calling} {...{ busy, recall: props.recall, setAside: props.setAside, noShow: props.noShow }} />
        ) : (
          <>
            <Button class="ab-call-next" size="large" wide disabled={busy || !canCall} keys={SHORTCUTS["call-next"].shown} onClick={props.callNext}>{t("ui.desk.call-next")}</Button>
            {me.counter === null && <p class="ab-muted ab-small">{t("ui.desk.choose-counter-first")}</p>}
            <MeetButton {...props} />
          </>
        )}
      </div>
      <Waiting tickets={(queue?.waiting ?? []).filter(({ id }) => id !== ticket?.id)} services={props.services} openRoom={props.openRoom} />
      {queue && <Today today={queue.today} />}
    </section>
  );
}

function CounterPicker({ me, setMe, counters, visit }: Props) {
  const set = (counter: string | null) => {
    box("setCounter", { body: { counter } }).then(setMe, toastError);
  };
  return (
    <div class="ab-counter-pick">
      <label class="govuk-label" for="counter">{t("ui.desk.counter")}</label>
      <select class="govuk-select" id="counter" value={me.counter ?? ""} disabled={visit?.state === "open"} onChange={(event) => set(event.currentTarget.value || null)}>
        <option value="">{t("ui.desk.no-counter")}</option>
        {counters.map((counter) => <option key={counter.id} value={counter.id}>{counter.name}</option>)}
      </select>
    </div>
  );
}

function MeetButton({ services, meet, busy }: Props) {
  const [open, setOpen] = useState(false);
  const byVideo = services.filter((service) => service.channels.includes("video"));
  return (
    <>
      <Button kind="secondary" size="small" wide class="ab-meet" disabled={busy} onClick={() => setOpen(true)}>{t("ui.desk.meet")}</Button>
      {open && (
        <Dialog title={t("ui.desk.meet-title")} onClose={() => setOpen(false)}>
          <p>{t("ui.desk.meet-text")}</p>
          <ul class="ab-pick-list">
            {byVideo.map((service) => (
              <li key={service.id}>
                <button
                  type="button"
                  class="ab-hit"
                  data-service={service.id}
                  onClick={() => {
                    setOpen(false);
                    meet(service.id);
                  }}
                >
                  <span class="ab-hit-name">{localText(service.name)}</span>
                  <span class="ab-hit-snippet">{localText(service.summary)}</span>
                </button>
              </li>
            ))}
          </ul>
          <div class="ab-dialog-actions"><Button kind="secondary" onClick={() => setOpen(false)}>{t("ui.common.cancel")}</Button></div>
        </Dialog>
      )}
    </>
  );
}

function Waiting({ tickets, services, openRoom }: { tickets: Ticket[]; services: Service[]; openRoom: () => void }) {
  const now = useNow(15_000);
  const nameOf = (id: string) => localText(services.find((service) => service.id === id)?.name) || id;
  return (
    <div class="ab-waiting">
      <h2 class="ab-panel-title">{t("ui.desk.waiting")} <span class="ab-count">{formatNumber(tickets.length)}</span></h2>
      <Button kind="secondary" size="small" wide class="ab-open-room" keys={SHORTCUTS.waiting.shown} onClick={openRoom}>{t("ui.lobby.title")}</Button>
      {tickets.length === 0 ? (
        <p class="ab-muted ab-small">{t("ui.desk.nobody")}</p>
      ) : (
        <ol class="ab-waiting-list" tabIndex={0} aria-label={t("ui.desk.waiting")}>
          {tickets.map((ticket) => {
            const minutes = Math.max(0, Math.floor((now - Date.parse(ticket.issuedAt)) / 60_000));
            return (
              <li key={ticket.id} data-ticket={ticket.number}>
                <span class="ab-number ab-waiting-number">{ticket.number}</span>
                <span class="ab-waiting-service" title={nameOf(ticket.service)}>{nameOf(ticket.service)}</span>
                <span class={cx("ab-small ab-nums", minutes >= 30 ? "ab-hot" : "ab-muted")} title={formatTime(ticket.issuedAt)}>{tn("ui.desk.minutes", minutes)}</span>
                {ticket.place && <span class="ab-waiting-place"><Tag>{t("ui.desk.video")}</Tag> <PlaceTag place={ticket.place} /></span>}
              </li>
            );
          })}
        </ol>
      )}
    </div>
  );
}

function Today({ today }: { today: Queue["today"] }) {
  const minutes = (value: number | null) => (value === null ? "–" : tn("ui.desk.minutes", value));
  return (
    <div class="ab-today">
      <h2 class="ab-panel-title">{t("ui.desk.today")}</h2>
      <dl>
        <div><dt>{t("ui.desk.today-issued")}</dt><dd>{formatNumber(today.issued)}</dd></div>
        <div><dt>{t("ui.desk.today-finished")}</dt><dd>{formatNumber(today.finished)}</dd></div>
        <div><dt>{t("ui.desk.today-no-show")}</dt><dd>{formatNumber(today.noShow)}</dd></div>
        <div><dt>{t("ui.desk.today-wait")}</dt><dd>{minutes(today.averageWaitMinutes)}</dd></div>
      </dl>
    </div>
  );
}


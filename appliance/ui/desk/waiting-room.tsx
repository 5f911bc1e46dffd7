// The waiting room as the desk sees it: who waits by video and is there, an invitation into the
// line, and messages to those who wait.
import { useRef, useState } from "preact/hooks";
import { errorText } from "../shared/api";
import { box } from "../shared/box";
import type { DeskMessage, DeskPhrase, Invitation, Service, Ticket } from "../generated/box-api";
import { DeskMessageText } from "../shared/desk-message";
import { onceKey, useLiveReload, useLoaded, useNow } from "../shared/hooks";
import { formatTime, localText, t, tMaybe, tn } from "../shared/i18n";
import type { Live } from "../shared/live";
import { Button, Dialog, Notice, Tag, toastError } from "../shared/ui";
import { InvitationSheet } from "./invitation-sheet";

const PHRASES: DeskPhrase[] = ["soon", "delay", "documents", "technical", "closing"];

export interface WaitingRoomProps {
  live: Live;
  tickets: Ticket[];
  services: Service[];
  canCall: boolean;
  callNext: () => void;
  onClose: () => void;
}

export function WaitingRoom({ live, tickets, services, canCall, callNext, onClose }: WaitingRoomProps) {
  const byVideo = services.filter((service) => service.channels.includes("video"));
  const sent = useLoaded(() => box("listDeskMessages"), []);
  useLiveReload(live, ["queue", "desk"], sent.reload);
  return (
    <Dialog title={t("ui.lobby.title")} onClose={onClose} wide>
      <div class="ab-lobby">
        <div>
          <h3 class="ab-panel-title">{t("ui.lobby.list")}</h3>
          <Who tickets={tickets} services={services} />
          <Button class="ab-call-video" disabled={!canCall || tickets.length === 0} onClick={() => (onClose(), callNext())}>{t("ui.lobby.call-next")}</Button>
          <Invite services={byVideo} />
        </div>
        <div>
          <Write services={byVideo} tickets={tickets} onSent={sent.reload} />
          <h3 class="ab-panel-title">{t("ui.lobby.sent-title")}</h3>
          <Sent messages={sent.value ?? []} services={services} />
        </div>
      </div>
      <div class="ab-dialog-actions"><Button kind="secondary" onClick={onClose}>{t("ui.common.close")}</Button></div>
    </Dialog>
  );
}

const nameOf = (services: Service[], id: string) => localText(services.find((service) => service.id === id)?.name) || id;

export function PlaceTag({ place }: { place: NonNullable<Ticket["place"]> }) {
  if (place.setAside) return <Tag tone="amber">{t("ui.lobby.aside")}</Tag>;
  if (place.awaySince) return <Tag tone="grey">{t("ui.lobby.away", { time: formatTime(place.awaySince) })}</Tag>;
  return <Tag tone="green">{t("ui.lobby.here")}</Tag>;
}

function Who({ tickets, services }: { tickets: Ticket[]; services: Service[] }) {
  const now = useNow(15_000);
  if (tickets.length === 0) return <p class="ab-muted">{t("ui.lobby.nobody")}</p>;
  return (
    <ol class="ab-lobby-list" tabIndex={0} aria-label={t("ui.lobby.list")}>
      {tickets.map((ticket) => (
        <li key={ticket.id} data-waiting={ticket.number} data-there={ticket.place?.setAside ? "aside" : ticket.place?.awaySince ? "no" : "yes"}>
          <span class="ab-number ab-waiting-number">{ticket.number}</span>
          <span>{nameOf(services, ticket.service)} {ticket.place && <PlaceTag place={ticket.place} />} {(ticket.place?.setAside || ticket.place?.awaySince) && <Remove ticket={ticket} />}</span>
          <span class="ab-muted ab-small ab-nums" title={formatTime(ticket.issuedAt)}>{tn("ui.desk.minutes", Math.max(0, Math.floor((now - Date.parse(ticket.issuedAt)) / 60_000)))}</span>
        </li>
      ))}
    </ol>
  );
}

/** Who is not there and will not come back; asked twice, for there is no way back. */
function Remove({ ticket }: { ticket: Ticket }) {
  const [sure, setSure] = useState(false);
  const { number } = ticket;
  const press = () => {
    if (sure) box("cancelTicket", { params: { ticketId: ticket.id } }).catch(toastError);
    else setSure(true);
  };
  return (
    <button type="button" class="ab-link ab-lobby-remove" {...(sure ? {} : { "aria-label": t("ui.lobby.remove-label", { number }) })} onClick={press} onBlur={() => setSure(false)}>
      {sure ? t("ui.lobby.remove-confirm", { number }) : t("ui.lobby.remove")}
    </button>
  );
}

function ServiceSelect({ id, services, value, onChange }: { id: string; services: Service[]; value: string; onChange: (id: string) => void }) {
  return (
    <>
      <label class="govuk-label" for={id}>{t("ui.lobby.service")}</label>
      <select class="govuk-select" id={id} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {services.map((service) => <option key={service.id} value={service.id}>{localText(service.name)}</option>)}
      </select>
    </>
  );
}

function Invite({ services }: { services: Service[] }) {
  const [service, setService] = useState(services[0]?.id ?? "");
  const [invitation, setInvitation] = useState<Invitation | null>(null);
  const [error, setError] = useState<string | null>(null);
  const invite = () => {
    setError(null);
    box("inviteToWait", { body: { service } }).then(setInvitation, (failure: unknown) => setError(errorText(failure)));
  };
  return (
    <section class="ab-lobby-invite" aria-labelledby="lobby-invite">
      <h3 class="ab-panel-title" id="lobby-invite">{t("ui.lobby.invite-title")}</h3>
      {error && <Notice tone="error" live>{error}</Notice>}
      <ServiceSelect id="lobby-service" services={services} value={service} onChange={setService} />
      <Button kind="secondary" class="ab-lobby-make" disabled={!service} onClick={invite}>{t("ui.lobby.invite")}</Button>
      {invitation && <InvitationSheet invitation={invitation} once={t("ui.lobby.once")} />}
    </section>
  );
}

/** To everybody of a service, or to one number: "service" or "service ticket". */
function Write({ services, tickets, onSent }: { services: Service[]; tickets: Ticket[]; onSent: () => void }) {
  const [to, setTo] = useState("");
  const [phrase, setPhrase] = useState<DeskPhrase | "">("soon");
  const [text, setText] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState(false);
  // One key a message: sent again after a fault, it is the same one.
  const key = useRef(onceKey());
  const waited = services.filter(({ id }) => tickets.some(({ service }) => service === id));
  const offered = [...(waited.length > 0 ? waited : services).map(({ id }) => id), ...tickets.map((ticket) => `${ticket.service} ${ticket.id}`)];
  const chosen = offered.includes(to) ? to : (offered[0] ?? "");
  const [service = "", ticketId] = chosen.split(" ");
  const one = tickets.find(({ id }) => id === ticketId);
  const send = async (event: Event) => {
    event.preventDefault();
    setDone(false);
    if (!phrase && text.trim() === "") return setError(t("ui.lobby.text-missing"));
    setError(null);
    setBusy(true);
    try {
      await box("sendDeskMessage", { body: { service, key: key.current, ...(ticketId ? { ticketId } : {}), ...(phrase ? { phrase } : { text: text.trim() }) } });
      key.current = onceKey();
      setText("");
      setDone(true);
      onSent();
    } catch (failure) {
      setError(errorText(failure));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="ab-lobby-write" aria-labelledby="lobby-write" onSubmit={(event) => void send(event)}>
      <h3 class="ab-panel-title" id="lobby-write">{t("ui.lobby.message-title")}</h3>
      {error && <Notice tone="error" live>{error}</Notice>}
      <label class="govuk-label" for="lobby-to">{t("ui.lobby.to")}</label>
      <select class="govuk-select" id="lobby-to" value={chosen} onChange={(event) => setTo(event.currentTarget.value)}>
        {offered.map((value) => {
          const ticket = tickets.find(({ id }) => id === value.split(" ")[1]);
          return <option key={value} value={value}>{ticket ? ticket.number : t("ui.lobby.to-all", { service: nameOf(services, value) })}</option>;
        })}
      </select>
      <label class="govuk-label" for="lobby-phrase">{t("ui.lobby.phrase")}</label>
      <select class="govuk-select" id="lobby-phrase" value={phrase} onChange={(event) => setPhrase(event.currentTarget.value as DeskPhrase | "")}>
        {PHRASES.map((name) => <option key={name} value={name}>{t(`ui.waiting.phrase-${name}`)}</option>)}
        <option value="">{t("ui.lobby.own")}</option>
      </select>
      {phrase === "" && (
        <>
          <label class="govuk-label" for="lobby-text">{t("ui.lobby.text")}</label>
          <textarea class="govuk-textarea" id="lobby-text" rows={3} maxLength={500} value={text} aria-describedby="lobby-hint" onInput={(event) => setText(event.currentTarget.value)} />
        </>
      )}
      <p class="ab-muted ab-small" id="lobby-hint">
        {t("ui.lobby.text-hint")} {one?.place?.language && t("ui.lobby.reads", { number: one.number, language: tMaybe(`ui.language.${one.place.language}`, one.place.language) })}
      </p>
      <Button type="submit" class="ab-lobby-send" disabled={busy || !service}>{t("ui.lobby.send")}</Button>
      {/* Beside the button: notices behind an open dialog are not read aloud. */}
      <span class="ab-small ab-lobby-done" role="status">{done ? t("ui.lobby.sent") : ""}</span>
    </form>
  );
}

function Sent({ messages, services }: { messages: DeskMessage[]; services: Service[] }) {
  if (messages.length === 0) return <p class="ab-muted ab-small">{t("ui.lobby.sent-none")}</p>;
  return (
    <ul class="ab-desk-messages ab-lobby-sent" tabIndex={0} aria-label={t("ui.lobby.sent-title")}>
      {[...messages].reverse().map((message) => (
        <li key={message.id}>
          <span class="ab-muted ab-small ab-nums">{formatTime(message.at)} · {message.number ?? t("ui.lobby.to-all", { service: nameOf(services, message.service) })}</span>
          <br />
          <DeskMessageText message={message} />
        </li>
      ))}
    </ul>
  );
}

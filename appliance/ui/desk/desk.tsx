// The clerk's desk: one screen for a working day. Queue left, client and form in the middle,
// picture, chat and invitation right.
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { errorText } from "../shared/api";
import { box } from "../shared/box";
import type { Me, Ticket, Visit } from "../generated/box-api";
import { Call } from "../shared/call";
import { Chat } from "../shared/chat";
import { Files } from "../shared/files";
import { useLine, useLiveReload, useLoaded, usePresence } from "../shared/hooks";
import { t } from "../shared/i18n";
import { openLive, type Live } from "../shared/live";
import { boxAccounts, office, officeName, startBoxPage } from "../shared/start";
import { StaffGate } from "../shared/staff-gate";
import { Line, Notice, toast, toastError, usePageTitle } from "../shared/ui";
import { ClientPanel, type DeskTab } from "./client-panel";
import { ContactPanel, offersCall } from "./contact-panel";
import { QueuePanel } from "./queue-panel";
import { ShortcutHelp, useShortcuts } from "./shortcuts";
import { WaitingRoom } from "./waiting-room";

const TICKET_OPERATIONS = { recall: "recallTicket", "no-show": "noShowTicket", "set-aside": "setTicketAside", finish: "finishTicket" } as const;

function Page() {
  const live = useMemo(openLive, []);
  const line = useLine(live);
  const [help, setHelp] = useState(false);
  return (
    <>
      <StaffGate<Me>
        live={live}
        accounts={boxAccounts}
        title={t("ui.desk.sign-in")}
        role="clerk"
        office={officeName()}
        extra={
          <>
            <Line state={line} />
            <button type="button" class="ab-link ab-keys-button" aria-keyshortcuts="?" onClick={() => setHelp(true)}>{t("ui.keys.button")} <kbd aria-hidden="true">?</kbd></button>
          </>
        }
      >
        {(me, setMe) => <Desk me={me} setMe={setMe} live={live} onHelp={() => setHelp(true)} />}
      </StaffGate>
      {help && <ShortcutHelp onClose={() => setHelp(false)} />}
    </>
  );
}

/** Called by video to this counter, and not there yet. */
const isCalling = (counter: string) => (ticket: Ticket) => ticket.counter === counter && ticket.channel === "video" && !ticket.visitId;

function toggleCall(call: Call): void {
  if (call.state.value === "idle") void call.start();
  else call.hangUp();
}

function useVisitParts(live: Live, visit: Visit | null) {
  const id = visit?.id ?? null;
  const parts = useMemo(
    () => (visit ? { call: new Call(live, visit.id, visit.iceServers, { side: "clerk" }), chat: new Chat(live, visit.id, "clerk"), files: new Files(live, visit.id) } : null),
    [live, id],
  );
  useEffect(
    () => () => {
      parts?.call.destroy();
      parts?.chat.destroy();
      parts?.files.destroy();
    },
    [parts],
  );
  return parts;
}

function Desk({ me, setMe, live, onHelp }: { me: Me; setMe: (me: Me) => void; live: Live; onHelp: () => void }) {
  usePageTitle(t("ui.desk.title"));
  const queue = useLoaded(() => box("getQueue"), []);
  const services = useLoaded(() => box("listServices"), []);
  const [loaded, setVisit] = useState<Visit | null>(null);
  const visit = usePresence(live, loaded);
  const [tab, setTab] = useState<DeskTab>("form");
  const [busy, setBusy] = useState(false);
  const [invite, setInvite] = useState(0);
  const [earlier, setEarlier] = useState(0);
  const [room, setRoom] = useState(false);
  useLiveReload(live, ["queue", "desk"], queue.reload);
  // Who comes and goes in the waiting room is no event.
  useEffect(() => live.on("message", ({ topic, kind }) => topic === "desk" && kind === "waiting" && queue.reload()), [live]);
  // The queue names the visit this clerk has; its own topic tells when it changes.
  useEffect(() => {
    const found = queue.value?.visit ?? null;
    setVisit((shown) => found ?? (shown && shown.state === "ended" ? shown : null));
  }, [queue.value]);
  const reloadVisit = useCallback(() => {
    if (!visit) return;
    box("getDeskVisit", { params: { visitId: visit.id } }).then(setVisit, toastError);
    queue.reload();
  }, [visit?.id]);
  useLiveReload(live, visit ? [`visit:${visit.id}`] : [], reloadVisit);
  const visitId = visit?.id ?? null;
  useEffect(() => () => live.drop(`visit:${visitId}`), [live, visitId]);
  const parts = useVisitParts(live, visit);

  const act = async <T,>(work: () => Promise<T>): Promise<T | null> => {
    if (busy) return null;
    setBusy(true);
    try {
      return await work();
    } catch (error) {
      toastError(error);
      return null;
    } finally {
      setBusy(false);
      queue.reload();
    }
  };
  const calling = queue.value && me.counter ? (queue.value.called.find(isCalling(me.counter)) ?? null) : null;
  const ticket = visit?.state === "open" ? visit.ticket : calling;
  useEffect(() => {
    if (visit?.state === "open" && visit.ticket?.channel === "video") toast(t("ui.desk.answered", { number: visit.ticket.number }));
  }, [visit?.id]);
  const callNext = (channel?: "video") =>
    void act(async () => {
      const called = await box("callNext", { body: channel ? { channel } : {} });
      setVisit(called.visit);
      setTab("form");
      toast(t("ui.desk.called", { number: called.ticket.number }));
    });
  const onTicket = (verb: keyof typeof TICKET_OPERATIONS) => () => {
    if (!ticket) return;
    void act(async () => {
      const changed = await box(TICKET_OPERATIONS[verb], { params: { ticketId: ticket.id } });
      toast(t(`ui.desk.${verb}-done`, { number: changed.number }));
      if (verb !== "recall") setVisit(null);
      else setVisit((shown) => (shown ? { ...shown, ticket: changed } : shown));
    });
  };
  const finish = () => {
    if (visit?.state === "open" && ticket) onTicket("finish")();
    else if (visit?.state === "open")
      void act(async () => {
        await box("endVisit", { params: { visitId: visit.id } });
        setVisit(null);
        toast(t("ui.desk.visit-ended"));
      });
  };
  const meet = (service: string) =>
    void act(async () => {
      setVisit(await box("createVisit", { body: { service, channel: "video" } }));
      setTab("form");
      setInvite((count) => count + 1);
    });

  const canCall = me.counter !== null && !calling && (!visit || visit.state === "ended");
  const focusLater = (id: string) => setTimeout(() => document.getElementById(id)?.focus(), 0);
  useShortcuts({
    help: onHelp,
    search: () => {
      setTab("sheet");
      focusLater("kb-search");
    },
    ...(canCall ? { "call-next": () => callNext() } : {}),
    ...(ticket ? { recall: onTicket("recall"), "no-show": onTicket("no-show") } : {}),
    ...(calling ? { "set-aside": onTicket("set-aside") } : {}),
    waiting: () => setRoom(true),
    ...(visit?.state === "open" ? { finish, invite: () => setInvite((count) => count + 1), continue: () => setEarlier((count) => count + 1), chat: () => focusLater("chat-input") } : {}),
    form: () => setTab("form"),
    sheet: () => setTab("sheet"),
    mute: () => parts?.call.toggleMute(),
    ...(parts && visit?.state === "open" && offersCall(visit, parts.call) ? { call: () => toggleCall(parts.call) } : {}),
  });

  if (queue.error && !queue.value) return <main class="ab-main" id="main"><Notice tone="error" live>{errorText(queue.error)}</Notice></main>;
  return (
    <main class="ab-desk" id="main">
      <h1 class="govuk-visually-hidden">{t("ui.desk.title")}</h1>
      <QueuePanel
        {...{ me, setMe, busy, canCall, finish, meet, visit, calling }}
        callNext={() => callNext()}
        setAside={onTicket("set-aside")}
        openRoom={() => setRoom(true)}
        onVisit={setVisit}
        continueNow={earlier}
        counters={office.value?.counters ?? []}
        queue={queue.value}
        services={services.value ?? []}
        recall={onTicket("recall")}
        noShow={onTicket("no-show")}
      />
      <ClientPanel live={live} visit={visit} calling={calling !== null} tab={tab} setTab={setTab} onVisit={setVisit} onClose={() => setVisit(null)} />
      {room && (
        <WaitingRoom live={live} tickets={(queue.value?.waiting ?? []).filter(({ channel }) => channel === "video")} services={services.value ?? []} canCall={canCall} callNext={() => callNext("video")} onClose={() => setRoom(false)} />
      )}
      <ContactPanel live={live} visit={visit} call={parts?.call ?? null} chat={parts?.chat ?? null} files={parts?.files ?? null} inviteNow={invite} />
    </main>
  );
}

void startBoxPage(Page);

// The call as a guest has it: pictures and messages.
import { useEffect, useMemo } from "preact/hooks";
import { ProblemError } from "../shared/api";
import { box } from "../shared/box";
import type { GuestVisit } from "../generated/box-api";
import { Call } from "../shared/call";
import { CallControls, CallPicture } from "../shared/call-view";
import { Chat, ChatView } from "../shared/chat";
import { useLine, useLiveReload, useLoaded } from "../shared/hooks";
import { t } from "../shared/i18n";
import { RecordIcon } from "../shared/icons";
import { openLive } from "../shared/live";
import { officeName } from "../shared/start";
import { Button, Header, Line, Title, toastError, usePageTitle } from "../shared/ui";

const isOver = (error: unknown) => error instanceof ProblemError && (error.status === 401 || error.status === 403);

export function GuestMeeting({ first, onOver }: { first: GuestVisit; onOver: () => void }) {
  const live = useMemo(openLive, []);
  const line = useLine(live);
  const topic = `visit:${first.visitId}`;
  const load = useLoaded(() => box("getGuest"), []);
  useLiveReload(live, [topic], load.reload);
  const visit = load.value ?? first;
  const call = useMemo(() => new Call(live, first.visitId, first.iceServers, { side: "guest", signs: first.role === "sign" }), []);
  const chat = useMemo(() => new Chat(live, first.visitId, "guest", first), []);
  usePageTitle(t("ui.guest.title"));
  useEffect(() => {
    void call.start();
    const off = live.on("event", ({ topic: from, kind, subject }) => {
      if (from === topic && (kind === "visit.ended" || (kind === "guest.left" && subject === first.id))) over();
    });
    return () => {
      off();
      call.destroy();
      chat.destroy();
      live.close();
    };
  }, []);
  // By the time the page says that it is over, the camera is off.
  const over = () => {
    call.hangUp();
    onOver();
  };
  // The word that it is over may have been lost with the line.
  useEffect(() => {
    if (isOver(load.error)) over();
  }, [load.error]);
  useEffect(() => {
    if (line === "waiting") load.reload();
  }, [line]);
  const leave = () => {
    box("leaveAsGuest").then(over, toastError);
  };
  return (
    <div class="ab-meeting ab-guest">
      <Header office={officeName()} href={null}>
        <Line state={line} />
      </Header>
      <main class="ab-guest-main" id="main">
        <div class="ab-guest-call">
          <Title>{t("ui.guest.title")}</Title>
          {visit.recorded && <p class="ab-recording-mark ab-recording-on" role="status"><RecordIcon /> {t("ui.guest.recorded")}</p>}
          <CallPicture call={call} side="guest" />
          <CallControls call={call} />
          <div class="ab-meeting-foot"><Button kind="secondary" class="ab-guest-leave" onClick={leave}>{t("ui.guest.leave")}</Button></div>
        </div>
        <section class="ab-meeting-chat ab-card" aria-labelledby="chat-title">
          <h2 class="ab-subtitle" id="chat-title">{t("ui.chat.title")}</h2>
          <ChatView chat={chat} />
        </section>
      </main>
    </div>
  );
}

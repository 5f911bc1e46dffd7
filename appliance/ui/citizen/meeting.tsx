// A visit as the citizen sees it. The form is first; the picture is small above it on a phone.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { errorText } from "../shared/api";
import { box } from "../shared/box";
import type { Invitation, Receipt, Visit } from "../generated/box-api";
import { Call } from "../shared/call";
import { CallControls, CallPicture } from "../shared/call-view";
import { Chat, ChatView } from "../shared/chat";
import { Files } from "../shared/files";
import { FilesView } from "../shared/files-view";
import { DraftDocument } from "../shared/draft";
import { DraftForm, GapSummary, LateEdits, SavedMark, WhoIsHere } from "../shared/draft-form";
import { formDefinition } from "../shared/form-model";
import { useLine, useLiveReload, useLoaded, usePresence } from "../shared/hooks";
import { localText, t, tn } from "../shared/i18n";
import { ChatIcon, CloseIcon } from "../shared/icons";
import { openLive, socketOrigin, type Live } from "../shared/live";
import { CitizenRecording } from "../shared/recording";
import { officeName } from "../shared/start";
import { CompletionNotice, ReceiptView, SubmitButton, useDraft, useFollowing, useReceipt, useReopening } from "../shared/submit";
import { Button, Dialog, Header, Line, Notice, Qr, Title, toastError, usePageTitle } from "../shared/ui";
import { forget, leave, rememberCall } from "./session";

export function Meeting({ first, onLeft }: { first: Visit; onLeft: () => void }) {
  const live = useMemo(openLive, []);
  const line = useLine(live);
  const topic = `visit:${first.id}`;
  const visitLoad = useLoaded(() => box("getVisit"), []);
  useLiveReload(live, [topic], visitLoad.reload);
  const visit = usePresence(live, visitLoad.value ?? first);
  const call = useMemo(() => new Call(live, first.id, first.iceServers, { side: "citizen" }), []);
  const chat = useMemo(() => new Chat(live, first.id, "citizen"), []);
  const files = useMemo(() => new Files(live, first.id), []);
  const { receipt, filed } = useReceipt(live, first.id, visit.filingId ?? null);
  const wide = useWide();
  usePageTitle(localText(visit.serviceName));

  useEffect(() => {
    if (rememberCall()) void call.start();
    return () => {
      call.destroy();
      chat.destroy();
      files.destroy();
      live.close();
    };
  }, []);
  useEffect(() => {
    const state = call.state.value;
    if (state !== "asking") rememberCall(state !== "idle");
  }, [call.state.value]);
  // By the time the page says that the meeting is over, the camera is off.
  useLayoutEffect(() => {
    if (visit.state === "ended") {
      call.hangUp();
      forget();
    }
  }, [visit.state]);

  const leaveNow = async () => {
    call.hangUp();
    try {
      await leave();
    } catch (error) {
      toastError(error);
    }
    onLeft();
  };

  return (
    <div class="ab-meeting">
      <Header office={officeName()} href={null}>
        <Line state={line} />
      </Header>
      <main class="ab-meeting-main" id="main">
        {visit.state === "open" && (
          <aside class="ab-meeting-side" aria-label={t("ui.meeting.contact")}>
            <div class="ab-meeting-call">
              <CallPicture call={call} side="citizen" />
              <CallControls call={call} />
            </div>
            {wide && (
              <section class="ab-meeting-chat ab-card" aria-labelledby="chat-title">
                <h2 class="ab-subtitle" id="chat-title">{t("ui.chat.title")}</h2>
                <ChatView chat={chat} />
              </section>
            )}
          </aside>
        )}
        <div class="ab-meeting-form">
          <Title>{localText(visit.serviceName)}</Title>
          {visit.state === "ended" && <Notice tone="success" live><p>{t("ui.meeting.ended")}</p><p class="ab-no-print"><a href="/">{t("ui.join.home")}</a></p></Notice>}
          {visit.state === "open" && !visit.clerkPresent && call.state.value !== "talking" && <Notice live><p>{t("ui.meeting.waiting")}</p></Notice>}
          {visit.state === "open" && <CitizenRecording visit={visit} />}
          <VisitForm live={live} visit={visit} receipt={receipt} onFiled={filed} />
          {visit.state === "open" && (
            <section class="ab-card ab-no-print" aria-labelledby="files-title">
              <h2 class="ab-subtitle" id="files-title">{t("ui.files.title")}</h2>
              <FilesView files={files} own="citizen" id="files-input" />
            </section>
          )}
          {visit.state === "open" && (
            <div class="ab-meeting-foot ab-no-print">
              <Handover />
              <Button kind="secondary" onClick={() => void leaveNow()}>{t("ui.meeting.leave")}</Button>
            </div>
          )}
        </div>
        {visit.state === "open" && !wide && <ChatDrawer chat={chat} />}
      </main>
    </div>
  );
}

function VisitForm({ live, visit, receipt, onFiled }: { live: Live; visit: Visit; receipt: Receipt | null; onFiled: (receipt: Receipt) => void }) {
  const { value: draft, error, reload } = useDraft(visit);
  const document = useMemo(
    () => (draft?.state === "open" ? new DraftDocument(draft.id, "shared", { role: "citizen", label: t("ui.form.citizen") }, socketOrigin()) : null),
    [draft?.id, draft?.state],
  );
  useReopening(visit, [document]);
  useFollowing(live, [document]);
  useEffect(() => () => document?.destroy(), [document]);
  const ended = visit.state === "ended";
  useEffect(() => {
    if (ended) document?.stop();
  }, [document, ended]);
  const definition = useMemo(() => (draft ? formDefinition(draft.form) : null), [draft]);
  if (receipt)
    return (
      <>
        <Notice tone="success" live><p>{t("ui.receipt.done")}</p></Notice>
        <ReceiptView receipt={receipt} definition={definition} earlier={visit.filings} />
        {document && definition && <LateEdits draft={document} definition={definition} />}
      </>
    );
  if (ended) return null;
  if (error) return <Notice tone="error" live>{errorText(error)} <Button size="small" kind="secondary" onClick={reload}>{t("ui.common.retry")}</Button></Notice>;
  if (!visit.draftId) return <p class="ab-muted">{t("ui.meeting.no-form")}</p>;
  if (!draft || !document || !definition) return <p class="ab-muted" role="status">{t("ui.common.loading")}</p>;
  return (
    <section class="ab-card" aria-labelledby="form-title">
      <div class="ab-form-head">
        <h2 class="ab-subtitle" id="form-title">{localText(definition.title)}</h2>
        <div class="ab-row ab-row-between">
          <WhoIsHere draft={document} />
          <SavedMark draft={document} />
        </div>
      </div>
      <CompletionNotice completion={visit.completion} />
      <DraftForm draft={document} draftId={draft.id} definition={definition} autofill />
      <GapSummary draft={document} definition={definition} />
      <SubmitButton draftId={draft.id} gaps={document.gaps.value} definition={definition} onFiled={onFiled} wide />
    </section>
  );
}

function Handover() {
  const [invitation, setInvitation] = useState<Invitation | null>(null);
  const open = () => {
    box("createHandover").then(setInvitation, toastError);
  };
  return (
    <>
      <Button kind="secondary" onClick={open}>{t("ui.handover.button")}</Button>
      {invitation && (
        <Dialog title={t("ui.handover.title")} onClose={() => setInvitation(null)}>
          <p>{t("ui.handover.text")}</p>
          <Qr size={invitation.qr.size} path={invitation.qr.path} label={t("ui.invitation.qr")} />
          <label class="govuk-label ab-handover-link" for="handover-link">{t("ui.invitation.link")}</label>
          <input class="govuk-input" id="handover-link" readOnly value={invitation.url} onFocus={(event) => event.currentTarget.select()} />
          <div class="ab-dialog-actions"><Button onClick={() => setInvitation(null)}>{t("ui.common.close")}</Button></div>
        </Dialog>
      )}
    </>
  );
}

function ChatDrawer({ chat }: { chat: Chat }) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const unread = chat.unread.value;
  useEffect(() => {
    if (open) document.getElementById("chat-input")?.focus();
  }, [open]);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <>
      <button type="button" ref={button} class="ab-chat-button ab-no-print" aria-expanded={open} onClick={() => setOpen(true)}>
        <ChatIcon /> {t("ui.chat.title")}
        {unread > 0 && <span class="ab-badge"><span class="govuk-visually-hidden">{tn("ui.chat.unread", unread)}</span><span aria-hidden="true">{unread}</span></span>}
      </button>
      {open && (
        <section
          class="ab-chat-drawer"
          aria-labelledby="chat-title"
          onKeyDown={(event) => {
            if (event.key === "Escape") close();
          }}
        >
          <div class="ab-row ab-row-between">
            <h2 class="ab-subtitle" id="chat-title">{t("ui.chat.title")}</h2>
            <button type="button" class="ab-icon-button" aria-label={t("ui.common.close")} onClick={close}><CloseIcon /></button>
          </div>
          <ChatView chat={chat} />
        </section>
      )}
    </>
  );
}

function useWide(): boolean {
  const query = useMemo(() => matchMedia("(min-width: 900px)"), []);
  const [wide, setWide] = useState(query.matches);
  useEffect(() => {
    const update = () => setWide(query.matches);
    query.addEventListener("change", update);
    return () => query.removeEventListener("change", update);
  }, []);
  return wide;
}

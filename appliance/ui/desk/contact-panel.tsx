// Right: the picture, the invitation, the files, the chat.
import { useEffect, useRef, useState } from "preact/hooks";
import { box } from "../shared/box";
import type { Invitation, Visit } from "../generated/box-api";
import type { Call } from "../shared/call";
import { CallControls, CallPicture } from "../shared/call-view";
import { ChatView, type Chat } from "../shared/chat";
import type { Files } from "../shared/files";
import { FilesView } from "../shared/files-view";
import { t } from "../shared/i18n";
import type { Live } from "../shared/live";
import { ClerkRecording } from "../shared/recording";
import { Button, Dialog, toastError } from "../shared/ui";
import { GuestBox } from "./guests";
import { InvitationSheet } from "./invitation-sheet";
import { SHORTCUTS } from "./shortcuts";

/** Somebody called up by number may still join from a page of their own, and be seen there. */
export const offersCall = (visit: Visit, call: Call) => visit.channel === "video" || visit.citizenPresent || call.state.value !== "idle";

export function ContactPanel({ live, visit, call, chat, files, inviteNow }: { live: Live; visit: Visit | null; call: Call | null; chat: Chat | null; files: Files | null; inviteNow: number }) {
  if (!visit || !call || !chat || !files)
    return (
      <section class="ab-desk-contact" aria-label={t("ui.desk.contact")}>
        <div class="ab-call ab-call-none"><div class="ab-call-note"><p>{t("ui.desk.no-call")}</p></div></div>
      </section>
    );
  if (visit.state === "ended")
    return (
      <section class="ab-desk-contact" aria-label={t("ui.desk.contact")}>
        <DeskFiles files={files} past />
        <div class="ab-desk-chat">
          <h2 class="ab-panel-title">{t("ui.chat.title")}</h2>
          <ChatView chat={chat} past />
        </div>
      </section>
    );
  return (
    <section class="ab-desk-contact" aria-label={t("ui.desk.contact")}>
      {offersCall(visit, call) && (
        <div>
          <CallPicture call={call} side="clerk" />
          <CallControls call={call} keys={SHORTCUTS.call.shown} />
          <ClerkRecording visit={visit} />
        </div>
      )}
      <InvitationBox key={visit.id} visit={visit} inviteNow={inviteNow} />
      {offersCall(visit, call) && <GuestBox live={live} visit={visit} />}
      <DeskFiles files={files} past={false} />
      <div class="ab-desk-chat">
        <h2 class="ab-panel-title">{t("ui.chat.title")}</h2>
        <ChatView chat={chat} />
      </div>
    </section>
  );
}

function DeskFiles({ files, past }: { files: Files; past: boolean }) {
  return (
    <div class="ab-desk-files">
      <h2 class="ab-panel-title">{t("ui.files.title")}</h2>
      <FilesView files={files} own="clerk" readOnly={past} id="files-input" />
    </div>
  );
}

function InvitationBox({ visit, inviteNow }: { visit: Visit; inviteNow: number }) {
  const [invitation, setInvitation] = useState<Invitation | null>(null);
  const [open, setOpen] = useState(false);
  const asked = useRef(inviteNow);
  const invite = () => {
    box("invite", { params: { visitId: visit.id } }).then(
      (made) => {
        setInvitation(made);
        setOpen(true);
      },
      toastError,
    );
  };
  // Alt+I, or a meeting just made: the invitation is what comes next.
  useEffect(() => {
    if (inviteNow === asked.current && visit.ticket) return;
    if (inviteNow === 0) return;
    asked.current = inviteNow;
    if (!open) invite();
  }, [inviteNow]);
  return (
    <div class="ab-invitation">
      <div class="ab-row ab-row-between">
        <h2 class="ab-panel-title">{t("ui.invitation.title")}</h2>
        {invitation ? (
          <Button kind="secondary" size="small" onClick={() => setOpen(true)}>{t("ui.invitation.show")}</Button>
        ) : (
          <Button kind="secondary" size="small" class="ab-invite" keys={SHORTCUTS.invite.shown} onClick={invite}>{t("ui.invitation.make")}</Button>
        )}
      </div>
      {open && invitation && (
        <Dialog title={t("ui.invitation.dialog")} onClose={() => setOpen(false)}>
          <InvitationSheet invitation={invitation} once={t("ui.invitation.once")} />
          <div class="ab-dialog-actions ab-no-print">
            <Button onClick={() => setOpen(false)}>{t("ui.common.close")}</Button>
            <Button kind="secondary" onClick={() => print()}>{t("ui.invitation.print")}</Button>
            <Button kind="secondary" onClick={invite}>{t("ui.invitation.new")}</Button>
          </div>
        </Dialog>
      )}
    </div>
  );
}

// Asking an interpreter or a colleague into the call, and sending them away again.
import { useState } from "preact/hooks";
import type { Guest, GuestRole, Invitation, Visit } from "../generated/box-api";
import { box } from "../shared/box";
import { personName } from "../shared/chat";
import { formatTime, t } from "../shared/i18n";
import { Button, Dialog, Qr, toast, toastError } from "../shared/ui";

const ROLES: readonly GuestRole[] = ["sign", "interpreter", "colleague"];
const GUESTS_MOST = 2;

export function GuestBox({ visit }: { visit: Visit }) {
  const [open, setOpen] = useState(false);
  const { guests } = visit;
  const sendAway = (guest: Guest) => {
    box("removeGuest", { params: { visitId: visit.id, guestId: guest.id } }).catch(toastError);
  };
  return (
    <div class="ab-guests">
      {guests.length > 0 && (
        <ul class="ab-guest-list" aria-label={t("ui.guest.in-call")}>
          {guests.map((guest) => (
            <li key={guest.id} class="ab-row ab-row-between">
              <span>{guest.name && <>{guest.name} · </>}{t(`ui.guest.role-${guest.role}`)}</span>
              <Button kind="secondary" size="small" class="ab-guest-remove" onClick={() => sendAway(guest)}>{t("ui.guest.remove")}<span class="govuk-visually-hidden">: {personName("guest", guest)}</span></Button>
            </li>
          ))}
        </ul>
      )}
      {guests.length < GUESTS_MOST && <Button kind="secondary" size="small" class="ab-guest-invite" onClick={() => setOpen(true)}>{t("ui.guest.invite")}</Button>}
      {open && <GuestDialog visit={visit} onClose={() => setOpen(false)} />}
    </div>
  );
}

function GuestDialog({ visit, onClose }: { visit: Visit; onClose: () => void }) {
  const [role, setRole] = useState<GuestRole>("sign");
  const [invitation, setInvitation] = useState<Invitation | null>(null);
  const invite = () => {
    box("inviteGuest", { params: { visitId: visit.id }, body: { role } }).then(setInvitation, toastError);
  };
  return (
    <Dialog title={t("ui.guest.dialog")} onClose={onClose}>
      {invitation ? (
        <GuestLink invitation={invitation} role={role} />
      ) : (
        <fieldset class="govuk-fieldset">
          <legend class="govuk-label">{t("ui.guest.who")}</legend>
          <div class="govuk-radios govuk-radios--small">
            {ROLES.map((one) => (
              <div key={one} class="govuk-radios__item">
                <input class="govuk-radios__input" type="radio" name="guest-role" id={`guest-role-${one}`} checked={role === one} onChange={() => setRole(one)} />
                <label class="govuk-label govuk-radios__label" for={`guest-role-${one}`}>{t(`ui.guest.role-${one}`)}</label>
              </div>
            ))}
          </div>
          <p class="ab-muted ab-small">{t("ui.guest.rights")}</p>
        </fieldset>
      )}
      <div class="ab-dialog-actions">
        {!invitation && <Button class="ab-guest-make" onClick={invite}>{t("ui.guest.make")}</Button>}
        <Button kind={invitation ? "primary" : "secondary"} onClick={onClose}>{t(invitation ? "ui.common.close" : "ui.common.cancel")}</Button>
      </div>
    </Dialog>
  );
}

function GuestLink({ invitation, role }: { invitation: Invitation; role: GuestRole }) {
  const copy = () => {
    navigator.clipboard.writeText(invitation.url).then(() => toast(t("ui.invitation.copied")), toastError);
  };
  return (
    <>
      <p>{t("ui.guest.link-for", { role: t(`ui.guest.role-${role}`), time: formatTime(invitation.expiresAt) })}</p>
      <Qr size={invitation.qr.size} path={invitation.qr.path} label={t("ui.invitation.qr")} />
      <label class="govuk-label" for="guest-link">{t("ui.invitation.link")}</label>
      <div class="ab-search">
        <input class="govuk-input" id="guest-link" readOnly value={invitation.url} onFocus={(event) => event.currentTarget.select()} />
        <Button kind="secondary" onClick={copy}>{t("ui.invitation.copy")}</Button>
      </div>
    </>
  );
}

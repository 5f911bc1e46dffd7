// Asking an interpreter or a colleague into the call, and sending them away again; a link that
// nobody has used yet is withdrawn.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Guest, GuestLink, GuestRole, Invitation, Visit } from "../generated/box-api";
import { errorText } from "../shared/api";
import { box } from "../shared/box";
import { personName } from "../shared/chat";
import { useLiveReload, useLoaded, useNow } from "../shared/hooks";
import { formatTime, t } from "../shared/i18n";
import type { Live } from "../shared/live";
import { Button, Dialog, Notice, Qr, toast, toastError } from "../shared/ui";

const ROLES: readonly GuestRole[] = ["sign", "interpreter", "colleague"];
const GUESTS_MOST = 2;

export function GuestBox({ live, visit }: { live: Live; visit: Visit }) {
  const [open, setOpen] = useState(false);
  const links = useLoaded(() => box("listGuestLinks", { params: { visitId: visit.id } }), [visit.id]);
  useLiveReload(live, [`visit:${visit.id}`], links.reload);
  const now = useNow(15_000);
  const unused = (links.value ?? []).filter(({ expiresAt }) => Date.parse(expiresAt) > now);
  const { guests } = visit;
  const room = guests.length + unused.length < GUESTS_MOST;
  const home = useRef<HTMLDivElement>(null);
  const pressed = useRef(false);
  // A button that goes with its line must not take the keyboard's place on the page with it.
  useEffect(() => {
    if (pressed.current && document.activeElement === document.body) home.current?.querySelector("button")?.focus();
    pressed.current = false;
  }, [guests.length, unused.length]);
  const sendAway = (guest: Guest) => {
    pressed.current = true;
    box("removeGuest", { params: { visitId: visit.id, guestId: guest.id } }).catch(toastError);
  };
  const withdraw = (link: GuestLink) => {
    pressed.current = true;
    box("withdrawGuestLink", { params: { visitId: visit.id, linkId: link.id } })
      .then(() => toast(t("ui.guest.withdrawn")), toastError)
      .finally(links.reload);
  };
  return (
    <div class="ab-guests" ref={home}>
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
      {unused.length > 0 && <Unused links={unused} withdraw={withdraw} />}
      {room && <Button kind="secondary" size="small" class="ab-guest-invite" onClick={() => setOpen(true)}>{t("ui.guest.invite")}</Button>}
      {open && <GuestDialog visit={visit} onClose={() => setOpen(false)} />}
    </div>
  );
}

const wordsOf = ({ role, expiresAt }: GuestLink) => t("ui.guest.link-open", { role: t(`ui.guest.role-${role}`), time: formatTime(expiresAt) });

/** A link cannot be shown again: one that was lost, or sent to somebody who cannot come, is withdrawn. */
function Unused({ links, withdraw }: { links: GuestLink[]; withdraw: (link: GuestLink) => void }) {
  return (
    <>
      <h3 class="ab-muted ab-small" id="guest-links">{t("ui.guest.links")}</h3>
      <ul class="ab-guest-list" aria-labelledby="guest-links">
        {links.map((link) => (
          <li key={link.id} class="ab-row ab-row-between">
            <span>{wordsOf(link)}</span>
            <Button kind="secondary" size="small" class="ab-guest-withdraw" onClick={() => withdraw(link)}>{t("ui.guest.withdraw")}<span class="govuk-visually-hidden">: {wordsOf(link)}</span></Button>
          </li>
        ))}
      </ul>
    </>
  );
}

function GuestDialog({ visit, onClose }: { visit: Visit; onClose: () => void }) {
  const [role, setRole] = useState<GuestRole>("sign");
  const [invitation, setInvitation] = useState<Invitation | null>(null);
  const [error, setError] = useState<string | null>(null);
  const invite = () => {
    setError(null);
    box("inviteGuest", { params: { visitId: visit.id }, body: { role } }).then(setInvitation, (failure: unknown) => setError(errorText(failure)));
  };
  return (
    <Dialog title={t("ui.guest.dialog")} onClose={onClose}>
      {error && <Notice tone="error" live>{error}</Notice>}
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

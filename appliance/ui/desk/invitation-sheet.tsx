// An invitation as it is given to a client: scanned, said, or copied.
import type { Invitation } from "../generated/box-api";
import { formatTime, t } from "../shared/i18n";
import { officeName } from "../shared/start";
import { Button, Qr, toast, toastError } from "../shared/ui";

export function InvitationSheet({ invitation, once }: { invitation: Invitation; once: string }) {
  const copy = (text: string) => {
    navigator.clipboard.writeText(text).then(() => toast(t("ui.invitation.copied")), toastError);
  };
  return (
    <>
      <div class="ab-print-sheet">
        <p class="ab-print-only"><strong>{officeName()}</strong></p>
        <div class="ab-invitation-ways">
          <div>
            <h3 class="govuk-label">{t("ui.invitation.scan")}</h3>
            <Qr size={invitation.qr.size} path={invitation.qr.path} label={t("ui.invitation.qr")} />
          </div>
          <div>
            <h3 class="govuk-label">{t("ui.invitation.say")}</h3>
            <p>{invitation.address}</p>
            <p class="ab-code" data-code={invitation.code}>{invitation.code.replace(/^(\d{4})(\d{4})$/, "$1 $2")}</p>
            <p class="ab-muted ab-small">{t("ui.invitation.until", { time: formatTime(invitation.expiresAt) })}</p>
          </div>
        </div>
        <p class="ab-muted ab-small">{once}</p>
      </div>
      <div class="ab-no-print">
        <label class="govuk-label" for="invitation-link">{t("ui.invitation.link")}</label>
        <div class="ab-search">
          <input class="govuk-input" id="invitation-link" readOnly value={invitation.url} onFocus={(event) => event.currentTarget.select()} />
          <Button kind="secondary" onClick={() => copy(invitation.url)}>{t("ui.invitation.copy")}</Button>
        </div>
      </div>
    </>
  );
}

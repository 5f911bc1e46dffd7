// A client called by video who has not come yet: the meeting begins when they do.
import type { Ticket } from "../generated/box-api";
import { useNow } from "../shared/hooks";
import { t, tn } from "../shared/i18n";
import { Button, cx } from "../shared/ui";
import { SHORTCUTS } from "./shortcuts";

/** By now somebody who sits at the device would have come. */
const LONG_MS = 60_000;

export function Calling({ ticket, busy, recall, setAside, noShow }: { ticket: Ticket; busy: boolean; recall: () => void; setAside: () => void; noShow: () => void }) {
  const now = useNow(1_000);
  const seconds = Math.max(0, Math.floor((now - Date.parse(ticket.calledAt ?? ticket.issuedAt)) / 1000));
  const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  return (
    <div class="ab-calling" data-calling={ticket.number}>
      <p class="ab-now-caption">{t("ui.lobby.calling")}</p>
      <p class="ab-now-number ab-number">{ticket.number}</p>
      <p class={cx("ab-small", "ab-nums", seconds * 1000 >= LONG_MS && "ab-hot")}>{t("ui.lobby.no-answer", { time })}</p>
      {ticket.calls > 1 && <p class="ab-muted ab-small">{tn("ui.desk.calls", ticket.calls)}</p>}
      <p class="ab-small" role="status">{ticket.place?.awaySince ? t("ui.lobby.calling-away") : ""}</p>
      <div class="ab-now-actions">
        <Button kind="secondary" size="small" class="ab-recall" disabled={busy} keys={SHORTCUTS.recall.shown} onClick={recall}>{t("ui.desk.recall")}</Button>
        <Button kind="secondary" size="small" class="ab-set-aside" disabled={busy} keys={SHORTCUTS["set-aside"].shown} onClick={setAside}>{t("ui.desk.set-aside")}</Button>
        <Button kind="secondary" size="small" class="ab-no-show" disabled={busy} keys={SHORTCUTS["no-show"].shown} onClick={noShow}>{t("ui.desk.no-show")}</Button>
      </div>
    </div>
  );
}

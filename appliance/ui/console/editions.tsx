// Published editions of the catalogue.
import { useState } from "preact/hooks";
import { errorText } from "../shared/api";
import { hq } from "../shared/hq";
import { useLiveReload, useLoaded } from "../shared/hooks";
import { formatDateTime, formatNumber, t } from "../shared/i18n";
import type { Live } from "../shared/live";
import { Button, Dialog, Notice, Tag, toast, toastError } from "../shared/ui";

export function Editions({ live, canPublish }: { live: Live; canPublish: boolean }) {
  const editions = useLoaded(() => hq("listEditions"), []);
  useLiveReload(live, ["fleet"], editions.reload);
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const publish = async () => {
    setBusy(true);
    try {
      const made = await hq("publishEdition");
      toast(t("ui.editions.published", { number: formatNumber(made.number) }));
      setAsking(false);
      editions.reload();
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(false);
    }
  };
  if (editions.error && !editions.value) return <Notice tone="error" live>{errorText(editions.error)}</Notice>;
  if (!editions.value) return <p role="status">{t("ui.common.loading")}</p>;
  return (
    <>
      {canPublish && <p><Button onClick={() => setAsking(true)}>{t("ui.editions.publish")}</Button></p>}
      {editions.value.length === 0 && <p class="ab-muted">{t("ui.editions.none")}</p>}
      {editions.value.length > 0 && (
        <div class="ab-card ab-table-scroll" tabIndex={0} role="region" aria-label={t("ui.console.editions")}>
          <table class="govuk-table">
            <thead>
              <tr>
                <th scope="col" class="govuk-table__header">{t("ui.editions.number")}</th>
                <th scope="col" class="govuk-table__header">{t("ui.editions.issued")}</th>
                <th scope="col" class="govuk-table__header govuk-table__header--numeric">{t("ui.editions.size")}</th>
                <th scope="col" class="govuk-table__header">{t("ui.editions.hash")}</th>
              </tr>
            </thead>
            <tbody>
              {editions.value.map((edition) => (
                <tr class="govuk-table__row" key={edition.number}>
                  <th scope="row" class="govuk-table__cell">{formatNumber(edition.number)} {edition.sample && <Tag tone="amber">{t("ui.kb.sample")}</Tag>}</th>
                  <td class="govuk-table__cell ab-nums">{formatDateTime(edition.issuedAt)}</td>
                  <td class="govuk-table__cell govuk-table__cell--numeric">{t("ui.editions.kilobytes", { size: formatNumber(Math.round(edition.size / 1024)) })}</td>
                  <td class="govuk-table__cell ab-hash">{edition.sha256}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {asking && (
        <Dialog title={t("ui.editions.publish-title")} onClose={() => setAsking(false)}>
          <p>{t("ui.editions.publish-text")}</p>
          <div class="ab-dialog-actions">
            <Button disabled={busy} onClick={() => void publish()}>{t("ui.editions.publish")}</Button>
            <Button kind="secondary" onClick={() => setAsking(false)}>{t("ui.common.cancel")}</Button>
          </div>
        </Dialog>
      )}
    </>
  );
}

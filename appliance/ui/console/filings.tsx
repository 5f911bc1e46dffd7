// Filings as they arrive from the branches, each with its completions: numbers and proofs, no content.
import { errorText } from "../shared/api";
import { hq } from "../shared/hq";
import { useLiveReload, useLoaded } from "../shared/hooks";
import { formatNumber, formatStamp, localText, t } from "../shared/i18n";
import type { Live } from "../shared/live";
import { Notice, Tag } from "../shared/ui";

export function Filings({ live }: { live: Live }) {
  const filings = useLoaded(() => hq("listFilings"), []);
  const boxes = useLoaded(() => hq("listBoxes"), []);
  useLiveReload(live, ["fleet"], filings.reload);
  const nameOf = (id: string) => boxes.value?.find((box) => box.id === id)?.name ?? id;
  if (filings.error && !filings.value) return <Notice tone="error" live>{errorText(filings.error)}</Notice>;
  if (!filings.value) return <p role="status">{t("ui.common.loading")}</p>;
  if (filings.value.length === 0) return <p class="ab-muted">{t("ui.filings.none")}</p>;
  return (
    <div class="ab-card ab-table-scroll" tabIndex={0} role="region" aria-label={t("ui.console.filings")}>
      <table class="govuk-table">
        <thead>
          <tr>
            <th scope="col" class="govuk-table__header">{t("ui.filings.number")}</th>
            <th scope="col" class="govuk-table__header">{t("ui.filings.box")}</th>
            <th scope="col" class="govuk-table__header">{t("ui.filings.service")}</th>
            <th scope="col" class="govuk-table__header">{t("ui.filings.kind")}</th>
            <th scope="col" class="govuk-table__header">{t("ui.filings.arrived")}</th>
            <th scope="col" class="govuk-table__header govuk-table__header--numeric">{t("ui.filings.gaps")}</th>
            <th scope="col" class="govuk-table__header">{t("ui.filings.hash")}</th>
          </tr>
        </thead>
        {filings.value.map((filing) => (
          <tbody key={`${filing.box} ${filing.number}`} data-filing={filing.number}>
            {filing.submissions.map((submission, index) => (
              <tr class="govuk-table__row" key={submission.ordinal}>
                {index === 0 && (
                  <>
                    <th scope="rowgroup" rowSpan={filing.submissions.length} class="govuk-table__cell ab-number ab-nowrap">{filing.number}</th>
                    <td rowSpan={filing.submissions.length} class="govuk-table__cell">{nameOf(filing.box)}</td>
                    <td rowSpan={filing.submissions.length} class="govuk-table__cell">{localText(filing.serviceName) || filing.service}</td>
                  </>
                )}
                <td class="govuk-table__cell ab-nowrap">
                  {submission.ordinal === 1 ? t("ui.filings.first") : t("ui.filings.completion", { number: submission.ordinal - 1 })}
                  {submission.late && <> <Tag tone="amber">{t("ui.filings.late")}</Tag></>}
                </td>
                <td class="govuk-table__cell ab-nums ab-nowrap">{formatStamp(submission.arrivedAt)}</td>
                <td class="govuk-table__cell govuk-table__cell--numeric">{formatNumber(submission.gaps)}</td>
                <td class="govuk-table__cell ab-hash ab-nowrap" title={submission.contentSha256}>{submission.contentSha256.slice(0, 12)}…</td>
              </tr>
            ))}
          </tbody>
        ))}
      </table>
    </div>
  );
}

// The recordings there are, and what is to be known of one.
import type { Recording } from "../generated/box-api";
import { formatDateTime, localText, t } from "../shared/i18n";
import { Button, Tag } from "../shared/ui";
import { clockOf } from "./clock";

type Act = (recording: Recording) => void;

const TONES = { recording: "amber", kept: "green", interrupted: "amber", deleted: "grey" } as const;

/** The service, and the number the client was called by. */
export const nameOf = ({ serviceName, ticketNumber }: Recording) => [localText(serviceName), ticketNumber].filter(Boolean).join(", ");

export const isThere = ({ state }: Recording) => state === "kept" || state === "interrupted";

const lengthOf = ({ startedAt, endedAt }: Recording) => (endedAt ? clockOf(Date.parse(endedAt) - Date.parse(startedAt)) : "–");

export function Facts({ recording }: { recording: Recording }) {
  const { state, clerk, startedAt, deleteAt, deletedAt, deletedWhy, legalBasis } = recording;
  const facts: [name: string, value: string][] = [
    [t("ui.replay.began"), formatDateTime(startedAt)],
    [t("ui.replay.length"), lengthOf(recording)],
    [t("ui.replay.with"), clerk ?? "–"],
    state === "deleted" ? [t("ui.replay.deleted-at"), `${deletedAt ? formatDateTime(deletedAt) : "–"}${deletedWhy ? `, ${t(`ui.replay.why-${deletedWhy}`)}` : ""}`] : [t("ui.replay.until"), deleteAt ? formatDateTime(deleteAt) : "–"],
    [t("ui.replay.basis"), `${localText(legalBasis.title)}, ${legalBasis.reference}`],
  ];
  return (
    <dl class="ab-recording-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function RecordingList({ list, onWatch, onDelete }: { list: readonly Recording[]; onWatch: Act; onDelete: Act | null }) {
  if (list.length === 0) return <p>{t("ui.replay.none")}</p>;
  return (
    <ul class="ab-recordings">
      {list.map((one) => {
        const time = formatDateTime(one.startedAt);
        return (
          <li key={one.id} class="ab-card" data-recording-id={one.id} data-state={one.state}>
            <div class="ab-row ab-row-between">
              <h2 class="ab-subtitle">{nameOf(one)}</h2>
              <Tag tone={TONES[one.state]}>{t(`ui.replay.state-${one.state}`)}</Tag>
            </div>
            <Facts recording={one} />
            {isThere(one) && (
              <p class="ab-row">
                <Button size="small" class="ab-replay-watch" aria-label={t("ui.replay.watch-of", { time })} onClick={() => onWatch(one)}>{t("ui.replay.watch")}</Button>
                {onDelete && <Button size="small" kind="secondary" class="ab-replay-delete" aria-label={t("ui.replay.delete-of", { time })} onClick={() => onDelete(one)}>{t("ui.replay.delete")}</Button>}
              </p>
            )}
          </li>
        );
      })}
    </ul>
  );
}

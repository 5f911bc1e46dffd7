// Recordings: those of the clerk's own calls, or all of the office's for a supervisor. Who watches
// one says why first, which is logged.
import { useMemo, useState } from "preact/hooks";
import { errorText } from "../shared/api";
import { box } from "../shared/box";
import { useLine, useLiveReload, useLoaded } from "../shared/hooks";
import { formatDateTime, t } from "../shared/i18n";
import { openLive, type Live } from "../shared/live";
import type { Me, Recording, Replay } from "../generated/box-api";
import { StaffGate } from "../shared/staff-gate";
import { boxAccounts, officeName, startBoxPage } from "../shared/start";
import { Button, Line, Notice, Title, toastError, usePageTitle } from "../shared/ui";
import { AskToDelete, AskWhy, WatchedBy } from "./dialogs";
import { Facts, nameOf, RecordingList } from "./list";
import { Player } from "./player";

function Page() {
  const live = useMemo(openLive, []);
  const line = useLine(live);
  return (
    <StaffGate<Me> live={live} accounts={boxAccounts} title={t("ui.replay.sign-in")} office={officeName()} extra={<Line state={line} />}>
      {(me) => <Recordings live={live} isSupervisor={me.roles.includes("supervisor")} />}
    </StaffGate>
  );
}

/** What may change by itself: one being made, and the one that is watched. */
function topicsOf(list: readonly Recording[], replay: Replay | null): string[] {
  const visits = list.filter(({ state, id }) => state === "recording" || id === replay?.recording.id).map(({ visitId }) => `visit:${visitId}`);
  return [...new Set(visits)].slice(0, 20);
}

function Recordings({ live, isSupervisor }: { live: Live; isSupervisor: boolean }) {
  usePageTitle(t("ui.replay.title"));
  const list = useLoaded(() => box("listRecordings"), []);
  const [asked, setAsked] = useState<Recording | null>(null);
  const [deleting, setDeleting] = useState<Recording | null>(null);
  const [replay, setReplay] = useState<Replay | null>(null);
  useLiveReload(live, topicsOf(list.value ?? [], replay), list.reload);
  const begun = (found: Replay) => {
    setAsked(null);
    setReplay(found);
  };
  const remove = (recordingId: string) => {
    setDeleting(null);
    box("deleteRecording", { params: { recordingId } }).then(list.reload, toastError);
  };
  const watched = replay && (list.value?.find(({ id }) => id === replay.recording.id) ?? replay.recording);
  const onDelete = isSupervisor ? setDeleting : null;
  return (
    <>
      {replay && watched ? (
        <Watched replay={replay} recording={watched} onBack={() => setReplay(null)} onDelete={onDelete} />
      ) : (
        <main class="ab-main" id="main">
          <Title>{t("ui.replay.title")}</Title>
          <p>{t("ui.replay.logged")}</p>
          {list.error ? <Notice tone="error" live>{errorText(list.error)}</Notice> : !list.value ? <p role="status">{t("ui.common.loading")}</p> : <RecordingList list={list.value} onWatch={setAsked} onDelete={onDelete} />}
        </main>
      )}
      {asked && <AskWhy recording={asked} onBegun={begun} onClose={() => setAsked(null)} />}
      {deleting && <AskToDelete recording={deleting} onDelete={() => remove(deleting.id)} onClose={() => setDeleting(null)} />}
    </>
  );
}

function Watched({ replay, recording, onBack, onDelete }: { replay: Replay; recording: Recording; onBack: () => void; onDelete: ((recording: Recording) => void) | null }) {
  const gone = recording.state === "deleted";
  return (
    <main class="ab-main ab-main-wide" id="main">
      <Title focus>{nameOf(recording)}, {formatDateTime(recording.startedAt)}</Title>
      <p class="ab-row">
        <Button kind="secondary" size="small" class="ab-replay-leave" onClick={onBack}>{t("ui.replay.back")}</Button>
        {onDelete && !gone && <Button kind="secondary" size="small" class="ab-replay-delete" onClick={() => onDelete(recording)}>{t("ui.replay.delete")}</Button>}
      </p>
      <Facts recording={recording} />
      {gone ? <Notice tone="amber" live>{t("ui.replay.gone")}</Notice> : <Player replay={replay} />}
      <WatchedBy recordingId={recording.id} />
    </main>
  );
}

void startBoxPage(Page);

// The waiting room: a place in the line, how long it may take, what the office says, and the call.
// Nothing of this page goes to the clerk but that it is open.
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Place, Visit } from "../generated/box-api";
import { errorText, ProblemError } from "../shared/api";
import { box } from "../shared/box";
import { DeskMessageText } from "../shared/desk-message";
import { useLine, useLiveReload, useLoaded, useNow } from "../shared/hooks";
import { formatTime, language, localLang, localText, t, tn } from "../shared/i18n";
import type { ServiceSheet } from "../shared/knowledge";
import { openLive } from "../shared/live";
import { officeName } from "../shared/start";
import { Button, Dialog, Header, Line, Notice, Title, toastError, usePageTitle } from "../shared/ui";
import { chime, useRing, useScreenOn } from "./attention";
import { Check } from "./check";
import { forget, rememberCall } from "./session";

/** Minutes pass without an event. */
const LOOK_AGAIN_MS = 20_000;

function usePlace(first: Place) {
  const live = useMemo(openLive, []);
  useEffect(() => () => live.close(), []);
  const { value, error, reload, set } = useLoaded(() => box("getPlace"), []);
  useLiveReload(live, ["queue", `place:${first.visitId}`], reload);
  const now = useNow(LOOK_AGAIN_MS);
  useEffect(reload, [now]);
  return { live, place: value ?? first, error, reload, set };
}

const isGone = (error: unknown) => error instanceof ProblemError && (error.status === 401 || error.status === 404);

export function WaitingRoom({ first, check, onVisit, onLeft }: { first: Place; check: boolean; onVisit: (visit: Visit) => void; onLeft: () => void }) {
  const { live, place, error, reload, set } = usePlace(first);
  const line = useLine(live);
  const [checking, setChecking] = useState(check);
  useScreenOn();
  // Answered on another device of the same person: the meeting goes on here too, without a call.
  useEffect(() => {
    if (place.state === "joined") box("getVisit").then(onVisit, toastError);
  }, [place.state]);
  const over = place.state === "over" || isGone(error);
  useEffect(() => {
    if (over) forget();
  }, [over]);

  const answer = async (withCall: boolean) => {
    try {
      const visit = await box("answerCall");
      rememberCall(withCall);
      onVisit(visit);
    } catch (failure) {
      toastError(failure);
      reload();
    }
  };
  return (
    <>
      <Header office={officeName()} href={null}><Line state={line} /></Header>
      <main class="ab-main ab-narrow" id="main">
        {over ? (
          <Over />
        ) : place.state === "called" ? (
          <Called place={place} answer={answer} />
        ) : checking ? (
          <Check visit={{ id: place.visitId, iceServers: place.iceServers }}>
            <Button size="large" wide class="ab-check-done" onClick={() => setChecking(false)}>{t("ui.waiting.check-done")}</Button>
          </Check>
        ) : (
          <Waiting place={place} onPlace={set} onCheck={() => setChecking(true)} onLeft={onLeft} />
        )}
        {!over && place.state !== "called" && !checking && error !== null && <Notice tone="error" live>{errorText(error)}</Notice>}
      </main>
    </>
  );
}

function Over() {
  usePageTitle(t("ui.waiting.over-title"));
  return (
    <>
      <Title focus>{t("ui.waiting.over-title")}</Title>
      <p class="ab-lead">{t("ui.waiting.over-text")}</p>
      <a class="govuk-button" href="/">{t("ui.join.home")}</a>
    </>
  );
}

/** Joining is the person's own press, never the page's. */
function Called({ place, answer }: { place: Place; answer: (withCall: boolean) => Promise<void> }) {
  usePageTitle(`${t("ui.waiting.called-title")} – ${place.number}`);
  useRing(place.calledAt);
  const [busy, setBusy] = useState(false);
  const press = (withCall: boolean) => {
    setBusy(true);
    void answer(withCall).finally(() => setBusy(false));
  };
  return (
    <div class="ab-card ab-called" role="alert">
      <Title focus>{t("ui.waiting.called-title")}</Title>
      <p class="ab-place-number ab-number">{place.number}</p>
      <p class="ab-lead">{t("ui.waiting.called-text")}</p>
      <div class="ab-join-buttons">
        <Button size="large" wide class="ab-answer-video" disabled={busy} onClick={() => press(true)}>{t("ui.join.with-video")}</Button>
        <Button size="large" wide kind="secondary" class="ab-answer-form" disabled={busy} onClick={() => press(false)}>{t("ui.join.without-video")}</Button>
      </div>
    </div>
  );
}

function Waiting({ place, onPlace, onCheck, onLeft }: { place: Place; onPlace: (place: Place) => void; onCheck: () => void; onLeft: () => void }) {
  const before = place.setAside ? "" : aheadText(place);
  usePageTitle(`${before} ${t("ui.waiting.title")}`.trim());
  const comeBack = () => void box("returnToLine").then(onPlace, toastError);
  return (
    <>
      <Title focus>{t("ui.waiting.title")}</Title>
      <p class="ab-lead">{t("ui.waiting.lead")}</p>
      {place.setAside && (
        <Notice tone="amber" live>
          <p>{t("ui.waiting.aside", { time: place.calledAt ? formatTime(place.calledAt) : "" })}</p>
          <Button class="ab-here-again" onClick={comeBack}>{t("ui.waiting.here")}</Button>
        </Notice>
      )}
      <section class="ab-card ab-place" aria-label={localText(place.serviceName)}>
        <p class="ab-muted">{localText(place.serviceName)}</p>
        <p class="ab-small">{t("ui.waiting.number")}</p>
        <p class="ab-place-number ab-number">{place.number}</p>
        <div role="status" class="ab-place-wait" data-ahead={place.setAside ? "aside" : place.ahead}>
          {!place.setAside && <p><strong>{before}</strong></p>}
          {!place.setAside && <p>{waitText(place)}</p>}
        </div>
      </section>
      <p class="ab-unseen">{t("ui.waiting.unseen")}</p>
      <p>{t("ui.waiting.ring")}</p>
      <div class="ab-row ab-waiting-buttons">
        <Button kind="secondary" onClick={chime}>{t("ui.waiting.try-sound")}</Button>
        <Button kind="secondary" onClick={onCheck}>{t("ui.waiting.check")}</Button>
      </div>
      <Messages place={place} />
      <AtHand service={place.service} />
      <Leave onLeft={onLeft} />
    </>
  );
}

const aheadText = ({ ahead }: Place) => (ahead === 0 ? t("ui.waiting.next") : tn("ui.waiting.ahead", ahead));

function waitText({ waitMinutes }: Place): string {
  if (!waitMinutes) return t("ui.waiting.wait-unknown");
  return t(waitMinutes.low === 0 ? "ui.waiting.wait-under" : "ui.waiting.wait-range", { ...waitMinutes });
}

/** New ones are read aloud when there is a pause; those that were there stay silent. */
function Messages({ place }: { place: Place }) {
  return (
    <section class="ab-card" aria-labelledby="messages-title">
      <h2 class="ab-subtitle" id="messages-title">{t("ui.waiting.messages")}</h2>
      {place.messages.length === 0 && <p class="ab-muted">{t("ui.waiting.messages-none")}</p>}
      <div aria-live="polite">
        <ul class="ab-desk-messages">
          {place.messages.map((message) => (
            <li key={message.id} data-message={message.phrase ?? "own"}>
              <time class="ab-muted ab-small ab-nums" dateTime={message.at}>{formatTime(message.at)}</time> <DeskMessageText message={message} />
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}

/** The papers that the service's sheet names. Without it the page waits as well. */
function AtHand({ service }: { service: string }) {
  const { value } = useLoaded(() => box("getSheet", { params: { serviceId: service } }), [service, language.value]);
  const documents = (value?.service as unknown as ServiceSheet | undefined)?.documents ?? [];
  if (documents.length === 0) return null;
  return (
    <section class="ab-card" aria-labelledby="at-hand-title">
      <h2 class="ab-subtitle" id="at-hand-title">{t("ui.waiting.documents")}</h2>
      <ul class="ab-documents">
        {documents.map((document) => {
          const lang = localLang(document.name);
          return (
            <li key={document.id} {...(lang ? { lang } : {})}>
              {localText(document.name)} {!document.required && <span class="ab-muted">({t("ui.kb.if-needed")})</span>}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function Leave({ onLeft }: { onLeft: () => void }) {
  const [asking, setAsking] = useState(false);
  const leave = () => {
    box("leavePlace").then(() => {
      forget();
      onLeft();
    }, toastError);
  };
  return (
    <>
      <Button kind="secondary" class="ab-give-up" onClick={() => setAsking(true)}>{t("ui.waiting.leave")}</Button>
      {asking && (
        <Dialog title={t("ui.waiting.leave-title")} onClose={() => setAsking(false)}>
          <p>{t("ui.waiting.leave-text")}</p>
          <div class="ab-dialog-actions">
            <Button kind="warning" class="ab-give-up-confirm" onClick={leave}>{t("ui.waiting.leave-confirm")}</Button>
            <Button kind="secondary" onClick={() => setAsking(false)}>{t("ui.common.cancel")}</Button>
          </div>
        </Dialog>
      )}
    </>
  );
}

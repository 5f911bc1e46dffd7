// A recording, watched: both parties side by side, one set of controls, and what happened beside the
// picture, all on one timeline.
import type { JSX } from "preact";
import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import { roleQuery } from "../shared/api";
import { formDefinition } from "../shared/form-model";
import { useLoaded } from "../shared/hooks";
import { formatNumber, t, tn } from "../shared/i18n";
import type { Replay } from "../generated/box-api";
import { Button, cx, Notice } from "../shared/ui";
import { clockOf } from "./clock";
import { Conductor } from "./conductor";
import { firstMoment, readContents, type Contents, type Part, type Party } from "./contents";
import type { ReadPart } from "./feed";
import { PartyPlayer, type PartyState } from "./party-player";
import { FormThen, momentsOf, Story, type Moment } from "./story";

const STEP_S = 5;
const SPEEDS = [0.5, 1, 1.5, 2];
const PARTIES: readonly Party[] = ["citizen", "clerk"];
/** What takes no longer is not worth a word. */
const SLOW_MS = 1000;

const readerOf = (replay: string): ReadPart => async (part, from, signal) => {
  const query = new URLSearchParams({ ...roleQuery(), from: String(from) });
  const reply = await fetch(`/api/replays/${replay}/parts/${part}?${query}`, { cache: "no-store", signal });
  if (!reply.ok) throw new TypeError(`part ${part}: ${reply.status}`);
  return reply.arrayBuffer();
};

async function loadContents(read: ReadPart): Promise<Contents> {
  const decoder = new TextDecoder();
  const { signal } = new AbortController();
  let text = "";
  for (let from = 0; ; ) {
    const piece = await read(0, from, signal);
    if (piece.byteLength === 0) return readContents(text + decoder.decode());
    text += decoder.decode(piece, { stream: true });
    from += piece.byteLength;
  }
}

export function Player({ replay }: { replay: Replay }) {
  const read = useMemo(() => readerOf(replay.id), [replay.id]);
  const { value: contents, error } = useLoaded(() => loadContents(read), [read]);
  if (error) return <Notice tone="error" live>{t("ui.replay.unreadable")}</Notice>;
  if (!contents) return <p role="status">{t("ui.common.loading")}</p>;
  return <Loaded replay={replay} contents={contents} read={read} />;
}

function useConductor(contents: Contents): Conductor {
  const conductor = useMemo(() => new Conductor(firstMoment(contents) / 1000, contents.lengthMs / 1000), [contents]);
  useEffect(() => () => conductor.close(), [conductor]);
  return conductor;
}

/** Buttons, lists and the slider have keys of their own. */
function keysOf(conductor: Conductor): JSX.KeyboardEventHandler<HTMLElement> {
  const moves: Record<string, () => void> = {
    " ": () => (conductor.wanted.value ? conductor.pause() : conductor.play()),
    ArrowLeft: () => conductor.seek(conductor.atS.value - STEP_S),
    ArrowRight: () => conductor.seek(conductor.atS.value + STEP_S),
    Home: () => conductor.seek(conductor.fromS),
    End: () => conductor.seek(conductor.toS),
  };
  return (event) => {
    const move = moves[event.key];
    const own = event.target instanceof Element && event.target.closest("button, input, select, summary");
    if (!move || own || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    move();
  };
}

function Loaded({ replay, contents, read }: { replay: Replay; contents: Contents; read: ReadPart }) {
  const conductor = useConductor(contents);
  const form = useMemo(() => (replay.form ? formDefinition(replay.form) : null), [replay]);
  const moments = useMemo(() => momentsOf(contents, replay.messages), [contents, replay]);
  const seek = (toS: number) => conductor.seek(toS);
  const keys = useId();
  return (
    <div class="ab-replay" tabIndex={0} role="group" aria-label={t("ui.replay.player")} aria-describedby={keys} onKeyDown={keysOf(conductor)} data-motion={conductor.motion.value}>
      <div class="ab-replay-stage">
        <div class="ab-replay-parties">
          {PARTIES.map((party) => (
            <PartyView key={party} party={party} read={read} conductor={conductor} parts={contents.parts.filter((part) => part.party === party)} />
          ))}
        </div>
        <Controls conductor={conductor} moments={moments} />
        <p class="ab-muted ab-small" id={keys}>{t("ui.replay.keys")}</p>
        {contents.missed > 0 && <p class="ab-muted ab-small">{tn("ui.replay.missed", contents.missed)}</p>}
      </div>
      <section class="ab-card ab-replay-beside" aria-labelledby="story-title">
        <h2 class="ab-subtitle" id="story-title">{t("ui.replay.story")}</h2>
        <Story moments={moments} form={form} atS={conductor.atS} onSeek={seek} />
      </section>
      <section class="ab-card ab-replay-below" aria-labelledby="form-title">
        <h2 class="ab-subtitle" id="form-title">{t("ui.replay.form")}</h2>
        <FormThen contents={contents} form={form} atS={conductor.atS} />
      </section>
    </div>
  );
}

const ABSENT = { none: "ui.replay.absent", unsupported: "ui.replay.unsupported", failed: "ui.replay.failed" } as const satisfies Record<Exclude<PartyState, "shown">, string>;

function PartyView({ party, parts, read, conductor }: { party: Party; parts: Part[]; read: ReadPart; conductor: Conductor }) {
  const video = useRef<HTMLVideoElement>(null);
  const [player, setPlayer] = useState<PartyPlayer | null>(null);
  useEffect(() => {
    if (!video.current) return;
    const made = new PartyPlayer(video.current, parts, read);
    const leave = conductor.add(made);
    setPlayer(made);
    return () => {
      leave();
      made.close();
    };
  }, [conductor]);
  const state = player?.state.value ?? "none";
  return (
    <figure class="ab-replay-party" data-party={party} data-state={state}>
      <video ref={video} playsInline disablePictureInPicture aria-label={t(`ui.replay.${party}`)} />
      {state !== "shown" && <p class="ab-replay-absent">{t(ABSENT[state])}</p>}
      <figcaption><span class={`ab-mark ab-mark-${party}`} aria-hidden="true" /> {t(`ui.replay.${party}`)}</figcaption>
    </figure>
  );
}

function Controls({ conductor, moments }: { conductor: Conductor; moments: readonly Moment[] }) {
  const wanted = conductor.wanted.value;
  const speed = useId();
  return (
    <>
      <Position conductor={conductor} moments={moments} />
      <div class="ab-replay-controls">
        <Button class="ab-replay-play" onClick={() => (wanted ? conductor.pause() : conductor.play())}>{t(wanted ? "ui.replay.pause" : "ui.replay.play")}</Button>
        <Button kind="secondary" onClick={() => conductor.seek(conductor.atS.value - STEP_S)}>−{STEP_S} s<span class="govuk-visually-hidden">, {t("ui.replay.back-by", { count: STEP_S })}</span></Button>
        <Button kind="secondary" onClick={() => conductor.seek(conductor.atS.value + STEP_S)}>+{STEP_S} s<span class="govuk-visually-hidden">, {t("ui.replay.on-by", { count: STEP_S })}</span></Button>
        <Clock conductor={conductor} />
        <span class="ab-replay-speed">
          <label class="govuk-label" for={speed}>{t("ui.replay.speed")}</label>
          <select class="govuk-select" id={speed} value={String(conductor.speed.value)} onChange={(event) => { conductor.speed.value = Number(event.currentTarget.value); }}>
            {SPEEDS.map((one) => <option key={one} value={String(one)}>{formatNumber(one)}×</option>)}
          </select>
        </span>
      </div>
    </>
  );
}

/** True once it has lasted. */
function useLasting(now: boolean): boolean {
  const [lasting, setLasting] = useState(false);
  useEffect(() => {
    setLasting(false);
    if (!now) return;
    const timer = setTimeout(() => setLasting(true), SLOW_MS);
    return () => clearTimeout(timer);
  }, [now]);
  return lasting;
}

function Clock({ conductor }: { conductor: Conductor }) {
  const slow = useLasting(conductor.motion.value === "waiting");
  return (
    <span class="ab-replay-clock ab-nums">
      {clockOf(conductor.atS.value * 1000)} / {clockOf(conductor.toS * 1000)} <span role="status">{slow && t("ui.common.loading")}</span>
    </span>
  );
}

const share = (atS: number, { fromS, toS }: Conductor) => `${toS > fromS ? (100 * (atS - fromS)) / (toS - fromS) : 0}%`;

function Position({ conductor, moments }: { conductor: Conductor; moments: readonly Moment[] }) {
  const { fromS, toS } = conductor;
  return (
    <div class="ab-replay-position">
      <Marks conductor={conductor} moments={moments} />
      <input
        type="range"
        min={fromS}
        max={toS}
        step="any"
        value={conductor.atS.value}
        aria-label={t("ui.replay.position")}
        aria-valuetext={t("ui.replay.position-of", { at: clockOf(conductor.atS.value * 1000), of: clockOf(toS * 1000) })}
        onInput={(event) => conductor.seek(Number(event.currentTarget.value))}
      />
    </div>
  );
}

/** Where something was entered or written, for the eye: the list says it all. */
function Marks({ conductor, moments }: { conductor: Conductor; moments: readonly Moment[] }) {
  return (
    <div class="ab-replay-marks" aria-hidden="true">
      {moments.filter(({ atMs }) => atMs >= conductor.fromS * 1000 && atMs <= conductor.toS * 1000).map(({ atMs, by }, index) => (
        <span key={index} class={cx(by && `ab-by-${by}`)} style={{ left: share(atMs / 1000, conductor) }} />
      ))}
    </div>
  );
}

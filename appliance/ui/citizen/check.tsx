// Before the waiting room: does the camera show, does the microphone hear, what can the line carry.
// All of it may be passed over at once.
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Visit } from "../generated/box-api";
import { Video } from "../shared/video";
import { DevicePicker } from "../shared/device-picker";
import { Devices } from "../shared/devices";
import { useLine } from "../shared/hooks";
import { t } from "../shared/i18n";
import { checkLine, expectationOf, type LineResult } from "../shared/line-check";
import type { Level } from "../shared/line-ladder";
import { LineBars } from "../shared/line-mark";
import { openLive } from "../shared/live";
import { SoundMeter } from "../shared/sound-meter";
import { Button, Title, usePageTitle } from "../shared/ui";

const LEVEL: Record<ReturnType<typeof expectationOf>, Level> = { picture: "good", sound: "weak", text: "bad" };

/** Its buttons are the caller's: what comes next differs. */
export function Check({ visit, children }: { visit: Pick<Visit, "id" | "iceServers">; children: ComponentChildren }) {
  usePageTitle(t("ui.check.title"));
  const devices = useMemo(() => new Devices(), []);
  const [asked, setAsked] = useState(false);
  useEffect(() => {
    void devices.open({ audio: true, video: true }).then(() => setAsked(true));
    return () => devices.close();
  }, []);
  return (
    <>
      <Title focus>{t("ui.check.title")}</Title>
      <p class="ab-lead">{t("ui.check.unseen")}</p>
      <div class="ab-card ab-check">
        <Picture devices={devices} asked={asked} />
        <div>
          <SoundMeter track={devices.track("audio")} />
          <DevicePicker devices={devices} />
        </div>
      </div>
      <LineResultView visit={visit} devices={devices} ready={asked} />
      <div class="ab-join-buttons">{children}</div>
    </>
  );
}

function Picture({ devices, asked }: { devices: Devices; asked: boolean }) {
  const local = devices.local.value;
  const state = devices.camera.value;
  return (
    <div class="ab-call ab-check-picture" data-camera={state}>
      {local && state === "on" && <Video stream={local} muted label={t("ui.call.video-self")} />}
      {state !== "on" && (
        <div class="ab-call-note" role="status">
          <p>{!asked ? t("ui.call.state-asking-citizen") : t(state === "denied" ? "ui.check.denied" : "ui.check.no-camera")}</p>
        </div>
      )}
    </div>
  );
}

function LineResultView({ visit, devices, ready }: { visit: Pick<Visit, "id" | "iceServers">; devices: Devices; ready: boolean }) {
  const live = useMemo(openLive, []);
  const line = useLine(live);
  const [result, setResult] = useState<LineResult | null>(null);
  const [turn, setTurn] = useState(0);
  const begun = useRef(-1);
  useEffect(() => {
    live.subscribe(`visit:${visit.id}`);
    return () => live.close();
  }, []);
  const stop = useMemo(() => new AbortController(), []);
  useEffect(() => () => stop.abort(), []);
  useEffect(() => {
    if (!ready || line !== "open" || begun.current === turn) return;
    begun.current = turn;
    const tracks = (["audio", "video"] as const).flatMap((kind) => devices.track(kind) ?? []);
    void checkLine(live, visit.id, visit.iceServers, tracks, stop.signal).then(setResult);
  }, [ready, line, turn]);
  const again = () => {
    setResult(null);
    setTurn((count) => count + 1);
  };
  return (
    <section class="ab-card ab-check-line" aria-labelledby="check-line" data-expectation={result ? expectationOf(result) : "unknown"}>
      <h2 class="ab-subtitle" id="check-line">{t("ui.check.line")}</h2>
      <div role="status">
        {!result ? <p>{t("ui.check.line-checking")}</p> : <p><LineBars level={LEVEL[expectationOf(result)]} /> <strong>{t(`ui.check.expect-${expectationOf(result)}`)}</strong></p>}
        {result && !result.reached && <p>{t("ui.check.unreached")}</p>}
        {result?.way?.relayed && <p>{t("ui.check.relayed")}</p>}
      </div>
      {result && <Button kind="secondary" size="small" onClick={again}>{t("ui.check.again")}</Button>}
    </section>
  );
}

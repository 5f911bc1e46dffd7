// The picture of a call: the other large, oneself small, the controls below. Whatever is missing
// from the picture is said in words.
import { useState } from "preact/hooks";
import type { Call } from "./call";
import { ScreenControls } from "./call-screen";
import { CallTiles, isShown } from "./call-tiles";
import type { Part, Side } from "./call-part";
import { Video } from "./video";
import { DeviceDialog } from "./device-picker";
import { t, tMaybe } from "./i18n";
import { CallIcon, CameraIcon, CameraOffIcon, DevicesIcon, HangUpIcon, MicIcon, MicOffIcon } from "./icons";
import { LineMark } from "./line-mark";
import { Button, cx } from "./ui";

/** Why the other's picture is not there; null when it is. */
export function missingPicture(call: Call, other: Part | undefined, side: Exclude<Side, "guest">): string | null {
  if (!other) return null;
  const { step } = call.ladder.value;
  if (step === "text" || other.wants === "text") return t("ui.call.step-text");
  if (step === "audio" || step === "sign") return t("ui.call.step-audio");
  if (other.wants === "audio" || other.wants === "sign") return t("ui.call.step-audio-other");
  if (other.camera === "on") return null;
  const silent = other.microphone === "none" || other.microphone === "denied";
  const what = other.camera === "paused" ? "paused" : other.camera === "off" ? "off" : silent ? "listens" : "none";
  return tMaybe(`ui.call.other-${what}-${side}`, what);
}

function Notes({ call, side, other }: { call: Call; side: Side; other: Part | undefined }) {
  const state = call.state.value;
  const missing = state === "talking" && side !== "guest" ? missingPicture(call, other, side) : null;
  const text = state === "idle" && call.elsewhere.value ? t("ui.call.elsewhere") : state !== "talking" ? tMaybe(`ui.call.state-${state}-${side}`, state) : missing;
  // Always there: a live region that comes with its text is not read by every screen reader.
  return <div class={cx("ab-call-note", !text && "ab-call-note-none")} role="status">{text && <p>{text}</p>}</div>;
}

function problemOf(call: Call): string | null {
  const states = [call.devices.camera.value, call.devices.microphone.value];
  if (states.includes("denied")) return t("ui.call.denied");
  if (states.every((state) => state === "none")) return t("ui.call.missing");
  if (states[0] === "none") return t("ui.call.no-camera");
  return states[1] === "none" ? t("ui.call.no-microphone") : null;
}

/** Two in the call: the other large. More, or a screen that is shown: tiles. */
export function CallPicture({ call, side, class: extra }: { call: Call; side: Side; class?: string }) {
  const state = call.state.value;
  const many = state !== "idle" && isShown(call);
  const other = call.others.value.find(({ from }) => from !== side);
  const hidden = !many && side !== "guest" && state === "talking" && missingPicture(call, other, side) !== null;
  const problem = state === "idle" || state === "asking" ? null : problemOf(call);
  return (
    <div class={cx("ab-call", extra, hidden && "ab-call-unseen", many && "ab-call-many")} data-call-state={state} data-elsewhere={call.elsewhere.value ? "yes" : undefined} data-step={call.ladder.value.step}>
      {many ? <CallTiles call={call} /> : <Other call={call} side={side} />}
      <Notes call={call} side={side} other={many ? undefined : other} />
      <Own call={call} />
      {!many && <Muted call={call} side={side} other={other} />}
      {problem && <p class="ab-call-problem" role="status">{problem}</p>}
    </div>
  );
}

function Other({ call, side }: { call: Call; side: Side }) {
  const remote = call.remote.people.value.find(({ stream }) => stream && stream.getTracks().length > 0)?.stream;
  if (!remote || call.state.value === "idle") return null;
  const label = side === "guest" ? t("ui.call.video-other") : t(side === "citizen" ? "ui.call.video-clerk" : "ui.call.video-citizen");
  return <Video stream={remote} muted={false} speaker={call.devices.speaker.value} label={label} />;
}

function Own({ call }: { call: Call }) {
  const local = call.devices.local.value;
  if (!local || call.devices.camera.value !== "on") return null;
  return (
    <div class="ab-call-self">
      <Video stream={local} muted label={t("ui.call.video-self")} />
    </div>
  );
}

function Muted({ call, side, other }: { call: Call; side: Side; other: Part | undefined }) {
  if (side === "guest" || call.state.value !== "talking" || (other?.microphone !== "off" && other?.microphone !== "none")) return null;
  return <p class="ab-call-muted" role="status"><MicOffIcon /> {t(`ui.call.other-muted-${side}`)}</p>;
}

function Toggle({ on, name, icon, iconOff, onClick, class: extra }: { on: boolean; name: string; icon: preact.JSX.Element; iconOff: preact.JSX.Element; onClick: () => void; class: string }) {
  return (
    <button type="button" class={cx("ab-icon-button", extra)} aria-pressed={!on} aria-label={name} title={name} onClick={onClick}>
      {on ? icon : iconOff}
    </button>
  );
}

export function CallControls({ call, keys }: { call: Call; keys?: string }) {
  const [choosing, setChoosing] = useState(false);
  const { devices } = call;
  if (call.state.value === "idle")
    return (
      <div class="ab-call-controls">
        <Button class="ab-call-start" keys={keys} onClick={() => void call.start()}>
          <CallIcon /> {t(call.elsewhere.value ? "ui.call.take-back" : "ui.call.start")}
        </Button>
      </div>
    );
  return (
    <div class="ab-call-below">
      <div class="ab-call-controls" role="group" aria-label={t("ui.call.controls")}>
        <Toggle class="ab-call-mic" on={devices.microphone.value === "on"} name={t("ui.call.mute")} icon={<MicIcon />} iconOff={<MicOffIcon />} onClick={() => call.toggleMute()} />
        <Toggle class="ab-call-camera" on={devices.camera.value === "on"} name={t("ui.call.camera-off")} icon={<CameraIcon />} iconOff={<CameraOffIcon />} onClick={() => call.toggleCamera()} />
        <button type="button" class="ab-icon-button ab-call-devices" aria-label={t("ui.device.title")} title={t("ui.device.title")} onClick={() => setChoosing(true)}>
          <DevicesIcon />
        </button>
        {call.self.side !== "guest" && <ScreenControls call={call} />}
        <button type="button" class="ab-icon-button ab-icon-button-danger ab-hang-up" aria-label={t("ui.call.hang-up")} title={t("ui.call.hang-up")} onClick={() => call.hangUp()}>
          <HangUpIcon />
        </button>
      </div>
      <LineMark call={call} />
      {choosing && <DeviceDialog devices={devices} onClose={() => setChoosing(false)} />}
    </div>
  );
}

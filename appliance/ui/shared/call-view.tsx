// The picture of a call: the other large, oneself small, the controls below.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Call } from "./call";
import { t, tMaybe } from "./i18n";
import { CallIcon, CameraIcon, CameraOffIcon, HangUpIcon, MicIcon, MicOffIcon } from "./icons";
import { Button, cx } from "./ui";

function Video({ stream, muted, label }: { stream: MediaStream; muted: boolean; label: string }) {
  const ref = useRef<HTMLVideoElement>(null);
  const [blocked, setBlocked] = useState(false);
  const play = () => {
    ref.current?.play().then(() => setBlocked(false), (error: DOMException) => setBlocked(error.name === "NotAllowedError"));
  };
  useEffect(() => {
    const video = ref.current;
    if (!video) return;
    // `muted` must be the property: the attribute alone does not silence a stream set later.
    video.muted = muted;
    if (video.srcObject !== stream) video.srcObject = stream;
    play();
  }, [stream, muted]);
  return (
    <>
      <video ref={ref} autoplay playsInline aria-label={label} />
      {blocked && (
        <div class="ab-call-note">
          <button type="button" class="govuk-button govuk-button--secondary" onClick={play}>{t("ui.call.play")}</button>
        </div>
      )}
    </>
  );
}

export function CallPicture({ call, side, class: extra }: { call: Call; side: "citizen" | "clerk"; class?: string }) {
  const state = call.state.value;
  const remote = call.remote.value.find((stream) => stream.getTracks().length > 0);
  const local = call.local.value;
  const { problem } = call.media.value;
  return (
    <div class={cx("ab-call", extra)} data-call-state={state}>
      {remote && state !== "idle" && <Video stream={remote} muted={false} label={t(side === "citizen" ? "ui.call.video-clerk" : "ui.call.video-citizen")} />}
      {state !== "talking" && (
        <div class="ab-call-note" role="status">
          <p>{tMaybe(`ui.call.state-${state}-${side}`, state)}</p>
        </div>
      )}
      {local && call.media.value.video && (
        <div class={cx("ab-call-self", call.cameraOff.value && "ab-call-self-off")}>
          <Video stream={local} muted label={t("ui.call.video-self")} />
        </div>
      )}
      {problem && state !== "idle" && <p class="ab-call-problem" role="status">{t(problem === "denied" ? "ui.call.denied" : "ui.call.missing")}</p>}
    </div>
  );
}

export function CallControls({ call, keys }: { call: Call; keys?: string }) {
  const idle = call.state.value === "idle";
  if (idle)
    return (
      <div class="ab-call-controls">
        <Button class="ab-call-start" keys={keys} onClick={() => void call.start()}>
          <CallIcon /> {t("ui.call.start")}
        </Button>
      </div>
    );
  return (
    <div class="ab-call-controls" role="group" aria-label={t("ui.call.controls")}>
      <button type="button" class="ab-icon-button" aria-pressed={call.muted.value} aria-label={t("ui.call.mute")} title={t("ui.call.mute")} onClick={() => call.toggleMute()}>
        {call.muted.value ? <MicOffIcon /> : <MicIcon />}
      </button>
      <button type="button" class="ab-icon-button" aria-pressed={call.cameraOff.value} aria-label={t("ui.call.camera-off")} title={t("ui.call.camera-off")} onClick={() => call.toggleCamera()}>
        {call.cameraOff.value ? <CameraOffIcon /> : <CameraIcon />}
      </button>
      <button type="button" class="ab-icon-button ab-icon-button-danger ab-hang-up" aria-label={t("ui.call.hang-up")} title={t("ui.call.hang-up")} onClick={() => call.hangUp()}>
        <HangUpIcon />
      </button>
    </div>
  );
}

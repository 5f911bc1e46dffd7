// A picture with its sound: played as soon as the browser lets it, through the speaker that was chosen.
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "./i18n";

type Sinkable = HTMLVideoElement & { setSinkId?: (id: string) => Promise<void> };

export function Video({ stream, muted, label, speaker = "" }: { stream: MediaStream; muted: boolean; label: string; speaker?: string }) {
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
  useEffect(() => {
    // A speaker that is gone: the browser's own is used.
    if (!muted && speaker) void (ref.current as Sinkable | null)?.setSinkId?.(speaker).catch(() => undefined);
  }, [speaker, muted]);
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

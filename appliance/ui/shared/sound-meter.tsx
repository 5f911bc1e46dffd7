// How loud the microphone hears its speaker: a bar for the eye, three words for the ear.
import { useEffect, useState } from "preact/hooks";
import { t } from "./i18n";

const LOOK_MS = 100;
/** Loud enough to be understood, over a quiet room's noise. */
const HEARD = 0.04;

/** 0 to 1, ten times a second; null without a microphone. */
export function useSoundLevel(track: MediaStreamTrack | null): number | null {
  const [level, setLevel] = useState<number | null>(null);
  useEffect(() => {
    if (!track) {
      setLevel(null);
      return;
    }
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 1024;
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      setLevel(Math.min(1, Math.sqrt(power) * 4));
    }, LOOK_MS);
    return () => {
      clearInterval(timer);
      void context.close();
    };
  }, [track]);
  return level;
}

export function SoundMeter({ track }: { track: MediaStreamTrack | null }) {
  const level = useSoundLevel(track);
  const [heard, setHeard] = useState(false);
  useEffect(() => setHeard(false), [track]);
  // Once heard is enough: a text that changes with every word would be read aloud without end.
  useEffect(() => {
    if (level !== null && level > HEARD) setHeard(true);
  }, [level]);
  if (level === null) return <p class="ab-meter-text" role="status">{t("ui.check.no-microphone")}</p>;
  return (
    <div class="ab-meter">
      <div class="ab-meter-bar" aria-hidden="true"><span style={{ transform: `scaleX(${level})` }} /></div>
      <p class="ab-meter-text" role="status">{t(heard ? "ui.check.heard" : "ui.check.say-something")}</p>
    </div>
  );
}

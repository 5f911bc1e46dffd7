// Calling somebody who may look elsewhere: a chime, a vibration, and a screen that stays on while
// the page waits.
import { useEffect } from "preact/hooks";

const CHIMES = 3;
const CHIME_EVERY_MS = 6_000;
/** Two tones of a doorbell: seconds from the start, hertz. */
const TONES = [[0, 784], [0.35, 622]] as const;

let context: AudioContext | null = null;

// Browsers let a page sound only after somebody has touched it; pressing "join" was such a touch.
function allow(): void {
  context ??= new AudioContext();
  void context.resume();
}
addEventListener("pointerdown", allow);
addEventListener("keydown", allow);

export function chime(): void {
  if (context?.state !== "running") return;
  const now = context.currentTime;
  for (const [at, hertz] of TONES) {
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0.5, now + at);
    volume.gain.exponentialRampToValueAtTime(0.001, now + at + 0.9);
    tone.connect(volume).connect(context.destination);
    tone.start(now + at);
    tone.stop(now + at + 0.9);
  }
}

/** Rings a few times, not for ever: who sits beside somebody else's device can do nothing about it. */
export function useRing(call: string | null): void {
  useEffect(() => {
    if (!call) return;
    let left = CHIMES;
    const ring = () => {
      chime();
      // Not there in every browser, and refused, with a complaint, before the page was touched.
      if (navigator.userActivation?.hasBeenActive) (navigator as Partial<Navigator>).vibrate?.([300, 150, 300]);
      if (--left === 0) clearInterval(timer);
    };
    const timer = setInterval(ring, CHIME_EVERY_MS);
    ring();
    return () => clearInterval(timer);
  }, [call]);
}

/** A phone that falls asleep hears no call. Refused or unknown, the page waits all the same. */
export function useScreenOn(): void {
  useEffect(() => {
    let lock: WakeLockSentinel | null = null;
    let gone = false;
    const ask = () => {
      if (document.visibilityState !== "visible") return;
      (navigator as Partial<Navigator>).wakeLock?.request("screen").then(
        (given) => {
          lock = given;
          if (gone) void given.release();
        },
        () => undefined,
      );
    };
    ask();
    // The browser takes it away from a page that is hidden.
    document.addEventListener("visibilitychange", ask);
    return () => {
      gone = true;
      document.removeEventListener("visibilitychange", ask);
      void lock?.release();
    };
  }, []);
}

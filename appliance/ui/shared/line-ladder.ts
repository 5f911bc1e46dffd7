// How good a call's line is, and what it can take: picture and sound, sound alone, or only the form
// and the messages. With a sign language interpreter in the call there is a step between the first
// two: of all pictures, those of the interpreter and of the citizen who signs to them go on. Pure: fed with one sample a second, it says which step to be on. It goes down
// when a line has been bad for some seconds, not at a hiccup or a cut, and up again only by trying;
// each try that fails makes the next one wait twice as long, so that a picture does not come and go.

export type Step = "video" | "sign" | "audio" | "text";
export type Level = "good" | "fair" | "weak" | "bad";

/** One second of a call. null: not known in this second. */
export interface LineSample {
  /** Nothing at all comes through: the line is cut, which no step down could help. */
  cut: boolean;
  /** Of the packets of this second, the greater of both directions, 0 to 1. */
  loss: number | null;
  roundTripMs: number | null;
  /** What the browser thinks it may send, in kbit/s. */
  sendKbps: number | null;
  /** The other's picture, when one is expected. */
  framesPerSecond: number | null;
}

const LOSS = { fair: 0.03, weak: 0.12, bad: 0.3 };
const ROUND_TRIP_MS = { fair: 300, weak: 800, bad: 2000 };
const SEND_KBPS = { fair: 250, weak: 120, bad: 30 };
/** Few frames alone may be a slow machine: no reason to leave the picture. */
const FRAMES_FAIR = 10;

const ORDER: readonly Level[] = ["good", "fair", "weak", "bad"];
const worse = (a: Level, b: Level): Level => (ORDER.indexOf(a) > ORDER.indexOf(b) ? a : b);

function above(value: number | null, marks: { fair: number; weak: number; bad: number }): Level {
  if (value === null || value < marks.fair) return "good";
  return value >= marks.bad ? "bad" : value >= marks.weak ? "weak" : "fair";
}

function below(value: number | null, marks: { fair: number; weak: number; bad: number }): Level {
  if (value === null || value >= marks.fair) return "good";
  return value < marks.bad ? "bad" : value < marks.weak ? "weak" : "fair";
}

export function levelOf(sample: LineSample): Level {
  if (sample.cut) return "bad";
  const parts = [
    above(sample.loss, LOSS),
    above(sample.roundTripMs, ROUND_TRIP_MS),
    below(sample.sendKbps, SEND_KBPS),
    sample.framesPerSecond !== null && sample.framesPerSecond < FRAMES_FAIR ? ("fair" as const) : ("good" as const),
  ];
  return parts.reduce(worse);
}

/**
 * What of a second weighs on the step. Lost packets come again, so while the picture flows all the
 * same they are no reason to leave it: at 15 % it still has all its frames.
 */
function burden(sample: LineSample): Level {
  const flows = (sample.framesPerSecond ?? 0) >= FRAMES_FAIR && (sample.loss ?? 0) < LOSS.bad;
  return levelOf(flows ? { ...sample, loss: null } : sample);
}

/** Added to the strain of a step each second; at STRAIN_MOST the step is left downwards. */
const STRAIN: Record<Exclude<Step, "text">, Record<Level, number>> = {
  video: { good: -2, fair: -1, weak: 1, bad: 2 },
  sign: { good: -2, fair: -1, weak: 1, bad: 2 },
  audio: { good: -2, fair: -2, weak: -1, bad: 1 },
};
/** Browsers need some seconds to fit a line that has become narrow: 1.7 Mbit/s into 300 kbit/s took eight. */
const STRAIN_MOST = 12;
/** After a cut the reports still speak of it: those of sound come every five seconds. */
const SPARED_S = 6;
const TRY_AFTER_S = 10;
const TRY_AFTER_MOST_S = 160;
/** A step kept this long has proven itself: the next fall starts with a short wait again. */
const PROVEN_S = 60;
const DOWN: Record<Step, Step> = { video: "audio", sign: "audio", audio: "text", text: "text" };
const UP: Record<Step, Step> = { video: "video", sign: "video", audio: "video", text: "audio" };
const down = (step: Step, signed: boolean): Step => (signed && step === "video" ? "sign" : DOWN[step]);
const up = (step: Step, signed: boolean): Step => (signed && step === "audio" ? "sign" : UP[step]);

export interface Ladder {
  readonly step: Step;
  readonly level: Level;
  readonly strain: number;
  /** Seconds in which nothing is held against the line. */
  readonly spared: number;
  /** Seconds of a good line in a row on this step. */
  readonly calm: number;
  /** Seconds on this step. */
  readonly held: number;
  readonly tryAfter: number;
}

export const startLadder: Ladder = { step: "video", level: "good", strain: 0, spared: 0, calm: 0, held: 0, tryAfter: TRY_AFTER_S };

/** `signed`: a sign language interpreter is in the call. */
export function climb(ladder: Ladder, sample: LineSample, signed = false): Ladder {
  const level = levelOf(sample);
  // When it comes back it is taken up where it was, picture and all.
  if (sample.cut) return { ...ladder, level, spared: SPARED_S };
  const { step } = ladder;
  const held = ladder.held + 1;
  const tryAfter = held >= PROVEN_S && step === "video" ? TRY_AFTER_S : ladder.tryAfter;
  const spared = Math.max(0, ladder.spared - 1);
  const strain = step === "text" || ladder.spared > 0 ? 0 : Math.max(0, ladder.strain + STRAIN[step][burden(sample)]);
  if (strain >= STRAIN_MOST) return { step: down(step, signed), level, strain: 0, spared, calm: 0, held: 0, tryAfter };
  const calm = level === "good" || level === "fair" ? ladder.calm + 1 : 0;
  if (step !== "video" && calm >= tryAfter)
    return { step: up(step, signed), level, strain: 0, spared, calm: 0, held: 0, tryAfter: Math.min(TRY_AFTER_MOST_S, tryAfter * 2) };
  return { step, level, strain, spared, calm, held, tryAfter };
}

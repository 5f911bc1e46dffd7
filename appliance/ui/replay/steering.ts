// What a video element has to do to be where the timeline is. Two elements never keep one time by
// themselves: each begins a little late, waits for its own data and runs by its own clock. So the
// timeline's clock leads; small differences are played away, large ones jumped over, and while one
// side has no data yet everybody waits. Pure, so that each case can be tested.

/** Further off than this it jumps: playing that away would be heard. */
export const ASTRAY_S = 0.25;
/** Closer than this it is left alone: a frame is longer. */
const NEAR_S = 0.015;
/** Rates are changed by no more than this: 100 ms are played away in about a second. */
const RATE_MOST = 0.1;
/** At the end of what there is, frames run out before their time does. */
const LAST_S = 0.2;

export interface Seen {
  currentTime: number;
  /** Loaded pieces of time, in order. */
  ranges: readonly (readonly [from: number, to: number])[];
  /** Frames beyond the present one are there. */
  canPlay: boolean;
  seeking: boolean;
  /** Nothing more is to be loaded. */
  complete: boolean;
}

/** "rest": there is nothing here at this moment, and nobody waits; what comes next begins at `next`. */
export type Deed = { do: "wait" } | { do: "rest"; next?: number } | { do: "jump" } | { do: "go"; rate: number };

/** Elements keep their time in microseconds, rounded. */
const ROUNDING_S = 0.001;

const rangeOf = (ranges: Seen["ranges"], atS: number) => ranges.findIndex(([from, to]) => from <= atS && atS < to);

function rest(atS: number, { ranges }: Seen): Deed {
  const next = ranges.find(([from]) => from > atS)?.[0];
  return next === undefined ? { do: "rest" } : { do: "rest", next };
}

export function steer(atS: number, seen: Seen): Deed {
  const here = rangeOf(seen.ranges, atS);
  const more = seen.complete || seen.ranges.some(([from]) => from > atS);
  if (here < 0) return more ? rest(atS, seen) : { do: "wait" };
  if (seen.seeking) return { do: "wait" };
  const drift = seen.currentTime - atS;
  if (Math.abs(drift) > ASTRAY_S || rangeOf(seen.ranges, seen.currentTime + ROUNDING_S) !== here) return { do: "jump" };
  if (!seen.canPlay) return more && (seen.ranges[here]?.[1] ?? 0) - atS < LAST_S ? rest(atS, seen) : { do: "wait" };
  const rate = Math.abs(drift) < NEAR_S ? 1 : 1 - Math.max(-RATE_MOST, Math.min(RATE_MOST, drift));
  return { do: "go", rate };
}

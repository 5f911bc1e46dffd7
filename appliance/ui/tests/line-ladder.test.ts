import assert from "node:assert/strict";
import { test } from "node:test";
import { climb, levelOf, startLadder, type Ladder, type LineSample } from "../shared/line-ladder";

const second = (change: Partial<LineSample> = {}): LineSample => ({ cut: false, loss: 0, roundTripMs: 40, sendKbps: 900, framesPerSecond: 25, ...change });
const seconds = (count: number, change: Partial<LineSample> = {}) => Array.from({ length: count }, () => second(change));

/** The steps taken over a series, each with the second at which it was taken. */
function steps(series: readonly LineSample[], from: Ladder = startLadder): { taken: [number, string][]; end: Ladder } {
  const taken: [number, string][] = [];
  const end = series.reduce((ladder, sample, at) => {
    const next = climb(ladder, sample);
    if (next.step !== ladder.step) taken.push([at + 1, next.step]);
    return next;
  }, from);
  return { taken, end };
}

test("a level is that of the worst of its figures", () => {
  assert.equal(levelOf(second()), "good");
  assert.equal(levelOf(second({ loss: 0.05 })), "fair");
  assert.equal(levelOf(second({ loss: 0.15 })), "weak");
  assert.equal(levelOf(second({ loss: 0.01, roundTripMs: 2500 })), "bad");
  assert.equal(levelOf(second({ sendKbps: 100 })), "weak");
  assert.equal(levelOf(second({ cut: true })), "bad");
  assert.equal(levelOf(second({ framesPerSecond: 1 })), "fair", "few frames alone may be a slow machine");
  assert.equal(levelOf({ cut: false, loss: null, roundTripMs: null, sendKbps: null, framesPerSecond: null }), "good");
});

// Written by hand after what a Wi-Fi at the edge of its reach does: bursts of loss between clean seconds (share of each second).
const WIFI_EDGE = [0, 0.01, 0.04, 0.02, 0.09, 0.22, 0.03, 0, 0.01, 0.13, 0.16, 0.02, 0.05, 0, 0, 0.31, 0.04, 0.02, 0.06, 0.01];

test("hiccups and five per cent of loss keep the picture", () => {
  assert.deepEqual(steps(WIFI_EDGE.map((loss) => second({ loss }))).taken, []);
  assert.deepEqual(steps(seconds(600, { loss: 0.05, sendKbps: 500 })).taken, []);
  assert.deepEqual(steps(seconds(600, { loss: 0.2 })).taken, [], "what is lost comes again while the picture flows");
  assert.deepEqual(steps([...seconds(10), ...seconds(3, { cut: true }), ...seconds(10)]).taken, [], "a cut of three seconds");
});

test("a cut takes nothing away, however long, and neither do the reports of it that come after", () => {
  const cut = [...seconds(10), ...seconds(40, { cut: true }), ...seconds(5, { loss: 0.95, sendKbps: 60 }), ...seconds(10)];
  assert.deepEqual(steps(cut).taken, []);
  assert.deepEqual(steps([...seconds(5, { cut: true }), ...seconds(14, { loss: 0.5 })]).taken, [[17, "audio"]], "but a line that comes back bad is seen");
});

test("a line that stays weak loses its picture after twelve seconds, a bad one after six", () => {
  assert.deepEqual(steps(seconds(20, { loss: 0.2, sendKbps: 90 })).taken, [[12, "audio"]]);
  assert.deepEqual(steps(seconds(7, { loss: 0.5 })).taken, [[6, "audio"]]);
});

test("only a line that is bad for sound too leaves nothing but text", () => {
  assert.deepEqual(steps(seconds(120, { loss: 0.2, framesPerSecond: 6 })).taken, [[12, "audio"]], "sound lives with twenty per cent");
  assert.deepEqual(steps(seconds(30, { loss: 0.6 })).taken, [[6, "audio"], [18, "text"]]);
});

test("it comes back one step at a time, each after ten good seconds", () => {
  const down = steps(seconds(20, { loss: 0.6 })).end;
  assert.equal(down.step, "text");
  const { taken, end } = steps(seconds(100), down);
  assert.deepEqual(taken, [[10, "audio"], [30, "video"]]);
  assert.equal(end.tryAfter, 10, "a picture that has lasted starts over");
});

test("a picture that fails each time is tried more and more seldom", () => {
  // The line carries sound well and no picture: it is good until the picture is tried.
  const tries: number[] = [];
  let ladder: Ladder = startLadder;
  for (let at = 1; at <= 900; at++) {
    const next = climb(ladder, ladder.step === "video" ? second({ loss: 0.25, sendKbps: 60 }) : second({ sendKbps: null, framesPerSecond: null }));
    if (next.step === "video" && ladder.step === "audio") tries.push(at);
    ladder = next;
  }
  const gaps = tries.slice(1).map((at, index) => at - (tries[index] as number) - 12);
  assert.deepEqual(gaps.slice(0, 4), [20, 40, 80, 160]);
  assert.ok(gaps.every((gap) => gap <= 160), "never given up");
});

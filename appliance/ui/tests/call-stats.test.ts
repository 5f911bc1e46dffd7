import assert from "node:assert/strict";
import { test } from "node:test";
import { figuresOf, readingOf, sampleOf } from "../shared/call-stats";
import { expectationOf, type LineResult } from "../shared/line-check";

const report = (entries: Record<string, unknown>[]): [string, unknown][] => entries.map((entry) => [String(entry["id"]), entry]);

const chromium = (seconds: number, lost: number) =>
  report([
    { id: "T", type: "transport", selectedCandidatePairId: "P2" },
    { id: "P1", type: "candidate-pair", currentRoundTripTime: 9 },
    { id: "P2", type: "candidate-pair", localCandidateId: "L", currentRoundTripTime: 0.05, availableOutgoingBitrate: 640_000, bytesReceived: 50_000 * seconds, bytesSent: 25_000 * seconds },
    { id: "L", type: "local-candidate", candidateType: "host", protocol: "udp" },
    { id: "A", type: "inbound-rtp", kind: "audio", packetsReceived: 50 * seconds, packetsLost: lost },
    { id: "V", type: "inbound-rtp", kind: "video", packetsReceived: 40 * seconds, packetsLost: 0, framesDecoded: 24 * seconds },
    { id: "R", type: "remote-inbound-rtp", fractionLost: 0.02 },
  ]);

test("a second is the difference of two readings", () => {
  const [before, now] = [readingOf(chromium(10, 4), 1000), readingOf(chromium(11, 14), 2000)];
  assert.deepEqual(now.way, { relayed: false, protocol: "udp" });
  const figures = figuresOf(before, now);
  assert.deepEqual(figures, { loss: 0.1, roundTripMs: 50, kbpsIn: 400, kbpsOut: 200, framesPerSecond: 24, packetsIn: 90 });
  assert.deepEqual(sampleOf(figures, now, { connected: true, sends: true, expects: true, expectsPicture: false }), { cut: false, loss: 0.1, roundTripMs: 50, sendKbps: 640, framesPerSecond: null });
  const silent = figuresOf(now, { ...now, at: 3000 });
  assert.deepEqual([true, false].map((expects) => sampleOf(silent, now, { connected: true, sends: true, expects, expectsPicture: false }).cut), [true, false]);
});

test("the loss of the way out counts too, and counters that go back are no gain", () => {
  const figures = figuresOf(readingOf(chromium(10, 4), 1000), readingOf(chromium(10, 2), 2000));
  assert.equal(figures.loss, 0.02);
  assert.equal(figures.kbpsIn, 0);
});

test("Firefox names no transport, and TURN over TLS is a detour", () => {
  const reading = readingOf(
    report([
      { id: "P", type: "candidate-pair", nominated: true, state: "succeeded", localCandidateId: "L", currentRoundTripTime: 0.1, bytesReceived: 1, bytesSent: 1 },
      { id: "L", type: "local-candidate", candidateType: "relay", protocol: "udp", relayProtocol: "tls" },
    ]),
    0,
  );
  assert.deepEqual(reading.way, { relayed: true, protocol: "tls" });
  assert.equal(reading.sendKbps, null);
});

test("what the line check promises", () => {
  const good: LineResult = { reached: true, way: { relayed: false, protocol: "udp" }, sentPicture: true, figures: { loss: 0.01, roundTripMs: 60, kbpsIn: 500, kbpsOut: 500, framesPerSecond: 20, packetsIn: 140 } };
  const but = (figures: object) => expectationOf({ ...good, figures: { ...good.figures, ...figures } as NonNullable<LineResult["figures"]> });
  assert.equal(expectationOf(good), "picture");
  assert.equal(expectationOf({ ...good, reached: false }), "text");
  assert.equal(but({ loss: 0.2 }), "sound");
  assert.equal(but({ framesPerSecond: 2 }), "sound");
  assert.equal(but({ loss: 0.4 }), "text");
  assert.equal(expectationOf({ ...good, sentPicture: false, figures: { ...good.figures, framesPerSecond: 0 } as NonNullable<LineResult["figures"]> }), "picture", "no camera, no frames");
});

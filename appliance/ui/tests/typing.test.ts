import assert from "node:assert/strict";
import { test } from "node:test";
import { Parts, readPart } from "../shared/call-part";
import type { Live, LiveMessage } from "../shared/live";
import { Typing, unspoken } from "../shared/typing";

class FakeLine {
  sent: Record<string, unknown>[] = [];
  hear: (message: LiveMessage) => void = () => undefined;
  open = true;
  on(_name: string, handler: (message: LiveMessage) => void) {
    this.hear = handler;
    return () => undefined;
  }
  send(_topic: string, _kind: string, data: Record<string, unknown>) {
    if (this.open) this.sent.push(data);
    return this.open;
  }
}

function harness(t: { mock: { timers: { enable: (options: object) => void; tick: (ms: number) => void } } }) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const line = new FakeLine();
  const typing = new Typing(line as unknown as Live, "visit:1");
  const texts = () => line.sent.map(({ text }) => text);
  const hear = (kind: string, data: Record<string, unknown>) => line.hear({ topic: "visit:1", kind, data });
  return { line, typing, texts, hear, tick: (ms: number) => t.mock.timers.tick(ms) };
}

test("nothing is shown before it is turned on", (t) => {
  const { typing, texts, tick } = harness(t as never);
  typing.tell("secret");
  tick(1000);
  assert.deepEqual(texts(), []);
  typing.turn(true, "now");
  assert.deepEqual(texts(), ["now"]);
  typing.turn(false, "now");
  assert.deepEqual(texts(), ["now", ""], "turning it off takes the line back");
});

test("letters are gathered for 300 ms, erasing too, and the last state always goes", (t) => {
  const { typing, texts, tick } = harness(t as never);
  typing.turn(true, "");
  for (const text of ["J", "Jó", "Jó "]) typing.tell(text);
  tick(299);
  assert.deepEqual(texts(), []);
  tick(1);
  assert.deepEqual(texts(), ["Jó "]);
  typing.tell("Jó n");
  typing.tell("Jó");
  tick(300);
  assert.deepEqual(texts(), ["Jó ", "Jó"]);
});

test("a broken line is made good when somebody comes", (t) => {
  const { line, typing, texts, hear, tick } = harness(t as never);
  typing.turn(true, "");
  line.open = false;
  typing.tell("lost?");
  tick(300);
  line.open = true;
  hear("presence", { citizen: 1, clerk: 1 });
  assert.deepEqual(texts(), ["lost?"]);
  hear("presence", { citizen: 2, clerk: 1 });
  assert.deepEqual(texts(), ["lost?", "lost?"], "a newcomer has not heard it");
});

test("each page's line is its own, until it is sent, emptied or its page goes", (t) => {
  const { typing, hear } = harness(t as never);
  const shown = () => typing.others.value.map(({ page, text }) => `${page}:${text}`);
  hear("typing", { page: "a", from: "clerk", text: "Hel" });
  hear("typing", { page: "b", from: "citizen", text: "x" });
  hear("typing", { page: "a", from: "clerk", text: "He" });
  assert.deepEqual(shown(), ["a:He", "b:x"]);
  typing.sent("clerk");
  assert.deepEqual(shown(), ["b:x"]);
  hear("presence", { citizen: 0, clerk: 1 });
  assert.deepEqual(shown(), []);
  hear("typing", { page: "a", from: "clerk", text: "again" });
  hear("typing", { page: "a", from: "clerk", text: "" });
  assert.deepEqual(shown(), []);
});

test("a screen reader hears what is new, and all of it after something was erased", () => {
  assert.equal(unspoken("Jó", "Jó napot"), "napot");
  assert.equal(unspoken("Jó napot", "Jó reg"), "Jó reg");
  assert.equal(unspoken("Jó", "Jó"), "");
});

test("what others say of themselves is not believed beyond its words", () => {
  assert.deepEqual(readPart({ from: "clerk", label: "clerk", inCall: true, camera: "on", microphone: "off", wants: "audio", screen: "on" }), { from: "clerk", label: "clerk", inCall: true, camera: "on", microphone: "off", wants: "audio", screen: "on" });
  assert.deepEqual(readPart({ from: "?", inCall: "yes", camera: "<b>", microphone: 5 }), { from: "citizen", label: "", inCall: false, camera: "off", microphone: "off", wants: "video", screen: "off" });
});

test("who has no page open is in no call: guests and supervisors each by themselves", () => {
  const line = new FakeLine();
  const parts = new Parts(line as unknown as Live, "visit:1", () => undefined);
  const hear = (kind: string, data: Record<string, unknown>) => line.hear({ topic: "visit:1", kind, data });
  hear("call.part", { page: "a", from: "clerk", label: "clerk", inCall: true });
  hear("call.part", { page: "b", from: "clerk", label: "supervisor-1", inCall: true });
  hear("call.part", { page: "c", from: "guest", label: "guest-7", guest: "7", role: "sign", inCall: true });
  const left = (clerk: number, guests: string[], supervisors: string[]) => {
    hear("presence", { citizen: 1, clerk, guests, supervisors });
    return parts.others.value.map(({ label }) => label);
  };
  assert.deepEqual(left(1, ["7"], ["1"]), ["clerk", "supervisor-1", "guest-7"]);
  assert.deepEqual(left(0, ["7"], ["1"]), ["supervisor-1", "guest-7"]);
  assert.deepEqual(left(1, ["7"], []), ["guest-7"]);
  assert.deepEqual(left(1, [], []), []);
});

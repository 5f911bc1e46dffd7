import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff, Live, patience, STALE_MS, type SocketLike } from "../shared/live";
import { Pulse } from "../shared/pulse";

class FakeSocket implements SocketLike {
  readyState = 0;
  sent: Record<string, unknown>[] = [];
  onopen: SocketLike["onopen"] = null;
  onmessage: SocketLike["onmessage"] = null;
  onclose: SocketLike["onclose"] = null;
  send(data: string) {
    this.sent.push(JSON.parse(data) as Record<string, unknown>);
  }
  close() {
    this.onclose?.({} as CloseEvent);
  }
  open() {
    this.onopen?.({} as Event);
  }
  receive(message: unknown) {
    this.onmessage?.({ data: JSON.stringify(message) } as MessageEvent);
  }
}

function harness() {
  const sockets: FakeSocket[] = [];
  const timers: { run: () => void; ms: number }[] = [];
  const waits: number[] = [];
  let now = 0;
  const live = new Live({
    url: "ws://x/api/live",
    open: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    delay: (attempt) => {
      waits.push(attempt + 1);
      return attempt + 1;
    },
    later: (run, ms) => {
      const timer = { run, ms };
      timers.push(timer);
      return timer;
    },
    cancel: (timer) => {
      const at = timers.indexOf(timer);
      if (at >= 0) timers.splice(at, 1);
    },
    now: () => now,
  });
  /** Runs the only timer that is waiting and says how long it would have waited. */
  const fire = () => {
    assert.equal(timers.length, 1);
    const [timer] = timers.splice(0, 1);
    now += timer!.ms;
    timer!.run();
    return timer!.ms;
  };
  const pass = (ms: number) => (now += ms);
  const seen: number[] = [];
  let resets = 0;
  live.on("event", (event) => seen.push(event.seq));
  live.on("reset", () => resets++);
  live.subscribe("queue");
  live.start();
  const event = (seq: number) => ({ type: "event", seq, at: "2026-11-21T08:00:00.000Z", topic: "queue", kind: "called", subject: "x" });
  return { live, sockets, timers, waits, fire, pass, seen, event, resets: () => resets, last: () => sockets.at(-1) as FakeSocket };
}

test("after a lost connection it asks for what came since the last event seen", () => {
  const { sockets, fire, event, last, seen } = harness();
  last().open();
  assert.deepEqual(last().sent, [{ type: "subscribe", topics: ["queue"], since: null }]);
  last().receive({ type: "hello", seq: 7 });
  last().receive(event(8));
  last().close();
  assert.equal(sockets.length, 1);
  fire();
  last().open();
  assert.deepEqual(last().sent, [{ type: "subscribe", topics: ["queue"], since: 8 }]);
  last().receive({ type: "hello", seq: 10 });
  for (const seq of [9, 10]) last().receive(event(seq));
  assert.deepEqual(seen, [8, 9, 10]);
});

test("an event that comes twice is told once", () => {
  const { last, event, seen } = harness();
  last().open();
  last().receive({ type: "hello", seq: 1 });
  for (const seq of [2, 3, 3, 2, 4]) last().receive(event(seq));
  assert.deepEqual(seen, [2, 3, 4]);
});

test("reset, or a store that is younger than what we saw, loads afresh", () => {
  const { last, event, seen, fire, resets } = harness();
  last().open();
  last().receive({ type: "hello", seq: 50 });
  last().receive({ type: "reset", seq: 60 });
  assert.equal(resets(), 1);
  last().receive(event(61));
  last().close();
  fire();
  last().open();
  last().receive({ type: "hello", seq: 3 });
  assert.equal(resets(), 2);
  last().receive(event(4));
  assert.deepEqual(seen, [61, 4]);
});

test("each failed try waits longer, a success starts over", () => {
  const { last, waits, fire } = harness();
  last().close();
  fire();
  last().close();
  fire();
  last().open();
  last().receive({ type: "hello", seq: 1 });
  last().close();
  assert.deepEqual(waits, [1, 2, 1]);
});

test("messages are not kept for later, and bad JSON hurts nobody", () => {
  const { live, last } = harness();
  assert.equal(live.send("visit:1", "chat", { text: "x" }), false);
  last().open();
  last().onmessage?.({ data: "{" } as MessageEvent);
  assert.equal(live.send("visit:1", "chat", { text: "x" }), true);
});

test("a dropped topic is left behind by a new connection that goes on where the old one was", () => {
  const { live, sockets, last, event, seen } = harness();
  last().open();
  last().receive({ type: "hello", seq: 1 });
  live.subscribe("visit:1");
  assert.deepEqual(last().sent.at(-1), { type: "subscribe", topics: ["queue", "visit:1"], since: 1 });
  last().receive(event(2));
  const old = last();
  live.drop("visit:1");
  assert.equal(sockets.length, 2);
  old.receive(event(3));
  last().open();
  assert.deepEqual(last().sent, [{ type: "subscribe", topics: ["queue"], since: 2 }]);
  assert.deepEqual(seen, [2]);
  live.drop("visit:1");
  assert.equal(sockets.length, 2, "dropping what is not there changes nothing");
});

test("back-off is jittered and bounded", () => {
  assert.equal(backoff(0, () => 0), 250);
  assert.equal(backoff(0, () => 1), 500);
  assert.equal(backoff(60, () => 1), 15_000);
});

test("a watched line that falls silent is asked, then opened anew, and whoever shares it is told", () => {
  const { live, sockets, last, timers, fire } = harness();
  let lost = 0;
  live.on("lost", () => lost++);
  last().open();
  assert.equal(timers.length, 0, "nobody watches");
  const stop = live.watch();
  assert.equal(fire(), Pulse.QUIET_MS);
  assert.deepEqual(last().sent.at(-1), { type: "ping" });
  last().receive({ type: "pong" });
  assert.equal(fire(), Pulse.QUIET_MS, "an answer is a sign of life like any other");
  assert.equal(fire(), Pulse.ANSWER_MS);
  assert.equal(lost, 1);
  assert.equal(sockets.length, 2);
  last().open();
  last().receive({ type: "hello", seq: 1 });
  stop();
  assert.equal(timers.length, 0);
});

test("a doubt is settled sooner, also where nobody watches", () => {
  const { live, sockets, last, timers, fire } = harness();
  last().open();
  live.check();
  last().receive({ type: "pong" });
  assert.equal(timers.length, 0);
  live.check();
  assert.equal(fire(), Pulse.DOUBT_MS);
  assert.equal(sockets.length, 2);
});

test("a handshake that hangs is begun again, each time with more patience", () => {
  const { live, sockets, last, fire } = harness();
  for (let attempt = 0; attempt < 12; attempt++) assert.equal(fire(), patience(attempt));
  assert.equal(patience(12), 10_000);
  assert.equal(sockets.length, 13);
  last().open();
  last().receive({ type: "hello", seq: 1 });
  last().close();
  fire();
  assert.equal(fire(), patience(1), "a line that was open begins with little");
  assert.equal(live.state, "connecting");
});

test("a network that is back does not wait for the handshake of before, nor end one that has just begun", () => {
  const { live, sockets, last, pass, timers } = harness();
  live.check();
  assert.equal(sockets.length, 1);
  pass(STALE_MS);
  live.check();
  assert.equal(sockets.length, 2);
  last().close();
  live.check();
  assert.equal(sockets.length, 3);
  live.close();
  live.check();
  assert.equal(sockets.length, 3);
  assert.equal(timers.length, 0);
});

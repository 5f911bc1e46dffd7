import assert from "node:assert/strict";
import { test } from "node:test";
import { isUpdateMessage, Patience, SavedCounter, saveState } from "../shared/saved";

test("saved is said only when the box has confirmed every update sent", () => {
  const counter = new SavedCounter();
  assert.equal(counter.saved, false, "not before there is a connection");
  counter.opened();
  assert.equal(counter.saved, true);
  for (let i = 0; i < 2; i++) {
    counter.sent();
    counter.edited(true);
  }
  assert.deepEqual([counter.saved, counter.waiting], [false, 2]);
  counter.durable(1);
  assert.deepEqual([counter.saved, counter.waiting], [false, 1]);
  counter.durable(1);
  assert.equal(counter.waiting, 1, "the same count again confirms nothing more");
  counter.durable(2);
  assert.deepEqual([counter.saved, counter.waiting], [true, 0]);
});

test("what was unconfirmed at the end of a connection is owed until it is sent again and confirmed", () => {
  const counter = new SavedCounter();
  counter.opened();
  counter.sent();
  counter.edited(true);
  counter.closed();
  counter.edited(false);
  counter.opened();
  assert.deepEqual([counter.owed, counter.saved, counter.waiting], [true, false, 2]);
  counter.resend();
  counter.sent();
  assert.deepEqual([counter.owed, counter.saved, counter.waiting], [false, false, 2]);
  counter.sent();
  counter.edited(true);
  assert.equal(counter.waiting, 3);
  counter.durable(1);
  assert.equal(counter.waiting, 1, "one message brought both that were owed");
  counter.durable(2);
  assert.equal(counter.saved, true);
});

test("a resent state that was not confirmed either is owed once more, with its count", () => {
  const counter = new SavedCounter();
  for (let i = 0; i < 3; i++) counter.edited(false);
  counter.opened();
  counter.resend();
  counter.sent();
  counter.closed();
  counter.opened();
  assert.deepEqual([counter.owed, counter.waiting], [true, 3]);
});

test("typing without a connection, or into a dying one, is owed", () => {
  const away = new SavedCounter();
  away.edited(false);
  away.opened();
  assert.deepEqual([away.saved, away.owed], [false, true]);
  const dying = new SavedCounter();
  dying.opened();
  dying.edited(false);
  assert.deepEqual([dying.saved, dying.owed], [false, true]);
});

test("nothing is said of saving before anybody here has typed; never more than is so", () => {
  const calm = { frozen: false, away: false, edited: false, waiting: 0, slow: false };
  assert.equal(saveState(calm), "none");
  assert.equal(saveState({ ...calm, edited: true, waiting: 1 }), "saving");
  assert.equal(saveState({ ...calm, edited: true, waiting: 1, slow: true }), "slow");
  assert.equal(saveState({ ...calm, edited: true }), "yes");
  assert.equal(saveState({ ...calm, edited: true, away: true }), "away");
  assert.equal(saveState({ ...calm, frozen: true, away: true }), "frozen");
});

/** A clock turned by hand. */
function handClock() {
  let now = 0;
  const timers = new Map<number, { at: number; run: () => void }>();
  let next = 1;
  return {
    later: (run: () => void, ms: number) => (timers.set(next, { at: now + ms, run }), next++),
    cancel: (timer: never) => void timers.delete(timer),
    turn(ms: number) {
      now += ms;
      for (const [id, timer] of [...timers])
        if (timer.at <= now) {
          timers.delete(id);
          timer.run();
        }
    },
  };
}

test("a silent line is called slow, then given up; every confirmation begins the wait anew", () => {
  const clock = handClock();
  const told: string[] = [];
  const patience = new Patience((slow) => told.push(slow ? "slow" : "fine"), () => told.push("lost"), clock.later, clock.cancel);
  patience.waits(1);
  clock.turn(Patience.SLOW_MS - 1);
  patience.waits(2);
  assert.deepEqual(told, [], "more typing is no progress, and no new wait either");
  clock.turn(1);
  assert.deepEqual(told, ["slow"]);
  patience.waits(1);
  assert.deepEqual(told, ["slow", "fine"]);
  clock.turn(Patience.SLOW_MS);
  clock.turn(Patience.LOST_MS - Patience.SLOW_MS);
  assert.deepEqual(told.slice(2), ["slow", "lost"]);
  patience.waits(1);
  patience.waits(0);
  clock.turn(Patience.LOST_MS);
  assert.deepEqual(told.slice(4), ["fine"], "nothing waits, nothing is lost");
});

test("only sync updates count: not steps, not awareness", () => {
  assert.equal(isUpdateMessage(new Uint8Array([0, 2, 9])), true);
  assert.equal(isUpdateMessage(new Uint8Array([0, 2]).buffer), true);
  for (const bytes of [[0, 0], [0, 1], [1, 2], []]) assert.equal(isUpdateMessage(new Uint8Array(bytes)), false);
  assert.equal(isUpdateMessage("02"), false);
});

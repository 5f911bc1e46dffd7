import assert from "node:assert/strict";
import { test } from "node:test";
import { isUpdateMessage, SavedCounter } from "../shared/saved";

test("saved is said only when the box has confirmed every update sent", () => {
  const counter = new SavedCounter();
  assert.equal(counter.saved, false, "not before there is a connection");
  counter.opened();
  assert.equal(counter.saved, true);
  counter.sent();
  counter.edited(true);
  counter.sent();
  counter.edited(true);
  assert.equal(counter.saved, false);
  counter.durable(1);
  assert.equal(counter.saved, false);
  counter.durable(2);
  assert.equal(counter.saved, true);
});

test("what was unconfirmed at the end of a connection is owed until it is sent again and confirmed", () => {
  const counter = new SavedCounter();
  counter.opened();
  counter.sent();
  counter.edited(true);
  counter.closed();
  counter.opened();
  assert.equal(counter.owed, true);
  assert.equal(counter.saved, false);
  counter.resent();
  counter.sent();
  assert.equal(counter.saved, false);
  counter.durable(1);
  assert.equal(counter.saved, true);
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

test("only sync updates count: not steps, not awareness", () => {
  assert.equal(isUpdateMessage(new Uint8Array([0, 2, 9])), true);
  assert.equal(isUpdateMessage(new Uint8Array([0, 2]).buffer), true);
  for (const bytes of [[0, 0], [0, 1], [1, 2], []]) assert.equal(isUpdateMessage(new Uint8Array(bytes)), false);
  assert.equal(isUpdateMessage("02"), false);
});

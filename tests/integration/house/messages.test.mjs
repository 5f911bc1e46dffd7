// What the people of a visit write to each other: kept, in order, once, and nobody else's; and what
// passes by without being kept.
import { randomUUID } from "node:crypto";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Office, exhaust } from "../../house/office.mjs";

const office = new Office({ media: false });

async function meeting(login) {
  const at = await office.meeting(login);
  return { ...at, messages: `/api/visits/${at.visit.id}/messages` };
}

const say = (person, path, text, key = randomUUID()) => person.post(path, { text, key });
const texts = (list) => list.map(({ serial, from, text }) => [serial, from, text]);

test("messages are kept in order and outlive the visit", async () => {
  const { clerk, citizen, visit, messages, topic } = await meeting();
  const live = await office.follow(citizen, [topic]);
  const first = await say(clerk, messages, "Jó napot! <b>1 & 2</b>");
  await say(citizen, messages, "Dobrý den");
  const event = await live.wait("the event", (m) => m.type === "event" && m.kind === "visit.message");
  assert.equal(event.subject, first.id);
  assert.equal(event.data ?? null, null, "the event quotes nothing");
  const expected = [[1, "clerk", "Jó napot! <b>1 & 2</b>"], [2, "citizen", "Dobrý den"]];
  for (const person of [clerk, citizen]) assert.deepEqual(texts(await person.get(messages)), expected);
  assert.deepEqual(texts(await citizen.get(`${messages}?after=1`)), expected.slice(1));
  await office.house.restart("box");
  await clerk.post(`/api/visits/${visit.id}/end`);
  assert.deepEqual(texts(await clerk.get(messages)), expected);
});

test("sending again with the same key is the same message", async () => {
  const { clerk, citizen, messages } = await meeting();
  const key = randomUUID();
  const sent = await Promise.all([1, 2, 3].map(() => say(citizen, messages, "once", key)));
  assert.equal(new Set(sent.map(({ id }) => id)).size, 1);
  await say(clerk, messages, "the clerk's own key", key);
  assert.deepEqual(texts(await clerk.get(messages)), [[1, "citizen", "once"], [2, "clerk", "the clerk's own key"]]);
});

test("messages are the visit's own", async () => {
  const { messages } = await meeting();
  const other = await meeting("clerk2");
  for (const [person, status] of [[office.stranger(), 401], [other.clerk, 403], [other.citizen, 403]]) {
    assert.equal((await person.request("GET", messages)).status, status);
    assert.equal((await person.request("POST", messages, { text: "x", key: randomUUID() })).status, status);
  }
});

test("a message has an end, and so has the haste of sending", async () => {
  const { citizen, messages } = await meeting();
  for (const body of [{ text: "", key: randomUUID() }, { text: "x".repeat(2001), key: randomUUID() }, { text: "x" }, { text: 5, key: randomUUID() }])
    assert.equal((await citizen.request("POST", messages, body)).status, 422);
  const answers = await exhaust(() => citizen.request("POST", messages, { text: "x", key: randomUUID() }));
  const kept = await citizen.get(messages);
  assert.equal(kept.length, answers.filter(({ status }) => status === 201).length);
  assert.deepEqual(kept.map(({ serial }) => serial), kept.map((_, index) => index + 1), "no serial is left out or used twice");
});

test("what is being typed passes to the others and nowhere else", async () => {
  const { clerk, citizen, messages, topic } = await meeting();
  const [desk, home] = [await office.follow(clerk, [topic]), await office.follow(citizen, [topic])];
  home.send(topic, "typing", { page: "home", text: "Jó nap", from: "clerk" });
  const typed = await desk.wait("the typing", (m) => m.kind === "typing");
  assert.deepEqual(typed.data, { from: "citizen", page: "home", text: "Jó nap" }, "the box says whose it is");
  home.send(topic, "call.part", { page: "home", camera: "off", microphone: "on", wants: "audio", inCall: true, more: "x" });
  const part = await desk.wait("the part", (m) => m.kind === "call.part");
  assert.deepEqual(part.data, { from: "citizen", page: "home", camera: "off", microphone: "on", wants: "audio", inCall: true, label: "citizen" });
  for (const data of [{ text: "no page" }, { page: "p" }, { page: "p", text: "x".repeat(8001) }, { page: "p".repeat(65), text: "x" }]) home.send(topic, "typing", data);
  const began = Date.now();
  for (let i = 0; i < 300; i++) home.send(topic, "typing", { page: "home", text: `${i}` });
  home.send(topic, "media.leave", { leg: "none" });
  await home.wait("the box to have heard all of it", (m) => m.kind === "media.error");
  // Forty at once, and twenty a second.
  const most = 41 + (Date.now() - began) / 50;
  await clerk.post(messages, { text: "the end", key: randomUUID() });
  await desk.wait("what was sent before", (m) => m.kind === "visit.message");
  const heard = desk.messages.filter((m) => m.kind === "typing").slice(1);
  assert.ok(heard.every((m) => m.data.page === "home" && /^\d+$/.test(m.data.text)));
  assert.ok(heard.length >= 10 && heard.length <= most, `${heard.length} of 300 passed, at most ${most}`);
  assert.ok(!home.messages.some((m) => m.kind === "typing"), "not back to who typed");
  assert.deepEqual(texts(await clerk.get(messages)), [[1, "clerk", "the end"]]);
});

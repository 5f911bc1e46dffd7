// What the people of a visit write to each other: kept, in order, once, and nobody else's; and what
// passes by without being kept.
import { randomUUID } from "node:crypto";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client, Live } from "../../house/client.mjs";
import { House, sleep } from "../../house/house.mjs";

let house;
const closers = [];
before(async () => {
  house = await House.start({ media: false });
});
after(async () => {
  for (const close of closers) close();
  const complaints = await house.complaints();
  await house.stop();
  assert.deepEqual(complaints, []);
});

async function meeting(login = "clerk") {
  const clerk = new Client(house.boxUrl);
  await clerk.post("/api/sign-in", { login, password: `demo-${login}-password` });
  const { visit: open } = await clerk.get("/api/queue");
  if (open) await clerk.post(`/api/visits/${open.id}/end`);
  const visit = await clerk.post("/api/visits", { service: "hu.id-card", channel: "video" });
  const { url } = await clerk.post(`/api/visits/${visit.id}/invitation`);
  const citizen = new Client(house.boxUrl);
  await citizen.post("/api/join", { secret: new URL(url).hash.slice(1) });
  return { clerk, citizen, visit, messages: `/api/visits/${visit.id}/messages`, topic: `visit:${visit.id}` };
}

async function follow(client, topic) {
  const live = new Live(client, [topic]);
  closers.push(() => live.close());
  await live.wait("the live connection", (m) => m.type === "hello");
  return live;
}

const say = (person, path, text, key = randomUUID()) => person.post(path, { text, key });
const texts = (list) => list.map(({ serial, from, text }) => [serial, from, text]);

test("messages are kept in order and outlive the visit", async () => {
  const { clerk, citizen, visit, messages, topic } = await meeting();
  const live = await follow(citizen, topic);
  const first = await say(clerk, messages, "Jó napot! <b>1 & 2</b>");
  await say(citizen, messages, "Dobrý den");
  const event = await live.wait("the event", (m) => m.type === "event" && m.kind === "visit.message");
  assert.equal(event.subject, first.id);
  assert.equal(event.data ?? null, null, "the event quotes nothing");
  const expected = [[1, "clerk", "Jó napot! <b>1 & 2</b>"], [2, "citizen", "Dobrý den"]];
  for (const person of [clerk, citizen]) assert.deepEqual(texts(await person.get(messages)), expected);
  assert.deepEqual(texts(await citizen.get(`${messages}?after=1`)), expected.slice(1));
  await house.restart("box");
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
  for (const [person, status] of [[new Client(house.boxUrl), 401], [other.clerk, 403], [other.citizen, 403]]) {
    assert.equal((await person.request("GET", messages)).status, status);
    assert.equal((await person.request("POST", messages, { text: "x", key: randomUUID() })).status, status);
  }
});

test("a message has an end, and so has the haste of sending", async () => {
  const { citizen, messages } = await meeting();
  for (const body of [{ text: "", key: randomUUID() }, { text: "x".repeat(2001), key: randomUUID() }, { text: "x" }, { text: 5, key: randomUUID() }])
    assert.equal((await citizen.request("POST", messages, body)).status, 422);
  const statuses = await Promise.all(Array.from({ length: 40 }, async () => (await citizen.request("POST", messages, { text: "x", key: randomUUID() })).status));
  assert.ok(statuses.includes(429));
  const kept = await citizen.get(messages);
  assert.equal(kept.length, statuses.filter((status) => status === 201).length);
  assert.deepEqual(kept.map(({ serial }) => serial), kept.map((_, index) => index + 1), "no serial is left out or used twice");
});

test("what is being typed passes to the others and nowhere else", async () => {
  const { clerk, citizen, messages, topic } = await meeting();
  const [desk, home] = [await follow(clerk, topic), await follow(citizen, topic)];
  home.send(topic, "typing", { page: "home", text: "Jó nap", from: "clerk" });
  const typed = await desk.wait("the typing", (m) => m.kind === "typing");
  assert.deepEqual(typed.data, { from: "citizen", page: "home", text: "Jó nap" }, "the box says whose it is");
  home.send(topic, "call.part", { page: "home", camera: "off", microphone: "on", wants: "audio", inCall: true, more: "x" });
  const part = await desk.wait("the part", (m) => m.kind === "call.part");
  assert.deepEqual(part.data, { from: "citizen", page: "home", camera: "off", microphone: "on", wants: "audio", inCall: true });
  for (const data of [{ text: "no page" }, { page: "p" }, { page: "p", text: "x".repeat(8001) }, { page: "p".repeat(65), text: "x" }]) home.send(topic, "typing", data);
  for (let i = 0; i < 300; i++) home.send(topic, "typing", { page: "home", text: `${i}` });
  await sleep(500);
  const heard = desk.messages.filter((m) => m.kind === "typing").slice(1);
  assert.ok(heard.every((m) => m.data.page === "home" && /^\d+$/.test(m.data.text)));
  assert.ok(heard.length >= 10 && heard.length < 100, `${heard.length} of 300 passed`);
  assert.ok(!home.messages.some((m) => m.kind === "typing"), "not back to who typed");
  assert.deepEqual(await clerk.get(messages), []);
});

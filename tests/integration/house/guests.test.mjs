// Guests of a visit: what they are given, what is kept from them, and how they go.
import { randomUUID } from "node:crypto";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "../../house/client.mjs";
import { Office, refused, secretOf } from "../../house/office.mjs";

const office = new Office({ media: false });

/** As a guest's page calls: whatever else its browser is. */
class GuestClient extends Client {
  request(method, path, body, headers = {}) {
    return super.request(method, path, body, { "ablak-as": "guest", ...headers });
  }
  socket(path) {
    return super.socket(`${path}?as=guest`);
  }
}

const invite = ({ clerk, visit }, role) => clerk.post(`/api/visits/${visit.id}/guests`, { role });

async function join(at, role, name) {
  const guest = new GuestClient(office.house.boxUrl);
  const joined = await guest.post("/api/guest", { secret: secretOf(await invite(at, role)), name });
  return Object.assign(guest, joined);
}

test("an invitation for a guest is a link of its own, and good once", async () => {
  const at = await office.visit("clerk");
  const invitation = await invite(at, "sign");
  assert.match(new URL(invitation.url).pathname, /\/guest$/);
  assert.equal(invitation.code, "", "no digits to be guessed");
  const citizen = office.stranger();
  assert.equal((await citizen.request("POST", "/api/join", { secret: secretOf(invitation) })).status, 404, "it makes nobody a citizen");
  const guest = new GuestClient(office.house.boxUrl);
  await guest.post("/api/guest", { secret: secretOf(invitation), name: "Éva" });
  const seen = await guest.get("/api/guest");
  assert.deepEqual(Object.keys(seen).sort(), ["iceServers", "id", "name", "recorded", "role", "visitId"]);
  assert.deepEqual([seen.role, seen.name, seen.visitId, seen.recorded], ["sign", "Éva", at.visit.id, false]);
  assert.equal((await new GuestClient(office.house.boxUrl).request("POST", "/api/guest", { secret: secretOf(invitation), name: "" })).status, 410);
  assert.deepEqual((await at.clerk.get(`/api/visits/${at.visit.id}`)).guests, [{ id: seen.id, role: "sign", name: "Éva" }]);
  for (const role of ["clerk", "", "Sign"]) assert.equal((await at.clerk.request("POST", `/api/visits/${at.visit.id}/guests`, { role })).status, 422);
});

test("nobody but the visit's clerk invites", async () => {
  const at = await office.visit("clerk");
  const guest = await join(at, "colleague", "");
  const other = await office.signedIn("clerk2");
  for (const [who, status] of [[guest, 403], [other, 403], [office.stranger(), 401]]) {
    assert.equal((await who.request("POST", `/api/visits/${at.visit.id}/guests`, { role: "sign" })).status, status);
    assert.equal((await who.request("DELETE", `/api/visits/${at.visit.id}/guests/${guest.id}`)).status, status);
  }
});

test("a guest hears of the call and the messages, and of nothing else", async () => {
  const at = await office.visit("clerk");
  const guest = await join(at, "interpreter", "Péter");
  const [live, desk] = [await office.follow(guest, [at.topic]), await office.follow(at.clerk, [at.topic])];
  await at.clerk.put(`/api/visits/${at.visit.id}/identity`, { method: "seen" });
  await desk.wait("the office's own news", (m) => m.type === "event" && m.kind === "visit.identity");
  const messages = `/api/visits/${at.visit.id}/messages`;
  await at.clerk.post(messages, { text: "one", key: randomUUID() });
  const kept = await guest.post(messages, { text: "two", key: randomUUID() });
  assert.deepEqual([kept.serial, kept.from, kept.guest], [2, "guest", { role: "interpreter", name: "Péter" }]);
  await at.clerk.post(messages, { text: "three", key: randomUUID() });
  assert.deepEqual((await at.clerk.get(messages)).map(({ serial, from, text }) => [serial, from, text]), [[1, "clerk", "one"], [2, "guest", "two"], [3, "clerk", "three"]]);
  const key = randomUUID();
  const [first, second] = [await guest.post(messages, { text: "once", key }), await guest.post(messages, { text: "once", key })];
  assert.equal(first.id, second.id);
  live.send(at.topic, "call.part", { page: "p", camera: "on", microphone: "on", wants: "video", inCall: true, from: "clerk", name: "Somebody else", guest: "x", role: "sign" });
  const { data } = await desk.wait("the part", (m) => m.kind === "call.part");
  assert.deepEqual([data.from, data.guest, data.role, data.name], ["guest", guest.id, "interpreter", "Péter"], "the box says who it is");
  await live.wait("the message", (m) => m.type === "event" && m.kind === "visit.message");
  const kinds = new Set(live.messages.filter((m) => m.type === "event" || m.type === "message").map(({ kind }) => kind));
  for (const kind of kinds) assert.ok(["visit.message", "presence", "call.part"].includes(kind) || kind.startsWith("guest."), kind);
  live.send(at.topic, "subscribe", {});
  for (const topic of ["queue", "desk", `visit:${randomUUID()}`]) {
    const elsewhere = await office.follow(guest, [topic]);
    await elsewhere.wait("the refusal", (m) => m.type === "error");
  }
});

test("a cookie of a guest opens nothing without saying so, and a clerk's nothing when it says guest", async () => {
  const at = await office.visit("clerk");
  const guest = await join(at, "colleague", "");
  const plain = (path) => Client.prototype.request.call(guest, "GET", path);
  for (const path of ["/api/visit", `/api/visits/${at.visit.id}`, `/api/drafts/${at.visit.draftId}`, "/api/queue"]) assert.equal((await plain(path)).status, 401, path);
  assert.equal((await at.clerk.request("GET", `/api/visits/${at.visit.id}`, undefined, { "ablak-as": "guest" })).status, 401);
});

test("who is sent away is out at once; the others stay, and there is room again", async () => {
  const at = await office.visit("clerk");
  const [one, two] = [await join(at, "sign", "Éva"), await join(at, "colleague", "")];
  assert.equal((await at.clerk.request("POST", `/api/visits/${at.visit.id}/guests`, { role: "sign" })).status, 409);
  const [live, desk] = [await office.follow(one, [at.topic]), await office.follow(at.clerk, [at.topic])];
  await at.clerk.call("DELETE", `/api/visits/${at.visit.id}/guests/${one.id}`);
  const told = await live.wait("the word", (m) => m.type === "event" && m.kind === "guest.left");
  assert.equal(told.subject, one.id);
  await desk.wait("their going", (m) => m.kind === "presence" && m.data.guests.length === 0);
  assert.equal((await one.request("GET", "/api/guest")).status, 401);
  assert.equal((await two.request("GET", "/api/guest")).status, 200);
  assert.equal((await at.clerk.request("DELETE", `/api/visits/${at.visit.id}/guests/${one.id}`)).status, 404);
  await join(at, "interpreter", "");
  await two.call("DELETE", "/api/guest");
  assert.equal((await two.request("GET", "/api/guest")).status, 401);
});

test("a link that nobody has used is listed without its secret, and withdrawn", async () => {
  const at = await office.visit("clerk");
  const links = `/api/visits/${at.visit.id}/guest-links`;
  const [first, second] = [await invite(at, "sign"), await invite(at, "colleague")];
  await refused(invite(at, "sign"), 409, "accounts/too-many-guests");
  const listed = await at.clerk.get(links);
  assert.deepEqual(listed.map(({ role, expiresAt }) => [role, expiresAt]), [["sign", first.expiresAt], ["colleague", second.expiresAt]]);
  assert.ok(!JSON.stringify(listed).includes(secretOf(first)));
  const guest = new GuestClient(office.house.boxUrl);
  await guest.post("/api/guest", { secret: secretOf(second), name: "" });
  const other = await office.signedIn("clerk2");
  for (const [who, status] of [[other, 403], [guest, 403]]) {
    assert.equal((await who.request("GET", links)).status, status);
    assert.equal((await who.request("DELETE", `${links}/${listed[0].id}`)).status, status);
  }
  const desk = await office.follow(at.clerk, [at.topic]);
  await at.clerk.call("DELETE", `${links}/${listed[0].id}`);
  await desk.wait("the word", (m) => m.type === "event" && m.kind === "guest-link.withdrawn" && m.subject === listed[0].id);
  assert.deepEqual(await at.clerk.get(links), []);
  assert.equal((await at.clerk.request("DELETE", `${links}/${listed[0].id}`)).status, 404);
  assert.equal((await new GuestClient(office.house.boxUrl).request("POST", "/api/guest", { secret: secretOf(first), name: "" })).status, 404);
});

test("with the meeting everything of a guest ends", async () => {
  const at = await office.visit("clerk");
  const guest = await join(at, "sign", "");
  const unused = await invite(at, "colleague");
  const live = await office.follow(guest, [at.topic]);
  await at.clerk.post(`/api/visits/${at.visit.id}/end`);
  await live.wait("the end", (m) => m.type === "event" && m.kind === "visit.ended");
  assert.equal((await guest.request("GET", "/api/guest")).status, 401);
  assert.ok([404, 410].includes((await new GuestClient(office.house.boxUrl).request("POST", "/api/guest", { secret: secretOf(unused), name: "" })).status));
});

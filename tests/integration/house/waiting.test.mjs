// Waiting for a meeting by video, through the interface: the line, the call, the answer, what the
// desk says, and what nobody may do.
import { randomUUID } from "node:crypto";
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { until } from "../../house/house.mjs";
import { Office, refused, secretOf } from "../../house/office.mjs";

const SERVICE = "hu.id-card";
let clerk;
const office = new Office({ media: false }, async () => {
  clerk = await office.signedIn("clerk");
  await clerk.put("/api/me/counter", { counter: "1" });
});
// Each test leaves the counter and the line empty.
afterEach(async () => {
  office.closePages();
  for (;;) {
    const { called } = await clerk.get("/api/queue");
    if (called.length > 0) await clerk.post(`/api/tickets/${called[0].id}/no-show`);
    else if ((await clerk.request("POST", "/api/queue/call-next", {})).status === 409) break;
  }
});

const follow = (client, topics) => office.follow(client, topics, "citizen");
const invite = async (service = SERVICE) => secretOf(await clerk.post("/api/waiting/invitations", { service }));
const inLine = async (number) => (await clerk.get("/api/queue")).waiting.find((ticket) => ticket.number === number);

// A citizen in the line with the page open.
async function somebody({ service = SERVICE, language = "hu" } = {}) {
  const citizen = office.stranger();
  await citizen.post("/api/join", { secret: await invite(service), language });
  const place = await citizen.get("/api/place");
  const live = await follow(citizen, ["queue", `place:${place.visitId}`]);
  await until("the desk to see the page", async () => (await inLine(place.number)).place.awaySince === null);
  return { citizen, place, live };
}

test("several wait in one line, are called in turn, and come to a meeting", async () => {
  const first = await somebody({ language: "cs" });
  const hall = await office.stranger().post("/api/tickets", { service: SERVICE, idempotencyKey: randomUUID() });
  const second = await somebody();
  assert.deepEqual([first.place.state, first.place.ahead, second.place.ahead], ["waiting", 0, 2]);
  assert.equal(first.place.waitMinutes, null, "nothing has been measured yet");
  const seen = await inLine(first.place.number);
  assert.deepEqual([seen.channel, seen.visitId, seen.place], ["video", null, { awaySince: null, setAside: false, language: "cs" }]);
  assert.equal((await office.stranger().get(`/api/tickets/${seen.id}`)).place, undefined, "not the public's to know");

  const called = await clerk.post("/api/queue/call-next", {});
  assert.deepEqual([called.ticket.number, called.visit], [first.place.number, null], "a visit begins when the client comes");
  await first.live.wait("the call", (m) => m.kind === "ticket.called" && m.subject === called.ticket.id);
  assert.equal((await first.citizen.get("/api/place")).state, "called");
  assert.equal((await second.citizen.get("/api/place")).ahead, 1);
  await refused(clerk.post("/api/visits", { service: SERVICE, channel: "video" }), 409, "queue/client-present");
  await refused(second.citizen.post("/api/place/answer"), 409, "queue/not-called");
  await refused(first.citizen.get("/api/visit"), 404, "queue/no-such-visit");
  await refused(clerk.post(`/api/tickets/${called.ticket.id}/finish`), 409, "queue/not-answered");
  assert.equal((await first.citizen.get("/api/place")).state, "called", "it rings on");

  const [one, two] = await Promise.all([first.citizen.post("/api/place/answer"), first.citizen.post("/api/place/answer")]);
  assert.equal(one.id, first.place.visitId);
  assert.equal(two.id, one.id, "pressed twice it is one visit");
  assert.ok(one.draftId);
  assert.equal((await first.citizen.get("/api/place")).state, "joined");
  const { visit } = await clerk.get("/api/queue");
  assert.deepEqual([visit.id, visit.channel, visit.ticket.number], [one.id, "video", first.place.number]);
  assert.equal((await first.citizen.get(`/api/visits/${visit.id}/messages`)).length, 0);
  await refused(clerk.post(`/api/tickets/${called.ticket.id}/set-aside`), 409, "queue/answered");
  await refused(first.citizen.call("DELETE", "/api/place"), 409, "queue/not-waiting");
  await clerk.post(`/api/tickets/${called.ticket.id}/finish`);
  assert.equal((await first.citizen.get("/api/visit")).state, "ended");

  const board = await office.stranger().get("/api/board");
  assert.deepEqual(board.called.map(({ number }) => number), [], "nobody in the house is to go anywhere");
  const wished = await clerk.post("/api/queue/call-next", { channel: "video" });
  assert.equal(wished.ticket.number, second.place.number, "by wish before the one in the house");
  await clerk.post(`/api/tickets/${wished.ticket.id}/no-show`);
  assert.equal((await second.citizen.get("/api/place")).state, "over");
  assert.equal((await clerk.post("/api/queue/call-next", {})).ticket.number, hall.number);
});

test("who does not answer is set aside and keeps the place; who is cut off for a moment too", async () => {
  const first = await somebody(), second = await somebody();
  const { ticket } = await clerk.post("/api/queue/call-next", {});
  await clerk.post(`/api/tickets/${ticket.id}/recall`);
  const again = await first.citizen.get("/api/place");
  assert.deepEqual([again.calls, again.calledAt > ticket.calledAt], [2, true]);
  await clerk.post(`/api/tickets/${ticket.id}/set-aside`);
  assert.deepEqual((({ state, setAside }) => [state, setAside])(await first.citizen.get("/api/place")), ["waiting", true]);
  assert.equal((await second.citizen.get("/api/place")).ahead, 0);
  const next = await clerk.post("/api/queue/call-next", {});
  assert.equal(next.ticket.number, second.place.number);
  await clerk.post(`/api/tickets/${next.ticket.id}/set-aside`);
  await refused(clerk.post("/api/queue/call-next", {}), 409, "queue/nobody-waiting");
  assert.equal((await second.citizen.post("/api/place/return")).setAside, false);
  assert.equal((await first.citizen.post("/api/place/return")).ahead, 0, "before the one who came later");
  await second.citizen.post("/api/place/return");
  first.live.close();
  await until("the desk to see it", async () => (await inLine(first.place.number)).place.awaySince !== null);
  assert.equal((await second.citizen.get("/api/place")).ahead, 1, "a short cut costs nothing");
  const returned = second.live.messages.filter((m) => m.kind === "ticket.returned" && m.subject === next.ticket.id);
  assert.equal(returned.length, 1, "who is back is back, however often it is said");
  await office.house.restart("box");
  assert.notEqual((await inLine(second.place.number)).place.awaySince, null, "no page is open yet");
  assert.equal((await clerk.post("/api/queue/call-next", {})).ticket.number, first.place.number);
  assert.equal((await first.citizen.get("/api/place")).state, "called", "read again after a reload");
});

test("giving up leaves the line, and ends what the link gave", async () => {
  const first = await somebody(), second = await somebody();
  await first.citizen.call("DELETE", "/api/place");
  await refused(first.citizen.get("/api/place"), 401, "request/unauthenticated");
  assert.equal(await inLine(first.place.number), undefined);
  const { ticket } = await clerk.post("/api/queue/call-next", {});
  assert.equal(ticket.number, second.place.number);
  await second.citizen.call("DELETE", "/api/place");
  assert.deepEqual((await clerk.get("/api/queue")).called, [], "the counter is free at once");
});

test("the desk takes out of the line who will not come", async () => {
  const first = await somebody(), second = await somebody();
  const { id } = await inLine(first.place.number);
  await refused(first.citizen.post(`/api/tickets/${id}/cancel`), 403, "request/forbidden");
  const other = await office.signedIn("clerk2");
  assert.equal((await other.post(`/api/tickets/${id}/cancel`)).state, "cancelled");
  await first.live.wait("the end", (m) => m.kind === "ticket.cancelled" && m.subject === id);
  assert.equal((await first.citizen.get("/api/place")).state, "over", "and is told");
  assert.equal((await second.citizen.get("/api/place")).ahead, 0);
  await refused(clerk.post(`/api/tickets/${id}/cancel`), 409, "queue/not-waiting");
  await refused(clerk.post("/api/tickets/none/cancel"), 404, "queue/no-such-ticket");
});

test("what the desk says reaches those it is for, once, and is read again after a reload", async () => {
  const first = await somebody(), second = await somebody(), other = await somebody({ service: "hu.address" });
  const ticket = await inLine(first.place.number), key = randomUUID();
  const said = await clerk.post("/api/waiting/messages", { service: SERVICE, ticketId: ticket.id, text: "Kérjük, készítse elő <a> kártyát!", key });
  assert.deepEqual([said.number, said.phrase, said.text, said.language], [first.place.number, null, "Kérjük, készítse elő <a> kártyát!", "hu"]);
  assert.equal((await clerk.post("/api/waiting/messages", { service: SERVICE, ticketId: ticket.id, text: "Kérjük", key })).id, said.id);
  const event = await first.live.wait("the message", (m) => m.kind === "desk.message");
  assert.deepEqual([event.topic, event.subject, event.data ?? null], [`place:${first.place.visitId}`, said.id, null], "the event quotes nothing");
  const phrase = await clerk.post("/api/waiting/messages", { service: SERVICE, phrase: "delay", key: randomUUID() });
  await second.live.wait("the message", (m) => m.kind === "desk.message" && m.subject === phrase.id);
  const read = async ({ citizen }) => (await citizen.get("/api/place")).messages.map(({ id }) => id);
  assert.deepEqual(await read(first), [said.id, phrase.id]);
  assert.deepEqual(await read(second), [phrase.id]);
  assert.deepEqual(await read(other), []);
  assert.ok(!second.live.messages.some((m) => m.subject === said.id), "nobody hears of another's message");
  assert.deepEqual((await clerk.get("/api/waiting/messages")).map(({ id }) => id), [said.id, phrase.id]);
});

test("bad input changes nothing", async () => {
  const { citizen, place } = await somebody();
  const { id } = await inLine(place.number);
  const key = randomUUID();
  for (const body of [{}, { service: SERVICE }, { service: SERVICE, key }, { service: SERVICE, key, phrase: "hello" }, { service: SERVICE, key, text: "" }, { service: SERVICE, key, text: "  " },
    { service: SERVICE, key, text: "x".repeat(501) }, { service: SERVICE, key, text: "x", phrase: "soon" }, { service: SERVICE, key: "short", text: "x" }, { service: SERVICE, key, text: "x", more: 1 }])
    await refused(clerk.post("/api/waiting/messages", body), 422, "request/schema");
  await refused(clerk.post("/api/waiting/messages", { service: "hu.nothing", key, text: "x" }), 404, "queue/no-such-service");
  await refused(clerk.post("/api/waiting/messages", { service: SERVICE, key, text: "x", ticketId: "none" }), 404, "queue/no-such-ticket");
  await refused(clerk.post("/api/waiting/messages", { service: "hu.address", key, text: "x", ticketId: id }), 404, "queue/no-such-place");
  await refused(clerk.post("/api/waiting/invitations", { service: "hu.nothing" }), 404, "queue/no-such-service");
  await refused(clerk.post("/api/waiting/invitations", {}), 422, "request/schema");
  await refused(clerk.post("/api/queue/call-next", { channel: "letter" }), 422, "request/schema");
  await refused(clerk.post(`/api/tickets/${id}/set-aside`), 403, "queue/not-yours");
  assert.deepEqual((await citizen.get("/api/place")).messages.filter(({ text }) => text === "x"), []);
  const closed = await office.signedIn("supervisor");
  const secret = await invite();
  await closed.put(`/api/services/${SERVICE}/state`, { open: false });
  const late = office.stranger();
  await refused(late.post("/api/join", { secret, language: "xx" }), 422, "request/schema");
  await refused(late.post("/api/join", { secret }), 409, "queue/service-closed");
  await closed.put(`/api/services/${SERVICE}/state`, { open: true });
  await late.post("/api/join", { secret });
  assert.equal((await late.get("/api/place")).ahead, 1, "the link was not used up");
});

test("who may do what", async () => {
  const first = await somebody(), second = await somebody();
  const nobody = office.stranger();
  for (const [method, path] of [["GET", "/api/place"], ["DELETE", "/api/place"], ["POST", "/api/place/answer"], ["POST", "/api/place/return"]]) {
    await refused(nobody.call(method, path), 401, "request/unauthenticated");
    await refused(clerk.call(method, path), 403, "request/forbidden");
  }
  for (const path of ["/api/waiting/messages", "/api/waiting/invitations", "/api/queue/call-next"])
    await refused(first.citizen.post(path, { service: SERVICE, key: randomUUID(), text: "x" }), 403, "request/forbidden");
  await refused(first.citizen.get("/api/waiting/messages"), 403, "request/forbidden");
  // Of a place only its own citizen hears, and the desk hears of it only that something changed.
  const ears = await follow(second.citizen, ["queue"]);
  ears.ws.send(JSON.stringify({ type: "subscribe", topics: [`place:${first.place.visitId}`, "desk"], since: null }));
  await ears.wait("the refusal", (m) => m.type === "error");
  const direct = await office.signedIn("clerk2");
  await refused(direct.put("/api/counters/1/state", { open: false }), 403, "queue/not-yours");
  const visit = await direct.post("/api/visits", { service: SERVICE, channel: "video" });
  const met = office.stranger();
  await met.post("/api/join", { secret: secretOf(await direct.post(`/api/visits/${visit.id}/invitation`)), language: "en" });
  await refused(met.get("/api/place"), 404, "queue/no-such-place");
  await refused(met.post("/api/place/answer"), 404, "queue/no-such-place");
  await direct.post(`/api/visits/${visit.id}/end`);
});

test("the wait is said once enough has been measured", async () => {
  for (let i = 0; i < 5; i++) {
    await office.stranger().post("/api/tickets", { service: SERVICE, idempotencyKey: randomUUID() });
    const { ticket } = await clerk.post("/api/queue/call-next", {});
    await clerk.post(`/api/tickets/${ticket.id}/finish`);
  }
  const { citizen } = await somebody();
  assert.deepEqual((await citizen.get("/api/place")).waitMinutes, { low: 0, high: 5 });
  await clerk.put("/api/counters/1/state", { open: false });
  assert.equal((await citizen.get("/api/place")).waitMinutes, null, "no counter is open");
  await clerk.put("/api/counters/1/state", { open: true });
});

test("who waits may try the line, and nobody joins a call that is not there", async () => {
  await office.house.launch("media");
  const { citizen, place } = await somebody();
  const topic = `visit:${place.visitId}`;
  const page = await follow(citizen, [topic]);
  page.send(topic, "media.join", { audio: true, video: true });
  const error = await page.wait("the refusal", (m) => m.kind === "media.error");
  assert.equal(error.data.slug, "queue/visit-ended");
  page.send(topic, "media.join", { audio: true, video: true, check: true });
  await page.wait("the offer", (m) => m.kind === "media.offer");
  // Each page tries two legs; those of the fourth take the place of the first one's.
  const pages = [page, ...(await Promise.all([1, 2, 3].map(() => follow(citizen, [topic]))))];
  for (const one of pages) {
    for (let legs = one.messages.filter((m) => m.kind === "media.offer").length; legs < 2; legs++) one.send(topic, "media.join", { audio: true, video: true, check: true });
    await one.wait("two offers", () => one.messages.filter((m) => m.kind === "media.offer").length === 2);
  }
  const given = page.messages.filter((m) => m.kind === "media.offer").map((m) => m.data.leg);
  for (const leg of given) await page.wait("the end of the oldest", (m) => m.kind === "media.error" && m.data.leg === leg && m.data.slug === "media/too-many-legs");
});

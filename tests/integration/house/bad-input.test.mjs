// Bad input gets a clear error, changes nothing, and nothing falls over (the programs run under ASan).
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { once } from "node:events";
import { Client } from "../../house/client.mjs";
import { until } from "../../house/house.mjs";
import { Office, exhaust, secretOf } from "../../house/office.mjs";

let house, clerk, visit, citizen, invitation;
const office = new Office({}, async () => {
  house = office.house;
  ({ clerk, visit } = await office.visit());
  invitation = await clerk.post(`/api/visits/${visit.id}/invitation`);
  citizen = office.stranger();
  await citizen.post("/api/join", { secret: secretOf(invitation) });
});

// Sends as it is and expects a problem document of that status and type.
async function refused(client, method, path, status, type, { body, headers } = {}) {
  const response = await fetch(client.base + path, {
    method,
    headers: { cookie: client.cookieHeader(), origin: client.base, ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body }),
  });
  assert.equal(response.status, status, `${method} ${path}`);
  assert.match(response.headers.get("content-type"), /^application\/problem\+json/);
  const problem = await response.json();
  assert.equal(problem.status, status);
  assert.equal(problem.type, `/problems/${type}`);
  assert.ok(problem.title.length > 5 && !problem.title.startsWith("problem."), "a title for people");
  return problem;
}

test("requests that break their schema", async () => {
  const anybody = new Client(house.boxUrl);
  await refused(anybody, "POST", "/api/tickets", 400, "request/json", { body: "{" });
  await refused(anybody, "POST", "/api/tickets", 400, "request/json", { body: '{"a":1,"a":2}' });
  const wrong = await refused(anybody, "POST", "/api/tickets", 422, "request/schema", { body: '{"service":5}' });
  assert.ok(wrong.errors.some((one) => one.pointer === "/service" && one.keyword === "type"));
  await refused(anybody, "POST", "/api/tickets", 415, "request/media-type", { body: "a=b", headers: { "content-type": "text/plain" } });
  await refused(anybody, "POST", "/api/tickets", 413, "request/too-large", { body: JSON.stringify({ service: "x".repeat(2_000_000) }) });
  await refused(anybody, "POST", "/api/tickets", 404, "queue/no-such-service", { body: '{"service":"hu.nothing","idempotencyKey":"12345678"}' });
  await refused(anybody, "GET", "/api/no-such-route", 404, "not-found");
  await refused(anybody, "DELETE", "/api/tickets", 405, "request/method");
  await refused(anybody, "GET", "/api/queue", 401, "request/unauthenticated");
  await refused(clerk, "GET", "/api/room", 403, "request/forbidden");
  await refused(clerk, "POST", "/api/queue/call-next", 403, "request/origin", { body: "{}", headers: { origin: "https://elsewhere.example" } });
});

test("wrong passwords are slowed down, and tell nothing", async () => {
  const anybody = new Client(house.hqUrl);
  const body = (login) => JSON.stringify({ login, password: "wrong" });
  const known = await refused(anybody, "POST", "/api/sign-in", 401, "accounts/wrong-password", { body: body("it") });
  const unknown = await refused(anybody, "POST", "/api/sign-in", 401, "accounts/wrong-password", { body: body("nobody") });
  assert.deepEqual([known.title, known.detail], [unknown.title, unknown.detail]);
  // Each wrong one makes the next wait longer; on a slow machine the first waits are over too soon.
  const answers = await exhaust(() => anybody.request("POST", "/api/sign-in", { login: "it", password: "wrong" }), 1);
  assert.ok(answers.length >= 4, "who mistypes may try again");
  assert.equal((await answers.at(-1).json()).type, "/problems/request/rate-limited");
});

test("invitations: forged, used, revoked", async () => {
  const other = new Client(house.boxUrl);
  await refused(other, "POST", "/api/join", 404, "accounts/invitation-unknown", { body: JSON.stringify({ secret: "x".repeat(43) }) });
  const secret = secretOf(invitation);
  await refused(other, "POST", "/api/join", 410, "accounts/invitation-used", { body: JSON.stringify({ secret }) });
  const first = await clerk.post(`/api/visits/${visit.id}/invitation`);
  await clerk.post(`/api/visits/${visit.id}/invitation`);
  await refused(other, "POST", "/api/join", 404, "accounts/invitation-unknown", { body: JSON.stringify({ code: first.code }) });
  await refused(other, "POST", "/api/join", 422, "request/schema", { body: "{}" });
});

test("eight digits cannot be tried out", async () => {
  const other = new Client(house.boxUrl);
  let read = 0, limited = 0;
  const began = Date.now();
  for (; limited < 4; ) {
    const response = await other.request("POST", "/api/join", { code: String(10_000_000 + read) });
    if (response.status === 429) limited++;
    else read++;
  }
  // Five, and one more after each wait: one second, two, four.
  const most = 5 + Math.log2(1 + (Date.now() - began) / 1000);
  assert.ok(read <= most, `${read} tries were read`);
});

test("one visit's citizen has no say in another", async () => {
  const second = await office.signedIn("clerk2");
  const foreign = await second.post("/api/visits", { service: "hu.request", channel: "walk-in" });
  await refused(citizen, "GET", `/api/drafts/${foreign.draftId}`, 403, "queue/not-yours");
  await refused(clerk, "GET", `/api/visits/${foreign.id}`, 403, "queue/not-yours");
  const socket = citizen.socket(`/api/drafts/${visit.draftId}/office`);
  const [, response] = await once(socket, "unexpected-response");
  assert.equal(response.statusCode, 403);
});

test("malformed document messages close that connection only", async () => {
  for (const bytes of [[0], [0, 2, 5, 1, 2], [0, 2, 3, 255, 255, 255], Array(300).fill(255)]) {
    const socket = citizen.socket(`/api/drafts/${visit.draftId}/shared`);
    socket.on("error", () => {});
    await once(socket, "open");
    socket.send(Buffer.from(bytes));
    const [code] = await once(socket, "close");
    assert.equal(code, 4400);
  }
  const whole = citizen.document(visit.draftId);
  await whole.synced();
  whole.form.get("familyName").insert(0, "Á");
  await until("the draft to be writable still", () => whole.durable >= 1);
  whole.close();
});

test("signalling that is none", async () => {
  const topic = `visit:${visit.id}`;
  const live = await office.follow(citizen, [topic]);
  live.send(topic, "media.join", { audio: true, video: true });
  const offer = await live.wait("the offer", (m) => m.kind === "media.offer");
  live.send(topic, "media.answer", { leg: offer.data.leg, generation: offer.data.generation, sdp: "v=0 this is no SDP" });
  const error = await live.wait("the refusal", (m) => m.kind === "media.error");
  assert.match(error.data.slug, /^media\//);
  live.send(topic, "media.answer", { leg: "somebody-elses", generation: 1, sdp: "v=0" });
  await live.wait("the second refusal", (m) => m.kind === "media.error" && m.data.slug === "media/no-such-leg");
  live.ws.send("{");
  await live.wait("the third refusal", (m) => m.type === "error");
});

test("a claim code is good once", async () => {
  const hq = join(house.state, "hq");
  const claim = await house.ablak("box", "add", "--name", "second", "--office", "cs-ukazka", "--state", hq);
  const value = (name) => new RegExp(`^${name}: *(\\S+)`, "m").exec(claim)[1];
  const enrol = async (code) => {
    const state = await mkdtemp(join(tmpdir(), "ablak-claim-"));
    try {
      await house.ablak("enrol", "--hq", `https://localhost:${house.boxesPort}`, "--ca", join(hq, "ca/ca.crt"), "--box",
        value("box"), "--code", code, "--state", state);
    } finally {
      await rm(state, { recursive: true, force: true });
    }
  };
  await assert.rejects(enrol("AAAA-AAAA-AAAA-AAAA"), /provisioning\/claim|claim/);
  await enrol(value("code"));
  await assert.rejects(enrol(value("code")), /claim/);
});

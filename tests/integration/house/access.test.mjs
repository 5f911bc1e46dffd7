// Who may still do what: after a visit's end, after signing out, as somebody else.
import { randomUUID } from "node:crypto";
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { once } from "node:events";
import { sleep, until } from "../../house/house.mjs";
import { Office, refused, secretOf } from "../../house/office.mjs";

const office = new Office({ media: false });

test("after its end a visit can only be looked back at", async () => {
  const { clerk, visit, citizen, joined } = await office.meeting();
  const draft = `/api/drafts/${visit.draftId}`;
  const handover = await citizen.post("/api/visit/handover");
  const live = await office.follow(citizen, [`visit:${visit.id}`]);
  const typing = office.edit(citizen, visit.draftId);
  await typing.synced();
  const closed = once(typing.provider, "connection-close");
  await clerk.post(`/api/visits/${visit.id}/end`);

  assert.equal((await closed)[0].code, 4409, "whoever is typing is told that the form is frozen");
  assert.equal((await citizen.get("/api/visit")).state, "ended");
  assert.equal((await citizen.get(draft)).state, "open");
  await refused(citizen.post("/api/visit/handover"), 409, "queue/visit-ended");
  await refused(citizen.post(`${draft}/rows`, { path: "/children" }), 409, "queue/visit-ended");
  for (const person of [citizen, clerk]) await refused(person.post(`${draft}/submit`, { acceptGaps: true }), 409, "queue/visit-ended");
  await refused(clerk.post(`${draft}/prefill`, { values: { "/familyName": "X" } }), 409, "queue/visit-ended");
  await refused(clerk.post(`/api/visits/${visit.id}/end`), 409, "queue/visit-ended");
  await refused(clerk.put(`/api/visits/${visit.id}/identity`, { method: "seen" }), 409, "queue/visit-ended");
  await refused(office.stranger().post("/api/join", { secret: secretOf(handover) }), 404, "accounts/invitation-unknown");

  const late = office.edit(citizen, visit.draftId);
  await late.synced();
  late.form.get("familyName").insert(0, "late");
  await until("the refusal of a late change", () => late.refused.length > 0);
  assert.equal(late.refused[0].path, "/familyName");
  const others = await office.follow(clerk, [`visit:${visit.id}`]);
  live.send(`visit:${visit.id}`, "typing", { page: "p", text: "still there?" });
  live.send(`visit:${visit.id}`, "media.join", { audio: true, video: true });
  await live.wait("the refusal of the call", (m) => m.kind === "media.error" && m.data.slug === "queue/visit-ended");
  assert.ok(!others.messages.some((m) => m.kind === "typing"));
  for (const person of [citizen, clerk]) await refused(person.post(`/api/visits/${visit.id}/messages`, { text: "late", key: randomUUID() }), 409, "queue/visit-ended");
  assert.equal((await office.stranger().post("/api/join/resume", { token: joined.resumeToken })).visitId, visit.id);
});

test("an invitation of a visit that ended with its number leads nowhere", async () => {
  const clerk = await office.signedIn("clerk2");
  await clerk.put("/api/me/counter", { counter: "2" });
  await office.stranger().post("/api/tickets", { service: "hu.request", idempotencyKey: randomUUID() });
  const { visit, ticket } = await clerk.post("/api/queue/call-next", {});
  const invitation = await clerk.post(`/api/visits/${visit.id}/invitation`);
  await clerk.post(`/api/tickets/${ticket.id}/no-show`);
  await refused(office.stranger().post("/api/join", { secret: secretOf(invitation) }), 404, "accounts/invitation-unknown");
  for (const again of ["recall", "finish", "no-show"]) await refused(clerk.post(`/api/tickets/${ticket.id}/${again}`), 409, "queue/not-called");
});

test("a filing is made once, also by two at the same time", async () => {
  const { clerk, visit, citizen } = await office.meeting();
  const submit = (person) => person.request("POST", `/api/drafts/${visit.draftId}/submit`, { acceptGaps: true });
  const answers = await Promise.all([submit(clerk), submit(citizen), submit(clerk), submit(citizen)]);
  assert.deepEqual(answers.map((one) => one.status).sort(), [201, 409, 409, 409]);
});

test("signing out and leaving close what is open", async () => {
  const { clerk, visit, citizen } = await office.meeting();
  const topic = `visit:${visit.id}`;
  for (const [person, leave] of [[clerk, () => clerk.call("DELETE", "/api/me")], [citizen, () => citizen.call("DELETE", "/api/visit")]]) {
    const live = await office.follow(person, [topic]);
    const typing = office.edit(person, visit.draftId);
    await typing.synced();
    const gone = [once(live.ws, "close"), once(typing.provider, "connection-close")];
    await leave();
    const [[code], [event]] = await Promise.all(gone);
    assert.equal(code, 1008);
    assert.equal(event.code, 1008);
  }
});

test("signing out at headquarters closes what is open", async () => {
  const it = await office.signedIn("it", office.house.hqUrl);
  const live = await office.follow(it, ["fleet"]);
  const gone = once(live.ws, "close");
  await it.call("DELETE", "/api/me");
  assert.equal((await gone)[0], 1008);
  await refused(it.get("/api/boxes"), 401, "request/unauthenticated");
});

test("who loses a role at headquarters loses open pages at the box", async () => {
  const clerk = await office.signedIn("clerk2");
  const live = await office.follow(clerk, ["desk"]);
  const gone = once(live.ws, "close");
  const csv = join(office.house.state, "staff.csv");
  await writeFile(csv, "login,name,roles,language,password\nclerk2,Somebody,editor,en,demo-clerk2-password\n");
  await office.house.ablak("user", "import", csv, "--state", join(office.house.state, "hq"));
  const [code] = await gone;
  assert.equal(code, 1008);
  await refused(clerk.get("/api/queue"), 403, "request/forbidden");
});

test("topics and cookies of others", async () => {
  const { clerk, visit, citizen } = await office.meeting();
  const nobody = office.stranger();
  for (const [person, topic] of [[nobody, `visit:${visit.id}`], [nobody, "desk"], [citizen, "desk"], [citizen, "visit:"], [citizen, "accounts"],
    [clerk, "fleet"], [clerk, "visit:00000000-0000-7000-8000-000000000000"]]) {
    const live = await office.follow(person, [topic]);
    const answer = await live.wait(`the refusal of ${topic}`, (m) => m.type === "error");
    assert.equal(answer.problem.status, 403);
    live.send(topic, "typing", { page: "p", text: "heard?" });
    live.send(topic, "media.join", {});
    const stream = await person.request("GET", `/api/events?topics=${encodeURIComponent(topic)}`);
    assert.equal(stream.status, 403);
  }
  const witness = await office.follow(citizen, [`visit:${visit.id}`]);
  await sleep(200);
  assert.ok(!witness.messages.some((m) => m.kind === "typing"));

  const both = office.stranger();
  for (const one of [clerk, citizen]) for (const [name, value] of one.cookies) both.cookies.set(name, value);
  const draft = async (headers, query = "") => (await both.request("GET", `/api/drafts/${visit.draftId}${query}`, undefined, headers)).json();
  assert.deepEqual((await draft({})).audiences, ["shared", "office"]);
  assert.deepEqual((await draft({ "ablak-as": "citizen" })).audiences, ["shared"]);
  assert.equal((await both.request("GET", "/api/queue", undefined, { "ablak-as": "citizen" })).status, 403);
  assert.equal((await citizen.request("GET", "/api/queue", undefined, { "ablak-as": "staff" })).status, 403);

  const hq = await office.signedIn("it", office.house.hqUrl);
  const stranger = office.stranger();
  for (const [name, value] of hq.cookies) {
    stranger.cookies.set(name, value);
    stranger.cookies.set("__Host-ablak-box", value);
    stranger.cookies.set("__Host-ablak-visit", value);
  }
  for (const path of ["/api/me", "/api/visit", "/api/queue"]) await refused(stranger.get(path), 401, "request/unauthenticated");
});

test("changing anything from another site", async () => {
  const { clerk, visit } = await office.meeting();
  for (const origin of ["null", "https://elsewhere.example", `https://localhost:${office.house.boxPort}`, office.house.hqUrl, "http://127.0.0.1"]) {
    const response = await clerk.request("POST", `/api/visits/${visit.id}/invitation`, undefined, { origin });
    assert.equal(response.status, 403, origin);
    assert.equal((await response.json()).type, "/problems/request/origin");
    for (const path of ["/api/live", `/api/drafts/${visit.draftId}/shared`]) {
      const socket = new (clerk.socket("/api/live").constructor)(office.house.boxUrl.replace("http", "ws") + path, { headers: { cookie: clerk.cookieHeader(), origin } });
      const [, answer] = await once(socket, "unexpected-response");
      assert.equal(answer.statusCode, 403);
      answer.destroy();
    }
  }
  const cross = await clerk.request("DELETE", "/api/me", undefined, { "sec-fetch-site": "cross-site" });
  assert.notEqual(cross.status, 204);
});

test("logs name nobody and hold no secret", async () => {
  const { visit, citizen, joined } = await office.meeting();
  const typing = office.edit(citizen, visit.draftId);
  await typing.synced();
  typing.form.get("familyName").insert(0, "Zsurlóvári");
  await until("the change to be durable", () => typing.durable >= 1);
  await office.stranger().request("POST", "/api/sign-in", { login: "no-such-login", password: "guess-4711" });
  await office.stranger().request("POST", "/api/join", { code: "12345678" });
  const log = (await office.house.log("box")) + (await office.house.log("hq"));
  for (const word of ["Zsurlóvári", "no-such-login", "guess-4711", "12345678", joined.resumeToken, "demo-clerk", "127.0.0.1", ...citizen.cookies.values()])
    assert.ok(!log.includes(word), word);
});

test("who is disabled at headquarters is out at the branch", async () => {
  const login = "clerk2-cs";
  const gone = office.stranger();
  await gone.post("/api/sign-in", { login, password: "demo-clerk2-password" });
  await gone.get("/api/me");
  const hq = join(office.house.state, "hq");
  await office.house.ablak("user", "disable", login, "--state", hq);
  await until("the branch to know", async () => (await gone.request("GET", "/api/me")).status === 401);
  await assert.rejects(gone.post("/api/sign-in", { login, password: "demo-clerk2-password" }), { status: 401 });
  await assert.rejects(office.house.ablak("user", "disable", "nobody-of-that-name", "--state", hq), /accounts\/no-such-person/);
  await office.house.ablak("user", "enable", login, "--state", hq);
  await until("the branch to let them in again", async () => (await gone.request("POST", "/api/sign-in", { login, password: "demo-clerk2-password" })).ok);
});

// A filed form reopened for completion: the same document goes on, in the same visit and in a later
// one; every submission has its receipt, and headquarters has them all.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as Y from "yjs";
import { until } from "../../house/house.mjs";
import { Office, refused } from "../../house/office.mjs";
import { assertSigned } from "../../house/receipt.mjs";

const office = new Office({ media: false });

const submit = (person, draftId) => person.post(`/api/drafts/${draftId}/submit`, { acceptGaps: true });
const stored = (person, id) => until("headquarters to have it", async () => (await person.get(`/api/filings/${id}`)).storedAt === "headquarters");
const states = (document) => [...Y.decodeStateVector(Y.encodeStateVector(document.doc))].sort(([a], [b]) => a - b);

test("the same document goes on in the same visit, and both receipts stand", async () => {
  const { clerk, visit, citizen } = await office.meeting();
  const live = await office.follow(citizen, [`visit:${visit.id}`]);
  const [theirs, ours] = [office.edit(citizen, visit.draftId), office.edit(clerk, visit.draftId)];
  await Promise.all([theirs.synced(), ours.synced()]);
  theirs.form.get("familyName").insert(0, "Minta");
  await until("the name to be durable", () => theirs.durable === 1);
  const first = await submit(citizen, visit.draftId);
  assert.equal(first.ordinal, 1);
  assert.ok(first.gaps.some((gap) => gap.path === "/givenName"));

  const before = states(theirs);
  const due = new Date(Date.now() + 8 * 86_400_000).toISOString().slice(0, 10);
  const reopened = await clerk.post(`/api/filings/${first.filingId}/reopen`, { reason: "Az utónév hiányzik.", due });
  assert.equal(reopened.draftId, visit.draftId);
  assert.equal(reopened.filingId, null);
  assert.equal(reopened.completion.reason, "Az utónév hiányzik.");
  assert.equal(reopened.completion.due, due);
  assert.equal(reopened.completion.filingId, first.filingId);
  await live.wait("the page to hear of it", (m) => m.kind === "draft.reopened");
  assert.ok(!JSON.stringify(live.messages).includes("utónév"), "events have ids, no content");
  assert.equal((await citizen.get("/api/visit")).completion.reason, "Az utónév hiányzik.");
  assert.equal((await citizen.get(`/api/drafts/${visit.draftId}`)).state, "open");

  // Both are connected still; what they write comes after what was there, under the same client ids.
  theirs.form.get("givenName").insert(0, "Éva");
  await until("the given name at the clerk's", () => ours.form.get("givenName").toString() === "Éva");
  await until("it to be durable", () => theirs.durable === 2);
  ours.form.get("familyName").insert(5, "né");
  await until("the clerk's change to be durable", () => ours.durable === 1);
  await until("it at the citizen's", () => theirs.form.get("familyName").toString() === "Mintané");
  const after = new Map(states(theirs));
  for (const [id, clock] of before) assert.ok(after.get(id) >= clock);
  assert.equal(after.size, before.length + 1, "one writer more, the clerk; nothing began anew");
  assert.equal(after.get(theirs.doc.clientID), "Minta".length + "Éva".length);

  const second = await submit(clerk, visit.draftId);
  assert.equal(second.number, first.number);
  assert.equal(second.ordinal, 2);
  assert.deepEqual(second.changes, ["/familyName", "/givenName"]);
  assert.deepEqual(second.completes, { filingId: first.filingId, arrivedAt: first.arrivedAt, contentSha256: first.contentSha256 });
  assert.equal(second.reason, "Az utónév hiányzik.");
  assert.equal(second.late, false);
  assert.equal(second.formVersion, first.formVersion);
  assert.notEqual(second.contentSha256, first.contentSha256);
  assert.ok(second.gaps.length === first.gaps.length - 1);

  await Promise.all([stored(citizen, first.filingId), stored(citizen, second.filingId)]);
  const [one, two] = await Promise.all([first, second].map(({ filingId }) => citizen.get(`/api/filings/${filingId}`)));
  assertSigned(one);
  assertSigned(two);
  assert.deepEqual(one, { ...first, storedAt: "headquarters" }, "the first receipt is as it was");
  for (const { filingId } of [one, two]) {
    const pdf = await citizen.request("GET", `/api/filings/${filingId}/receipt.pdf?lang=en`);
    assert.equal(Buffer.from(await pdf.arrayBuffer()).subarray(0, 5).toString(), "%PDF-");
  }
  const shown = await citizen.get("/api/visit");
  assert.deepEqual(shown.filings.map(({ filingId, ordinal }) => [filingId, ordinal]), [[one.filingId, 1], [two.filingId, 2]]);
  assert.equal(shown.completion, null);

  const it = await office.signedIn("it", office.house.hqUrl);
  const all = (await it.get("/api/filings")).filter(({ number }) => number === first.number);
  assert.equal(all.length, 1, "one filing");
  assert.deepEqual(all[0].submissions.map(({ ordinal, contentSha256 }) => [ordinal, contentSha256]), [[2, two.contentSha256], [1, one.contentSha256]]);
  assert.equal(all[0].contentSha256, two.contentSha256);
});

test("a later visit goes on with it, and the former one has no part in it", async () => {
  const a = await office.meeting("clerk");
  const first = await submit(a.clerk, a.visit.draftId);
  await a.clerk.post(`/api/filings/${first.filingId}/reopen`, { reason: "Fénykép" });
  await a.clerk.post(`/api/visits/${a.visit.id}/end`); // the person goes home for it
  const watching = office.edit(a.citizen, a.visit.draftId);
  await watching.synced();

  const b = await office.meeting("clerk2", "hu.request");
  const found = await b.clerk.get(`/api/filings?number=${encodeURIComponent(` ${first.number.toLowerCase()} `)}`);
  assert.equal(found.filingId, first.filingId);
  assert.equal(found.service, "hu.id-card");
  assert.equal(found.completion.reason, "Fénykép");
  await refused(b.clerk.post(`/api/visits/${b.visit.id}/continue`, { filingId: first.filingId, reason: "Más" }), 409, "forms/already-open");
  const frozen = new Promise((done) => watching.provider.once("connection-close", (event) => done(event.code)));
  const taken = await b.clerk.post(`/api/visits/${b.visit.id}/continue`, { filingId: first.filingId });
  assert.equal(taken.draftId, a.visit.draftId);
  assert.equal(taken.completion.reason, "Fénykép");
  assert.equal(await frozen, 4409, "the former visit's page is closed");
  await refused(a.citizen.get(`/api/drafts/${a.visit.draftId}`), 403, "queue/not-yours");
  const looked = await a.citizen.get("/api/visit");
  assert.equal(looked.draftId, null);
  assert.deepEqual(looked.filings.map(({ filingId }) => filingId), [first.filingId]);

  const typing = office.edit(b.citizen, taken.draftId);
  await typing.synced();
  typing.form.get("givenName").insert(0, "Ágnes");
  await until("the change to be durable", () => typing.durable === 1);
  const second = await submit(b.citizen, taken.draftId);
  assert.equal(second.number, first.number);
  assert.equal(second.service, "hu.id-card", "of the filing, not of the visit");
  assert.deepEqual(second.changes, ["/givenName"]);
  assert.equal((await b.citizen.get(`/api/filings/${first.filingId}`)).ordinal, 1);
  await refused(a.citizen.get(`/api/filings/${second.filingId}`), 403, "queue/not-yours");
  assert.equal((await b.citizen.get("/api/visit")).filingId, second.filingId);

  // Filed; a third visit opens it anew, and finds all there is.
  await b.clerk.post(`/api/visits/${b.visit.id}/end`);
  const c = await office.meeting("clerk");
  await refused(c.clerk.post(`/api/visits/${c.visit.id}/continue`, { filingId: first.filingId }), 422, "forms/reason");
  const again = await c.clerk.post(`/api/visits/${c.visit.id}/continue`, { filingId: first.filingId, reason: "Aláírás" });
  assert.deepEqual(again.filings.map(({ ordinal }) => ordinal), [1, 2]);
  assert.equal(again.completion.filingId, second.filingId);
  assert.equal((await submit(c.clerk, again.draftId)).ordinal, 3);
});

test("what may not be, is refused and changes nothing", async () => {
  const { clerk, visit, citizen } = await office.meeting("clerk");
  const stranger = await office.meeting("clerk2");
  const open = (filingId) => `/api/filings/${filingId}/reopen`;
  const { filingId, number } = await submit(clerk, visit.draftId);
  for (const person of [citizen, stranger.citizen]) await refused(person.post(open(filingId), { reason: "x" }), 403, "request/forbidden");
  await refused(office.stranger().post(open(filingId), { reason: "x" }), 401, "request/unauthenticated");
  await refused(stranger.clerk.post(open(filingId), { reason: "x" }), 403, "queue/not-yours");
  await refused(stranger.clerk.post(`/api/visits/${visit.id}/continue`, { filingId, reason: "x" }), 403, "queue/not-yours");
  await refused(stranger.clerk.post(`/api/visits/${stranger.visit.id}/continue`, { filingId, reason: "x" }), 409, "forms/elsewhere");
  await refused(clerk.post(open("00000000-0000-7000-8000-000000000000"), { reason: "x" }), 404, "filings/unknown");
  await refused(clerk.get(`/api/filings?number=${encodeURIComponent("MINTA/2026/999999")}`), 404, "filings/unknown");
  await refused(citizen.get(`/api/filings?number=${encodeURIComponent(number)}`), 403, "request/forbidden");
  await refused(clerk.post(open(filingId), {}), 422, "request/schema");
  await refused(clerk.post(open(filingId), { reason: "x".repeat(1001) }), 422, "request/schema");
  await refused(clerk.post(open(filingId), { reason: "  " }), 422, "forms/reason");
  await refused(clerk.post(open(filingId), { reason: "x", due: "2020-01-01" }), 422, "forms/due");
  await refused(clerk.post(open(filingId), { reason: "x", due: "tomorrow" }), 422, "forms/due");
  assert.equal((await clerk.get(`/api/visits/${visit.id}`)).filingId, filingId);

  await clerk.post(open(filingId), { reason: "x" });
  await refused(clerk.post(open(filingId), { reason: "x" }), 409, "forms/already-open");
  await refused(stranger.citizen.get(`/api/drafts/${visit.draftId}`), 403, "queue/not-yours");
  await refused(stranger.citizen.get(`/api/filings/${filingId}`), 403, "queue/not-yours");
  const answers = await Promise.all([clerk, citizen, clerk].map((person) => person.request("POST", `/api/drafts/${visit.draftId}/submit`, { acceptGaps: true })));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409, 409], "one completion");
  await clerk.post(`/api/visits/${visit.id}/end`);
  await refused(clerk.post(open(filingId), { reason: "x" }), 409, "queue/visit-ended");
});

test("kill -9 between reopening and filing again loses nothing", async () => {
  const { clerk, visit, citizen } = await office.meeting("clerk");
  const typing = office.edit(citizen, visit.draftId);
  await typing.synced();
  typing.form.get("familyName").insert(0, "Első");
  await until("the name to be durable", () => typing.durable === 1);
  const first = await submit(citizen, visit.draftId);
  await clerk.post(`/api/filings/${first.filingId}/reopen`, { reason: "Utónév" });
  typing.form.get("givenName").insert(0, "Második");
  await until("the given name to be durable", () => typing.durable === 2);
  await office.house.restart("box");
  await until("the client to be back", () => typing.provider.wsconnected && typing.provider.synced);
  assert.equal((await clerk.get(`/api/visits/${visit.id}`)).completion.reason, "Utónév");
  const fresh = office.edit(clerk, visit.draftId);
  await fresh.synced();
  assert.equal(fresh.form.get("givenName").toString(), "Második");
  const second = await submit(clerk, visit.draftId);
  assert.deepEqual(second.changes, ["/givenName"]);
  assert.equal(second.number, first.number);
  for (const { filingId } of [first, second]) assertSigned(await citizen.get(`/api/filings/${filingId}`));
  await stored(citizen, second.filingId);
  const it = await office.signedIn("it", office.house.hqUrl);
  await until("both at headquarters", async () => (await it.get("/api/filings")).find(({ number }) => number === first.number)?.submissions.length === 2);
});

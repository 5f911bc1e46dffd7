// The story of one visit through the interface: number, call, invitation, the form together,
// submission, receipt, headquarters; then with headquarters away and back.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { until } from "../../house/house.mjs";
import { Office, secretOf } from "../../house/office.mjs";
import { assertSigned } from "../../house/receipt.mjs";

const office = new Office();

async function openVisit(clerk, service) {
  const kiosk = office.stranger();
  const ticket = await kiosk.post("/api/tickets", { service, idempotencyKey: randomUUID() });
  const called = await clerk.post("/api/queue/call-next", {});
  assert.equal(called.ticket.number, ticket.number);
  return called;
}

test("a visit from the number to headquarters", async () => {
  const clerk = await office.signedIn("clerk");
  await clerk.put("/api/me/counter", { counter: "1" });
  const board = await office.follow(office.stranger(), ["queue"]);

  const { ticket, visit } = await openVisit(clerk, "hu.id-card");
  const event = await board.wait("the call on the board", (m) => m.kind === "ticket.called");
  assert.equal(event.data.number, ticket.number);
  assert.equal(event.data.counter, "1");

  const citizen = office.stranger();
  await citizen.post("/api/join", { secret: secretOf(await clerk.post(`/api/visits/${visit.id}/invitation`)) });
  const own = await citizen.get("/api/visit");
  assert.equal(own.id, visit.id);
  const draft = await citizen.get(`/api/drafts/${own.draftId}`);
  assert.deepEqual(draft.audiences, ["shared"], "a citizen never hears of the office's document");

  const left = office.edit(clerk, own.draftId), right = office.edit(citizen, own.draftId);
  await Promise.all([left.synced(), right.synced()]);
  const name = draft.form.layout.flatMap((section) => section.elements).find((e) => e.widget === "text").field.slice(1);
  // Both type into one field at the same time.
  for (let i = 0; i < 20; i++) {
    left.form.get(name).insert(0, "a");
    right.form.get(name).insert(right.form.get(name).length, "b");
  }
  await until("both to see all letters", () => left.form.get(name).length === 40 && right.form.get(name).length === 40);
  assert.equal(left.form.get(name).toString(), right.form.get(name).toString());
  await until("both to be told that it is saved", () => left.durable >= 20 && right.durable >= 20);

  await clerk.put(`/api/visits/${visit.id}/identity`, { method: "seen" });
  await assert.rejects(citizen.post(`/api/drafts/${own.draftId}/submit`, { acceptGaps: false }), { status: 409 });
  const receipt = await citizen.post(`/api/drafts/${own.draftId}/submit`, { acceptGaps: true });
  assert.match(receipt.number, /^MINTA\/\d{4}\/\d{6}$/);
  assert.ok(receipt.gaps.length > 0, "the receipt lists what is missing");
  assertSigned(receipt);

  const pdf = await citizen.request("GET", `/api/filings/${receipt.filingId}/receipt.pdf?lang=en`);
  assert.equal(pdf.headers.get("content-type"), "application/pdf");
  assert.equal(Buffer.from(await pdf.arrayBuffer()).subarray(0, 5).toString(), "%PDF-");

  const it = await office.signedIn("it", office.house.hqUrl);
  const filing = await until("the filing at headquarters", async () =>
    (await it.get("/api/filings")).find((one) => one.number === receipt.number));
  assert.equal(filing.contentSha256, receipt.contentSha256);
  assert.equal(filing.box, office.house.boxId);
  await until("the receipt to say so", async () => (await citizen.get(`/api/filings/${receipt.filingId}`)).storedAt === "headquarters");
  await clerk.post(`/api/tickets/${ticket.id}/finish`);
});

test("headquarters away: the branch goes on, then catches up in order", async () => {
  const clerk = await office.signedIn("supervisor");
  await clerk.put("/api/me/counter", { counter: "2" });
  await office.house.kill("hq");
  const numbers = [];
  for (let i = 0; i < 3; i++) {
    const { ticket, visit } = await openVisit(clerk, "hu.request");
    const receipt = await clerk.post(`/api/drafts/${visit.draftId}/submit`, { acceptGaps: true });
    assert.equal(receipt.storedAt, "branch");
    numbers.push(receipt.number);
    await clerk.post(`/api/tickets/${ticket.id}/finish`);
  }
  await office.house.launch("hq");
  const it = await office.signedIn("it", office.house.hqUrl);
  const arrived = await until("everything at headquarters", async () => {
    const all = (await it.get("/api/filings")).map((one) => one.number);
    return numbers.every((number) => all.includes(number)) && all;
  });
  assert.equal(new Set(arrived).size, arrived.length, "nothing twice");
  const [box] = await it.get("/api/boxes");
  assert.equal(box.quarantined, false);
  assert.equal(box.filings, arrived.length);
});

test("the knowledge base is found without accents, in both languages", async () => {
  const anybody = office.stranger();
  const find = async (q, lang) => (await anybody.get(`/api/kb/search?q=${encodeURIComponent(q)}&lang=${lang}`)).hits.map((hit) => hit.id);
  assert.ok((await find("szemelyi", "hu")).includes("hu.id-card"));
  assert.ok((await find("identity card", "en")).includes("hu.id-card"));
  const { service } = await anybody.get("/api/kb/services/hu.id-card");
  assert.equal(service.language.binding, "hu");
});

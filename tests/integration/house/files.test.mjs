// Photos and documents of a visit: what they are is told by their bytes, they arrive as they were
// sent or not at all, sending goes on where it broke, and they go with the filing.
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { Office } from "../../house/office.mjs";

const PIECE = 256 * 1024;
let house, clerk, citizen, visit, files;
const office = new Office({ media: false }, async () => {
  ({ clerk, citizen, visit } = await office.meeting());
  house = office.house;
  files = `/api/visits/${visit.id}/files`;
});

/** A real picture: one grey row of pixels, and noise in a chunk of its own until it has that size. */
function png(size = 0) {
  const crc = (bytes) => {
    let value = ~0;
    for (const byte of bytes) {
      value ^= byte;
      for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    }
    return ~value >>> 0;
  };
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc(body));
    return Buffer.concat([length, body, sum]);
  };
  const head = Buffer.from([0, 0, 0, 4, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
  const parts = [Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", head), chunk("IDAT", deflateSync(Buffer.from([0, 1, 2, 3, 4]))), chunk("IEND", Buffer.alloc(0))];
  const noise = size - Buffer.concat(parts).length - 12;
  if (noise > 0) parts.splice(2, 0, chunk("tEXt", randomBytes(noise)));
  return Buffer.concat(parts);
}

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const announce = (person, bytes, name = "photo.png", given = {}) => person.post(files, { name, size: bytes.length, sha256: sha256(bytes), key: randomUUID(), ...given });

async function piece(person, id, bytes, offset) {
  const response = await fetch(`${house.boxUrl}${files}/${id}?offset=${offset}`, {
    method: "PATCH",
    headers: { cookie: person.cookieHeader(), origin: house.boxUrl, "content-type": "application/offset+octet-stream" },
    body: bytes,
  });
  return { status: response.status, ...(await response.json()) };
}

async function send(person, bytes, name) {
  const { id } = await announce(person, bytes, name);
  let last;
  for (let at = 0; at < bytes.length; at += PIECE) last = await piece(person, id, bytes.subarray(at, at + PIECE), at);
  return last;
}

const open = (person, id) => fetch(`${house.boxUrl}${files}/${id}`, { headers: { cookie: person.cookieHeader() } });
const kept = async () => (await readdir(join(house.state, "box/files"), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length;

test("a picture arrives whole and is shown to the clerk, but never run", async () => {
  const live = await office.follow(clerk, [`visit:${visit.id}`]);
  const bytes = png(700_000);
  const file = await send(citizen, bytes, "személyi \"1\".png");
  assert.equal(file.status, 200);
  assert.equal(file.type, "image/png");
  assert.equal(file.offset, bytes.length);
  const event = await live.wait("the event", (m) => m.type === "event" && m.kind === "visit.file");
  assert.deepEqual([event.subject, event.data ?? null], [file.id, null], "the event says nothing of it");
  const reply = await open(clerk, file.id);
  assert.equal(reply.headers.get("content-type"), "image/png");
  assert.match(reply.headers.get("content-security-policy"), /sandbox/);
  assert.equal(reply.headers.get("x-content-type-options"), "nosniff");
  assert.equal(reply.headers.get("content-disposition"), "inline; filename*=UTF-8''szem%C3%A9lyi%20%221%22.png");
  assert.deepEqual(Buffer.from(await reply.arrayBuffer()), bytes);
});

test("sending goes on where it broke, and a page that lost its place is told", async () => {
  const bytes = png(600_000);
  const key = randomUUID();
  const { id } = await announce(citizen, bytes, "a.png", { key });
  assert.equal((await piece(citizen, id, bytes.subarray(0, PIECE), 0)).offset, PIECE);
  const wrong = await piece(citizen, id, bytes.subarray(0, PIECE), 0);
  assert.deepEqual([wrong.status, /blob-offset$/.test(wrong.type)], [409, true]);
  for (const offset of ["9223372036854775807", "-9223372036854775808", "x"]) assert.equal((await piece(citizen, id, bytes.subarray(0, PIECE), offset)).status, 409, offset);
  await house.kill("box");
  await house.launch("box");
  const again = await announce(citizen, bytes, "a.png", { key });
  assert.equal(again.id, id, "the same key is the same file");
  assert.ok(again.offset <= PIECE);
  assert.equal((await open(clerk, id)).status, 409, "half a file is not shown");
  let last;
  for (let at = again.offset; at < bytes.length; at += PIECE) last = await piece(citizen, id, bytes.subarray(at, at + PIECE), at);
  assert.equal(last.type, "image/png");
  assert.deepEqual(Buffer.from(await (await open(clerk, id)).arrayBuffer()), bytes);
});

test("a name says nothing of what a file is, and what was damaged is not kept", async () => {
  const before = await kept();
  const page = Buffer.from("<!doctype html><script>alert(1)</script>%%EOF");
  const refused = await send(citizen, page, "photo.jpg");
  assert.deepEqual([refused.status, /file-type$/.test(refused.type)], [422, true]);
  const picture = png();
  const { id } = await announce(citizen, picture, "b.png", { sha256: sha256("other") });
  const damaged = await piece(citizen, id, picture, 0);
  assert.deepEqual([damaged.status, /file-damaged$/.test(damaged.type)], [422, true]);
  const more = await piece(citizen, id, Buffer.concat([picture, picture]), 0);
  assert.deepEqual([more.status, /file-size$/.test(more.type)], [409, true]);
  assert.equal(await kept(), before);
});

test("what is taken away while its last piece is looked at leaves nothing behind", async () => {
  const before = await kept(), bytes = png(12_000_000), size = 1024 * 1024;
  const { id } = await announce(citizen, bytes, "away.png");
  let at = 0;
  for (; at + size < bytes.length; at += size) await piece(citizen, id, bytes.subarray(at, at + size), at);
  const [last, gone] = await Promise.all([piece(citizen, id, bytes.subarray(at), at), clerk.request("DELETE", `${files}/${id}`)]);
  assert.equal(gone.status, 204);
  assert.ok([200, 404].includes(last.status), `${last.status}`);
  assert.equal(await kept(), before);
});

test("too big, too many, and other people's", async () => {
  const tiny = png();
  await assert.rejects(citizen.post(files, { name: "x", size: 20 * 1024 * 1024 + 1, sha256: sha256("x"), key: randomUUID() }), { status: 422 });
  const { clerk: stranger, visit: other } = await office.visit("clerk2", "hu.address");
  await assert.rejects(stranger.get(files), { status: 403 });
  const [mine] = await clerk.get(files);
  const crossed = await fetch(`${house.boxUrl}/api/visits/${other.id}/files/${mine.id}`, { headers: { cookie: stranger.cookieHeader() } });
  assert.equal(crossed.status, 404);
  const made = [];
  for (let left = 20 - (await clerk.get(files)).length; left > 0; left--) made.push(await announce(citizen, tiny, "many.png"));
  await assert.rejects(announce(citizen, tiny), { status: 409 });
  for (const { id } of made) assert.equal((await citizen.request("DELETE", `${files}/${id}`)).status, 204);
});

test("the same content is kept once, and goes with the last that has it", async () => {
  const before = await kept();
  const bytes = png(5000);
  const [one, two] = [await send(citizen, bytes, "one.png"), await send(clerk, bytes, "two.png")];
  assert.equal(await kept(), before + 1);
  await clerk.request("DELETE", `${files}/${one.id}`);
  assert.equal((await open(citizen, two.id)).status, 200);
  await clerk.request("DELETE", `${files}/${two.id}`);
  assert.equal(await kept(), before);
  assert.equal((await open(citizen, two.id)).status, 404);
});

test("what is here goes with the filing, by name, size and content, signed; then it stays", async () => {
  const here = (await clerk.get(files)).filter(({ type }) => type);
  const { draftId } = await clerk.get(`/api/visits/${visit.id}`);
  const receipt = await citizen.post(`/api/drafts/${draftId}/submit`, { acceptGaps: true });
  assert.deepEqual(receipt.attachments, here.map(({ name, type, size, sha256: sum }) => ({ name, type, size, sha256: sum })));
  const after = await clerk.get(files);
  for (const { id } of here) assert.equal(after.find((file) => file.id === id).filingId, receipt.filingId);
  assert.equal((await clerk.request("DELETE", `${files}/${here[0].id}`)).status, 409);
  await clerk.post(`/api/visits/${visit.id}/end`);
  assert.equal((await open(clerk, here[0].id)).status, 200, "looking back");
  await assert.rejects(announce(clerk, png()), { status: 409 });
});

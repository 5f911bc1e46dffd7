// What somebody outside can make the box do, spend or keep.
import { randomUUID } from "node:crypto";
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { once } from "node:events";
import { Live } from "../../house/client.mjs";
import { PATIENCE_MS, until } from "../../house/house.mjs";
import { Office, exhaust } from "../../house/office.mjs";

const office = new Office({ media: false, numbersPerMinute: 60 });

const number = () => ({ service: "hu.request", idempotencyKey: randomUUID() });

test("a kiosk may be busy, a machine gun may not", async () => {
  const kiosk = office.stranger();
  const take = () => kiosk.request("POST", "/api/tickets", number());
  const began = Date.now();
  const answers = await exhaust(take, 90);
  const seconds = (Date.now() - began) / 1000;
  const refused = answers.filter(({ status }) => status !== 201);
  const issued = answers.length - refused.length;
  assert.ok(issued >= 60 && issued <= 61 + seconds, `${issued} of ${answers.length} in ${seconds} s`);
  for (const one of refused) assert.equal((await one.json()).type, "/problems/request/rate-limited");
  await until("the next number, a second later", async () => (await take()).status === 201);
});

test("guesses made side by side count one by one", async () => {
  const began = Date.now();
  const guesses = Array.from({ length: 40 }, (_, i) => office.stranger().request("POST", "/api/join", { code: String(20_000_000 + i) }));
  const read = (await Promise.all(guesses)).filter((response) => response.status !== 429).length;
  // Five, and one more after each wait: one second, two, four.
  const most = 5 + Math.log2(1 + (Date.now() - began) / 1000);
  assert.ok(read <= most, `${read} of 40 were read`);
});

test("a page that does not read is cut off", async () => {
  const { clerk, topic } = await office.visit();
  const slow = connect(office.house.boxPort, "localhost");
  await once(slow, "connect");
  slow.write(`GET /api/live HTTP/1.1\r\nHost: localhost:${office.house.boxPort}\r\nCookie: ${clerk.cookieHeader()}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`);
  const text = Buffer.from(JSON.stringify({ type: "subscribe", topics: [topic], since: null }));
  slow.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]));
  slow.pause();
  slow.on("error", () => {});
  // Each page says in passing what one may say at once, and goes; how much the kernel takes in on
  // both sides before the box notices is the machine's affair.
  const talk = async () => {
    const talker = new Live(clerk, [topic]);
    await talker.wait("the live connection", (m) => m.type === "hello");
    for (let i = 0; i < 40; i++) talker.send(topic, "typing", { page: "p", text: "x".repeat(7900) });
    talker.send(topic, "media.leave", { leg: "none" });
    await talker.wait("the box to have heard all of it", (m) => m.kind === "media.error");
    talker.close();
  };
  await until("the slow page to be cut", async () => {
    await Promise.all([talk(), talk(), talk(), talk()]);
    return /too.slow/.test(await office.house.log("box"));
  }, 3 * PATIENCE_MS);
  slow.destroy();
});

test("links for a second device are not made without end", async () => {
  const { citizen } = await office.meeting();
  const answers = await exhaust(() => citizen.request("POST", "/api/visit/handover"));
  assert.ok(answers.every(({ status }) => [201, 429].includes(status)) && answers.some(({ status }) => status === 201));
});

test("prints are typeset beside the loop, and not without end", async () => {
  const { clerk, visit } = await office.visit();
  const { filingId } = await clerk.post(`/api/drafts/${visit.draftId}/submit`, { acceptGaps: true });
  let printed = 0;
  const prints = Array.from({ length: 30 }, async () => {
    const response = await clerk.request("GET", `/api/filings/${filingId}/content.pdf`);
    printed += response.status === 200;
    return response.status;
  });
  assert.equal((await clerk.request("GET", "/healthz")).status, 200);
  assert.equal(printed, 0, "the loop answered while the prints were in work");
  const statuses = await Promise.all(prints);
  assert.ok(printed >= 12 && printed < 30, `${printed} of 30 printed`);
  assert.ok(statuses.every((status) => status === 200 || status === 429));
});

test("frames and messages that are none close that connection", async () => {
  const nobody = office.stranger();
  for (const [bytes, code] of [[Buffer.alloc(70_000, 0x20), 1009], [Buffer.from([0xff, 0xfe]), 1007]]) {
    const socket = nobody.socket("/api/live");
    await once(socket, "open");
    socket.send(bytes, { binary: false });
    const [closed] = await once(socket, "close");
    assert.equal(closed, code);
  }
  for (const text of ["{", "[]", "null", '{"type":"send"}', '{"type":"send","topic":"queue","kind":"chat","data":5}',
    '{"type":"subscribe","topics":"queue"}', '{"type":"subscribe","topics":[5]}', '{"type":"subscribe","topics":["queue"],"since":-1e99}',
    JSON.stringify({ type: "subscribe", topics: Array.from({ length: 2000 }, () => "queue") }), `{"type":"subscribe","topics":[${"[".repeat(3000)}`]) {
    const socket = nobody.socket("/api/live");
    await once(socket, "open");
    socket.send(text);
    socket.send(JSON.stringify({ type: "subscribe", topics: ["queue"], since: null }));
    socket.close();
    await once(socket, "close");
  }
  assert.equal((await nobody.request("GET", "/healthz")).status, 200);
});

test("a page's presence state is bounded", async () => {
  const { clerk, visit } = await office.visit("clerk2");
  const socket = clerk.socket(`/api/drafts/${visit.draftId}/shared`);
  await once(socket, "open");
  const state = Buffer.from(JSON.stringify({ user: "x".repeat(9000) }));
  const uint = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...uint(n >> 7)]);
  const update = Buffer.concat([Buffer.from([1, 7, 1]), Buffer.from(uint(state.length)), state]);
  socket.send(Buffer.concat([Buffer.from([1, ...uint(update.length)]), update]));
  const [code] = await once(socket, "close");
  assert.equal(code, 4413);
});

test("one address cannot take every connection", async () => {
  let closed = 0;
  const crowd = Array.from({ length: 2100 }, () =>
    connect(office.house.boxPort, "127.0.0.1").on("error", () => {}).on("close", () => closed++));
  await until("the first to be turned away", () => closed >= 100);
  const other = connect({ port: office.house.boxPort, host: "127.0.0.1", localAddress: "127.0.0.2" });
  let answer = "";
  other.on("data", (data) => (answer += data)).on("error", () => {});
  other.write(`GET /healthz HTTP/1.1\r\nHost: localhost:${office.house.boxPort}\r\nConnection: close\r\n\r\n`);
  await once(other, "close");
  assert.match(answer, /^HTTP\/1\.1 200/);
  for (const one of crowd) one.destroy();
});

// A video call and a shared form over bad lines: the real house at the branch, the clerk's Chromium
// beside it, the citizen's Chromium in a network namespace at the far end of the line. Nobody clicks
// once the call has begun. Each case prints its figures as one line of JSON.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { callState, field, join, meetByVideo, openDesk } from "../../e2e/lib/steps.mjs";
import { until } from "../../house/house.mjs";
import { received, Typing, way } from "./figures.mjs";
import { CITIZEN_FIELD, DESK_FIELD, openPage, startHouse } from "./people.mjs";
import { CITIZEN, Line, Namespace, startTurn, TURN } from "./world.mjs";

const full = process.env.ABLAK_FULL === "1";
/** A machine with other work gets more time, but where the goals themselves are asked for. */
const patient = (ms) => (full ? ms : 4 * ms);
const all = {};

before(async () => {
  all.space = await Namespace.open();
  all.line = await Line.open(all.space);
  all.turn = await startTurn();
  all.house = await startHouse();
  ({ browser: all.deskBrowser, page: all.desk } = await openPage("desk"));
  ({ browser: all.citizenBrowser, page: all.citizen } = await openPage("citizen", { space: all.space }));
  await openDesk(all.desk, all.house.boxUrl);
  const { link } = await meetByVideo(all.desk, "hu.id-card");
  await join(all.citizen, link, { video: true });
  await all.desk.click(".ab-call-start");
  await flows();
});

after(async () => {
  await Promise.all([all.deskBrowser?.close(), all.citizenBrowser?.close()]);
  const complaints = (await all.house?.complaints()) ?? [];
  await all.house?.stop();
  for (const part of ["turn", "line", "space"]) await (all[part]?.close ?? all[part]?.stop)?.call(all[part]);
  assert.deepEqual(complaints, []);
});

/** Both see and hear each other, and the encoders have had time to find the good line's rate. */
async function flows() {
  await all.line.good();
  await Promise.all([callState(all.desk, "talking"), callState(all.citizen, "talking")]);
  await settled();
}

function settled() {
  return until("a call as good as the line", async () => {
    const from = Date.now();
    await sleep(1500);
    const figures = await Promise.all([all.citizen, all.desk].map((page) => received(page, from, Date.now())));
    return figures.every((one) => one.framesPerSecond > 5 && one.audioGapMs < 1000);
  }, 40_000);
}

/** Measures both pages and the form while `happens` goes on; it may give when the line came back. */
async function measure(t, happens) {
  const write = async (from, to, path) => Typing.begin(await field(from, path).elementHandle(), await field(to, path).elementHandle());
  const typing = [await write(all.desk, all.citizen, DESK_FIELD), await write(all.citizen, all.desk, CITIZEN_FIELD)];
  const from = Date.now();
  const { backAt } = (await happens()) ?? {};
  const to = Date.now();
  const [citizen, clerk] = await Promise.all([all.citizen, all.desk].map((page) => received(page, from, to, { backAt })));
  const [down, up] = await Promise.all(typing.map((one) => one.end(backAt)));
  const form = { down, up };
  const figures = { case: t.name, seconds: Math.round((to - from) / 1000), citizen, clerk, form, way: await way(all.citizen) };
  console.log(JSON.stringify(figures));
  for (const one of [down, up]) {
    assert.ok(one.arrived, `what was typed arrives: ${JSON.stringify(form)}`);
    assert.ok(backAt !== undefined || one.p50Ms < patient(1000), `the form keeps up: ${JSON.stringify(form)}`);
  }
  for (const page of [all.citizen, all.desk]) assert.equal(await page.evaluate(() => window.neverReloaded), true, "no page was loaded again");
  return figures;
}

/** Only that there is a picture: how good it is depends on what else the machine does, and is printed. */
function assertSeen(...people) {
  for (const one of people) assert.ok(one.framesPerSecond > 2, JSON.stringify(one));
}

/** How soon after the line's return picture and form are back, both ways. */
function assertBack(figures, { pictureMs, formMs }) {
  for (const one of [figures.citizen, figures.clerk]) assert.ok(one.pictureBackMs < patient(pictureMs), JSON.stringify(figures));
  for (const one of Object.values(figures.form)) assert.ok(one.backMs < patient(formMs), JSON.stringify(figures));
}

const remember = () => Promise.all([all.citizen, all.desk].map((page) => page.evaluate(() => (window.neverReloaded = true))));

function bad(name, { onlyFull = true, seconds = 15, settings }, check = () => {}) {
  test(name, { skip: onlyFull && !full }, async (t) => {
    await flows();
    await remember();
    await all.line.set(settings);
    // The senders take a few seconds to fit the line.
    await sleep(5000);
    check(await measure(t, () => sleep(seconds * 1000)));
  });
}

/** Lips and voice: who looks closely notices 45 ms of sound that comes early and 125 ms that comes late (ITU-R BT.1359). */
function assertTogether(...people) {
  for (const one of people) assert.ok(one.pictureAheadMs !== null && Math.abs(one.pictureAheadMs) < patient(125), JSON.stringify(one));
}

bad("a good line", { onlyFull: false, seconds: 6, settings: {} }, ({ citizen, clerk, way: by }) => {
  assert.match(by, /udp$/);
  assertSeen(citizen, clerk);
  assertTogether(citizen, clerk);
});
bad("5 % loss", { onlyFull: false, settings: { loss: 5 } }, ({ citizen, clerk }) => {
  assertSeen(citizen, clerk);
});
bad("15 % loss", { settings: { loss: 15 } });
bad("300 kbit/s", { settings: { rate: 300_000 } });
bad("600 kbit/s and 5 % loss", { settings: { rate: 600_000, loss: 5 } }, (figures) => {
  for (const one of [figures.citizen, figures.clerk]) assert.ok(one.framesPerSecond >= 15 && one.audioGapMs <= 200, JSON.stringify(figures));
});
bad("300 ms round trip", { settings: { delay: 150 } });

test("10 s cut", async (t) => {
  await flows();
  await remember();
  const figures = await measure(t, async () => {
    await sleep(2000);
    await all.line.set({ cut: 1 });
    await sleep(10_000);
    await all.line.set({ cut: 0 });
    const backAt = Date.now();
    await sleep(8000);
    return { backAt };
  });
  assertBack(figures, { pictureMs: 2000, formMs: 3000 });
});

test("the citizen's address changes", { skip: !full }, async (t) => {
  await flows();
  await remember();
  const figures = await measure(t, async () => {
    await sleep(2000);
    await all.space.ip(`addr add ${CITIZEN[1]}/24 dev line0`);
    await all.space.ip(`addr del ${CITIZEN[0]}/24 dev line0`);
    // Its new address went with the old one when that was the first of the network.
    await all.space.ip(`addr replace ${CITIZEN[1]}/24 dev line0`);
    await all.space.ip("route replace default dev line0");
    const backAt = Date.now();
    await sleep(15_000);
    return { backAt };
  });
  assertBack(figures, { pictureMs: 10_000, formMs: 10_000 });
});

/** From a new page on, because a call that goes on has found its way already. */
async function blocked(t, settings, expected) {
  await all.line.good();
  await all.line.set(settings);
  await all.citizen.reload();
  await Promise.all([all.citizen, all.desk].map((page) => callState(page, "talking", 40_000)));
  await until(`the call to go by ${expected}`, async () => (await way(all.citizen)) === expected);
  await settled();
  await remember();
  const { citizen, clerk } = await measure(t, () => sleep(6000));
  assertSeen(citizen, clerk);
}

test("UDP only to TURN", { skip: !full }, (t) => blocked(t, { udp: TURN.port }, "relay udp"));
test("UDP blocked: TURN over TCP", { skip: !full }, (t) => blocked(t, { udp: 1 }, "relay tcp"));
test("UDP blocked: TURN over TLS only", async (t) => {
  execFileSync("nft", ["-f", "-"], { input: `table inet ablak { chain in { type filter hook input priority 0; tcp dport ${TURN.port} reject with tcp reset; }; }` });
  try {
    await blocked(t, { udp: 1 }, "relay tls");
    assert.doesNotMatch(await all.house.log("box"), new RegExp(TURN.secret), "the secret stays out of the log");
  } finally {
    execFileSync("nft", ["delete", "table", "inet", "ablak"]);
  }
});

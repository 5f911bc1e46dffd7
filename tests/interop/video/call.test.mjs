// Two Chromium pages in one call through ablak-media; the test plays the box.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Box, Media, frame } from "./box.mjs";
import { launch, Participant, serve } from "./browser.mjs";
import { lines } from "./forwarder.mjs";
import { difference, patterns, writePattern } from "./pattern.mjs";

const program = process.env.ABLAK_MEDIA;
const folder = mkdtempSync(join(tmpdir(), "ablak-media-"));
const socketPath = join(folder, "control");
const other = { citizen: "clerk", clerk: "citizen" };
let box, media, web;
const people = {};

async function start(options) {
  const hello = box.next((m) => m.type === "hello", "hello");
  media = new Media(program, socketPath, options);
  return hello;
}

before(async () => {
  assert.ok(program, "ABLAK_MEDIA names the program under test");
  // It waits for a box that is not there yet.
  media = new Media(program, socketPath);
  await sleep(300);
  box = await Box.listen(socketPath);
  await box.next((m) => m.type === "hello", "hello");
  web = await serve();
  await Promise.all(Object.keys(patterns).map(async (leg) => {
    const picture = join(folder, `${leg}.y4m`);
    writePattern(picture, patterns[leg]);
    const person = new Participant(box, "call", leg);
    person.browser = await launch(picture);
    await person.open(person.browser, web.url);
    people[leg] = person;
  }));
});

after(async () => {
  await Promise.all(Object.values(people).map((person) => person.browser.close()));
  if (media?.child.exitCode === null) await media.stop("SIGKILL");
  web?.close();
  await box?.close();
  rmSync(folder, { recursive: true, force: true });
});

const descriptors = () => readdirSync(`/proc/${media.pid}/fd`).length;
/** Connected UDP sockets of the media process: the legs' own, past libnice. */
function ownSockets() {
  const folder = `/proc/${media.pid}/fd`;
  const inodes = new Set(readdirSync(folder).map((fd) => /^socket:\[(\d+)\]$/.exec(readlinkSync(join(folder, fd)))?.[1]));
  const sockets = readFileSync("/proc/net/udp", "utf8").trim().split("\n").slice(1).map((line) => line.trim().split(/\s+/));
  return sockets.filter((it) => !it[2].endsWith(":0000") && inodes.has(it[9])).length;
}
const everyone = () => Object.values(people);

async function joinAll() {
  const connected = Promise.all(everyone().map((person) => person.state("connected")));
  for (const person of everyone()) await person.join();
  await connected;
  const times = await Promise.all(everyone().map((person) => person.firstFrame()));
  return `join to first decoded frame: ${everyone().map((p, i) => `${p.leg} ${times[i]} ms`).join(", ")}`;
}

/** What is wrong with one page, seen twice a second apart; empty when all is well. */
function complaint(person, earlier, now, seen) {
  const [before, after] = [earlier.kinds, now.kinds];
  if (!((after.video?.frames ?? 0) > (before.video?.frames ?? 0) + 5)) return `decodes ${JSON.stringify(after.video)}`;
  if (!((after.audio?.packets ?? 0) > (before.audio?.packets ?? 0) + 20)) return `hears ${JSON.stringify(after.audio)}`;
  if (!(difference(patterns[other[person.role]], seen) < 24)) return `sees ${JSON.stringify(seen)}`;
  return "";
}

/** Both pages decode more and more of both kinds, and see the other's picture. */
async function assertFlowing(timeoutMs = 8000) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const earlier = await Promise.all(everyone().map((person) => person.stats()));
    await sleep(1000);
    const complaints = await Promise.all(everyone().map(async (person, i) =>
      complaint(person, earlier[i], await person.stats(), await person.picture())));
    for (const person of everyone()) assert.deepEqual(person.errors, []);
    if (complaints.every((text) => text === "")) return;
    if (Date.now() > deadline) assert.fail(everyone().map((p, i) => `${p.leg} ${complaints[i]}`).join("; "));
  }
}

async function refusal(send) {
  const error = box.next((m) => m.type === "error", "an error", 5000);
  send();
  return (await error).slug;
}

test("two pages see and hear each other", async (t) => {
  t.diagnostic(await joinAll());
  await assertFlowing();
  assert.equal(ownSockets(), 2);
  for (const person of everyone()) {
    const stats = await person.stats();
    assert.match(stats.cipher, /AEAD_AES_128_GCM$/);
    assert.equal(stats.tls, "FEFD");
    assert.ok(stats.kinds.video.rtx, "retransmissions are announced");
  }
  const reply = box.next((m) => m.type === "stats", "stats");
  box.send({ type: "stats" });
  const { legs } = await reply;
  assert.deepEqual(legs.map((leg) => leg.state), ["connected", "connected"]);
  for (const leg of legs) {
    assert.equal(leg.cipher, "AEAD_AES_128_GCM");
    assert.ok(leg.packetsSent > 50 && leg.packetsReceived > 50, JSON.stringify(leg));
  }
});

test("reports and congestion feedback pass end to end", async () => {
  let last;
  for (let i = 0; i < 60; i++) {
    last = await Promise.all(everyone().map((person) => person.stats()));
    // A round trip needs a sender report there and a receiver report back; an estimate other than
    // the start of 300 kbit/s needs transport-wide feedback.
    if (last.every((it) => it.roundTrips.audio > 0 && it.roundTrips.video > 0 && it.estimate && it.estimate !== 300_000)) return;
    await sleep(200);
  }
  assert.fail(`feedback is missing: ${JSON.stringify(last)}`);
});

test("malformed input is refused and the call goes on", async () => {
  const { citizen } = people;
  const leg = { session: "call", leg: "citizen" };
  const { generation } = box.log.findLast((m) => m.type === "offer" && m.leg === "citizen");
  const answer = await citizen.page.evaluate(() => window.call.pc.localDescription.sdp);
  const cases = [
    ["media/control-malformed", () => box.sendRaw(frame("{"))],
    ["media/control-malformed", () => box.sendRaw(frame("[]"))],
    ["media/control-malformed", () => box.send({ type: "join", session: "../x", leg: "a", audio: true, video: true })],
    ["media/control-malformed", () => box.send({ type: "join", session: "x", leg: "a", audio: 1, video: false })],
    ["media/control-unknown", () => box.send({ type: "dance" })],
    ["media/control-unknown", () => box.send({ type: "hello", version: 1, legs: [] })],
    ["media/leg-unknown", () => box.send({ type: "leave", session: "call", leg: "nobody" })],
    ["media/leg-unknown", () => box.send({ type: "close", session: "nothing" })],
    ["media/generation-stale", () => box.send({ type: "answer", ...leg, generation, sdp: answer })],
    ["media/candidate-malformed", () => box.send({ type: "candidate", ...leg, generation, candidate: "candidate:x", mid: "audio" })],
    ["media/generation-stale", () => box.send({ type: "candidate", ...leg, generation: 999, candidate: "", mid: "audio" })],
  ];
  for (const [slug, send] of cases) assert.equal(await refusal(send), slug);

  const offered = box.next((m) => m.type === "offer" && m.leg === "third", "an offer");
  box.send({ type: "join", session: "call", leg: "third", audio: true, video: true });
  const offer = await offered;
  const third = { type: "answer", session: "call", leg: "third", generation: offer.generation };
  const sdps = [
    ["media/sdp-malformed", "this is not SDP"],
    ["media/sdp-malformed", answer.replace(/a=ice-ufrag:.*\r\n/g, "")],
    ["media/sdp-unsupported", answer.replaceAll("setup:active", "setup:passive")],
    ["media/sdp-unsupported", answer.replace(/m=video[^]*/, "")],
    ["media/ssrc-duplicate", answer],
  ];
  for (const [slug, sdp] of sdps) assert.equal(await refusal(() => box.send({ ...third, sdp })), slug);
  const fourth = box.next((m) => m.type === "state" && m.leg === "fourth", "the fourth leg");
  box.send({ type: "join", session: "call", leg: "fourth", audio: true, video: false });
  await fourth;
  assert.equal(await refusal(() => box.send({ type: "join", session: "call", leg: "fifth", audio: true, video: true })), "media/session-full");
  const hello = box.next((m) => m.type === "hello", "hello after a frame too large");
  box.sendRaw(Buffer.from([0xff, 0xff, 0xff, 0xff]));
  await hello;
  for (const name of ["third", "fourth"]) {
    const closed = box.next((m) => m.type === "state" && m.leg === name && m.state === "closed", "closed");
    box.send({ type: "leave", session: "call", leg: name });
    await closed;
  }
  await assertFlowing();
});

test("an ICE restart keeps the call", async () => {
  const { clerk } = people;
  const credentials = () => clerk.page.evaluate(() => /ice-ufrag:(\S+)/.exec(window.call.pc.remoteDescription.sdp)[1]);
  const old = await credentials();
  const answered = clerk.page.waitForFunction(
    (before) => window.call.pc.signalingState === "stable" && !window.call.pc.remoteDescription.sdp.includes(before), old);
  box.send({ type: "restart", session: "call", leg: "clerk" });
  await answered;
  assert.notEqual(await credentials(), old);
  await clerk.page.waitForFunction(() => ["connected", "completed"].includes(window.call.pc.iceConnectionState));
  await assertFlowing();
  assert.equal(ownSockets(), 2);
});

/** What a browser that knows only these payload types makes of an offer. */
const knows = (...types) => ({
  rewrite: async (sdp) => sdp.replace(/^(m=video \S+ \S+) (.*?)(?=\r$)/gm, (_, head, list) => `${head} ${list.split(" ").filter((type) => types.includes(type)).join(" ")}`)
    .replace(/^a=(?:rtpmap|fmtp|rtcp-fb):(\d+) .*\r\n/gm, (line, type) => (type === "111" || types.includes(type) ? line : "")),
});

test("pages with different codecs meet on a common one", async () => {
  const { citizen, clerk } = people;
  const joins = async (person, line) => {
    const connected = person.state("connected");
    person.line = line;
    await person.join();
    await connected;
  };
  const sees = async (person, codec) => {
    let video;
    for (let i = 0; i < 80; i++, await sleep(100)) {
      ({ video } = (await person.stats()).kinds);
      if (video?.codec === codec && video.frames > 5) return;
    }
    assert.fail(`${person.leg} does not see ${codec}: ${JSON.stringify(video)}`);
  };
  citizen.leave();
  await joins(clerk, knows("96", "97", "98", "99"));
  await joins(citizen, knows("98", "99", "102", "103"));
  for (const person of everyone()) await sees(person, "video/VP9");
  // Who understands more brings the preferred one back.
  await joins(citizen, null);
  for (const person of everyone()) await sees(person, "video/VP8");
  await joins(clerk, null);
  await assertFlowing();
});

test("with the box's connection cut the call goes on, and hello names its legs", async () => {
  const hello = box.next((m) => m.type === "hello", "hello again");
  box.dropConnection();
  const { legs } = await hello;
  assert.deepEqual(legs.map((l) => [l.leg, l.state]).sort(), [["citizen", "connected"], ["clerk", "connected"]]);
  await assertFlowing();
});

test("a page that joins again is back at once", async (t) => {
  const { citizen } = people;
  const connected = citizen.state("connected");
  await citizen.join();
  await connected;
  t.diagnostic(`joined again, first decoded frame: ${await citizen.firstFrame()} ms`);
  await assertFlowing();
  const before = descriptors();
  for (let i = 0; i < 10; i++) {
    const again = citizen.state("connected");
    await citizen.join();
    await again;
    await citizen.firstFrame();
  }
  await sleep(300);
  assert.ok(descriptors() <= before, `${before} descriptors before, ${descriptors()} after ten calls`);
});

test("when the other leaves the picture ends, and a page without a camera still sees", async () => {
  const { citizen, clerk } = people;
  const receives = (wanted) => clerk.page.waitForFunction(
    (it) => window.call.pc.getTransceivers().every((t) => (t.currentDirection === "sendrecv") === it), wanted);
  citizen.leave();
  await receives(false);
  await citizen.page.evaluate(() => window.call.noCamera());
  const listening = citizen.state("connected");
  await citizen.join(false);
  await listening;
  await citizen.firstFrame();
  const { kinds } = await citizen.stats();
  assert.ok(kinds.video.frames > 0 && kinds.audio.packets > 0, JSON.stringify(kinds));
  await citizen.page.evaluate(() => window.call.camera());
  const sending = citizen.state("connected");
  await citizen.join();
  await sending;
  await receives(true);
  await assertFlowing();
});

test("a page loaded again joins beside its former leg, which nobody knows to be dead", async (t) => {
  const former = people.citizen;
  const citizen = new Participant(box, "call", "citizen-again");
  citizen.browser = former.browser;
  await citizen.open(former.browser, web.url);
  // The process of the former page ends without a word to anyone.
  const cdp = await former.page.context().newCDPSession(former.page);
  cdp.send("Page.crash").catch(() => {});
  await former.page.waitForEvent("crash");
  people.citizen = citizen;
  const connected = citizen.state("connected");
  await citizen.join();
  await connected;
  t.diagnostic(`loaded again, first decoded frame: ${await citizen.firstFrame()} ms`);
  await assertFlowing();
  const closed = box.next((m) => m.leg === "citizen" && m.state === "closed", "the former leg's end");
  former.leave();
  await closed;
  await assertFlowing();
});

test("a bad line: loss is repaired by the other page's retransmissions, a cut heals", async (t) => {
  const { clerk } = people;
  clerk.line = lines();
  const connected = clerk.state("connected");
  await clerk.join();
  await connected;
  await clerk.firstFrame();
  clerk.line.set({ loss: 0.08 });
  const earlier = (await clerk.stats()).kinds.video;
  let now, seconds = 0;
  do {
    await sleep(2000);
    seconds += 2;
    now = (await clerk.stats()).kinds.video;
  } while ((now.nacks === 0 || now.repaired === 0) && seconds < 12);
  clerk.line.set({ loss: 0 });
  const rate = (now.frames - earlier.frames) / seconds;
  t.diagnostic(`8 % loss each way: ${rate} frames/s, ${JSON.stringify(now)}`);
  assert.ok(now.nacks > 0 && now.repaired > 0, JSON.stringify(now));
  assert.ok(rate > 8, `${rate} frames/s`);
  const gone = clerk.state("disconnected", 9000);
  clerk.line.set({ cut: true });
  assert.equal((await gone).reason, "silent");
  const back = clerk.state("connected", 9000);
  clerk.line.set({ cut: false });
  await back;
  await assertFlowing();
  clerk.line.close();
  clerk.line = null;
});

test("kill -9 of the media process: a new one brings the picture back", async (t) => {
  const gone = new Promise((resolve) => box.once("gone", resolve));
  await media.stop("SIGKILL");
  await gone;
  const hello = await start();
  assert.deepEqual(hello.legs, []);
  t.diagnostic(await joinAll());
  await assertFlowing();
});

test("AES_CM_128_HMAC_SHA1_80 works too", async () => {
  const gone = new Promise((resolve) => box.once("gone", resolve));
  const { code, log } = await media.stop("SIGTERM");
  await gone;
  assert.equal(code, 0, log);
  await start({ profiles: "SRTP_AES128_CM_SHA1_80" });
  await joinAll();
  await assertFlowing();
  for (const person of everyone()) assert.match((await person.stats()).cipher, /AES.*CM.*HMAC_SHA1_80$/);
});

test("a page that goes away is noticed, and one that closes at once", async () => {
  const { citizen, clerk } = people;
  const failed = clerk.state("failed"), closed = clerk.state("closed");
  await clerk.page.evaluate(() => window.call.pc.close());
  assert.equal((await failed).reason, "peer-closed");
  await closed;
  // Only packets tell that the process at the other end is dead.
  const quiet = citizen.state("disconnected", 9000);
  const cdp = await citizen.browser.newBrowserCDPSession();
  await cdp.send("Browser.crash").catch(() => {});
  assert.equal((await quiet).reason, "silent");
});

test("joining and leaving leaks no descriptor, and SIGTERM ends cleanly", async () => {
  const round = async (i) => {
    const offered = box.next((m) => m.type === "offer" && m.session === `round-${i}`, "an offer");
    box.send({ type: "join", session: `round-${i}`, leg: "a", audio: true, video: true });
    await offered;
    const closed = box.next((m) => m.type === "state" && m.session === `round-${i}` && m.state === "closed", "closed");
    box.send({ type: "leave", session: `round-${i}`, leg: "a" });
    await closed;
  };
  const closed = box.next((m) => m.type === "state" && m.session === "call" && m.state === "closed", "closed");
  box.send({ type: "close", session: "call" });
  await closed;
  await round(0);
  await sleep(300);
  const before = descriptors();
  for (let i = 1; i <= 50; i++) await round(i);
  await sleep(300);
  assert.ok(descriptors() <= before, `${before} descriptors before, ${descriptors()} after`);
  const { code, log } = await media.stop("SIGTERM");
  assert.equal(code, 0, log);
  assert.doesNotMatch(log, /Sanitizer|runtime error|"level":"error"/);
});

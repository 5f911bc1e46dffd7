// Recording between two browsers through the real box: not without both consents, seen by both all the
// time, stopped at once, replayed in step, deleted; and a recorder that dies takes nothing with it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join as path } from "node:path";
import { after, before } from "node:test";
import { Client } from "../house/client.mjs";
import { House, sleep, until } from "../house/house.mjs";
import { assertAccessible, fitsWidth, openPerson, screenshot, startBrowser } from "./lib/browser.mjs";
import { callState, framesDecoded, join, meetByVideo, openDesk, saved } from "./lib/steps.mjs";
import { story } from "./lib/story.mjs";

const WHY = { reason: "complaint 12/2026" };
const FLAGS = ["--allow-loopback-in-peer-connection"];
let house, office, home, desk, citizen, clerk, visit;

const LAMP_MS = 1000;

/** Both cameras see one lamp, on for a second and off for one, by the clock that both browsers have. */
function seeLamp(lampMs) {
  const devices = navigator.mediaDevices;
  const real = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (wanted) => {
    const stream = await real(wanted);
    const [camera] = stream.getVideoTracks();
    if (!camera) return stream;
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
    const drawing = canvas.getContext("2d");
    setInterval(() => {
      drawing.fillStyle = "#357";
      drawing.fillRect(0, 0, 320, 240);
      drawing.fillStyle = Math.floor(Date.now() / lampMs) % 2 ? "#fff" : "#000";
      drawing.fillRect(80, 60, 160, 120);
    }, 30);
    stream.removeTrack(camera);
    stream.addTrack(canvas.captureStream(30).getVideoTracks()[0]);
    camera.stop();
    return stream;
  };
}

async function person(browser, options) {
  const page = await openPerson(browser, { origin: house.boxUrl, ...options });
  await page.addInitScript(seeLamp, LAMP_MS);
  await page.addInitScript((language) => localStorage.setItem("ablak-language", language), options.language);
  return page;
}

const folder = () => path(house.state, "box/recordings");
const files = () => readdirSync(folder()).sort();
const bytes = () => files().reduce((sum, name) => sum + statSync(path(folder(), name)).size, 0);
const state = (page, expected) => page.waitForSelector(`[data-recording="${expected}"]`);
const recordings = () => clerk.get("/api/recordings");

before(async () => {
  [house, office, home] = await Promise.all([House.start({ office: "hu" }), startBrowser({ flags: FLAGS }), startBrowser({ flags: FLAGS })]);
  clerk = new Client(house.boxUrl);
  await clerk.post("/api/sign-in", { login: "clerk", password: "demo-clerk-password" });
  desk = await person(office, { language: "en", width: 1440, height: 900 });
  citizen = await person(home, { language: "en", width: 390, height: 844 });
  await openDesk(desk, house.boxUrl, { login: "clerk", counter: "3" });
  const { link } = await meetByVideo(desk, "hu.request");
  await join(citizen, link, { video: true });
  await desk.click(".ab-call-start");
  await Promise.all([callState(desk, "talking"), callState(citizen, "talking")]);
  ({ visit } = await clerk.get("/api/queue"));
});
after(async () => {
  await Promise.all([office?.close(), home?.close()]);
  const complaints = (await house?.complaints()) ?? [];
  await house?.stop();
  assert.deepEqual(complaints, []);
});

const step = story();

async function ask() {
  await desk.click(".ab-recording-ask");
  await desk.click(".ab-recording-ask-send");
  await citizen.waitForSelector(".ab-recording-question");
}

step("nobody has consented: nothing is recorded, and both pages say so", async () => {
  await Promise.all([state(desk, "off"), state(citizen, "off")]);
  await ask();
  await state(desk, "asked");
  const [yes, no] = await Promise.all([".ab-recording-yes", ".ab-recording-no"].map((one) => citizen.locator(one).evaluate((button) => [button.className.replace(/ab-recording-\w+/, ""), button.offsetHeight, getComputedStyle(button).backgroundColor])));
  assert.deepEqual(yes, no, "either answer is as easy");
  assert.match(await citizen.innerText(".ab-recording-question"), /deleted after 30 days[^]*changes nothing about your matter/);
  await assertAccessible(citizen, "recording question");
  assert.ok(await fitsWidth(citizen));
  await screenshot(citizen, "recording-question");
  await sleep(1500);
  assert.deepEqual(files(), []);
});

step("refused: the folder stays empty, and the service goes on", async () => {
  await citizen.click(".ab-recording-no");
  await Promise.all([state(desk, "refused"), state(citizen, "refused")]);
  await sleep(2000);
  assert.deepEqual(files(), []);
  assert.deepEqual(await recordings(), []);
  await callState(citizen, "talking");
});

step("both consent: it is recorded, and both pages say so all the time", async () => {
  await ask();
  await citizen.click(".ab-recording-yes");
  await Promise.all([state(desk, "recording"), state(citizen, "recording")]);
  await until("files", () => files().some((name) => name.endsWith(".2.part")));
  await assertAccessible(citizen, "being recorded");
  await assertAccessible(desk, "desk being recorded");
  await screenshot(citizen, "recording-citizen");
  await screenshot(desk, "recording-desk");
  const text = citizen.locator('.ab-draft[data-audience="shared"] [data-path]').locator("textarea, input[type=text]").first();
  await text.fill("Recorded words");
  await saved(citizen);
  await desk.fill(".ab-chat-form input", "Written words");
  await desk.keyboard.press("Enter");
  await sleep(6000);
  // Nothing of it can be read without the key.
  for (const name of files()) assert.ok(!readFileSync(path(folder(), name)).includes("V_VP8"), name);
});

step("the clerk stops it: what there is stays, and is named by its digest", async () => {
  await desk.click(".ab-recording-stop");
  await Promise.all([state(desk, "kept"), state(citizen, "kept")]);
  await until("names", () => files().every((name) => /^[0-9a-f]{64}$|\.key$/.test(name)));
  for (const name of files().filter((one) => !one.endsWith(".key"))) {
    const [digest] = execFileSync("sha256sum", [path(folder(), name)], { encoding: "utf8" }).split(" ");
    assert.equal(digest, name);
  }
  const [{ state: is, deleteAt, endedAt }] = await recordings();
  assert.equal(is, "kept");
  assert.equal(Math.round((Date.parse(deleteAt) - Date.parse(endedAt)) / 86_400_000), 30);
  const size = bytes();
  await sleep(2000);
  assert.equal(bytes(), size, "not a byte more");
  await callState(citizen, "talking");
});

async function part(replay, number) {
  const pieces = [];
  for (let from = 0; ; ) {
    const reply = await clerk.request("GET", `/api/replays/${replay.id}/parts/${number}?from=${from}`);
    assert.equal(reply.status, 200, await reply.clone().text().catch(() => ""));
    const piece = Buffer.from(await reply.arrayBuffer());
    if (piece.length === 0) return Buffer.concat(pieces);
    pieces.push(piece);
    from += piece.length;
  }
}

step("a replay is logged, and gives both parties and the form on one timeline", async () => {
  const [recording] = await recordings();
  const replay = await clerk.post(`/api/recordings/${recording.id}/replays`, WHY);
  const lines = (await part(replay, 0)).toString().split("\n").filter(Boolean).map((line) => JSON.parse(line));
  const parts = lines.filter(({ type }) => type === "part");
  // Sound alone may come first, until a key frame has; a picture that stood still begins a part anew.
  const seen = parts.filter(({ media }) => media === 'video/webm; codecs="vp8,opus"');
  assert.deepEqual([...new Set(seen.map(({ party }) => party))].sort(), ["citizen", "clerk"]);
  assert.ok(lines.some(({ type }) => type === "edit"));
  for (const { part: number } of seen) assert.ok((await part(replay, number)).includes("V_VP8"));
  const other = new Client(house.boxUrl);
  await other.post("/api/sign-in", { login: "clerk2", password: "demo-clerk2-password" });
  await assert.rejects(other.post(`/api/recordings/${recording.id}/replays`, WHY), { status: 403 });
  await assert.rejects(other.get(`/api/recordings/${recording.id}/replays`), { status: 403 });
  await assert.rejects(clerk.post(`/api/recordings/${recording.id}/replays`, { reason: "   " }), { status: 422 });
  const log = await clerk.get(`/api/recordings/${recording.id}/replays`);
  assert.deepEqual(log.map(({ reason }) => reason), [WHY.reason]);
  await assert.rejects(other.get(`/api/replays/${replay.id}/parts/0`), { status: 404 });
  assert.deepEqual(await other.get("/api/recordings"), []);
});

/** Notes of each frame that is shown which moment it is of, when it is on the screen, and the lamp. */
const watchFrames = (page) => page.evaluate(() => {
  window.frames_ = {};
  for (const party of document.querySelectorAll(".ab-replay-party")) {
    const video = party.querySelector("video");
    const frames = (window.frames_[party.dataset.party] = []);
    const look = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
    const note = (_, { mediaTime, expectedDisplayTime }) => {
      look.drawImage(video, video.videoWidth / 2, video.videoHeight / 2, 1, 1, 0, 0, 1, 1);
      frames.push({ of: mediaTime, on: expectedDisplayTime / 1000, lit: look.getImageData(0, 0, 1, 1).data[0] > 128 });
      video.requestVideoFrameCallback(note);
    };
    video.requestVideoFrameCallback(note);
  }
});
const frames = (page) => page.evaluate(() => window.frames_);
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const motion = (page, is) => page.waitForSelector(`.ab-replay[data-motion="${is}"]`);
const moments = (page) => page.$$eval(".ab-replay-party video", (videos) => videos.map(({ currentTime }) => currentTime));
let replayPage;

step("the page asks why, and plays both sides in step", async () => {
  const page = (replayPage = await desk.context().newPage());
  await page.setViewportSize({ width: 1366, height: 900 });
  await page.goto(`${house.boxUrl}/replay`);
  await page.click(".ab-replay-watch");
  await page.click(".ab-replay-begin");
  await page.waitForSelector(".ab-replay-reason[aria-invalid]");
  await assertAccessible(page, "reason for a replay");
  await screenshot(page, "replay-reason");
  await page.fill(".ab-replay-reason", WHY.reason);
  await page.click(".ab-replay-begin");
  await motion(page, "still");
  await watchFrames(page);
  await page.focus(".ab-replay");
  await page.keyboard.press("Space");
  const shown = await until("frames of both", async () => {
    const { citizen, clerk } = await frames(page);
    return citizen.length >= 20 && clerk.length >= 20 && { citizen: citizen.slice(-10), clerk: clerk.slice(-10) };
  });
  // In step: frames of one moment are on the screen at one time.
  const [his, hers] = [shown.citizen, shown.clerk].map((list) => median(list.map(({ of, on }) => on - of)));
  assert.ok(Math.abs(his - hers) < 0.1, `${his - hers} s apart`);
  await page.keyboard.press("Space");
  await motion(page, "still");
  const [citizenAt, clerkAt] = await moments(page);
  assert.ok(Math.abs(citizenAt - clerkAt) < 0.002, `${citizenAt} and ${clerkAt}`);
});

/** Between which frames the lamp was turned on or off; a busy browser leaves frames out. */
const turns = (list) => list.flatMap(({ of, lit }, i) => (i > 0 && lit !== list[i - 1].lit && of > list[i - 1].of ? [{ lit, after: list[i - 1].of, by: of }] : []));

/** How far apart at least each turn was on the two sides. */
function turnsApart({ citizen, clerk }) {
  const pairs = turns(citizen).flatMap((one) => turns(clerk).filter((other) => other.lit === one.lit && Math.abs(other.by - one.by) < LAMP_MS / 1000).map((other) => [one, other]));
  return pairs.map(([one, other]) => Math.max(0, one.after - other.by, other.after - one.by));
}

step("one lamp before both cameras is turned on and off at the same moments", async () => {
  const page = replayPage;
  await page.focus(".ab-replay");
  await page.keyboard.press("Home");
  await motion(page, "still");
  await page.evaluate(() => Object.values(window.frames_).forEach((list) => list.splice(0)));
  await page.click(".ab-replay-play");
  const apart = await until("turns on both sides", async () => {
    const found = turnsApart(await frames(page));
    return found.length >= 4 && found;
  });
  assert.ok(median(apart) < 0.1, JSON.stringify(apart));
  await page.click(".ab-replay-play");
  await motion(page, "still");
});

step("a press on what was entered goes to its moment, on both sides and in the form", async () => {
  const page = replayPage;
  const entry = page.locator(".ab-replay-story button", { hasText: "Recorded words" });
  await entry.click();
  await motion(page, "still");
  const [citizenAt, clerkAt] = await moments(page);
  assert.ok(Math.abs(citizenAt - clerkAt) < 0.002, `${citizenAt} and ${clerkAt}`);
  const [minutes, seconds] = (await entry.locator(".ab-replay-when").innerText()).split(":").map(Number);
  assert.equal(Math.floor(citizenAt), 60 * minutes + seconds);
  // The frame that comes to the screen, some time after, is the last one of before.
  const isOfMoment = ({ of }) => of < citizenAt + 0.01 && of > citizenAt - 0.5;
  await until(`the frames of ${citizenAt}`, async () => Object.values(await frames(page)).every((list) => isOfMoment(list.at(-1))));
  assert.match(await page.innerText(".ab-replay-lit"), /Client[^]*Recorded words/);
  assert.match(await page.innerText(".ab-replay-story"), /Clerk Message\s+Written words/);
  await assertAccessible(page, "replay");
  await screenshot(page, "replay");
  await page.setViewportSize({ width: 390, height: 844 });
  assert.ok(await fitsWidth(page));
  await screenshot(page, "replay-phone", { fullPage: true });
  // Before the first words the form was as it had been.
  await page.focus(".ab-replay");
  await page.keyboard.press("Home");
  await motion(page, "still");
  assert.doesNotMatch(await page.innerText(".ab-replay-below"), /Recorded words/);
  await page.click(".ab-replay-log summary");
  assert.match(await page.innerText(".ab-replay-log"), /complaint 12\/2026/);
});

step("the citizen has it deleted: key and files are gone", async () => {
  await citizen.click(".ab-recording-delete");
  await Promise.all([state(desk, "deleted"), state(citizen, "deleted")]);
  await until("an empty folder", () => files().length === 0);
  // Whoever was watching sees it no more.
  await replayPage.waitForSelector(".ab-replay", { state: "detached" });
  await replayPage.click(".ab-replay-leave");
  assert.match(await replayPage.innerText('.ab-recordings [data-state="deleted"]'), /Deleted[^]*consent was withdrawn/);
  await replayPage.setViewportSize({ width: 1366, height: 900 });
  await assertAccessible(replayPage, "list of recordings");
  await screenshot(replayPage, "replay-list");
  await replayPage.close();
});

step("withdrawn in the middle: deleted at once, and the call goes on", async () => {
  await ask();
  await citizen.click(".ab-recording-yes");
  await until("files", () => files().some((name) => name.endsWith(".1.part")));
  await citizen.click(".ab-recording-stop");
  await citizen.click(".ab-recording-stop-delete");
  await state(citizen, "deleted");
  await until("an empty folder", () => files().length === 0, 5000);
  await sleep(1500);
  assert.deepEqual(files(), []);
  const frames = await framesDecoded(desk);
  await until("frames", async () => (await framesDecoded(desk)) > frames + 5);
});

step("a recorder that is killed leaves what it wrote, and the call goes on", async () => {
  await ask();
  await citizen.click(".ab-recording-yes");
  // More than the 16 KiB that may be lost, of sound and picture.
  const size = (name) => statSync(path(folder(), name)).size;
  const long = await until("a long part", () => files().find((name) => /\.[1-9]\d*\.part$/.test(name) && size(name) > 40_000));
  const [pid] = execFileSync("pgrep", ["-P", String(house.pid("box")), "-f", "ablak-recorder"], { encoding: "utf8" }).trim().split("\n");
  process.kill(Number(pid), "SIGKILL");
  await Promise.all([state(desk, "interrupted"), state(citizen, "interrupted")]);
  const [recording] = await recordings();
  const replay = await clerk.post(`/api/recordings/${recording.id}/replays`, WHY);
  assert.ok((await part(replay, Number(long.split(".").at(-2)))).length > 16_000);
  const frames = await framesDecoded(citizen);
  await until("frames", async () => (await framesDecoded(citizen)) > frames + 5);
});

step("what is due is deleted by itself", async () => {
  await until("names", () => files().every((name) => /^[0-9a-f]{64}$|\.key$/.test(name)));
  assert.ok(files().length > 0);
  await house.kill("box", "SIGTERM");
  execFileSync("sqlite3", [path(house.state, "box/box.db"), "UPDATE recording SET delete_at = 1 WHERE state = 'interrupted'"]);
  await house.launch("box");
  await until("an empty folder", () => files().length === 0);
});

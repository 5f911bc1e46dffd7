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

const FLAGS = ["--allow-loopback-in-peer-connection"];
let house, office, home, desk, citizen, clerk, visit;

async function person(browser, options) {
  const page = await openPerson(browser, { origin: house.boxUrl, ...options });
  await page.addInitScript((language) => localStorage.setItem("ablak-language", language), options.language);
  return page;
}

const folder = () => path(house.state, "box/recordings");
const files = () => readdirSync(folder()).sort();
const bytes = () => files().reduce((sum, name) => sum + statSync(path(folder(), name)).size, 0);
const state = (page, expected) => page.waitForSelector(`[data-recording="${expected}"]`, { timeout: 20_000 });
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
  await until("files", () => files().some((name) => name.endsWith(".2.part")), 20_000);
  await assertAccessible(citizen, "being recorded");
  await assertAccessible(desk, "desk being recorded");
  await screenshot(citizen, "recording-citizen");
  await screenshot(desk, "recording-desk");
  const text = citizen.locator('.ab-draft[data-audience="shared"] [data-path]').locator("textarea, input[type=text]").first();
  await text.fill("Recorded words");
  await saved(citizen);
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
  const replay = await clerk.post(`/api/recordings/${recording.id}/replays`);
  const lines = (await part(replay, 0)).toString().split("\n").filter(Boolean).map((line) => JSON.parse(line));
  const parts = lines.filter(({ type }) => type === "part");
  // Sound alone may come first, until a key frame has.
  const seen = parts.filter(({ media }) => media === 'video/webm; codecs="vp8,opus"');
  assert.deepEqual(seen.map(({ party }) => party).sort(), ["citizen", "clerk"]);
  assert.ok(lines.some(({ type }) => type === "edit"));
  for (const { part: number } of seen) assert.ok((await part(replay, number)).includes("V_VP8"));
  const other = new Client(house.boxUrl);
  await other.post("/api/sign-in", { login: "clerk2", password: "demo-clerk2-password" });
  await assert.rejects(other.post(`/api/recordings/${recording.id}/replays`), { status: 403 });
  await assert.rejects(other.get(`/api/replays/${replay.id}/parts/0`), { status: 404 });
  assert.deepEqual(await other.get("/api/recordings"), []);
});

step("the citizen has it deleted: key and files are gone", async () => {
  await citizen.click(".ab-recording-delete");
  await Promise.all([state(desk, "deleted"), state(citizen, "deleted")]);
  await until("an empty folder", () => files().length === 0);
});

step("withdrawn in the middle: deleted at once, and the call goes on", async () => {
  await ask();
  await citizen.click(".ab-recording-yes");
  await until("files", () => files().some((name) => name.endsWith(".1.part")), 20_000);
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
  await until("sound and picture", () => files().filter((name) => name.endsWith(".part")).length >= 3 && bytes() > 200_000, 30_000);
  const [pid] = execFileSync("pgrep", ["-P", String(house.pid("box")), "-f", "ablak-recorder"], { encoding: "utf8" }).trim().split("\n");
  process.kill(Number(pid), "SIGKILL");
  await Promise.all([state(desk, "interrupted"), state(citizen, "interrupted")]);
  const [recording] = await recordings();
  const replay = await clerk.post(`/api/recordings/${recording.id}/replays`);
  assert.ok((await part(replay, 1)).length > 16_000);
  const frames = await framesDecoded(citizen);
  await until("frames", async () => (await framesDecoded(citizen)) > frames + 5);
});

step("what is due is deleted by itself", async () => {
  await until("names", () => files().every((name) => /^[0-9a-f]{64}$|\.key$/.test(name)));
  assert.ok(files().length > 0);
  await house.kill("box", "SIGTERM");
  execFileSync("sqlite3", [path(house.state, "box/box.db"), "UPDATE recording SET delete_at = 1 WHERE state = 'interrupted'"]);
  await house.launch("box");
  await until("an empty folder", () => files().length === 0, 10_000);
});

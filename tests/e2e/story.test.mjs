// The whole story in Debian's Chromium: a number, a call to the counter, a citizen at home on a
// phone, picture and sound both ways, one form filled by two people, the receipt, headquarters; then
// the same with headquarters and the media process taken away in the middle, and given back.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { House, until } from "../house/house.mjs";
import { patterns, writePattern } from "../interop/video/pattern.mjs";
import { fitsWidth, SCREENSHOTS, startBrowser } from "./lib/browser.mjs";
import { saved } from "./lib/steps.mjs";
import { received, seesAndHears } from "./story/call.mjs";
import { openPerson, signIn, switchLanguage } from "./story/person.mjs";
import { sampleService } from "./story/texts.mjs";

// Chromium gathers no address to send from on a machine that has only loopback.
const FLAGS = ["--allow-loopback-in-peer-connection"];
const REGISTRY_NUMBER = /^MINTA\/\d{4}\/\d{6}$/;
const idCard = sampleService("id-card");
const request = sampleService("request");

let house, folder, people;
const browsers = [];
let kiosk, board, desk, citizen, console_;

async function startCamera(name) {
  const video = join(folder, `${name}.y4m`);
  writePattern(video, patterns[name]);
  const browser = await startBrowser({ video, flags: FLAGS });
  browsers.push(browser);
  return browser;
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "ablak-e2e-"));
  let office, home;
  [house, office, home] = await Promise.all([House.start(), startCamera("clerk"), startCamera("citizen")]);
  const notSignedIn = /^401 GET \/api\/me$/;
  people = await Promise.all([
    openPerson(office, "kiosk", { language: "hu", width: 1080, height: 1280 }),
    openPerson(office, "board", { language: "hu", width: 1280, height: 720 }),
    openPerson(office, "desk", { language: "en", width: 1440, height: 900, expected: [notSignedIn] }),
    openPerson(home, "citizen", { language: "en", width: 390, height: 844, touch: true }),
    openPerson(office, "console", { language: "en", width: 1280, height: 720, expected: [notSignedIn] }),
  ]);
  [kiosk, board, desk, citizen, console_] = people;
});

after(async () => {
  await Promise.all(browsers.map((browser) => browser.close()));
  const complaints = (await house?.complaints()) ?? [];
  await house?.stop();
  await rm(folder, { recursive: true, force: true });
  assert.deepEqual(complaints, []);
});

// The steps are one story: after a failure the rest would only time out one by one.
let failed = false;
function step(name, work) {
  test(name, async (t) => {
    if (failed) return t.skip("an earlier step failed");
    try {
      await work(t);
      assert.deepEqual(people.flatMap(({ trouble }) => trouble), []);
    } catch (error) {
      failed = true;
      await Promise.all(people.map((person) => person.shot(`failed-${person.name}`).catch(() => {})));
      t.diagnostic(people.flatMap(({ trouble }) => trouble).join("\n"));
      for (const name of ["hq", "box", "media"]) await writeFile(join(SCREENSHOTS, `failed-${name}.log`), await house.log(name));
      throw error;
    }
  });
}

// --- what people do ------------------------------------------------------------------------------

async function takeNumber(service) {
  await kiosk.page.getByRole("button", { name: service.name.hu }).click();
  await kiosk.page.getByRole("heading", { name: kiosk.t("ui.kiosk.ticket-title") }).waitFor();
  const number = await kiosk.page.getByRole("article").getByText(new RegExp(`^${service.prefix}\\d{3}$`)).innerText();
  await kiosk.shot("kiosk-ticket");
  // It would go back by itself too, after a while.
  await kiosk.button("ui.kiosk.done").click();
  await kiosk.page.getByRole("heading", { name: kiosk.t("ui.kiosk.title") }).waitFor();
  return number;
}

/** By key, and how long the board took to show it. */
async function callNext(number) {
  const last = board.region("ui.board.last");
  const begun = Date.now();
  await desk.keys.press("Alt+KeyN");
  await last.getByText(number, { exact: true }).waitFor();
  const took = Date.now() - begun;
  await last.getByText(board.t("ui.board.counter", { counter: "1" })).waitFor();
  await desk.region("ui.desk.queue").getByText(number, { exact: true }).waitFor();
  return took;
}

async function invite() {
  await desk.keys.press("Alt+KeyI");
  const dialog = desk.dialog("ui.invitation.dialog");
  await dialog.waitFor();
  const link = await dialog.getByLabel(desk.t("ui.invitation.link")).inputValue();
  assert.match(link, new RegExp(`^${house.boxUrl}/join#.{20,}$`));
  return { link, close: () => desk.keys.press("Escape").then(() => dialog.waitFor({ state: "detached" })) };
}

async function joinWithVideo(link) {
  await citizen.page.goto(link);
  await citizen.page.getByRole("heading", { level: 1, name: citizen.t("ui.join.invited-title", { office: "" }).trim() }).waitFor();
  assert.equal(new URL(citizen.page.url()).hash, "", "the secret leaves the address at once");
  await citizen.button("ui.join.with-video").click();
  await citizen.button("ui.check.join").click();
  await citizen.status("ui.call.state-waiting-citizen").waitFor();
  await desk.see("ui.desk.citizen-here");
}

async function seeEachOther() {
  const [atDesk, atHome] = await Promise.all([
    seesAndHears(desk, "ui.call.video-citizen", patterns.citizen),
    seesAndHears(citizen, "ui.call.video-clerk", patterns.clerk),
  ]);
  for (const { ciphers } of [atDesk, atHome]) assert.deepEqual(ciphers, ["SRTP_AEAD_AES_128_GCM"]);
  return `frames decoded: desk ${atDesk.frames}, citizen ${atHome.frames}`;
}

const field = ({ page }, service, path) => page.getByRole("textbox", { name: service.label(path, "en") }).first();
const isSaved = ({ page }) => saved(page);
const letters = (from, count) => Array.from({ length: count }, (_, i) => String.fromCharCode(from.charCodeAt(0) + i)).join("");

/** The clerk's capitals and the citizen's small letters go into one field at the same time. */
async function typeTogether(service, path) {
  const [theirs, ours] = [field(citizen, service, path), field(desk, service, path)];
  const [small, capital] = [letters("a", 20), letters("A", 20)];
  await Promise.all([ours.pressSequentially(capital, { delay: 15 }), theirs.pressSequentially(small, { delay: 15 })]);
  const text = await until("both to hold all letters", async () => {
    const [atDesk, atHome] = await Promise.all([ours.inputValue(), theirs.inputValue()]);
    return atDesk === atHome && atDesk.length === capital.length + small.length && atDesk;
  });
  assert.equal(text.replace(/[^A-Z]/g, ""), capital, "the clerk's letters in the clerk's order");
  assert.equal(text.replace(/[^a-z]/g, ""), small, "the citizen's letters in the citizen's order");
  await Promise.all([isSaved(desk), isSaved(citizen)]);
  return text;
}

/** Each sees the other's name at the field they are both in, and the other's caret. */
async function seeWhereTheOtherIs(service, path) {
  await Promise.all([
    [desk, "ui.form.citizen-here"],
    [citizen, "ui.form.clerk-here"],
  ].map(async ([person, here]) => {
    const group = person.page.locator(`[data-path="${path}"]`, { has: field(person, service, path) });
    await group.getByText(person.t(here), { exact: true }).waitFor();
    await group.locator(".ab-caret").waitFor();
  }));
}

async function submitAsItIs(person) {
  await person.button("ui.submit.button").click();
  const dialog = person.dialog("ui.submit.title");
  await dialog.getByText(person.t("ui.submit.gaps-accept")).waitFor();
  await person.shot(`submit-${person.name}`);
  await dialog.getByRole("button", { name: person.t("ui.submit.as-is") }).click();
}

async function readReceipt({ page, t }) {
  const receipt = page.getByRole("article", { name: t("ui.receipt.title") });
  await receipt.waitFor();
  const [terms, values] = await Promise.all(["term", "definition"].map((role) => receipt.getByRole(role).allInnerTexts()));
  const valueOf = (key) => values[terms.indexOf(t(key))];
  return {
    receipt,
    number: await receipt.getByText(REGISTRY_NUMBER).innerText(),
    arrived: valueOf("ui.receipt.arrived"),
    hash: valueOf("ui.receipt.hash"),
    storedAt: (key, options) => receipt.getByText(t(key), { exact: true }).waitFor(options),
  };
}

async function bothHaveReceipt() {
  const [atDesk, atHome] = await Promise.all([readReceipt(desk), readReceipt(citizen)]);
  assert.equal(atDesk.number, atHome.number);
  assert.match(atHome.hash, /^[0-9a-f]{64}$/);
  assert.equal(atDesk.hash, atHome.hash);
  assert.match(atHome.arrived, new RegExp(`${new Date().getFullYear()}.*\\d{1,2}:\\d{2}:\\d{2}`));
  assert.equal(atDesk.arrived, atHome.arrived);
  return { ...atHome, storedAt: (key, options) => Promise.all([atDesk.storedAt(key, options), atHome.storedAt(key, options)]) };
}

const atHeadquarters = (number) => console_.page.getByRole("row").filter({ has: console_.page.getByRole("rowheader", { name: number }) });

// --- the story -----------------------------------------------------------------------------------

step("everybody is at their place", async () => {
  await Promise.all([
    kiosk.page.goto(`${house.boxUrl}/kiosk`),
    board.page.goto(`${house.boxUrl}/board`),
    signIn(console_, `${house.hqUrl}/`, "it", "ui.console.sign-in").then(async () => {
      await switchLanguage(console_, "English");
      await console_.page.getByRole("link", { name: console_.t("ui.console.filings") }).click();
      await console_.see("ui.filings.none");
    }),
    signIn(desk, `${house.boxUrl}/desk`, "clerk", "ui.desk.sign-in").then(async () => {
      await switchLanguage(desk, "English");
      await desk.page.getByLabel(desk.t("ui.desk.counter")).selectOption("1");
      await until("the counter to be taken", () => desk.button("ui.desk.call-next").isEnabled());
    }),
  ]);
  await board.see("ui.board.empty");
  await kiosk.page.getByRole("heading", { name: kiosk.t("ui.kiosk.title") }).waitFor();
  await Promise.all([kiosk.shot("kiosk"), desk.shot("desk-empty")]);
});

step("a number is taken and called", async (t) => {
  const number = await takeNumber(idCard);
  await desk.region("ui.desk.queue").getByText(number, { exact: true }).waitFor();
  const took = await callNext(number);
  t.diagnostic(`on the board after ${took} ms`);
  assert.ok(took < 5_000, "the call is on the board at once");
  await board.shot("board");
});

step("the citizen joins by link, and they see and hear each other", async (t) => {
  const invitation = await invite();
  await desk.shot("desk-invitation");
  await invitation.close();
  await joinWithVideo(invitation.link);
  assert.equal((await received(citizen)).frames, 0, "nobody to be seen yet");
  await citizen.shot("citizen-waiting");
  await desk.keys.press("Alt+KeyV");
  t.diagnostic(await seeEachOther());
  assert.ok(await fitsWidth(citizen.page), "nothing sticks out of the phone");
});

step("they write into one field at the same time", async () => {
  await typeTogether(idCard, "/familyName");
  await seeWhereTheOtherIs(idCard, "/familyName");
  await Promise.all([desk.shot("desk-call"), citizen.shot("citizen-call")]);
  await desk.page.getByRole("radio", { name: desk.t("ui.desk.identity-seen") }).check();
});

step("the media process dies in mid-call: form and chat go on, and the picture comes back by itself", async (t) => {
  await house.kill("media");
  await Promise.all([desk.status("ui.call.state-interrupted-clerk").waitFor(), citizen.status("ui.call.state-interrupted-citizen").waitFor()]);
  await typeTogether(idCard, "/lossStory");
  await Promise.all([desk.shot("desk-interrupted"), citizen.shot("citizen-interrupted")]);
  await citizen.page.getByRole("button", { name: citizen.t("ui.chat.title") }).click();
  await citizen.page.getByRole("textbox", { name: citizen.t("ui.chat.write") }).fill("I cannot see you now.");
  await citizen.keys.press("Enter");
  await desk.page.getByRole("list", { name: desk.t("ui.chat.title") }).getByText("I cannot see you now.").waitFor();
  await citizen.shot("citizen-chat");
  await citizen.keys.press("Escape");
  const begun = Date.now();
  await house.launch("media");
  t.diagnostic(`${await seeEachOther()}, ${Date.now() - begun} ms after the media process was there again`);
});

step("the form is submitted with its gaps; both have the receipt; headquarters has the submission", async () => {
  await submitAsItIs(citizen);
  const receipt = await bothHaveReceipt();
  await receipt.receipt.getByText(idCard.label("/motherName", "en")).first().waitFor();
  const link = await receipt.receipt.getByRole("link", { name: citizen.t("ui.receipt.pdf") }).getAttribute("href");
  const pdf = await citizen.page.request.get(new URL(link, house.boxUrl).href);
  assert.equal(pdf.headers()["content-type"], "application/pdf");
  assert.equal((await pdf.body()).subarray(0, 5).toString(), "%PDF-");
  await atHeadquarters(receipt.number).waitFor();
  await receipt.storedAt("ui.receipt.stored-headquarters");
  await Promise.all([desk.shot("desk-receipt"), citizen.shot("citizen-receipt"), console_.shot("console-filings")]);
  await desk.keys.press("Alt+KeyF");
  await citizen.see("ui.meeting.ended");
  await citizen.shot("citizen-ended");
});

step("with headquarters away the next client is served like the first", async (t) => {
  // Its pages are served by it: they cannot come or go while it is away.
  console_.expected.push(/WebSocket connection to .* failed/, /^net::ERR_CONNECTION_\w+ /);
  await house.kill("hq");
  await console_.status("ui.line.waiting").waitFor();
  await callNext(await takeNumber(request));
  const invitation = await invite();
  await invitation.close();
  await joinWithVideo(invitation.link);
  await desk.keys.press("Alt+KeyV");
  t.diagnostic(await seeEachOther());
  await typeTogether(request, "/what");
  await seeWhereTheOtherIs(request, "/what");
});

step("submitted at the branch, then at headquarters when it is back", async () => {
  await submitAsItIs(desk);
  const receipt = await bothHaveReceipt();
  await receipt.storedAt("ui.receipt.stored-branch");
  await Promise.all([desk.shot("desk-receipt-branch"), citizen.shot("citizen-receipt-branch")]);
  await house.launch("hq");
  // The longer it was away, the longer box and pages wait before they try again: at most 30 s.
  const timeout = 45_000;
  await receipt.storedAt("ui.receipt.stored-headquarters", { timeout });
  await console_.status("ui.line.open").waitFor({ timeout });
  await atHeadquarters(receipt.number).waitFor();
  await console_.shot("console-back");
  await desk.keys.press("Alt+KeyF");
  await citizen.see("ui.meeting.ended");
});

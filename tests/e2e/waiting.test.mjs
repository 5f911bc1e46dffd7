// The waiting room: two people hold a link each, wait in one line, read what the desk says, lose the
// line for a moment, miss a call, and come to their meeting by their own press.
import { randomUUID } from "node:crypto";
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { Client } from "../house/client.mjs";
import { House, until } from "../house/house.mjs";
import { assertAccessible, fitsWidth, openPerson, screenshot, startBrowser } from "./lib/browser.mjs";
import { Line } from "./lib/line.mjs";
import { openDesk } from "./lib/steps.mjs";
import { story } from "./lib/story.mjs";

const SERVICE = "hu.id-card";
let house, browser, line, desk, first, second, number, secondLink;

/** Counts the tones that are played and the cameras that are opened; runs before the page's script. */
function watch() {
  window.tonesOfTest = 0;
  window.tracksOfTest = [];
  window.AudioContext = class extends window.AudioContext {
    createOscillator() {
      window.tonesOfTest++;
      return super.createOscillator();
    }
  };
  const media = navigator.mediaDevices;
  const ask = media.getUserMedia.bind(media);
  media.getUserMedia = async (wish) => {
    const stream = await ask(wish);
    window.tracksOfTest.push(...stream.getTracks());
    return stream;
  };
}

async function person(options) {
  const page = await openPerson(browser, { origin: house.boxUrl, ...options });
  await page.addInitScript(watch);
  // As if chosen at the switch: a clerk's own language would win over the browser's.
  await page.addInitScript((language) => localStorage.setItem("ablak-language", language), options.language);
  return page;
}

before(async () => {
  [house, browser] = await Promise.all([House.start({ office: "hu" }), startBrowser({ flags: ["--allow-loopback-in-peer-connection"] })]);
  line = await Line.open(house.boxPort);
  desk = await person({ language: "hu", width: 1440, height: 900 });
  first = await person({ language: "en", width: 360, height: 740, origin: line.url });
  second = await person({ language: "hu", width: 1280, height: 800 });
  await openDesk(desk, house.boxUrl);
});
after(async () => {
  await browser?.close();
  await line?.close();
  const complaints = (await house?.complaints()) ?? [];
  await house?.stop();
  assert.deepEqual(complaints, []);
});

const step = story();
const shows = (page, selector) => page.waitForSelector(selector);
const camerasOn = (page) => page.evaluate(() => window.tracksOfTest.filter(({ readyState }) => readyState === "live").length);

/** A link into the line, made in the open dialog. */
async function makeLink() {
  const shown = () => desk.evaluate(() => document.querySelector("#invitation-link")?.value ?? "");
  const before = await shown();
  await desk.selectOption("#lobby-service", SERVICE);
  await desk.click(".ab-lobby-make");
  return until("a new link", async () => {
    const link = await shown();
    return link !== before && link;
  });
}

async function check(page, name) {
  await assertAccessible(page, name);
  assert.ok(await fitsWidth(page), `${name} sticks out`);
  await screenshot(page, name, { fullPage: page !== desk });
  assert.deepEqual(page.errors, []);
}

step("a link leads through the check into the line", async () => {
  await desk.keyboard.press("Alt+KeyW");
  await shows(desk, "dialog[open] .ab-lobby");
  const [one, two] = [await makeLink(), await makeLink()];
  await check(desk, "waiting-desk-invitation");
  await first.goto(line.over(one));
  await first.click(".ab-join-video");
  await shows(first, '.ab-check-picture[data-camera="on"]');
  await shows(desk, '[data-there="yes"]'); // in the line while trying the camera
  await first.click(".ab-check-done");
  await shows(first, '.ab-place-wait[data-ahead="0"]');
  number = (await first.textContent(".ab-place-number")).trim();
  await until("the camera to go out with the check", async () => (await camerasOn(first)) === 0);
  const text = await first.innerText("main");
  for (const said of ["You are next.", "We cannot say yet", "Nobody can see or hear you", "Please have these at hand"]) assert.ok(text.includes(said), said);
  await check(first, "waiting-room-360");
  secondLink = two;
  await second.goto(two);
  await second.click(".ab-join-form");
  await shows(second, '.ab-place-wait[data-ahead="1"]');
  assert.match(await second.title(), /^1 ember van Ön előtt/);
  await check(second, "waiting-room-1280");
});

step("the link opened again leads back to the place, and is not called used up", async () => {
  await second.goto(`${house.boxUrl}/`);
  await second.goto(secondLink);
  await shows(second, '.ab-place-wait[data-ahead="1"]');
  await shows(desk, '.ab-lobby-list li:nth-child(2)[data-there="yes"]');
  assert.deepEqual(second.errors, []);
});

step("what the desk says is read in each one's language, and again after a reload", async () => {
  await desk.waitForFunction(() => document.querySelectorAll('.ab-lobby-list [data-there="yes"]').length === 2);
  await desk.selectOption("#lobby-to", SERVICE);
  await desk.selectOption("#lobby-phrase", "delay");
  await desk.click(".ab-lobby-send");
  await shows(desk, '.ab-lobby-done:has-text("Az üzenetet elküldtük.")');
  await Promise.all([shows(first, '[data-message="delay"]:has-text("It is taking longer")'), shows(second, '[data-message="delay"]:has-text("A vártnál tovább tart")')]);
  await desk.selectOption("#lobby-to", { label: number });
  await desk.selectOption("#lobby-phrase", "");
  await desk.click(".ab-lobby-send");
  await shows(desk, ".ab-lobby-write [role=alert]");
  await desk.fill("#lobby-text", "Kérjük, készítse elő a régi kártyáját.");
  await desk.click(".ab-lobby-send");
  await shows(first, '[data-message="own"] [lang="hu"]:has-text("régi kártyáját")');
  await first.reload();
  await shows(first, '[data-message="own"] [lang="hu"]');
  assert.equal(await first.locator("[data-message]").count(), 2);
  assert.equal(await second.locator("[data-message]").count(), 1);
  await shows(desk, ".ab-lobby-sent li >> nth=1");
  await check(desk, "waiting-desk");
});

step("a cut line costs nobody the place", async () => {
  line.cut();
  await shows(desk, `[data-waiting="${number}"][data-there="no"]`);
  // Taking somebody out is asked twice, and looking elsewhere is no.
  const remove = `[data-waiting="${number}"] .ab-lobby-remove`;
  await desk.click(remove);
  await shows(desk, `${remove}:has-text("Igen, ${number} eltávolítása")`);
  await desk.focus("#lobby-to");
  await shows(desk, `${remove}[aria-label="${number} eltávolítása a sorból"]`);
  line.restore();
  await shows(desk, `[data-waiting="${number}"][data-there="yes"]`);
  await shows(first, '.ab-place-wait[data-ahead="0"]');
  await shows(second, '.ab-place-wait[data-ahead="1"]');
  // The browser itself complains of tries while the line was cut.
  assert.deepEqual(first.errors.splice(0).filter((text) => !/WebSocket connection .* failed/.test(text)), []);
  await desk.keyboard.press("Escape");
  await desk.waitForSelector("dialog[open]", { state: "detached" });
});

step("a call rings, and opens no camera; who misses it is set aside and comes back", async () => {
  await first.click(".ab-waiting-buttons button >> nth=0"); // tries the sound, which a reload has silenced
  await until("the sound", () => first.evaluate(() => window.tonesOfTest > 0));
  const tones = await first.evaluate(() => window.tonesOfTest);
  await desk.keyboard.press("Alt+KeyN");
  await shows(desk, `[data-calling="${number}"]`);
  await shows(first, '.ab-called[role="alert"]');
  assert.match(await first.title(), /^It is your turn/);
  await until("the ring", () => first.evaluate((before) => window.tonesOfTest > before, tones));
  assert.equal(await camerasOn(first), 0);
  await check(desk, "waiting-desk-calling");
  await check(first, "waiting-called-360");
  await desk.keyboard.press("Alt+KeyA");
  await shows(first, ".ab-here-again");
  await shows(second, '.ab-place-wait[data-ahead="0"]');
  await check(first, "waiting-aside-360");
  await first.click(".ab-here-again");
  await shows(second, '.ab-place-wait[data-ahead="1"]');
});

step("called again, also after a reload, the citizen comes by a press", async () => {
  await desk.keyboard.press("Alt+KeyN");
  await shows(first, ".ab-called");
  await first.reload();
  await shows(first, ".ab-called");
  assert.equal(await camerasOn(first), 0);
  await first.click(".ab-answer-video");
  await shows(first, '.ab-draft[data-audience="shared"] [data-path]');
  await until("the camera that was asked for", async () => (await camerasOn(first)) > 0);
  await shows(desk, ".ab-client-head");
  await desk.waitForSelector(".ab-calling", { state: "detached" });
  await shows(desk, '.ab-draft[data-audience="shared"] [data-path]');
  assert.deepEqual([first.errors, desk.errors], [[], []]);
  await desk.keyboard.press("Alt+KeyF");
  await shows(desk, ".ab-call-next:not([disabled])");
});

step("the wait is told once it is known; giving up leaves the line", async () => {
  const clerk = new Client(house.boxUrl);
  await clerk.post("/api/sign-in", { login: "clerk", password: "demo-clerk-password" });
  for (let i = 0; i < 4; i++) {
    await clerk.post("/api/tickets", { service: SERVICE, idempotencyKey: randomUUID() });
    const { ticket } = await clerk.post("/api/queue/call-next", { channel: "walk-in" });
    await clerk.post(`/api/tickets/${ticket.id}/finish`);
  }
  await shows(second, '.ab-place-wait:has-text("kevesebb mint 5 perc")');
  await second.click(".ab-give-up");
  await second.click(".ab-give-up-confirm");
  await until("the farewell", async () => (await second.innerText("h1")) === "Feladta a helyét a sorban");
  await desk.keyboard.press("Alt+KeyW");
  await shows(desk, "dialog[open] .ab-lobby");
  await desk.waitForSelector("[data-waiting]", { state: "detached" });
  assert.deepEqual([second.errors, desk.errors], [[], []]);
});

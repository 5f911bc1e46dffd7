// Every page, in the states people meet, under WCAG 2.2 AA: axe finds nothing serious, nothing
// sticks out at 360 pixels, and the desk's day can be done from the keyboard.
import { randomUUID } from "node:crypto";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client } from "../house/client.mjs";
import { House, until } from "../house/house.mjs";
import { assertAccessible, fitsWidth, openPerson, screenshot, startBrowser } from "./lib/browser.mjs";
import { field, join, meetByVideo, openDesk, saved, signIn, submit } from "./lib/steps.mjs";

let house, czechHouse, browser;
before(async () => {
  [house, czechHouse, browser] = await Promise.all([House.start({ office: "hu" }), House.start({ office: "cs", media: false }), startBrowser()]);
});
after(async () => {
  await browser?.close();
  await Promise.all([house?.stop(), czechHouse?.stop()]);
});

const person = (options = {}) => openPerson(browser, { origin: house.boxUrl, ...options });

async function check(page, name, options) {
  await assertAccessible(page, name);
  await screenshot(page, `a11y-${name}`, options);
  assert.deepEqual(page.errors, [], name);
}

for (const [language, width, word] of [["hu", 1280, "urlap"], ["en", 360, "urlap"], ["cs", 360, "prukaz"]])
  test(`the citizen's pages in ${language}, ${width} pixels wide`, async () => {
    const { boxUrl } = language === "cs" ? czechHouse : house;
    const page = await person({ language, width, height: 740 });
    await page.goto(`${boxUrl}/`);
    await page.waitForSelector(".ab-service-list li");
    assert.equal(await page.evaluate(() => document.documentElement.lang), language);
    await check(page, `entry-${language}-${width}`);
    assert.ok(await fitsWidth(page));
    await page.click("button[type=submit]");
    await page.waitForSelector(".govuk-error-summary");
    await check(page, `entry-error-${language}-${width}`);
    await page.fill("#kb-search", word);
    await page.waitForSelector(".ab-hit");
    await page.click(".ab-hit");
    await page.waitForSelector(".ab-sheet");
    await check(page, `sheet-${language}-${width}`);
    assert.ok(await fitsWidth(page));
    await page.goto(`${boxUrl}/join#no-such-secret-0000`);
    await page.waitForSelector(".ab-join-buttons");
    assert.ok(await fitsWidth(page));
    assert.equal(new URL(page.url()).hash, "", "the secret leaves the address at once");
    await check(page, `invited-${language}-${width}`);
    await page.click(".ab-join-form");
    await page.waitForSelector('.ab-notice-error[role="alert"]');
    await page.context().close();
  });

test("the desk in Czech: nothing is cut off", async () => {
  await new Client(czechHouse.boxUrl).post("/api/tickets", { service: "cs.id-card", idempotencyKey: randomUUID() });
  const desk = await openPerson(browser, { language: "cs", origin: czechHouse.boxUrl, width: 1280, height: 800 });
  await openDesk(desk, czechHouse.boxUrl, { login: "clerk-cs" });
  await desk.keyboard.press("Alt+KeyN");
  await desk.waitForSelector(".ab-draft input");
  assert.ok(await fitsWidth(desk));
  const cut = () => desk.locator("button, legend, label, dt, h2").evaluateAll((all) => all.filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX === "hidden").map((one) => one.textContent));
  assert.deepEqual(await cut(), []);
  await check(desk, "desk-cs");
  await desk.keyboard.press("Alt+KeyW");
  await desk.waitForSelector("dialog[open] .ab-lobby");
  assert.deepEqual(await cut(), []);
  await check(desk, "desk-waiting-cs");
  await desk.context().close();
});

test("kiosk and board", async () => {
  const kiosk = await person({ language: "hu", width: 1080, height: 1280 });
  await kiosk.goto(`${house.boxUrl}/kiosk`);
  await kiosk.waitForSelector(".ab-kiosk-service:not([disabled])");
  await check(kiosk, "kiosk");
  const board = await person({ language: "hu", width: 1280, height: 720 });
  await board.goto(`${house.boxUrl}/board`);
  await board.waitForSelector(".ab-board-waiting li");
  await check(board, "board");
  await kiosk.click(".ab-kiosk-service:not([disabled])");
  await kiosk.waitForSelector(".ab-ticket-number");
  await check(kiosk, "kiosk-ticket");
  await kiosk.context().close();
  await board.context().close();
});

test("the desk from the keyboard alone", async () => {
  await new Client(house.boxUrl).post("/api/tickets", { service: "hu.id-card", idempotencyKey: randomUUID() });
  const desk = await person({ language: "hu" });
  await desk.goto(`${house.boxUrl}/desk`);
  await desk.waitForSelector("#login");
  await check(desk, "sign-in");
  // Tab order: skip link, mark, language switch, then the form.
  await desk.focus("#login");
  await desk.keyboard.type("clerk");
  await desk.keyboard.press("Tab");
  await desk.keyboard.type("demo-clerk-password");
  await desk.keyboard.press("Enter");
  await desk.waitForSelector(".ab-desk");
  await desk.selectOption("#counter", "2");
  await desk.waitForSelector(".ab-call-next:not([disabled])");
  await check(desk, "desk-empty");
  await desk.keyboard.press("Alt+KeyN");
  await desk.waitForSelector(".ab-now-number");
  await desk.waitForSelector(".ab-draft input");
  await check(desk, "desk-called");
  await desk.keyboard.press("Alt+KeyR");
  await desk.keyboard.press("/");
  await until("the search to have the focus", () => desk.evaluate(() => document.activeElement?.id === "kb-search"), 5000);
  await desk.keyboard.type("szemelyi");
  await desk.waitForSelector(".ab-hit");
  await desk.keyboard.press("Enter");
  await desk.waitForSelector(".ab-sheet");
  await until("the sheet to have the focus", () => desk.evaluate(() => document.activeElement?.closest(".ab-sheet") !== null), 5000);
  await check(desk, "desk-sheet");
  await desk.keyboard.press("Shift+?");
  await desk.waitForSelector("dialog[open] .ab-keys");
  await check(desk, "desk-keys");
  await desk.keyboard.press("Escape");
  await desk.keyboard.press("Alt+KeyI");
  await desk.waitForSelector("dialog[open] .ab-qr");
  await check(desk, "desk-invitation");
  await desk.keyboard.press("Escape");
  await desk.waitForSelector("dialog[open]", { state: "detached" });
  await desk.keyboard.press("Alt+KeyF");
  await desk.waitForSelector(".ab-call-next");
  await desk.context().close();
});

test("a meeting: the form together, the messages, the gaps and the receipt", async () => {
  const desk = await person({ language: "en" });
  await openDesk(desk, house.boxUrl, { login: "clerk2", counter: "3" });
  const { link } = await meetByVideo(desk, "hu.address");
  const citizen = await person({ language: "hu", width: 360, height: 740 });
  await join(citizen, link);
  await field(citizen, "/familyName").click();
  await citizen.keyboard.type("Minta");
  await saved(citizen);
  await desk.waitForSelector(".ab-field-citizen .ab-caret");
  await check(desk, "desk-meeting");
  assert.ok(await fitsWidth(citizen));
  await check(citizen, "meeting", { fullPage: true });
  await citizen.click('[data-path="/familyMembers"] > button');
  await citizen.waitForSelector(".ab-repeat-row");
  await check(citizen, "meeting-row");
  await citizen.click(".ab-chat-button");
  await until("the message box to have the focus", () => citizen.evaluate(() => document.activeElement?.id === "chat-input"), 5000);
  await check(citizen, "meeting-chat");
  await citizen.keyboard.press("Escape");
  await citizen.click(".ab-submit");
  await citizen.waitForSelector("dialog[open] .ab-gaps");
  await check(citizen, "meeting-gaps");
  await citizen.keyboard.press("Escape");
  await submit(citizen);
  await check(citizen, "receipt");
  assert.ok(await fitsWidth(citizen));
  await desk.waitForSelector(".ab-receipt");
  await check(desk, "desk-receipt");
  await citizen.context().close();
  await desk.context().close();
});

test("the supervisor's room and headquarters' console", async () => {
  const room = await person({ language: "hu" });
  await signIn(room, `${house.boxUrl}/room`, "supervisor");
  await room.waitForSelector(".ab-room .ab-counter");
  await check(room, "room", { fullPage: true });
  await room.context().close();
  const console = await openPerson(browser, { language: "cs", origin: house.hqUrl });
  await signIn(console, `${house.hqUrl}/`, "it");
  await console.waitForSelector(".ab-box");
  await check(console, "console-boxes");
  for (const section of ["filings", "staff", "editions"]) {
    await console.click(`.ab-console-nav a[href="#${section}"]`);
    await until(`the ${section}`, () => console.evaluate((name) => document.querySelector(`a[href="#${name}"]`)?.getAttribute("aria-current") === "page", section));
    await console.waitForLoadState("networkidle");
    await check(console, `console-${section}`);
  }
  await console.context().close();
});

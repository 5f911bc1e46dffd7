// A form filed with a gap and reopened by the office: it goes on where it was, on the pages that are
// open and in a later visit, and every submission keeps its receipt.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { House, until } from "../house/house.mjs";
import { assertAccessible, fitsWidth, openPerson, screenshot, startBrowser } from "./lib/browser.mjs";
import { field, join, meetByVideo, openDesk, saved, signIn, submit } from "./lib/steps.mjs";

let house, browser, desk, citizen, number;
before(async () => {
  house = await House.start({ media: false });
  browser = await startBrowser();
  desk = await openPerson(browser, { language: "hu", origin: house.boxUrl, width: 1366, height: 820 });
  citizen = await openPerson(browser, { language: "hu", width: 360, height: 740, origin: house.boxUrl });
  await openDesk(desk, house.boxUrl, { login: "clerk2", counter: "3" });
  const { link } = await meetByVideo(desk, "hu.id-card");
  await join(citizen, link);
});
after(async () => {
  await browser?.close();
  const complaints = (await house?.complaints()) ?? [];
  await house?.stop();
  assert.deepEqual(complaints, []);
});

const shows = (page, path, value) => until(`${path} to be ${value}`, async () => (await field(page, path).inputValue()) === value);

async function check(page, name, options) {
  await assertAccessible(page, name);
  await screenshot(page, `completion-${name}`, options);
}

const pdfs = (page) => page.$$eval('.ab-receipt a[href*="/receipt.pdf"]', (links) => links.map(({ href }) => href));

async function assertPdfs(page, count) {
  const links = await pdfs(page);
  assert.equal(new Set(links).size, count);
  for (const link of links) {
    const answer = await page.context().request.get(link);
    assert.equal(answer.status(), 200, link);
    assert.equal((await answer.body()).subarray(0, 5).toString(), "%PDF-");
  }
}

test("filed with a gap, then reopened with a reason and a day", async () => {
  await field(citizen, "/familyName").fill("Minta");
  await saved(citizen);
  number = await submit(desk);
  await citizen.waitForSelector(".ab-receipt-number");
  await desk.click(".ab-reopen");
  const reason = desk.locator("#reopen-reason");
  assert.match(await reason.inputValue(), /^Kérjük, pótolja: Utónév, /, "what is missing is put there already");
  await check(desk, "dialog");
  await reason.fill(" ");
  await desk.click(".ab-reopen-confirm");
  await desk.waitForSelector("#reopen-reason-error");
  assert.equal(await desk.evaluate(() => document.activeElement?.id), "reopen-reason");
  await reason.fill("Kérjük, adja meg az utónevét.");
  const day = new Date(Date.now() + 8 * 86_400_000).toISOString().slice(0, 10);
  await desk.fill("#reopen-due", day);
  await desk.click(".ab-reopen-confirm");
  await desk.waitForSelector("dialog[open]", { state: "detached" });
});

test("the form is there again on both pages, without a reload, as it was left", async () => {
  const notice = citizen.locator(".ab-completion");
  await notice.waitFor();
  assert.match(await notice.textContent(), /adja meg az utónevét/);
  await shows(citizen, "/familyName", "Minta");
  await field(citizen, "/givenName").fill("Éva");
  await saved(citizen);
  await shows(desk, "/givenName", "Éva");
  await field(desk, "/familyName").fill("Mintané");
  await shows(citizen, "/familyName", "Mintané");
  await check(desk, "desk");
  await citizen.evaluate(() => scrollTo(0, 0));
  assert.ok(await fitsWidth(citizen));
  await check(citizen, "citizen");
});

test("the second receipt says what it completes, and the first can be fetched too", async () => {
  assert.equal(await submit(citizen), number);
  await citizen.waitForSelector(".ab-receipt-earlier");
  const text = await citizen.textContent(".ab-receipt");
  for (const part of ["1. hiánypótlás", "Kérjük, adja meg az utónevét.", "Megváltozott adatok", "Utónév"]) assert.ok(text.includes(part), part);
  await desk.waitForSelector(".ab-receipt-earlier");
  await Promise.all([assertPdfs(citizen, 2), assertPdfs(desk, 2)]);
  assert.ok(await fitsWidth(citizen));
  await check(citizen, "citizen-receipt", { fullPage: true });
  await check(desk, "desk-receipt");
});

test("what was typed too late goes along when the form is reopened", async () => {
  const reopen = async (reason) => {
    await desk.click(".ab-reopen");
    await desk.fill("#reopen-reason", reason);
    await desk.click(".ab-reopen-confirm");
  };
  await reopen("Születési hely");
  await citizen.waitForSelector(".ab-completion");
  await citizen.context().setOffline(true);
  await field(citizen, "/givenName").fill("Éva Mária");
  await citizen.waitForFunction(() => document.querySelector(".ab-saved")?.getAttribute("data-saved") !== "yes");
  await submit(desk);
  await citizen.context().setOffline(false);
  await citizen.waitForSelector(".ab-receipt-number");
  const late = citizen.locator('[data-late="/givenName"] textarea');
  await late.waitFor();
  assert.equal(await late.inputValue(), "Éva Mária");
  await reopen("Még egyszer");
  await shows(desk, "/givenName", "Éva Mária");
  await late.waitFor({ state: "detached" });
  await saved(citizen);
  await submit(desk);
  await assertPdfs(desk, 4);
});

test("a later visit goes on with it by its number, from the keyboard", async () => {
  await desk.click(".ab-finish");
  await citizen.waitForSelector(".ab-notice-success");
  const { link } = await meetByVideo(desk, "hu.request");
  const again = await openPerson(browser, { language: "hu", width: 1280, height: 800, origin: house.boxUrl });
  await join(again, link);
  await desk.keyboard.press("Alt+KeyE");
  await until("the number to have the focus", () => desk.evaluate(() => document.activeElement?.id === "continue-number"), 5000);
  await desk.keyboard.type("MINTA/1999/000001");
  await desk.keyboard.press("Enter");
  await desk.waitForSelector("#continue-number-error");
  await desk.fill("#continue-number", number.toLowerCase());
  await desk.keyboard.press("Enter");
  await desk.waitForSelector("#continue-found");
  await check(desk, "found");
  await desk.fill("#reopen-reason", "Aláírás");
  await desk.click(".ab-continue-confirm");
  await again.waitForSelector(".ab-completion");
  await shows(again, "/givenName", "Éva Mária");
  await field(again, "/birthPlace").fill("Szeged");
  await saved(again);
  await check(again, "continued");
  assert.equal(await submit(again), number);
  await assertPdfs(again, 5);
  assert.deepEqual(again.errors, []);
});

test("headquarters shows one filing with its submissions", async () => {
  const it = await openPerson(browser, { language: "en", origin: house.hqUrl });
  await signIn(it, `${house.hqUrl}/`, "it");
  await it.click('.ab-console-nav a[href="#filings"]');
  await until("all of them", async () => (await it.locator(`tbody[data-filing="${number}"] tr`).count()) === 5);
  await check(it, "console");
  for (const page of [desk, citizen, it]) assert.deepEqual(page.errors, []);
});

// The form together as people treat it: rows, dates and choices, a reload, a lost cookie, filling in
// from the desk, and an edit that comes after the submission.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { House, until } from "../house/house.mjs";
import { assertAccessible, openPerson, screenshot, startBrowser } from "./lib/browser.mjs";
import { field, join, meetByVideo, openDesk, saved, submit } from "./lib/steps.mjs";

let house, browser, desk, citizen;
before(async () => {
  house = await House.start({ office: "cs", media: false });
  browser = await startBrowser();
  desk = await openPerson(browser, { language: "cs", origin: house.boxUrl });
  citizen = await openPerson(browser, { language: "cs", width: 1280, height: 800, origin: house.boxUrl });
  await openDesk(desk, house.boxUrl, { login: "clerk-cs" });
  const { link } = await meetByVideo(desk, "cs.dog-fee");
  await join(citizen, link);
});
after(async () => {
  await browser?.close();
  const complaints = (await house?.complaints()) ?? [];
  await house?.stop();
  assert.deepEqual(complaints, []);
});

const shows = (page, path, value) => until(`${path} to be ${value}`, async () => (await field(page, path).inputValue()) === value);
const datePart = (page, path, index) => page.locator(`[data-path="${path}"] input`).nth(index);

test("a row, a date and a choice arrive on the other side", async () => {
  await citizen.click('[data-path="/dogs"] > button');
  await field(citizen, "/dogs/0/name").fill("Alík");
  await shows(desk, "/dogs/0/name", "Alík");
  for (const [index, text] of ["9", "2", "1990"].entries()) await datePart(citizen, "/birthDate", index).fill(text);
  await until("the date", async () => (await datePart(desk, "/birthDate", 2).inputValue()) === "1990");
  await field(citizen, "/relief").selectOption("age");
  await shows(desk, "/relief", "age");
});

test("what is wrong is said once the field has been left, not before", async () => {
  await field(citizen, "/dogs/0/chip").fill("123");
  const gap = citizen.locator('[data-path="/dogs/0/chip"] .ab-gap');
  assert.equal(await gap.count(), 0);
  await citizen.keyboard.press("Tab");
  await gap.waitFor();
  await field(citizen, "/dogs/0/chip").fill("203098100123456");
  await gap.waitFor({ state: "detached" });
});

test("everything is there after a reload, and after the cookie is lost", async () => {
  await field(citizen, "/familyName").fill("Ukázka \u{1f415}");
  await saved(citizen);
  await citizen.reload();
  await shows(citizen, "/familyName", "Ukázka \u{1f415}");
  await citizen.context().clearCookies();
  await citizen.reload();
  await shows(citizen, "/familyName", "Ukázka \u{1f415}");
  await desk.reload();
  await shows(desk, "/familyName", "Ukázka \u{1f415}");
});

test("the desk fills in several answers at once", async () => {
  await desk.click(".ab-prefill");
  await desk.locator(".ab-prefill-grid input").first().fill("Jan");
  await desk.click("dialog[open] button[type=submit]");
  await shows(citizen, "/givenName", "Jan");
});

test("nothing is said of saving before anybody here has typed", async () => {
  await desk.waitForSelector('.ab-saved[data-saved="none"]', { state: "attached" });
  assert.equal((await desk.textContent(".ab-saved")).trim(), "");
  await citizen.waitForSelector('.ab-saved[data-saved="none"]', { state: "attached" });
  await field(citizen, "/email").fill("jan@example.org");
  await saved(citizen);
  assert.match((await citizen.textContent(".ab-saved")).trim(), /^✓ Uloženo na úřadě, \d{1,2}:\d{2}$/);
  assert.equal(await desk.getAttribute(".ab-saved", "data-saved"), "none", "the desk has typed nothing");
});

/** What stands in the copy of a late answer, and on the clipboard after its button. */
async function lateCopy(page, path) {
  const late = page.locator(`[data-late="${path}"]`);
  await late.waitFor();
  const text = await late.locator("textarea").inputValue();
  await late.locator("button").click();
  await late.getByRole("status").filter({ hasText: "Zkopírováno" }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), text);
  return text;
}

test("what was typed too late is kept in sight, to be copied", async () => {
  await citizen.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: house.boxUrl });
  await field(desk, "/story").fill("Pes je hodný.");
  await shows(citizen, "/story", "Pes je hodný.");
  await citizen.context().setOffline(true);
  await field(citizen, "/story").press("Control+End");
  await citizen.keyboard.type(" Opravdu!");
  await field(citizen, "/street").fill("Ukázková 1");
  await citizen.waitForFunction(() => document.querySelector(".ab-saved")?.getAttribute("data-saved") === "away");
  // The desk goes on typing until the moment it submits.
  await field(desk, "/story").press("Control+End");
  await desk.keyboard.type(" Štěká jen občas.");
  const number = await submit(desk);
  assert.match(number, /^UKAZKA\/\d{4}\/\d{6}$/);
  await citizen.context().setOffline(false);
  await citizen.waitForSelector(".ab-receipt-number");
  assert.equal(await lateCopy(citizen, "/street"), "Ukázková 1");
  assert.match(await lateCopy(citizen, "/story"), /^Pes je hodný\. Opravdu!/);
  assert.equal(await citizen.locator("[data-late]").count(), 2, "only what was typed too late");
  await assertAccessible(citizen, "late edits");
  await screenshot(citizen, "form-late", { fullPage: true });
  assert.deepEqual(desk.errors, []);
});

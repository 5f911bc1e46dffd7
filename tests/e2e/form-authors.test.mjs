// Who wrote what, on the pages of three people: a quiet line at each field, a sentence where
// somebody changed your answer, and both answers where two people gave one without knowing of each
// other. One press, by mouse or by key, takes the earlier answer back.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "../house/house.mjs";
import { assertAccessible, fitsWidth, screenshot } from "./lib/browser.mjs";
import { agree } from "./lib/documents.mjs";
import { field, saved } from "./lib/steps.mjs";
import { ThreeTogether } from "./lib/visit.mjs";
import { texts } from "./story/texts.mjs";

let all, judge;
const say = texts("cs");
before(async () => {
  all = await ThreeTogether.start("cs.id-card", { office: "cs" });
  judge = await all.judge();
});
after(() => all?.stop());

const at = (page, path) => page.locator(`.ab-draft[data-audience="shared"] [data-path="${path}"]`);
const story = (page, path, kind) => at(page, path).locator(`[data-story="${kind}"]`);
const plain = async (locator) => (await locator.innerText()).replace(/\s+/g, " ").trim();
const shows = (page, path, pattern) =>
  until(`${path} to say ${pattern}`, async () => pattern.test(await plain(at(page, path).locator(".ab-author"))));
const spoken = (page) => page.locator('.ab-draft[data-audience="shared"] > [role=status]').innerText();
const TIME = "\\d{1,2}:\\d{2}";
/** A sentence of the catalogue with its times left open. */
const sentence = (key, params) =>
  new RegExp(say(key, { ...params, time: "TIME" }).replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace("TIME", TIME));

test("each field says quietly who filled it in; empty ones say nothing", async () => {
  await field(all.citizen, "/familyName").fill("Ukázková");
  await shows(all.desk, "/familyName", new RegExp(`Klient, ${TIME}$`));
  await shows(all.citizen, "/familyName", new RegExp(`Vy, ${TIME}$`));
  await shows(all.phone, "/familyName", new RegExp(`Vaše další zařízení, ${TIME}$`));
  for (const page of all.pages) assert.equal(await page.locator('.ab-draft[data-audience="shared"] .ab-author').count(), 1);
  await field(all.desk, "/familyName").press("End");
  await all.desk.keyboard.type("-Nováková");
  await shows(all.citizen, "/familyName", new RegExp(`Úředník a vy, ${TIME}$`));
  const input = field(all.citizen, "/familyName");
  const described = await input.evaluate((element) => element.getAttribute("aria-describedby").split(" ").map((id) => document.getElementById(id)?.textContent ?? "").join(" "));
  assert.match(described.replace(/\s+/g, " "), new RegExp(`${say("ui.author.prefix")}.*Úředník a vy`), "it is heard with the field");
  await input.fill("");
  await until("an empty field to say nothing", async () => (await at(all.desk, "/familyName").locator(".ab-author").count()) === 0);
});

test("somebody changed your answer: a sentence, heard once, and one key puts it back", async () => {
  await field(all.citizen, "/speed").selectOption("standard");
  await agree(all.pages, [judge]);
  const option = (value) => field(all.citizen, "/speed").locator(`option[value="${value}"]`).innerText();
  const [before, value] = [await option("standard"), await option("days5")];
  await field(all.desk, "/speed").selectOption("days5");
  const notice = story(all.citizen, "/speed", "correction");
  await notice.waitFor();
  const told = sentence("ui.author.changed-by-clerk", { value, before });
  assert.match(await plain(notice), told);
  await until("it to be said", async () => told.test(await spoken(all.citizen)));
  assert.equal(await story(all.desk, "/speed", "correction").count(), 0, "whoever changed it knows");
  await story(all.desk, "/speed", "before").waitFor();
  await assertAccessible(all.citizen, "a corrected answer");
  await assertAccessible(all.desk, "an answer one has changed");
  assert.ok(await fitsWidth(all.phone));
  await notice.scrollIntoViewIfNeeded();
  await screenshot(all.citizen, "form-correction-citizen");
  await screenshot(all.phone, "form-correction-phone", { fullPage: true });
  await screenshot(all.desk, "form-correction-desk");
  await field(all.citizen, "/speed").focus();
  await all.citizen.keyboard.press("Tab");
  await all.citizen.keyboard.press("Enter");
  assert.equal((await agree(all.pages, [judge])).speed, "standard");
  assert.equal(await all.citizen.evaluate(() => document.activeElement.closest("[data-path]")?.dataset.path), "/speed", "the focus stays at the field");
  await story(all.desk, "/speed", "correction").waitFor();
  assert.match(await plain(story(all.desk, "/speed", "correction")), sentence("ui.author.changed-by-citizen", { value: before, before: value }));
  await story(all.desk, "/speed", "correction").locator("button").last().click();
  await story(all.desk, "/speed", "before").waitFor();
});

test("two answers given at once, one on a cut line: both are shown to both, and either can be taken", async () => {
  const choose = (page, index) => at(page, "/reason").locator("input").nth(index).check();
  all.lines.citizen.cut();
  await all.citizen.waitForSelector('.ab-saved[data-saved="away"]');
  await choose(all.citizen, 3);
  await choose(all.desk, 1);
  await saved(all.desk);
  all.lines.citizen.restore();
  const { reason } = await agree(all.pages, [judge]);
  assert.ok(["lost", "expired"].includes(reason));
  const labels = await at(all.desk, "/reason").locator(".govuk-radios__label").allInnerTexts();
  const [lost, expired] = [labels[3].trim(), labels[1].trim()];
  for (const page of [all.desk, all.citizen]) {
    const notice = story(page, "/reason", "collision");
    await notice.waitFor();
    const text = await plain(notice);
    for (const part of [say("ui.author.collision"), lost, expired]) assert.ok(text.includes(part), `${part} in ${text}`);
    await assertAccessible(page, "two answers at once");
  }
  await until("it to be said", async () => (await spoken(all.citizen)).includes(say("ui.author.collision")));
  await story(all.citizen, "/reason", "collision").scrollIntoViewIfNeeded();
  await screenshot(all.citizen, "form-collision-citizen");
  await story(all.desk, "/reason", "collision").scrollIntoViewIfNeeded();
  await screenshot(all.desk, "form-collision-desk");
  assert.ok(await fitsWidth(all.phone));
  const other = reason === "lost" ? "expired" : "lost";
  await story(all.desk, "/reason", "collision").locator(".ab-put-back").click();
  assert.equal((await agree(all.pages, [judge])).reason, other);
  for (const page of all.pages) await story(page, "/reason", "collision").waitFor({ state: "detached" });
});

test("keeping what stands needs one press too, and is nobody else's business", async () => {
  all.lines.citizen.cut();
  await all.citizen.waitForSelector('.ab-saved[data-saved="away"]');
  await field(all.citizen, "/speed").selectOption("hours24");
  await field(all.desk, "/speed").selectOption("days5");
  await saved(all.desk);
  all.lines.citizen.restore();
  const { speed } = await agree(all.pages, [judge]);
  await story(all.citizen, "/speed", "collision").waitFor();
  await story(all.citizen, "/speed", "collision").getByRole("button").last().click();
  await story(all.citizen, "/speed", "collision").waitFor({ state: "detached" });
  assert.equal((await agree(all.pages, [judge])).speed, speed);
  await story(all.desk, "/speed", "collision").waitFor();
  await all.assertNeverReloaded();
});

test("after a reload it is known who wrote what, and old news is not said again", async () => {
  await all.desk.reload();
  await shows(all.desk, "/reason", new RegExp(`Vy, ${TIME}`));
  await story(all.desk, "/speed", "collision").waitFor();
  assert.equal(await spoken(all.desk), "");
  for (const page of all.pages) assert.deepEqual(page.errors.filter((text) => !/WebSocket connection to/.test(text)), []);
});

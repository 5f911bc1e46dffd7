// A page that has been tampered with writes what it may not, while three people fill the form in:
// the box takes it back on all of them, says at the field what it took back and why, and everything
// else goes on.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "../house/house.mjs";
import { assertAccessible, fitsWidth, screenshot } from "./lib/browser.mjs";
import { agree } from "./lib/documents.mjs";
import { field, saved } from "./lib/steps.mjs";
import { ThreeTogether } from "./lib/visit.mjs";
import { texts } from "./story/texts.mjs";

let all, judge;
const say = texts("hu");
before(async () => {
  all = await ThreeTogether.start("hu.id-card");
  judge = await all.judge();
  await field(all.citizen, "/motherName").fill("Példa Éva");
  await field(all.citizen, "/familyName").fill("Minta");
  await agree(all.pages, [judge]);
});
after(() => all?.stop());

/** What the citizen's page says at a field. */
const noteAt = (page, path) => page.locator(`[data-path="${path}"] [data-refused] p`);
const read = (page, path) => page.locator(`[data-path="${path}"] [data-refused] button`).click();

/** The change is made while the other two type; what they type must be there in the end. */
async function amidTyping(change, argument) {
  const before = await Promise.all([all.desk, all.phone].map((page) => field(page, "/lossStory").inputValue()));
  const [clerk, phone] = [field(all.desk, "/lossStory"), field(all.phone, "/birthName")];
  const typing = Promise.all([clerk.pressSequentially("abcdefghij"), phone.pressSequentially("klmnopqrst")]);
  await until("them to be typing", async () => (await clerk.inputValue()).length > before[0].length + 2);
  await all.citizen.evaluate(change, argument);
  await typing;
}

test("the office's own field: taken back, and said why", async () => {
  await amidTyping(() => window.ofTest.documentOf("shared").form.set("officeNote", "approved"));
  const notice = all.citizen.locator('.ab-draft > .ab-notice [data-refused="unknown"]');
  await notice.waitFor();
  assert.match(await notice.textContent(), new RegExp(`: ${say("ui.form.refused-office")}`));
  const json = await agree(all.pages, [judge]);
  assert.ok(!("officeNote" in json));
  assert.equal(json.lossStory, "abcdefghij");
  assert.equal(json.birthName, "klmnopqrst");
  await assertAccessible(all.citizen, "a notice of a change taken back");
  await screenshot(all.citizen, "form-refused-notice");
  await all.citizen.click(".ab-draft > .ab-notice button");
  await notice.waitFor({ state: "detached" });
});

test("a field that is in no form: taken back; the same page's honest changes go through", async () => {
  await amidTyping(() => {
    const { form, doc } = window.ofTest.documentOf("shared");
    doc.transact(() => {
      form.set("nickname", "Zo");
      form.get("familyName").insert(5, "-Nagy");
    });
  });
  const notice = all.citizen.locator('.ab-draft > .ab-notice [data-refused="unknown"]');
  await notice.waitFor();
  assert.equal((await notice.textContent()).trim(), `nickname: ${say("ui.form.refused-unknown")}`);
  const json = await agree(all.pages, [judge]);
  assert.ok(!("nickname" in json));
  assert.equal(json.familyName, "Minta-Nagy", "what was allowed in the same change stays");
  assert.equal(json.lossStory.length, 20);
  await all.citizen.click(".ab-draft > .ab-notice button");
});

test("a text's container replaced: the text is back for everybody, and can be typed in at once", async () => {
  await amidTyping(() => window.ofTest.documentOf("shared").form.set("motherName", "somebody else"));
  await noteAt(all.citizen, "/motherName").waitFor();
  assert.equal(await noteAt(all.citizen, "/motherName").textContent(), say("ui.form.refused-here", { why: say("ui.form.refused-structure") }));
  assert.equal((await agree(all.pages, [judge])).motherName, "Példa Éva");
  const described = await field(all.citizen, "/motherName").getAttribute("aria-describedby");
  assert.ok(described.split(" ").includes(await noteAt(all.citizen, "/motherName").getAttribute("id")), "heard at the field as well");
  await screenshot(all.citizen, "form-refused-field");
  await assertAccessible(all.citizen, "a field whose change was taken back");
  for (const page of [all.desk, all.phone]) assert.equal(await page.locator("[data-refused]").count(), 0, "nobody else is troubled with it");
  await field(all.desk, "/motherName").press("End");
  await all.desk.keyboard.type(" dr.");
  await agree(all.pages, [judge]);
  assert.equal(await field(all.citizen, "/motherName").inputValue(), "Példa Éva dr.");
  await read(all.citizen, "/motherName");
  await noteAt(all.citizen, "/motherName").waitFor({ state: "detached" });
});

test("a container deleted: it is there again, with its text", async () => {
  await amidTyping(() => window.ofTest.documentOf("shared").form.delete("familyName"));
  await noteAt(all.citizen, "/familyName").waitFor();
  assert.equal((await agree(all.pages, [judge])).familyName, "Minta-Nagy");
  // Typing in the field is as good as having read it.
  await field(all.citizen, "/familyName").press("End");
  await all.citizen.keyboard.type("i");
  await noteAt(all.citizen, "/familyName").waitFor({ state: "detached" });
  assert.equal((await agree(all.pages, [judge])).familyName, "Minta-Nagyi");
});

test("a value that cannot stand in its field gives way to the one before", async () => {
  await all.citizen.locator('[data-path="/reason"] input').nth(1).check();
  await agree(all.pages, [judge]);
  await amidTyping(() => window.ofTest.documentOf("shared").form.set("reason", 12345));
  await noteAt(all.citizen, "/reason").waitFor();
  assert.equal(await noteAt(all.citizen, "/reason").textContent(), say("ui.form.refused-here", { why: say("ui.form.refused-value") }));
  assert.equal((await agree(all.pages, [judge])).reason, "expired");
  await read(all.citizen, "/reason");
});

test("written on a cut line, refused when it is back: the rest of what was written there arrives", async () => {
  const { citizen } = all.lines;
  citizen.cut();
  await all.citizen.waitForSelector('.ab-saved[data-saved="away"]');
  await amidTyping(() => window.ofTest.documentOf("shared").form.set("officeNote", "granted"));
  await field(all.citizen, "/birthPlace").fill("Mintaváros");
  citizen.restore();
  await all.citizen.locator('.ab-draft > .ab-notice [data-refused="unknown"]').waitFor();
  const json = await agree(all.pages, [judge]);
  assert.ok(!("officeNote" in json));
  assert.equal(json.birthPlace, "Mintaváros");
  await saved(all.citizen);
  assert.ok(await fitsWidth(all.phone));
  await all.assertNeverReloaded();
  for (const page of all.pages) assert.deepEqual(page.errors.filter((text) => !/WebSocket connection to/.test(text)), []);
});

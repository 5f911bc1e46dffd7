// Three people in one form at once: the clerk, the citizen, and the citizen's phone. Lines are cut,
// go silent and come back, and the box is killed in mid-typing: everything anybody typed is there on
// all three, nobody loads a page again, and nothing was called saved that was not.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { until } from "../house/house.mjs";
import { fitsWidth, screenshot } from "./lib/browser.mjs";
import { agree, claims, readDocument } from "./lib/documents.mjs";
import { randomOf, seed } from "./lib/random.mjs";
import { field, submit } from "./lib/steps.mjs";
import { ThreeTogether } from "./lib/visit.mjs";

let all;
before(async () => {
  console.log(`seed ${seed}`);
  all = await ThreeTogether.start("hu.id-card");
});
after(() => all?.stop());

const ALPHABET = { desk: "ABCDEFGHIJKLMNOPQRSTUVWXYZ", citizen: "abcdefghijklmnopqrstuvwxyz", phone: "0123456789" };
const people = Object.keys(ALPHABET);
const only = (person, text) => [...text].filter((letter) => ALPHABET[person].includes(letter)).join("");
const saveState = (page) => page.locator(".ab-saved").first().getAttribute("data-saved");

/** Somebody who goes on typing until told to stop; `typed` is all of their letters in the field. */
function typist(person, path, { below, pick }) {
  const page = all[person];
  const self = { person, path, typed: "", stopped: false };
  self.done = (async () => {
    await field(page, path).focus();
    await page.keyboard.press("Control+End");
    self.typed = only(person, await field(page, path).inputValue());
    while (!self.stopped) {
      const word = Array.from({ length: 1 + below(4) }, () => pick(ALPHABET[person])).join("");
      await page.keyboard.type(word, { delay: 10 });
      self.typed += word;
    }
  })();
  /** Waits until they have typed so many letters more. */
  self.types = (count) => {
    const end = self.typed.length + count;
    return until(`${person} to type ${count} letters`, () => self.typed.length >= end);
  };
  self.stop = () => {
    self.stopped = true;
    return self.done;
  };
  return self;
}

let typing = [];
function begin(path, chance, who = people) {
  const typists = who.map((person) => typist(person, path, chance));
  typing.push(...typists);
  return typists;
}
const stop = (typists) => Promise.all(typists.map((one) => one.stop()));

// Nobody types on into the next test, whatever became of this one.
afterEach(async () => {
  await stop(typing);
  typing = [];
});

/** All letters of everybody, each one's in the order in which they were typed. */
function assertComplete(text, typists) {
  for (const { person, typed } of typists) assert.equal(only(person, text), typed, `the letters of ${person}`);
  assert.equal(text.length, typists.reduce((sum, { typed }) => sum + typed.length, 0), "and nothing else");
}

test("one line is cut in mid-typing: all go on, and all of it is there when the line is back", async () => {
  const chance = randomOf("cut");
  const typists = begin("/lossStory", chance);
  const [desk, citizen, phone] = typists;
  await Promise.all(typists.map((one) => one.types(10 + chance.below(10))));
  all.lines.citizen.cut();
  await until("the page to notice", async () => (await saveState(all.citizen)) === "away");
  await claims(all.citizen);
  await Promise.all([citizen.types(16), desk.types(10), phone.types(10)]);
  await stop(typists);
  // A choice made while away is one change more.
  await all.citizen.locator('[data-path="/reason"] input').nth(3).check();
  await agree([all.desk, all.phone]);
  const { waiting, json } = await readDocument(all.citizen);
  assert.equal(only("citizen", json.lossStory), citizen.typed, "on its own device nothing is missing");
  assert.ok(waiting > 15, `${waiting} changes wait`);
  assert.match(await all.citizen.textContent(".ab-saved"), new RegExp(`Nincs mentve.*\\b${waiting} módosítás`));
  assert.deepEqual(await claims(all.citizen), [], "nothing was called saved while the line was cut");
  await screenshot(all.citizen, "form-away");
  await screenshot(all.desk, "form-together-desk");
  const without = await readDocument(all.desk);
  assert.equal(without.json.reason, undefined, "nothing came through the cut line");
  all.lines.citizen.restore();
  const whole = await agree(all.pages);
  assertComplete(whole.lossStory, typists);
  assert.equal(whole.reason, "lost");
  await until("saved to be said", async () => (await saveState(all.citizen)) === "yes");
  await all.assertNeverReloaded();
});

test("a line that is slow, then silent, is called so and given up; nothing is lost when it is back", async () => {
  const chance = randomOf("silence");
  all.lines.phone.delay(150);
  const typists = begin("/motherName", chance);
  const phone = typists[2];
  await Promise.all(typists.map((one) => one.types(10)));
  all.lines.phone.silence();
  await phone.types(10);
  await stop(typists);
  await claims(all.phone);
  // The box may be found to be gone before the wait is long enough to be called slow.
  await until("the wait to be told", async () => ["slow", "away"].includes(await saveState(all.phone)));
  assert.match(await all.phone.textContent(".ab-saved"), /nincs mentve/i);
  await screenshot(all.phone, "form-slow");
  assert.ok(await fitsWidth(all.phone));
  await until("the line to be given up", async () => (await saveState(all.phone)) === "away");
  assert.deepEqual(await claims(all.phone), [], "nothing was called saved on a silent line");
  all.lines.phone.delay(0);
  all.lines.phone.restore();
  assertComplete((await agree(all.pages)).motherName, typists);
  await until("saved to be said", async () => (await saveState(all.phone)) === "yes");
  await all.assertNeverReloaded();
});

for (const round of [1, 2, 3])
  test(`the box is killed in mid-typing (${round}): what was called saved is in it, and all pages come back`, async () => {
    const chance = randomOf(`kill ${round}`);
    const name = "lossStory";
    await all.forgetClaims();
    const promised = people.map(() => "");
    const listen = () => Promise.all(people.map(async (_, index) => (promised[index] = (await claims(all.pages[index])).at(-1)?.[name] ?? promised[index])));
    // A pause in which everybody is told that all is saved, then more.
    const first = begin(`/${name}`, chance);
    await Promise.all(first.map((one) => one.types(5 + chance.below(10))));
    await stop(first);
    await until("everybody to be told so", async () => (await Promise.all(all.pages.map(saveState))).every((state) => state === "yes"));
    const typists = begin(`/${name}`, chance);
    await Promise.all(typists.map((one) => one.types(1 + chance.below(20))));
    await all.house.kill("box");
    // Nobody's page may bring the new box anything before the judge has looked into it.
    for (const line of Object.values(all.lines)) line.cut();
    await listen();
    first.forEach(({ person, typed }, index) => assert.ok(only(person, promised[index]).startsWith(typed), `${person} was told of ${typed}`));
    await all.house.launch("box");
    const judge = await all.judge();
    const kept = judge.form.get(name).toString();
    people.forEach((person, index) => {
      assert.ok(only(person, kept).startsWith(only(person, promised[index])), `${person} was told ${promised[index]} was saved; ${kept} is there`);
    });
    await Promise.all(typists.map((one) => one.types(3)));
    for (const line of Object.values(all.lines)) line.restore();
    await until("all to be back", async () => (await Promise.all(all.pages.map(saveState))).every((state) => state !== "away"));
    await Promise.all(typists.map((one) => one.types(3)));
    await stop(typists);
    assertComplete((await agree(all.pages, [judge]))[name], typists);
    await all.assertNeverReloaded();
  });

test("one submits while two are typing: what came too late is shown to be copied, on the page it was typed on", async () => {
  const before = (await agree(all.pages)).lossStory;
  all.lines.citizen.delay(300);
  const typists = begin("/lossStory", randomOf("late"), ["citizen", "phone"]);
  await Promise.all(typists.map((one) => one.types(8)));
  await submit(all.desk);
  await Promise.all([all.citizen, all.phone].map((page) => page.waitForSelector(".ab-receipt-number")));
  await stop(typists);
  const judge = await all.judge();
  const filed = judge.form.get("lossStory").toString();
  assert.ok(filed.length > before.length, "what was there in time is part of it");
  for (const { person } of typists) {
    const page = all[person];
    // The page keeps what its field took; after the receipt came there was no field any more.
    const own = only(person, (await readDocument(page)).json.lossStory);
    assert.ok(own.startsWith(only(person, filed)), "nothing was filed that was not typed");
    const late = page.locator('[data-late="/lossStory"] textarea');
    if (own !== only(person, filed)) assert.equal(only(person, await late.inputValue()), own, `${person} sees every letter that came too late`);
    else assert.equal(await late.count(), 0, "nothing was late, nothing is shown");
  }
  // 300 ms each way: the last letters before the receipt cannot have come in time.
  assert.equal(await all.citizen.locator("[data-late]").count(), 1);
});

test("nothing went wrong on any page", () => {
  for (const page of all.pages) assert.deepEqual(page.errors.filter((text) => !/WebSocket connection to/.test(text)), []);
});

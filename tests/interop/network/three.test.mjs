// Three in a call, one of them over a bad line: clerk, citizen and a sign language interpreter who
// came by link, each in a Chromium of their own, the last two at the far ends of lines of their own.
// Nobody clicks once the call has begun. Each case prints its figures as one line of JSON.
//
// ABLAK_MEDIA names another media process than the build's, ABLAK_CAMERA the cameras' width.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { callState, field, join, meetByVideo, openDesk } from "../../e2e/lib/steps.mjs";
import { until } from "../../house/house.mjs";
import { received, Typing } from "./figures.mjs";
import { CITIZEN_FIELD, DESK_FIELD, openPage, startHouse } from "./people.mjs";
import { Line, Namespace } from "./world.mjs";

const full = process.env.ABLAK_FULL === "1";
/** Two cores encode three pictures and decode six. */
const width = Number(process.env.ABLAK_CAMERA ?? 320);
/**
 * Frames a second of signing (measured: 22 to 25; 2 to 7 when nothing lost is repeated), and of all
 * sound made up at a time. A short run may share its machine.
 */
const [PACE, SILENCE_MS] = full ? [15, 300] : [10, 600];
const FAR = { name: "line1", here: "10.78.0.1", there: "10.78.0.2" };
const all = { pages: {}, lines: {}, browsers: [] };

async function invite(desk) {
  await desk.click(".ab-guest-invite");
  await desk.check("#guest-role-sign", { force: true });
  await desk.click(".ab-guest-make");
  const link = await desk.inputValue("#guest-link");
  await desk.keyboard.press("Escape");
  return link;
}

async function openPeople() {
  for (const [name, at] of [["clerk"], ["citizen", {}], ["interpreter", FAR]]) {
    const space = at && (await Namespace.open());
    if (space) all.lines[name] = { space, line: await Line.open(space, at) };
  }
  // The box has one address for media: that the interpreter is reached by another line is routing's matter.
  all.house = await startHouse();
  for (const name of ["clerk", "citizen", "interpreter"]) {
    const { browser, page } = await openPage(name, { space: all.lines[name]?.space, width });
    all.browsers.push(browser);
    all.pages[name] = page;
  }
}

before(async () => {
  await openPeople();
  const { clerk, citizen, interpreter } = all.pages;
  await openDesk(clerk, all.house.boxUrl);
  const { link } = await meetByVideo(clerk, "hu.id-card");
  await join(citizen, link, { video: true });
  await clerk.click(".ab-call-start");
  await interpreter.goto(await invite(clerk));
  await interpreter.fill("#guest-name", "Éva");
  await interpreter.keyboard.press("Enter");
  await flows();
});

after(async () => {
  await Promise.all(all.browsers.map((browser) => browser.close()));
  const complaints = (await all.house?.complaints()) ?? [];
  await all.house?.stop();
  for (const { line, space } of Object.values(all.lines)) {
    await line.close();
    await space.close();
  }
  assert.deepEqual(complaints, []);
});

/** At which place of whose page another person is, by the offer's labels. */
function placeOf(page, who) {
  return page.evaluate((label) => {
    const sections = window.figuresOfTest.offer.split(/\r?\nm=/).filter((text) => text.includes(`\na=label:${label}`));
    return sections.map((text) => /\na=mid:audio(\S*)/.exec(text)?.[1]).find((place) => place !== undefined);
  }, who === "interpreter" ? "guest-" : who);
}

/** What everyone gets of each other: { citizen: { interpreter: {…}, … }, … }. */
async function figures(from, to) {
  const names = Object.keys(all.pages), found = {};
  for (const at of names) {
    found[at] = {};
    for (const of of names)
      if (of !== at) found[at][of] = await received(all.pages[at], from, to, { place: await placeOf(all.pages[at], of) });
  }
  return found;
}

const each = (found) => Object.values(found).flatMap(Object.values);

async function flows() {
  for (const { line } of Object.values(all.lines)) await line.good();
  await Promise.all(Object.values(all.pages).map((page) => callState(page, "talking")));
  await until("everyone to see and hear everyone", async () => {
    const from = Date.now();
    await sleep(1500);
    return each(await figures(from, Date.now())).every((one) => one.framesPerSecond > 5 && one.audioGapMs < 1000);
  }, 60_000);
}

const write = async (from, to, path) => Typing.begin(await field(from, path).elementHandle(), await field(to, path).elementHandle());

async function measure(t, seconds) {
  const { clerk, citizen } = all.pages;
  const typing = [await write(clerk, citizen, DESK_FIELD), await write(citizen, clerk, CITIZEN_FIELD)];
  const from = Date.now();
  await sleep(seconds * 1000);
  const found = await figures(from, Date.now());
  for (const [name, page] of Object.entries(all.pages)) found[name].step = await page.getAttribute(".ab-call", "data-step");
  const [down, up] = await Promise.all(typing.map((one) => one.end()));
  console.log(JSON.stringify({ case: t.name, seconds, width, ...found, form: { down, up } }));
  assert.ok(down.arrived && up.arrived, "what was typed arrives");
  return found;
}

/** Whoever signs is seen at a pace that can be read, and heard are all. */
function signed({ citizen, interpreter, clerk }) {
  assert.ok(citizen.interpreter.framesPerSecond >= PACE, "the citizen sees the interpreter sign");
  assert.ok(interpreter.citizen.framesPerSecond >= PACE, "the interpreter sees the citizen sign");
  assert.ok(Math.min(clerk.citizen.framesPerSecond, clerk.interpreter.framesPerSecond) >= PACE, "whose line is good sees both");
  for (const one of each({ citizen: { interpreter: citizen.interpreter, clerk: citizen.clerk }, interpreter: { citizen: interpreter.citizen, clerk: interpreter.clerk } }))
    assert.ok(one.audioGapMs < SILENCE_MS, "nobody falls silent");
}

function three(name, { whose, settings = {}, onlyFull = true, seconds = 15 }) {
  test(name, { skip: onlyFull && !full }, async (t) => {
    await flows();
    await all.lines[whose]?.line.set(settings);
    // The senders take a few seconds to fit the line.
    await sleep(8000);
    signed(await measure(t, seconds));
  });
}

three("three on good lines", {});
for (const whose of ["citizen", "interpreter"]) {
  three(`three, the ${whose}'s line: 600 kbit/s and 5 % loss`, { whose, settings: { rate: 600_000, loss: 5 }, onlyFull: whose !== "citizen" });
  three(`three, the ${whose}'s line: 300 kbit/s`, { whose, settings: { rate: 300_000 } });
}

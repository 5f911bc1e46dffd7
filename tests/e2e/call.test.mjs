// A call between two browsers through the real box: what is on and what is off, before, during,
// over a line that breaks, from a second device; and what is written beside it.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { Client } from "../house/client.mjs";
import { House, sleep, until } from "../house/house.mjs";
import { assertAccessible, fitsWidth, openPerson, screenshot, startBrowser } from "./lib/browser.mjs";
import { Line } from "./lib/line.mjs";
import { callState, meetByVideo, openDesk } from "./lib/steps.mjs";
import { story } from "./lib/story.mjs";

// Chromium gathers no address to send from on a machine that has only loopback.
const FLAGS = ["--allow-loopback-in-peer-connection"];
let house, office, home, line, slow, desk, citizen, link;

/** Every connection and camera of the page, for looking at; runs before its own script. */
function watch() {
  window.peersOfTest = [];
  window.tracksOfTest = [];
  window.RTCPeerConnection = class extends window.RTCPeerConnection {
    constructor(...given) {
      super(...given);
      window.peersOfTest.push(this);
    }
    setRemoteDescription(...given) {
      const done = super.setRemoteDescription(...given);
      window.onOfferOfTest?.();
      return done;
    }
    /** What it counts, with a bad line's loss when the test says so: the media themselves are real. */
    async getStats(...given) {
      const report = await super.getStats(...given);
      return window.lossOfTest ? new Map([...report, ["loss", { id: "loss", type: "remote-inbound-rtp", fractionLost: window.lossOfTest }]]) : report;
    }
  };
  const media = navigator.mediaDevices;
  const ask = media?.getUserMedia.bind(media);
  if (ask)
    media.getUserMedia = async (wish) => {
      const stream = await ask(wish);
      window.tracksOfTest.push(...stream.getTracks());
      return stream;
    };
}

async function person(browser, options) {
  const page = await openPerson(browser, { origin: house.boxUrl, ...options });
  await page.addInitScript(watch);
  // As if chosen at the switch: a clerk's own language would win over the browser's.
  await page.addInitScript((language) => localStorage.setItem("ablak-language", language), options.language);
  return page;
}

before(async () => {
  [house, office, home] = await Promise.all([House.start({ office: "hu" }), startBrowser({ flags: FLAGS }), startBrowser({ flags: FLAGS })]);
  [line, slow] = await Promise.all([Line.open(house.boxPort), Line.open(house.boxPort)]);
  desk = await person(office, { language: "en", width: 1440, height: 900 });
  citizen = await person(home, { language: "en", width: 390, height: 844, origin: line.url });
  await openDesk(desk, house.boxUrl, { login: "clerk2", counter: "3" });
  ({ link } = await meetByVideo(desk, "hu.id-card"));
});
after(async () => {
  await Promise.all([office?.close(), home?.close()]);
  await Promise.all([line?.close(), slow?.close()]);
  const complaints = (await house?.complaints()) ?? [];
  await house?.stop();
  assert.deepEqual(complaints, []);
});

/** Cameras that are on: the browser's lamp is lit for just these. */
const cameras = (page) => page.evaluate(() => window.tracksOfTest.filter(({ kind, readyState }) => kind === "video" && readyState === "live").length);
const note = (page) => page.locator(".ab-call-note").innerText();
const said = (page, text) => until(`"${text}"`, async () => (await note(page)).includes(text));

/** Totals of the page's live call. */
const totals = (page) =>
  page.evaluate(async () => {
    const sum = { frames: 0, audio: 0, sent: 0 };
    for (const peer of window.peersOfTest) {
      if (peer.connectionState !== "connected") continue;
      for (const entry of (await peer.getStats()).values()) {
        if (entry.type === "inbound-rtp" && entry.kind === "video") sum.frames += entry.framesDecoded ?? 0;
        if (entry.type === "inbound-rtp" && entry.kind === "audio") sum.audio += entry.packetsReceived ?? 0;
        if (entry.type === "outbound-rtp" && entry.kind === "video") sum.sent += entry.packetsSent ?? 0;
      }
    }
    return sum;
  });

async function grows(page, what) {
  const first = (await totals(page))[what];
  await until(`more ${what}`, async () => (await totals(page))[what] > first + 5);
}

const step = story();

step("before the meeting: camera, microphone and line are tried, and nobody sees it", async () => {
  await citizen.goto(line.over(link));
  await citizen.click(".ab-join-video");
  await citizen.waitForSelector('.ab-check-picture[data-camera="on"] video');
  await until("the microphone to be heard", async () => (await citizen.innerText(".ab-meter")).includes("hears you"));
  await citizen.waitForSelector('[data-expectation="picture"], [data-expectation="sound"]');
  assert.equal(await desk.locator(".ab-call > video").count(), 0, "a try is not a call");
  assert.ok(await fitsWidth(citizen));
  await assertAccessible(citizen, "check");
  await screenshot(citizen, "call-check", { fullPage: true });
  await citizen.keyboard.press("Tab");
  await citizen.focus(".ab-check-join");
  await citizen.keyboard.press("Enter");
  await citizen.waitForSelector(".ab-draft [data-path]");
  assert.equal(await cameras(citizen), 1, "the try's own camera is off again, the call's is on");
});

step("the call: both see and hear, and the line is put in words", async () => {
  await desk.click(".ab-call-start");
  await Promise.all([callState(desk, "talking"), callState(citizen, "talking")]);
  await Promise.all([grows(desk, "frames"), grows(citizen, "frames"), grows(desk, "audio"), grows(citizen, "audio")]);
  for (const page of [desk, citizen]) {
    await page.waitForSelector(".ab-line-mark");
    assert.match(await page.innerText(".ab-line-mark summary"), /^\s*Line: (good|fair|weak|very weak)\s*$/);
  }
  await desk.click(".ab-line-mark summary");
  await assertAccessible(desk, "desk in a call");
  await assertAccessible(citizen, "meeting in a call");
  assert.ok(await fitsWidth(citizen));
  await screenshot(desk, "call-desk");
  await screenshot(citizen, "call-citizen");
});

step("a camera that is off is off, and the other side is told in words", async () => {
  await citizen.click(".ab-call-camera");
  await said(desk, "The client has turned the camera off.");
  assert.equal(await cameras(citizen), 0, "no camera is lit");
  const before = await totals(desk);
  await grows(desk, "audio");
  assert.ok((await totals(desk)).frames - before.frames < 5, "no black pictures instead");
  assert.equal(await citizen.locator(".ab-call-self").count(), 0);
  await screenshot(desk, "call-camera-off");
  await citizen.click(".ab-call-camera");
  await grows(desk, "frames");
  await until("the note to go", async () => (await note(desk)).trim() === "");
  await desk.click(".ab-call-mic");
  await citizen.getByText("The clerk’s microphone is off").waitFor();
  await desk.click(".ab-call-mic");
  await citizen.getByText("The clerk’s microphone is off").waitFor({ state: "detached" });
});

step("devices are chosen in mid-call and remembered", async () => {
  await citizen.click(".ab-call-devices");
  await citizen.waitForSelector("#device-microphone option", { state: "attached" });
  const other = await citizen.evaluate(() => [...document.querySelector("#device-microphone").options].map(({ value }) => value).at(-1));
  await citizen.selectOption("#device-microphone", other);
  await until("the other microphone", () => citizen.evaluate((id) => window.tracksOfTest.some((track) => track.kind === "audio" && track.readyState === "live" && track.getSettings().deviceId === id), other));
  await assertAccessible(citizen, "device picker");
  await screenshot(citizen, "call-devices");
  await citizen.keyboard.press("Escape");
  assert.equal(await citizen.evaluate(() => JSON.parse(localStorage.getItem("ablak-devices")).microphone), other);
  assert.equal(await citizen.evaluate(() => window.tracksOfTest.filter(({ kind, readyState }) => kind === "audio" && readyState === "live").length), 1, "the former one is closed");
  await grows(desk, "audio");
});

step("messages are kept: a page that comes back has them", async () => {
  await citizen.click(".ab-chat-button");
  await citizen.fill("#chat-input", "Jó napot kívánok!");
  await citizen.keyboard.press("Enter");
  await desk.getByRole("list", { name: "Messages" }).getByText("Jó napot kívánok!").waitFor();
  await desk.fill("#chat-input", "Good day to you");
  await desk.keyboard.press("Enter");
  await citizen.getByText("Good day to you").waitFor();
  await desk.reload();
  const list = desk.getByRole("list", { name: "Messages" });
  for (const text of ["Jó napot kívánok!", "Good day to you"]) await list.getByText(text).waitFor();
  assert.equal(await list.locator("li[data-serial]").count(), 2, "each once");
});

step("real-time text: letter by letter, erasing too, within a second", async () => {
  await citizen.check(".ab-chat-live input");
  const shown = () => desk.locator(".ab-chat-typed").innerText().catch(() => "");
  await citizen.focus("#chat-input");
  // A machine that is busy with other things may be late now and then.
  const tookMs = [];
  for (const [letters, line] of [["Hal", "Hal"], ["lo", "Hallo"], ["o", "Halloo"]]) {
    const typedAt = performance.now();
    await citizen.keyboard.type(letters);
    await desk.locator(".ab-chat-typed", { hasText: line }).waitFor();
    tookMs.push(performance.now() - typedAt);
  }
  assert.ok(Math.min(...tookMs) < 1000, `${tookMs}`);
  await desk.waitForSelector('p[aria-live="polite"]:has-text("Halloo")', { state: "attached" });
  await citizen.keyboard.press("Backspace");
  await until("the letter to be erased", async () => /Hallo$/.test((await shown()).trim()));
  await assertAccessible(desk, "desk with real-time text");
  await screenshot(desk, "call-typing");
  await screenshot(citizen, "call-typing-citizen");
  await citizen.keyboard.press("Enter");
  await desk.getByRole("list", { name: "Messages" }).getByText("Hallo", { exact: true }).waitFor();
  await desk.waitForSelector(".ab-chat-typed", { state: "detached" });
  await citizen.keyboard.press("Escape");
});

step("after a reload of the desk the call is taken up again", async () => {
  await desk.click(".ab-call-start");
  await Promise.all([callState(desk, "talking"), callState(citizen, "talking")]);
  await Promise.all([grows(desk, "frames"), grows(citizen, "frames")]);
});

step("another network: ICE starts anew without a click and without a new call", async () => {
  const credentials = () => citizen.evaluate(() => /a=ice-ufrag:(\S+)/.exec(window.peersOfTest.findLast((peer) => peer.connectionState !== "closed").remoteDescription.sdp)[1]);
  const [peers, former] = [await citizen.evaluate(() => window.peersOfTest.length), await credentials()];
  await citizen.evaluate(() => dispatchEvent(new Event("online")));
  await until("other credentials", async () => (await credentials()) !== former);
  await Promise.all([grows(desk, "frames"), grows(citizen, "frames")]);
  assert.equal(await citizen.evaluate(() => window.peersOfTest.length), peers, "the connection is the same");
});

step("a weak line takes the picture, then the sound, and gives both back by itself", async () => {
  const weak = (loss) => citizen.evaluate((value) => (window.lossOfTest = value), loss);
  await weak(0.5);
  await said(citizen, "too weak for a picture");
  await said(desk, "The other side’s line is too weak for a picture.");
  const before = await totals(citizen);
  await grows(citizen, "audio");
  assert.ok((await totals(citizen)).frames - before.frames < 5, "the desk sends no picture into it");
  await screenshot(citizen, "call-step-audio");
  await screenshot(desk, "call-step-audio-desk");
  await said(citizen, "too weak for sound");
  await assertAccessible(citizen, "a call reduced to text");
  await screenshot(citizen, "call-step-text");
  await citizen.fill('[data-path="/familyName"] input', "Minta");
  await citizen.waitForSelector('.ab-saved[data-saved="yes"]');
  await weak(0);
  await citizen.waitForSelector('.ab-call[data-step="audio"]');
  await grows(desk, "audio");
  await citizen.waitForSelector('.ab-call[data-step="video"]');
  await Promise.all([grows(desk, "frames"), grows(citizen, "frames")]);
});

step("the page's line breaks: the call goes on and is its own again", async () => {
  line.cut();
  await sleep(1500);
  await grows(desk, "frames");
  line.restore();
  // The browser's own complaints about the cut.
  citizen.errors.splice(0);
  await citizen.waitForFunction(() => document.querySelector(".ab-dot")?.className === "ab-dot");
  await Promise.all([grows(desk, "frames"), grows(citizen, "frames")]);
  await citizen.click(".ab-call-camera");
  await said(desk, "The client has turned the camera off.");
  await citizen.click(".ab-call-camera");
  await until("the note to go", async () => (await note(desk)).trim() === "");
});

/** For a second device: from the dialog that shows it. */
async function handoverLink() {
  await citizen.click(".ab-meeting-foot button >> nth=0");
  const address = await citizen.inputValue("#handover-link");
  await citizen.keyboard.press("Escape");
  return address;
}

step("the citizen's second device takes the call over, and gives it back", async () => {
  const phone = await person(home, { language: "hu", width: 360, height: 740, origin: slow.url });
  await phone.goto(slow.over(await handoverLink()));
  await phone.click(".ab-join-video");
  const tried = (state) => phone.evaluate((word) => window.peersOfTest.slice(0, 2).filter(({ connectionState }) => connectionState === word).length, state);
  await until("the line to be tried", async () => (await tried("connected")) === 2);
  await phone.click(".ab-check-join");
  await until("the try to give way to the call", async () => (await tried("closed")) === 2);
  await callState(phone, "talking");
  await callState(citizen, "idle");
  assert.match(await citizen.innerText(".ab-call-controls"), /Take the call back here/);
  assert.equal(await cameras(citizen), 0, "a call that has gone elsewhere leaves no camera on");
  await Promise.all([grows(desk, "frames"), grows(phone, "frames")]);
  await screenshot(phone, "call-phone");
  await citizen.click(".ab-call-start");
  await callState(phone, "idle");
  await callState(citizen, "talking");
  await Promise.all([grows(desk, "frames"), grows(citizen, "frames")]);
  assert.deepEqual(phone.errors, []);
  await phone.context().close();
});

step("a second device whose line is slower than its camera takes the call over too", async () => {
  const phone = await person(home, { language: "hu", width: 360, height: 740, origin: slow.url });
  await phone.goto(slow.over(await handoverLink()));
  slow.delay(300);
  await phone.click(".ab-join-video");
  await phone.click(".ab-check-join");
  await Promise.all([callState(phone, "talking"), callState(citizen, "idle")]);
  slow.delay(0);
  await citizen.click(".ab-call-start");
  await Promise.all([callState(phone, "idle"), callState(citizen, "talking")]);
  assert.deepEqual(phone.errors, []);
  await phone.context().close();
});

step("hanging up right after an offer, or before it, and joining again: 20 times", async () => {
  const idle = () => citizen.waitForSelector('.ab-call[data-call-state="idle"]', { state: "attached" });
  await citizen.click(".ab-hang-up");
  for (let turn = 0; turn < 20; turn++) {
    // Milliseconds after the offer has come in; every fourth turn does not wait for it.
    const after = turn % 4;
    await citizen.evaluate((ms) => {
      const hangUp = () => document.querySelector(".ab-hang-up")?.click();
      const once = () => {
        window.onOfferOfTest = null;
        if (ms === 0) hangUp();
        else setTimeout(hangUp, ms);
      };
      window.onOfferOfTest = ms === 3 ? null : once;
    }, after);
    await citizen.click(".ab-call-start");
    if (after === 3) await citizen.click(".ab-hang-up");
    await idle();
    await citizen.click(".ab-call-start");
    await callState(citizen, "talking");
    await citizen.click(".ab-hang-up");
    await idle();
  }
  await citizen.click(".ab-call-start");
  await Promise.all([callState(citizen, "talking"), callState(desk, "talking")]);
  await Promise.all([grows(desk, "frames"), grows(citizen, "frames")]);
  assert.equal(await desk.locator(".ab-call > video").count(), 1, "nobody of before is left in the call");
});

step("looking back: an ended visit shows what was written", async () => {
  const clerk = new Client(house.boxUrl);
  await clerk.post("/api/sign-in", { login: "clerk2", password: "demo-clerk2-password" });
  const { visit } = await clerk.get("/api/queue");
  await clerk.post(`/api/visits/${visit.id}/end`);
  await citizen.getByText("The meeting has ended.").waitFor();
  assert.equal(await cameras(citizen), 0);
  await desk.locator(".ab-tag-amber").waitFor();
  const past = desk.getByRole("list", { name: "Messages" });
  for (const text of ["Jó napot kívánok!", "Good day to you", "Hallo"]) await past.getByText(text, { exact: true }).waitFor();
  assert.equal(await desk.locator("#chat-input").count(), 0, "nothing more is written");
  await assertAccessible(desk, "desk looking back");
  await screenshot(desk, "call-past");
  assert.deepEqual([citizen.errors, desk.errors], [[], []]);
});

step("without camera and microphone one can still join, listen and write", async () => {
  await desk.locator(".ab-client-head").getByRole("button", { name: "Close" }).click();
  const again = await meetByVideo(desk, "hu.address");
  const guest = await person(home, { language: "hu", permissions: [] });
  await guest.addInitScript(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotFoundError"));
  });
  await guest.goto(again.link);
  await guest.click(".ab-join-video");
  await guest.waitForSelector('.ab-check-picture[data-camera="none"]');
  await guest.waitForSelector('[data-expectation="picture"]');
  await assertAccessible(guest, "check without devices");
  await screenshot(guest, "call-check-none", { fullPage: true });
  await guest.click(".ab-check-join");
  await desk.click(".ab-call-start");
  await Promise.all([callState(desk, "talking"), callState(guest, "talking")]);
  await Promise.all([grows(guest, "frames"), grows(guest, "audio")]);
  await said(desk, "The client is in the call without camera and microphone");
  await screenshot(guest, "call-listener");
  await screenshot(desk, "call-listener-desk");
  assert.deepEqual(guest.errors, []);
});

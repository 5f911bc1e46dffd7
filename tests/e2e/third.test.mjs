// A third person in a call, and a fourth: invited by link, seen and heard by all, kept from everything
// else, given up last, and sent away; and what is shown beside the pictures.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { after, before } from "node:test";
import { Client } from "../house/client.mjs";
import { House, until } from "../house/house.mjs";
import { patterns, writePattern } from "../interop/video/pattern.mjs";
import { assertAccessible, fitsWidth, openPerson, screenshot, startBrowser } from "./lib/browser.mjs";
import { callState, join, meetByVideo, openDesk } from "./lib/steps.mjs";
import { story } from "./lib/story.mjs";

const FLAGS = ["--allow-loopback-in-peer-connection"];
let house, office, home, away, desk, citizen, guest, colleague;
// Small pictures: four pages show twelve.
const cameras = mkdtempSync(joinPath(tmpdir(), "ablak-cameras-"));

/** Every connection and track of the page, for looking at; runs before its own script. */
function watch() {
  window.peersOfTest = [];
  window.tracksOfTest = [];
  window.offersOfTest = 0;
  window.RTCPeerConnection = class extends window.RTCPeerConnection {
    constructor(...given) {
      super(...given);
      window.peersOfTest.push(this);
    }
    setRemoteDescription(...given) {
      window.offersOfTest++;
      return super.setRemoteDescription(...given);
    }
    /** What it counts, but for how good the line is, which the test says and not how busy this machine is: the media themselves are real. */
    async getStats(...given) {
      const calm = { "candidate-pair": { currentRoundTripTime: 0.02, availableOutgoingBitrate: 1e6 }, "remote-inbound-rtp": { fractionLost: window.lossOfTest ?? 0 }, "inbound-rtp": { packetsLost: 0 } };
      return new Map([...(await super.getStats(...given))].map(([id, entry]) => [id, { ...entry, ...calm[entry.type] }]));
    }
  };
  for (const name of ["getUserMedia", "getDisplayMedia"]) {
    const ask = navigator.mediaDevices[name].bind(navigator.mediaDevices);
    navigator.mediaDevices[name] = async (wish) => {
      const stream = await ask(wish);
      window.tracksOfTest.push(...stream.getTracks());
      return stream;
    };
  }
}

async function person(browser, language, size) {
  const page = await openPerson(browser, { origin: house.boxUrl, language, ...size });
  await page.addInitScript(watch);
  await page.addInitScript((chosen) => localStorage.setItem("ablak-language", chosen), language);
  return page;
}

before(async () => {
  const video = joinPath(cameras, "camera.y4m");
  writePattern(video, patterns.clerk);
  [house, office, home, away] = await Promise.all([House.start({ office: "hu" }), ...[1, 2, 3].map(() => startBrowser({ flags: FLAGS, video }))]);
  desk = await person(office, "en", { width: 1440, height: 900 });
  citizen = await person(home, "hu", { width: 390, height: 844 });
  guest = await person(away, "hu", { width: 1100, height: 800 });
  colleague = await person(office, "cs", { width: 1100, height: 800 });
  await openDesk(desk, house.boxUrl, { login: "clerk2", counter: "3" });
  const { link } = await meetByVideo(desk, "hu.id-card");
  await join(citizen, link, { video: true });
  await desk.click(".ab-call-start");
  await Promise.all([callState(desk, "talking"), callState(citizen, "talking")]);
});
after(async () => {
  await Promise.all([office, home, away].map((browser) => browser?.close()));
  rmSync(cameras, { recursive: true, force: true });
  const complaints = (await house?.complaints()) ?? [];
  await house?.stop();
  assert.deepEqual(complaints, []);
});

/** What has come so far by the section it came through: pictures decoded, energy of sound heard. */
const arrived = (page) =>
  page.evaluate(async () => {
    const sums = {};
    const peer = window.peersOfTest.findLast(({ connectionState }) => connectionState === "connected");
    for (const { type, mid, framesDecoded, totalAudioEnergy } of (await peer.getStats()).values()) if (type === "inbound-rtp") sums[mid] = framesDecoded ?? totalAudioEnergy ?? 0;
    return sums;
  });

/** Pictures and sound flow through these sections: six more pictures, and a sound louder than what a decoder makes up. */
async function flow(page, mids, timeout = 20_000) {
  const first = await arrived(page);
  await until(`what comes through ${mids} (was ${JSON.stringify(first)})`, async () => {
    const now = await arrived(page);
    return mids.every((mid) => (now[mid] ?? 0) > (first[mid] ?? 0) + (mid.startsWith("audio") ? 1e-4 : 5));
  }, timeout);
}
/** From now on whatever stops one of these pictures is noted: a section that falls silent, an element that is given another picture or taken away. */
const guard = (page, mids) =>
  page.evaluate((kept) => {
    const stops = (window.stopsOfTest = []);
    const peer = window.peersOfTest.findLast(({ connectionState }) => connectionState === "connected");
    for (const { mid, receiver: { track } } of peer.getTransceivers()) {
      if (!kept.includes(mid)) continue;
      track.addEventListener("mute", () => stops.push(`${mid} is silent`));
      const shown = [...document.querySelectorAll(".ab-call-tile video")].find(({ srcObject }) => srcObject?.getTracks().includes(track));
      for (const name of ["emptied", "pause"]) shown.addEventListener(name, () => stops.push(`${mid}: ${name}`));
    }
  }, mids);
/** Tracks of the page's own that are on, in the order in which they were asked for. */
const live = (page, kind) => page.evaluate((wanted) => window.tracksOfTest.filter((track) => track.kind === wanted && track.readyState === "live").length, kind);
const connections = (page) => page.evaluate(() => window.peersOfTest.length);
const tiles = (page, names) => until(`tiles of ${names}`, async () => (await page.locator(".ab-call-tile").evaluateAll((all) => all.map((tile) => tile.dataset.who.replace(/^(guest|supervisor)-.*/, "$1")).sort())).join() === [...names].sort().join(), 20_000);

/** `looked`: after each dialog, to look at it. */
async function invite(role, looked = async () => {}) {
  await desk.click(".ab-guest-invite");
  await desk.check(`#guest-role-${role}`, { force: true });
  await looked("invite");
  await desk.click(".ab-guest-make");
  const link = await desk.inputValue("#guest-link");
  await looked("link");
  await desk.keyboard.press("Escape");
  return link;
}

const step = story();
let before3;

step("a sign language interpreter is invited and joins; nobody's picture stops for it", async () => {
  before3 = await Promise.all([connections(desk), connections(citizen)]);
  await flow(desk, ["video"]);
  const link = await invite("sign", async (name) => {
    await assertAccessible(desk, `a guest's ${name}`);
    await screenshot(desk, `third-${name}`);
  });
  assert.match(link, /\/guest#\S{40,}$/);
  await guest.goto(link);
  await guest.waitForSelector("#guest-name");
  assert.equal(await live(guest, "video"), 0, "no camera before joining");
  assert.equal(new URL(guest.url()).hash, "", "the secret is out of the address");
  await assertAccessible(guest, "a guest's invitation");
  await screenshot(guest, "third-invited");
  await guest.fill("#guest-name", "Éva");
  await guest.keyboard.press("Enter");
  await callState(guest, "talking");
  await Promise.all([tiles(desk, ["citizen", "guest"]), tiles(citizen, ["clerk", "guest"]), tiles(guest, ["citizen", "clerk"])]);
  await Promise.all([desk, citizen, guest].map((page) => flow(page, ["video", "video-2"])));
  assert.deepEqual(await Promise.all([connections(desk), connections(citizen)]), before3, "the others' connections are those of before");
  await desk.getByText("Éva · Sign language interpreter").waitFor();
});

/** The interpreter's tile against the others': right of them, in the first row. */
async function assertSignPlace(page) {
  const [sign, ...others] = await Promise.all([page.locator(".ab-call-sign").boundingBox(), ...(await page.locator(".ab-call-tile:not(.ab-call-sign)").all()).map((tile) => tile.boundingBox())]);
  for (const other of others) {
    assert.ok(sign.y <= other.y + 1, "first row");
    assert.ok(sign.x >= other.x + other.width || other.y >= sign.y + sign.height, "nothing right of it, nothing over it");
  }
}

step("the interpreter stands at a fixed place, and their picture keeps its pace", async () => {
  for (const [page, name] of [[desk, "desk"], [citizen, "citizen"], [guest, "guest"]]) {
    await assertAccessible(page, `a call of three, ${name}`);
    assert.ok(await fitsWidth(page));
    await screenshot(page, `third-${name}`);
  }
  await Promise.all([assertSignPlace(desk), assertSignPlace(citizen)]);
  const sends = (page) => page.evaluate(() => {
    const { sender } = window.peersOfTest.at(-1).getTransceivers().find(({ mid }) => mid === "video");
    const { degradationPreference, encodings } = sender.getParameters();
    return { degradationPreference, hint: sender.track?.contentHint, most: encodings[0].maxBitrate };
  });
  await until("the interpreter's sender to be tuned", async () => (await sends(guest)).degradationPreference === "maintain-framerate");
  assert.deepEqual(await sends(guest), { degradationPreference: "maintain-framerate", hint: "motion", most: undefined });
  await until("the clerk's to leave room", async () => (await sends(desk)).most === 600_000);
});

step("a guest is in the call and the messages, and nowhere else", async () => {
  const visit = await desk.evaluate(async () => (await (await fetch("/api/queue")).json()).visit);
  const asked = (path, method = "GET", body = null) => guest.evaluate(([url, how, what]) => fetch(url, { method: how, headers: { "Ablak-As": "guest", ...(what ? { "Content-Type": "application/json" } : {}) }, body: what && JSON.stringify(what) }).then(({ status }) => status), [path, method, body]);
  for (const [path, method, body] of [[`/api/visits/${visit.id}`], ["/api/visit"], [`/api/visits/${visit.id}/files`], [`/api/drafts/${visit.draftId}`], [`/api/visits/${visit.id}/end`, "POST"], [`/api/visits/${visit.id}/guests`, "POST", { role: "colleague" }], [`/api/visits/${visit.id}/invitation`, "POST"], ["/api/queue"], ["/api/filings"]])
    assert.equal(await asked(path, method, body), 403, `${path} is closed`);
  assert.equal(await asked(`/api/visits/${visit.id}/messages`), 200);
  await guest.fill("#chat-input", "Jó napot");
  await guest.keyboard.press("Enter");
  const line = desk.locator(".ab-chat-list li", { hasText: "Jó napot" });
  assert.match(await line.innerText(), /Éva/);
  await desk.fill("#chat-input", "Hello");
  await desk.keyboard.press("Enter");
  await guest.getByRole("list").getByText("Hello", { exact: true }).waitFor();
});

step("what the citizen shows stands large at the others', without a new offer, and ends with one click", async () => {
  const offers = await Promise.all([desk, guest].map((page) => page.evaluate(() => window.offersOfTest)));
  await citizen.click(".ab-call-share");
  await Promise.all([desk, guest].map((page) => page.waitForSelector(".ab-call-shared video")));
  await Promise.all([desk, guest].map(async (page) => {
    const shown = page.locator(".ab-call-shared video");
    await until("the screen's picture", () => shown.evaluate((video) => video.getVideoPlaybackQuality().totalVideoFrames > 2));
    const [large, small] = await Promise.all([shown.boundingBox(), page.locator('.ab-call-tile[data-who="citizen"]').boundingBox()]);
    assert.ok(large.width > small.width, "larger than the person");
  }));
  await assertSignPlace(desk);
  await desk.focus(".ab-call-enlarge");
  await desk.keyboard.press("Enter");
  await desk.waitForFunction(() => document.fullscreenElement?.classList.contains("ab-call-shared"));
  await desk.keyboard.press("Enter");
  await desk.waitForFunction(() => document.fullscreenElement === null);
  await assertAccessible(desk, "a screen that is shown");
  await assertAccessible(citizen, "showing a screen");
  await screenshot(desk, "third-shared-desk");
  await screenshot(citizen, "third-shared-citizen");
  assert.deepEqual(await Promise.all([desk, guest].map((page) => page.evaluate(() => window.offersOfTest))), offers, "nothing was negotiated");
  await citizen.click(".ab-call-unshare");
  await Promise.all([desk, guest].map((page) => page.waitForSelector(".ab-call-shared", { state: "detached" })));
  assert.equal(await live(citizen, "video"), 1, "only the camera is on");
});

step("it ends by itself when the browser ends it; a second camera shows a document", async () => {
  await desk.click(".ab-call-share");
  await citizen.waitForSelector(".ab-call-shared video");
  await desk.evaluate(() => {
    const track = window.tracksOfTest.at(-1);
    track.stop();
    track.dispatchEvent(new Event("ended"));
  });
  await citizen.waitForSelector(".ab-call-shared", { state: "detached" });
  await desk.waitForSelector(".ab-call-share");
  await desk.click(".ab-call-document");
  await desk.waitForSelector("dialog[open]");
  await assertAccessible(desk, "choosing a document camera");
  await screenshot(desk, "third-document");
  await desk.keyboard.press("Escape");
  assert.equal(await guest.locator(".ab-call-share, .ab-call-document").count(), 0, "guests show nothing");
});

step("on a weak line all pictures go before those of interpreter and citizen", async () => {
  await citizen.evaluate(() => (window.lossOfTest = 0.5));
  await citizen.waitForSelector('.ab-call[data-step="sign"]', { timeout: 15_000 });
  await citizen.waitForSelector('.ab-call-tile-unseen[data-who="clerk"]');
  assert.equal(await citizen.locator(".ab-call-sign.ab-call-tile-unseen").count(), 0);
  // The citizen came first, so at the guest's theirs is the first picture.
  await Promise.all([flow(citizen, ["video-2"]), flow(guest, ["video"])]);
  await screenshot(citizen, "third-weak");
  await citizen.evaluate(() => (window.lossOfTest = 0));
  await citizen.waitForSelector('.ab-call[data-step="video"]', { timeout: 40_000 });
  await flow(citizen, ["video", "video-2"]);
});

step("a guest who is away for a moment comes back by themselves", async () => {
  await guest.reload();
  await callState(guest, "talking");
  await Promise.all([tiles(desk, ["citizen", "guest"]), tiles(citizen, ["clerk", "guest"])]);
  await Promise.all([desk, citizen, guest].map((page) => flow(page, ["video", "video-2"])));
});

step("a colleague makes four: everybody sees and hears the three others", async () => {
  const all = [desk, citizen, guest, colleague];
  await colleague.goto(await invite("colleague"));
  // Three calls run beside it.
  await colleague.fill("#guest-name", "Béla", { timeout: 30_000 });
  await colleague.keyboard.press("Enter");
  await callState(colleague, "talking");
  await Promise.all([tiles(desk, ["citizen", "guest", "guest"]), tiles(citizen, ["clerk", "guest", "guest"]), ...[guest, colleague].map((page) => tiles(page, ["citizen", "clerk", "guest"]))]);
  await Promise.all(all.map((page) => flow(page, ["audio", "video", "audio-2", "video-2", "audio-3", "video-3"])));
  assert.equal(await desk.locator(".ab-guest-invite").count(), 0, "four are the most");
  await Promise.all([desk, citizen, colleague].map(assertSignPlace));
  assert.deepEqual(await Promise.all([connections(desk), connections(citizen)]), before3, "the others' connections are those of before");
  for (const [page, name] of [[desk, "desk"], [citizen, "citizen"], [colleague, "colleague"]]) {
    assert.ok(await fitsWidth(page));
    await screenshot(page, `four-${name}`);
  }
});

step("one of four leaves, and nobody's picture stops for it", async () => {
  const stay = [desk, citizen, guest];
  await Promise.all(stay.map((page) => guard(page, ["video", "video-2"])));
  await colleague.click(".ab-guest-leave");
  await Promise.all([tiles(desk, ["citizen", "guest"]), tiles(citizen, ["clerk", "guest"]), tiles(guest, ["citizen", "clerk"])]);
  await Promise.all(stay.map((page) => flow(page, ["audio", "video", "audio-2", "video-2"])));
  assert.deepEqual(await Promise.all(stay.map((page) => page.evaluate(() => window.stopsOfTest))), [[], [], []]);
  assert.equal(await live(colleague, "video"), 0, "the camera is off");
});

step("the clerk sends the guest away; two go on as before", async () => {
  await desk.click(".ab-guest-remove");
  await guest.getByText("Már nincs a hívásban").waitFor();
  assert.equal(await live(guest, "video"), 0, "the camera is off");
  await assertAccessible(guest, "a call that is over");
  await desk.waitForSelector(".ab-call > video");
  await citizen.waitForSelector(".ab-call > video");
  await Promise.all([flow(desk, ["video"]), flow(citizen, ["video"])]);
  assert.deepEqual(await Promise.all([connections(desk), connections(citizen)]), before3);
  await guest.reload();
  await guest.waitForSelector(".govuk-error-message, .ab-notice-error, [role=alert]");
});

step("a link that nobody has used is withdrawn from the keyboard, and there is room again", async () => {
  const link = await invite("colleague");
  await invite("interpreter");
  await desk.waitForSelector(".ab-guest-invite", { state: "detached" });
  const lines = desk.locator(".ab-guests li");
  assert.deepEqual((await lines.allInnerTexts()).map((text) => text.replace(/, until[^]*/, "")), ["Colleague", "Interpreter"]);
  await assertAccessible(desk, "links nobody has used");
  await screenshot(desk, "third-unused-links");
  for (const left of [1, 0]) {
    await lines.first().getByRole("button", { name: /^Withdraw/ }).press("Enter");
    await until("the line to go", async () => (await lines.count()) === left);
    await until("the keyboard to stay beside it", () => desk.evaluate(() => document.activeElement.closest(".ab-guests") !== null));
  }
  await desk.waitForSelector(".ab-guest-invite");
  await guest.goto(link);
  await guest.click(".ab-guest-join");
  await guest.getByText("Ismeretlen meghívó.").waitFor();
});

/** What a page of the office would do to join: the desk shows only the clerk's own visits. Resolves in the call. */
function joinFrom(topic) {
  const live = (window.liveOfTest = new WebSocket(`${location.origin.replace(/^http/, "ws")}/api/live`));
  let peer = null;
  const send = (kind, data) => live.send(JSON.stringify({ type: "send", topic, kind, data }));
  const answer = async ({ leg, generation, sdp }) => {
    window.legOfTest = leg;
    if (!peer) {
      peer = new RTCPeerConnection();
      peer.onicecandidate = ({ candidate }) => send("media.candidate", { leg, generation, candidate: candidate?.candidate ?? "", mid: candidate?.sdpMid ?? "audio" });
    }
    await peer.setRemoteDescription({ type: "offer", sdp });
    for (const track of window.tracksOfTest) {
      const { sender } = peer.getTransceivers().find(({ mid }) => mid === track.kind);
      await sender.replaceTrack(track);
      peer.getTransceivers().find(({ mid }) => mid === track.kind).direction = "sendrecv";
    }
    await peer.setLocalDescription(await peer.createAnswer());
    send("media.answer", { leg, generation, sdp: peer.localDescription.sdp });
  };
  live.onopen = async () => {
    await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
    live.send(JSON.stringify({ type: "subscribe", topics: [topic], since: null }));
    send("call.part", { page: "supervisor", inCall: true, camera: "on", microphone: "on", wants: "video", screen: "off" });
    send("media.join", { audio: true, video: true, screens: true });
  };
  let work = Promise.resolve();
  live.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.kind === "media.offer") work = work.then(() => answer(message.data));
    if (message.kind === "media.candidate" && message.data.candidate) work = work.then(() => peer.addIceCandidate({ candidate: message.data.candidate, sdpMid: message.data.mid, sdpMLineIndex: 0 }).catch(() => undefined));
  };
  window.leaveOfTest = () => send("media.leave", { leg: window.legOfTest });
}

step("a supervisor is somebody else than the clerk: both are seen, and named by what they are", async () => {
  const supervisor = await person(away, "en", { width: 800, height: 600 });
  await supervisor.goto(`${house.boxUrl}/room`);
  const id = await supervisor.evaluate(async () => {
    const body = JSON.stringify({ login: "supervisor", password: "demo-supervisor-password" });
    await fetch("/api/sign-in", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    return (await (await fetch("/api/me")).json()).id;
  });
  const visit = await desk.evaluate(async () => (await (await fetch("/api/queue")).json()).visit);
  await supervisor.evaluate(joinFrom, `visit:${visit.id}`);
  await Promise.all([tiles(desk, ["citizen", "supervisor"]), tiles(citizen, ["clerk", "supervisor"])]);
  await supervisor.waitForFunction(() => window.peersOfTest.some(({ connectionState }) => connectionState === "connected"), null, { timeout: 20_000 });
  await Promise.all([desk, citizen, supervisor].map((page) => flow(page, ["video", "video-2"])));
  await Promise.all([citizen.locator("figcaption", { hasText: "Ügyfélszolgálati vezető" }).waitFor(), desk.locator("figcaption", { hasText: "Supervisor" }).waitFor()]);
  assert.ok(!(await citizen.content()).includes(id), "not who it is");
  await assertAccessible(desk, "a supervisor in the call");
  await screenshot(citizen, "third-supervisor");
  await supervisor.evaluate(() => window.leaveOfTest());
  await Promise.all([desk, citizen].map((page) => page.waitForSelector(".ab-call > video")));
  await Promise.all([flow(desk, ["video"]), flow(citizen, ["video"])]);
  await supervisor.context().close();
});

step("a guest's link ends with the meeting", async () => {
  const link = await invite("interpreter");
  const clerk = new Client(house.boxUrl);
  await clerk.post("/api/sign-in", { login: "clerk2", password: "demo-clerk2-password" });
  const { visit } = await clerk.get("/api/queue");
  await clerk.post(`/api/visits/${visit.id}/end`);
  await guest.goto(link);
  await guest.click(".ab-guest-join");
  await guest.getByText("Kérjük, kérjen új hivatkozást az ügyintézőtől.").waitFor();
  assert.deepEqual([desk, citizen, guest, colleague].map(({ errors }) => errors), [[], [], [], []]);
});

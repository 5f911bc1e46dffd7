// What people do on the pages, step by step, for tests that tell a story.
const PASSWORDS = { clerk: "demo-clerk-password", clerk2: "demo-clerk2-password", supervisor: "demo-supervisor-password", editor: "demo-editor-password", it: "demo-it-password" };

export async function signIn(page, url, login) {
  await page.goto(url);
  await page.fill("#login", login);
  await page.fill("#password", PASSWORDS[login.replace(/-cs$/, "")]);
  await page.click("main button[type=submit]");
  await page.waitForSelector("#login", { state: "detached" });
}

/** The desk, signed in and at a counter. */
export async function openDesk(page, boxUrl, { login = "clerk", counter = "1" } = {}) {
  await signIn(page, `${boxUrl}/desk`, login);
  await page.waitForSelector(".ab-desk");
  await page.selectOption("#counter", counter);
  await page.waitForSelector(".ab-call-next:not([disabled])");
}

/** Takes a number at the kiosk for a service and gives the number. */
export async function takeNumber(page, boxUrl, service) {
  await page.goto(`${boxUrl}/kiosk`);
  await page.click(`.ab-kiosk-service[data-service="${service}"]`);
  return (await page.textContent(".ab-ticket-number")).trim();
}

export async function callNext(desk) {
  await desk.keyboard.press("Alt+KeyN");
  return (await desk.textContent(".ab-now-number")).trim();
}

/** A meeting by video without a number; gives the invitation's link and code. */
export async function meetByVideo(desk, service) {
  await desk.click(".ab-meet");
  await desk.click(`dialog[open] [data-service="${service}"]`);
  return readInvitation(desk);
}

export async function readInvitation(desk) {
  const link = await desk.inputValue("#invitation-link");
  const code = (await desk.textContent("dialog[open] .ab-code")).replace(/\D/g, "");
  await desk.keyboard.press("Escape");
  return { link, code };
}

/** Opens an invitation and joins, with or without picture. */
export async function join(page, link, { video = false } = {}) {
  await page.goto(link);
  await page.click(video ? ".ab-join-video" : ".ab-join-form");
  if (video) await page.click(".ab-check-join");
  await page.waitForSelector('.ab-draft[data-audience="shared"] [data-path]');
}

/** The control of a field by its path in the form. */
export const field = (page, path, audience = "shared") =>
  page.locator(`.ab-draft[data-audience="${audience}"] [data-path="${path}"]`).locator("input, textarea, select").first();

/** Waits until the page itself says that everything typed is saved. */
export const saved = (page) => page.waitForSelector('.ab-saved[data-saved="yes"]');

/** Submits as it is and gives the registry number on the receipt. */
export async function submit(page) {
  await page.click(".ab-submit");
  await page.click(".ab-submit-confirm");
  return (await page.textContent(".ab-receipt-number")).trim();
}

/** Waits for the call to reach a state ("talking"). */
export const callState = (page, state) => page.waitForSelector(`[data-call-state="${state}"]`);

/** Frames the browser has decoded from the other side, by its own count. */
export const framesDecoded = (page) =>
  page.evaluate(async () => {
    let frames = 0;
    for (const video of document.querySelectorAll(".ab-call > video")) frames += video.getVideoPlaybackQuality().totalVideoFrames;
    return frames;
  });

// A photo and a document from the citizen's phone: on the way, over a line that breaks, at the desk,
// and with what is submitted.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { House, sleep, until } from "../house/house.mjs";
import { assertAccessible, fitsWidth, openPerson, screenshot, startBrowser } from "./lib/browser.mjs";
import { Line } from "./lib/line.mjs";
import { join, meetByVideo, openDesk, submit } from "./lib/steps.mjs";

let house, office, home, line, desk, citizen;

async function person(browser, { language, ...options }) {
  const page = await openPerson(browser, { origin: house.boxUrl, language, ...options });
  await page.addInitScript((code) => localStorage.setItem("ablak-language", code), language);
  return page;
}

before(async () => {
  [house, office, home] = await Promise.all([House.start({ office: "hu", media: false }), startBrowser(), startBrowser()]);
  line = await Line.open(house.boxPort);
  desk = await person(office, { language: "en", width: 1440, height: 900 });
  citizen = await person(home, { language: "hu", width: 390, height: 844, origin: line.url });
  await openDesk(desk, house.boxUrl, { login: "clerk2", counter: "3" });
  const { link } = await meetByVideo(desk, "hu.id-card");
  await join(citizen, line.over(link));
});
after(async () => {
  await Promise.all([office?.close(), home?.close()]);
  await line?.close();
  const complaints = (await house?.complaints()) ?? [];
  await house?.stop();
  assert.deepEqual(complaints, []);
});

/** A photo as a camera makes it: drawn and encoded by the browser itself; of about that many pixels. */
const photo = (page, { width = 640, height = 480, type = "image/jpeg" } = {}) =>
  page.evaluate(
    async ([w, h, kind]) => {
      const canvas = new OffscreenCanvas(w, h);
      const brush = canvas.getContext("2d");
      const noise = brush.createImageData(w, h);
      for (let at = 0; at < noise.data.length; at += 65_536) crypto.getRandomValues(noise.data.subarray(at, at + 65_536));
      for (let at = 3; at < noise.data.length; at += 4) noise.data[at] = 255;
      brush.putImageData(noise, 0, 0);
      brush.fillStyle = "#0b5563";
      brush.fillRect(w / 4, h / 4, w / 2, h / 2);
      const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: kind, quality: 0.9 })).arrayBuffer());
      let text = "";
      for (let at = 0; at < bytes.length; at += 32_768) text += String.fromCharCode(...bytes.subarray(at, at + 32_768));
      return btoa(text);
    },
    [width, height, type],
  ).then((text) => Buffer.from(text, "base64"));

const names = (page) => page.locator(".ab-file[data-file] .ab-file-name").allInnerTexts();
const arrives = (page, name) => page.locator(".ab-file[data-file] .ab-file-name", { hasText: name }).waitFor();

test("a photo picked on the phone is seen at the desk", async () => {
  const jpeg = await photo(citizen);
  await citizen.setInputFiles("#files-input", { name: "személyi igazolvány.jpg", mimeType: "image/jpeg", buffer: jpeg });
  await Promise.all([arrives(citizen, "személyi igazolvány.jpg"), arrives(desk, "személyi igazolvány.jpg")]);
  for (const page of [citizen, desk]) await page.waitForFunction(() => [...document.querySelectorAll(".ab-file-look img")].every((image) => image.complete && image.naturalWidth === 640));
  await desk.locator(".ab-file-look").focus();
  await desk.keyboard.press("Enter");
  await desk.waitForFunction(() => document.querySelector(".ab-file-large")?.naturalWidth === 640);
  await assertAccessible(desk, "desk with a photo");
  await screenshot(desk, "files-desk-large");
  await desk.keyboard.press("Escape");
  await desk.waitForSelector(".ab-file-large", { state: "detached" });
  assert.ok(await fitsWidth(citizen));
  await assertAccessible(citizen, "meeting with a photo");
  await citizen.locator(".ab-files").scrollIntoViewIfNeeded();
  await screenshot(citizen, "files-citizen");
});

test("a document is handed over, and what is neither is refused in words", async () => {
  const pdf = Buffer.from("%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\nxref\n0 1\n0000000000 65535 f \ntrailer<</Root 1 0 R/Size 3>>\nstartxref\n96\n%%EOF\n");
  await citizen.setInputFiles("#files-input", [
    { name: "kivonat.pdf", mimeType: "application/pdf", buffer: pdf },
    { name: "photo.jpg", mimeType: "image/jpeg", buffer: Buffer.from("<script>alert(1)</script>") },
  ]);
  await arrives(desk, "kivonat.pdf");
  const [download] = await Promise.all([desk.waitForEvent("download"), desk.click(".ab-file-pdf")]);
  assert.equal(download.suggestedFilename(), "kivonat.pdf");
  await citizen.waitForSelector('[data-upload="failed"] [role="alert"]');
  assert.match(await citizen.innerText('[data-upload="failed"]'), /Ez nem fénykép/);
  await assertAccessible(citizen, "meeting with a refused file");
  await screenshot(citizen, "files-refused");
  await citizen.click('[data-upload="failed"] button');
  await citizen.waitForSelector("[data-upload]", { state: "detached" });
});

test("a picture of another kind is made a JPEG where the browser can read it, and refused with advice where not", async () => {
  await citizen.setInputFiles("#files-input", [
    { name: "lakcímkártya.webp", mimeType: "image/webp", buffer: await photo(citizen, { type: "image/webp" }) },
    { name: "IMG_0001.HEIC", mimeType: "", buffer: Buffer.from("0000001c667479706865696300000000", "hex") },
  ]);
  await arrives(desk, "lakcímkártya.jpg");
  await desk.waitForFunction(() => [...document.querySelectorAll(".ab-file-look img")].filter((image) => image.complete && image.naturalWidth === 640).length === 2);
  assert.match(await citizen.innerText('[data-upload="failed"]:has-text("IMG_0001.HEIC")'), /küldjön róla képernyőképet/);
  await screenshot(citizen, "files-foreign");
  await citizen.click('[data-upload="failed"] button');
  await citizen.waitForSelector("[data-upload]", { state: "detached" });
});

test("a line that breaks in the middle: sending goes on where it was", async () => {
  const large = await photo(citizen, { width: 1600, height: 1200, type: "image/png" });
  assert.ok(large.length > 3_000_000, `${large.length} bytes`);
  const offsets = [];
  citizen.on("request", (request) => {
    if (request.method() === "PATCH") offsets.push(Number(new URL(request.url()).searchParams.get("offset")));
  });
  line.delay(60);
  await citizen.setInputFiles("#files-input", { name: "nagy.png", mimeType: "image/png", buffer: large });
  await until("a part of it to be sent", () => offsets.length >= 4);
  await screenshot(citizen, "files-sending");
  line.cut();
  await sleep(1500);
  const before = Math.max(...offsets);
  line.restore();
  line.delay(0);
  await arrives(desk, "nagy.png");
  assert.equal(offsets.filter((offset) => offset === 0).length, 1, `not from the beginning: ${offsets}`);
  assert.ok(before > 0 && Math.max(...offsets) > before);
  await desk.waitForFunction(() => [...document.querySelectorAll(".ab-file-look img")].some((image) => image.naturalWidth === 1600));
  // The browser's own complaints about the cut.
  citizen.errors.splice(0);
});

test("the clerk takes a file away; what is left goes with the form", async () => {
  const large = desk.locator(".ab-file", { hasText: "nagy.png" });
  await large.locator(".ab-file-remove").click();
  await desk.click(".ab-file-remove-confirm");
  await until("it to be gone on the other side, too", async () => !(await names(citizen)).includes("nagy.png"));
  await citizen.waitForFunction(() => document.querySelector(".ab-dot")?.className === "ab-dot");
  await submit(citizen);
  const listed = await citizen.locator(".ab-receipt-attachments li").allInnerTexts();
  assert.deepEqual(listed.map((text) => text.split(" (")[0]), ["személyi igazolvány.jpg", "kivonat.pdf", "lakcímkártya.jpg"]);
  await until("the desk to know that they are submitted", async () => (await desk.locator(".ab-file-remove").count()) === 0);
  await screenshot(citizen, "files-receipt", { fullPage: true });
  await screenshot(desk, "files-desk");
  assert.deepEqual([citizen.errors, desk.errors], [[], []]);
});

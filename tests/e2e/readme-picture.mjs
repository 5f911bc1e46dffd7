// Makes the README's picture, image/readme/desk.png: the desk during a call, with sample content.
//   ABLAK_BUILD=<build folder> node tests/e2e/readme-picture.mjs
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "../house/client.mjs";
import { House, until } from "../house/house.mjs";
import { startBrowser } from "./lib/browser.mjs";
import { saved } from "./lib/steps.mjs";
import { received } from "./story/call.mjs";
import { drawings, writeDrawing } from "./story/drawing.mjs";
import { openPerson, signIn, switchLanguage } from "./story/person.mjs";
import { sampleService } from "./story/texts.mjs";

const picture = new URL("../../image/readme/desk.png", import.meta.url).pathname;
const idCard = sampleService("id-card");
const folder = await mkdtemp(join(tmpdir(), "ablak-picture-"));
const browsers = [];
const house = await House.start();

async function startCamera(name) {
  const painter = await startBrowser();
  browsers.push(painter);
  const video = join(folder, `${name}.y4m`);
  await writeDrawing(painter, drawings[name], video);
  const browser = await startBrowser({ video, flags: ["--allow-loopback-in-peer-connection"] });
  browsers.push(browser);
  return browser;
}

/** A morning's work: some are done, some wait. */
async function someMorning(kiosk, clerk) {
  await clerk.post("/api/sign-in", { login: "clerk2", password: "demo-clerk2-password" });
  await clerk.put("/api/me/counter", { counter: "2" });
  const take = (service) => kiosk.post("/api/tickets", { service, idempotencyKey: randomUUID() });
  for (const service of ["hu.address", "hu.id-card", "hu.request", "hu.id-card", "hu.parking-card"]) {
    await take(service);
    const { ticket } = await clerk.post("/api/queue/call-next", {});
    await clerk.post(`/api/tickets/${ticket.id}/finish`);
  }
  for (const service of ["hu.id-card", "hu.driving-licence", "hu.address", "hu.birth-certificate", "hu.family-allowance", "hu.request"]) await take(service);
}

/** Somebody at home, in the same line. */
async function waitByVideo(clerk, browser) {
  const { url } = await clerk.post("/api/waiting/invitations", { service: "hu.id-card" });
  const waiting = await openPerson(browser, "waiting", { language: "en", width: 390, height: 844 });
  await waiting.page.goto(url);
  await waiting.button("ui.join.without-video").click();
  await waiting.see("ui.waiting.lead");
}

/** The house is a minute old, and the picture shows a morning: only how long they wait is told otherwise. */
const aged = async (route) => {
  const response = await route.fetch();
  const queue = await response.json();
  const MINUTES = [34, 26, 19, 12, 8, 3, 1];
  queue.waiting.forEach((ticket, at) => (ticket.issuedAt = new Date(Date.now() - (MINUTES[at] ?? 0) * 60_000).toISOString()));
  queue.today.averageWaitMinutes = 14;
  await route.fulfill({ response, json: queue });
};

async function fillIn(desk, citizen) {
  const at = ({ page }, path) => page.getByRole("textbox", { name: idCard.label(path, "en") }).first();
  const date = (name) => citizen.page.getByRole("group", { name: idCard.label("/birthDate", "en") }).getByRole("textbox", { name: citizen.t(`ui.form.${name}`) });
  await at(citizen, "/familyName").fill("Minta");
  await at(citizen, "/givenName").fill("Mária");
  await date("day").fill("12");
  await date("month").fill("5");
  await date("year").fill("1987");
  await at(citizen, "/email").fill("minta.maria@example.org");
  await citizen.page.getByRole("radio", { name: "Expiry" }).check();
  await at(desk, "/birthPlace").pressSequentially("Mintaváros");
  await at(citizen, "/motherName").pressSequentially("Példa Er");
  await desk.page.locator('[data-path="/motherName"] .ab-caret').waitFor();
}

async function chat(desk, citizen) {
  const write = ({ page, t }) => page.getByRole("textbox", { name: t("ui.chat.write") });
  await write(citizen).fill("Hello! My card expires next week.");
  await write(citizen).press("Enter");
  await desk.page.getByText("My card expires next week.").waitFor();
  await write(desk).fill("Hello. Please hold the old card up to the camera.");
  await write(desk).press("Enter");
  await citizen.page.getByText("hold the old card").waitFor();
}

try {
  const [office, home] = [await startCamera("clerk"), await startCamera("citizen")];
  const desk = await openPerson(office, "desk", { language: "en", width: 1440, height: 900 });
  const citizen = await openPerson(home, "citizen", { language: "en", width: 1280, height: 900 });
  const clerk = new Client(house.boxUrl);
  await someMorning(new Client(house.boxUrl), clerk);
  await waitByVideo(clerk, home);
  await desk.page.route("**/api/queue", aged);
  await signIn(desk, `${house.boxUrl}/desk`, "clerk", "ui.desk.sign-in");
  await switchLanguage(desk, "English");
  await desk.page.getByLabel(desk.t("ui.desk.counter")).selectOption("1");
  await until("the counter to be taken", () => desk.button("ui.desk.call-next").isEnabled());
  await desk.keys.press("Alt+KeyN");
  await desk.page.getByRole("heading", { name: idCard.name.en }).waitFor();
  await desk.keys.press("Alt+KeyI");
  const link = await desk.dialog("ui.invitation.dialog").getByLabel(desk.t("ui.invitation.link")).inputValue();
  await desk.keys.press("Escape");
  await citizen.page.goto(link);
  await citizen.button("ui.join.with-video").click();
  await citizen.button("ui.check.join").click();
  await desk.see("ui.desk.citizen-here");
  await desk.keys.press("Alt+KeyV");
  await until("a sharp picture", async () => (await received(desk)).frames > 60);
  await desk.page.getByRole("radio", { name: desk.t("ui.desk.identity-seen") }).check();
  await chat(desk, citizen);
  await fillIn(desk, citizen);
  await saved(desk.page);
  await desk.page.getByText(desk.t("ui.gap.count.one", { count: 1 })).waitFor();
  await until("the notices to go", async () => (await desk.page.locator(".ab-toast").count()) === 0);
  await mkdir(join(picture, ".."), { recursive: true });
  await desk.page.screenshot({ path: picture });
} finally {
  await Promise.all(browsers.map((browser) => browser.close()));
  await house.stop();
  await rm(folder, { recursive: true, force: true });
}

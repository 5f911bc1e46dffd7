// One person at one page: what they see by role and label, and everything that went wrong there.
import { PATIENCE_MS } from "../../house/house.mjs";
import { screenshot } from "../lib/browser.mjs";
import { texts } from "./texts.mjs";

// Runs in the page before its own script: keeps its peer connections for getStats, and makes every
// breach of the content security policy an error on the console.
function observe() {
  window.peersOfTest = [];
  const Peer = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Peer {
    constructor(...given) {
      super(...given);
      window.peersOfTest.push(this);
    }
  };
  addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
}

/**
 * A browser of its own cookies and storage. `expected`: regular expressions of trouble that belongs
 * to the story, as "401 GET /api/me" on a page where nobody has signed in yet.
 */
export async function openPerson(browser, name, { language, width, height, touch = false, expected = [] }) {
  const context = await browser.newContext({ viewport: { width, height }, locale: language, hasTouch: touch, isMobile: touch, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.addInitScript(observe);
  const trouble = [];
  const note = (text) => {
    if (!expected.some((pattern) => pattern.test(text))) trouble.push(`${name}: ${text}`);
  };
  page.on("pageerror", (error) => note(`page error: ${error.stack ?? error}`));
  page.on("console", (message) => {
    // Answers of 400 and above are noted below, with their address.
    if (message.type() === "error" && !/^Failed to load resource/.test(message.text())) note(`console: ${message.text()}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) note(`${response.status()} ${response.request().method()} ${new URL(response.url()).pathname}`);
  });
  page.on("requestfailed", (request) => note(`${request.failure()?.errorText} ${request.method()} ${new URL(request.url()).pathname}`));
  const t = texts(language);
  return {
    name,
    page,
    t,
    trouble,
    expected,
    keys: page.keyboard,
    button: (key, params) => page.getByRole("button", { name: t(key, params) }),
    region: (key) => page.getByRole("region", { name: t(key), exact: true }),
    dialog: (key) => page.getByRole("dialog", { name: t(key) }),
    status: (key, params) => page.getByRole("status").filter({ hasText: t(key, params) }),
    see: (key, params) => page.getByText(t(key, params), { exact: true }).first().waitFor(),
    shot: (title) => screenshot(page, title),
  };
}

/** Chooses the page's language by the switch, as somebody who does not read the first one would. */
export const switchLanguage = async ({ page }, name) => {
  const button = page.getByRole("button", { name });
  await button.click();
  await page.locator(`html[lang="${await button.getAttribute("lang")}"]`).waitFor();
};

export async function signIn({ page, t }, url, login, title) {
  await page.goto(url);
  await page.getByRole("heading", { name: t(title), level: 1 }).waitFor();
  await page.getByLabel(t("ui.sign-in.login")).fill(login);
  await page.getByLabel(t("ui.sign-in.password")).fill(`demo-${login}-password`);
  await page.keyboard.press("Enter");
}

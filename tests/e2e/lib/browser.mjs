// Debian's Chromium driven by playwright-core: start it, open pages, look at them.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { PATIENCE_MS } from "../../house/house.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
export const SCREENSHOTS = process.env.ABLAK_SCREENSHOTS ?? join(here, "../screenshots");
const CHROMIUM = process.env.ABLAK_CHROMIUM ?? "/usr/bin/chromium";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
  // Hidden tabs keep their timers and their video: four pages work at once in these tests.
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
  // Host candidates with addresses: there is no mDNS on a test machine.
  "--disable-features=WebRtcHideLocalIpsWithMdns",
];

/** `video`: path of a .y4m or .mjpeg file that the fake camera plays; otherwise a test pattern. `program`: what starts Chromium elsewhere. */
export function startBrowser({ video, flags = [], program = CHROMIUM } = {}) {
  const args = [...FLAGS, ...flags, ...(video ? [`--use-file-for-fake-video-capture=${video}`] : [])];
  return chromium.launch({ executablePath: program, headless: true, args });
}

/**
 * A page of a person of its own: own cookies, storage and language. `errors` of the returned page
 * collects what went wrong in it; tests end with an empty one.
 */
export async function openPerson(browser, { language = "en", width = 1280, height = 720, permissions = ["camera", "microphone"], reducedMotion = "reduce", origin } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, locale: language, reducedMotion, ignoreHTTPSErrors: false });
  if (permissions.length > 0) await context.grantPermissions(permissions, origin ? { origin } : {});
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const errors = [];
  page.on("pageerror", (error) => errors.push(`page error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !/^Failed to load resource/.test(message.text())) errors.push(`console: ${message.text()}`);
  });
  return Object.assign(page, { errors });
}

export async function screenshot(page, name, { fullPage = false } = {}) {
  mkdirSync(SCREENSHOTS, { recursive: true });
  const path = join(SCREENSHOTS, `${name}.png`);
  await page.screenshot({ path, fullPage });
  return path;
}

const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/**
 * axe's violations on the page as it is. Evaluated over the devtools protocol, which the page's
 * content security policy does not bind, so the policy stays as delivered.
 */
export async function axe(page, { tags = WCAG } = {}) {
  const session = await page.context().newCDPSession(page);
  try {
    await session.send("Runtime.evaluate", { expression: axeSource });
    const expression = `axe.run(document, ${JSON.stringify({ runOnly: { type: "tag", values: tags } })})`;
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value.violations.map(({ id, impact, help, nodes }) => ({
      id,
      impact,
      help,
      nodes: nodes.map((node) => `${node.target.join(" ")}: ${node.failureSummary}`),
    }));
  } finally {
    await session.detach();
  }
}

/** Throws with a readable list when axe finds anything serious or critical. */
export async function assertAccessible(page, name) {
  const found = (await axe(page)).filter(({ impact }) => impact === "serious" || impact === "critical");
  if (found.length === 0) return;
  const text = found.map(({ id, impact, help, nodes }) => `${impact} ${id}: ${help}\n    ${nodes.join("\n    ")}`).join("\n  ");
  throw new Error(`${name} is not accessible:\n  ${text}`);
}

/** True when nothing sticks out sideways at the page's present width (WCAG 1.4.10). */
export function fitsWidth(page) {
  return page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);
}

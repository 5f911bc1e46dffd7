// Debian's Chromium.
import { chromium } from "playwright-core";
import { Page, serve } from "./page.mjs";

export const gcm = true;
export const tellsLevel = true;

export async function open() {
  const web = await serve();
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      ...(process.getuid() === 0 ? ["--no-sandbox"] : []),
      "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
      "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
      // Without these it hides its addresses, and finds none on a machine that has only loopback.
      "--disable-features=WebRtcHideLocalIpsWithMdns", "--allow-loopback-in-peer-connection",
    ],
  });
  const tab = await browser.newPage();
  const page = new Page((body, ...values) =>
    tab.evaluate(([code, list]) => new Function(code)(...list), [body, values]));
  await tab.exposeFunction("tell", (message) => page.told(message));
  await tab.goto(web.url);
  await tab.waitForFunction(() => window.join);
  return {
    version: `Chromium ${browser.version()}`,
    join: (trickle, found) => page.join(trickle, found),
    async close() {
      await browser.close();
      web.close();
    },
  };
}

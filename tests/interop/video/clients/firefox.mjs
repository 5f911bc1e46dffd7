// Debian's Firefox ESR as it is, driven by WebDriver BiDi.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Bidi } from "./bidi.mjs";
import { Page, serve } from "./page.mjs";

export const gcm = true;
export const tellsLevel = true;

const preferences = {
  "media.navigator.streams.fake": true,
  "media.navigator.permission.disabled": true,
  "media.peerconnection.ice.loopback": true,
  "media.peerconnection.ice.obfuscate_host_addresses": false,
  "media.autoplay.default": 0,
  // Its H.264 comes from the network.
  "media.gmp-manager.updateEnabled": false,
  "app.update.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "services.settings.server": "http://127.0.0.1:9/",
  "toolkit.telemetry.enabled": false,
};

function launch(profile) {
  const lines = Object.entries(preferences).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`);
  writeFileSync(join(profile, "user.js"), lines.join(""));
  const args = ["--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0", "about:blank"];
  return spawn(process.env.FIREFOX ?? "/usr/bin/firefox-esr", args, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, HOME: profile, MOZ_DISABLE_CONTENT_SANDBOX: process.getuid() === 0 ? "1" : "" },
  });
}

async function address(child) {
  for await (const line of createInterface({ input: child.stderr })) {
    const found = /WebDriver BiDi listening on (ws:\S+)/.exec(line);
    if (found) return found[1];
  }
  throw new Error("Firefox ended before it listened");
}

export async function open() {
  const web = await serve();
  const profile = mkdtempSync(join(tmpdir(), "ablak-firefox-"));
  const child = launch(profile);
  const exited = once(child, "exit");
  const bidi = await Bidi.connect(await address(child));
  child.stderr.resume();
  const { capabilities } = await bidi.send("session.new", { capabilities: {} });
  const { contexts: [{ context }] } = await bidi.send("browsingContext.getTree", {});
  const run = (body, ...values) =>
    bidi.run(context, `return JSON.stringify(await (function () { ${body} })(...arguments))`, values);
  const page = new Page(run);
  bidi.on("script.message", ({ data }) => page.told(JSON.parse(data.value)));
  await bidi.send("session.subscribe", { events: ["script.message"] });
  await bidi.send("browsingContext.navigate", { context, url: web.url, wait: "complete" });
  await bidi.run(context, "const [send] = arguments; window.tell = (it) => send(JSON.stringify(it));", [], ["tell"]);
  return {
    version: `Firefox ${capabilities.browserVersion}`,
    join: (trickle, found) => page.join(trickle, found),
    async close() {
      await bidi.send("browser.close", {});
      await exited;
      web.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

// Debian's Chromium with a fake camera, and one page in it that takes part in a call.
import http from "node:http";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const html = '<!doctype html><meta charset="utf-8"><title>call</title><video autoplay playsinline muted></video><script src="/page.js"></script>';

/** Serves the page from 127.0.0.1, which browsers let use cameras. */
export async function serve() {
  const script = readFileSync(new URL("page.js", import.meta.url));
  const server = http.createServer((request, response) => {
    const isScript = request.url === "/page.js";
    response.writeHead(200, { "content-type": isScript ? "text/javascript" : "text/html" });
    response.end(isScript ? script : html);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

export function launch(picture, extra = []) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      ...(process.getuid() === 0 ? ["--no-sandbox"] : []),
      "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
      "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
      `--use-file-for-fake-video-capture=${picture}`,
      // Without it Chromium finds no address to send from on a machine that has only loopback.
      "--allow-loopback-in-peer-connection",
      ...extra,
    ],
  });
}

/** A page bound to one leg: offers go to it, its answers and candidates to the box. */
export class Participant {
  constructor(box, session, leg) {
    Object.assign(this, { box, session, leg, role: leg.split("-")[0] });
    box.on("message", (message) => {
      if (message.type === "offer" && message.leg === leg && message.session === session && this.page)
        this.offered(message).catch((error) => this.errors.push(String(error)));
    });
    this.errors = [];
  }

  async offered({ sdp, generation }) {
    const offer = { sdp: this.line ? await this.line.rewrite(sdp) : sdp, generation };
    await this.page.evaluate((it) => window.call.offer(it), offer);
  }

  /** Over a bad line the box must not learn the way around it. */
  toBox(message) {
    if (this.line && message.type === "candidate") return;
    const sdp = this.line ? message.sdp.replace(/^a=candidate:.*\r\n/gm, "") : message.sdp;
    this.box.send({ ...message, sdp, session: this.session, leg: this.leg });
  }

  async open(browser, url) {
    this.page = await browser.newPage();
    this.page.on("pageerror", (error) => this.errors.push(String(error)));
    await this.page.exposeFunction("toBox", (message) => this.toBox(message));
    await this.page.goto(url);
    await this.page.evaluate(() => window.call.camera());
  }

  async join(sends = true) {
    await this.page.evaluate(() => window.call.begin());
    this.box.send({ type: "join", session: this.session, leg: this.leg, audio: sends, video: sends });
  }
  leave() {
    this.box.send({ type: "leave", session: this.session, leg: this.leg });
  }

  state(state, timeoutMs) {
    return this.box.next(
      (m) => m.type === "state" && m.leg === this.leg && m.session === this.session && m.state === state,
      `${this.leg} to be ${state}`, timeoutMs);
  }
  stats() {
    return this.page.evaluate(() => window.call.stats());
  }
  picture() {
    return this.page.evaluate(() => window.call.picture());
  }
  /** Milliseconds from joining to the first decoded frame. */
  async firstFrame(timeoutMs = 20000) {
    const handle = await this.page.waitForFunction(
      () => window.call.firstFrameAt && window.call.firstFrameAt - window.call.begunAt, null,
      { timeout: timeoutMs, polling: 20 });
    return Math.round(await handle.jsonValue());
  }
}

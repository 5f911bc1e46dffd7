// Joining a call in Chromium: from the granted camera to the first decoded frame of the other.
// ablak's pages run the box's call code and Janus' pages its own client; joins alternate.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build as bundle } from "esbuild";
import { WebSocketServer } from "ws";
import { launch } from "../../interop/video/browser.mjs";
import { patterns, writePattern } from "../../interop/video/pattern.mjs";
import { Ablak } from "./ablak.mjs";
import { Janus } from "./janus.mjs";
import { temporaryFolder } from "./process.mjs";

const here = new URL(".", import.meta.url).pathname;
const CORES = "0,1";
/** So long has the one who waits done so: a browser that has just connected still probes its line. */
const WAITED_MS = 1500;
const JANUS_SCRIPTS = { "/adapter.js": "/usr/share/javascript/webrtc-adapter/adapter.min.js", "/janus.js": "/usr/share/javascript/janus-gateway/janus.min.js" };
const html = (scripts) => `<!doctype html><meta charset="utf-8"><title>join</title><video autoplay playsinline muted></video>${scripts}`;

/** The call code shows no texts, but what it imports knows where they are. */
const noTexts = {
  name: "no-texts",
  setup(build) {
    build.onResolve({ filter: /^messages:|\/generated\/messages$/ }, ({ path }) => ({ path, namespace: "no-texts" }));
    build.onLoad({ filter: /.*/, namespace: "no-texts" }, () => ({ contents: "module.exports = { languages: [], messages: {} }" }));
  },
};

async function script(name) {
  const { outputFiles } = await bundle({ entryPoints: [join(here, name)], bundle: true, write: false, format: "esm", minify: true, logLevel: "error", plugins: [noTexts] });
  return outputFiles[0].text;
}

/** Serves both systems' pages from 127.0.0.1, which browsers let use cameras. */
async function serve() {
  const files = new Map([
    ["/ablak", ["text/html", html('<script type="module" src="/ablak.js"></script>')]],
    ["/janus", ["text/html", html(`${Object.keys(JANUS_SCRIPTS).map((path) => `<script src="${path}"></script>`).join("")}<script type="module" src="/person.js"></script>`)]],
    ["/ablak.js", ["text/javascript", await script("join-ablak.js")]],
    ["/person.js", ["text/javascript", await script("join-janus.js")]],
    ["/favicon.ico", ["image/x-icon", " "]],
    ...Object.entries(JANUS_SCRIPTS).map(([path, file]) => [path, ["text/javascript", readFileSync(file)]]),
  ]);
  const server = http.createServer((request, response) => {
    const [type, content] = files.get(request.url) ?? ["text/plain", ""];
    response.writeHead(content ? 200 : 404, { "content-type": type }).end(content);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

const role = (name) => (name === "first" ? "citizen" : "clerk");

/** The box's part between two pages' lines and ablak-media. */
function playBox(relay, server) {
  const lines = new Map();
  const room = { session: 0, pulls: false };
  new WebSocketServer({ server }).on("connection", (socket, request) => {
    const name = request.url.slice(1);
    let session;
    lines.set(name, socket);
    const send = (type, data) => relay.box.send({ ...data, type, session, leg: name });
    socket.on("message", (text) => {
      const { kind, data } = JSON.parse(text);
      // What a page says of itself goes to the other, as the box passes it on.
      if (kind === "call.part") return void [...lines].find(([other]) => other !== name)?.[1].send(JSON.stringify({ kind, data: { ...data, from: role(name) } }));
      if (kind === "media.join") session = `join-${room.session}`;
      if (kind === "media.join") send("join", { label: role(name), audio: data.audio, video: data.video, screens: data.screens });
      else send(kind.slice("media.".length), data);
      if (kind === "media.join" && name === "second" && room.pulls) lines.get("first").send(JSON.stringify({ kind: "begin" }));
    });
  });
  relay.box.on("message", ({ type, session, leg, ...data }) => {
    if (session === `join-${room.session}` && lines.has(leg)) lines.get(leg).send(JSON.stringify({ kind: `media.${type}`, data: { leg, ...data } }));
  });
  return room;
}

async function person(folder, role, url) {
  const picture = join(folder, `${role}.y4m`);
  writePattern(picture, patterns[role]);
  const browser = await launch(picture);
  const page = await browser.newPage();
  page.on("pageerror", (error) => process.stderr.write(`${role}: ${error}\n`));
  page.on("console", (message) => message.type() === "error" && process.stderr.write(`${role}: ${message.text()}\n`));
  await page.goto(url);
  await page.evaluate(() => window.person.ready());
  return { page, close: () => browser.close() };
}

async function call(one, name, ...args) {
  const slow = sleep(20_000, null, { ref: false }).then(() => Promise.reject(new Error(`${one.page.url()}: ${name} takes too long`)));
  return Promise.race([slow, one.page.evaluate(([method, rest]) => window.person[method](...rest), [name, args])]);
}

/** Milliseconds of each of `joins` joins: ours when the other waits in the call already (`waits`),
 * ours when the other comes at the same moment (`both`), and Janus' caller. `profiles`: ours, if not its own choice. */
export async function joinTimes(build, joins, say, profiles) {
  const folder = temporaryFolder();
  const ablak = await Ablak.start(build, CORES, profiles), janus = await Janus.start(CORES), server = await serve();
  const room = playBox(ablak, server);
  const at = (path) => `http://127.0.0.1:${server.address().port}/${path}`;
  const open = (path) => Promise.all([["citizen", "first"], ["clerk", "second"]].map(([role, name]) => person(folder, role, at(path(name)))));
  const ours = await open((name) => `ablak#${name}`);
  const peers = await open((name) => `janus#${name}@${janus.url}`);
  const times = { waits: [], both: [], peer: [] };
  const end = (pair) => Promise.all(pair.map((one, i) => call(one, "end", i === 1))).then(() => sleep(200));

  async function oursOnce(pulls) {
    room.session++;
    room.pulls = pulls;
    if (!pulls) await call(ours[0], "wait").then(() => sleep(WAITED_MS));
    times[pulls ? "both" : "waits"].push(await call(ours[1], "join"));
  }
  // The first ones warm the pages up.
  for (let i = -1; i < joins; i++) {
    if (i === 0) for (const list of Object.values(times)) list.length = 0;
    for (const pulls of [false, true]) {
      await oursOnce(pulls);
      if (i === 0 && pulls) say(`Chromium with ablak-media: ${await call(ours[0], "cipher")} and ${await call(ours[1], "cipher")}`);
      await end(ours);
    }
    times.peer.push(await call(peers[1], "join", "first"));
    if (i === 0) say(`Chromium with Janus: ${await call(peers[0], "cipher")} and ${await call(peers[1], "cipher")}`);
    await end(peers);
  }
  await Promise.all([...ours, ...peers].map((one) => one.close()));
  await janus.stop();
  await ablak.stop();
  server.close();
  return times;
}

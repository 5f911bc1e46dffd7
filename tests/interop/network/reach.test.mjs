// Reach: the box stands behind the NAT of its branch, the citizen elsewhere in a network that lets
// nothing out but to headquarters. Headquarters' front, Debian's HAProxy, passes TLS on by its
// server name and holds no key; Debian's coturn carries the media. Four network namespaces:
//
//   branch 192.168.7.2 -- NAT 192.168.7.1 / 198.51.100.7 -- headquarters 198.51.100.1
//                                                           203.0.113.1 -- citizen 203.0.113.5
//
// Headquarters forwards nothing by itself.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join as path } from "node:path";
import { after, before, test } from "node:test";
import { openPerson, startBrowser } from "../../e2e/lib/browser.mjs";
import { callState, field, join, meetByVideo, openDesk } from "../../e2e/lib/steps.mjs";
import { House, until } from "../../house/house.mjs";
import { prepare, received, way } from "./figures.mjs";
import { cable, certificate, folder, key, Namespace, start, startTurn, TURN } from "./world.mjs";

const BOX = "192.168.7.2", NAT_IN = "192.168.7.1", NAT = "198.51.100.7", HQ = "198.51.100.1";
const FRONT = "203.0.113.1", CITIZEN = "203.0.113.5", NAME = "box.test";
const all = {};

// Browsers take this one key and no other, so nobody between them and the box can have opened the TLS.
const pin = createHash("sha256").update(new X509Certificate(readFileSync(certificate)).publicKey.export({ type: "spki", format: "der" })).digest("base64");

async function wire() {
  execFileSync("ip", ["link", "set", "lo", "up"]);
  for (const name of ["nat", "hq", "away"]) all[name] = await Namespace.open();
  await cable({ pid: process.pid, name: "office", address: BOX }, { pid: all.nat.pid, name: "inside", address: NAT_IN });
  await cable({ pid: all.nat.pid, name: "outside", address: NAT }, { pid: all.hq.pid, name: "boxes", address: HQ });
  await cable({ pid: all.hq.pid, name: "people", address: FRONT }, { pid: all.away.pid, name: "eth0", address: CITIZEN });
  execFileSync("ip", ["route", "add", "default", "via", NAT_IN]);
  await all.nat.ip(`route add default via ${HQ}`);
  // As on the Internet, what goes to somebody's private address is swallowed on its way: coturn gives
  // an allocation up when the system has no route for one of its peers.
  await all.hq.ip(`route add default via ${NAT}`);
  await all.away.ip(`route add default via ${FRONT}`);
  await all.nat.do("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward");
  await translate(WALL);
}

function translate(rules) {
  const file = path(folder, "nat.nft");
  writeFileSync(file, rules);
  return all.nat.do("nft", "-f", file);
}

/** What comes in unasked ends at the NAT. */
const WALL = `table ip nat {
  chain out { type nat hook postrouting priority 100; oifname "outside" masquerade; }
  chain in { type nat hook prerouting priority -100; }
}
table ip wall {
  chain through { type filter hook forward priority 0; iifname "outside" ct state new ct status & dnat != dnat drop; }
  chain local { type filter hook input priority 0; iifname "outside" ct state new drop; }
}
`;
/** All but headquarters' front on its way to the box's pages. */
const gate = (port) => `add rule ip nat in iifname "outside" ip saddr ${HQ} tcp dport 443 dnat to ${BOX}:${port}\n`;

async function startFront() {
  const settings = path(folder, "haproxy.cfg");
  writeFileSync(settings, `defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
frontend people
  bind ${FRONT}:443
  tcp-request inspect-delay 5s
  tcp-request content accept if { req.ssl_hello_type 1 }
  use_backend box if { req.ssl_sni -i ${NAME} }
backend box
  server box ${NAT}:443
`);
  const [program, ...args] = all.hq.command("haproxy", "-f", settings);
  all.front = start(program, args);
}

before(async () => {
  await wire();
  all.turn = await startTurn(FRONT, all.hq);
  const secret = path(folder, "turn-secret");
  writeFileSync(secret, TURN.secret, { mode: 0o600 });
  all.house = await House.start({
    mediaAddress: BOX,
    mediaOptions: ["--media-stun-server", `${FRONT}:${TURN.port}`],
    publicUrl: (port) => `https://${BOX}:${port}`,
    boxOptions: ["--people-address", BOX, "--certificate", certificate, "--certificate-key", key, "--public-url", `https://${NAME}`,
      "--turn-urls", `turn:${FRONT}:${TURN.port}`, "--turn-secret-file", secret],
  });
  await translate(gate(all.house.boxPort));
  await startFront();
  const flags = [`--ignore-certificate-errors-spki-list=${pin}`, `--host-resolver-rules=MAP ${NAME} ${FRONT}`];
  all.clerkBrowser = await startBrowser({ flags });
  all.citizenBrowser = await startBrowser({ flags, program: all.away.door("/usr/bin/chromium") });
  for (const name of ["clerk", "citizen"]) {
    all[name] = await openPerson(all[`${name}Browser`], { language: "en" });
    await prepare(all[name]);
  }
});

after(async () => {
  await Promise.all([all.clerkBrowser?.close(), all.citizenBrowser?.close()]);
  const complaints = (await all.house?.complaints()) ?? [];
  await all.house?.stop();
  await all.front?.stop();
  await all.turn?.stop();
  for (const name of ["away", "hq", "nat"]) await all[name]?.close();
  assert.deepEqual(complaints, []);
});

test("a citizen elsewhere has page, form and call by the box's public name", async () => {
  await openDesk(all.clerk, all.house.boxUrl);
  const { link } = await meetByVideo(all.clerk, "hu.id-card");
  assert.equal(new URL(link).origin, `https://${NAME}`);
  await join(all.citizen, link, { video: true });
  await all.clerk.click(".ab-call-start");
  await Promise.all([callState(all.clerk, "talking"), callState(all.citizen, "talking")]);
  const text = "by way of headquarters";
  await field(all.citizen, "/lossStory").fill(text);
  await until("the form at the desk", async () => (await field(all.clerk, "/lossStory").inputValue()) === text);
  assert.equal(await way(all.citizen), "relay udp");
  const from = Date.now();
  const frames = await until("the picture to flow", async () => {
    const figures = await Promise.all([all.citizen, all.clerk].map((page) => received(page, from, Date.now())));
    return Date.now() - from > 4000 && figures.every((one) => one.framesPerSecond >= 8) && figures;
  });
  console.log(JSON.stringify({ case: "reach", citizen: frames[0], clerk: frames[1] }));
  assert.deepEqual(all.citizen.errors, []);
});

test("nobody gets in at the NAT but the front, and the front lets through no other name", async () => {
  const curl = (...words) => {
    const [program, ...args] = all.away.command("curl", "-sS", "--max-time", "4", "--cacert", certificate, ...words);
    return execFileSync(program, args, { stdio: ["ignore", "pipe", "ignore"], encoding: "utf8" });
  };
  assert.notEqual(curl("--fail", "--resolve", `${NAME}:443:${FRONT}`, `https://${NAME}/healthz`), "");
  assert.throws(() => curl("--resolve", `other.test:443:${FRONT}`, "-k", "https://other.test/healthz"));
  assert.throws(() => curl("-k", `https://${NAT}/healthz`));
});

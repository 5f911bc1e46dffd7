// Every client with every other through ablak-media. A new client is a file in clients/ and a name
// here; its interface is what clients/peer.js has, and open() → {version, join, close}.
//
// ABLAK_FULL=1 takes every way of every pair, else two opposite ways of each pair of unlike clients.
// ABLAK_ONLY=firefox-wrtc,werift-wrtc takes those pairs; ABLAK_TABLE=FILE writes a table there.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Box, Media } from "./box.mjs";
import { Leg } from "./leg.mjs";
import { here } from "./wire.mjs";

const names = ["chromium", "firefox", "webrtcbin", "werift", "wrtc"];
const ciphers = { gcm: "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80", cm: "SRTP_AES128_CM_SHA1_80" };
const full = process.env.ABLAK_FULL === "1";

const yesNo = [true, false];
const ways = Object.keys(ciphers).flatMap((cipher) =>
  yesNo.flatMap((rtx) => yesNo.map((trickle) => ({ cipher, rtx, trickle }))));
const wayName = ({ cipher, rtx, trickle }) => `${cipher}, ${rtx ? "RTX" : "no RTX"}, ${trickle ? "trickle" : "no trickle"}`;

const pairs = names.flatMap((a, i) => names.slice(full ? i : i + 1).map((b) => [a, b]))
  .filter((pair) => !process.env.ABLAK_ONLY || process.env.ABLAK_ONLY.split(",").includes(pair.join("-")));
const folder = mkdtempSync(join(tmpdir(), "ablak-pairs-"));
const modules = {}, programs = {}, boxes = {};
const results = [];

before(async () => {
  const used = new Set(pairs.flat());
  await Promise.all([
    ...[...used].map(async (name) => {
      modules[name] = await import(`./clients/${name}.mjs`);
      programs[name] = await modules[name].open();
    }),
    ...Object.entries(ciphers).map(async ([cipher, profiles]) => {
      const box = await Box.listen(join(folder, cipher));
      const hello = box.next((m) => m.type === "hello", "hello");
      box.media = new Media(process.env.ABLAK_MEDIA, box.path, { profiles, addresses: here });
      boxes[cipher] = box;
      await hello;
    }),
  ]);
});

after(async () => {
  await Promise.all(Object.values(programs).map((program) => program.close()));
  for (const box of Object.values(boxes)) {
    const { code, log } = await box.media.stop("SIGTERM");
    await box.close();
    assert.equal(code, 0, log);
    assert.doesNotMatch(log, /Sanitizer|runtime error|"level":"error"/);
  }
  rmSync(folder, { recursive: true, force: true });
  if (process.env.ABLAK_TABLE) writeFileSync(process.env.ABLAK_TABLE, table());
});

/** Who has no decoder hears only those who tell how loud they are. */
const sees = (other) => ({ video, audio }) => {
  if (video.frames < 5 || video.width === 0) return "sees nothing";
  if (audio.packets < 20) return "hears nothing";
  if (audio.energy === null ? other.tellsLevel : audio.energy === 0) return "hears silence";
};

/** After packets were lost: they were asked for and came again, as was agreed on; the picture goes on. */
const recovers = (earlier, rtx) => ({ video }, { lost, retransmitted, repeated }) => {
  if (lost < 3) return "has lost too little";
  if (!(video.frames > earlier.video.frames + 10)) return "does not recover";
  if (!(video.nacks > earlier.video.nacks)) return "does not ask for what was lost";
  if (!rtx && retransmitted > 0) return "gets RTX that nobody agreed on";
  if (!rtx) return repeated === 0 ? "gets nothing again" : "";
  if (retransmitted === 0) return "gets nothing again";
  if (video.repaired !== null && !(video.repaired > (earlier.video.repaired ?? 0))) return "repairs nothing";
};

async function checkCipher(box, session, legs, way) {
  const reply = box.next((m) => m.type === "stats", "stats");
  box.send({ type: "stats" });
  const told = (await reply).legs.filter((leg) => leg.session === session);
  for (const leg of legs) {
    const gcm = way.cipher === "gcm" && modules[leg.client].gcm;
    const expected = gcm ? "AEAD_AES_128_GCM" : "AES_CM_128_HMAC_SHA1_80";
    assert.equal(told.find((it) => it.leg === leg.leg).cipher, expected, leg.leg);
    const { cipher } = await leg.peer.stats();
    if (cipher !== null) assert.match(cipher, gcm ? /GCM/ : /AES.*CM.*SHA1_80/, leg.leg);
  }
}

let count = 0;

async function meet(pair, way) {
  const box = boxes[way.cipher];
  const session = `pair-${++count}`;
  // The second client knows RTX in any case: the box tells it what the first one does not.
  const legs = pair.map((client, i) => {
    const leg = new Leg(box, session, `${client}-${i}`, { knowsRtx: way.rtx || i > 0 });
    return Object.assign(leg, { client });
  });
  const began = performance.now();
  try {
    const connected = Promise.all(legs.map((leg) => leg.connected()));
    await Promise.all([connected, ...legs.map((leg) => leg.join(programs[leg.client], way.trickle))]);
    const early = await Promise.all(legs.map((leg, i) => leg.until(sees(modules[pair[1 - i]]))));
    const seconds = (performance.now() - began) / 1000;
    await checkCipher(box, session, legs, way);
    await Promise.all(legs.map((leg, i) => leg.recovers(recovers(early[i], way.rtx))));
    return seconds;
  } finally {
    await Promise.all(legs.map((leg) => leg.part()));
    for (const leg of legs) assert.deepEqual(leg.errors, []);
  }
}

/** On a busy machine a datagram may get lost, which not everyone's handshake survives. */
async function meetAtLast(pair, way, t) {
  try {
    return await meet(pair, way);
  } catch (error) {
    if (!pair.some((name) => modules[name].needsWholeHandshake) || !/to be connected/.test(error.message)) throw error;
    t.diagnostic(`${error.message.split("\n")[0]}; joining again`);
    return meet(pair, way);
  }
}

/** One row a pair: which ways work, and the slowest from joining to seeing and hearing. */
function table() {
  const rows = pairs.map((pair) => {
    const mine = results.filter((result) => result.pair === pair);
    const slowest = Math.max(...mine.map((result) => result.seconds ?? NaN));
    const cells = ways.map((way) => {
      const result = mine.find((it) => it.way === way);
      return result ? (result.error ? "**no**" : "yes") : "";
    });
    return `| ${pair.join(" – ")} | ${cells.join(" | ")} | ${Number.isNaN(slowest) ? "" : `${slowest.toFixed(1)} s`} |`;
  });
  const versions = names.filter((name) => programs[name]).map((name) => programs[name].version).join(", ");
  return [
    `${versions}.`, "",
    `| pair | ${ways.map(wayName).join(" | ")} | until both see and hear |`,
    `|${" --- |".repeat(ways.length + 2)}`, ...rows, "",
  ].join("\n");
}

pairs.forEach((pair, i) => {
  // Opposite ways are a and 7 - a: every way is taken by some pair.
  const taken = full ? ways : [ways[i % 4], ways[7 - (i % 4)]];
  for (const way of taken)
    test(`${pair.join(" and ")}: ${wayName(way)}`, async (t) => {
      const result = { pair, way };
      results.push(result);
      try {
        result.seconds = await meetAtLast(pair, way, t);
        t.diagnostic(`both see and hear after ${result.seconds.toFixed(2)} s`);
      } catch (error) {
        result.error = error;
        throw error;
      }
    });
});

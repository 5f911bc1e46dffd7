// ablak-media beside Janus' videocall plugin: same machine, same clients, same media, in turn.
//   run.mjs BUILD [--quick] [--cases processor,calls,join] [--ciphers own,cm,gcm]
// Prints JSON lines; what happens meanwhile goes to stderr.
import { name as peerName } from "./janus.mjs";
import { joinTimes } from "./join.mjs";
import { baseline, Bench, capacity } from "./measure.mjs";
import { enterNamespace } from "./net.mjs";
import { LOAD_CORE, median, pinSelf, quantile } from "./process.mjs";

await enterNamespace();
const [build, ...options] = process.argv.slice(2);
const quick = options.includes("--quick");
const chosen = (option, all) => (options.includes(option) ? options[options.indexOf(option) + 1].split(",") : all);
const cases = chosen("--cases", ["processor", "calls", "join"]);
const say = (text) => process.stderr.write(`${text}\n`);

// What a client offers in use_srtp; as a server it prefers the first. The first list is a browser's,
// so with it each system picks what it picks there: ablak-media GCM for both, Janus GCM where it is
// the DTLS server (with Chromium AES-256, which the generator has not) and CM where it is not.
const CM = "SRTP_AES128_CM_SHA1_80", GCM = "SRTP_AEAD_AES_128_GCM";
const ciphers = [
  { id: "own", name: "own cipher", profiles: `${CM}:${GCM}`, calls: true, joins: true },
  { id: "cm", name: "AES_CM_128_HMAC_SHA1_80", profiles: CM, calls: true, joins: true },
  { id: "gcm", name: "AEAD_AES_128_GCM", profiles: GCM },
];
const asked = chosen("--ciphers", quick ? ["own"] : ["own", "cm", "gcm"]);
const wanted = ciphers.filter(({ id }) => asked.includes(id));
const ROUNDS = quick ? 1 : 3;
const SIZES = [1, 10, 50];

function row(name, unit, ours, peer, goal) {
  const round = (value) => Number(value.toPrecision(4));
  const ratio = ours / peer;
  const met = goal && (goal.startsWith("<=") ? ratio <= Number(goal.slice(2)) : ratio >= Number(goal.slice(2)));
  console.log(JSON.stringify({ bench: "video", case: name, unit, ours: round(ours), peer: round(peer), peer_name: peerName, ratio: round(ratio), ...(goal ? { goal, met } : {}) }));
}

async function sweep(system, cipher) {
  const bench = await Bench.start(build, system, cipher.profiles);
  const found = {};
  try {
    for (const size of SIZES) {
      const seen = (found[size] = await bench.window(size, quick ? 1000 : 1500, { memory: size > 1 }));
      say(`${system} ${cipher.name}, ${size} calls: ${seen.usPerPacket.toFixed(1)} us a packet, load ${seen.load.toFixed(2)}, generator ${seen.ownLoad.toFixed(2)}, p99 ${seen.p99_us} us`);
    }
    found.cipher = [...bench.ciphers].sort().join(" and ");
  } finally {
    await bench.stop();
  }
  return found;
}

async function processor(cipher) {
  const rounds = { ours: [], peer: [] };
  for (let round = 0; round < ROUNDS; round++)
    for (const system of Object.keys(rounds)) rounds[system].push(await sweep(system, cipher));
  const middle = (pick) => [median(rounds.ours.map(pick)), median(rounds.peer.map(pick))];
  if (cipher.id === "own") say(`own ciphers: ours ${rounds.ours[0].cipher}, peer ${rounds.peer[0].cipher}`);
  for (const size of SIZES) row(`processor time a relayed packet, ${size} calls, ${cipher.name}`, "us", ...middle((it) => it[size].usPerPacket), "<=0.35");
  headroom(`processor time, 1 to 50 calls, ${cipher.name}`, ...[...rounds.ours, ...rounds.peer].flatMap((found) => SIZES.map((size) => found[size].headroom)));
  row(`memory a call, between 10 and 50, ${cipher.name}`, "bytes", ...middle((it) => (it[50].memory - it[10].memory) / 40), "<=0.5");
}

async function calls(cipher, base) {
  const climb = { step: quick ? 1.2 : 1.1, windowMs: quick ? 1000 : 2000, base, say };
  const ours = await capacity(build, "ours", cipher.profiles, climb);
  const peer = await capacity(build, "peer", cipher.profiles, climb);
  if (ours.sure.calls === 0 || peer.sure.calls === 0) throw new Error("the machine is too busy for even the first calls");
  row(`calls one core carries at least, ${cipher.name}`, "calls", ours.sure.calls, peer.most.calls, ">=2.5");
  row(`calls one core carries, ${cipher.name}`, "calls", ours.most.calls, peer.most.calls);
  headroom(`calls one core carries at least, ${cipher.name}`, ours.sure.headroom, peer.most.headroom);
}

/** How many times as much the generator could do: its core's time over what it took of it. */
function headroom(where, ...times) {
  const least = Math.min(...times);
  console.log(JSON.stringify({ bench: "video", case: `generator's headroom: ${where}`, unit: "times", least: Number(least.toPrecision(3)), goal: ">=3", met: least >= 3 }));
}

async function joins(cipher) {
  // Chromium offers all it knows: a cipher can be forced on our side only, and only what Janus takes there.
  const times = await joinTimes(build, quick ? 8 : 30, say, cipher.id === "own" ? undefined : cipher.profiles);
  for (const [name, part] of [["p50", 0.5], ["p95", 0.95]]) {
    const [waits, both, peer] = [times.waits, times.both, times.peer].map((list) => quantile(list, part));
    row(`granted camera to first decoded frame, ${name}, the other waits in the call, ${cipher.name}`, "ms", waits, peer, "<=0.6");
    row(`granted camera to first decoded frame, ${name}, both come at once, ${cipher.name}`, "ms", both, peer, "<=0.6");
  }
}

// Browsers need both cores; the load generator and its relay have one each.
for (const cipher of wanted) if (cases.includes("join") && cipher.joins) await joins(cipher);
if (cases.some((name) => name !== "join")) {
  pinSelf(LOAD_CORE);
  const base = await baseline(build, 1500);
  say(`through an echo: p50 ${base.p50_us} us, p99 ${base.p99_us} us`);
  for (const cipher of wanted) {
    if (cases.includes("processor")) await processor(cipher);
    if (cases.includes("calls") && cipher.calls) await calls(cipher, base);
  }
}

// What a relayed packet costs in calls of two, three and four, at the same number of packets out.
//   parties.mjs BUILD [PARTIES]      (a build without sanitizers; of calls of so many only)
// Between two the relay passes feedback end to end; among more it numbers, times and estimates itself
// (video/several.h), or, as the product does not, goes pair by pair (pairwise/ledger.h says what
// "each" and "worst" are). A JSON line for each number of parties: microseconds of processor time a
// packet that came out. Every window also shows that each did what it is there for: how often a
// sender was told that a packet of its own has arrived, and whether receivers' numbers follow one another.
import assert from "node:assert/strict";
import { Bench } from "./measure.mjs";
import { enterNamespace } from "./net.mjs";
import { LOAD_CORE, median, pinSelf } from "./process.mjs";

await enterNamespace();
const [build, only] = process.argv.slice(2);
const ROUNDS = 5;
const WINDOW_MS = 1500;
// 24 streams out in each: parties x (parties - 1) x calls.
const SIZES = [{ parties: 2, calls: 12 }, { parties: 3, calls: 4 }, { parties: 4, calls: 2 }].filter(({ parties }) => only === undefined || Number(only) === parties);
/** Between two there is nothing to choose. */
const systemsOf = (parties) => (parties === 2 ? ["ours"] : ["ours", "each", "worst"]);

function check(system, parties, { sent, wall_received: came, told, gaps }) {
  const toldTimes = system === "each" ? parties - 1 : 1;
  assert.equal(gaps, 0, "numbers follow one another");
  // What is on its way when the window begins or ends is counted or not.
  for (const [what, count, times] of [["came", came, parties - 1], ["were told to have arrived", told, toldTimes]])
    assert.ok(Math.abs(count / sent / times - 1) < 0.1, `${system}, ${parties}: ${count} of ${sent} packets ${what}`);
}

async function measure(system, { parties, calls }) {
  const bench = await Bench.start(build, system, "SRTP_AEAD_AES_128_GCM", parties);
  try {
    await bench.window(calls, 500);
    const window = await bench.window(calls, WINDOW_MS);
    check(system, parties, window);
    return window;
  } finally {
    await bench.stop();
  }
}

pinSelf(LOAD_CORE);
for (const size of SIZES) {
  const { parties } = size, found = Object.fromEntries(systemsOf(parties).map((system) => [system, []]));
  for (let round = 0; round < ROUNDS; round++)
    for (const [system, windows] of Object.entries(found)) windows.push(await measure(system, size));
  const middle = (pick) => Object.fromEntries(Object.entries(found).map(([system, windows]) => [system, Number(median(windows.map(pick)).toPrecision(4))]));
  console.log(JSON.stringify({
    bench: "video", case: `processor time a relayed packet, calls of ${parties}`, unit: "us",
    ...middle(({ usPerPacket }) => usPerPacket), p99_us: middle(({ p99_us }) => p99_us), packets: middle(({ wall_received }) => wall_received),
  }));
}

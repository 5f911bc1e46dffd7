// What a relayed packet costs in calls of two, three and four, at the same number of packets out.
//   parties.mjs BUILD      (a build without sanitizers)
// Between two the relay passes feedback end to end; among more it numbers, times and estimates itself
// (video/several.h). A JSON line for each: microseconds of processor time a packet that came out.
import { Bench } from "./measure.mjs";
import { enterNamespace } from "./net.mjs";
import { LOAD_CORE, median, pinSelf } from "./process.mjs";

await enterNamespace();
const [build] = process.argv.slice(2);
const ROUNDS = 5;
const WINDOW_MS = 1500;
// 24 streams out in each: parties x (parties - 1) x calls.
const SIZES = [{ parties: 2, calls: 12 }, { parties: 3, calls: 4 }, { parties: 4, calls: 2 }];

pinSelf(LOAD_CORE);
const found = new Map(SIZES.map(({ parties }) => [parties, []]));
for (let round = 0; round < ROUNDS; round++)
  for (const { parties, calls } of SIZES) {
    const bench = await Bench.start(build, "ours", "SRTP_AEAD_AES_128_GCM", parties);
    try {
      await bench.window(calls, 500);
      found.get(parties).push(await bench.window(calls, WINDOW_MS));
    } finally {
      await bench.stop();
    }
  }
for (const [parties, windows] of found) {
  const middle = (pick) => Number(median(windows.map(pick)).toPrecision(4));
  console.log(JSON.stringify({
    bench: "video", case: `processor time a relayed packet, calls of ${parties}`, unit: "us",
    ours: middle(({ usPerPacket }) => usPerPacket), p99_us: middle(({ p99_us }) => p99_us), packets: middle(({ wall_received }) => wall_received),
  }));
}

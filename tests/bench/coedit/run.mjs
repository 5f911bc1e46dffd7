// The Yjs engine beside npm yjs on the same history, each in a process of its own, three times in
// turn; the medians are compared. run.mjs BUILD [HISTORY]
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [build, given] = process.argv.slice(2);
const here = import.meta.dirname ?? new URL(".", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "ablak-bench-"));
const rounds = 3, edits = 100_000;
const json = (...command) => JSON.parse(execFileSync(command[0], command.slice(1), { encoding: "utf8" }));
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

try {
  const history = given ?? join(folder, "history");
  if (!given) execFileSync(process.execPath, [join(here, "make-history.mjs"), history, String(edits)]);
  const ours = [], peer = [];
  for (let round = 0; round < rounds; round++) {
    ours.push(json(join(build, "tests/bench/coedit/ydoc-replay"), history));
    peer.push(json(process.execPath, "--expose-gc", join(here, "yjs-replay.mjs"), history));
  }
  const row = (name, unit, field, goal) => {
    const a = median(ours.map((one) => one[field])), b = median(peer.map((one) => one[field]));
    const ratio = a / b;
    console.log(JSON.stringify({ bench: "coedit", case: name, unit, ours: a, peer: b, peer_name: "yjs 13.6.33", ratio: Number(ratio.toFixed(3)), goal: `<=${goal}`, met: ratio <= goal }));
  };
  row(`apply ${ours[0].updates} updates`, "ms", "apply_ms", 0.083);
  row("load the snapshot", "ms", "load_ms", 0.2);
  row("process memory at the peak", "bytes", "peak_bytes", 0.25);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

// 5,000 open drafts, 500 of them typed into by two stock y-websocket clients each, at 5 keys a
// second, on the box (durable first) and on npm's server (in memory): how long from one person's key
// to the other's screen, and what it costs. The server has the first core, the clients the second.
// run.mjs BUILD [DRAFTS TYPED]
import { execFileSync, spawn } from "node:child_process";
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const [build, drafts = "5000", typed = "500"] = process.argv.slice(2);
const here = import.meta.dirname ?? new URL(".", import.meta.url).pathname;
const count = Number(drafts), busy = Number(typed), keysPerSecond = 5, warmUpMs = 4000, measureMs = 20_000, settleMs = 4000;
process.env.ABLAK_BUILD = resolve(build);

async function main() {
  const { boxServer, npmServer, relayServer } = await import("./servers.mjs");
  const sync = syncTimes();
  const ours = await measure(await boxServer(build, count));
  const peer = await measure(await npmServer(count), ours.seed);
  const relay = await measure(await relayServer(count), ours.seed, true);
  const rounded = (value) => Number(value.toPrecision(3));
  const row = (name, unit, a, b, goal) => {
    const ratio = a / b;
    console.log(JSON.stringify({ bench: "drafts", case: name, unit, ours: rounded(a), peer: rounded(b), peer_name: peer.name, ratio: rounded(ratio), goal: goal === undefined ? null : `<=${goal}`, met: goal === undefined ? null : ratio <= goal }));
  };
  row("key to screen p50", "ms", ours.p50, peer.p50);
  row("key to screen p99", "ms", ours.p99, peer.p99, 0.5);
  row(`memory with ${count} drafts open`, "bytes", ours.opened, peer.opened, 0.25);
  row("memory an open draft", "bytes", ours.perDraft, peer.perDraft);
  row("server CPU a key", "ms", ours.cpuMsPerKey, peer.cpuMsPerKey);
  const note = (name, values) => console.log(JSON.stringify({ bench: "drafts", case: name, ...values }));
  note("keys", { ours: ours.keys, peer: peer.keys, lost: ours.lost + peer.lost, met: ours.lost + peer.lost === 0 });
  note("clients", Object.fromEntries([["ours", ours], ["peer", peer], ["relay", relay]].map(([name, one]) =>
    [name, { cpu: rounded(one.clientsCpu), lag_p99_ms: rounded(one.clientsLagP99Ms), p50_ms: rounded(one.p50), p99_ms: rounded(one.p99) }])));
  note("fdatasync of this disk", { unit: "ms", p50: rounded(sync.p50), p99: rounded(sync.p99) });
  note("after everybody left", { memory_bytes: ours.left, disk_bytes_a_draft: Math.round(ours.disk / count) });
}

// A 4 kB append and fdatasync, as a small commit does it.
function syncTimes() {
  const path = join(tmpdir(), `ablak-sync-${process.pid}`);
  const file = openSync(path, "w"), page = Buffer.alloc(4096), times = [];
  for (let i = 0; i < 500; i++) {
    const start = performance.now();
    writeSync(file, page);
    fdatasyncSync(file);
    times.push(performance.now() - start);
  }
  closeSync(file);
  rmSync(path);
  times.sort((a, b) => a - b);
  return { p50: times[250], p99: times[495] };
}

class Clients {
  #process = spawn("taskset", ["-c", "1", process.execPath, join(here, "clients.mjs")], { stdio: ["ignore", "inherit", "inherit", "ipc"] });

  // `on` is called with what is told on the way ("measuring", "measured").
  ask(name, options, on = () => {}) {
    return new Promise((done, failed) => {
      const listen = ([kind, value]) => {
        if (kind !== name && kind !== "failed") return on(kind);
        this.#process.off("message", listen);
        if (kind === "failed") failed(new Error(value));
        else done(value);
      };
      this.#process.on("message", listen);
      this.#process.send([name, options]);
    });
  }

  end() {
    this.#process.kill("SIGKILL");
  }
}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function measure(server, givenSeed, undecoded = false) {
  const { memoryOf, cpuSecondsOf } = await import("./servers.mjs");
  const clients = new Clients();
  try {
    const { url, headers, rooms, durable = false } = server;
    const seed = givenSeed ?? (await clients.ask("seed", { url, headers, room: rooms[0] })).seed;
    await sleep(500);
    const before = memoryOf(server.pid);
    await clients.ask("open", { url, headers, rooms, durable, seed: givenSeed, undecoded });
    await sleep(settleMs);
    const opened = memoryOf(server.pid);
    const marks = [];
    const every = Math.floor(count / busy);
    const typing = { rooms: rooms.filter((_, i) => i % every === 0).slice(0, busy), warmUpMs, measureMs, keysPerSecond };
    const result = await clients.ask("type", typing, () => marks.push(cpuSecondsOf(server.pid)));
    const cpuMsPerKey = 1000 * (marks[1] - marks[0]) / (busy * keysPerSecond * measureMs / 1000);
    await clients.ask("close");
    const rest = { left: 0, disk: 0 };
    if (durable) {
      rest.left = memoryOf(server.pid);
      rest.disk = server.bytesOnDisk();
    }
    return { ...result, ...rest, name: server.name, seed, opened, perDraft: (opened - before) / count, cpuMsPerKey };
  } finally {
    clients.end();
    await server.stop();
  }
}

if (Number(execFileSync("bash", ["-c", "ulimit -n"], { encoding: "utf8" })) < count * 3) {
  const again = spawn("bash", ["-c", `ulimit -n ${count * 3} && exec "$@"`, "bash", process.execPath, ...process.argv.slice(1)], { stdio: "inherit" });
  again.on("exit", (code) => process.exit(code ?? 1));
} else {
  await main();
}

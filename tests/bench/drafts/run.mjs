// 5,000 open drafts, 500 of them typed into by two stock y-websocket clients each, at 5 keys a
// second, on the box (durable first) and on npm's server (in memory): how long from one person's key
// to the other's screen, and what it costs. The servers have the first core, the clients the second.
// Both are open for the whole run and typed on by turns, and the keys of all rounds count together:
// what stops a server once in ten seconds is part of its p99.
// A machine's disk may stand still for reasons outside of it, and whoever promises durability waits.
// So a process that only reads looks when (disk-pauses.c), also while the others are typed on, and
// the 99th percentile is there twice: of all keys, and of those that were not under way in a pause.
// run.mjs BUILD [DRAFTS TYPED]
import { execFileSync, spawn } from "node:child_process";
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Generators, percentile } from "./generators.mjs";
import { isIn, watchDisk } from "./pauses.mjs";
import { boxServer, machineSeconds, npmServer, relayServer } from "./servers.mjs";

const [build, drafts = "5000", typed = "500"] = process.argv.slice(2);
const count = Number(drafts), busy = Number(typed), ROUNDS = 3;
const typing = { keysPerSecond: 5, warmUpMs: 3000, measureMs: 12_000 }, settleMs = 4000;

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const rounded = (value) => Number(value.toPrecision(3));
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

async function main() {
  const sync = syncTimes();
  const systems = [];
  try {
    const ours = await openAll(systems, await boxServer(build, count));
    const peer = await openAll(systems, await npmServer(count), ours.seed);
    const relay = await openAll(systems, await relayServer(busy), ours.seed, true);
    for (let i = 0; i < ROUNDS; i++)
      for (const system of [ours, peer, relay]) system.rounds.push(await round(system));
    for (const { generators } of systems) await generators.close();
    ours.left = ours.server.memory();
    report(ours, peer, relay, sync);
  } finally {
    for (const { generators, server } of systems) {
      generators.end();
      await server.stop();
    }
  }
}

// The server with all drafts open, and people at those that will be typed in.
async function openAll(systems, server, givenSeed, undecoded = false) {
  const { url, headers, durable = false } = server;
  const rooms = undecoded ? server.rooms.slice(0, busy) : server.rooms;
  const system = { server, generators: new Generators(), rounds: [] };
  systems.push(system);
  system.seed = givenSeed ?? (await system.generators.seed({ url, headers, room: rooms[0] }));
  await sleep(500);
  const before = server.memory();
  await system.generators.open(rooms, { url, headers, durable, seed: givenSeed, undecoded });
  await sleep(settleMs);
  system.opened = server.memory();
  system.perDraft = (system.opened - before) / count;
  const every = Math.floor(rooms.length / busy);
  await system.generators.sit(rooms.filter((_, i) => i % every === 0).slice(0, busy));
  return system;
}

async function round({ server, generators }) {
  const disk = watchDisk(build);
  const done = generators.press(typing);
  await sleep(typing.warmUpMs);
  const before = { server: server.cpuSeconds(), clients: generators.cpuSeconds(), machine: machineSeconds(), at: performance.now() };
  await sleep(typing.measureMs);
  const seconds = (performance.now() - before.at) / 1000;
  const serverSeconds = server.cpuSeconds() - before.server, clientSeconds = generators.cpuSeconds() - before.clients;
  const others = machineSeconds() - before.machine - serverSeconds - clientSeconds;
  const parts = await done, pauses = await disk.stop(), sorted = (values) => values.sort((a, b) => a - b);
  const keys = parts.flatMap((part) => part.keys), late = sorted(parts.flatMap((part) => part.late));
  const times = sorted(keys.map(([, took]) => took));
  return {
    times,
    answered: sorted(keys.filter(([sent, took]) => !isIn(pauses, sent, sent + took)).map(([, took]) => took)),
    paused: pauses.reduce((sum, { begin, end }) => sum + end - begin, 0) / 1000 / (seconds + typing.warmUpMs / 1000),
    keys: times.length,
    lost: parts.reduce((sum, part) => sum + part.lost, 0),
    p50: percentile(times, 0.5), p99: percentile(times, 0.99), max: times.at(-1),
    lateP99: percentile(late, 0.99),
    cpuMsPerKey: 1000 * serverSeconds / times.length,
    clientsCpu: clientSeconds / seconds,
    othersCpu: Math.max(0, others / seconds),
  };
}

function report(ours, peer, relay, sync) {
  const of = (system, name) => median(system.rounds.map((one) => one[name]));
  const overall = (system, part, which = "times") => percentile(system.rounds.flatMap((one) => one[which]).sort((a, b) => a - b), part);
  const sum = (system, name) => system.rounds.reduce((total, one) => total + one[name], 0);
  const row = (name, unit, a, b, goal) => {
    const ratio = a / b;
    console.log(JSON.stringify({ bench: "drafts", case: name, unit, ours: rounded(a), peer: rounded(b), peer_name: peer.server.name, ratio: rounded(ratio), goal: goal === undefined ? null : `<=${goal}`, met: goal === undefined ? null : ratio <= goal }));
  };
  row("key to screen p50", "ms", overall(ours, 0.5), overall(peer, 0.5));
  row("key to screen p99", "ms", overall(ours, 0.99), overall(peer, 0.99), 0.5);
  row("key to screen p99, but for the disk's pauses", "ms", overall(ours, 0.99, "answered"), overall(peer, 0.99, "answered"), 0.5);
  row(`memory with ${count} drafts open`, "bytes", ours.opened, peer.opened, 0.25);
  row("memory an open draft", "bytes", ours.perDraft, peer.perDraft);
  row("server CPU a key", "ms", of(ours, "cpuMsPerKey"), of(peer, "cpuMsPerKey"));
  const note = (name, values) => console.log(JSON.stringify({ bench: "drafts", case: name, ...values }));
  const lost = sum(ours, "lost") + sum(peer, "lost");
  note("keys", { ours: sum(ours, "keys"), peer: sum(peer, "keys"), lost, met: lost === 0 });
  // How late the clients pressed a key tells what they add themselves; on a machine where others
  // took much of the two cores' seconds, believe nothing.
  for (const [name, system] of Object.entries({ ours, peer, relay }))
    note(`rounds: ${name}`, Object.fromEntries(Object.entries({ p50: "p50_ms", p99: "p99_ms", max: "max_ms", lateP99: "keys_late_p99_ms", paused: "disk_paused", clientsCpu: "clients_cpu", othersCpu: "others_cpu" })
      .map(([from, to]) => [to, system.rounds.map((one) => rounded(one[from]))])));
  note("fdatasync of this disk", { unit: "ms", p50: rounded(sync.p50), p99: rounded(sync.p99) });
  note("after everybody left", { memory_bytes: ours.left, disk_bytes_a_draft: Math.round(ours.server.bytesOnDisk() / count) });
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
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}

// Again with room for the connections, and with the build to be measured.
const env = { ...process.env, ABLAK_BUILD: resolve(build) };
if (process.env.ABLAK_BUILD !== env.ABLAK_BUILD || Number(execFileSync("bash", ["-c", "ulimit -n"], { encoding: "utf8" })) < count * 3) {
  const again = spawn("bash", ["-c", `ulimit -n ${count * 3} && exec "$@"`, "bash", process.execPath, ...process.argv.slice(1)], { stdio: "inherit", env });
  again.on("exit", (code) => process.exit(code ?? 1));
} else {
  await main();
}

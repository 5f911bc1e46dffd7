// 5,000 open drafts, 500 of them typed into by two stock y-websocket clients each, at 5 keys a
// second, on the box (durable first) and on npm's server (in memory): how long from one person's key
// to the other's screen, and what it costs. Each has the machine for itself for a round, by turns,
// the server one core and the clients the other. The keys of all rounds count together: what stops a
// server once in ten seconds is part of its p99.
// A machine may stand still for reasons outside of it: a hypervisor takes a core away, a disk is
// somebody else's, too. Who makes four steps and waits for a disk meets that more often than who makes
// two. So a process that asks next to nothing of it looks when (machine-pauses.c), and the 99th
// percentile is there twice: of all keys, and of those that were not under way in a pause or its
// aftermath.
// run.mjs BUILD [DRAFTS TYPED]
import { spawn } from "node:child_process";
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Generators, percentile } from "./generators.mjs";
import { isIn, watchMachine } from "./pauses.mjs";
import { boxServer, machineSeconds, npmServer, relayServer } from "./servers.mjs";

const [build, drafts = "5000", typed = "500"] = process.argv.slice(2);
const count = Number(drafts), busy = Number(typed), ROUNDS = 3;
const typing = { keysPerSecond: 5, warmUpMs: 6000, measureMs: 30_000 }, settleMs = 4000;

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const rounded = (value) => Number(value.toPrecision(3));
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
let cleanUp = async () => {}; // what a run that is ended leaves behind

async function main() {
  const sync = syncTimes();
  const systems = [
    { start: () => boxServer(build, count) },
    { start: () => npmServer(count) },
    { start: () => relayServer(busy), undecoded: true },
  ].map((system) => ({ ...system, rounds: [] }));
  for (let i = 0; i < ROUNDS; i++)
    for (const system of systems) system.rounds.push(await alone(system, systems[0]));
  report(...systems, sync);
}

// One system has the machine for itself: its server with all drafts open, and people at those that
// are typed in.
async function alone(system, ours) {
  const server = await system.start(), generators = new Generators();
  const stop = async () => {
    generators.end();
    await server.stop();
  };
  cleanUp = stop;
  try {
    const { undecoded = false } = system;
    const { url, headers, durable = false, rooms } = server;
    system.name = server.name;
    ours.seed ??= await generators.seed({ url, headers, room: rooms[0] });
    const seed = system === ours ? undefined : ours.seed;
    await sleep(500);
    const before = server.memory();
    await generators.open(rooms, { url, headers, durable, seed, undecoded });
    await sleep(settleMs);
    const opened = server.memory();
    const every = Math.floor(rooms.length / busy);
    await generators.sit(rooms.filter((_, i) => i % every === 0).slice(0, busy));
    const typed = await round(server, generators);
    await generators.close();
    return { ...typed, opened, perDraft: (opened - before) / count, left: server.memory(), onDisk: server.bytesOnDisk?.() };
  } finally {
    cleanUp = async () => {};
    await stop();
  }
}

async function round(server, generators) {
  const machine = watchMachine(build);
  const done = generators.press(typing);
  await sleep(typing.warmUpMs);
  const before = { server: server.cpuSeconds(), clients: generators.cpuSeconds(), machine: machineSeconds(), at: performance.now() };
  await sleep(typing.measureMs);
  const seconds = (performance.now() - before.at) / 1000;
  const serverSeconds = server.cpuSeconds() - before.server, clientSeconds = generators.cpuSeconds() - before.clients;
  const others = machineSeconds() - before.machine - serverSeconds - clientSeconds;
  const parts = await done, pauses = await machine.stop(), sorted = (values) => values.sort((a, b) => a - b);
  const keys = parts.flatMap((part) => part.keys), late = sorted(parts.flatMap((part) => part.late));
  const times = sorted(keys.map(([, took]) => took));
  return {
    times,
    answered: sorted(keys.filter(([sent, took]) => !isIn(pauses, sent, sent + took)).map(([, took]) => took)),
    corePaused: stoodStill(pauses, "core"), diskPaused: stoodStill(pauses, "disk"),
    keys: times.length,
    lost: parts.reduce((sum, part) => sum + part.lost, 0),
    p50: percentile(times, 0.5), p99: percentile(times, 0.99), max: times.at(-1),
    lateP99: percentile(late, 0.99),
    cpuMsPerKey: 1000 * serverSeconds / times.length,
    clientsCpu: clientSeconds / seconds,
    othersCpu: Math.max(0, others / seconds),
  };
}

// The part of the round's time.
const stoodStill = (pauses, what) => pauses.filter((pause) => pause.what === what).reduce((sum, { begin, end }) => sum + end - begin, 0) / (typing.warmUpMs + typing.measureMs);

function report(ours, peer, relay, sync) {
  const of = (system, name) => median(system.rounds.map((one) => one[name]));
  const overall = (system, part, which = "times") => percentile(system.rounds.flatMap((one) => one[which]).sort((a, b) => a - b), part);
  const sum = (system, name) => system.rounds.reduce((total, one) => total + one[name], 0);
  const row = (name, unit, a, b, goal) => {
    const ratio = a / b;
    console.log(JSON.stringify({ bench: "drafts", case: name, unit, ours: rounded(a), peer: rounded(b), peer_name: peer.name, ratio: rounded(ratio), goal: goal === undefined ? null : `<=${goal}`, met: goal === undefined ? null : ratio <= goal }));
  };
  row("key to screen p50", "ms", overall(ours, 0.5), overall(peer, 0.5));
  row("key to screen p99", "ms", overall(ours, 0.99), overall(peer, 0.99), 0.5);
  row("key to screen p99, but for the machine's pauses", "ms", overall(ours, 0.99, "answered"), overall(peer, 0.99, "answered"), 0.5);
  row(`memory with ${count} drafts open`, "bytes", of(ours, "opened"), of(peer, "opened"), 0.25);
  row("memory an open draft", "bytes", of(ours, "perDraft"), of(peer, "perDraft"));
  row("server CPU a key", "ms", of(ours, "cpuMsPerKey"), of(peer, "cpuMsPerKey"));
  const note = (name, values) => console.log(JSON.stringify({ bench: "drafts", case: name, ...values }));
  const lost = sum(ours, "lost") + sum(peer, "lost");
  note("keys", { ours: sum(ours, "keys"), peer: sum(peer, "keys"), lost, met: lost === 0 });
  // How late the clients pressed a key tells what they add themselves; on a machine where others
  // took much of the two cores' seconds, believe nothing.
  for (const [name, system] of Object.entries({ ours, peer, relay }))
    note(`rounds: ${name}`, Object.fromEntries(Object.entries({ p50: "p50_ms", p99: "p99_ms", max: "max_ms", lateP99: "keys_late_p99_ms", corePaused: "core_paused", diskPaused: "disk_paused", clientsCpu: "clients_cpu", othersCpu: "others_cpu" })
      .map(([from, to]) => [to, system.rounds.map((one) => rounded(one[from]))])));
  note("fdatasync of this disk", { unit: "ms", p50: rounded(sync.p50), p99: rounded(sync.p99) });
  note("after everybody left", { memory_bytes: of(ours, "left"), disk_bytes_a_draft: Math.round(of(ours, "onDisk") / count) });
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

// Again with room for the connections, with the build to be measured, and in a session of its own:
// that is what go-first puts first.
if (process.env.ABLAK_BENCH_SESSION !== "own") {
  const env = { ...process.env, ABLAK_BUILD: resolve(build), ABLAK_BENCH_SESSION: "own" };
  const again = spawn("bash", ["-c", `ulimit -n ${count * 3} && exec "$@"`, "bash", process.execPath, ...process.argv.slice(1)], { stdio: "inherit", env, detached: true });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => again.kill(signal));
  again.on("exit", (code) => process.exit(code ?? 1));
} else {
  for (const signal of ["SIGINT", "SIGTERM"])
    process.once(signal, async () => {
      await cleanUp();
      process.kill(0, "SIGKILL"); // whoever was just starting, too
    });
  await main();
}

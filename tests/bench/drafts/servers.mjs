// The servers a draft can be typed on, each pinned to one core: the box, npm's server and a bare
// relay. A server has `url`, `rooms` (paths, as many as wanted), `memory()` in bytes, the
// `cpuSeconds()` it has used, and `stop()`.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { House, until } from "../../house/house.mjs";
import { freePort } from "../../house/ports.mjs";
import { Client } from "../../house/client.mjs";

const here = import.meta.dirname ?? new URL(".", import.meta.url).pathname;
const root = join(here, "../../..");

// The core that the disk's interrupts come to is the servers': on the clients', whoever waits for the
// disk would wait for them.
const SERVER_CORE = String(coreOfDisk());
export const CLIENT_CORE = SERVER_CORE === "0" ? "1" : "0";

function coreOfDisk() {
  const lines = readFileSync("/proc/interrupts", "utf8").split("\n").filter((line) => /-req\.|nvme\d+q[1-9]|ahci/.test(line));
  const counts = lines.map((line) => line.trim().split(/ +/).slice(1, 3).map(Number));
  const [first, second] = [0, 1].map((core) => counts.reduce((sum, each) => sum + each[core], 0));
  return first > second ? 0 : 1;
}
const ticks = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

const pin = (pid, core) => execFileSync("taskset", ["-a", "-c", "-p", core, String(pid)], { stdio: "ignore" });

// Who is measured goes before others on this machine, where that is allowed.
export function putFirst(pid) {
  spawnSync(join(process.env.ABLAK_BUILD, "tests/bench/drafts/go-first"), [String(pid)], { stdio: "ignore" });
}

const memoryOf = (pid) =>
  1024 * Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);

export function cpuSecondsOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticks;
}

// That anybody used on this machine since it started.
export function machineSeconds() {
  const [user, nice, system, , , irq, softirq, steal] = readFileSync("/proc/stat", "utf8").split("\n")[0].split(/ +/).slice(1).map(Number);
  return (user + nice + system + irq + softirq + steal) / ticks;
}

const paths = (count) => Array.from({ length: count }, (_, i) => `draft-${i}`);

async function nodeServer(args, env, port, count) {
  const child = spawn("taskset", ["-c", SERVER_CORE, process.execPath, ...args], { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...env } });
  child.stdout.resume();
  await until("the server", () => fetch(`http://127.0.0.1:${port}/`).then(() => true));
  putFirst(child.pid);
  return {
    memory: () => memoryOf(child.pid),
    cpuSeconds: () => cpuSecondsOf(child.pid),
    url: `ws://127.0.0.1:${port}`,
    rooms: paths(count),
    headers: {},
    async stop() {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

export async function npmServer(count) {
  const port = await freePort();
  const folder = join(root, "node_modules/@y/websocket-server");
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const server = await nodeServer([join(folder, "src/server.js")], { HOST: "127.0.0.1", PORT: String(port) }, port, count);
  return { ...server, name: `@y/websocket-server ${version}` };
}

export async function relayServer(count) {
  const port = await freePort();
  return { ...(await nodeServer([join(here, "relay.mjs"), String(port)], {}, port, count)), name: "relay" };
}

// A real house. Its headquarters is ended before the measuring: it stands on another machine in
// life, and here it would take the clients' core.
export async function boxServer(build, count) {
  const connections = String(count * 2);
  const house = await House.start({ media: false, boxOptions: ["--connections", connections, "--connections-per-address", connections] });
  try {
    await house.kill("hq", "SIGTERM");
    await house.kill("box", "SIGTERM");
    const database = join(house.state, "box/box.db");
    const seeded = execFileSync(join(build, "tests/bench/drafts/draft-seed"),
      [database, join(root, "kb/samples/hu/forms/birth-certificate-form.json"), "hu.birth-certificate", String(count)], { encoding: "utf8" });
    await house.launch("box");
    const pid = house.pid("box");
    pin(pid, SERVER_CORE);
    putFirst(pid);
    const client = new Client(house.boxUrl);
    await client.post("/api/sign-in", { login: "supervisor", password: "demo-supervisor-password" });
    return {
      name: "ablakd",
      memory: () => memoryOf(pid),
      cpuSeconds: () => cpuSecondsOf(pid),
      url: `${house.boxUrl.replace(/^http:\/\/localhost/, "ws://127.0.0.1")}/api/drafts`,
      rooms: seeded.trim().split("\n").map((id) => `${id}/shared`),
      headers: { cookie: client.cookieHeader(), origin: house.boxUrl.replace("localhost", "127.0.0.1") },
      durable: true,
      bytesOnDisk: () => [database, `${database}-wal`].reduce((sum, file) => sum + (existsSync(file) ? statSync(file).size : 0), 0),
      stop: () => house.stop(),
    };
  } catch (error) {
    await house.stop();
    throw error;
  }
}

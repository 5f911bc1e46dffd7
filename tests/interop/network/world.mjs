// A branch and a citizen in network namespaces of their own, with a bad line between them. The test
// process is at the branch; the citizen's namespace lasts as long as the process that holds it,
// which ends with this one, so nothing stays behind however a test ends.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, readlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { until } from "../../house/house.mjs";

const run = promisify(execFile);

export const BRANCH = "10.77.0.1";
export const CITIZEN = ["10.77.0.2", "10.77.0.3"];
/** Certificate and key, made by ./run. */
export const folder = process.env.ABLAK_NETWORK;
export const certificate = join(folder, "certificate.pem");
export const key = join(folder, "key.pem");

/** Starts a program whose end is noticed; `stop` waits for it. */
export function start(program, args, options = {}) {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"], ...options });
  const ended = once(child, "exit");
  return {
    child,
    async stop() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

export class Namespace {
  static async open() {
    const space = new Namespace();
    // It reads a pipe of this process, and so never outlives it.
    space.holder = start("unshare", ["--net", "cat"]);
    space.pid = space.holder.child.pid;
    const own = readlinkSync("/proc/self/ns/net");
    await until("a network namespace", () => readlinkSync(`/proc/${space.pid}/ns/net`) !== own);
    await space.ip("link set lo up");
    return space;
  }
  command(...words) {
    return ["nsenter", `--net=/proc/${this.pid}/ns/net`, "--", ...words];
  }
  async do(...words) {
    const [program, ...args] = this.command(...words);
    await run(program, args);
  }
  async ip(words) {
    await this.do("ip", ...words.split(" "));
  }
  /** A program to be named where only a path is taken: it starts `program` in here. */
  door(program) {
    const path = join(folder, `door-${this.pid}`);
    writeFileSync(path, `#!/bin/sh\nexec ${this.command(program).join(" ")} "$@"\n`);
    chmodSync(path, 0o755);
    return path;
  }
  close() {
    return this.holder.stop();
  }
}

/** The bad line: see line.c for its settings. */
export class Line {
  static async open(space, { name = "line0", here = BRANCH, there = CITIZEN[0] } = {}) {
    const line = new Line();
    // What goes to one's own addresses goes by it.
    await run("ip", ["link", "set", "lo", "up"]);
    line.process = start(join(process.env.ABLAK_BUILD, "tests/interop/network/ablak-line"), [name, String(space.pid)]);
    line.process.child.stdout.setEncoding("utf8");
    await line.#answer();
    await run("ip", ["addr", "add", `${here}/24`, "dev", name]);
    await run("ip", ["link", "set", name, "up"]);
    await space.ip(`addr add ${there}/24 dev ${name}`);
    await space.ip(`link set ${name} up`);
    await space.ip(`route add default dev ${name}`);
    return line;
  }
  async #answer() {
    const [text] = await once(this.process.child.stdout, "data");
    if (text !== "ok\n") throw new Error(`the line said ${text}`);
  }
  async set(settings) {
    for (const [name, value] of Object.entries(settings)) {
      this.process.child.stdin.write(`${name} ${value}\n`);
      await this.#answer();
    }
  }
  good() {
    return this.set({ delay: 0, loss: 0, rate: 0, cut: 0, udp: 0 });
  }
  close() {
    return this.process.stop();
  }
}

/** Two namespaces, each the process id of one in it, joined by a cable. */
export async function cable(one, other) {
  const name = `cable${one.pid}`;
  await run("ip", ["link", "add", name, "netns", String(one.pid), "type", "veth", "peer", "name", other.name, "netns", String(other.pid)]);
  for (const { pid, name: end, address, was = end } of [{ ...one, was: name }, other]) {
    const there = (...words) => run("nsenter", [`--net=/proc/${pid}/ns/net`, "--", "ip", ...words]);
    if (was !== end) await there("link", "set", was, "name", end);
    await there("addr", "add", `${address}/24`, "dev", end);
    await there("link", "set", end, "up");
  }
}

export const TURN = { port: 3478, tlsPort: 5349, secret: "a secret of this test" };

/** Debian's coturn, with the secret that the box shares with it: at the branch's end of the line, or at an address elsewhere. */
export async function startTurn(address = BRANCH, space = null) {
  const path = join(folder, "turnserver.conf");
  writeFileSync(path, [
    `listening-ip=${address}`, `relay-ip=${address}`, `listening-port=${TURN.port}`, `tls-listening-port=${TURN.tlsPort}`,
    "min-port=40000", "max-port=40999", "use-auth-secret", `static-auth-secret=${TURN.secret}`, "realm=box.test",
    `cert=${certificate}`, `pkey=${key}`, "no-cli", "no-multicast-peers", "fingerprint", "verbose",
    `userdb=${join(folder, "turn.db")}`, `pidfile=${join(folder, "turn.pid")}`, "log-file=stdout", "simple-log", "",
  ].join("\n"));
  const words = ["turnserver", "-c", path];
  const [program, ...args] = space?.command(...words) ?? words;
  const turn = start(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  turn.log = "";
  turn.child.stdout.setEncoding("utf8").on("data", (text) => (turn.log += text));
  await until("coturn to listen", async () => {
    const socket = connect(TURN.tlsPort, address);
    await once(socket, "connect");
    return socket.destroy();
  });
  return turn;
}

// A whole house for tests: headquarters, one enrolled box and its media process, the real programs
// on free loopback ports with state in a temporary folder. Processes are ended by their pid.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { freePort } from "./ports.mjs";

const root = resolve(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "../..");
const build = resolve(process.env.ABLAK_BUILD ?? join(root, "build-test"));
const run = promisify(execFile);

const programs = {
  hq: join(build, "appliance/hq/ablak-hq"),
  box: join(build, "appliance/box/ablakd"),
  media: process.env.ABLAK_MEDIA ?? join(build, "video/ablak-media"),
  ablak: join(build, "provisioning/cli/ablak"),
};

const offices = { hu: "hu-minta", cs: "cs-ukazka" };

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// How long a test waits for what must come: far longer than it takes on a machine that is busy with
// other things. Only where the time itself is what is shown does a test wait less.
export const PATIENCE_MS = 60_000;

// Polls until `check` gives something truthy; an exception counts as "not yet".
export async function until(what, check, timeoutMs = PATIENCE_MS) {
  const end = Date.now() + timeoutMs;
  let last;
  for (;;) {
    try {
      const value = await check();
      if (value) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`timed out waiting for ${what}`, { cause: last });
    await sleep(25);
  }
}

export class House {
  #processes = new Map();
  #commands = new Map();
  #ended = new Map();

  // `publicUrl`: gives the box's address for its port, when it is not plain HTTP on localhost.
  // Everybody in a test comes from one address, so numbers are limited only where that is tested.
  static async start({ office = "hu", media = true, numbersPerMinute = 6000, leaks = false, boxOptions = [], mediaAddress = "127.0.0.1", mediaOptions = [], publicUrl } = {}) {
    const house = new House();
    house.office = office;
    house.numbersPerMinute = numbersPerMinute;
    house.leaks = leaks;
    house.boxOptions = boxOptions;
    house.mediaAddress = mediaAddress;
    house.mediaOptions = mediaOptions;
    house.state = await mkdtemp(join(tmpdir(), "ablak-house-"));
    [house.boxPort, house.hqPort, house.boxesPort] = [await freePort(), await freePort(), await freePort()];
    house.boxUrl = publicUrl?.(house.boxPort) ?? `http://localhost:${house.boxPort}`;
    house.hqUrl = `http://localhost:${house.hqPort}`;
    try {
      await house.#open(media);
    } catch (error) {
      const logs = await house.logs();
      await house.stop();
      throw new Error(`the house did not start\n${logs}`, { cause: error });
    }
    return house;
  }

  async #open(media) {
    const hq = join(this.state, "hq"), box = join(this.state, "box");
    await this.ablak("init", "hq", "--state", hq);
    await this.ablak("user", "import", join(root, "kb/samples/staff.csv"), "--state", hq);
    await this.ablak("kb", "publish", join(root, "kb/samples/hu"), join(root, "kb/samples/cs"), "--state", hq);
    this.#commands.set("hq", [programs.hq, "--state", hq, "--people-port", String(this.hqPort), "--boxes-port",
      String(this.boxesPort), "--pages", join(build, "pages/hq"), "--catalogue", join(root, "kb/samples")]);
    await this.launch("hq");
    const claim = await this.ablak("box", "add", "--name", `test-${this.office}`, "--office", offices[this.office], "--state", hq);
    const value = (name) => new RegExp(`^${name}: *(\\S+)`, "m").exec(claim)[1];
    this.boxId = value("box");
    await this.ablak("enrol", "--hq", `https://localhost:${this.boxesPort}`, "--ca", join(hq, "ca/ca.crt"), "--box",
      this.boxId, "--code", value("code"), "--state", box);
    this.#commands.set("box", [programs.box, "--state", box, "--people-port", String(this.boxPort), "--pages",
      join(build, "pages/box"), "--headquarters", `https://localhost:${this.boxesPort}`, "--numbers-per-minute", String(this.numbersPerMinute), "--recorder", join(build, "video/recorder/ablak-recorder"), ...this.boxOptions]);
    this.#commands.set("media", [programs.media, "--control-socket", join(box, "media.sock"), "--media-addresses", this.mediaAddress, "--media-port-min", "0", "--media-port-max", "0", ...this.mediaOptions]);
    await this.launch("box");
    if (media) await this.launch("media");
  }

  async ablak(...args) {
    const { stdout } = await run(programs.ablak, args);
    return stdout;
  }

  pid(name) {
    return this.#processes.get(name)?.pid;
  }

  async launch(name) {
    const [program, ...args] = this.#commands.get(name);
    const log = createWriteStream(join(this.state, `${name}.log`), { flags: "a" });
    await once(log, "open");
    const child = spawn(program, args, { stdio: ["ignore", log, log], env: { ...process.env, ASAN_OPTIONS: `detect_leaks=${Number(this.leaks)}` } });
    this.#processes.set(name, child);
    this.#ended.set(name, once(child, "exit"));
    if (name === "media") {
      await until("the media process", async () => /media\.connected/.test(await this.log("box")));
      return;
    }
    const url = name === "hq" ? this.hqUrl : this.boxUrl;
    await until(`${name} to be ready`, async () => {
      if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
      return (await fetch(`${url}/healthz`)).ok;
    });
  }

  // As a power cut would: no chance to say goodbye. Gives the exit code; null when a signal ended it.
  async kill(name, signal = "SIGKILL") {
    const child = this.#processes.get(name);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    const [code] = await this.#ended.get(name);
    this.#processes.delete(name);
    return code;
  }

  async restart(name) {
    await this.kill(name);
    await this.launch(name);
  }

  async log(name) {
    return readFile(join(this.state, `${name}.log`), "utf8").catch(() => "");
  }

  async logs() {
    const parts = await Promise.all(["hq", "box", "media"].map(async (name) => `--- ${name}\n${(await this.log(name)).slice(-4000)}`));
    return parts.join("\n");
  }

  // What a sanitizer said, if anything: every test of a house ends with asserting that it is empty.
  async complaints() {
    const all = await Promise.all(["hq", "box", "media"].map((name) => this.log(name)));
    return all.join("\n").split("\n").filter((line) => /ERROR: \w+Sanitizer|runtime error:|"level":"error"|GLib-CRITICAL/.test(line));
  }

  async stop() {
    for (const name of ["media", "box", "hq"]) await this.kill(name, "SIGTERM");
    await rm(this.state, { recursive: true, force: true });
  }
}

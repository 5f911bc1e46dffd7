// The media process as it runs: what the kernel says of its sandbox, that it needs no rights to work
// in it, and what systemd makes of its unit. That calls go through in there the other tests show.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Box, Media } from "./box.mjs";

const unit = fileURLToPath(new URL("../../../image/units/ablak-media.service", import.meta.url));
const isRoot = process.getuid() === 0;
const NOBODY = 65534;
// Of 10. What is left is the network, which it is there for, and what its own sandbox is made with.
const EXPOSED = 1.5;
const folder = mkdtempSync(join(tmpdir(), "ablak-sandbox-"));
const program = join(folder, "ablak-media");
let box;

before(async () => {
  // Where nobody, too, may reach them.
  chmodSync(folder, 0o711);
  copyFileSync(process.env.ABLAK_MEDIA, program);
  box = await Box.listen(join(folder, "control"));
  chmodSync(box.path, 0o666);
});

after(async () => {
  await box.close();
  rmSync(folder, { recursive: true, force: true });
});

const statusOf = (path) => Object.fromEntries(
  readFileSync(path, "utf8").trim().split("\n").map((line) => line.split(/:\s*/, 2)));

/** Runs the process, has it make an offer, and looks at each of its threads. */
async function inside(options, look) {
  const hello = box.next((m) => m.type === "hello", "hello");
  const media = new Media(program, box.path, options);
  try {
    await hello;
    const offer = box.next((m) => m.type === "offer", "an offer");
    box.send({ type: "join", session: "s", leg: "a", audio: true, video: true });
    assert.match((await offer).sdp, /a=candidate:/);
    const threads = readdirSync(`/proc/${media.pid}/task`);
    assert.ok(threads.length >= 2, "it carries packets in threads");
    for (const thread of threads) look(statusOf(`/proc/${media.pid}/task/${thread}/status`));
    // Without files there is nothing to reload; it must not end from being told to.
    media.child.kill("SIGHUP");
    const stats = box.next((m) => m.type === "stats", "stats");
    box.send({ type: "stats" });
    await stats;
  } finally {
    const { code, log } = await media.stop("SIGTERM");
    assert.equal(code, 0, log);
    assert.doesNotMatch(log, /sandbox\.refused|Sanitizer|runtime error/);
  }
}

function confined(status) {
  assert.equal(status.Seccomp, "2");
  assert.equal(status.NoNewPrivs, "1");
  for (const set of ["CapInh", "CapPrm", "CapEff", "CapAmb"]) assert.match(status[set], /^0+$/, set);
}

test("every thread is filtered and has no capabilities", () => inside({}, (status) => {
  confined(status);
  if (isRoot) assert.match(status.CapBnd, /^0+$/);
}));

test("it needs no user's rights", { skip: isRoot ? false : "only root can become nobody" }, () =>
  inside({ uid: NOBODY, gid: NOBODY }, (status) => {
    confined(status);
    assert.deepEqual(status.Uid.split(/\s+/), Array(4).fill(String(NOBODY)));
  }));

const without = spawnSync("systemd-analyze", ["--version"]).error ? "there is no systemd-analyze" : false;

test("systemd finds its unit sound and next to nothing exposed", { skip: without }, () => {
  // The program is not installed here.
  const text = readFileSync(unit, "utf8");
  const here = join(folder, "ablak-media.service");
  writeFileSync(here, text.replace("=/usr/bin/ablak-media", `=${program}`));
  const verified = spawnSync("systemd-analyze", ["verify", here], { encoding: "utf8" });
  assert.equal(verified.stderr, "");
  const judged = spawnSync("systemd-analyze", ["security", "--offline=true", "--no-pager", `--threshold=${10 * EXPOSED}`, here], { encoding: "utf8" });
  const exposure = Number(/exposure level for \S+ ([\d.]+)/.exec(judged.stdout)?.[1]);
  assert.ok(exposure <= EXPOSED && judged.status === 0, judged.stdout);
  const [, ...options] = /^ExecStart=(.*)$/m.exec(text)[1].split(" ");
  const help = execFileSync(program, ["--help"], { encoding: "utf8" });
  for (const option of options.filter((it) => it.startsWith("--"))) assert.ok(help.includes(option), option);
});

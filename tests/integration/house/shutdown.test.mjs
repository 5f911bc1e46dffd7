// Stopping in the middle of work, and starting where nothing can start. The programs run under ASan
// with leak detection in a build with sanitizers.
import { randomUUID } from "node:crypto";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { Client, Live } from "../../house/client.mjs";
import { House } from "../../house/house.mjs";

const build = resolve(process.env.ABLAK_BUILD);
const leaks = { ...process.env, ASAN_OPTIONS: "detect_leaks=1:exitcode=99" };
let house;

before(async () => {
  house = await House.start({ media: false, leaks: true });
});

after(async () => {
  await house.stop();
});

const quiet = (promise) => promise.catch(() => {});

// Everything at once that leaves something under way.
async function load(clerk) {
  const { visit } = await clerk.get("/api/queue");
  const invitation = await clerk.post(`/api/visits/${visit.id}/invitation`);
  const citizen = new Client(house.boxUrl);
  await citizen.post("/api/join", { secret: new URL(invitation.url).hash.slice(1) });
  const live = new Live(citizen, [`visit:${visit.id}`]);
  await live.wait("the live connection", (m) => m.type === "hello");
  const document = citizen.document(visit.draftId);
  await document.synced();
  const work = [];
  for (let i = 0; i < 20; i++) {
    const stranger = new Client(house.boxUrl);
    work.push(quiet(stranger.post("/api/tickets", { service: "hu.request", idempotencyKey: randomUUID() })));
    work.push(quiet(clerk.post(`/api/visits/${visit.id}/invitation`)));
    work.push(quiet(citizen.post("/api/visit/handover")));
    if (i < 4) work.push(quiet(stranger.post("/api/sign-in", { login: `nobody-${i}`, password: "wrong" })));
    document.form.get("familyName").insert(0, "x");
  }
  const { filingId } = await citizen.post(`/api/drafts/${visit.draftId}/submit`, { acceptGaps: true });
  for (const print of ["receipt", "content"]) work.push(quiet(citizen.request("GET", `/api/filings/${filingId}/${print}.pdf`)));
  work.push(quiet(clerk.post(`/api/visits/${visit.id}/end`)));
  await new Promise((done) => setTimeout(done, 3));
  return { work, close: () => (live.close(), document.close()) };
}

test("the box stops in the middle of work", async () => {
  for (let round = 0; round < 3; round++) {
    const clerk = new Client(house.boxUrl);
    await clerk.post("/api/sign-in", { login: "clerk", password: "demo-clerk-password" });
    const { visit: left } = await clerk.get("/api/queue"); // its end may not have been reached
    if (left) await clerk.post(`/api/visits/${left.id}/end`);
    await clerk.post("/api/visits", { service: "hu.id-card", channel: "video" });
    const { work, close } = await load(clerk);
    const code = await house.kill("box", "SIGTERM");
    close();
    await Promise.all(work);
    assert.equal(code, 0, await house.log("box"));
    await house.launch("box");
  }
  assert.deepEqual(await house.complaints(), []);
});

test("headquarters stops in the middle of work", async () => {
  const editor = new Client(house.hqUrl);
  await editor.post("/api/sign-in", { login: "editor", password: "demo-editor-password" });
  const work = [quiet(editor.post("/api/editions"))];
  for (let i = 0; i < 4; i++) work.push(quiet(new Client(house.hqUrl).post("/api/sign-in", { login: `nobody-${i}`, password: "wrong" })));
  await new Promise((done) => setTimeout(done, 20));
  const code = await house.kill("hq", "SIGTERM");
  await Promise.all(work);
  assert.equal(code, 0, await house.log("hq"));
  await house.launch("hq");
  assert.deepEqual(await house.complaints(), []);
});

// Runs a program that cannot start and gives what it said.
async function failed(program, args, state) {
  const child = spawn(join(build, program), args, { stdio: ["ignore", "pipe", "pipe"], env: leaks });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (text += data));
  const [code] = await once(child, "close");
  await rm(state, { recursive: true, force: true });
  assert.equal(code, 1, text);
  assert.ok(!/Sanitizer|CRITICAL|runtime error/.test(text), text);
  return text;
}

const emptyState = () => mkdtemp(join(tmpdir(), "ablak-start-"));

test("what cannot start says why and ends with 1", async () => {
  const busy = createServer();
  busy.listen(0, "127.0.0.1");
  await once(busy, "listening");
  const port = String(busy.address().port);
  let state = await emptyState();
  assert.match(await failed("appliance/box/ablakd", ["--state", state], state), /daemon\.not-started.*provisioning\/not-enrolled/);
  state = await emptyState();
  await writeFile(join(state, "file"), "");
  assert.match(await failed("appliance/hq/ablak-hq", ["--state", join(state, "file")], state), /daemon\.not-started/);
  for (const program of ["appliance/box/ablakd", "appliance/hq/ablak-hq"]) {
    state = await emptyState();
    assert.match(await failed(program, ["--no-such-setting", "1"], state), /daemon\.not-started.*no-such-setting/);
    state = await emptyState();
    assert.match(await failed(program, ["--people-port", "70000"], state), /daemon\.not-started.*people-port/);
  }
  state = await emptyState();
  await mkdir(join(state, "hq"));
  assert.match(await failed("appliance/hq/ablak-hq", ["--state", join(state, "hq"), "--people-port", port], state), /http\/port-busy|in use/);
  await house.kill("box", "SIGTERM");
  const away = await failed("appliance/box/ablakd", ["--state", join(house.state, "box"), "--people-port", port,
    "--headquarters", `https://localhost:${house.boxesPort}`], join(house.state, "nothing"));
  assert.match(away, /http\/port-busy|in use/);
  await house.launch("box");
  busy.close();
});

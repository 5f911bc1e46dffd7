// The `ablak` command beside running daemons: claims, renewal, backup and restore of both sides, and
// a machine that is replaced.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { cp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Client } from "../../house/client.mjs";
import { House, until } from "../../house/house.mjs";

let house, hq, box;

before(async () => {
  house = await House.start({ media: false });
  hq = join(house.state, "hq");
  box = join(house.state, "box");
});

after(() => house.stop());

const boxesUrl = () => `https://localhost:${house.boxesPort}`;
const status = async (state) => JSON.parse(await house.ablak("status", "--json", "--state", state));
const ofBox = async () => (await status(hq)).boxes.find(({ box: id }) => id === house.boxId);

async function fails(code, pattern, ...args) {
  const error = await house.ablak(...args).then(
    () => assert.fail(`ablak ${args.join(" ")} should have failed`),
    (reason) => reason,
  );
  assert.equal(error.code, code, error.stderr);
  assert.match(error.stderr, pattern);
}

async function takeTicket() {
  const kiosk = new Client(house.boxUrl);
  const [service] = await kiosk.get("/api/services");
  return kiosk.post("/api/tickets", { service: service.id, idempotencyKey: randomUUID() });
}

const inStep = () =>
  until("headquarters to have everything", async () => {
    const { lastSeq, ackedSeq } = await status(box);
    return lastSeq > 0 && lastSeq === ackedSeq && (await ofBox()).appliedSeq === lastSeq;
  });

test("the command line is checked", async () => {
  await fails(2, /no command "brew coffee"/, "brew", "coffee");
  await fails(2, /--name is missing/, "box", "add", "--state", hq, "--office", "hu-minta");
  await fails(2, /no option --nonsense/, "status", "--nonsense", "--state", hq);
  await fails(2, /needs a value/, "status", "--state");
  await fails(1, /"ablak init hq/, "box", "claim", "--id", "x", "--state", join(house.state, "nowhere"));
  assert.match(await house.ablak("box", "add", "--help"), /--office CODE/);
});

test("a claim code is good for one machine and needs the right authority", async () => {
  const other = join(house.state, "other");
  const made = JSON.parse(await house.ablak("box", "add", "--name", "Other", "--office", "hu-minta", "--json", "--state", hq));
  const enrol = (...more) => ["enrol", "--hq", boxesUrl(), "--box", made.box, "--state", other, ...more];
  await fails(1, /--ca FILE or --ca-sha256/, ...enrol("--code", made.code));
  await fails(1, /wrong-ca/, ...enrol("--code", made.code, "--ca-sha256", "00".repeat(32)));
  const { caSha256 } = await status(hq);
  await fails(1, /claim-unknown/, ...enrol("--code", "0000-0000-0000-0000", "--ca-sha256", caSha256));
  assert.match(await house.ablak(...enrol("--code", made.code.toLowerCase(), "--ca-sha256", caSha256)), /epoch 1/);
  const third = join(house.state, "third");
  await fails(1, /claim-used/, "enrol", "--hq", boxesUrl(), "--box", made.box, "--code", made.code, "--state", third,
    "--ca", join(hq, "ca/ca.crt"));
  assert.equal((await stat(join(other, "id/box.key"))).mode & 0o777, 0o600);
});

test("a certificate is renewed", async () => {
  assert.match(await house.ablak("renew", "--state", box, "--hq", boxesUrl()), /not due/);
  const before = await readFile(join(box, "id/box.crt"), "utf8");
  assert.match(await house.ablak("renew", "--force", "--state", box, "--hq", boxesUrl()), /renewed/);
  assert.notEqual(await readFile(join(box, "id/box.crt"), "utf8"), before);
  await house.restart("box");
  await takeTicket();
  await inStep();
});

test("a backup is whole or refused", async () => {
  const backup = join(house.state, "hq.backup"), damaged = join(house.state, "damaged");
  await takeTicket();
  await inStep();
  await house.ablak("backup", backup, "--state", hq);
  await fails(1, /exists/, "backup", backup, "--state", hq);
  assert.equal((await stat(backup)).mode & 0o777, 0o700);
  await cp(backup, damaged, { recursive: true });
  const file = join(damaged, "hq.db"), bytes = await readFile(file);
  bytes[bytes.length >> 1] ^= 1;
  await writeFile(file, bytes);
  await fails(1, /bad-backup/, "restore", damaged, "--state", join(house.state, "fresh"));
  await rm(join(damaged, "manifest.json"));
  await fails(1, /bad-backup/, "restore", damaged, "--state", join(house.state, "fresh"));
  const manifest = JSON.parse(await readFile(join(backup, "manifest.json"), "utf8"));
  manifest.files.push({ path: "../outside", size: 0, sha256: "" });
  await writeFile(join(damaged, "manifest.json"), JSON.stringify(manifest));
  await fails(1, /bad-backup/, "restore", damaged, "--state", join(house.state, "fresh"));
  assert.deepEqual((await readdir(house.state)).filter((name) => name.startsWith("fresh")), []);
});

test("headquarters comes back from an older backup and gets the tail again", async () => {
  for (let i = 0; i < 3; i++) await takeTicket();
  await inStep();
  const { appliedSeq } = await ofBox();
  await house.kill("hq");
  await fails(1, /not empty/, "restore", join(house.state, "hq.backup"), "--state", hq);
  await house.ablak("restore", join(house.state, "hq.backup"), "--state", hq, "--replace");
  assert.ok((await ofBox()).appliedSeq < appliedSeq);
  await house.launch("hq");
  await takeTicket();
  await inStep();
  assert.ok((await ofBox()).appliedSeq > appliedSeq);
  assert.equal((await ofBox()).quarantine, null);
});

test("a machine is replaced by one restored from its backup, and fenced out", async () => {
  const backup = join(house.state, "box.backup"), old = join(house.state, "old");
  await house.ablak("backup", backup, "--state", box);
  await takeTicket();
  await inStep();
  await house.kill("box");
  await cp(join(box, "id"), join(old, "id"), { recursive: true });
  await house.ablak("restore", backup, "--state", box, "--replace");
  assert.equal((await status(box)).epochRequest, true);
  const code = (await house.ablak("box", "replace", "--id", house.boxId, "--state", hq)).trim();
  await fails(1, /box-revoked|unreachable/, "renew", "--force", "--state", old, "--hq", boxesUrl());
  await house.ablak("enrol", "--hq", boxesUrl(), "--box", house.boxId, "--code", code, "--state", box,
    "--ca", join(hq, "ca/ca.crt"));
  assert.equal((await status(box)).epoch, 2);
  await house.launch("box");
  await takeTicket();
  await inStep();
  assert.equal((await ofBox()).epoch, 2);
  assert.equal((await ofBox()).quarantine, null);
});

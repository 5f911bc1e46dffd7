// A box's certificate is renewed under running connections: SIGHUP takes the new one over, nobody is
// cut off, and one that cannot be used leaves the one of before in place.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connect } from "node:tls";
import { House, until } from "../../house/house.mjs";

const folder = mkdtempSync(join(tmpdir(), "ablak-certificate-"));
const certificate = join(folder, "certificate.pem"), key = join(folder, "key.pem");
let house;

function issue(name) {
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
    "-subj", `/CN=${name}`, "-addext", "subjectAltName=DNS:localhost", "-out", certificate, "-keyout", key], { stdio: "ignore" });
}

async function open() {
  const socket = connect({ port: house.boxPort, host: "127.0.0.1", servername: "localhost", rejectUnauthorized: false });
  await once(socket, "secureConnect");
  return socket;
}

async function nameShown() {
  const socket = await open();
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return CN;
}

/** Whether a connection still answers. */
async function answers(socket) {
  socket.write("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
  const [reply] = await once(socket, "data");
  return /^HTTP\/1\.1 200 /.test(reply.toString());
}

before(async () => {
  issue("first");
  // The house asks over TLS whether the box is ready; its certificate is nobody's here.
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
  house = await House.start({ media: false, publicUrl: (port) => `https://localhost:${port}`, boxOptions: ["--certificate", certificate, "--certificate-key", key] });
});

after(async () => {
  await house?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("a renewed certificate is taken over and nobody is cut off", async () => {
  const early = await open();
  assert.equal(early.getPeerCertificate().subject.CN, "first");
  issue("second");
  assert.equal(await nameShown(), "first", "nothing happens before the signal");
  process.kill(house.pid("box"), "SIGHUP");
  await until("the new certificate", async () => (await nameShown()) === "second");
  assert.ok(await answers(early), "a connection of before goes on");
  early.destroy();
});

test("a certificate that cannot be used leaves the one of before", async () => {
  const refusals = async () => (await house.log("box")).split("certificate.refused").length - 1;
  writeFileSync(certificate, "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n");
  process.kill(house.pid("box"), "SIGHUP");
  await until("the refusal", async () => (await refusals()) === 1);
  assert.equal(await nameShown(), "second");

  // A certificate whose key has not come yet.
  issue("third");
  execFileSync("openssl", ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-out", key]);
  process.kill(house.pid("box"), "SIGHUP");
  await until("the second refusal", async () => (await refusals()) === 2);
  assert.equal(await nameShown(), "second");
  assert.deepEqual((await house.complaints()).filter((line) => !line.includes("certificate.refused")), []);
});

// http.test.mjs SERVER CLIENT_CHECK: the HTTP folder against Node's own client and `ws`.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import WebSocket from "ws";

const [serverProgram, clientProgram] = process.argv.slice(2);
let ports, server, log = "";
const dir = mkdtempSync(join(tmpdir(), "ablak-http-"));
process.on("exit", () => {
  server?.kill("SIGKILL");
  rmSync(dir, { recursive: true, force: true });
});
const pki = join(dir, "pki");
const pages = join(dir, "pages");

function openssl(...args) {
  execFileSync("openssl", args, { cwd: pki, stdio: "pipe" });
}

function issue(name, ca, subject) {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", subject);
  writeFileSync(join(pki, "ext"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
  openssl("x509", "-req", "-in", `${name}.csr`, "-CA", `${ca}.pem`, "-CAkey", `${ca}.key`, "-CAcreateserial", "-days", "2", "-extfile", "ext", "-out", `${name}.pem`);
}

function makeFiles() {
  mkdirSync(pki);
  mkdirSync(join(pages, "assets"), { recursive: true });
  for (const ca of ["ca", "other"])
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", `${ca}.key`, "-out", `${ca}.pem`, "-days", "2", "-subj", `/CN=test ${ca}`);
  issue("server", "ca", "/CN=localhost");
  issue("box", "ca", "/CN=box-7");
  issue("stranger", "other", "/CN=box-7");
  writeFileSync(join(pages, "index.html"), "<!doctype html><title>index</title>");
  writeFileSync(join(pages, "desk.html"), "<!doctype html><title>desk</title>");
  writeFileSync(join(pages, ".hidden"), "no");
  writeFileSync(join(dir, "outside.txt"), "no");
  writeFileSync(join(pages, "assets", "app-1234.js"), "a=1");
  writeFileSync(join(pages, "assets", "app-1234.js.gz"), gzipSync("a=1"));
  writeFileSync(join(pages, "big.bin"), randomBytes(5000000));
}


async function startServer() {
  const pem = (name) => join(pki, name);
  server = spawn(serverProgram, [pages, pem("server.pem"), pem("server.key"), pem("ca.pem")], { stdio: ["pipe", "pipe", "pipe"] });
  server.stderr.on("data", (data) => (log += data));
  server.on("exit", (code) => code !== 0 && console.error(log));
  const [line] = await once(server.stdout, "data");
  ports = JSON.parse(line);
}

const agent = new http.Agent({ keepAlive: true });

function request(path, options = {}, body) {
  const { port = ports.people, module = http, ...rest } = options;
  return new Promise((resolve, reject) => {
    const req = module.request({ host: module === https ? "localhost" : "127.0.0.1", port, path, ...(module === http ? { agent } : {}), ...rest }, (res) => {
      const parts = [];
      res.on("data", (part) => parts.push(part));
      res.on("end", () => {
        const bytes = Buffer.concat(parts);
        const json = /json/.test(res.headers["content-type"] ?? "") && bytes.length > 0 ? JSON.parse(bytes) : undefined;
        resolve({ status: res.statusCode, headers: res.headers, raw: res.rawHeaders, bytes, json });
      });
      res.on("error", reject);
    });
    req.on("error", reject);
    req.end(body);
  });
}

const json = { "content-type": "application/json" };
const post = (path, value, headers = {}) => request(path, { method: "POST", headers: { ...json, ...headers } }, typeof value === "string" ? value : JSON.stringify(value));

// Bytes as written here; resolves with all that comes until the server ends the connection.
function raw(text, port = ports.people) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1", () => socket.write(text));
    let got = "";
    socket.on("data", (data) => (got += data.toString("latin1")));
    socket.on("close", () => resolve(got));
    socket.on("error", (error) => (got === "" ? reject(error) : undefined));
  });
}

function expectProblem(reply, status, slug) {
  assert.equal(reply.status, status);
  assert.match(reply.headers["content-type"], /^application\/problem\+json/);
  assert.equal(reply.json.type, `/problems/${slug}`);
  assert.equal(reply.json.status, status);
  assert.equal(reply.json.instance, reply.headers["x-request-id"]);
  assert.notEqual(reply.json.title, `problem.${slug}`, "a title in the catalogue");
}

function expectRawProblem(text, status, slug) {
  assert.ok(text.startsWith(`HTTP/1.1 ${status} `), text.slice(0, 80));
  assert.ok(text.includes(`"/problems/${slug}"`), text.slice(-200));
}

const tests = {};

tests["a body is checked against its schema"] = async () => {
  const good = await post("/api/echo", { name: "Žofie", tags: ["red"] });
  assert.deepEqual([good.status, good.json], [200, { name: "Žofie", tags: ["red"] }]);
  const bad = await post("/api/echo", { name: 1, tags: ["red", "blue"], extra: true });
  expectProblem(bad, 422, "request/schema");
  const pointers = bad.json.errors.map((issue) => `${issue.pointer} ${issue.keyword}`);
  assert.ok(pointers.includes("/name type"), pointers.join());
  assert.ok(pointers.includes("/tags/1 enum"), pointers.join());
};

tests["unreadable bodies"] = async () => {
  expectProblem(await post("/api/echo", '{"name":'), 400, "request/json");
  expectProblem(await post("/api/echo", '{"name":"a","name":"b"}'), 400, "request/json");
  expectProblem(await post("/api/echo", "[".repeat(30000)), 400, "request/json");
  expectProblem(await post("/api/echo", ""), 400, "request/body-missing");
  expectProblem(await post("/api/echo", { name: "a" }, { "content-type": "text/plain" }), 415, "request/media-type");
  expectProblem(await request("/api/items/1", { method: "DELETE", headers: { "content-length": 2 } }, "{}"), 400, "request/body-unexpected");
  assert.equal((await request("/api/optional", { method: "POST" })).json.body, false);
  assert.equal((await post("/api/optional", { name: "a" })).json.body, true);
};

tests["a body that is too large is refused before it is read"] = async () => {
  const reply = await raw(`POST /api/echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 70000\r\n\r\n`);
  expectRawProblem(reply, 413, "request/too-large");
  const huge = await raw("POST /api/echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 999999999999999999999\r\n\r\n");
  expectRawProblem(huge, 400, "request/malformed");
  // The reply arrives although the client goes on sending.
  const sending = await request("/api/upload", { method: "PUT", headers: { "content-type": "application/octet-stream" }, agent: false }, randomBytes(4194305)).catch((error) => error);
  assert.ok(sending.status === 413 || ["EPIPE", "ECONNRESET"].includes(sending.code), String(sending));
};

tests["chunked bodies answer 411"] = async () => {
  const reply = await request("/api/echo", { method: "POST", headers: { ...json, "transfer-encoding": "chunked" } }, '{"name":"a"}');
  expectProblem(reply, 411, "request/length-required");
  const both = await raw("POST /api/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  expectRawProblem(both, 411, "request/length-required");
  assert.equal(both.split("HTTP/1.1").length, 2, "what follows is not taken for a request");
};

tests["unknown paths and methods"] = async () => {
  expectProblem(await request("/api/nothing"), 404, "not-found");
  expectProblem(await request("/box/hello"), 404, "not-found");
  const reply = await request("/api/items/1", { method: "PATCH" });
  expectProblem(reply, 405, "request/method");
  assert.deepEqual(reply.headers.allow.split(", ").sort(), ["DELETE", "GET"]);
  expectProblem(await request("/desk", { method: "POST" }), 405, "request/method");
  assert.equal((await request("/api/items/special", { method: "HEAD" })).bytes.length, 0);
  const problem = await request("/api/nothing", { headers: { "accept-language": "de, cs;q=0.8" } });
  assert.equal(problem.headers["content-language"], "cs");
};

tests["paths are decoded once, and never to a separator"] = async () => {
  assert.equal((await request("/api/items/a%20b%C3%A9?q=x+y%26")).json.itemId, "a bé");
  assert.equal((await request("/api/items/1?q=x+y%26")).json.q, "x y&");
  assert.equal((await request("/api/items/%2541")).json.itemId, "%41");
  for (const path of ["/api/items/a%2Fb", "/api/items/%00", "/api/items/%zz", "/api/items/%ff", "/api/items/..", "/api/items/%2e%2e", "/api/items/1?q=%"])
    expectProblem(await request(path), 400, "request/path");
  assert.equal((await request("/api/items/special")).json.special, true);
};

tests["malformed heads"] = async () => {
  const cases = [
    ["GET / HTTP/1.1\r\n\r\n", 400, "request/malformed"],
    ["GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, "request/malformed"],
    ["GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "request/malformed"],
    ["GET / HTTP/1.1\r\nHost: x\r\nBad Name: y\r\n\r\n", 400, "request/malformed"],
    ["GET / HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n", 400, "request/malformed"],
    ["POST /api/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400, "request/malformed"],
    ["POST /api/echo HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc", 400, "request/malformed"],
    ["GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505, "request/http-version"],
    ["nonsense\r\n\r\n", 400, "request/malformed"],
    [`GET / HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(9000)}\r\n\r\n`, 431, "request/header-too-large"],
    [`GET /${"a".repeat(9000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431, "request/header-too-large"],
  ];
  for (const [text, status, slug] of cases) expectRawProblem(await raw(text), status, slug);
};

tests["requests follow one another on a connection"] = async () => {
  const two = await raw("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /api/late?ms=30 HTTP/1.1\r\nHost: x\r\n\r\nGET /api/items/3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  assert.deepEqual(two.match(/"status":"ok"|"late":true|"itemId":"3"/g), ['"status":"ok"', '"late":true', '"itemId":"3"']);
  const old = await raw("GET /healthz HTTP/1.0\r\n\r\n");
  assert.match(old, /Connection: close/);
};

tests["a page of another site cannot change anything"] = async () => {
  const host = `127.0.0.1:${ports.people}`;
  for (const headers of [{ origin: "https://evil.example" }, { origin: "null" }, { origin: `https://${host}` }, { "sec-fetch-site": "cross-site" }, { origin: `http://${host}`, "sec-fetch-site": "cross-site" }])
    expectProblem(await post("/api/echo", { name: "a" }, headers), 403, "request/origin");
  for (const headers of [{ origin: `http://${host}`, "sec-fetch-site": "same-origin" }, { origin: "https://office.example", "sec-fetch-site": "cross-site" }, { "sec-fetch-site": "none" }])
    assert.equal((await post("/api/echo", { name: "a" }, headers)).status, 200);
  assert.equal((await request("/api/items/1", { headers: { origin: "https://evil.example" } })).status, 200);
};

tests["a proxy is believed when it is the trusted one"] = async () => {
  const forwarded = { "x-forwarded-for": "203.0.113.9, 192.0.2.7", "x-forwarded-proto": "https" };
  const trusted = await request("/api/items/1", { headers: forwarded });
  assert.deepEqual([trusted.json.peer, trusted.json.scheme], ["192.0.2.7", "https"]);
  const stranger = await request("/api/items/1", { headers: forwarded, localAddress: "127.0.0.3", agent: false });
  assert.deepEqual([stranger.json.peer, stranger.json.scheme], ["127.0.0.3", "http"]);
  const origin = { origin: `https://127.0.0.1:${ports.people}` };
  assert.equal((await post("/api/echo", { name: "a" }, { ...origin, "x-forwarded-proto": "https" })).status, 200);
  expectProblem(await post("/api/echo", { name: "a" }, origin), 403, "request/origin");
};

tests["who may not is told before the body is read"] = async () => {
  const reply = await raw("POST /api/private HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: 4000000\r\n\r\nbegin");
  expectRawProblem(reply, 401, "request/unauthenticated");
  const let_in = await request("/api/private", { method: "POST", headers: { cookie: "a=b; session=1", "content-type": "application/octet-stream" } }, "x");
  assert.equal(let_in.status, 204);
};

tests["headers of replies"] = async () => {
  const reply = await request("/api/items/1", { headers: { cookie: "session=abc; x=y" } });
  assert.equal(reply.json.cookie, "abc");
  assert.deepEqual(reply.headers["set-cookie"], ["a=1; Path=/", "b=2; Path=/"]);
  assert.equal(reply.headers["x-injected"], undefined);
  assert.equal(reply.headers["x-bad"], undefined);
  assert.equal(reply.headers["x-content-type-options"], "nosniff");
  assert.equal(reply.headers["referrer-policy"], "no-referrer");
  assert.match(reply.headers["content-security-policy"], /default-src 'none'.*frame-ancestors 'none'/);
  assert.equal(reply.headers["strict-transport-security"], undefined);
  assert.equal(reply.headers["cache-control"], "no-store");
};

tests["pages"] = async () => {
  const index = await request("/");
  assert.match(index.bytes.toString(), /index/);
  assert.equal(index.headers["cache-control"], "no-cache");
  const again = await request("/", { headers: { "if-none-match": index.headers.etag } });
  assert.deepEqual([again.status, again.bytes.length], [304, 0]);
  assert.match((await request("/desk")).bytes.toString(), /desk/);
  assert.match((await request("/desk/anything/else")).bytes.toString(), /desk/);
  const asset = await request("/assets/app-1234.js");
  assert.match(asset.headers["cache-control"], /immutable/);
  assert.equal(asset.headers["content-encoding"], undefined);
  const packed = await request("/assets/app-1234.js", { headers: { "accept-encoding": "br, gzip" } });
  assert.equal(packed.headers["content-encoding"], "gzip");
  assert.notEqual(packed.headers.etag, asset.headers.etag);
  for (const path of ["/.hidden", "/assets", "/nothing.html"]) assert.equal((await request(path)).status, 404, path);
  for (const path of ["/../outside.txt", "/assets/..%2f..%2foutside.txt"]) assert.match(await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`), /^HTTP\/1.1 400/);
  writeFileSync(join(pages, "desk.html"), "<!doctype html><title>newer</title>");
  assert.match((await request("/desk")).bytes.toString(), /newer/);
};

tests["health, figures and the document"] = async () => {
  assert.deepEqual((await request("/healthz")).json, { status: "ok" });
  const figures = (await request("/metrics")).bytes.toString();
  assert.match(figures, /^ablak_http_requests_total\{class="2xx"\} \d+$/m);
  assert.match(figures, /^ablak_http_request_duration_seconds_bucket\{le="\+Inf"\} \d+$/m);
  expectProblem(await request("/metrics", { headers: { "x-forwarded-for": "192.0.2.1" } }), 404, "not-found");
  const document = await request("/api/openapi.json");
  assert.equal(document.json.openapi, "3.1.0");
  assert.equal((await request("/api/openapi.json", { headers: { "if-none-match": document.headers.etag } })).status, 304);
};

tests["replies that come late"] = async () => {
  assert.equal((await request("/api/late?ms=200")).json.late, true);
  const before = (await request("/api/late-count")).json.count;
  const gone = net.connect(ports.people, "127.0.0.1", () => {
    gone.write("GET /api/late?ms=150 HTTP/1.1\r\nHost: x\r\n\r\n");
    setTimeout(() => gone.destroy(), 50);
  });
  await once(gone, "close");
  for (;;) {
    if ((await request("/api/late-count")).json.count > before) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expectProblem(await request("/api/dropped"), 500, "internal");
};

tests["a peer that sends while it waits costs no processor time"] = async () => {
  const ticks = () => Number(readFileSync(`/proc/${server.pid}/stat`, "utf8").split(") ")[1].split(" ")[11]);
  const waiting = net.connect(ports.people, "127.0.0.1");
  waiting.on("error", () => {});
  await once(waiting, "connect");
  waiting.write("GET /api/late?ms=1500 HTTP/1.1\r\nHost: x\r\n\r\nGET /x HTTP/1.1\r\n");
  const before = ticks();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assert.ok(ticks() - before < 30, `${ticks() - before} ticks of 100 a second`);
  waiting.destroy();
};

function pattern(size) {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + Math.floor(i / 251)) & 0xff;
  return bytes;
}

tests["5 MB replies are byte-exact"] = async () => {
  const wanted = pattern(5000000);
  const replies = await Promise.all([1, 2, 3, 4].map(() => request("/api/big?size=5000000")));
  for (const reply of replies) assert.ok(wanted.equals(reply.bytes));
  // A reader slower than the server.
  const slow = await new Promise((resolve, reject) => {
    http.get({ host: "127.0.0.1", port: ports.people, path: "/api/big?size=5000000", agent: false }, async (res) => {
      const parts = [];
      for await (const part of res) {
        parts.push(part);
        await new Promise((next) => setTimeout(next, 1));
      }
      resolve(Buffer.concat(parts));
    }).on("error", reject);
  });
  assert.ok(wanted.equals(slow));
};

tests["50 uploads at once"] = async () => {
  const bodies = Array.from({ length: 50 }, () => randomBytes(1000000));
  const replies = await Promise.all(bodies.map((body) => request("/api/upload", { method: "PUT", headers: { "content-type": "application/octet-stream" } }, body)));
  replies.forEach((reply, i) => assert.equal(reply.json.sha256, createHash("sha256").update(bodies[i]).digest("hex")));
};

tests["a client that waits for 100 Continue gets it"] = async () => {
  const reply = await new Promise((resolve, reject) => {
    const req = http.request({ host: "127.0.0.1", port: ports.people, path: "/api/echo", method: "POST", agent: false, headers: { ...json, "content-length": 12, expect: "100-continue" } }, (res) => {
      res.resume();
      res.on("end", () => resolve(res.statusCode));
    });
    req.on("continue", () => req.end('{"name":"a"}'));
    req.on("error", reject);
    req.flushHeaders();
  });
  assert.equal(reply, 200);
};

const tls = (name) => ({ module: https, port: ports.boxes, ca: readFileSync(join(pki, "ca.pem")), agent: false, ...(name ? { cert: readFileSync(join(pki, `${name}.pem`)), key: readFileSync(join(pki, `${name}.key`)) } : {}) });

tests["TLS 1.3, client certificates where they are needed"] = async () => {
  const open = await request("/box/enrol", tls());
  assert.equal(open.json.cn, null);
  assert.match(open.headers["strict-transport-security"], /max-age/);
  assert.match(open.headers["content-security-policy"], /wss:\/\/localhost/);
  expectProblem(await request("/box/hello", tls()), 403, "request/certificate-required");
  const box = await request("/box/hello", tls("box"));
  const der = Buffer.from(readFileSync(join(pki, "box.pem"), "utf8").replace(/-----[^-]+-----|\s/g, ""), "base64");
  assert.deepEqual(box.json, { cn: "box-7", sha256: createHash("sha256").update(der).digest("hex") });
  await assert.rejects(request("/box/hello", tls("stranger")));
  await assert.rejects(request("/box/enrol", { ...tls(), maxVersion: "TLSv1.2" }));
  expectProblem(await request("/api/echo", { ...tls(), method: "POST" }), 404, "not-found");
  const bodies = Array.from({ length: 5 }, () => randomBytes(4000000));
  const uploads = await Promise.all(bodies.map((body) => request("/api/upload", { ...tls(), method: "PUT", headers: { "content-type": "application/octet-stream" } }, body)));
  uploads.forEach((reply, i) => assert.equal(reply.json.sha256, createHash("sha256").update(bodies[i]).digest("hex")));
  const wanted = readFileSync(join(pages, "big.bin"));
  assert.ok(wanted.equals((await request("/big.bin", tls())).bytes));
};

// --- WebSockets ---------------------------------------------------------------------------------

const sockets = new Set();
function connect(path, options = {}) {
  const socket = new WebSocket(`ws://127.0.0.1:${ports.people}${path}`, options);
  sockets.add(socket);
  socket.queue = [];
  socket.on("message", (data, binary) => {
    const value = binary ? data : data.toString();
    if (socket.waiter) socket.waiter(value);
    else socket.queue.push(value);
    socket.waiter = undefined;
  });
  socket.next = () => (socket.queue.length > 0 ? Promise.resolve(socket.queue.shift()) : new Promise((resolve) => (socket.waiter = resolve)));
  socket.nextJson = async () => JSON.parse(await socket.next());
  socket.on("error", () => {});
  return socket;
}

async function opened(path, options) {
  const socket = connect(path, options);
  await once(socket, "open");
  return socket;
}

async function refused(path, options) {
  const socket = connect(path, options);
  const [, reply] = await once(socket, "unexpected-response");
  const parts = [];
  for await (const part of reply) parts.push(part);
  return { status: reply.statusCode, headers: reply.headers, json: JSON.parse(Buffer.concat(parts)) };
}

tests["WebSocket messages, whole and in fragments"] = async () => {
  const socket = await opened("/api/socket");
  socket.send("árvíztűrő");
  assert.equal(await socket.next(), "árvíztűrő");
  const large = randomBytes(262144);
  socket.send(large);
  assert.ok(large.equals(await socket.next()));
  for (const [part, fin] of [["one ", false], ["two ", false]]) socket.send(part, { fin });
  socket.ping("between");
  const [pong] = await once(socket, "pong");
  assert.equal(pong.toString(), "between");
  socket.send("three", { fin: true });
  assert.equal(await socket.next(), "one two three");
  socket.send("");
  assert.equal(await socket.next(), "");
  socket.close(1000);
  assert.equal((await once(socket, "close"))[0], 1000);
};

tests["a WebSocket that is paused from inside a message is not read"] = async () => {
  const socket = await opened("/api/socket");
  socket.send("pause please");
  const asked = performance.now();
  await new Promise((done) => setTimeout(done, 100));
  socket.send("later");
  assert.equal(await socket.next(), "later");
  const waited = performance.now() - asked;
  assert.ok(waited > 400, `it was read after ${waited} ms`);
  socket.close(1000);
  assert.equal((await once(socket, "close"))[0], 1000);
};

tests["WebSocket close codes"] = async () => {
  const asked = await opened("/api/socket");
  asked.send("close please");
  const [code, reason] = await once(asked, "close");
  assert.deepEqual([code, reason.toString()], [4001, "as asked – gerne"]);
  const tooLarge = await opened("/api/socket");
  tooLarge.send(Buffer.alloc(262145));
  assert.equal((await once(tooLarge, "close"))[0], 1009);
  const inParts = await opened("/api/socket");
  for (let i = 0; i < 5; i++) inParts.send(Buffer.alloc(60000), { fin: false });
  assert.equal((await once(inParts, "close"))[0], 1009);
  const notText = await opened("/api/socket");
  notText.send(Buffer.from([0xff, 0xfe]), { binary: false });
  assert.equal((await once(notText, "close"))[0], 1007);
};

// Frames as written here, after a proper upgrade; resolves with what comes after it.
async function rawFrames(frames) {
  const head = "GET /api/socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  const got = Buffer.from(await raw(Buffer.concat([Buffer.from(head), frames])), "latin1");
  assert.ok(got.includes("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
  return got.subarray(got.indexOf("\r\n\r\n") + 4);
}

tests["malformed frames answer 1002"] = async () => {
  const cases = {
    unmasked: [0x81, 0x01, 0x61],
    reserved: [0xc1, 0x81, 0, 0, 0, 0, 0x61],
    "unknown kind": [0x83, 0x80, 0, 0, 0, 0],
    "continuation of nothing": [0x80, 0x80, 0, 0, 0, 0],
    "ping in fragments": [0x09, 0x80, 0, 0, 0, 0],
    "close with one byte": [0x88, 0x81, 0, 0, 0, 0, 0x03],
    "close with 1005": [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xed],
  };
  for (const [name, bytes] of Object.entries(cases)) {
    const reply = await rawFrames(Buffer.from(bytes));
    assert.deepEqual([...reply.subarray(0, 4)], [0x88, 0x02, 0x03, 0xea], name);
  }
};

tests["upgrades that are refused"] = async () => {
  const foreign = await refused("/api/socket", { origin: "https://evil.example" });
  expectProblem(foreign, 403, "request/origin");
  expectProblem(await refused("/api/closed-socket"), 401, "request/unauthenticated");
  expectProblem(await refused("/api/nothing"), 404, "not-found");
  expectProblem(await request("/api/socket"), 426, "request/upgrade-required");
  expectRawProblem(await raw("GET /api/socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"), 400, "request/upgrade");
  const own = await opened("/api/socket", { origin: `http://127.0.0.1:${ports.people}` });
  own.close();
};

tests["who does not read is cut off"] = async () => {
  const socket = connect("/api/flood");
  socket.on("open", () => socket.pause());
  await once(socket, "open");
  await new Promise((resolve) => setTimeout(resolve, 300));
  socket.resume();
  assert.equal((await once(socket, "close"))[0], 1013);
};

// --- live events --------------------------------------------------------------------------------

const publish = (topic, kind, passing = false) => post("/api/publish", { topic, kind, passing });

tests["live events, resumed by number"] = async () => {
  const first = await opened("/api/live");
  const hello = await first.nextJson();
  assert.equal(hello.type, "hello");
  first.send(JSON.stringify({ type: "subscribe", topics: ["queue"], since: null }));
  first.send(JSON.stringify({ type: "nonsense" }));
  assert.equal((await first.nextJson()).problem.type, "/problems/live/message");
  await publish("other", "x");
  const { seq } = (await publish("queue", "called")).json;
  const event = await first.nextJson();
  assert.deepEqual(event, { type: "event", seq, at: 1, topic: "queue", kind: "called", subject: "s", data: null });
  first.close();
  await publish("queue", "missed");
  await publish("queue", "missed-too");
  const second = await opened("/api/live");
  assert.equal((await second.nextJson()).seq, seq + 2);
  second.send(JSON.stringify({ type: "subscribe", topics: ["queue"], since: seq }));
  assert.deepEqual([(await second.nextJson()).kind, (await second.nextJson()).kind], ["missed", "missed-too"]);
  await publish("queue", "after");
  assert.equal((await second.nextJson()).kind, "after");
  second.send(JSON.stringify({ type: "subscribe", topics: ["queue"], since: 1000000 }));
  assert.deepEqual(await second.nextJson(), { type: "reset", seq: seq + 3 });
  for (let i = 0; i < 100; i++) await publish("queue", "many");
  const third = await opened("/api/live");
  await third.nextJson();
  third.send(JSON.stringify({ type: "subscribe", topics: ["queue"], since: seq }));
  assert.deepEqual(await third.nextJson(), { type: "reset", seq: seq + 103 });
  await publish("queue", "fresh");
  assert.equal((await third.nextJson()).kind, "fresh");
  second.close();
  third.close();
};

tests["live messages that are not stored"] = async () => {
  const [one, two] = [await opened("/api/live"), await opened("/api/live")];
  for (const page of [one, two]) {
    await page.nextJson();
    page.send(JSON.stringify({ type: "subscribe", topics: ["visit:1"], since: null }));
    page.send(JSON.stringify({ type: "subscribe", topics: ["secret"], since: null }));
    assert.equal((await page.nextJson()).problem.type, "/problems/live/topic");
  }
  one.send(JSON.stringify({ type: "send", topic: "visit:1", kind: "chat", data: { text: "ahoj" } }));
  assert.deepEqual(await two.nextJson(), { type: "message", topic: "visit:1", kind: "chat", data: { text: "ahoj" } });
  for (const bad of ["", "[]", "{", '{"type":"subscribe"}', '{"type":"subscribe","topics":["a"],"since":-1}', '{"type":"send","topic":"x"}', JSON.stringify({ type: "subscribe", topics: Array.from({ length: 65 }, (_, i) => `t${i}`) })]) {
    one.send(bad);
    assert.equal((await one.nextJson()).type, "error", bad);
  }
  one.send('{"type":"ping"}');
  assert.deepEqual(await one.nextJson(), { type: "pong" });
  one.close();
  two.close();
};

tests["event streams, resumed by Last-Event-ID"] = async () => {
  const { seq } = (await publish("queue", "before")).json;
  await publish("queue", "missed");
  const stream = await new Promise((resolve, reject) => http.get({ host: "127.0.0.1", port: ports.people, path: "/api/events?topics=queue", agent: false, headers: { "last-event-id": String(seq) } }, resolve).on("error", reject));
  assert.equal(stream.headers["content-type"], "text/event-stream");
  let text = "";
  stream.setEncoding("utf8");
  stream.on("data", (part) => (text += part));
  const until = async (wanted) => {
    while (!text.includes(wanted)) await once(stream, "data");
  };
  await until('"kind":"missed"');
  await publish("queue", "fresh");
  await until('"kind":"fresh"');
  assert.match(text, new RegExp(`^id: ${seq + 2}\\ndata: \\{.*"fresh"`, "m"));
  assert.ok(!text.includes('"before"'));
  stream.destroy();
  assert.equal((await request("/api/events?topics=queue", { method: "HEAD" })).status, 200);
  expectProblem(await request("/api/events"), 400, "live/topics");
  expectProblem(await request("/api/events?topics=secret"), 403, "live/topic");
};

tests["our own client"] = async () => {
  const child = spawn(clientProgram, [ports.people, ports.boxes, ports.elsewhere, pki].map(String), { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
  const [code] = await once(child, "exit");
  assert.equal(code, 0, output);
};

tests["the server ends cleanly, telling its sockets"] = async () => {
  const socket = await opened("/api/socket");
  const late = request("/api/late?ms=5000", { agent: false }).catch(() => {});
  const closed = once(socket, "close");
  server.stdin.end();
  const [code] = await once(server, "exit");
  assert.equal(code, 0, log);
  assert.equal((await closed)[0], 1001);
  await late;
};

async function main() {
  makeFiles();
  await startServer();
  let failed = 0;
  for (const [name, test] of Object.entries(tests)) {
    const started = Date.now();
    try {
      let timer;
      await Promise.race([test(), new Promise((_, reject) => (timer = setTimeout(() => reject(new Error("takes too long")), 20000)))]).finally(() => clearTimeout(timer));
      console.log(`ok - ${name} (${Date.now() - started} ms)`);
    } catch (error) {
      failed++;
      console.log(`not ok - ${name}\n${error.stack}`);
    }
  }
  if (failed > 0) console.log(log);
  for (const socket of sockets) socket.terminate();
  agent.destroy();
  process.exitCode = failed > 0 ? 1 : 0;
}

await main();

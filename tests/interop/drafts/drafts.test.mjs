// Stock yjs 13.6 and y-websocket 3.1 in node, with a socket that is a pipe to drafts-host.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import * as decoding from "lib0/decoding";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";

const [OPEN, MESSAGE, CLOSE, PREFILL, ADD_ROW, SUBMIT, CONTENT] = [0, 1, 2, 3, 4, 5, 6];

class Host {
  #child = spawn(process.env.ABLAK_DRAFTS_HOST, { stdio: ["pipe", "pipe", "inherit"] });
  #input = Buffer.alloc(0);
  #sockets = new Map();
  #answers = new Map();
  #last = 0;

  constructor() {
    this.#child.stdout.on("data", (data) => {
      this.#input = Buffer.concat([this.#input, data]);
      while (this.#input.length >= 4 && this.#input.length >= 4 + this.#input.readUInt32BE(0)) {
        const size = this.#input.readUInt32BE(0);
        const frame = this.#input.subarray(4, 4 + size);
        this.#input = this.#input.subarray(4 + size);
        this.#receive(frame[0], frame.readUInt32BE(1), frame.subarray(5));
      }
    });
  }

  #receive(operation, number, payload) {
    if (operation === MESSAGE) this.#sockets.get(number)?.receive(new Uint8Array(payload));
    else if (operation === CLOSE) {
      const [code, ...reason] = payload.toString().split(" ");
      this.#sockets.get(number)?.ended(Number(code), reason.join(" "));
    } else {
      this.#answers.get(number)(payload.toString());
      this.#answers.delete(number);
    }
  }

  send(operation, number, payload) {
    const body = Buffer.from(payload);
    const head = Buffer.alloc(9);
    head.writeUInt32BE(5 + body.length, 0);
    head[4] = operation;
    head.writeUInt32BE(number, 5);
    this.#child.stdin.write(Buffer.concat([head, body]));
  }

  ask(operation, payload = "") {
    const number = ++this.#last;
    const answer = new Promise((resolve) => this.#answers.set(number, resolve));
    this.send(operation, number, payload);
    return answer;
  }

  // A WebSocket class for y-websocket; `restricted` may not write /name.
  socketClass({ audience = "shared", restricted = false, who = "citizen-1" } = {}) {
    const host = this;
    return class PipeSocket {
      OPEN = 1;
      constructor() {
        this.number = ++host.#last;
        this.readyState = 0;
        this.updates = 0;
        setImmediate(() => {
          this.readyState = 1;
          host.#sockets.set(this.number, this);
          host.send(OPEN, this.number, `${restricted ? "!" : ""}${audience}#${who}`);
          this.onopen?.({});
        });
      }
      send(data) {
        if (data[0] === 0 && data[1] === 2) this.updates++;
        host.send(MESSAGE, this.number, data);
      }
      receive(data) {
        this.onmessage?.({ data: data.buffer });
      }
      ended(code, reason) {
        if (this.readyState === 3) return;
        this.readyState = 3;
        host.#sockets.delete(this.number);
        host.send(CLOSE, this.number, "");
        this.onclose?.({ code, reason, wasClean: true });
      }
      close(code = 1000) {
        this.ended(code, "");
      }
    };
  }

  async end() {
    this.#child.stdin.end();
    const code = await new Promise((resolve) => this.#child.on("exit", resolve));
    assert.equal(code, 0);
  }
}

function open(host, options) {
  const doc = new Y.Doc();
  const person = { doc, form: doc.getMap("form"), durable: 0, refused: [], checks: null, closed: null, authors: new Map() };
  const provider = new WebsocketProvider("ws://pipe", "draft", doc, {
    disableBc: true,
    connect: false,
    WebSocketPolyfill: host.socketClass(options),
  });
  person.provider = provider;
  provider.messageHandlers[100] = (_encoder, decoder) => (person.durable = decoding.readVarUint(decoder));
  provider.messageHandlers[101] = (_encoder, decoder) => person.refused.push(...JSON.parse(decoding.readVarString(decoder)).refused);
  provider.messageHandlers[102] = (_encoder, decoder) => (person.checks = JSON.parse(decoding.readVarString(decoder)));
  provider.messageHandlers[103] = (_encoder, decoder) => {
    const { authors, complete } = JSON.parse(decoding.readVarString(decoder));
    if (complete) person.authors.clear();
    for (const author of authors) person.authors.set(author.path, author);
  };
  provider.on("connection-close", (event) => event && (person.closed = event.code));
  provider.connect();
  return person;
}

// The document goes as well: its awareness keeps a timer.
function leave(person) {
  person.provider.destroy();
  person.doc.destroy();
}

async function until(what, condition) {
  const end = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`timed out waiting for ${what}`);
    await new Promise((done) => setTimeout(done, 5));
  }
}
const saved = (person) => person.provider.ws !== null && person.durable === person.provider.ws.updates;
const sameState = (a, b) => Buffer.from(Y.encodeStateAsUpdate(a.doc)).equals(Buffer.from(Y.encodeStateAsUpdate(b.doc)));

test("two people type into one field, see each other, and it is stored", async () => {
  const host = new Host();
  const people = [open(host), open(host)];
  const [citizen, clerk] = people;
  await until("sync", () => people.every((person) => person.provider.synced && person.checks));
  assert.deepEqual(citizen.checks.gaps.map((gap) => gap.path), ["/name", "/kind"]);
  for (let i = 0; i < 200; i++) {
    citizen.form.get("name").insert(Math.floor(i / 2), "ő");
    clerk.form.get("name").insert(clerk.form.get("name").length, "😀");
    if (i % 20 === 0) await new Promise((done) => setTimeout(done, 2));
  }
  clerk.form.set("kind", "a");
  await until("saved", () => people.every(saved));
  await until("relayed", () => sameState(citizen, clerk));
  const text = citizen.form.get("name").toString();
  assert.equal(text.length, 200 + 400);
  const content = JSON.parse(await host.ask(CONTENT));
  assert.equal(content.name, text);
  await until("checks", () => clerk.checks.gaps.length === 1 && clerk.checks.gaps[0].keyword === "maxLength");
  citizen.provider.awareness.setLocalStateField("field", "/name");
  await until("awareness", () => clerk.provider.awareness.getStates().get(citizen.doc.clientID)?.field === "/name");
  leave(citizen);
  await until("gone", () => !clerk.provider.awareness.getStates().has(citizen.doc.clientID));
  leave(clerk);
  await host.end();
});

test("what may not be changed is undone everywhere and later edits are saved", async () => {
  const host = new Host();
  const people = [open(host, { restricted: true }), open(host)];
  const [citizen, clerk] = people;
  await until("sync", () => people.every((person) => person.provider.synced));
  clerk.form.get("name").insert(0, "Minta");
  await until("relayed", () => citizen.form.get("name").toString() === "Minta");
  citizen.doc.transact(() => {
    citizen.form.get("name").delete(0, 3);
    citizen.form.get("name").insert(1, "xx");
    citizen.form.set("remarks", "a value instead of a text");
    citizen.form.set("unknown", { a: 1 });
    citizen.form.set("agree", "yes");
    citizen.form.set("born", "2001-02-03");
  });
  citizen.form.get("children").insert(0, [new Y.Map()]);
  await until("refused", () => citizen.refused.length >= 5 && people.every(saved));
  citizen.form.get("remarks").insert(0, "later");
  await until("saved", () => people.every(saved) && sameState(citizen, clerk));
  assert.deepEqual(citizen.doc.getMap("form").toJSON(), { name: "Minta", remarks: "later", born: "2001-02-03", children: [] });
  assert.deepEqual(JSON.parse(await host.ask(CONTENT)), { name: "Minta", remarks: "later", born: "2001-02-03" });
  const reasons = Object.fromEntries(citizen.refused.map(({ path, reason }) => [path, reason]));
  assert.deepEqual(reasons, { "/name": "forbidden", "/remarks": "structure", "/unknown": "unknown", "/agree": "value", "/children": "structure" });
  people.forEach(leave);
  await host.end();
});

test("the box adds rows and fills in fields; an undo manager of a page takes back only its own", async () => {
  const host = new Host();
  const citizen = open(host);
  await until("sync", () => citizen.provider.synced);
  const undo = new Y.UndoManager(citizen.form.get("remarks"));
  citizen.form.get("remarks").insert(0, "mine");
  assert.equal(await host.ask(ADD_ROW, "/children"), "");
  assert.equal(await host.ask(PREFILL, JSON.stringify({ "/children/0/name": "Kis Éva", "/remarks": "mine and theirs", "/count": 2 })), "");
  await until("filled", () => citizen.form.get("remarks").toString() === "mine and theirs");
  citizen.form.get("children").get(0).get("name").insert(0, "ifj. ");
  undo.undo();
  await until("saved", () => saved(citizen));
  assert.deepEqual(JSON.parse(await host.ask(CONTENT)), { children: [{ name: "ifj. Kis Éva" }], count: 2, remarks: "and theirs" });
  leave(citizen);
  await host.end();
});

test("work away from the line comes back; after the freeze edits are turned away and kept", async () => {
  const host = new Host();
  const people = [open(host), open(host)];
  const [citizen, clerk] = people;
  await until("sync", () => people.every((person) => person.provider.synced));
  citizen.provider.ws.close(1006);
  citizen.form.get("name").insert(0, "away ");
  clerk.form.get("name").insert(0, "here ");
  await until("back", () => citizen.provider.wsconnected && citizen.provider.synced && sameState(citizen, clerk));
  assert.equal(citizen.form.get("name").length, 10);
  assert.equal(await host.ask(SUBMIT), "");
  clerk.form.get("name").insert(0, "late ");
  await until("turned away", () => clerk.closed === 4409);
  assert.equal(clerk.provider.shouldConnect, false);
  assert.ok(clerk.form.get("name").toString().startsWith("late "));
  const reader = open(host);
  await until("sync", () => reader.provider.synced);
  assert.equal(reader.form.get("name").toString(), citizen.form.get("name").toString());
  assert.equal(citizen.provider.wsconnected, true);
  [...people, reader].forEach(leave);
  await host.end();
});

test("both authors are told: of a text, of a correction, and of two answers at once", async () => {
  const host = new Host();
  const people = [open(host), open(host, { who: "clerk-1" })];
  const [citizen, clerk] = people;
  await until("sync", () => people.every((person) => person.provider.synced));
  citizen.form.get("name").insert(0, "Minta");
  await until("relayed", () => clerk.form.get("name").length === 5);
  clerk.form.get("name").insert(5, " Éva");
  await until("authors", () => citizen.authors.get("/name")?.kind === "clerk");
  assert.deepEqual(citizen.authors.get("/name").others, [{ kind: "citizen", id: "citizen-1", you: true }]);
  assert.equal(citizen.authors.get("/name").id, "clerk");
  assert.equal(clerk.authors.get("/name").id, "clerk-1");
  citizen.form.set("agree", true);
  await until("relayed", () => clerk.form.get("agree") === true);
  clerk.form.set("agree", false);
  await until("authors", () => citizen.authors.get("/agree")?.previous);
  const { at, ...previous } = citizen.authors.get("/agree").previous;
  assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000);
  assert.deepEqual(previous, { kind: "citizen", id: "citizen-1", you: true, value: true, concurrent: false });
  // Away from each other: one answer stands, and both learn of both.
  citizen.provider.disconnect();
  citizen.form.set("kind", "a");
  clerk.form.set("kind", "b");
  await until("saved", () => saved(clerk));
  citizen.provider.connect();
  await until("told", () => people.every((person) => person.authors.get("/kind")?.previous?.concurrent));
  await until("equal", () => sameState(citizen, clerk));
  const stands = citizen.form.get("kind");
  assert.notEqual(citizen.authors.get("/kind").previous.value, stands);
  assert.equal(citizen.authors.get("/kind").kind, stands === "a" ? "citizen" : "clerk");
  assert.equal(citizen.authors.get("/kind").previous.you, stands === "b");
  people.forEach(leave);
  await host.end();
});

test("a page that only looked on has its client id already", async () => {
  const host = new Host();
  const people = [open(host), open(host, { who: "clerk-1" })];
  const [citizen, clerk] = people;
  await until("sync", () => people.every((person) => person.provider.synced));
  citizen.provider.awareness.setLocalStateField("field", "/name");
  await until("seen", () => clerk.provider.awareness.getStates().get(citizen.doc.clientID)?.field === "/name");
  const forger = new Y.Doc();
  Y.applyUpdate(forger, Y.encodeStateAsUpdate(clerk.doc));
  forger.clientID = citizen.doc.clientID;
  forger.getMap("form").set("agree", true);
  Y.applyUpdate(clerk.doc, Y.encodeStateAsUpdate(forger), "forger");
  await until("turned away", () => clerk.closed === 4400);
  citizen.form.get("name").insert(0, "still mine");
  await until("saved", () => saved(citizen));
  assert.equal(citizen.closed, null);
  assert.equal(citizen.form.get("agree"), undefined);
  people.forEach(leave);
  await host.end();
});

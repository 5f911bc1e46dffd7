// Clients of the bench: one of the processes of generators.mjs. Messages from the parent, each
// answered by one message: ["seed", {url, headers, room}], ["open", {url, headers, rooms, durable,
// seed}], ["leave", {rooms}], ["sit", {url, headers, rooms, durable, seed}], ["press", {warmUpMs,
// measureMs, keysPerSecond}], ["close"].
import WebSocket from "ws";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import * as sync from "y-protocols/sync";

const OPENING_AT_ONCE = 50, SYNC = 0, DURABLE = 100;
const [FIRST_FIELD, SECOND_FIELD] = ["purpose", "motherName"];
const filled = {
  familyName: "Mintavári-Példás", givenName: "Erzsébet Katalin", email: "minta.erzsebet@example.hu", phone: "+36 1 555 0142",
  birthName: "Példás Erzsébet Katalin", birthPlace: "Székesfehérvár", motherName: "Próba Ilona Mária",
  purpose: "A kivonatot külföldi munkavállaláshoz, családegyesítési kérelem mellékleteként nyújtom be; kérem, hogy többnyelvű formában állítsák ki, és postán küldjék meg a fenti címre.",
};
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

process.setMaxListeners(0); // each provider listens for the exit

let target;
const held = new Map(); // room -> a socket that keeps the draft open
let pairs = [];
let counted = { from: Infinity, to: Infinity }, keys = []; // in this span: [when it was pressed, how long it took]

const message = (write) => {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, SYNC);
  write(encoder);
  return encoding.toUint8Array(encoder);
};

// Sends a step 1, answers the server's own, and resolves when the answer to ours has been applied.
function pull(socket, doc) {
  return new Promise((done, failed) => {
    const listen = (data) => {
      const decoder = decoding.createDecoder(data);
      if (decoding.readVarUint(decoder) !== SYNC) return;
      const encoder = encoding.createEncoder();
      encoding.writeVarUint(encoder, SYNC);
      const kind = sync.readSyncMessage(decoder, encoder, doc, "server");
      if (encoding.length(encoder) > 1) socket.send(encoding.toUint8Array(encoder));
      if (kind !== sync.messageYjsSyncStep2) return;
      socket.off("message", listen);
      socket.off("close", cut);
      done();
    };
    socket.on("message", listen);
    const cut = (code, reason) => failed(new Error(`closed with ${code} ${reason}`));
    socket.on("close", cut);
    socket.send(message((encoder) => sync.writeSyncStep1(encoder, doc)));
  });
}

function connect(url, headers) {
  return new Promise((done, failed) => {
    const socket = new WebSocket(url, { headers, perMessageDeflate: false });
    socket.on("error", failed);
    socket.on("open", () => done(socket));
  });
}

// Somebody opens a draft, fills half of it in, and leaves the page open.
async function openOne(room) {
  const socket = await connect(`${target.url}/${room}`, target.headers);
  held.set(room, socket);
  const doc = new Y.Doc();
  await pull(socket, doc);
  if (target.seed) Y.applyUpdate(doc, target.seed);
  const form = doc.getMap("form");
  doc.transact(() => {
    for (const [name, text] of Object.entries(filled)) form.get(name).insert(0, text);
    form.set("relation", "own");
    form.set("birthDate", "1984-05-17");
  });
  socket.send(message((encoder) => sync.writeUpdate(encoder, Y.encodeStateAsUpdate(doc))));
  await pull(socket, doc); // answered behind the update: it has been taken in
  doc.destroy();
}

function aim(options) {
  target = { ...options, seed: options.seed ? Buffer.from(options.seed, "base64") : null };
}

async function open(options) {
  aim(options);
  const rooms = [...target.rooms];
  await Promise.all(Array.from({ length: OPENING_AT_ONCE }, async () => {
    for (let room; (room = rooms.pop()) !== undefined; ) await openOne(room);
  }));
  return { opened: held.size };
}

// The containers that the box makes in a draft before anybody opens it.
async function seedOf(options) {
  const socket = await connect(`${options.url}/${options.room}`, options.headers);
  const doc = new Y.Doc();
  await pull(socket, doc);
  socket.terminate();
  return { seed: Buffer.from(Y.encodeStateAsUpdate(doc)).toString("base64") };
}

// --- the stock clients ---

class Person {
  constructor(room) {
    class Socket extends WebSocket {
      constructor(url) {
        super(url, { headers: target.headers, perMessageDeflate: false });
      }
    }
    this.doc = new Y.Doc();
    if (target.undecoded) Y.applyUpdate(this.doc, target.seed);
    const at = room.lastIndexOf("/");
    this.provider = new WebsocketProvider(`${target.url}/${room.slice(0, Math.max(at, 0))}`, room.slice(at + 1), this.doc, {
      WebSocketPolyfill: Socket,
      disableBc: true,
    });
    this.durable = 0;
    this.provider.messageHandlers[DURABLE] = (_encoder, decoder) => (this.durable = decoding.readVarUint(decoder));
    for (let kind = DURABLE + 1; kind < 110; kind++) this.provider.messageHandlers[kind] = () => {}; // what else the box tells its pages
  }

  // Calls `seen(count)` with how many characters of the other person's field came since now.
  watch(field, seen) {
    const text = this.doc.getMap("form").get(field);
    const base = text.length;
    this.doc.on("update", (_update, origin) => {
      if (origin === this.provider) seen(text.length - base);
    });
  }

  close() {
    this.provider.destroy();
    this.doc.destroy();
  }
}

class Pair {
  constructor(room) {
    this.people = [new Person(room), new Person(room)];
    this.sent = [[], []]; // of each person's keys: when
    this.seen = [0, 0];   // how many of them the other one has seen
    this.turn = 0;
  }

  async ready() {
    const end = performance.now() + 20_000;
    for (const person of this.people)
      while (!person.provider.synced) {
        if (performance.now() > end) throw new Error(`${person.provider.url} is not synced: ${person.provider.wsconnected ? "no answer" : "no connection"}`);
        await sleep(5);
      }
  }

  begin(record) {
    this.texts = [FIRST_FIELD, SECOND_FIELD].map((field, i) => this.people[i].doc.getMap("form").get(field));
    [SECOND_FIELD, FIRST_FIELD].forEach((field, i) => {
      const writer = 1 - i;
      this.people[i].watch(field, (count) => {
        const now = performance.now();
        while (this.seen[writer] < count) record(now, this.sent[writer][this.seen[writer]++]);
      });
    });
  }

  key() {
    const writer = this.turn++ & 1;
    this.sent[writer].push(performance.now());
    this.texts[writer].insert(this.texts[writer].length, "x");
  }

  // Keys that the other person never saw, and changes the box has not called durable.
  lost() {
    return [0, 1].reduce((sum, i) => {
      const keys = this.sent[i].length;
      return sum + keys - this.seen[i] + (target.durable ? keys - this.people[i].durable : 0);
    }, 0);
  }
}

async function leave({ rooms }) {
  for (const room of rooms) held.get(room)?.terminate();
  return {};
}

// Two people sit down at each of these drafts.
async function sit(options) {
  aim(options);
  for (const room of target.rooms) {
    const pair = new Pair(room);
    pairs.push(pair);
    await pair.ready();
    pair.begin((now, sent) => sent >= counted.from && sent < counted.to && keys.push([sent, now - sent]));
  }
  return {};
}

// In turn, at random moments of the period: many keyboards, none in step with another.
async function press({ warmUpMs, measureMs, keysPerSecond }) {
  const period = 1000 / keysPerSecond;
  const order = pairs.map((pair) => ({ pair, phase: Math.random() * period })).sort((a, b) => a.phase - b.phase);
  gc(); // of what opening left; not in the middle of it
  const start = performance.now(), end = start + warmUpMs + measureMs, late = [];
  counted = { from: start + warmUpMs, to: end };
  keys = [];
  for (let next = 0; ; next++) {
    const { pair, phase } = order[next % order.length];
    const due = start + Math.floor(next / order.length) * period + phase;
    if (due >= end) break;
    while (performance.now() < due) await sleep(Math.max(1, due - performance.now()));
    pair.key();
    if (due >= counted.from) late.push(performance.now() - due);
  }
  for (let i = 0; i < 100 && pairs.some((pair) => pair.lost() > 0); i++) await sleep(50);
  // by the clock that all processes share
  const offset = Number(process.hrtime.bigint()) / 1e6 - performance.now();
  return { keys: keys.map(([sent, took]) => [sent + offset, took]), late, lost: pairs.reduce((sum, pair) => sum + pair.lost(), 0) };
}

async function close() {
  for (const pair of pairs) pair.people.forEach((person) => person.close());
  for (const socket of held.values()) socket.terminate();
  held.clear();
  pairs = [];
  return {};
}

const commands = { open, seed: seedOf, leave, sit, press, close };
process.on("message", async ([name, options]) => {
  try {
    process.send([name, await commands[name](options)]);
  } catch (error) {
    process.send(["failed", error.stack]);
  }
});

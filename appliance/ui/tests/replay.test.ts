import assert from "node:assert/strict";
import { test } from "node:test";
import * as encoding from "lib0/encoding";
import * as sync from "y-protocols/sync";
import * as Y from "yjs";
import { clockOf } from "../replay/clock";
import { Conductor, type Follower } from "../replay/conductor";
import { firstMoment, readContents } from "../replay/contents";
import { steer, type Deed, type Seen } from "../replay/steering";

// --- what an element has to do ---------------------------------------------------------------------

const seen = (given: Partial<Seen>): Seen => ({ currentTime: 5, ranges: [[0, 10]], canPlay: true, seeking: false, complete: false, ...given });

test("in step it plays, and plays small differences away", () => {
  assert.deepEqual(steer(5, seen({})), { do: "go", rate: 1 });
  assert.deepEqual(steer(5, seen({ currentTime: 5.01 })), { do: "go", rate: 1 });
  const ahead = steer(5, seen({ currentTime: 5.05 })) as { rate: number };
  const behind = steer(5, seen({ currentTime: 4.95 })) as { rate: number };
  assert.ok(ahead.rate < 1 && ahead.rate >= 0.9, String(ahead.rate));
  assert.ok(behind.rate > 1 && behind.rate <= 1.1, String(behind.rate));
  assert.deepEqual(steer(5, seen({ currentTime: 5.24 })), { do: "go", rate: 0.9 });
});

test("far off it jumps; on its way it is waited for", () => {
  assert.deepEqual(steer(5, seen({ currentTime: 5.3 })), { do: "jump" });
  assert.deepEqual(steer(5, seen({ currentTime: 0, ranges: [[4.9, 10]] })), { do: "jump" });
  assert.deepEqual(steer(5, seen({ currentTime: 5.3, seeking: true })), { do: "wait" });
});

test("what is not loaded is waited for; what does not exist is not", () => {
  assert.deepEqual(steer(12, seen({})), { do: "wait" });
  assert.deepEqual(steer(12, seen({ complete: true })), { do: "rest" });
  assert.deepEqual(steer(5, seen({ canPlay: false })), { do: "wait" });
  assert.deepEqual(steer(9.9, seen({ currentTime: 9.9, canPlay: false })), { do: "wait" });
  assert.deepEqual(steer(9.9, seen({ currentTime: 9.9, canPlay: false, complete: true })), { do: "rest" });
});

test("a gap is gone through in its own time, though the element cannot play over it", () => {
  const ranges = [[0, 5], [5.12, 10]] as const;
  assert.deepEqual(steer(5.05, seen({ currentTime: 4.99, ranges, canPlay: false })), { do: "rest", next: 5.12 });
  // Behind the gap it is close, and would stay where it is for ever.
  assert.deepEqual(steer(5.13, seen({ currentTime: 4.99, ranges })), { do: "jump" });
  assert.deepEqual(steer(5.13, seen({ currentTime: 5.12, ranges })), { do: "go", rate: 1 });
});

test("a time rounded to below the range's beginning is in it", () => {
  assert.deepEqual(steer(5.1200004, seen({ currentTime: 5.12, ranges: [[5.1200002, 10]] })), { do: "go", rate: 1 });
});

// --- the clock that leads ---------------------------------------------------------------------------

class FakeElement implements Follower {
  at = 0;
  deed: Deed = { do: "go", rate: 1 };
  playing = false;
  settles = true;
  get timeS() {
    return this.playing ? this.at : null;
  }
  look() {
    return this.deed;
  }
  follow() {
    this.playing = true;
  }
  hold() {
    this.playing = false;
  }
  stand(atS: number) {
    this.playing = false;
    if (this.settles) this.at = atS;
    return this.settles;
  }
}

function conducted() {
  let nowMs = 0;
  const conductor = new Conductor(1, 20, () => nowMs);
  const [a, b] = [new FakeElement(), new FakeElement()];
  conductor.add(a);
  conductor.add(b);
  const pass = (ms: number) => {
    nowMs += ms;
    conductor.tick();
  };
  return { conductor, a, b, pass };
}

test("it begins standing at the first moment, and plays as time passes", () => {
  const { conductor, a, b, pass } = conducted();
  pass(50);
  assert.equal(conductor.motion.value, "still");
  assert.deepEqual([a.at, b.at], [1, 1]);
  conductor.play();
  pass(50);
  assert.equal(conductor.motion.value, "playing");
  pass(500);
  assert.ok(Math.abs(conductor.atS.value - 1.5) < 1e-9);
  conductor.speed.value = 2;
  pass(500);
  assert.ok(Math.abs(conductor.atS.value - 2.5) < 1e-9);
  conductor.close();
});

test("while one has nothing to show yet, everybody waits, and time does", () => {
  const { conductor, a, b, pass } = conducted();
  conductor.play();
  pass(50);
  pass(1000);
  b.deed = { do: "wait" };
  pass(50);
  const at = conductor.atS.value;
  pass(700);
  assert.equal(conductor.motion.value, "waiting");
  assert.equal(a.playing, false);
  assert.equal(conductor.atS.value, at);
  b.deed = { do: "go", rate: 1 };
  pass(50);
  assert.equal(conductor.motion.value, "playing");
  assert.equal(a.playing, true);
  assert.equal(conductor.atS.value, at, "the wait is not made up for");
  // One who has nothing at this moment is not waited for.
  b.deed = { do: "rest" };
  pass(100);
  assert.equal(conductor.motion.value, "playing");
  conductor.close();
});

test("paused it is not still before everybody stands at the moment", () => {
  const { conductor, b, pass } = conducted();
  conductor.play();
  pass(50);
  b.settles = false;
  conductor.pause();
  pass(50);
  assert.equal(conductor.motion.value, "waiting");
  b.settles = true;
  pass(50);
  assert.equal(conductor.motion.value, "still");
  conductor.seek(100);
  assert.equal(conductor.atS.value, 20);
  conductor.seek(-1);
  assert.equal(conductor.atS.value, 1);
  conductor.close();
});

test("at the end it stands, and plays from the beginning again", () => {
  const { conductor, pass } = conducted();
  conductor.seek(19.9);
  conductor.play();
  pass(50);
  pass(500);
  pass(50);
  assert.deepEqual([conductor.motion.value, conductor.atS.value], ["still", 20]);
  conductor.play();
  assert.equal(conductor.atS.value, 1);
  conductor.close();
});

test("after a sleep it asks those who went on", () => {
  const { conductor, a, pass } = conducted();
  conductor.play();
  pass(50);
  a.at = 1.2;
  pass(3_600_000);
  assert.equal(conductor.atS.value, 1.2);
  conductor.close();
});

// --- the table of contents --------------------------------------------------------------------------

const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");
const line = (entry: object) => `${JSON.stringify(entry)}\n`;

function edit(t: number, write: (encoder: encoding.Encoder) => void, type = 0): string {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, type);
  write(encoder);
  return line({ type: "edit", t, message: base64url(encoding.toUint8Array(encoder)) });
}

/** A form of which each change is a line. */
function recordedForm(work: (form: Y.Map<unknown>, at: (t: number) => void, by: (t: number, path: string, kind: string) => void) => void): string {
  const doc = new Y.Doc();
  const form = doc.getMap("form");
  form.set("name", new Y.Text("Before"));
  let text = edit(0, (encoder) => sync.writeSyncStep2(encoder, doc));
  let now = 0;
  doc.on("update", (update: Uint8Array) => {
    text += edit(now, (encoder) => sync.writeUpdate(encoder, update));
  });
  work(
    form,
    (t) => {
      now = t;
    },
    (t, path, kind) => {
      text += edit(t, (encoder) => encoding.writeVarString(encoder, JSON.stringify({ authors: [{ path, kind }] })), 103);
    },
  );
  return text;
}

test("what stood in the form before is nobody's change; typing on is one change; its author comes after", () => {
  const { form } = readContents(
    recordedForm((fields, at, by) => {
      const name = fields.get("name") as Y.Text;
      for (const [t, letter] of [[1000, "!"], [3500, "?"], [6000, "."]] as const) {
        at(t);
        name.insert(name.length, letter);
        by(t + 10, "/name", "citizen");
      }
      at(6100);
      name.insert(0, "X");
      by(6110, "/name", "clerk");
      at(20_000);
      fields.set("agrees", true);
      at(21_000);
      name.delete(0, name.length);
    }),
  );
  assert.deepEqual([...form.before], [["/name", "Before"]]);
  assert.deepEqual(
    form.edits.map(({ atMs, untilMs, path, value, by }) => [atMs, untilMs, path, value, by]),
    [
      [1000, 6000, "/name", "Before!?.", "citizen"],
      [6100, 6100, "/name", "XBefore!?.", "clerk"],
      [20_000, 20_000, "/agrees", true, null],
      [21_000, 21_000, "/name", undefined, null],
    ],
  );
  assert.equal(form.at(999).get("/name")?.value, "Before");
  assert.equal(form.at(3500).get("/name")?.value, "Before!?");
  assert.equal(form.at(6100).get("/name")?.step?.by, "clerk");
  assert.equal(form.at(30_000).get("/name")?.value, undefined);
});

test("parts, where to begin in them, and what a recorder that was cut off leaves", () => {
  const whole =
    line({ type: "begin", t: 0, at: 1_700_000_000_000, parties: ["citizen", "clerk"] }) +
    line({ type: "part", t: 400, part: 1, party: "clerk", media: "video/webm" }) +
    line({ type: "part", t: 300, part: 2, party: "citizen", media: "audio/webm" }) +
    line({ type: "cluster", t: 410, part: 1, offset: 500 }) +
    "\n\n" +
    line({ type: "missed", t: 5000, party: "clerk", packets: 3 }) +
    line({ type: "missed", t: 9000, party: "clerk", packets: 4 }) +
    line({ type: "end", t: 9500, part: 1 });
  const cut = readContents(`${whole}{"type":"end","t":95`);
  assert.equal(cut.beganAt, 1_700_000_000_000);
  assert.equal(cut.missed, 4);
  assert.equal(firstMoment(cut), 300);
  assert.deepEqual(cut.parts[0], { number: 1, party: "clerk", media: "video/webm", fromMs: 400, toMs: 9500, entries: [{ atMs: 410, offset: 500 }] });
  assert.equal(cut.parts[1]?.toMs, Infinity);
  assert.equal(cut.lengthMs, 14_500, "what followed its last line is within 5 s");
  const ended = readContents(whole + line({ type: "end", t: 9600, part: 2 }) + line({ type: "stop", t: 9700 }));
  assert.equal(ended.lengthMs, 9700);
  assert.equal(firstMoment(readContents("")), 0);
});

test("moments are read as clocks show them", () => {
  assert.deepEqual([0, 59_999, 65_000, 3_729_000].map(clockOf), ["0:00", "0:59", "1:05", "1:02:09"]);
});

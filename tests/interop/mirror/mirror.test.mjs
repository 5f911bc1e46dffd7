// Two stock y-websocket clients type into a draft of a real box; a C program follows it; the box is
// killed in the middle. At the end all three say the same.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { Client } from "../../house/client.mjs";
import { House, sleep, until } from "../../house/house.mjs";

class Mirror {
  lines = [];
  #process;

  constructor(url, cookie) {
    this.#process = spawn(process.env.ABLAK_MIRROR, [url, cookie], { stdio: ["ignore", "pipe", "inherit"] });
    createInterface(this.#process.stdout).on("line", (line) => this.lines.push(JSON.parse(line)));
  }

  get last() {
    return this.lines.at(-1);
  }

  async end() {
    this.#process.kill("SIGTERM");
    const [code] = await once(this.#process, "exit");
    return code;
  }
}

const is = (mirror, person) => {
  try {
    assert.deepEqual(mirror.last, { form: person.form.toJSON() });
    return true;
  } catch {
    return false;
  }
};

test("a program that knows only the public headers mirrors a draft through a crash of the box", async (t) => {
  const house = await House.start({ media: false });
  t.after(() => house.stop());
  const clerk = new Client(house.boxUrl);
  await clerk.post("/api/sign-in", { login: "clerk", password: "demo-clerk-password" });
  const { draftId } = await clerk.post("/api/visits", { service: "hu.birth-certificate", channel: "video" });
  const people = [clerk.document(draftId), clerk.document(draftId)];
  t.after(() => people.forEach((person) => person.close()));
  await Promise.all(people.map((person) => person.synced()));
  const mirror = new Mirror(`${house.boxUrl.replace("http", "ws")}/api/drafts/${draftId}/shared`, clerk.cookieHeader());
  await until("the mirror's first line", () => mirror.last);
  const type = async (from, count) => {
    for (let i = from; i < from + count; i++) {
      people[0].form.get("purpose").insert(0, "ő");
      people[1].form.get("purpose").insert(people[1].form.get("purpose").length, "😀");
      people[i & 1].form.set("relation", ["own", "child", "parent"][i % 3]);
      await sleep(10);
    }
  };
  await type(0, 30);
  await until("the mirror to follow", () => is(mirror, people[0]) && is(mirror, people[1]));
  await sleep(2500); // the box lets the documents of a quiet draft go; the next key brings them back
  const typing = type(30, 60);
  await sleep(150);
  await house.kill("box");
  await house.launch("box");
  await typing;
  await until("everybody to agree", () => is(mirror, people[0]) && is(mirror, people[1]));
  assert.equal(mirror.last.form.purpose.length, 90 + 2 * 90);
  assert.ok(mirror.lines.length > 30, "it follows, line by line");
  assert.equal(await mirror.end(), 0);
  assert.deepEqual(await house.complaints(), []);
});

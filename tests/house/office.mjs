// What the tests of a house begin and end with: a house, people who are signed in, a clerk and a
// citizen in a meeting, and at the end everything closed and no sanitizer's complaint.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { Client, Live } from "./client.mjs";
import { House, until } from "./house.mjs";

/** Of an invitation: what its link carries behind the "#". */
export const secretOf = ({ url }) => new URL(url).hash.slice(1);

/** The call is refused with this problem, which has a title for people. */
export async function refused(promise, status, type) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.status, status, error.message);
    assert.equal(error.problem.type, `/problems/${type}`);
    assert.ok(!error.problem.title.startsWith("problem."), "a title for people");
    return true;
  });
}

/** Asks many times at once, and again until the box says that it is too much: what may be asked
 * grows with time, and a machine that does other work takes its time. All the responses. */
export async function exhaust(ask, atOnce = 40) {
  const responses = [];
  await until("a refusal", async () => {
    responses.push(...(await Promise.all(Array.from({ length: atOnce }, ask))));
    return responses.some(({ status }) => status === 429);
  });
  return responses;
}

export class Office {
  #closers = [];

  /** Made at the top of a file: the house stands from before its first test until after the last.
   * `furnish` does in it what all the tests need. */
  constructor(options, furnish = () => {}) {
    before(async () => {
      this.house = await House.start(options);
      await furnish();
    });
    after(async () => {
      this.closePages();
      if (!this.house) return;
      const complaints = await this.house.complaints();
      await this.house.stop();
      assert.deepEqual(complaints, []);
    });
  }

  closePages() {
    for (const close of this.#closers.splice(0)) close();
  }

  /** Somebody whom the box does not know. */
  stranger() {
    return new Client(this.house.boxUrl);
  }

  async signedIn(login, base = this.house.boxUrl) {
    const client = new Client(base);
    await client.post("/api/sign-in", { login, password: `demo-${login}-password` });
    return client;
  }

  /** A clerk with a new open visit; the one of before is ended. */
  async visit(login = "clerk", service = "hu.id-card") {
    const clerk = await this.signedIn(login);
    const { visit: open } = await clerk.get("/api/queue");
    if (open) await clerk.post(`/api/visits/${open.id}/end`);
    const visit = await clerk.post("/api/visits", { service, channel: "video" });
    return { clerk, visit, topic: `visit:${visit.id}` };
  }

  /** The same with its citizen, and what the box said to them when they joined. */
  async meeting(login, service) {
    const at = await this.visit(login, service);
    const citizen = this.stranger();
    const joined = await citizen.post("/api/join", { secret: secretOf(await at.clerk.post(`/api/visits/${at.visit.id}/invitation`)) });
    return { ...at, citizen, joined };
  }

  /** A page that listens: the box has said hello. */
  async follow(client, topics, as) {
    const live = new Live(client, topics, as);
    this.#closers.push(() => live.close());
    await live.wait("the live connection", (m) => m.type === "hello");
    return live;
  }

  edit(client, draftId, audience) {
    const document = client.document(draftId, audience);
    this.#closers.push(document.close);
    return document;
  }
}

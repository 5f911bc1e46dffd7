// Three people in one form, each over a line of their own: the clerk at the desk, the citizen at
// home, and the citizen's phone ("Continue on another device").
import assert from "node:assert/strict";
import { Client } from "../../house/client.mjs";
import { House } from "../../house/house.mjs";
import { openPerson, startBrowser } from "./browser.mjs";
import { claims, prepare, watchSaved } from "./documents.mjs";
import { Line } from "./line.mjs";
import { join, meetByVideo, openDesk } from "./steps.mjs";

const CLERK = { hu: "clerk", cs: "clerk-cs" };

export class ThreeTogether {
  #judges = [];

  /** `language` is the citizen's; the desk speaks the office's. */
  static async start(service, { office = "hu", language = office } = {}) {
    const all = new ThreeTogether();
    all.house = await House.start({ office, media: false });
    all.browser = await startBrowser();
    all.lines = { desk: await Line.open(all.house.boxPort), citizen: await Line.open(all.house.boxPort), phone: await Line.open(all.house.boxPort) };
    const open = async (name, options) => {
      const page = await openPerson(all.browser, { origin: all.lines[name].url, ...options });
      await prepare(page);
      return page;
    };
    [all.desk, all.citizen, all.phone] = await Promise.all([
      open("desk", { language: office, width: 1280, height: 800 }),
      open("citizen", { language, width: 1280, height: 800 }),
      open("phone", { language, width: 360, height: 740 }),
    ]);
    await openDesk(all.desk, all.lines.desk.url, { login: CLERK[office] });
    const { link } = await meetByVideo(all.desk, service);
    await join(all.citizen, all.lines.citizen.over(link));
    await all.citizen.click(".ab-meeting-foot button >> nth=0");
    const handover = await all.citizen.inputValue("#handover-link");
    await all.citizen.click("dialog[open] .ab-dialog-actions button");
    await all.citizen.waitForSelector("dialog", { state: "detached" });
    await join(all.phone, all.lines.phone.over(handover));
    await all.desk.waitForSelector('.ab-draft[data-audience="shared"] [data-path]');
    // A reload would take this away.
    for (const page of all.pages) await page.evaluate(() => (window.neverReloaded = true));
    await all.watch();
    all.clerk = new Client(all.house.boxUrl);
    await all.clerk.post("/api/sign-in", { login: CLERK[office], password: "demo-clerk-password" });
    all.draftId = (await all.clerk.get("/api/queue")).visit.draftId;
    return all;
  }

  get pages() {
    return [this.desk, this.citizen, this.phone];
  }

  watch() {
    return Promise.all(this.pages.map(watchSaved));
  }

  /** Forgets what the pages have claimed up to now. */
  forgetClaims() {
    return Promise.all(this.pages.map(claims));
  }

  /** A stock y-websocket client, straight at the box: what it sees is what the box has. */
  async judge() {
    const document = this.clerk.document(this.draftId);
    this.#judges.push(document);
    await document.synced();
    return document;
  }

  async assertNeverReloaded() {
    for (const page of this.pages) assert.equal(await page.evaluate(() => window.neverReloaded), true, "no page was loaded again");
  }

  async stop() {
    for (const judge of this.#judges) judge.close();
    await this.browser?.close();
    await Promise.all(Object.values(this.lines ?? {}).map((line) => line.close()));
    const complaints = (await this.house?.complaints()) ?? [];
    await this.house?.stop();
    assert.deepEqual(complaints, []);
  }
}

// The shared document as a page has it, beside what the page shows. It is found in the tree that
// Preact keeps at its root, so the product needs no door for tests.
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { until } from "../../house/house.mjs";

// Runs in the page, before its own script.
function install() {
  const documentOf = (audience) => {
    const find = (node) => {
      if (!node || typeof node !== "object") return null;
      if (node.props?.draft?.doc && node.props.draft.audience === audience) return node.props.draft;
      for (const child of node.__k ?? []) {
        const found = find(child);
        if (found) return found;
      }
      return null;
    };
    const draft = find(document.getElementById("app")?.__k);
    if (!draft) throw new Error(`no ${audience} document on this page`);
    return draft;
  };
  const marks = [];
  /** What the page claims to be saved, with what it holds at that moment. */
  const watch = () => {
    const draft = documentOf("shared");
    const mark = document.querySelector(".ab-saved");
    const look = () => {
      if (mark.dataset.saved === "yes") marks.push(JSON.stringify(draft.form.toJSON()));
    };
    new MutationObserver(look).observe(mark, { attributes: true, attributeFilter: ["data-saved", "data-waiting"] });
    // Typing must take the claim back before anything is painted.
    draft.doc.on("update", () => requestAnimationFrame(look));
  };
  window.ofTest = { documentOf, watch, claims: () => marks.splice(0) };
}

/** To be called before the page is opened. */
export const prepare = (page) => page.addInitScript(install);

/** Begins to note what the page claims to be saved. */
export const watchSaved = (page) => page.evaluate(() => window.ofTest.watch());

/** What it has claimed since it was last asked, each claim with the JSON it was made for. */
export const claims = async (page) => (await page.evaluate(() => window.ofTest.claims())).map((text) => JSON.parse(text));

/** JSON, clocks and what is still missing of the page's document. */
export const readDocument = (page, audience = "shared") =>
  page.evaluate((name) => {
    const { doc, form, waiting } = window.ofTest.documentOf(name);
    const clocks = [...doc.store.clients].map(([client, structs]) => [client, structs.at(-1).id.clock + structs.at(-1).length]);
    return {
      json: form.toJSON(),
      clocks: Object.fromEntries(clocks.sort(([a], [b]) => a - b)),
      pending: doc.store.pendingStructs !== null || doc.store.pendingDs !== null,
      waiting: waiting.value,
    };
  }, audience);

/** The same of a stock client in this process (tests/house/client.mjs). */
export function readStock({ doc, form }) {
  const clocks = [...doc.store.clients].map(([client, structs]) => [client, structs.at(-1).id.clock + structs.at(-1).length]);
  return { json: form.toJSON(), clocks: Object.fromEntries(clocks.sort(([a], [b]) => a - b)), pending: doc.store.pendingStructs !== null || doc.store.pendingDs !== null, waiting: 0 };
}

/** Texts and choices as they stand in the controls, by path. */
export const readScreen = (page) =>
  page.evaluate(() => {
    const shown = {};
    for (const field of document.querySelectorAll('.ab-draft[data-audience="shared"] .ab-field[data-path]')) {
      const [control] = field.querySelectorAll("input, textarea, select");
      if (field.querySelector(".govuk-date-input")) continue;
      if (control.type === "radio") shown[field.dataset.path] = field.querySelector("input:checked")?.value ?? "";
      else if (control.type === "checkbox") shown[field.dataset.path] = control.checked;
      else shown[field.dataset.path] = control.value;
    }
    return shown;
  });

/** What the screen must show for a document's JSON: the same, at the paths the screen has. */
function expected(screen, json) {
  const at = (path) => path.split("/").slice(1).reduce((value, part) => value?.[part], json);
  return Object.fromEntries(Object.entries(screen).map(([path, shown]) => [path, at(path) ?? (typeof shown === "boolean" ? false : "")]));
}

/**
 * Waits until all pages and stock clients hold the same, with the same clocks, nothing pending and
 * nothing unconfirmed; then every screen shows what its document holds. Gives the JSON.
 */
export async function agree(pages, stock = []) {
  let read;
  try {
    await until("everybody to hold the same", async () => {
      read = [...(await Promise.all(pages.map((page) => readDocument(page)))), ...stock.map(readStock)];
      return read.every((one) => !one.pending && one.waiting === 0 && isDeepStrictEqual(one, read[0]));
    });
  } catch (error) {
    error.message += `\n${JSON.stringify(read, null, 1)}`;
    throw error;
  }
  for (const page of pages) {
    const screen = await until("the screen", () => readScreen(page));
    assert.deepEqual(screen, expected(screen, read[0].json));
  }
  return read[0].json;
}

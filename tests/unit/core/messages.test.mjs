// The catalogue's generator refuses an untranslated string, and what it writes is complete.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

const generator = new URL("../../../appliance/generate/messages.mjs", import.meta.url).pathname;
const root = mkdtempSync(join(tmpdir(), "ablak-messages-"));
after(() => rmSync(root, { recursive: true, force: true }));
let count = 0;

function catalogue(texts) {
  const source = join(root, String(count++));
  for (const [language, content] of Object.entries(texts)) {
    mkdirSync(join(source, language), { recursive: true });
    writeFileSync(join(source, language, "a.json"), typeof content === "string" ? content : JSON.stringify(content));
  }
  return source;
}

const run = (...args) => spawnSync(process.execPath, [generator, ...args], { encoding: "utf8" });

function refused(texts, ...words) {
  const result = run("--check", "--source", catalogue(texts));
  assert.notEqual(result.status, 0);
  for (const word of words) assert.match(result.stderr, new RegExp(word));
}

test("the repository's catalogue is complete", () => {
  const result = run("--check");
  assert.equal(result.status, 0, result.stderr);
});

test("a missing key is named with its language", () => {
  refused({ en: { "ui.a": "A", "ui.b": "B" }, hu: { "ui.a": "A" } }, "ui\\.b", "hu");
  refused({ en: { "ui.a": "A" }, hu: { "ui.a": "A", "ui.c": "C" } }, "ui\\.c", "en");
});

test("a missing or foreign placeholder is named", () => {
  refused({ en: { a: "{name} waits" }, hu: { a: "vár" } }, '"a"', "hu");
  refused({ en: { a: "waits" }, hu: { a: "{name} vár" } }, '"a"', "hu");
});

test("an empty text, a text of another type and broken JSON are refused", () => {
  refused({ en: { a: "A" }, hu: { a: " " } }, "hu/a.json");
  refused({ en: { a: "A" }, hu: { a: 1 } }, "hu/a.json");
  refused({ en: { a: "A" }, hu: "{" }, "hu/a.json");
});

test("a language is added by adding a folder; the module holds the asked-for keys", () => {
  const texts = { en: { "ui.a": 'A "{x}"\n', other: "O" }, hu: { "ui.a": "Á {x}", other: "O" }, sk: { "ui.a": "Ä {x}", other: "O" } };
  const out = join(root, "out.ts");
  const result = run("--ts", out, "--prefix", "ui.", "--source", catalogue(texts));
  assert.equal(result.status, 0, result.stderr);
  const module = readFileSync(out, "utf8");
  assert.match(module, /languages = \["en", "hu", "sk"\] as const/);
  assert.match(module, /"ui\.a": "A \\"\{x\}\\"\\n"/);
  assert.doesNotMatch(module, /other/);
});

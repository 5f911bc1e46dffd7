// Every problem slug in the C sources has a title in the message catalogue, and every title is used.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = new URL("../../../", import.meta.url).pathname;
const folders = ["appliance", "kb", "sync", "provisioning", "video"];

const filesUnder = (folder, end) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === "node_modules" ? [] : filesUnder(path, end);
    return path.endsWith(end) ? [path] : [];
  });

function titles() {
  const keys = filesUnder(join(root, "appliance/messages/en"), ".json").flatMap((path) =>
    Object.keys(JSON.parse(readFileSync(path, "utf8"))),
  );
  return new Set(keys.filter((key) => key.startsWith("problem.")).map((key) => key.slice("problem.".length)));
}

// A slug follows its code; some are handed to a helper, which is known by the slug's area.
function slugsIn(text, areas) {
  const direct = [...text.matchAll(/ABLAK_ERROR_[A-Z_]+\s*,\s*"([a-z0-9/-]+)"/g)].map((match) => match[1]);
  const literals = [...text.matchAll(/"([a-z]+)\/([a-z0-9-]+)"/g)]
    .filter((match) => areas.has(match[1]))
    .map((match) => `${match[1]}/${match[2]}`);
  return [...direct, ...literals];
}

const known = titles();
const areas = new Set([...known].filter((slug) => slug.includes("/")).map((slug) => slug.split("/")[0]));
const sources = folders.flatMap((folder) => filesUnder(join(root, folder), ".c")).map((path) => [path, readFileSync(path, "utf8")]);
const used = new Map();
for (const [path, text] of sources) for (const slug of slugsIn(text, areas)) used.set(slug, path.slice(root.length));

test("every slug has a title", () => {
  assert.ok(used.size > 30, `only ${used.size} slugs found`);
  const untitled = [...used].filter(([slug]) => !known.has(slug)).map(([slug, path]) => `${slug} (${path})`);
  assert.deepEqual(untitled, []);
});

test("every title is used", () => {
  assert.deepEqual([...known].filter((slug) => !sources.some(([, text]) => text.includes(`"${slug}"`))), []);
});

// The migrations' generator refuses what the journal or a replica could not carry.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

const generator = new URL("../../../appliance/generate/migrations.mjs", import.meta.url).pathname;
const root = mkdtempSync(join(tmpdir(), "ablak-migrations-"));
after(() => rmSync(root, { recursive: true, force: true }));

function generate(files) {
  const paths = Object.entries(files).map(([name, sql]) => {
    writeFileSync(join(root, name), sql);
    return join(root, name);
  });
  const out = join(root, "out.c");
  const result = spawnSync(process.execPath, [generator, "my-part", out, ...paths], { encoding: "utf8" });
  return { ...result, c: result.status === 0 ? readFileSync(out, "utf8") : "" };
}

const table = (name, rest = "(id TEXT PRIMARY KEY) STRICT") =>
  `-- table ${name}: owner=up retention=operations\nCREATE TABLE ${name} ${rest};\n`;

test("tables follow the migrations: made, renamed, dropped", () => {
  const { status, stderr, c } = generate({
    "0001-first.sql": table("a") + table("b") + "-- a \"remark\" with CREATE TRIGGER\n",
    "0002-second.sql": `DROP TABLE b;\nALTER TABLE a RENAME TO c;\n-- table d: owner=local retention=cache\nCREATE VIRTUAL TABLE d USING fts5(x);\n`,
  });
  assert.equal(status, 0, stderr);
  assert.match(c, /ablak_my_part_store_part = \{"my-part"/);
  const tables = [...c.matchAll(/\{"(\w+)", (ABLAK_OWNER_\w+), "(\w+)"\}/g)].map((match) => match.slice(1).join(" "));
  assert.deepEqual(tables.sort(), ["c ABLAK_OWNER_UP operations", "d ABLAK_OWNER_LOCAL cache"]);
});

const refused = {
  "no declaration": ["CREATE TABLE a (id TEXT PRIMARY KEY) STRICT;", "needs a line"],
  "a wrong name": [table("a").replace("-- table a", "-- table b"), "is declared as b"],
  "an unknown owner": [table("a").replace("=up", "=sideways"), "unknown owner"],
  "an unknown retention class": [table("a").replace("=operations", "=forever"), "unknown retention"],
  "no primary key": [table("a", "(id TEXT) STRICT"), "no PRIMARY KEY"],
  "a primary key in a comment only": [table("a", "(id TEXT -- PRIMARY KEY\n) STRICT"), "no PRIMARY KEY"],
  "no STRICT": [table("a", "(id TEXT PRIMARY KEY)"), "not STRICT"],
  AUTOINCREMENT: [table("a", "(id INTEGER PRIMARY KEY AUTOINCREMENT) STRICT"), "AUTOINCREMENT"],
  "a generated column": [table("a", "(id TEXT PRIMARY KEY, b TEXT GENERATED ALWAYS AS (id)) STRICT"), "generated"],
  "a cascade": [table("a", "(id TEXT PRIMARY KEY REFERENCES b ON DELETE CASCADE) STRICT"), "cascade"],
  "a trigger": [`${table("a")}CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END;`, "trigger"],
  "the same table twice": [table("a") + table("a"), "there already"],
};

for (const [what, [sql, words]] of Object.entries(refused))
  test(`refused: ${what}`, () => {
    const { status, stderr } = generate({ "0001-first.sql": sql });
    assert.notEqual(status, 0);
    assert.ok(stderr.includes(words), stderr);
  });

test("refused: a gap in the numbers and a name without one", () => {
  assert.match(generate({ "0001-first.sql": table("a"), "0003-third.sql": table("b") }).stderr, /number 3, expected 2/);
  assert.match(generate({ "first.sql": table("a") }).stderr, /is not named/);
});

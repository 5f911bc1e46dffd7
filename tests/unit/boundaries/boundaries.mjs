// boundaries.mjs ROOT: walks the include graph of all C sources and fails on a breach of rules.mjs.
// First it plants breaches in a tree of its own and looks whether it finds each of them.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { folders, libraries } from "./rules.mjs";

const TOP = ["appliance", "kb", "sync", "provisioning", "video"];
const names = new Set(Object.values(folders).map((folder) => folder.name));

function* sources(dir) {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory() && entry.name !== "node_modules") yield* sources(path);
    else if (/\.[ch]$/.test(entry.name)) yield path;
  }
}

function folderOf(path) {
  const fitting = Object.keys(folders).filter((folder) => path.startsWith(`${folder}/`));
  return folders[fitting.sort((a, b) => b.length - a.length)[0]];
}

// What is wrong with one #include of a file, or null.
function breach(folder, included, quoted) {
  for (const library of libraries)
    if (library.pattern.test(included)) return library.seenBy.includes(folder.name) ? null : `only ${library.seenBy.join(", ")} may see ${library.name}`;
  if (quoted && /(^|\/)\.\.?\//.test(included)) return "includes are written from the repository's folders";
  if (quoted && !included.includes("/")) return /^[a-z]+-routes\.h$/.test(included) ? null : "includes are written from the repository's folders";
  if (folder.prefix !== undefined && included.startsWith(`${folder.prefix}/`)) return null;
  const other = included.startsWith("provisioning/cli/") ? "cli" : included.split("/")[0];
  if (!names.has(other)) return quoted ? "no such folder" : null;
  if (other === folder.name || folder.headers?.includes(included)) return null;
  if (!folder.sees.includes(other)) return `${folder.name} may not include ${other}`;
  return /(^|[/-])private\.h$/.test(included) ? `${included} is private to ${other}` : null;
}

function check(root) {
  const found = [];
  let files = 0;
  for (const top of TOP) {
    let all = [];
    try {
      all = [...sources(join(root, top))];
    } catch (error) {
      if (error.code !== "ENOENT") throw error;
    }
    for (const path of all) {
      files++;
      const file = relative(root, path);
      const folder = folderOf(file);
      if (folder === undefined) {
        found.push(`${file}: its folder has no rule`);
        continue;
      }
      readFileSync(path, "utf8").split("\n").forEach((line, index) => {
        const match = /^\s*#\s*include(?:_next)?\s*(?:"([^"]+)"|<([^>]+)>)/.exec(line);
        const wrong = match && breach(folder, match[1] ?? match[2], match[1] !== undefined);
        if (wrong) found.push(`${file}:${index + 1}: ${line.trim()}: ${wrong}`);
      });
    }
  }
  return { found, files };
}

// File, line, and whether it is a breach.
const PLANTED = [
  ["appliance/queue/a.c", '#include "accounts/accounts.h"', true],
  ["appliance/queue/b.c", '#include "http/http.h"', true],
  ["appliance/queue/c.c", "#include <sqlite3.h>", true],
  ["appliance/queue/d.c", "  #  include <forms/forms.h>", true],
  ["appliance/queue/e.c", '#include "store/private.h"', true],
  ["appliance/queue/f.c", '#include "../core/error.h"', true],
  ["appliance/queue/g.c", '#include "error.h"', true],
  ["appliance/queue/h.c", "#include <openssl/evp.h>", true],
  ["appliance/queue/i.c", '#include "store/store.h"\n#include "queue/queue.h"\n#include <string.h>', false],
  ["appliance/core/a.c", '#include "store/store.h"', true],
  ["appliance/store/a.h", '#include "schema/schema.h"', true],
  ["appliance/store/b.c", "#include <sqlite3.h>", false],
  ["appliance/http/a.c", '#include "store/store.h"', true],
  ["appliance/http/b.c", '#include <libwebsockets.h>\n#include "schema/schema.h"', false],
  ["appliance/forms/coedit/a.c", '#include "store/store.h"\n#include "forms/coedit/doc.h"', false],
  ["appliance/forms/coedit/b.c", "#include <libwebsockets.h>", true],
  ["appliance/box/a.c", '#include "hq/publish.h"', true],
  ["appliance/box/b.c", '#include "video/relay.h"', true],
  ["appliance/box/c.c", '#include "video/control.h"\n#include "kb/kb.h"\n#include "http/http.h"\n#include "box-routes.h"', false],
  ["appliance/box/d.c", "#include <sqlite3.h>", true],
  ["appliance/daemon/a.c", '#include "box/box.h"', true],
  ["kb/a.c", '#include "http/http.h"', true],
  ["provisioning/a.c", '#include "http/client.h"', true],
  ["provisioning/cli/a.c", '#include "http/client.h"\n#include "hq/publish.h"\n#include "provisioning/cli/cli.h"', false],
  ["provisioning/b.c", '#include "provisioning/cli/cli.h"', true],
  ["video/a.c", '#include "store/store.h"', true],
  ["video/b.c", "#include <nice/agent.h>", false],
  ["appliance/strange/a.c", "int a;", true],
];

function selfCheck() {
  const root = mkdtempSync(join(tmpdir(), "ablak-boundaries-"));
  try {
    for (const [file, text] of PLANTED) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), `${text}\n`);
    }
    const { found } = check(root);
    const wrong = PLANTED.filter(([file, , isBreach]) => found.some((line) => line.startsWith(`${file}:`)) !== isBreach);
    for (const [file, text, isBreach] of wrong) console.error(`self-check: ${isBreach ? "missed" : "wrongly found"}: ${file}: ${text}`);
    return wrong.length === 0;
  } finally {
    rmSync(root, { recursive: true });
  }
}

const root = process.argv[2];
if (root === undefined) {
  console.error("usage: boundaries.mjs ROOT");
  process.exit(2);
}
const good = selfCheck();
const { found, files } = check(root);
for (const line of found) console.error(line);
console.log(`${files} files, ${found.length} breaches, ${PLANTED.length} planted cases ${good ? "told apart" : "NOT told apart"}`);
process.exitCode = good && files > 0 && found.length === 0 ? 0 : 1;

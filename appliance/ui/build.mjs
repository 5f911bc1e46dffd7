// Builds the pages: node appliance/ui/build.mjs --out DIR
// Writes DIR/box and DIR/hq, each with one HTML file a page and assets/ named by content hash, and a
// .gz beside every text file. The same sources give the same bytes. Needs node 18 or newer.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";
import { compile } from "sass";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "../..");

const PAGES = {
  box: {
    index: { entry: "citizen/index.tsx", style: "citizen" },
    join: { entry: "citizen/join.tsx", style: "citizen" },
    guest: { entry: "guest/guest.tsx", style: "citizen" },
    desk: { entry: "desk/desk.tsx", style: "desk" },
    kiosk: { entry: "kiosk/kiosk.tsx", style: "kiosk" },
    board: { entry: "board/board.tsx", style: "board" },
    room: { entry: "room/room.tsx", style: "desk" },
    replay: { entry: "replay/replay.tsx", style: "desk" },
  },
  hq: { index: { entry: "console/console.tsx", style: "desk" } },
};

const NOSCRIPT =
  "Az oldalhoz engedélyezze a JavaScriptet. / Povolte prosím JavaScript. / Please turn on JavaScript.";

function html(page, script, style, preload) {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light">
<title>Ablak</title>
<link rel="icon" href="/assets/${preload.icon}" type="image/svg+xml">
<link rel="stylesheet" href="/assets/${style}">
<script type="module" src="/assets/${script}"></script>
</head>
<body class="ab-body ab-page-${page}">
<div id="app"></div>
<noscript><p class="ab-noscript">${NOSCRIPT}</p></noscript>
</body>
</html>
`;
}

/** The generator checks the catalogue and writes it as a module; the texts are read from there. */
async function readMessages() {
  const generated = join(here, "generated/messages.ts");
  const generator = join(root, "appliance/generate/messages.mjs");
  const run = spawnSync(process.execPath, [generator, "--ts", generated, "--prefix", "ui."], { stdio: "inherit" });
  if (run.status !== 0) throw new Error("the message catalogue is not complete");
  const { code } = await transform(readFileSync(generated, "utf8"), { loader: "ts", format: "esm" });
  return (await import(`data:text/javascript;base64,${Buffer.from(code).toString("base64")}`)).messages;
}

/** The daemons' interfaces as TypeScript, from the same documents as their C route tables. */
function writeInterfaces() {
  const scratch = mkdtempSync(join(tmpdir(), "ablak-ui-"));
  try {
    for (const daemon of ["box", "hq"]) {
      const run = spawnSync(
        process.execPath,
        [join(root, "appliance/generate/routes.mjs"), join(root, `appliance/${daemon}/openapi.json`), daemon,
          join(scratch, "routes.c"), join(scratch, "routes.h"), join(here, `generated/${daemon}-api.ts`)],
        { stdio: "inherit" },
      );
      if (run.status !== 0) throw new Error(`the interface of ${daemon} could not be read`);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** `import("messages:hu")`: one small chunk a language, loaded only when it is spoken. */
const messagesPlugin = (texts) => ({
  name: "messages",
  setup(b) {
    b.onResolve({ filter: /^messages:/ }, (args) => ({ path: args.path.slice(9), namespace: "messages" }));
    b.onLoad({ filter: /.*/, namespace: "messages" }, (args) => ({
      contents: `export default ${JSON.stringify(texts[args.path] ?? {})}`,
      loader: "js",
    }));
  },
});

const hash = (data) => createHash("sha256").update(data).digest("hex").slice(0, 10);

function put(folder, name, data) {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, data);
  const packed = gzipSync(data, { level: 9 });
  packed[9] = 255; // the "operating system" byte: the same everywhere
  writeFileSync(`${path}.gz`, packed);
}

async function bundle(side, pages, texts, out) {
  const entries = Object.fromEntries(Object.entries(pages).map(([name, page]) => [name, join(here, page.entry)]));
  const result = await build({
    absWorkingDir: root,
    entryPoints: entries,
    bundle: true,
    splitting: true,
    format: "esm",
    target: ["es2022"],
    minify: true,
    legalComments: "none",
    charset: "utf8",
    jsx: "automatic",
    jsxImportSource: "preact",
    outdir: join(out, side, "assets"),
    entryNames: "[name]-[hash]",
    chunkNames: "part-[hash]",
    metafile: true,
    write: false,
    logLevel: "warning",
    plugins: [messagesPlugin(texts)],
  });
  const folder = join(out, side);
  rmSync(folder, { recursive: true, force: true });
  const scripts = {};
  for (const [path, meta] of Object.entries(result.metafile.outputs)) {
    const name = path.split("/").pop();
    for (const [page, entry] of Object.entries(entries))
      if (meta.entryPoint && join(root, meta.entryPoint) === entry) scripts[page] = name;
  }
  for (const file of result.outputFiles) put(join(folder, "assets"), file.path.split("/").pop(), Buffer.from(file.contents));

  const icon = readFileSync(join(here, "styles/mark.svg"));
  const iconName = `mark-${hash(icon)}.svg`;
  put(join(folder, "assets"), iconName, icon);
  const styles = {};
  for (const style of new Set(Object.values(pages).map((page) => page.style))) {
    const css = compile(join(here, `styles/${style}.scss`), {
      style: "compressed",
      loadPaths: [join(root, "node_modules")],
      quietDeps: true,
    }).css;
    styles[style] = `${style}-${hash(css)}.css`;
    put(join(folder, "assets"), styles[style], Buffer.from(css));
  }
  for (const [name, page] of Object.entries(pages))
    put(folder, `${name}.html`, Buffer.from(html(name, scripts[name], styles[page.style], { icon: iconName })));
}

const isMain = process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url);
if (isMain) {
  const at = process.argv.indexOf("--out");
  if (at < 0 || !process.argv[at + 1]) {
    console.error("usage: node appliance/ui/build.mjs --out DIR");
    process.exit(2);
  }
  const out = resolve(process.argv[at + 1]);
  try {
    mkdirSync(join(here, "generated"), { recursive: true });
    const texts = await readMessages();
    writeInterfaces();
    for (const [side, pages] of Object.entries(PAGES)) await bundle(side, pages, texts, out);
  } catch (error) {
    console.error(String(error.message ?? error));
    process.exit(1);
  }
}

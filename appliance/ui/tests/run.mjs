// Runs the pages' own unit tests: bundles each test with esbuild and gives it to node's runner.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const tests = readdirSync(here).filter((name) => /\.test\.tsx?$/.test(name));
// Inside the repository, so that packages are found; one folder a run, so that runs do not meet.
const out = mkdtempSync(join(here, "../generated/tests-"));
let status = 1;
try {
  await build({
    entryPoints: tests.map((name) => join(here, name)),
    outdir: out,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node18",
    jsx: "automatic",
    jsxImportSource: "preact",
    logLevel: "warning",
    plugins: [
      {
        name: "messages",
        setup(b) {
          b.onResolve({ filter: /^messages:/ }, (args) => ({ path: args.path.slice(9), namespace: "messages" }));
          b.onLoad({ filter: /.*/, namespace: "messages" }, (args) => ({
            contents: `import { messages } from ${JSON.stringify(join(here, "../generated/messages.ts"))}; export default messages.${args.path};`,
            resolveDir: here,
          }));
        },
      },
    ],
  });
  const files = tests.map((name) => join(out, name.replace(/\.tsx?$/, ".mjs")));
  status = spawnSync(process.execPath, ["--test", ...files], { stdio: "inherit" }).status ?? 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}
process.exit(status);

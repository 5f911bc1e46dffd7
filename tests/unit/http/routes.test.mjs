// The route generator: what it takes, what it refuses, and that its TypeScript is strict-clean.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [root] = process.argv.slice(2);
const generator = join(root, "appliance/generate/routes.mjs");
const dir = mkdtempSync(join(tmpdir(), "ablak-routes-"));
process.on("exit", () => rmSync(dir, { recursive: true, force: true }));

const operation = (more = {}) => ({ operationId: "getThing", "x-access": "public", responses: { 200: { description: "x", content: { "application/json": { schema: { $ref: "#/components/schemas/Thing" } } } } }, ...more });
const document = (paths, schemas = {}) => ({ openapi: "3.1.0", info: { title: "t", version: "1" }, paths, components: { schemas: { Thing: { type: "object", properties: { name: { type: "string" } } }, ...schemas } } });

/** As the build does it. */
function generate(doc) {
  const out = (name) => join(dir, name);
  writeFileSync(out("doc.json"), JSON.stringify(doc));
  const { status, stderr } = spawnSync(process.execPath, [generator, out("doc.json"), "test", out("test-routes.c"), out("test-routes.h"), out("test.ts")], { encoding: "utf8" });
  if (status !== 0) return { error: stderr };
  return { c: readFileSync(out("test-routes.c"), "utf8"), h: readFileSync(out("test-routes.h"), "utf8"), ts: readFileSync(out("test.ts"), "utf8") };
}

const { cHeader, cSource, readOperations, typeScript } = await import(pathToFileURL(generator));

/** Without a process for each: only what is said is looked at. */
function refused(paths, wanted, schemas) {
  const doc = document(paths, schemas);
  assert.throws(() => {
    const operations = readOperations(doc);
    return [cSource(doc, "test", operations, "test-routes.h"), cHeader("test", operations), typeScript(doc, "test", operations)];
  }, wanted);
}

const path = { name: "id", in: "path", required: true, schema: { type: "string" } };

refused({ "/a": { get: operation({ "x-access": undefined }) } }, /no valid x-access/);
refused({ "/a": { get: operation({ "x-access": "Everybody" }) } }, /no valid x-access/);
refused({ "/a": { get: operation() }, "/b": { get: operation() } }, /getThing is used by GET \/a too/);
refused({ "/a": { get: operation({ operationId: undefined }) } }, /no operationId/);
refused({ "/a": { get: operation({ operationId: "Get_thing" }) } }, /no operationId/);
refused({ "/a": { get: operation({ responses: {} }) } }, /no response declared/);
refused({ "/a": { get: operation({ responses: { 404: { description: "x" } } }) } }, /no successful response/);
refused({ "/a": { get: operation({ responses: { 200: { $ref: "#/components/responses/No" } } }) } }, /unknown \$ref/);
refused({ "/a": { get: operation() } }, /unknown \$ref #\/components\/schemas\/Missing/, { Other: { $ref: "#/components/schemas/Missing" } });
refused({ "/a": { get: operation() } }, /only references within/, { Other: { $ref: "other.json#/x" } });
refused({ "/a/{id}": { get: operation() } }, /\{id\} is not declared/);
refused({ "/a": { get: operation({ parameters: [path] }) } }, /id is not in the path/);
refused({ "/a": { trace: operation() } }, /not a method/);
refused({ "/a": { get: operation({ requestBody: { content: { "application/json": { schema: {} } } } }) } }, /GET has no body/);
refused({ "/a": { post: operation({ "x-max-body": "1k" }) } }, /x-max-body/);
refused({ "/a": { post: operation({ "x-websocket": true }) } }, /WebSocket starts with GET/);
assert.match(generate({ ...document({}), openapi: "3.0.3" }).error, /not OpenAPI 3\.1/);

const schemas = {
  Node: { type: "object", required: ["next"], properties: { next: { oneOf: [{ $ref: "#/components/schemas/Node" }, { type: "null" }] }, label: { $ref: "#/components/schemas/Label" } } },
  Label: { type: "string", pattern: 'say "hi?" \\ ű' },
  Unused: { type: "integer" },
  Mixed: { type: ["string", "null"] },
  Pair: { type: "array", prefixItems: [{ type: "string" }, { type: "integer" }], items: false },
  Map: { type: "object", additionalProperties: { type: "array", items: { enum: ["a", "b"] } } },
  Both: { allOf: [{ $ref: "#/components/schemas/Thing" }, { type: "object", properties: { "odd-name": { const: 7 } } }] },
};
const good = generate(
  document(
    {
      "/things/{id}": {
        parameters: [path],
        get: operation({ parameters: [{ name: "q", in: "query", schema: { type: "string" } }] }),
        put: operation({ operationId: "putNode", "x-access": "clerk,supervisor", "x-max-body": 1000, "x-listener": "boxes", requestBody: { content: { "application/json": { schema: { $ref: "#/components/schemas/Node" } } } } }),
        post: operation({ operationId: "upload", requestBody: { required: true, content: { "application/pdf": {} } }, responses: { 204: { description: "x" } } }),
      },
      "/live": { get: operation({ operationId: "openLive", "x-websocket": true, responses: { 101: { description: "x" } } }) },
    },
    schemas,
  ),
);
assert.equal(good.error, undefined);
assert.match(good.h, /void ablak_test_put_node\(AblakRequest \*request, gpointer app\);/);
assert.match(good.c, /\.access = "clerk,supervisor",\s*\.listener = "boxes"/);
assert.match(good.c, /\.body_max = 1000,\s*\.body_optional = true/);
assert.match(good.c, /\.body_schema = NULL,\s*\.body_media = "application\/pdf"/);
assert.match(good.ts, /params: \{ id: string \}/);
assert.match(good.ts, /query: \{ q\?: string \}/);
assert.match(good.ts, /export type Node = \{\n {2}next: Node \| null;\n {2}label\?: Label;\n\};/);
assert.match(good.ts, /export type Pair = \[string, number\];/);
assert.match(good.ts, /export const sockets = \{\n {2}openLive: "\/live",/);

// The body's schema as the C compiler would read it: self-contained, and nothing else in it.
const literal = /\.operation = "putNode",[\s\S]*?\.body_schema = ([\s\S]*?),\n {4}\.body_media/.exec(good.c)[1];
const parts = [...literal.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1]).join("");
const bytes = parts.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8))).replace(/\\(["\\?])/g, "$1");
const schema = JSON.parse(Buffer.from(bytes, "latin1").toString("utf8"));
assert.deepEqual(Object.keys(schema.$defs).sort(), ["Label", "Node"]);
assert.equal(schema.$ref, "#/$defs/Node");
assert.equal(schema.$defs.Node.properties.label.$ref, "#/$defs/Label");
assert.equal(schema.$defs.Label.pattern, schemas.Label.pattern);

// Types of this document and of both daemons', under the strictest compiler there is.
writeFileSync(
  join(dir, "use.ts"),
  `import { operations, type Node, type Operations } from "./test.ts";
const end: Node = { next: null };
const body: NonNullable<Operations["putNode"]["body"]> = { next: end, label: "x" };
// @ts-expect-error next is required
const wrong: Node = { label: "x" };
export const path: "/things/{id}" = operations.putNode.path;
export { body, wrong };
`,
);
const tsc = join(root, "node_modules/typescript/bin/tsc");
const files = [join(dir, "test.ts"), join(dir, "use.ts")];
for (const daemon of ["box", "hq"]) {
  const doc = join(root, `appliance/${daemon}/openapi.json`);
  if (!existsSync(doc)) continue;
  execFileSync(process.execPath, [generator, doc, daemon, join(dir, "x.c"), join(dir, "x.h"), join(dir, `${daemon}.ts`)], { stdio: "inherit" });
  files.push(join(dir, `${daemon}.ts`));
}
// Without the types of browsers that other packages bring along: they contradict the compiler's own.
execFileSync(process.execPath, [tsc, "--noEmit", "--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--allowImportingTsExtensions", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler", "--typeRoots", dir, ...files], { stdio: "inherit" });

console.log("ok");

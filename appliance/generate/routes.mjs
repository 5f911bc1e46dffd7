// routes.mjs DOC.json DAEMON OUT.c OUT.h [OUT.ts]
// From a daemon's OpenAPI 3.1 document: the C route table with self-contained body schemas, the
// handlers' prototypes, and the pages' TypeScript types. What the document leaves open is an error.
import { readFileSync, realpathSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const METHODS = ["get", "put", "post", "delete", "patch"];
const ACCESS = /^(public|citizen|staff|box|[a-z]+(,[a-z]+)*)$/;
const BODY_DEFAULT = 64 * 1024;

class DocumentError extends Error {}

function fail(where, what) {
  throw new DocumentError(`${where}: ${what}`);
}

export function resolve(doc, ref, where) {
  if (!ref.startsWith("#/")) fail(where, `only references within the document are possible: ${ref}`);
  let at = doc;
  for (const part of ref.slice(2).split("/")) {
    const key = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
    if (at === null || typeof at !== "object" || !Object.hasOwn(at, key)) fail(where, `unknown $ref ${ref}`);
    at = at[key];
  }
  return at;
}

function resolved(doc, value, where) {
  return value !== null && typeof value === "object" && typeof value.$ref === "string" ? resolve(doc, value.$ref, where) : value;
}

function walkRefs(value, visit) {
  if (Array.isArray(value)) value.forEach((item) => walkRefs(item, visit));
  else if (value !== null && typeof value === "object")
    for (const [key, item] of Object.entries(value)) {
      if (key === "$ref" && typeof item === "string") visit(item);
      else walkRefs(item, visit);
    }
}

// #/components/schemas/X -> #/$defs/X, with every schema that is reached brought along.
function selfContained(doc, schema, where) {
  const defs = {};
  const name = (ref) => {
    const match = /^#\/components\/schemas\/([^/]+)(\/.*)?$/.exec(ref);
    if (!match) fail(where, `a schema refers to something that is no schema: ${ref}`);
    return match;
  };
  const collect = (value) =>
    walkRefs(value, (ref) => {
      const [, key] = name(ref);
      resolve(doc, ref, where);
      if (key in defs) return;
      defs[key] = doc.components.schemas[key];
      collect(defs[key]);
    });
  collect(schema);
  const rewrite = (value) => {
    if (Array.isArray(value)) return value.map(rewrite);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => {
        if (key !== "$ref" || typeof item !== "string") return [key, rewrite(item)];
        const [, target, rest] = name(item);
        return [key, `#/$defs/${target}${rest ?? ""}`];
      }),
    );
  };
  const body = rewrite(schema);
  return Object.keys(defs).length === 0 ? body : { ...body, $defs: rewrite(defs) };
}

function readParameters(doc, path, item, operation, where) {
  const all = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((one) => resolved(doc, one, where));
  const inPath = [...path.matchAll(/\{([^}]*)\}/g)].map((match) => match[1]);
  for (const name of inPath) {
    if (!/^[A-Za-z][A-Za-z0-9]*$/.test(name)) fail(where, `bad parameter name {${name}}`);
    if (!all.some((one) => one.in === "path" && one.name === name)) fail(where, `path parameter {${name}} is not declared`);
  }
  for (const one of all) {
    if (one.in === "path" && !inPath.includes(one.name)) fail(where, `parameter ${one.name} is not in the path`);
    if (!one.schema) fail(where, `parameter ${one.name} has no schema`);
  }
  return all;
}

function readBody(doc, operation, where) {
  const body = resolved(doc, operation.requestBody, where);
  if (body === undefined) return null;
  const entries = Object.entries(body.content ?? {});
  if (entries.length !== 1) fail(where, "a request body needs exactly one media type");
  const [media, content] = entries[0];
  if (media === "application/json" && !content.schema) fail(where, "a JSON body needs a schema");
  return {
    media,
    required: body.required === true,
    schema: media === "application/json" ? content.schema : null,
    max: operation["x-max-body"] ?? BODY_DEFAULT,
  };
}

function readReplies(doc, operation, where) {
  const replies = Object.entries(operation.responses ?? {});
  if (replies.length === 0) fail(where, "no response declared");
  const good = replies.filter(([status]) => /^([123]\d\d|[123]XX)$/.test(status));
  if (good.length === 0) fail(where, "no successful response declared");
  return good.map(([status, reply]) => ({ status, content: resolved(doc, reply, where).content ?? {} }));
}

export function readOperations(doc) {
  if (!/^3\.1\./.test(doc.openapi ?? "")) fail("document", "not OpenAPI 3.1");
  walkRefs(doc, (ref) => resolve(doc, ref, "document"));
  const found = [];
  const seen = new Map();
  for (const [path, item] of Object.entries(doc.paths ?? {})) {
    if (!path.startsWith("/")) fail(path, "a path starts with /");
    for (const method of Object.keys(item)) {
      if (["parameters", "summary", "description"].includes(method)) continue;
      const where = `${method.toUpperCase()} ${path}`;
      if (!METHODS.includes(method)) fail(where, "not a method that is served");
      const operation = item[method];
      const id = operation.operationId;
      if (!/^[a-z][A-Za-z0-9]*$/.test(id ?? "")) fail(where, "no operationId in camelCase");
      if (seen.has(id)) fail(where, `operationId ${id} is used by ${seen.get(id)} too`);
      seen.set(id, where);
      const access = operation["x-access"];
      if (typeof access !== "string" || !ACCESS.test(access)) fail(where, "no valid x-access");
      const socket = operation["x-websocket"] === true;
      if (socket && method !== "get") fail(where, "a WebSocket starts with GET");
      const max = operation["x-max-body"];
      if (max !== undefined && !(Number.isSafeInteger(max) && max > 0)) fail(where, "x-max-body is not a number of bytes");
      const body = readBody(doc, operation, where);
      if (body !== null && method === "get") fail(where, "GET has no body");
      found.push({
        id, method: method.toUpperCase(), path, access, socket, body,
        listener: operation["x-listener"] ?? "people",
        parameters: readParameters(doc, path, item, operation, where),
        replies: readReplies(doc, operation, where),
      });
    }
  }
  return found;
}

const snake = (id) => id.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

// A C string literal; long ones are cut into lines, because compilers limit a line's comfort.
function literal(text) {
  const parts = [];
  for (let at = 0; at < text.length; at += 96) parts.push(text.slice(at, at + 96));
  const escape = (part) =>
    [...Buffer.from(part, "utf8")]
      .map((byte) => {
        if (byte === 0x22) return '\\"';
        if (byte === 0x5c) return "\\\\";
        if (byte === 0x3f) return "\\?";
        return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`;
      })
      .join("");
  return (parts.length === 0 ? [""] : parts).map((part) => `"${escape(part)}"`).join("\n      ");
}

export function cSource(doc, daemon, operations, headerName) {
  const rows = operations.map((one) => {
    const schema = one.body?.schema ? literal(JSON.stringify(selfContained(doc, one.body.schema, one.id))) : "NULL";
    const media = one.body ? literal(one.body.media) : "NULL";
    return `  {
    .method = "${one.method}",
    .path = ${literal(one.path)},
    .operation = "${one.id}",
    .access = "${one.access}",
    .listener = "${one.listener}",
    .body_schema = ${schema},
    .body_media = ${media},
    .body_max = ${one.body ? one.body.max : 0},
    .body_optional = ${one.body !== null && !one.body.required},
    .socket = ${one.socket},
    .handler = ablak_${daemon}_${snake(one.id)},
  },`;
  });
  return `/* Generated from the ${daemon}'s openapi.json by appliance/generate/routes.mjs. */
#include "${headerName}"

static const AblakRoute routes[] = {
${rows.join("\n")}
  {.method = NULL},
};

static const char openapi[] =
      ${literal(JSON.stringify(doc))};

const AblakRouteTable ablak_${daemon}_route_table = {.routes = routes, .openapi = openapi};
`;
}

export function cHeader(daemon, operations) {
  const handlers = operations.map((one) => `void ablak_${daemon}_${snake(one.id)}(AblakRequest *request, gpointer app); /* ${one.method} ${one.path} */`);
  return `/* Generated from the ${daemon}'s openapi.json by appliance/generate/routes.mjs. */
#pragma once
#include "http/http.h"

extern const AblakRouteTable ablak_${daemon}_route_table;

${handlers.join("\n")}
`;
}

// --- TypeScript ---------------------------------------------------------------------------------

const property = (name) => (/^[A-Za-z_$][A-Za-z0-9_$]*$/.test(name) ? name : JSON.stringify(name));

function typeOfObject(schema, depth) {
  const required = new Set(schema.required ?? []);
  const indent = "  ".repeat(depth + 1);
  const lines = Object.entries(schema.properties ?? {}).map(([name, value]) => {
    const note = typeof value?.description === "string" ? `${indent}/** ${value.description.replaceAll("*/", "* /").replace(/\s+/g, " ")} */\n` : "";
    return `${note}${indent}${property(name)}${required.has(name) ? "" : "?"}: ${typeOf(value, depth + 1)};`;
  });
  const extra = schema.additionalProperties;
  if (lines.length === 0) {
    if (extra === false) return "Record<string, never>";
    return `Record<string, ${extra !== null && typeof extra === "object" ? typeOf(extra, depth) : "unknown"}>`;
  }
  const known = `{\n${lines.join("\n")}\n${"  ".repeat(depth)}}`;
  return extra !== null && typeof extra === "object" ? `${known} & Record<string, unknown>` : known;
}

export function typeOf(schema, depth = 0) {
  if (schema === true || schema === undefined) return "unknown";
  if (schema === false) return "never";
  if (typeof schema.$ref === "string") return schema.$ref.split("/").at(-1);
  if ("const" in schema) return JSON.stringify(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const union = schema.oneOf ?? schema.anyOf;
  if (union) {
    const alternatives = [...new Set(union.map((one) => typeOf(one, depth)))].join(" | ");
    const { oneOf, anyOf, ...rest } = schema;
    return rest.properties ? `${typeOfObject(rest, depth)} & (${alternatives})` : alternatives;
  }
  if (schema.allOf) {
    const { allOf, ...rest } = schema;
    const parts = allOf.map((one) => typeOf(one, depth));
    if (rest.properties) parts.push(typeOfObject(rest, depth));
    return parts.map((part) => (part.includes(" | ") ? `(${part})` : part)).join(" & ");
  }
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type }, depth)).join(" | ");
  switch (schema.type) {
    case "string":
      return "string";
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "null":
      return "null";
    case "array": {
      if (schema.prefixItems) return `[${schema.prefixItems.map((item) => typeOf(item, depth)).join(", ")}${schema.items === false ? "" : `, ...${typeOf(schema.items, depth)}[]`}]`;
      const item = typeOf(schema.items, depth);
      return /[|&{ ]/.test(item) ? `Array<${item}>` : `${item}[]`;
    }
    default:
      return schema.type === "object" || schema.properties ? typeOfObject(schema, depth) : "unknown";
  }
}

function operationType(doc, one) {
  const named = (place) => one.parameters.filter((parameter) => parameter.in === place);
  const record = (list) =>
    list.length === 0 ? "Record<string, never>" : `{ ${list.map((item) => `${property(item.name)}${item.in === "path" || item.required ? "" : "?"}: ${typeOf(item.schema, 2)}`).join("; ")} }`;
  const bodyType = one.body === null ? "undefined" : one.body.schema ? typeOf(one.body.schema, 2) : "Blob";
  const replies = one.replies.map(({ content }) => {
    const json = content["application/json"];
    if (json) return typeOf(json.schema, 2);
    return Object.keys(content).length > 0 ? "Blob" : "undefined";
  });
  const body = one.body !== null && !one.body.required ? `${bodyType} | undefined` : bodyType;
  return `  ${one.id}: {
    method: "${one.method}";
    path: ${JSON.stringify(one.path)};
    params: ${record(named("path"))};
    query: ${record(named("query"))};
    body: ${body};
    response: ${[...new Set(replies)].join(" | ")};
  };`;
}

export function typeScript(doc, daemon, operations) {
  const schemas = Object.entries(doc.components?.schemas ?? {}).map(([name, schema]) => {
    if (!/^[A-Z][A-Za-z0-9]*$/.test(name)) fail(name, "a schema's name is in PascalCase");
    const note = typeof schema.description === "string" ? `/** ${schema.description.replaceAll("*/", "* /").replace(/\s+/g, " ")} */\n` : "";
    return `${note}export type ${name} = ${typeOf(schema)};`;
  });
  const requests = operations.filter((one) => !one.socket);
  const sockets = operations.filter((one) => one.socket);
  return `// Generated from the ${daemon}'s openapi.json by appliance/generate/routes.mjs.

${schemas.join("\n\n")}

export interface Operations {
${requests.map((one) => operationType(doc, one)).join("\n")}
}

/** What a request needs at run time. */
export const operations = {
${requests.map((one) => `  ${one.id}: { method: "${one.method}", path: ${JSON.stringify(one.path)} },`).join("\n")}
} as const satisfies { [Id in keyof Operations]: Pick<Operations[Id], "method" | "path"> };

/** Paths of the WebSockets. */
export const sockets = {
${sockets.map((one) => `  ${one.id}: ${JSON.stringify(one.path)},`).join("\n")}
} as const;
`;
}

function main([docFile, daemon, cFile, hFile, tsFile]) {
  if (hFile === undefined || !/^[a-z]+$/.test(daemon)) {
    console.error("usage: routes.mjs DOC.json DAEMON OUT.c OUT.h [OUT.ts]");
    return 2;
  }
  try {
    const doc = JSON.parse(readFileSync(docFile, "utf8"));
    const operations = readOperations(doc);
    const outputs = [
      [cFile, cSource(doc, daemon, operations, hFile.split("/").at(-1))],
      [hFile, cHeader(daemon, operations)],
    ];
    if (tsFile !== undefined) outputs.push([tsFile, typeScript(doc, daemon, operations)]);
    for (const [file, text] of outputs) writeFileSync(file, text);
  } catch (error) {
    if (!(error instanceof DocumentError || error instanceof SyntaxError)) throw error;
    console.error(`${docFile}: ${error.message}`);
    return 1;
  }
  return 0;
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.slice(2));

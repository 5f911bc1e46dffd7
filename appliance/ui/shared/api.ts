// Calls by operation id, typed from the daemon's OpenAPI document; problem documents as errors.
import type { Problem } from "../generated/box-api";
import { language, t } from "./i18n";

export class ProblemError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail ?? problem.title);
    this.problem = problem;
  }
  get status(): number {
    return this.problem.status;
  }
}

/** What to tell a person about any error. */
/** Titles are headings by themselves; on a page another sentence may follow. */
const asSentence = (title: string) => (/[.!?…]$/.test(title) ? title : `${title}.`);

export function errorText(error: unknown): string {
  return error instanceof ProblemError ? asSentence(error.problem.title) : t("ui.error.network");
}

interface Operation {
  method: string;
  path: string;
  params: object;
  query: object;
  body: unknown;
  response: unknown;
}
type None = Record<string, never>;
type Arguments<O extends Operation> = (O["params"] extends None ? unknown : { params: O["params"] }) &
  (O["query"] extends None ? unknown : { query: O["query"] }) &
  (O["body"] extends undefined ? unknown : { body: O["body"] }) & { signal?: AbortSignal };
type Rest<O extends Operation> = object extends Arguments<O> ? [given?: Arguments<O>] : [given: Arguments<O>];
interface Given {
  params?: Record<string, string>;
  query?: Record<string, string>;
  body?: unknown;
  signal?: AbortSignal;
}

// One browser may be signed in as a clerk and have joined as a citizen; the citizen's page says
// which of the two it is.
let role: "citizen" | "guest" | null = null;
export function actAsCitizen(): void {
  role = "citizen";
}
export function actAsGuest(): void {
  role = "guest";
}
/** "as=citizen" for addresses that cannot carry a header: WebSockets and links. */
export function roleQuery(): Record<string, string> {
  return role ? { as: role } : {};
}

export function client<Operations extends { [Id in keyof Operations]: Operation }>(operations: {
  readonly [Id in keyof Operations]: { readonly method: string; readonly path: string };
}) {
  return async <Id extends keyof Operations>(id: Id, ...[given]: Rest<Operations[Id]>): Promise<Operations[Id]["response"]> => {
    const { method, path } = operations[id];
    return (await send(method, path, (given ?? {}) as Given)) as Operations[Id]["response"];
  };
}

async function send(method: string, path: string, { params, query, body, signal }: Given): Promise<unknown> {
  const headers: Record<string, string> = { Accept: "application/json, application/problem+json", "Accept-Language": language.value };
  const init: RequestInit = { method, headers, credentials: "same-origin", cache: "no-store" };
  if (role) headers["Ablak-As"] = role;
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  if (signal) init.signal = signal;
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params?.[name] ?? ""));
  const search = query ? `?${new URLSearchParams(query)}` : "";
  const response = await fetch(filled + search, init);
  if (response.ok) return response.status === 204 ? undefined : response.json();
  const problem = (await response.json().catch(() => null)) as Problem | null;
  throw new ProblemError(problem ?? { type: "about:blank", title: t("ui.error.status", { status: response.status }), status: response.status });
}

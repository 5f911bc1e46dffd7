// The box's interface: one function a verb, problem documents as errors.
import type { Problem } from "../generated/box-api";
import { language, t } from "./i18n";

export class ProblemError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail ?? problem.title);
    this.problem = problem;
  }
  /** "queue/nobody-waiting" of ".../problems/queue/nobody-waiting". */
  get slug(): string {
    return problemSlug(this.problem.type);
  }
  get status(): number {
    return this.problem.status;
  }
}

export function problemSlug(type: string): string {
  const match = /([a-z0-9-]+\/[a-z0-9-]+)$/.exec(type);
  return match?.[1] ?? type;
}

/** What to tell a person about any error. */
export function errorText(error: unknown): string {
  if (error instanceof ProblemError) return error.problem.detail ? `${error.problem.title} ${error.problem.detail}` : error.problem.title;
  return t("ui.error.network");
}

async function request<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json, application/problem+json", "Accept-Language": language.value };
  const init: RequestInit = { method, headers, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  if (signal) init.signal = signal;
  const response = await fetch(path, init);
  if (response.ok) return (response.status === 204 ? undefined : await response.json()) as T;
  const problem = (await response.json().catch(() => null)) as Problem | null;
  throw new ProblemError(problem ?? { type: "about:blank", title: t("ui.error.status", { status: response.status }), status: response.status });
}

export const api = {
  get: <T>(path: string, signal?: AbortSignal) => request<T>("GET", path, undefined, signal),
  post: <T>(path: string, body?: unknown) => request<T>("POST", path, body),
  put: <T>(path: string, body: unknown) => request<T>("PUT", path, body),
  delete: (path: string) => request<void>("DELETE", path),
};

export const segment = encodeURIComponent;

// The citizen's way into a visit: a secret or a code, a cookie, or the token to come back.
import { ProblemError } from "../shared/api";
import { box } from "../shared/box";
import { takeFragment } from "../shared/code";
import type { Place, Visit } from "../generated/box-api";
import { language } from "../shared/i18n";

const TOKEN = "ablak-resume";

function token(value?: string | null): string | null {
  try {
    if (value === null) localStorage.removeItem(TOKEN);
    else if (value !== undefined) localStorage.setItem(TOKEN, value);
    return localStorage.getItem(TOKEN);
  } catch {
    return null;
  }
}

export function takeSecret(): { secret: string } | { code: string } | null {
  const value = takeFragment();
  if (!value) return null;
  return /^\d{8}$/.test(value) ? { code: value } : { secret: value };
}

export async function redeem(what: { secret: string } | { code: string }): Promise<void> {
  const joined = await box("join", { body: { ...what, language: language.value } });
  token(joined.resumeToken);
}

/** A visit, or a place in the line for one that is not there yet. */
export type Stay = { visit: Visit } | { place: Place };

async function ownStay(): Promise<Stay> {
  try {
    return { visit: await box("getVisit") };
  } catch (error) {
    if (!(error instanceof ProblemError) || error.status !== 404) throw error;
  }
  return { place: await box("getPlace") };
}

/** Where this browser already belongs, or null. */
export async function currentStay(): Promise<Stay | null> {
  try {
    return await ownStay();
  } catch (error) {
    if (!(error instanceof ProblemError) || error.status >= 500 || error.status === 429) throw error;
  }
  const resume = token();
  if (!resume) return null;
  try {
    const joined = await box("resumeJoin", { body: { token: resume } });
    token(joined.resumeToken);
    return await ownStay();
  } catch (error) {
    if (!(error instanceof ProblemError) || error.status >= 500 || error.status === 429) throw error;
    token(null);
    return null;
  }
}

export async function leave(): Promise<void> {
  token(null);
  await box("leaveVisit");
}

export function forget(): void {
  token(null);
}

const IN_CALL = "ablak-in-call";
export function rememberCall(on?: boolean): boolean {
  try {
    if (on !== undefined) sessionStorage.setItem(IN_CALL, on ? "1" : "0");
    return sessionStorage.getItem(IN_CALL) === "1";
  } catch {
    return false;
  }
}

// The citizen's way into a visit: a secret or a code, a cookie, or the token to come back.
import { ProblemError } from "../shared/api";
import { box } from "../shared/box";
import { takeFragment } from "../shared/code";
import type { Place, Visit } from "../generated/box-api";
import { language } from "../shared/i18n";

const TOKEN = "ablak-resume";
/** The link or code that led here: used up, so it opens nothing any more. */
const WAY = "ablak-way";

function stored(key: string, value?: string | null): string | null {
  try {
    if (value === null) localStorage.removeItem(key);
    else if (value !== undefined) localStorage.setItem(key, value);
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function takeSecret(): Way | null {
  const value = takeFragment();
  if (!value) return null;
  return /^\d{8}$/.test(value) ? { code: value } : { secret: value };
}

export type Way = { secret: string } | { code: string };
const wordOf = (way: Way) => ("secret" in way ? way.secret : way.code);

export async function redeem(way: Way): Promise<void> {
  const joined = await box("join", { body: { ...way, language: language.value } });
  stored(TOKEN, joined.resumeToken);
  stored(WAY, wordOf(way));
}

/** Who opens the link in their mail again, however late, means to come back to where they are. */
export const cameBy = (way: Way): boolean => stored(WAY) === wordOf(way);

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
  const resume = stored(TOKEN);
  if (!resume) return null;
  try {
    const joined = await box("resumeJoin", { body: { token: resume } });
    stored(TOKEN, joined.resumeToken);
    return await ownStay();
  } catch (error) {
    if (!(error instanceof ProblemError) || error.status >= 500 || error.status === 429) throw error;
    forget();
    return null;
  }
}

export async function leave(): Promise<void> {
  forget();
  await box("leaveVisit");
}

export function forget(): void {
  stored(TOKEN, null);
  stored(WAY, null);
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

// A recording's table of contents (video/recorder/files.h): its parts, and the form's changes.
import { FormStory } from "./form-story";

export type Party = "citizen" | "clerk";
export interface Part {
  number: number;
  party: Party;
  media: string;
  fromMs: number;
  /** Infinity: the recorder was cut off, and nobody wrote when. */
  toMs: number;
  /** Where in the file a player may begin for which moment. */
  entries: { atMs: number; offset: number }[];
}
export interface Contents {
  /** The timeline's zero, by the box's clock. */
  beganAt: number;
  parts: Part[];
  form: FormStory;
  lengthMs: number;
  /** Packets that never came. */
  missed: number;
}

interface Line {
  type: string;
  t: number;
  at?: number;
  part?: number;
  party?: Party;
  media?: string;
  offset?: number;
  message?: string;
  packets?: number;
}

function bytesOf(text: string): Uint8Array {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

/** What the recorder wrote after the last line that it had sent off (FLUSH_MS of its main.c). */
const UNTOLD_MS = 5000;

export function readContents(text: string): Contents {
  const parts = new Map<number, Part>();
  const form = new FormStory();
  const missed = new Map<string, number>();
  let lengthMs = 0;
  let beganAt = 0;
  // What follows the last line's end is half a line of a recorder that was cut off.
  for (const line of text.split("\n").slice(0, -1)) {
    if (!line) continue;
    const entry = JSON.parse(line) as Line;
    const part = entry.part === undefined ? undefined : parts.get(entry.part);
    lengthMs = Math.max(lengthMs, entry.t);
    if (entry.type === "begin") beganAt = entry.at ?? 0;
    else if (entry.type === "part" && entry.part !== undefined && entry.party && entry.media)
      parts.set(entry.part, { number: entry.part, party: entry.party, media: entry.media, fromMs: entry.t, toMs: Infinity, entries: [] });
    else if (entry.type === "cluster" && part && entry.offset !== undefined) part.entries.push({ atMs: entry.t, offset: entry.offset });
    else if (entry.type === "end" && part) part.toMs = entry.t;
    else if (entry.type === "edit" && entry.message) form.take(entry.t, bytesOf(entry.message));
    else if (entry.type === "missed" && entry.party) missed.set(entry.party, entry.packets ?? 0);
  }
  if ([...parts.values()].some(({ toMs }) => toMs === Infinity)) lengthMs += UNTOLD_MS;
  return { beganAt, parts: [...parts.values()], form, lengthMs, missed: [...missed.values()].reduce((sum, count) => sum + count, 0) };
}

/** The first moment of which there is anything to see or hear. */
export function firstMoment({ parts }: Contents): number {
  return parts.length > 0 ? Math.min(...parts.map(({ fromMs }) => fromMs)) : 0;
}

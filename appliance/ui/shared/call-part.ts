// What the pages of a call tell each other about their part in it: whether they are in, whether
// camera and microphone are on, and what their line can take. A picture that stays black says none
// of this.
import { signal, type Signal } from "@preact/signals";
import type { GuestRole } from "../generated/box-api";
import type { DeviceState } from "./devices";
import { onceKey } from "./hooks";
import type { Step } from "./line-ladder";
import type { Live } from "./live";

/** "paused": the camera is on, but its picture is not sent because a line is too weak for it. */
export type CameraWord = DeviceState | "paused";

export type Side = "citizen" | "clerk" | "guest";

/** A guest, as the box knows them: what they are there for, and the name they gave themselves. */
export interface GuestWord {
  id: string;
  role: GuestRole;
  name: string;
}

export interface Part {
  from: Side;
  /** As offers label this person's pictures. */
  label: string;
  /** Of guests. */
  guest?: GuestWord;
  inCall: boolean;
  camera: CameraWord;
  microphone: DeviceState;
  wants: Step;
  /** A second picture is shown. */
  screen: "on" | "off";
}

/** What a page says itself; the box adds who says it. */
export type OwnPart = Omit<Part, "from" | "label" | "guest">;

const WORDS: readonly string[] = ["on", "off", "none", "denied", "paused"];
const STEPS: readonly string[] = ["video", "sign", "audio", "text"];
const ROLES: readonly string[] = ["sign", "interpreter", "colleague"];

export const sideOf = (data: Record<string, unknown>): Side => (data["from"] === "clerk" || data["from"] === "guest" ? data["from"] : "citizen");

/** What a message says of the guest whose page it is from. */
export function guestOf(data: Record<string, unknown>): { guest?: GuestWord } {
  if (sideOf(data) !== "guest") return {};
  const role = ROLES.includes(String(data["role"])) ? (data["role"] as GuestRole) : "colleague";
  return { guest: { id: String(data["guest"] ?? ""), role, name: String(data["name"] ?? "") } };
}

const SUPERVISOR = "supervisor-";
/** Somebody of the office who is not the visit's clerk. */
export const isSupervisor = (label: string): boolean => label.startsWith(SUPERVISOR);

export function readPart(data: Record<string, unknown>): Part {
  const word = (value: unknown) => (WORDS.includes(String(value)) ? String(value) : "off");
  return {
    from: sideOf(data),
    label: String(data["label"] ?? ""),
    ...guestOf(data),
    inCall: data["inCall"] === true,
    camera: word(data["camera"]) as CameraWord,
    microphone: word(data["microphone"]) as DeviceState,
    wants: (STEPS.includes(String(data["wants"])) ? data["wants"] : "video") as Step,
    screen: data["screen"] === "on" ? "on" : "off",
  };
}

export class Parts {
  /** The other pages that are in the call, by the names they gave themselves. */
  readonly others: Signal<readonly Part[]> = signal([]);
  readonly page = onceKey();
  readonly #known = new Map<string, Part>();
  readonly #off: (() => void)[];
  #own: OwnPart | null = null;

  constructor(readonly live: Live, readonly topic: string, changed: () => void) {
    this.#off = [
      live.on("message", ({ topic: from, kind, data }) => {
        if (from !== topic) return;
        if (kind === "call.part") this.#hear(String(data["page"] ?? ""), readPart(data));
        else if (kind === "presence") this.#presence(data);
        else return;
        changed();
      }),
    ];
  }

  tell(own: OwnPart): void {
    if (JSON.stringify(own) === JSON.stringify(this.#own)) return;
    this.#own = own;
    this.#send();
  }

  #send(): void {
    if (this.#own) this.live.send(this.topic, "call.part", { page: this.page, ...this.#own });
  }

  #hear(page: string, part: Part): void {
    if (part.inCall) this.#known.set(page, part);
    else this.#known.delete(page);
    this.#publish();
  }

  /** Somebody came or went: a newcomer has heard nothing yet, and who has gone is in no call. */
  #presence(data: Record<string, unknown>): void {
    const among = (name: string, id: string) => Array.isArray(data[name]) && data[name].includes(id);
    const isHere = ({ from, label, guest }: Part) => (guest ? among("guests", guest.id) : isSupervisor(label) ? among("supervisors", label.slice(SUPERVISOR.length)) : data[from] !== 0);
    for (const [page, part] of this.#known) if (!isHere(part)) this.#known.delete(page);
    this.#publish();
    this.#send();
  }

  #publish(): void {
    this.others.value = [...this.#known.values()];
  }

  destroy(): void {
    for (const off of this.#off) off();
  }
}

// What the pages of a call tell each other about their part in it: whether they are in, whether
// camera and microphone are on, and what their line can take. A picture that stays black says none
// of this.
import { signal, type Signal } from "@preact/signals";
import type { DeviceState } from "./devices";
import { onceKey } from "./hooks";
import type { Step } from "./line-ladder";
import type { Live } from "./live";

/** "paused": the camera is on, but its picture is not sent because a line is too weak for it. */
export type CameraWord = DeviceState | "paused";

export interface Part {
  from: "citizen" | "clerk";
  inCall: boolean;
  camera: CameraWord;
  microphone: DeviceState;
  wants: Step;
}

const WORDS: readonly string[] = ["on", "off", "none", "denied", "paused"];
const STEPS: readonly string[] = ["video", "audio", "text"];

export function readPart(data: Record<string, unknown>): Part {
  const word = (value: unknown) => (WORDS.includes(String(value)) ? String(value) : "off");
  return {
    from: data["from"] === "clerk" ? "clerk" : "citizen",
    inCall: data["inCall"] === true,
    camera: word(data["camera"]) as CameraWord,
    microphone: word(data["microphone"]) as DeviceState,
    wants: (STEPS.includes(String(data["wants"])) ? data["wants"] : "video") as Step,
  };
}

export class Parts {
  /** The other pages that are in the call, by the names they gave themselves. */
  readonly others: Signal<readonly Part[]> = signal([]);
  readonly page = onceKey();
  readonly #known = new Map<string, Part>();
  readonly #off: (() => void)[];
  #own: Omit<Part, "from"> | null = null;

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

  tell(own: Omit<Part, "from">): void {
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
    for (const [page, part] of this.#known) if (data[part.from] === 0) this.#known.delete(page);
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

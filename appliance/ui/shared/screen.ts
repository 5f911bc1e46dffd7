// What a person shows beside their own picture: a screen, or a camera that looks at a document.
// Letters count, not movement: few pictures a second, each of them sharp.
import { signal, type Signal } from "@preact/signals";

export type Showing = "screen" | "document";
/** "refused": the browser or its user does not allow it, or there is nothing to show. */
export type ShowState = Showing | "off" | "refused";

/** Enough for turning pages; a line then keeps room for faces and voices. */
export const SCREEN_FRAMES = 5;

export const canShareScreen = (): boolean => typeof (navigator.mediaDevices as MediaDevices | undefined)?.getDisplayMedia === "function";

function ask(what: Showing, camera?: string): Promise<MediaStream> {
  const frameRate = { ideal: SCREEN_FRAMES, max: 15 };
  if (what === "screen") return navigator.mediaDevices.getDisplayMedia({ video: { frameRate }, audio: false });
  return navigator.mediaDevices.getUserMedia({ video: { ...(camera ? { deviceId: { exact: camera } } : {}), width: { ideal: 1920 }, height: { ideal: 1080 }, frameRate } });
}

export class Screen {
  readonly state: Signal<ShowState> = signal("off");
  #track: MediaStreamTrack | null = null;
  #turn = 0;

  /** Called whenever another track, or none, is to be sent. */
  constructor(readonly changed: () => void) {}

  get track(): MediaStreamTrack | null {
    return this.#track;
  }

  async start(what: Showing, camera?: string): Promise<void> {
    const turn = ++this.#turn;
    try {
      const [track] = (await ask(what, camera)).getVideoTracks();
      if (turn !== this.#turn) track?.stop();
      else if (track) this.#take(what, track);
    } catch {
      if (turn === this.#turn && !this.#track) this.#set("refused");
    }
  }

  stop(): void {
    this.#turn++;
    this.#track?.stop();
    this.#track = null;
    this.#set("off");
  }

  #take(what: Showing, track: MediaStreamTrack): void {
    this.#track?.stop();
    this.#track = track;
    track.contentHint = "detail";
    // The browser's own bar, a closed window, a camera that was pulled out.
    track.onended = () => {
      if (this.#track === track) this.stop();
    };
    this.#set(what);
  }

  #set(state: ShowState): void {
    this.state.value = state;
    this.changed();
  }
}

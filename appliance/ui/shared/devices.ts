// Camera, microphone and speaker of this browser. Off means off: a camera that is turned off is
// stopped, so that its lamp goes out, and opened again when it is wanted.
import { signal, type Signal } from "@preact/signals";

export type Kind = "audio" | "video";
/** "none": there is no such device; "denied": the browser or its user does not allow it. */
export type DeviceState = "on" | "off" | "none" | "denied";
export type Role = "camera" | "microphone" | "speaker";

const ROLE_OF: Record<MediaDeviceKind, Role> = { videoinput: "camera", audioinput: "microphone", audiooutput: "speaker" };
const STORAGE_KEY = "ablak-devices";

type Choices = Partial<Record<Role, string>>;

export function rememberedDevices(): Choices {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? "{}");
    return typeof found === "object" && found !== null ? (found as Choices) : {};
  } catch {
    return {};
  }
}

function rememberDevice(role: Role, id: string): void {
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify({ ...rememberedDevices(), [role]: id }));
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
}

export interface Device {
  id: string;
  name: string;
}

/** What there is to choose from; names are empty before the browser has been allowed to look. */
export async function listDevices(): Promise<Record<Role, Device[]>> {
  const all: Record<Role, Device[]> = { camera: [], microphone: [], speaker: [] };
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  for (const { kind, deviceId, label } of (await devices?.enumerateDevices()) ?? []) if (deviceId) all[ROLE_OF[kind]].push({ id: deviceId, name: label });
  return all;
}

/** The chosen device and no other, when there is a choice and `exact` asks for it. */
function constraints(kind: Kind, exact: boolean): MediaStreamConstraints {
  const chosen = rememberedDevices()[kind === "video" ? "camera" : "microphone"];
  const device = chosen && exact ? { deviceId: { exact: chosen } } : {};
  if (kind === "audio") return { audio: { ...device, echoCancellation: true, noiseSuppression: true, autoGainControl: true } };
  return { video: { ...device, width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 25 } } };
}

async function ask(wish: MediaStreamConstraints): Promise<MediaStreamTrack[]> {
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (!devices) throw new DOMException("no devices", "NotFoundError");
  return (await devices.getUserMedia(wish)).getTracks();
}

const refusal = (error: unknown): DeviceState => (error instanceof DOMException && error.name === "NotAllowedError" ? "denied" : "none");

export class Devices {
  /** What the page itself shows; a new stream whenever a track comes or goes. */
  readonly local: Signal<MediaStream | null> = signal(null);
  readonly camera: Signal<DeviceState> = signal("off");
  readonly microphone: Signal<DeviceState> = signal("off");
  readonly speaker: Signal<string> = signal(rememberedDevices().speaker ?? "");
  #tracks: Partial<Record<Kind, MediaStreamTrack>> = {};
  #turn = 0;

  /** Called whenever another track, or none, is to be sent. */
  constructor(readonly changed: () => void = () => undefined) {}

  track(kind: Kind): MediaStreamTrack | null {
    return this.#tracks[kind] ?? null;
  }

  /** Asks once for both, so that the browser asks its user once; a broken camera must not cost the sound. */
  async open(wish: { audio: boolean; video: boolean }): Promise<void> {
    const turn = ++this.#turn;
    const wanted = (["audio", "video"] as const).filter((kind) => wish[kind]);
    if (wanted.length === 2)
      try {
        const tracks = await ask({ ...constraints("audio", true), ...constraints("video", true) });
        for (const track of tracks) this.#take(turn, track.kind as Kind, track);
        return;
      } catch {
        // One of them is missing or refused: each by itself tells which.
      }
    for (const kind of wanted) await this.#openOne(kind, turn);
  }

  close(): void {
    this.#turn++;
    for (const kind of ["audio", "video"] as const) this.#drop(kind, "off");
  }

  async setCamera(on: boolean): Promise<void> {
    if (on) await this.#openOne("video", ++this.#turn);
    else {
      this.#turn++;
      this.#drop("video", "off");
    }
  }

  /** The microphone stays open while it is muted, or its first words after that would be lost. */
  async setMicrophone(on: boolean): Promise<void> {
    const track = this.#tracks.audio;
    if (!track) {
      if (on) await this.#openOne("audio", ++this.#turn);
      return;
    }
    track.enabled = on;
    this.microphone.value = on ? "on" : "off";
    this.changed();
  }

  async choose(role: Role, id: string): Promise<void> {
    rememberDevice(role, id);
    if (role === "speaker") this.speaker.value = id;
    else if (role === "camera" && this.#tracks.video) await this.#openOne("video", ++this.#turn);
    else if (role === "microphone" && this.#tracks.audio) await this.#openOne("audio", ++this.#turn);
  }

  async #openOne(kind: Kind, turn: number): Promise<void> {
    if (turn !== this.#turn) return;
    try {
      // The chosen one may be unplugged or in use: any other is better than none.
      const [track] = await ask(constraints(kind, true)).catch(() => ask(constraints(kind, false)));
      if (track) this.#take(turn, kind, track);
    } catch (error) {
      if (turn === this.#turn) this.#drop(kind, refusal(error));
    }
  }

  #take(turn: number, kind: Kind, track: MediaStreamTrack): void {
    // Closed or asked again meanwhile: a camera nobody wants any more must not stay on.
    if (turn !== this.#turn) {
      track.stop();
      return;
    }
    const muted = kind === "audio" && this.#tracks.audio?.enabled === false;
    this.#tracks[kind]?.stop();
    this.#tracks[kind] = track;
    track.enabled = !muted;
    track.onended = () => {
      if (this.#tracks[kind] === track) this.#drop(kind, "none");
    };
    this.#tell(kind, muted ? "off" : "on");
  }

  #drop(kind: Kind, state: DeviceState): void {
    this.#tracks[kind]?.stop();
    delete this.#tracks[kind];
    this.#tell(kind, state);
  }

  #tell(kind: Kind, state: DeviceState): void {
    (kind === "video" ? this.camera : this.microphone).value = state;
    const tracks = Object.values(this.#tracks);
    this.local.value = tracks.length > 0 ? new MediaStream(tracks) : null;
    this.changed();
  }
}

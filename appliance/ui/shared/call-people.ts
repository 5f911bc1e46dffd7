// Whom this page sees and hears, as the box's offers place them: the sections of a place carry a
// label that says whose they are, and two streams, the person's own and that of a screen.
import { signal, type Signal } from "@preact/signals";

export interface RemotePerson {
  /** "citizen", "clerk", or "guest-" or "supervisor-" and which; empty while nobody has come. */
  label: string;
  stream: MediaStream | null;
  screen: MediaStream | null;
}

const PLACES = [1, 2, 3] as const;
const streamOf = (place: number) => (place === 1 ? "remote" : `remote-${place}`);
const midOf = (place: number) => (place === 1 ? "audio" : `audio-${place}`);

/** The label of each place, from an offer. */
export function labelsOf(sdp: string): readonly string[] {
  const sections = sdp.split(/\r?\nm=/).slice(1);
  return PLACES.map((place) => {
    const section = sections.find((text) => text.split(/\r?\n/).includes(`a=mid:${midOf(place)}`));
    return /\na=label:(\S+)/.exec(section ?? "")?.[1] ?? "";
  });
}

export class RemotePeople {
  readonly people: Signal<readonly RemotePerson[]> = signal([]);
  readonly #streams = new Map<string, MediaStream>();
  #labels: readonly string[] = [];

  constructor(readonly changed: () => void) {}

  /** Something comes that can be seen or heard. */
  get heard(): boolean {
    return [...this.#streams.values()].some((stream) => stream.getTracks().some((track) => !track.muted));
  }

  offered(sdp: string): void {
    this.#labels = labelsOf(sdp);
    this.#publish();
  }

  add(stream: MediaStream, track: MediaStreamTrack): void {
    this.#streams.set(stream.id, stream);
    stream.onremovetrack = () => {
      if (stream.getTracks().length === 0 && this.#streams.get(stream.id) === stream) this.#streams.delete(stream.id);
      this.#publish();
    };
    track.onunmute = track.onmute = () => this.changed();
    this.#publish();
  }

  clear(): void {
    this.#streams.clear();
    this.#labels = [];
    this.#publish();
  }

  #publish(): void {
    const all = PLACES.map((place, at) => ({
      label: this.#labels[at] ?? "",
      stream: this.#streams.get(streamOf(place)) ?? null,
      screen: this.#streams.get(`${streamOf(place)}-screen`) ?? null,
    }));
    this.people.value = all.filter(({ label, stream }) => label !== "" || stream !== null);
    this.changed();
  }
}

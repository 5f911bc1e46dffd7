// What goes out through a connection's sections: whose track, and how the browser is to trade one
// quality for another when the line cannot carry all of them.
import { SCREEN_FRAMES } from "./screen";

export type Section = "audio" | "video" | "screen";
export const SECTIONS: readonly Section[] = ["audio", "video", "screen"];

export interface Sending {
  tracks: Record<Section, MediaStreamTrack | null>;
  /** Hands must be seen moving: this picture gives up sharpness and never its pace. */
  signs: boolean;
  /** Three or four in the call: what one can receive is divided among the others. */
  several: boolean;
}

/** At 640 x 480 still a good picture; three of them fit into an ordinary line. */
const SHARED_LINE_BPS = 600_000;

type Preference = "maintain-resolution" | "maintain-framerate";
type Parameters = RTCRtpSendParameters & { degradationPreference?: Preference | "balanced" };

function tuned(section: Section, { signs, several }: Sending): { encoding: Partial<RTCRtpEncodingParameters>; preference?: Preference } {
  if (section === "screen") return { encoding: { maxFramerate: SCREEN_FRAMES, priority: "low" }, preference: "maintain-resolution" };
  if (signs) return { encoding: { priority: "high" }, preference: "maintain-framerate" };
  return { encoding: several ? { maxBitrate: SHARED_LINE_BPS } : {} };
}

/** Before the first answer, and in browsers that know less, there is nothing to set. */
async function tune(sender: RTCRtpSender, section: Section, sending: Sending): Promise<void> {
  const parameters = sender.getParameters() as Parameters;
  const [first] = parameters.encodings ?? [];
  if (section === "audio" || !first) return;
  const { encoding, preference } = tuned(section, sending);
  if (first.maxBitrate === encoding.maxBitrate && (!preference || parameters.degradationPreference === preference)) return;
  delete first.maxBitrate;
  Object.assign(first, encoding);
  if (preference) parameters.degradationPreference = preference;
  await sender.setParameters(parameters).catch(() => undefined);
}

/** Puts the tracks on the transceivers that the offer made: those of the mids, or, for a browser that renames them, the first of each kind. */
export async function attach(peer: RTCPeerConnection, sending: Sending): Promise<void> {
  const transceivers = peer.getTransceivers();
  for (const section of SECTIONS) {
    const named = transceivers.find(({ mid }) => mid === section);
    const own = named ?? (section === "screen" ? undefined : transceivers.find(({ receiver }) => receiver.track.kind === section));
    if (!own || own.currentDirection === "stopped") continue;
    // Also without a track: turning the camera on later, or showing a screen, then needs no new offer.
    if (own.direction !== "sendrecv") own.direction = "sendrecv";
    const track = sending.tracks[section];
    if (track && section === "video") track.contentHint = sending.signs ? "motion" : "";
    if (own.sender.track !== track) await own.sender.replaceTrack(track);
    await tune(own.sender, section, sending);
  }
}

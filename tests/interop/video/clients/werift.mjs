// werift: WebRTC written in TypeScript alone.
import { openApart } from "./apart.mjs";

// Its DTLS client does not get over a datagram lost.
export const needsWholeHandshake = true;
export const gcm = true;
// It forwards what GStreamer makes, which does not say how loud it is.
export const tellsLevel = false;

export const open = () => openApart("werift-process.mjs");

// @roamhq/wrtc: libwebrtc in Node, of another age than the browsers' one.
import { openApart } from "./apart.mjs";

// It offers no AES-GCM, and there is no way to ask it to.
export const gcm = false;
export const tellsLevel = true;

export const open = () => openApart("wrtc-process.mjs");

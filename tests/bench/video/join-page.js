// What both systems' pages have in common: a camera that was granted before, and the clock from the
// moment the page has it to the first decoded frame of the other.
const video = document.querySelector("video");
const devices = navigator.mediaDevices;
const camera = devices.getUserMedia({ audio: true, video: { width: 640, height: 480, frameRate: 25 } });

// The browser's question is not measured: who asks again gets tracks of the same camera at once.
devices.getUserMedia = async () => {
  const stream = (await camera).clone();
  grantedAt = performance.now();
  return stream;
};
let grantedAt, seen;

/** Milliseconds from the granted camera to the first frame of what show() is given next. */
export async function firstFrame() {
  const frame = new Promise((resolve) => (seen = resolve));
  await camera;
  return (await frame) - grantedAt;
}

export function show(stream) {
  if (video.srcObject === stream) return;
  video.srcObject = stream;
  video.requestVideoFrameCallback(() => seen?.(performance.now()));
}

export function clear() {
  video.srcObject = null;
}

export async function cipher(peer) {
  for (const entry of (await peer.getStats()).values()) if (entry.type === "transport" && entry.srtpCipher) return entry.srtpCipher;
  return "none yet";
}

// What two browsers really get of each other in a call: frames by getStats, pictures by pixels.
import { until } from "../../house/house.mjs";
import { difference } from "../../interop/video/pattern.mjs";

const COLOUR_TOLERANCE = 32;
const FRAMES_MORE = 10;

/** The page's live connections by the browser's own count. */
export function received({ page }) {
  return page.evaluate(async () => {
    const sum = { frames: 0, audioPackets: 0, ciphers: [] };
    for (const peer of window.peersOfTest) {
      if (peer.connectionState !== "connected") continue;
      for (const entry of (await peer.getStats()).values()) {
        if (entry.type === "inbound-rtp" && entry.kind === "video") sum.frames += entry.framesDecoded ?? 0;
        if (entry.type === "inbound-rtp" && entry.kind === "audio") sum.audioPackets += entry.packetsReceived ?? 0;
        if (entry.type === "transport" && entry.srtpCipher) sum.ciphers.push(entry.srtpCipher);
      }
    }
    return sum;
  });
}

/** Colours at the centres of the four quarters of what a video element shows. */
function quarters(video) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [64, 48];
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0, 64, 48);
  return [[16, 12], [48, 12], [16, 36], [48, 36]].map(([x, y]) => [...context.getImageData(x, y, 1, 1).data.slice(0, 3)]);
}

/** Waits until frames of the other side are decoded and look like what its camera shows. */
export async function seesAndHears(person, label, pattern) {
  const video = person.page.getByLabel(person.t(label));
  await video.waitFor();
  let seen;
  await until(`the ${person.name} to see the other's picture`, async () => {
    seen = await video.evaluate(quarters);
    return difference(pattern, seen) <= COLOUR_TOLERANCE;
  }).catch((error) => {
    throw new Error(`${error.message}: saw ${JSON.stringify(seen)} instead of ${JSON.stringify(pattern)}`);
  });
  const before = await received(person);
  return until(`the ${person.name} to decode more`, async () => {
    const now = await received(person);
    return now.frames >= before.frames + FRAMES_MORE && now.audioPackets > before.audioPackets && now;
  });
}

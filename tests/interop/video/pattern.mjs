// Test pictures: four coloured quarters, as a .y4m file for the browser's fake camera.
import { writeFileSync } from "node:fs";

const WIDTH = 320;
const HEIGHT = 240;
const FRAMES = 10;

function yuv([r, g, b]) {
  const y = 16 + (65.738 * r + 129.057 * g + 25.064 * b) / 256;
  const u = 128 + (-37.945 * r - 74.494 * g + 112.439 * b) / 256;
  const v = 128 + (112.439 * r - 94.154 * g - 18.285 * b) / 256;
  return [y, u, v].map(Math.round);
}

/** Quarters in the order top left, top right, bottom left, bottom right. */
export const patterns = {
  citizen: [[200, 30, 30], [30, 30, 200], [30, 160, 30], [200, 200, 40]],
  clerk: [[30, 160, 30], [220, 220, 220], [30, 30, 30], [200, 30, 200]],
};

function plane(width, height, quarters, frame) {
  const bytes = Buffer.alloc(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      bytes[y * width + x] = quarters[(y >= height / 2 ? 2 : 0) + (x >= width / 2 ? 1 : 0)];
  // A moving mark near the middle keeps the encoder busy; the quarters' centres stay clear.
  const at = Math.floor((width * (2 * frame + 40)) / 160);
  for (let y = Math.floor(height * 0.48); y < height * 0.52; y++) bytes.fill(128, y * width + at, y * width + at + 4);
  return bytes;
}

export function writePattern(path, quarters) {
  const colours = quarters.map(yuv);
  const parts = [Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F20:1 Ip A1:1 C420jpeg\n`)];
  for (let frame = 0; frame < FRAMES; frame++) {
    parts.push(Buffer.from("FRAME\n"));
    for (let i = 0; i < 3; i++) {
      const scale = i === 0 ? 1 : 2;
      parts.push(plane(WIDTH / scale, HEIGHT / scale, colours.map((c) => c[i]), frame));
    }
  }
  writeFileSync(path, Buffer.concat(parts));
}

/** Largest difference of any colour channel at the quarters' centres. */
export function difference(quarters, seen) {
  return Math.max(...quarters.flatMap((c, i) => c.map((value, j) => Math.abs(value - seen[i][j]))));
}

// A camera picture that costs a call its usual bit rate: a face-sized shape that moves before a
// textured wall, with a sensor's noise. Always the same bytes.
import { closeSync, openSync, writeSync } from "node:fs";

const FRAMES = 50, NOISE = 8;

export function writeCamera(path, seed, width = 640) {
  const height = (width * 3) / 4, scale = width / 640;
  let state = seed >>> 0;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24;
  const wall = Buffer.alloc(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) wall[y * width + x] = 90 + ((x >> 4) ^ (y >> 4)) % 8 * 6;
  const noise = Buffer.alloc(width * height * 2);
  for (let i = 0; i < noise.length; i++) noise[i] = random() % NOISE;
  const colour = Buffer.alloc((width * height) / 4);
  const file = openSync(path, "w");
  writeSync(file, `YUV4MPEG2 W${width} H${height} F25:1 Ip A1:1 C420jpeg\n`);
  const frame = Buffer.alloc(width * height);
  const [across, down] = [100, 130].map((radius) => Math.round(radius * scale));
  for (let i = 0; i < FRAMES; i++) {
    const shift = (random() << 8 | random()) % (width * height);
    for (let at = 0; at < frame.length; at++) frame[at] = wall[at] + noise[at + shift];
    const angle = (2 * Math.PI * i) / FRAMES;
    const left = Math.round(width / 2 + 120 * scale * Math.cos(angle)), top = Math.round(height / 2 + 40 * scale * Math.sin(angle));
    for (let y = -down; y <= down; y++)
      for (let x = -across; x <= across; x++)
        if ((x / across) ** 2 + (y / down) ** 2 < 1) frame[(top + y) * width + left + x] += 60 + ((x ^ y) & 16);
    writeSync(file, "FRAME\n");
    writeSync(file, frame);
    writeSync(file, colour.fill(110 + seed % 30));
    writeSync(file, colour.fill(140));
  }
  closeSync(file);
}

// A camera picture that costs a call its usual bit rate: a face-sized shape that moves before a
// textured wall, with a sensor's noise. Always the same bytes.
import { closeSync, openSync, writeSync } from "node:fs";

const WIDTH = 640, HEIGHT = 480, FRAMES = 50, NOISE = 8;

export function writeCamera(path, seed) {
  let state = seed >>> 0;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24;
  const wall = Buffer.alloc(WIDTH * HEIGHT);
  for (let y = 0; y < HEIGHT; y++)
    for (let x = 0; x < WIDTH; x++) wall[y * WIDTH + x] = 90 + ((x >> 4) ^ (y >> 4)) % 8 * 6;
  const noise = Buffer.alloc(WIDTH * HEIGHT * 2);
  for (let i = 0; i < noise.length; i++) noise[i] = random() % NOISE;
  const colour = Buffer.alloc((WIDTH * HEIGHT) / 4);
  const file = openSync(path, "w");
  writeSync(file, `YUV4MPEG2 W${WIDTH} H${HEIGHT} F25:1 Ip A1:1 C420jpeg\n`);
  const frame = Buffer.alloc(WIDTH * HEIGHT);
  for (let i = 0; i < FRAMES; i++) {
    const shift = (random() << 8 | random()) % (WIDTH * HEIGHT);
    for (let at = 0; at < frame.length; at++) frame[at] = wall[at] + noise[at + shift];
    const angle = (2 * Math.PI * i) / FRAMES;
    const left = Math.round(WIDTH / 2 + 120 * Math.cos(angle)), top = Math.round(HEIGHT / 2 + 40 * Math.sin(angle));
    for (let y = -130; y <= 130; y++)
      for (let x = -100; x <= 100; x++)
        if ((x * x) / 10_000 + (y * y) / 16_900 < 1) frame[(top + y) * WIDTH + left + x] += 60 + ((x ^ y) & 16);
    writeSync(file, "FRAME\n");
    writeSync(file, frame);
    writeSync(file, colour.fill(110 + seed % 30));
    writeSync(file, colour.fill(140));
  }
  closeSync(file);
}

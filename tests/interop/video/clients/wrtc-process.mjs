// @roamhq/wrtc with a picture and a tone to send.
import { createRequire } from "node:module";
import { live } from "./apart.mjs";
import { Peer } from "./peer.js";

const require = createRequire(import.meta.url);
const { RTCPeerConnection, nonstandard } = require("@roamhq/wrtc");

const WIDTH = 320, HEIGHT = 240, RATE = 48000;

/** A grey that grows lighter, with a bar that wanders. */
function picture(source, count) {
  const data = new Uint8ClampedArray((WIDTH * HEIGHT * 3) / 2).fill(128);
  data.fill(40 + (count % 100), 0, WIDTH * HEIGHT);
  const at = (4 * count) % WIDTH;
  for (let y = 0; y < HEIGHT; y++) data.fill(235, y * WIDTH + at, y * WIDTH + at + 4);
  source.onFrame({ width: WIDTH, height: HEIGHT, data });
}

/** Ten milliseconds of A. */
function tone(source, count) {
  const samples = new Int16Array(RATE / 100);
  for (let i = 0; i < samples.length; i++)
    samples[i] = 8000 * Math.sin((2 * Math.PI * 440 * (count * samples.length + i)) / RATE);
  source.onData({ samples, sampleRate: RATE, bitsPerSample: 16, channelCount: 1, numberOfFrames: samples.length });
}

const video = new nonstandard.RTCVideoSource();
const audio = new nonstandard.RTCAudioSource();
const tracks = [audio.createTrack(), video.createTrack()];
let frames = 0, blocks = 0;
setInterval(() => picture(video, frames++), 50);
setInterval(() => tone(audio, blocks++), 10);

live(`wrtc ${require("@roamhq/wrtc/package.json").version}`, (trickle, found) =>
  new Peer(RTCPeerConnection, tracks, trickle, found));

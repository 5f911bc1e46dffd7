// A voice for the microphone: vowels, hisses and pauses as fast as people speak, so that an encoder
// takes it for speech. Always the same bytes.
import { writeFileSync } from "node:fs";

const RATE = 48_000, SECONDS = 12, SYLLABLES_A_SECOND = 4;
/** First three resonances of a, e, i, o, u in Hz. */
const VOWELS = [[730, 1090, 2440], [530, 1840, 2480], [270, 2290, 3010], [570, 840, 2410], [300, 870, 2240]];
const WIDTHS = [80, 100, 140];

/** A resonator's next value; `state` holds its last two. */
function resonate(state, input, hertz, width) {
  const radius = Math.exp((-Math.PI * width) / RATE);
  const value = (1 - radius) * input + 2 * radius * Math.cos((2 * Math.PI * hertz) / RATE) * state[0] - radius * radius * state[1];
  state[1] = state[0];
  return (state[0] = value);
}

export function writeVoice(path, seed) {
  let state = (seed * 2654435761) >>> 0;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const samples = new Float64Array(RATE * SECONDS);
  const resonators = WIDTHS.map(() => [0, 0]);
  const pitch = 105 + 60 * (seed % 3);
  let phase = 0, vowel = VOWELS[0], silent = false;
  for (let i = 0; i < samples.length; i++) {
    const syllable = (i * SYLLABLES_A_SECOND) / RATE;
    if (Number.isInteger(syllable)) {
      vowel = VOWELS[Math.floor(random() * VOWELS.length)];
      silent = random() < 0.2;
    }
    const at = syllable % 1;
    phase += (pitch * (1 + 0.15 * Math.sin(syllable * 0.7) - 0.1 * at)) / RATE;
    const pulse = phase >= 1 ? 40 : 0;
    phase %= 1;
    const hiss = (random() - 0.5) * (at < 0.25 ? 6 : 0.3);
    const strength = silent ? 0 : Math.sin(Math.PI * at) ** 0.5;
    samples[i] = WIDTHS.reduce((sum, width, n) => sum + resonate(resonators[n], (pulse + hiss) * strength, vowel[n], width), 0);
  }
  const loudest = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  const bytes = Buffer.alloc(44 + samples.length * 2);
  bytes.write("RIFF    WAVEfmt ", 0, "latin1");
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(RATE, 24);
  bytes.writeUInt32LE(RATE * 2, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write("data", 36, "latin1");
  bytes.writeUInt32LE(samples.length * 2, 40);
  samples.forEach((sample, i) => bytes.writeInt16LE(Math.round((sample / loudest) * 20_000), 44 + i * 2));
  writeFileSync(path, bytes);
}

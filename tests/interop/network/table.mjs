#!/usr/bin/env node
// tests/interop/network/table.mjs [COMMAND...]: measures every line by itself and prints the table of
// video/README.md. COMMAND, such as "nice -n -5", goes before each measurement.
// ABLAK_BUILD names the build's folder.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const run = join(dirname(fileURLToPath(import.meta.url)), "run");
const LINES = [
  ["a good line", "a good line"],
  ["5 % loss each way", "--full", "^5 % loss"],
  ["15 % loss each way", "--full", "15 %"],
  ["300 kbit/s each way", "--full", "300 kbit"],
  ["600 kbit/s and 5 % loss", "--full", "600 kbit"],
  ["300 ms round trip", "--full", "300 ms"],
  ["cut for 10 s", "cut"],
  ["the citizen's address changes", "--full", "address"],
  ["UDP only to TURN", "--full", "UDP only"],
  ["no UDP: TURN over TCP", "--full", "over TCP"],
  ["no UDP: TURN over TLS", "TLS only"],
  ["box behind NAT, front, TURN", "reach"],
];

const seconds = (ms) => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);
const both = ({ citizen, clerk }, name, text = String) => `${text(citizen[name])} / ${text(clerk[name])}`;
const form = (figures, name) => (figures.form ? `${seconds(figures.form.down[name])} / ${seconds(figures.form.up[name])}` : "");

function row([title, ...words], figures) {
  const back = figures.citizen.pictureBackMs !== undefined;
  const cells = back
    ? [`back after ${both(figures, "soundBackMs", seconds)}`, "", "", `back after ${both(figures, "pictureBackMs", seconds)}`, `back after ${form(figures, "backMs")}`]
    : [both(figures, "audioGapMs", seconds), both(figures, "madeUpPercent", (share) => `${share} %`), both(figures, "audioDelayMs", seconds), both(figures, "framesPerSecond"), `${form(figures, "p50Ms")}${figures.form ? `, at most ${form(figures, "maxMs")}` : ""}`];
  const command = words.map((word) => (/[ %^]/.test(word) ? `"${word}"` : word)).join(" ");
  return `| ${[title, ...cells, `\`${command}\``].join(" | ")} |`;
}

console.log("| line | longest silence | sound made up | sound waits | frames/s | form | `tests/interop/network/run` |");
console.log("|---|---|---|---|---|---|---|");
let failed = false;
for (const line of LINES) {
  const [program, ...args] = [...process.argv.slice(2), run, ...line.slice(1)];
  const { stdout, status } = spawnSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  const figures = stdout.split("\n").filter((text) => /^(ℹ |# )?\{"case"/.test(text)).map((text) => JSON.parse(text.slice(text.indexOf("{"))));
  if (status !== 0 || figures.length !== 1) {
    failed = true;
    console.error(stdout);
    console.log(`| ${line[0]} | failed |`);
  } else console.log(row(line, figures[0]));
}
process.exitCode = failed ? 1 : 0;

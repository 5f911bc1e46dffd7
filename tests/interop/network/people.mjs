// A house whose people are reached over bad lines, and its people: each a Chromium of their own with
// a camera picture and a voice, at the branch or at the far end of a line.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openPerson, startBrowser } from "../../e2e/lib/browser.mjs";
import { House } from "../../house/house.mjs";
import { writeCamera } from "./camera.mjs";
import { prepare } from "./figures.mjs";
import { writeVoice } from "./voice.mjs";
import { BRANCH, certificate, folder, key, TURN } from "./world.mjs";

/** Where people write in the form: each where the other does not. */
export const DESK_FIELD = "/lossStory", CITIZEN_FIELD = "/birthPlace";

export function startHouse(options = {}) {
  const secret = join(folder, "turn-secret");
  writeFileSync(secret, `${TURN.secret}\n`, { mode: 0o600 });
  const urls = [`turn:${BRANCH}:${TURN.port}`, `turn:${BRANCH}:${TURN.port}?transport=tcp`, `turns:${BRANCH}:${TURN.tlsPort}?transport=tcp`];
  return House.start({
    mediaAddress: BRANCH,
    publicUrl: (port) => `https://${BRANCH}:${port}`,
    boxOptions: ["--people-address", "0.0.0.0", "--certificate", certificate, "--certificate-key", key,
      "--turn-urls", urls.join(","), "--turn-secret-file", secret],
    ...options,
  });
}

/** `space`: the namespace where the person is; `width`: of the camera's picture. */
export async function openPage(name, { space, width } = {}) {
  const video = join(folder, `${name}.y4m`);
  writeCamera(video, name.length, width);
  const voice = join(folder, `${name}.wav`);
  writeVoice(voice, name.length);
  const flags = ["--ignore-certificate-errors", `--use-file-for-fake-audio-capture=${voice}`];
  const browser = await startBrowser({ video, flags, ...(space ? { program: space.door("/usr/bin/chromium") } : {}) });
  const page = await openPerson(browser, { language: "en" });
  await prepare(page);
  return { browser, page };
}

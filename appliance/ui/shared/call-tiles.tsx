// Three or four in the call, or a screen that is shown: everybody in a tile with their name. A sign
// language interpreter's tile always stands at the same place and is never covered or made small by
// what else is shown.
import type { Call } from "./call";
import { isSupervisor, type Part } from "./call-part";
import type { RemotePerson } from "./call-people";
import { personName } from "./chat";
import { t } from "./i18n";
import { EnlargeIcon, MicOffIcon } from "./icons";
import { cx } from "./ui";
import { Video } from "./video";

interface Person {
  part: Part | undefined;
  remote: RemotePerson;
}

function peopleOf(call: Call): Person[] {
  const parts = call.others.value;
  return call.remote.people.value.filter(({ label }) => label !== "").map((remote) => ({ remote, part: parts.find(({ label }) => label === remote.label) }));
}

const shows = ({ part, remote }: Person) => part?.screen === "on" && remote.screen !== null;

export function isShown(call: Call): boolean {
  const people = peopleOf(call);
  return people.length > 1 || people.some(shows);
}

function nameOf({ part, remote: { label } }: Person): string {
  if (isSupervisor(label)) return t("ui.call.supervisor");
  return personName(label === "clerk" || label === "citizen" ? label : "guest", part?.guest);
}

/** Why a tile has no picture, in a word or two. */
function absence(call: Call, part: Part | undefined): string | null {
  if (!part) return t("ui.call.tile-away");
  const { step } = call.ladder.value;
  const lost = part.camera === "paused" || step === "text" || step === "audio";
  if (part.camera === "on" && !lost) return null;
  return t(lost ? "ui.call.tile-paused" : part.camera === "off" ? "ui.call.tile-off" : "ui.call.tile-none");
}

function Tile({ call, person }: { call: Call; person: Person }) {
  const { part, remote } = person;
  const name = nameOf(person);
  const missing = absence(call, part);
  return (
    <figure class={cx("ab-call-tile", part?.guest?.role === "sign" && "ab-call-sign", missing !== null && "ab-call-tile-unseen")} data-who={remote.label}>
      {remote.stream && <Video stream={remote.stream} muted={false} speaker={call.devices.speaker.value} label={t("ui.call.video-of", { name })} />}
      {missing && <p class="ab-call-tile-note">{missing}</p>}
      <figcaption>
        {name}
        {part && part.microphone !== "on" && <span> <MicOffIcon /><span class="govuk-visually-hidden"> {t("ui.call.tile-muted")}</span></span>}
      </figcaption>
    </figure>
  );
}

const enlarge = (figure: HTMLElement | null) => {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void figure?.requestFullscreen().catch(() => undefined);
};

/** What one of the others shows; small letters need the whole screen. */
function Shared({ person }: { person: Person | undefined }) {
  if (!person?.remote.screen) return null;
  const label = t("ui.call.screen-of", { name: nameOf(person) });
  return (
    <figure class="ab-call-tile ab-call-shared" data-who={`${person.remote.label}-screen`}>
      <Video stream={person.remote.screen} muted label={label} />
      <figcaption>{label}</figcaption>
      {document.fullscreenEnabled && (
        <button type="button" class="ab-icon-button ab-call-enlarge" aria-label={t("ui.call.enlarge")} title={t("ui.call.enlarge")} onClick={(event) => enlarge(event.currentTarget.closest("figure"))}>
          <EnlargeIcon />
        </button>
      )}
    </figure>
  );
}

export function CallTiles({ call }: { call: Call }) {
  const people = peopleOf(call);
  const shower = people.find(shows);
  const signs = people.some(({ part }) => part?.guest?.role === "sign");
  return (
    <div class={cx("ab-call-tiles", signs && "ab-call-tiles-sign", shower && "ab-call-tiles-shared")}>
      <Shared person={shower} />
      {people.map((person) => <Tile key={person.remote.label} call={call} person={person} />)}
    </div>
  );
}

// Who else is here: on the form as a whole, in a field, and at which letter. Never by colour alone:
// the client's mark is a circle and a solid line, the office's a square and a dashed one.
import { useLayoutEffect, useRef } from "preact/hooks";
import type { DraftDocument } from "./draft";
import { sentence, t } from "./i18n";
import type { RemotePerson, Role } from "./people";
import type { TextElement } from "./text-binding";
import { cx } from "./ui";

/** Somebody of one's own side is another page of it: a second device, or another desk. */
const hereText = (role: Role, me: Role) => t(role === me ? `ui.form.${role}-too-here` : `ui.form.${role}-here`);

const rolesOf = (people: readonly RemotePerson[]) => [...new Set(people.map((person) => person.role))];

export function WhoIsHere({ draft }: { draft: DraftDocument }) {
  return (
    <span class="ab-here" role="status">
      {rolesOf(draft.others.value).map((role) => (
        <span class={`ab-here-chip ab-by-${role}`} key={role}><span class="ab-mark" aria-hidden="true" />{hereText(role, draft.role)}</span>
      ))}
    </span>
  );
}

/** At a field there is little room: the name for the eye, the sentence for the ear. */
export function Presence({ people, me, id }: { people: readonly RemotePerson[]; me: Role; id: string }) {
  return (
    <span class="ab-presence" id={id}>
      {rolesOf(people).map((role) => (
        <span class={`ab-here-chip ab-by-${role}`} key={role}>
          <span class="ab-mark" aria-hidden="true" />
          <span aria-hidden="true">{sentence(t(role === me ? `ui.author.${role}-too` : `ui.author.${role}`))}</span>
          <span class="govuk-visually-hidden">{hereText(role, me)}</span>
        </span>
      ))}
    </span>
  );
}

/** The other's caret, drawn over the control: a copy of the text before it, invisible, then a line. */
export function RemoteCaret({ role, input, text, caret }: { role: Role; input: { current: TextElement | null }; text: string; caret: number }) {
  const layer = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const field = input.current;
    const element = layer.current;
    if (!field || !element) return;
    const style = getComputedStyle(field);
    for (const name of ["font", "letterSpacing", "padding", "lineHeight"] as const) element.style[name] = style[name];
    element.style.width = `${field.offsetWidth}px`;
    element.style.height = `${field.offsetHeight}px`;
    element.style.whiteSpace = field instanceof HTMLInputElement ? "pre" : "pre-wrap";
    element.scrollTop = field.scrollTop;
    element.scrollLeft = field.scrollLeft;
  });
  return (
    <div class={cx("ab-caret-layer", input.current instanceof HTMLInputElement && "ab-caret-line")} ref={layer} aria-hidden="true">
      {text.slice(0, caret)}
      <span class={`ab-caret ab-caret-${role}`} />
    </div>
  );
}

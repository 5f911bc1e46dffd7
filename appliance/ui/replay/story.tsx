// What happened beside the pictures: entries of the form and written messages, in their order; a
// press goes to the moment. Below the pictures the form stands as it was then.
import { useComputed, type ReadonlySignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Message } from "../generated/box-api";
import { answerText } from "../shared/author-line";
import { personName } from "../shared/chat";
import { elementAt, labelOf, type FormDefinition } from "../shared/form-model";
import { localText, t } from "../shared/i18n";
import { cx } from "../shared/ui";
import type { Contents } from "./contents";
import { clockOf } from "./clock";

/** So long a field is lit after it was changed. */
const LIT_MS = 4000;

export interface Moment {
  atMs: number;
  by: Message["from"] | null;
  guest?: Message["guest"];
  /** The field's path; none: a message. */
  path?: string;
  value: unknown;
}

export function momentsOf(contents: Contents, messages: readonly Message[]): Moment[] {
  const written = messages.map(({ at, from, guest, text }): Moment => ({ atMs: Date.parse(at) - contents.beganAt, by: from, guest, value: text }));
  return [...contents.form.edits, ...written].sort((a, b) => a.atMs - b.atMs);
}

function fieldName(path: string, form: FormDefinition | null): string {
  const found = form && labelOf(form, path);
  if (!found) return path;
  return found.group ? `${localText(found.group)} ${found.row}: ${localText(found.label)}` : localText(found.label);
}

function valueText(path: string, value: unknown, form: FormDefinition | null): string {
  const element = form && elementAt(form, path)?.element;
  return element?.type === "field" ? answerText(element, value) : String(value);
}

/** Whole milliseconds, as the table of contents has them: what was sought is found. */
const msOf = (atS: ReadonlySignal<number>) => Math.round(atS.value * 1000);

/** How many have happened by then. */
function countBy(list: readonly { atMs: number }[], atMs: number): number {
  let low = 0;
  for (let high = list.length; low < high; ) {
    const middle = (low + high) >> 1;
    if ((list[middle]?.atMs ?? 0) <= atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Scrolls the list alone: the page stays where its reader is. */
function useInSight<T extends HTMLElement>(key: unknown) {
  const list = useRef<T>(null);
  useEffect(() => {
    const box = list.current;
    const item = box?.querySelector<HTMLElement>("[data-now]");
    if (!box || !item) return;
    const [outer, inner] = [box.getBoundingClientRect(), item.getBoundingClientRect()];
    if (inner.top < outer.top || inner.bottom > outer.bottom) box.scrollTop += inner.top - outer.top - (outer.height - inner.height) / 2;
  }, [key]);
  return list;
}

const Who = ({ by, guest }: Pick<Moment, "by" | "guest">) => (by ? <span class={cx("ab-replay-who")}><span class={`ab-mark ab-mark-${by}`} aria-hidden="true" /> {by === "guest" ? personName(by, guest) : t(`ui.replay.${by}`)}</span> : null);

export function Story({ moments, form, atS, onSeek }: { moments: readonly Moment[]; form: FormDefinition | null; atS: ReadonlySignal<number>; onSeek: (toS: number) => void }) {
  const now = useComputed(() => countBy(moments, msOf(atS)) - 1).value;
  const list = useInSight<HTMLOListElement>(now);
  if (moments.length === 0) return <p class="ab-muted">{t("ui.replay.no-story")}</p>;
  return (
    <ol class="ab-replay-story" ref={list}>
      {moments.map((moment, index) => (
        <li key={index} class={cx(index > now && "ab-replay-later")} {...(index === now ? { "data-now": true } : {})}>
          <button type="button" {...(index === now ? { "aria-current": "true" as const } : {})} onClick={() => onSeek(moment.atMs / 1000)}>
            <span class="ab-replay-when ab-nums">{clockOf(moment.atMs)}</span>
            <span>
              <Who by={moment.by} guest={moment.guest} /> <strong>{moment.path === undefined ? t("ui.replay.message") : fieldName(moment.path, form)}</strong>
              <span class="ab-replay-what">{moment.path === undefined ? String(moment.value) : moment.value === undefined ? <em>{t("ui.replay.emptied")}</em> : valueText(moment.path, moment.value, form)}</span>
            </span>
          </button>
        </li>
      ))}
    </ol>
  );
}

/** Where the fields stand in the form. */
function orderOf(form: FormDefinition | null): (path: string) => number {
  const order = new Map((form?.layout ?? []).flatMap(({ elements }) => elements).map(({ field }, index) => [field.split("/")[1] ?? "", index]));
  return (path) => order.get(path.split("/")[1] ?? "") ?? order.size;
}

export function FormThen({ contents, form, atS }: { contents: Contents; form: FormDefinition | null; atS: ReadonlySignal<number> }) {
  const story = contents.form;
  const count = useComputed(() => countBy(story.steps, msOf(atS))).value;
  // On its own feet, and not on what the last drawing knew.
  const lit = useComputed(() => msOf(atS) - (story.steps[countBy(story.steps, msOf(atS)) - 1]?.atMs ?? -LIT_MS) < LIT_MS).value;
  const last = story.steps[count - 1];
  const order = useMemo(() => orderOf(form), [form]);
  const fields = useMemo(() => [...story.at(last?.atMs ?? -1)].sort(([a], [b]) => order(a) - order(b)), [story, count, order]);
  const list = useInSight<HTMLDListElement>(last);
  const shown = fields.filter(([path, { value }]) => value !== undefined || (lit && path === last?.path));
  if (shown.length === 0) return <p class="ab-muted">{t("ui.replay.form-empty")}</p>;
  return (
    <dl class="ab-replay-form" ref={list}>
      {shown.map(([path, { value, step }]) => (
        <div key={path} data-path={path} class={cx(lit && path === last?.path && "ab-replay-lit")} {...(path === last?.path ? { "data-now": true } : {})}>
          <dt>{fieldName(path, form)} <Who by={step?.by ?? null} /></dt>
          <dd>{value === undefined ? <em>{t("ui.replay.emptied")}</em> : valueText(path, value, form)}</dd>
        </div>
      ))}
    </dl>
  );
}

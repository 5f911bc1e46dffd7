// Who filled a field in, quietly below it; louder only when somebody changed your answer, or two
// people answered at the same time. One press takes the earlier answer back.
import { signal } from "@preact/signals";
import { storyOf, writers, type Actor, type ActorKind, type Author, type Previous } from "./authors";
import type { DraftDocument, Role } from "./draft";
import { isEmpty, useDraftValue, useIsEmpty } from "./draft-value";
import type { FieldElement } from "./form-model";
import { formatDay, formatNumber, formatWhen, listOf, localText, sentence, t } from "./i18n";
import { Button, cx } from "./ui";

type Answer = string | number | boolean;

/** An answer as people read it: the option's label, the day in words, yes or no. */
export function answerText(element: FieldElement, value: unknown): string {
  if (typeof value === "boolean") return t(value ? "ui.author.yes" : "ui.author.no");
  if (typeof value === "number") return formatNumber(value);
  if (element.widget === "date" && typeof value === "string" && /^\d{4}-\d\d-\d\d$/.test(value)) return formatDay(value);
  const option = element.options?.find((one) => one.value === value);
  return option ? localText(option.label) : String(value ?? "");
}

/** Somebody else of one's own side is a colleague, or oneself on another device. */
const sideOf = (kind: ActorKind, me: Role) => (kind === me ? (`${me}-too` as const) : kind);

export function nameOf(actor: Actor, me: Role): string {
  return t(actor.you ? "ui.author.you" : `ui.author.${sideOf(actor.kind, me)}`);
}

/** Somebody changed your answer: a whole sentence, for the eye and for the ear. */
export function correctionText(author: Author, previous: Previous, element: FieldElement, value: unknown, me: Role): string {
  const who = sideOf(author.kind, me);
  const before = answerText(element, previous.value);
  const time = formatWhen(author.at);
  return isEmpty(value)
    ? t(`ui.author.removed-by-${who}`, { time, before })
    : t(`ui.author.changed-by-${who}`, { time, before, value: answerText(element, value) });
}

/** What has been read and left as it is; with the page, not longer. */
const settled = signal<ReadonlySet<string>>(new Set());

export function AuthorLine({ draft, author, element, id, disabled }: { draft: DraftDocument; author: Author; element: FieldElement; id: string; disabled: boolean }) {
  const value = useDraftValue(draft, author.path);
  const told = storyOf(author, value);
  const empty = useIsEmpty(draft, author.path);
  if (empty && !told) return null;
  const key = `${author.path} ${author.at}`;
  const loud = told && told.story !== "before" && !settled.value.has(key);
  const putBack = told && !disabled && (
    <PutBack draft={draft} path={author.path} previous={told.previous} text={answerText(element, told.previous.value)} link={!loud} />
  );
  const keep = () => {
    settled.value = new Set([...settled.value, key]);
  };
  const line = (
    <>
      <span class="govuk-visually-hidden">{t("ui.author.prefix")} </span>
      {sentence(listOf([...new Set(writers(author).map((actor) => nameOf(actor, draft.role)))]))}, {formatWhen(author.at)}
    </>
  );
  if (loud && told.story === "collision")
    return (
      <div class="ab-notice ab-notice-amber ab-field-notice" data-story="collision">
        <div id={id}>
          <p><strong>{t("ui.author.collision")}</strong></p>
          <ul class="govuk-list">
            <li><Mark actor={author} /> {sentence(nameOf(author, draft.role))}: {empty ? t("ui.author.nothing") : t("ui.author.quoted", { value: answerText(element, value) })} – {t("ui.author.stands")}</li>
            <li><Mark actor={told.previous} /> {sentence(nameOf(told.previous, draft.role))}: {t("ui.author.quoted", { value: answerText(element, told.previous.value) })}</li>
          </ul>
        </div>
        <div class="ab-row">{putBack}<Button kind="secondary" size="small" onClick={keep}>{empty ? t("ui.author.keep-empty") : t("ui.author.keep", { value: answerText(element, value) })}</Button></div>
      </div>
    );
  if (loud)
    return (
      <div class="ab-notice ab-field-notice" data-story="correction">
        <p id={id}>{correctionText(author, told.previous, element, value, draft.role)}</p>
        <div class="ab-row">{putBack}<Button kind="secondary" size="small" onClick={keep}>{t("ui.common.understood")}</Button></div>
      </div>
    );
  return (
    <p class="ab-author" {...(told ? { "data-story": "before" } : {})}>
      <span id={id}>
        <Mark actor={author} /> {line}
        {told && <> · {t("ui.author.before", { who: nameOf(told.previous, draft.role), value: answerText(element, told.previous.value) })}</>}
      </span>{" "}
      {putBack}
    </p>
  );
}

function Mark({ actor }: { actor: Actor }) {
  return <span class={cx("ab-mark", `ab-mark-${actor.kind}`)} aria-hidden="true" />;
}

function PutBack({ draft, path, previous, text, link }: { draft: DraftDocument; path: string; previous: Previous; text: string; link: boolean }) {
  const act = () => {
    // The button goes with the notice: whoever pressed it stays at the field.
    document.querySelector<HTMLElement>(`.ab-draft[data-audience="${draft.audience}"] [data-path="${path}"] :is(input, select)`)?.focus();
    draft.set(path, previous.value as Answer);
  };
  const label = t("ui.author.put-back", { value: text });
  return link ? <button type="button" class="ab-link ab-put-back" onClick={act}>{label}</button> : <Button size="small" class="ab-put-back" onClick={act}>{label}</Button>;
}

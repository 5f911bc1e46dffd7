// One field of the shared form: its control, what is missing, and who else is in it.
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import * as Y from "yjs";
import type { Gap } from "../generated/box-api";
import { AuthorLine } from "./author-line";
import { dateOrder, joinDate, splitDate, type DateParts } from "./date-parts";
import type { DraftDocument } from "./draft";
import { useDraftValue } from "./draft-value";
import { fieldId, type FieldElement } from "./form-model";
import { language, localLang, localText, sentence, t, tMaybe } from "./i18n";
import { Presence, RemoteCaret } from "./presence";
import { RefusalNote } from "./refusals";
import { TextBinding, type TextElement } from "./text-binding";
import { cx } from "./ui";

export interface FieldProps {
  draft: DraftDocument;
  element: FieldElement;
  path: string;
  required: boolean;
  maxLength?: number | undefined;
  disabled: boolean;
  /** The person's own data may be offered by the browser: on the citizen's page only. */
  autofill: boolean;
}

/** What is missing, said as a wish; the box's own words when it has some. */
export function gapText(gap: Gap): string {
  return tMaybe(`ui.gap.${gap.keyword}`, gap.detail || t("ui.gap.unclear"));
}

export function Field(props: FieldProps) {
  const { draft, element, path, required } = props;
  const [touched, setTouched] = useState(false);
  const id = fieldId(path);
  const here = draft.others.value.filter((person) => person.field === path);
  const gap = draft.gaps.value.find((entry) => entry.path === path || entry.path.startsWith(`${path}/`));
  // Only where the person has been and left: nobody is scolded while typing, or before.
  const shownGap = touched && gap ? gap : undefined;
  const grouped = element.widget === "radio" || element.widget === "date";
  const refused = draft.refused.value.find((entry) => entry.path === path);
  const author = draft.authors.fields.value.get(path);
  const described =
    [element.hint && `${id}-hint`, refused && `${id}-refused`, shownGap && `${id}-gap`, here.length > 0 && `${id}-here`, author && `${id}-author`].filter(Boolean).join(" ") ||
    undefined;
  const label = (
    <>
      {localText(element.label)}
      {!required && element.widget !== "checkbox" && <span class="ab-optional"> {t("ui.form.optional")}</span>}
    </>
  );
  const lang = localLang(element.label);
  const hint = element.hint && <div class="govuk-hint" id={`${id}-hint`}>{localText(element.hint)}</div>;
  const control = <Control {...props} id={id} described={described} />;
  return (
    <div
      class={cx("govuk-form-group ab-field", ...new Set(here.map(({ role }) => `ab-field-${role}`)))}
      data-path={path}
      {...(lang ? { lang } : {})}
      onFocusIn={() => draft.focus(path)}
      onFocusOut={(event) => {
        if (event.currentTarget.contains(event.relatedTarget as Node | null)) return;
        setTouched(true);
        draft.focus(null);
      }}
    >
      {here.length > 0 && <Presence people={here} me={draft.role} id={`${id}-here`} />}
      {grouped ? (
        <fieldset class="govuk-fieldset" {...(described ? { "aria-describedby": described } : {})}>
          <legend class="govuk-fieldset__legend">{label}</legend>
          {hint}
          {control}
        </fieldset>
      ) : element.widget === "checkbox" ? (
        <>
          {control}
          {hint}
        </>
      ) : (
        <>
          <label class="govuk-label" for={id}>{label}</label>
          {hint}
          {control}
        </>
      )}
      {refused && <RefusalNote refusal={refused} office={element.office ?? false} id={`${id}-refused`} onRead={() => draft.forgive(path)} />}
      {shownGap && <p class="ab-gap" id={`${id}-gap`}>{sentence(gapText(shownGap))}</p>}
      {author && <AuthorLine draft={draft} author={author} element={element} id={`${id}-author`} disabled={props.disabled} />}
    </div>
  );
}

type ControlProps = FieldProps & { id: string; described: string | undefined };

function Control(props: ControlProps) {
  switch (props.element.widget) {
    case "text":
    case "textarea":
    case "email":
    case "phone":
      return <TextControl {...props} />;
    case "date":
      return <DateControl {...props} />;
    case "number":
      return <NumberControl {...props} />;
    case "radio":
      return <RadioControl {...props} />;
    case "select":
      return <SelectControl {...props} />;
    case "checkbox":
      return <CheckboxControl {...props} />;
  }
}

const describedBy = (described: string | undefined) => (described ? { "aria-describedby": described } : {});
const autocomplete = ({ element, autofill }: FieldProps) => ({ autocomplete: (autofill && element.autocomplete) || "off" }) as const;

function TextControl(props: ControlProps) {
  const { draft, element, path, id, described, disabled, maxLength } = props;
  const text = useDraftValue(draft, path);
  const input = useRef<TextElement>(null);
  const tell = () => {
    const field = input.current;
    if (!field || document.activeElement !== field) return;
    draft.focus(path, { anchor: field.selectionStart ?? 0, head: field.selectionEnd ?? 0 });
  };
  useLayoutEffect(() => {
    if (!(text instanceof Y.Text) || !input.current) return;
    const binding = new TextBinding(text, input.current, tell);
    return () => binding.destroy();
  }, [text]);
  const common = {
    id,
    ...describedBy(described),
    ...autocomplete(props),
    disabled: disabled || !(text instanceof Y.Text),
    spellcheck: element.widget === "textarea",
    ...(maxLength ? { maxLength } : {}),
    onSelect: tell,
    onKeyUp: tell,
    onPointerUp: tell,
    onInput: () => draft.note(path, input.current?.value ?? ""),
  };
  const remote = draft.others.value.filter((person) => person.field === path && person.caret !== null);
  return (
    <div class="ab-caret-box">
      {element.widget === "textarea" ? (
        <textarea class="govuk-textarea" rows={4} ref={input as { current: HTMLTextAreaElement | null }} {...common} />
      ) : (
        <input
          class={cx("govuk-input", narrow(maxLength))}
          type="text"
          inputMode={element.widget === "email" ? "email" : element.widget === "phone" ? "tel" : "text"}
          ref={input as { current: HTMLInputElement | null }}
          {...common}
        />
      )}
      {remote.map((person) => (
        <RemoteCaret key={person.client} role={person.role} input={input} text={text instanceof Y.Text ? text.toString() : ""} caret={person.caret ?? 0} />
      ))}
    </div>
  );
}

/** Short answers get a short box: its width says what is expected (govuk-frontend's pattern). */
function narrow(maxLength: number | undefined): string | false {
  if (!maxLength) return false;
  if (maxLength <= 5) return "govuk-input--width-5";
  if (maxLength <= 16) return "govuk-input--width-20";
  return false;
}

function DateControl({ draft, path, id, disabled, element, autofill }: ControlProps) {
  const value = useDraftValue(draft, path);
  const stored = typeof value === "string" ? value : "";
  const [parts, setParts] = useState<DateParts>(() => splitDate(stored));
  useEffect(() => {
    // Half a date is nobody else's business; a whole one that came from elsewhere is shown.
    setParts((mine) => (joinDate(mine) === (stored || null) ? mine : stored ? splitDate(stored) : joinDate(mine) ? { day: "", month: "", year: "" } : mine));
  }, [stored]);
  const change = (name: keyof DateParts, text: string) => {
    const next = { ...parts, [name]: text.trim() };
    setParts(next);
    draft.set(path, joinDate(next) ?? undefined);
  };
  const birthday = autofill && element.autocomplete === "bday";
  return (
    <div class="govuk-date-input">
      {dateOrder(language.value).map((name, index) => (
        <div class="govuk-date-input__item" key={name}>
          <label class="govuk-label govuk-date-input__label" for={index === 0 ? id : `${id}-${name}`}>{t(`ui.form.${name}`)}</label>
          <input
            class={cx("govuk-input govuk-date-input__input", name === "year" ? "govuk-input--width-4" : "govuk-input--width-2")}
            id={index === 0 ? id : `${id}-${name}`}
            type="text"
            inputMode="numeric"
            maxLength={name === "year" ? 4 : 2}
            value={parts[name]}
            disabled={disabled}
            autocomplete={birthday ? `bday-${name}` : "off"}
            onInput={(event) => change(name, event.currentTarget.value)}
          />
        </div>
      ))}
    </div>
  );
}

function NumberControl({ draft, path, id, described, disabled }: ControlProps) {
  const value = useDraftValue(draft, path);
  const shown = typeof value === "number" ? String(value) : "";
  const [text, setText] = useState(shown);
  useEffect(() => setText((mine) => (toNumber(mine) === (shown === "" ? undefined : Number(shown)) ? mine : shown)), [shown]);
  const change = (event: JSX.TargetedInputEvent<HTMLInputElement>) => {
    setText(event.currentTarget.value);
    draft.set(path, toNumber(event.currentTarget.value));
  };
  return <input class="govuk-input govuk-input--width-10" id={id} type="text" inputMode="numeric" value={text} disabled={disabled} autocomplete="off" {...describedBy(described)} onInput={change} />;
}

function toNumber(text: string): number | undefined {
  const plain = text.replace(/[\s\u00a0]/g, "").replace(",", ".");
  return /^-?\d+(\.\d+)?$/.test(plain) ? Number(plain) : undefined;
}

function RadioControl({ draft, path, id, element, disabled }: ControlProps) {
  const value = useDraftValue(draft, path);
  return (
    <div class="govuk-radios">
      {element.options?.map((option, index) => (
        <div class="govuk-radios__item" key={option.value}>
          <input class="govuk-radios__input" type="radio" id={index === 0 ? id : `${id}-${index}`} name={id} value={option.value} checked={value === option.value} disabled={disabled} onChange={() => draft.set(path, option.value)} />
          <label class="govuk-label govuk-radios__label" for={index === 0 ? id : `${id}-${index}`}>{localText(option.label)}</label>
        </div>
      ))}
    </div>
  );
}

function SelectControl(props: ControlProps) {
  const { draft, path, id, element, described, disabled } = props;
  const value = useDraftValue(draft, path);
  return (
    <select class="govuk-select" id={id} value={typeof value === "string" ? value : ""} disabled={disabled} {...describedBy(described)} onChange={(event) => draft.set(path, event.currentTarget.value || undefined)}>
      <option value="">{t("ui.form.choose")}</option>
      {element.options?.map((option) => <option key={option.value} value={option.value}>{localText(option.label)}</option>)}
    </select>
  );
}

function CheckboxControl({ draft, path, id, element, described, disabled }: ControlProps) {
  const value = useDraftValue(draft, path);
  return (
    <div class="govuk-checkboxes">
      <div class="govuk-checkboxes__item">
        <input class="govuk-checkboxes__input" type="checkbox" id={id} checked={value === true} disabled={disabled} {...describedBy(described)} onChange={(event) => draft.set(path, event.currentTarget.checked)} />
        <label class="govuk-label govuk-checkboxes__label" for={id}>{localText(element.label)}</label>
      </div>
    </div>
  );
}

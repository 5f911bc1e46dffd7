// The pages' language: texts of the message catalogue, plurals, times in the office's zone.
import { signal } from "@preact/signals";
import { languages, type Language, type MessageKey } from "../generated/messages";

type PluralOf<Key> = Key extends `${infer Name}.other` ? Name : never;
export type PluralKey = PluralOf<MessageKey>;
export type { Language, MessageKey };
export type Params = Readonly<Record<string, string | number>>;
export type LocalText = Readonly<Record<string, string>>;

const STORAGE_KEY = "ablak-language";
const loaders: Record<Language, () => Promise<{ default: Record<string, string> }>> = {
  hu: () => import("messages:hu"),
  cs: () => import("messages:cs"),
  en: () => import("messages:en"),
};

export const language = signal<Language>("en");
export const officeTimeZone = signal<string | undefined>(undefined);
/** The languages offered by the switch: the office's, English included. */
export const offeredLanguages = signal<readonly Language[]>(languages);
const texts = signal<Readonly<Record<string, string>>>({});

export function isLanguage(value: string): value is Language {
  return (languages as readonly string[]).includes(value);
}

/** Fills {name} placeholders; an unknown name stays visible so that it is noticed. */
export function fill(text: string, params?: Params): string {
  if (!params) return text;
  return text.replace(/\{([a-zA-Z]+)\}/g, (whole, name: string) => {
    const value = params[name];
    return value === undefined ? whole : String(value);
  });
}

export function t(key: MessageKey, params?: Params): string {
  return fill(texts.value[key] ?? key, params);
}

/** Chooses the plural form of `count` (CLDR categories); {count} is filled in. */
export function plural(table: Readonly<Record<string, string>>, code: string, key: string, count: number, params?: Params): string {
  const category = new Intl.PluralRules(code).select(count);
  const text = table[`${key}.${category}`] ?? table[`${key}.other`] ?? key;
  return fill(text, { count: new Intl.NumberFormat(code).format(count), ...params });
}

export function tn(key: PluralKey, count: number, params?: Params): string {
  return plural(texts.value, language.value, key, count, params);
}

/** A key made at run time ("ui.ticket.state.called"); falls back to `otherwise`. */
export function tMaybe(key: string, otherwise: string, params?: Params): string {
  return fill(texts.value[key] ?? otherwise, params);
}

/** Text of the catalogue in the page's language, else in English, else in any. */
export function localText(text: LocalText | undefined | null): string {
  if (!text) return "";
  return text[language.value] ?? text["en"] ?? Object.values(text)[0] ?? "";
}

/** In a list a text follows its label and a colon; alone it is a sentence. */
export function sentence(text: string): string {
  return text.slice(0, 1).toLocaleUpperCase(language.value) + text.slice(1);
}

/** "you, the client and the clerk" in the page's language. */
export function listOf(names: readonly string[]): string {
  return new Intl.ListFormat(language.value, { type: "conjunction" }).format(names);
}

/** The language the text really has, for its lang attribute; undefined when it is the page's own. */
export function localLang(text: LocalText | undefined | null): string | undefined {
  if (!text || text[language.value] !== undefined) return undefined;
  return text["en"] !== undefined ? "en" : Object.keys(text)[0];
}

export async function setLanguage(code: Language, remember = true): Promise<void> {
  const table = (await loaders[code]()).default;
  texts.value = table;
  language.value = code;
  document.documentElement.lang = code;
  if (remember) {
    try {
      localStorage.setItem(STORAGE_KEY, code);
    } catch {
      // Storage may be forbidden; the choice then lasts as long as the page.
    }
  }
}

/** ?lang=, then the remembered choice, then the browser's wish among `offered`, then `fallback`. */
export function chooseLanguage(offered: readonly string[], fallback: string, wishes: readonly (string | null)[]): Language {
  for (const wish of wishes) {
    const code = wish?.slice(0, 2).toLowerCase();
    if (code && isLanguage(code) && offered.includes(code)) return code;
  }
  return isLanguage(fallback) ? fallback : "en";
}

export function rememberedLanguage(): string | null {
  try {
    return localStorage.getItem(STORAGE_KEY);
  } catch {
    return null;
  }
}

/** English as offices here write it: the day before the month, 24 hours. */
const locale = () => (language.value === "en" ? "en-GB" : language.value);

function zone(): { timeZone?: string } {
  return officeTimeZone.value ? { timeZone: officeTimeZone.value } : {};
}

export function formatTime(at: string | Date): string {
  return new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit", ...zone() }).format(new Date(at));
}

/** The time alone on the office's own day, else with the date. */
export function formatWhen(at: string | Date, now: Date = new Date()): string {
  const day = new Intl.DateTimeFormat("en-CA", { dateStyle: "short", ...zone() });
  return day.format(new Date(at)) === day.format(now) ? formatTime(at) : formatDateTime(at);
}

/** A calendar day "YYYY-MM-DD" in words; a day has no zone. */
export function formatDay(day: string): string {
  return new Intl.DateTimeFormat(locale(), { year: "numeric", month: "long", day: "numeric", timeZone: "UTC" }).format(new Date(`${day}T00:00:00Z`));
}

export function formatDateTime(at: string | Date, seconds = false): string {
  return new Intl.DateTimeFormat(locale(), {
    year: "numeric",
    month: "long",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    ...(seconds ? { second: "2-digit" as const } : {}),
    ...zone(),
  }).format(new Date(at));
}

/** For tables and figures: shorter, with seconds. */
export function formatStamp(at: string | Date): string {
  return new Intl.DateTimeFormat(locale(), {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    ...zone(),
  }).format(new Date(at));
}

export function formatNumber(value: number): string {
  return new Intl.NumberFormat(locale()).format(value);
}

/** The signed-in person's own language, unless another was chosen on this machine. */
export async function usePageLanguage(code: string): Promise<void> {
  if (!rememberedLanguage() && isLanguage(code) && offeredLanguages.value.includes(code)) await setLanguage(code, false);
}

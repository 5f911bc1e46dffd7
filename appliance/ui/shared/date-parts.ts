// A date as three boxes, in the language's own order.
export interface DateParts {
  day: string;
  month: string;
  year: string;
}

export function dateOrder(language: string): readonly (keyof DateParts)[] {
  return language === "hu" ? ["year", "month", "day"] : ["day", "month", "year"];
}

export function splitDate(value: string): DateParts {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(value);
  return match ? { year: match[1] ?? "", month: String(Number(match[2])), day: String(Number(match[3])) } : { day: "", month: "", year: "" };
}

/** The full date "YYYY-MM-DD", or null while it is not complete or no real day. */
export function joinDate({ day, month, year }: DateParts): string | null {
  if (!/^\d{4}$/.test(year) || !/^\d{1,2}$/.test(month) || !/^\d{1,2}$/.test(day)) return null;
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return null;
  return `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`;
}

/** Eight digits as heard on the telephone: spaces, hyphens and dots do not matter. */
export function cleanCode(text: string): string | null {
  const digits = text.replace(/[\s\u00a0.-]/g, "");
  return /^\d{8}$/.test(digits) ? digits : null;
}

/** What the address brought, taken out of it at once so that it is in no history or screenshot. */
export function takeFragment(): string {
  const value = decodeURIComponent(location.hash.slice(1));
  if (value) history.replaceState(null, "", location.pathname + location.search);
  return value;
}

/** Eight digits as heard on the telephone: spaces, hyphens and dots do not matter. */
export function cleanCode(text: string): string | null {
  const digits = text.replace(/[\s\u00a0.-]/g, "");
  return /^\d{8}$/.test(digits) ? digits : null;
}

// What every page does first: language, office, then itself.
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { box } from "./box";
import type { Me, Office } from "../generated/box-api";
import { chooseLanguage, isLanguage, localText, offeredLanguages, officeTimeZone, rememberedLanguage, setLanguage } from "./i18n";
import type { Accounts } from "./staff-gate";
import { mount } from "./ui";

export const boxAccounts: Accounts<Me> = {
  me: () => box("getMe"),
  signIn: (body) => box("signIn", { body }),
  signOut: () => box("signOut"),
};

export const office = signal<Office | null>(null);

export const officeName = () => localText(office.value?.name);

function wishes(): (string | null)[] {
  return [new URLSearchParams(location.search).get("lang"), rememberedLanguage(), ...navigator.languages];
}

/** Box pages: the office says which languages there are; without it the page still starts. */
export async function startBoxPage(page: () => JSX.Element): Promise<void> {
  try {
    const found = await box("getOffice");
    office.value = found;
    officeTimeZone.value = found.timeZone;
    const offered = [...new Set([...found.languages, "en"])].filter(isLanguage);
    offeredLanguages.value = offered;
    await setLanguage(chooseLanguage(offered, found.bindingLanguage, wishes()), false);
  } catch {
    await setLanguage(chooseLanguage(["hu", "cs", "en"], "en", wishes()), false);
  }
  const Page = page;
  mount(<Page />);
}

export async function startHeadquartersPage(page: () => JSX.Element): Promise<void> {
  await setLanguage(chooseLanguage(["hu", "cs", "en"], "en", wishes()), false);
  const Page = page;
  mount(<Page />);
}

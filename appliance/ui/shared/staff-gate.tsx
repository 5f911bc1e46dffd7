// Pages of the staff: sign in first, then the page, with who one is in the header.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ProblemError } from "./api";
import type { Me } from "../generated/box-api";
import { t, usePageLanguage } from "./i18n";
import type { Live } from "./live";
import { SignIn } from "./sign-in";
import { Header, Notice, toastError } from "./ui";

export type StaffMember = Pick<Me, "id" | "login" | "name" | "roles" | "language">;

/** Signing in, the same on the box and at headquarters but for who answers. */
export interface Accounts<T> {
  me: () => Promise<T>;
  signIn: (body: { login: string; password: string }) => Promise<T>;
  signOut: () => Promise<unknown>;
}

export function StaffGate<T extends StaffMember>({ live, accounts, title, role, office, extra, children }: {
  live: Live;
  accounts: Accounts<T>;
  title: string;
  role?: Me["roles"][number];
  office: string;
  extra?: ComponentChildren;
  children: (me: T, setMe: (me: T) => void) => ComponentChildren;
}) {
  const [me, setMe] = useState<T | null | undefined>(undefined);
  useEffect(() => {
    accounts.me().then(
      (found) => {
        void usePageLanguage(found.language);
        setMe(found);
      },
      (error: unknown) => {
        if (!(error instanceof ProblemError) || error.status !== 401) toastError(error);
        setMe(null);
      },
    );
  }, []);
  // A topic refused means that the session is over: ask who we are, and offer to sign in again.
  useEffect(
    () =>
      live.on("refused", () => {
        accounts.me().catch((error: unknown) => {
          if (error instanceof ProblemError && error.status === 401) setMe(null);
        });
      }),
    [live],
  );
  const signedIn = (found: T) => {
    setMe(found);
    // The live connection was opened as nobody: who may hear what has changed.
    live.restart();
  };
  const signOut = async () => {
    try {
      await accounts.signOut();
    } catch (error) {
      toastError(error);
    }
    setMe(null);
    live.restart();
  };
  const allowed = me && (!role || me.roles.includes(role));
  return (
    <>
      <Header office={office}>
        {me && extra}
        {me && (
          <>
            <span class="ab-who">{me.name}</span>
            <button type="button" class="ab-link" onClick={() => void signOut()}>{t("ui.sign-in.out")}</button>
          </>
        )}
      </Header>
      {me === null && <SignIn<T> signIn={accounts.signIn} title={title} onSignedIn={signedIn} />}
      {me && !allowed && <main class="ab-main" id="main"><h1 class="ab-title">{title}</h1><Notice tone="amber">{t("ui.sign-in.not-allowed")}</Notice></main>}
      {me && allowed && children(me, setMe)}
    </>
  );
}

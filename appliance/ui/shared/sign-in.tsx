// Staff sign in, the same on the box and at headquarters.
import { useState } from "preact/hooks";
import { errorText } from "./api";
import { t, usePageLanguage } from "./i18n";
import { Button, ErrorSummary, Input, Title, usePageTitle } from "./ui";

export function SignIn<T extends { language: string }>({ signIn, onSignedIn, title }: { signIn: (body: { login: string; password: string }) => Promise<T>; onSignedIn: (me: T) => void; title: string }) {
  usePageTitle(title);
  const [login, setLogin] = useState("");
  const [password, setPassword] = useState("");
  const [errors, setErrors] = useState<{ text: string; href?: string }[]>([]);
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    const missing = [
      ...(login.trim() ? [] : [{ text: t("ui.sign-in.login-missing"), href: "#login" }]),
      ...(password ? [] : [{ text: t("ui.sign-in.password-missing"), href: "#password" }]),
    ];
    setErrors(missing);
    if (missing.length > 0) return;
    setBusy(true);
    try {
      const found = await signIn({ login: login.trim(), password });
      await usePageLanguage(found.language);
      onSignedIn(found);
    } catch (error) {
      setErrors([{ text: errorText(error), href: "#login" }]);
    } finally {
      setBusy(false);
    }
  };
  const errorOf = (href: string) => errors.find((error) => error.href === href)?.text;
  return (
    <main class="ab-main ab-sign-in" id="main">
      <div class="ab-card">
        <Title>{title}</Title>
        {errors.length > 0 && <ErrorSummary title={t("ui.error.summary")} items={errors} />}
        <form onSubmit={(event) => void submit(event)} noValidate>
          <Input label={t("ui.sign-in.login")} id="login" name="login" autocomplete="username" autocapitalize="none" spellcheck={false} value={login} error={errorOf("#login")} onInput={(event) => setLogin(event.currentTarget.value)} />
          <Input label={t("ui.sign-in.password")} id="password" name="password" type="password" autocomplete="current-password" value={password} error={errorOf("#password")} onInput={(event) => setPassword(event.currentTarget.value)} />
          <Button type="submit" size="large" wide disabled={busy}>{t("ui.sign-in.button")}</Button>
        </form>
      </div>
    </main>
  );
}

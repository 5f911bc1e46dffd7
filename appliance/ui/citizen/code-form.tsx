// Eight digits, as heard on the telephone: spaces and hyphens do not matter.
import { useState } from "preact/hooks";
import { cleanCode } from "../shared/code";
import { t } from "../shared/i18n";
import { Button, ErrorSummary, Input } from "../shared/ui";

export function CodeForm({ onCode, busy = false, error }: { onCode: (code: string) => void; busy?: boolean; error?: string | null }) {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const shown = problem ?? error ?? null;
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        const code = cleanCode(text);
        setProblem(code ? null : t("ui.entry.code-wrong"));
        if (code) onCode(code);
      }}
    >
      {shown && <ErrorSummary title={t("ui.error.summary")} items={[{ text: shown, href: "#code" }]} />}
      <Input label={t("ui.entry.code")} hint={t("ui.entry.code-hint")} id="code" inputMode="numeric" autocomplete="one-time-code" maxLength={12} class="ab-code-input" value={text} error={shown ?? undefined} onInput={(event) => setText(event.currentTarget.value)} />
      <Button type="submit" size="large" disabled={busy}>{t("ui.entry.join")}</Button>
    </form>
  );
}

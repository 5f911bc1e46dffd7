// Keyboard first: letters with Alt, by place on the keyboard, so that they are the same on a
// Hungarian, a Czech and an English one. AltGr (Ctrl+Alt) types letters and is left alone.
import { useEffect, useRef } from "preact/hooks";
import { t, type MessageKey } from "../shared/i18n";
import { Button, Dialog } from "../shared/ui";

export const SHORTCUTS = {
  "call-next": { code: "KeyN", shown: "Alt+N" },
  recall: { code: "KeyR", shown: "Alt+R" },
  "no-show": { code: "KeyX", shown: "Alt+X" },
  "set-aside": { code: "KeyA", shown: "Alt+A" },
  finish: { code: "KeyF", shown: "Alt+F" },
  form: { code: "Digit1", shown: "Alt+1" },
  sheet: { code: "Digit2", shown: "Alt+2" },
  chat: { code: "KeyC", shown: "Alt+C" },
  call: { code: "KeyV", shown: "Alt+V" },
  mute: { code: "KeyM", shown: "Alt+M" },
  invite: { code: "KeyI", shown: "Alt+I" },
  waiting: { code: "KeyW", shown: "Alt+W" },
  continue: { code: "KeyE", shown: "Alt+E" },
  search: { code: "Slash", shown: "/" },
  help: { code: "", shown: "?" },
} as const;
export type ShortcutName = keyof typeof SHORTCUTS;
export type ShortcutActions = Partial<Record<ShortcutName, () => void>>;

const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** Which shortcut a key press is, if any. */
export function shortcutOf(event: Pick<KeyboardEvent, "key" | "code" | "altKey" | "ctrlKey" | "metaKey">, inField: boolean): ShortcutName | null {
  if (event.ctrlKey || event.metaKey) return null;
  if (!event.altKey) {
    if (inField) return null;
    if (event.key === "/") return "search";
    return event.key === "?" ? "help" : null;
  }
  const found = Object.entries(SHORTCUTS).find(([name, { code }]) => name !== "search" && code !== "" && code === event.code);
  return (found?.[0] as ShortcutName | undefined) ?? null;
}

export function useShortcuts(actions: ShortcutActions): void {
  const current = useRef(actions);
  current.current = actions;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (document.querySelector("dialog[open]")) return;
      const name = shortcutOf(event, typing(event.target));
      const action = name ? current.current[name] : undefined;
      if (!action || event.repeat) return;
      event.preventDefault();
      action();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}

export function ShortcutHelp({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={t("ui.keys.title")} onClose={onClose}>
      <dl class="ab-keys">
        {(Object.keys(SHORTCUTS) as ShortcutName[]).map((name) => (
          <div key={name}>
            <dt><kbd>{SHORTCUTS[name].shown}</kbd></dt>
            <dd>{t(`ui.keys.${name}` satisfies MessageKey)}</dd>
          </div>
        ))}
      </dl>
      <div class="ab-dialog-actions"><Button onClick={onClose}>{t("ui.common.close")}</Button></div>
    </Dialog>
  );
}

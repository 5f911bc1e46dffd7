// Text chat of a visit: passing messages over the live connection, kept by the page alone.
import { signal, type Signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { formatTime, t } from "./i18n";
import type { Live } from "./live";
import { Button, cx } from "./ui";

export interface ChatLine {
  from: "citizen" | "clerk";
  text: string;
  at: string;
}

export class Chat {
  readonly lines: Signal<readonly ChatLine[]> = signal([]);
  readonly unread = signal(0);
  readonly #off: () => void;
  /** Own lines whose echo is not back: the box may or may not send it to the sender. */
  #pending: string[] = [];

  constructor(readonly live: Live, readonly topic: string, readonly own: "citizen" | "clerk") {
    this.#off = live.on("message", ({ topic: from, kind, data }) => {
      if (from === topic && kind === "chat") this.#receive(data);
    });
  }

  send(text: string): boolean {
    if (!this.live.send(this.topic, "chat", { text })) return false;
    this.#pending.push(text);
    this.#add({ from: this.own, text, at: new Date().toISOString() });
    return true;
  }

  #receive(data: Record<string, unknown>): void {
    const from = data["from"] === "citizen" ? "citizen" : "clerk";
    const text = String(data["text"] ?? "");
    const echo = from === this.own ? this.#pending.indexOf(text) : -1;
    if (echo >= 0) {
      this.#pending.splice(echo, 1);
      return;
    }
    this.#add({ from, text, at: String(data["at"] ?? new Date().toISOString()) });
    if (from !== this.own) this.unread.value++;
  }

  #add(line: ChatLine): void {
    this.lines.value = [...this.lines.value, line].slice(-500);
  }

  destroy(): void {
    this.#off();
  }
}

export function ChatView({ chat, class: extra }: { chat: Chat; class?: string }) {
  const [text, setText] = useState("");
  const [failed, setFailed] = useState(false);
  const list = useRef<HTMLUListElement>(null);
  const lines = chat.lines.value;
  useEffect(() => {
    list.current?.scrollTo({ top: list.current.scrollHeight });
    chat.unread.value = 0;
  }, [lines.length]);
  const submit = (event: Event) => {
    event.preventDefault();
    const line = text.trim();
    if (!line) return;
    const sent = chat.send(line);
    setFailed(!sent);
    if (sent) setText("");
  };
  return (
    <div class={cx("ab-chat", extra)}>
      <ul class="ab-chat-list" ref={list} aria-live="polite" aria-label={t("ui.chat.title")} tabIndex={0}>
        {lines.length === 0 && <li class="ab-chat-empty">{t("ui.chat.empty")}</li>}
        {lines.map((line, index) => (
          <li key={index} class={cx(line.from === chat.own && "ab-chat-own")}>
            <span class="ab-chat-meta">{t(line.from === chat.own ? "ui.chat.you" : line.from === "clerk" ? "ui.chat.clerk" : "ui.chat.citizen")} · {formatTime(line.at)}</span>
            {line.text}
          </li>
        ))}
      </ul>
      {failed && <p class="govuk-error-message">{t("ui.chat.failed")}</p>}
      <form class="ab-chat-form" onSubmit={submit}>
        <input class="govuk-input" id="chat-input" aria-label={t("ui.chat.write")} placeholder={t("ui.chat.write")} value={text} maxLength={2000} autocomplete="off" onInput={(event) => setText(event.currentTarget.value)} />
        <Button type="submit" size="small">{t("ui.chat.send")}</Button>
      </form>
    </div>
  );
}

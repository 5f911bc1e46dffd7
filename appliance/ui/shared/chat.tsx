// Messages of a visit: kept by the box and read from there, so that a page that comes back has them
// all; and real-time text, which shows a line while it is being written.
import { signal, type Signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { box } from "./box";
import { errorText } from "./api";
import type { GuestRole, Message } from "../generated/box-api";
import { onceKey } from "./hooks";
import { formatTime, t } from "./i18n";
import type { Live } from "./live";
import { Typing, useSpoken } from "./typing";
import { Button, cx } from "./ui";

export type Side = Message["from"];

export class Chat {
  readonly lines: Signal<readonly Message[]> = signal([]);
  /** Own lines on their way. */
  readonly sending: Signal<readonly string[]> = signal([]);
  readonly unread = signal(0);
  readonly typing: Typing;
  readonly #off: (() => void)[];
  readonly #visit: string;
  #loaded = false;
  #busy = false;
  #again = false;

  /** `guest`: who a guest is. */
  constructor(live: Live, visitId: string, readonly own: Side, readonly guest?: { name: string; role: GuestRole }) {
    const topic = `visit:${visitId}`;
    this.#visit = visitId;
    this.typing = new Typing(live, topic);
    this.#off = [
      live.on("event", (event) => {
        if (event.topic === topic && event.kind === "visit.message") this.load();
      }),
      live.on("reset", () => this.load()),
      live.on("line", (state) => {
        if (state === "open") this.load();
      }),
    ];
    this.load();
  }

  /** Asks for what came after the last line known; once more when something came meanwhile. */
  load(): void {
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    this.#again = false;
    const after = String(this.lines.value.at(-1)?.serial ?? 0);
    box("listMessages", { params: { visitId: this.#visit }, query: { after } })
      .then((found) => this.#add(found), (error: unknown) => console.warn("messages:", error))
      .finally(() => {
        this.#busy = false;
        if (this.#again) this.load();
      });
  }

  /** Rejects when the box did not keep it; the text is then the writer's again. */
  async send(text: string): Promise<void> {
    this.sending.value = [...this.sending.value, text];
    const key = onceKey();
    const post = () => box("sendMessage", { params: { visitId: this.#visit }, body: { text, key } });
    try {
      // A line that broke just now: the key makes the second try safe.
      const kept = await post().catch((error: unknown) => (error instanceof TypeError ? post() : Promise.reject(error)));
      if (kept.serial === (this.lines.value.at(-1)?.serial ?? 0) + 1) this.#add([kept]);
      else this.load();
    } finally {
      const index = this.sending.value.indexOf(text);
      this.sending.value = this.sending.value.filter((_, at) => at !== index);
      this.typing.tell("");
    }
  }

  #add(found: readonly Message[]): void {
    const last = this.lines.value.at(-1)?.serial ?? 0;
    const fresh = found.filter(({ serial }) => serial > last);
    const theirs = fresh.filter((line) => !isOwn(this, line));
    if (this.#loaded) this.unread.value += theirs.length;
    this.#loaded = true;
    for (const side of new Set(theirs.map(({ from }) => from))) this.typing.sent(side);
    if (fresh.length > 0) this.lines.value = [...this.lines.value, ...fresh];
  }

  destroy(): void {
    for (const off of this.#off) off();
    this.typing.destroy();
  }
}

/** What somebody is called; guests by the name they gave, else by what they are there for. */
export function personName(side: Side, guest?: { name: string; role?: GuestRole }): string {
  if (side !== "guest") return t(side === "clerk" ? "ui.chat.clerk" : "ui.chat.citizen");
  return guest?.name || t(`ui.guest.role-${guest?.role ?? "colleague"}`);
}

const isOwn = (chat: Chat, { from, guest }: Pick<Message, "from" | "guest">) => from === chat.own && (guest?.name === chat.guest?.name && guest?.role === chat.guest?.role);
const nameOf = (chat: Chat, line: Pick<Message, "from" | "guest">) => (isOwn(chat, line) ? t("ui.chat.you") : personName(line.from, line.guest));

/** `past`: the visit is over, and this is looking back. */
export function ChatView({ chat, class: extra, past = false }: { chat: Chat; class?: string; past?: boolean }) {
  const list = useRef<HTMLUListElement>(null);
  const lines = chat.lines.value;
  const sending = chat.sending.value;
  const typed = chat.typing.others.value;
  useEffect(() => {
    list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [lines.length, sending.length, typed]);
  useEffect(() => {
    chat.unread.value = 0;
  }, [lines.length]);
  return (
    <div class={cx("ab-chat", extra)}>
      <ul class="ab-chat-list" ref={list} aria-live="polite" aria-label={t("ui.chat.title")} tabIndex={0}>
        {lines.length + sending.length === 0 && <li class="ab-chat-empty">{t(past ? "ui.chat.none" : "ui.chat.empty")}</li>}
        {lines.map((line) => (
          <li key={line.serial} class={cx(isOwn(chat, line) && "ab-chat-own")} data-serial={line.serial}>
            <span class="ab-chat-meta">{nameOf(chat, line)} · {formatTime(line.at)}</span>
            <span class="ab-chat-text" dir="auto">{line.text}</span>
          </li>
        ))}
        {sending.map((text, index) => (
          <li key={`sending-${index}`} class="ab-chat-own ab-chat-sending">
            <span class="ab-chat-meta">{t("ui.chat.sending")}</span>
            {text}
          </li>
        ))}
      </ul>
      {!past && <Written chat={chat} />}
      {!past && <Writing chat={chat} />}
    </div>
  );
}

/** What the others are writing at this moment, letter by letter for the eye, in words for the ear. */
function Written({ chat }: { chat: Chat }) {
  const typed = chat.typing.others.value;
  const spoken = useSpoken(typed.map(({ text }) => text).join(" "));
  return (
    <>
      {typed.map(({ page, from, guest, text }) => (
        <p key={page} class="ab-chat-typed" aria-hidden="true">
          <span class="ab-chat-meta">{t("ui.chat.typing", { name: personName(from, guest) })}</span>
          {text}
        </p>
      ))}
      <p class="govuk-visually-hidden" aria-live="polite">{spoken}</p>
    </>
  );
}

function Writing({ chat }: { chat: Chat }) {
  const [text, setText] = useState("");
  const [failed, setFailed] = useState<string | null>(null);
  const { typing } = chat;
  const input = useRef<HTMLInputElement>(null);
  const write = (value: string) => {
    setText(value);
    typing.tell(value);
  };
  const submit = (event: Event) => {
    event.preventDefault();
    const line = text.trim();
    if (!line) return;
    setText("");
    setFailed(null);
    chat.send(line).catch((error: unknown) => {
      setFailed(error instanceof TypeError ? t("ui.chat.failed") : errorText(error));
      // Given back, unless something else is being written by now.
      if (!input.current?.value) write(line);
    });
  };
  return (
    <>
      {failed && <p class="govuk-error-message" role="alert">{failed}</p>}
      <form class="ab-chat-form" onSubmit={submit}>
        <input ref={input} class="govuk-input" id="chat-input" aria-label={t("ui.chat.write")} placeholder={t("ui.chat.write")} value={text} maxLength={2000} autocomplete="off" onInput={(event) => write(event.currentTarget.value)} />
        <Button type="submit" size="small">{t("ui.chat.send")}</Button>
      </form>
      <label class="ab-chat-live">
        <input type="checkbox" checked={typing.on.value} onChange={(event) => typing.turn(event.currentTarget.checked, text)} />
        {t("ui.chat.live")}
      </label>
      {!typing.on.value && typing.others.value.length > 0 && <p class="ab-chat-hint">{t("ui.chat.live-hint")}</p>}
    </>
  );
}

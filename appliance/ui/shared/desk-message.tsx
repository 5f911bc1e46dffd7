// What the desk told those who wait: a ready phrase in the reader's language, or a text in the
// writer's.
import type { DeskMessage } from "../generated/box-api";
import { language, t } from "./i18n";

export function DeskMessageText({ message }: { message: DeskMessage }) {
  if (message.phrase) return <span>{t(`ui.waiting.phrase-${message.phrase}`)}</span>;
  return <span {...(message.language !== language.value ? { lang: message.language } : {})}>{message.text}</span>;
}

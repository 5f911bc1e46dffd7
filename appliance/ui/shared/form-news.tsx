// What happened to the person's own answers, for those who hear the page: said once each, politely.
import { useEffect, useRef, useState } from "preact/hooks";
import { correctionText } from "./author-line";
import { storyOf } from "./authors";
import type { DraftDocument } from "./draft";
import { elementAt, labelOf, type FormDefinition } from "./form-model";
import { localText, t } from "./i18n";
import { refusalText } from "./refusals";

function newsOf(draft: DraftDocument, definition: FormDefinition): Map<string, string> {
  const news = new Map<string, string>();
  for (const refusal of draft.refused.value) news.set(`${refusal.path} refused`, `${t("ui.form.refused")} ${refusalText(refusal, definition)}`);
  for (const author of draft.authors.fields.value.values()) {
    const element = elementAt(definition, author.path)?.element;
    const label = labelOf(definition, author.path);
    const value = draft.lookup(author.path);
    const told = storyOf(author, value);
    if (!told || !label || element?.type !== "field" || told.story === "before") continue;
    const text = told.story === "collision" ? t("ui.author.collision") : correctionText(author, told.previous, element, value, draft.role);
    news.set(`${author.path} ${author.at}`, `${localText(label.label)}: ${text}`);
  }
  return news;
}

export function FormNews({ draft, definition }: { draft: DraftDocument; definition: FormDefinition }) {
  const [text, setText] = useState("");
  const known = useRef<ReadonlySet<string> | null>(null);
  const authors = draft.authors.fields.value;
  const refused = draft.refused.value;
  useEffect(() => {
    const news = newsOf(draft, definition);
    const before = known.current;
    known.current = new Set(news.keys());
    // What the page opened with is there to be read, not news.
    const fresh = before ? [...news].filter(([key]) => !before.has(key)) : [];
    if (fresh.length > 0) setText(fresh.map(([, said]) => said).join(" "));
  }, [authors, refused]);
  return <p class="govuk-visually-hidden" role="status">{text}</p>;
}

// The knowledge base: search without accents, and a service's sheet.
import { useEffect, useRef, useState } from "preact/hooks";
import { errorText } from "./api";
import { box } from "./box";
import type { KnowledgeHit } from "../generated/box-api";
import { useLoaded } from "./hooks";
import { formatDay, formatNumber, language, localLang, localText, t, tMaybe, tn, type LocalText } from "./i18n";
import { SearchIcon } from "./icons";
import { Button, Notice, Tag } from "./ui";

/** A service as published (kb/schemas/service.schema.json), as far as it is shown. */
export interface ServiceSheet {
  id: string;
  sample?: boolean;
  language: { binding: string };
  notice?: LocalText;
  name: LocalText;
  summary: LocalText;
  description: LocalText;
  legalBasis?: { title: LocalText; reference: string; url?: string }[];
  documents?: { id: string; name: LocalText; required: boolean; note?: LocalText }[];
  fee?: { amount: number; currency: string; text: LocalText };
  deadline?: { days?: number; text: LocalText };
  competence?: LocalText;
  identity?: "none" | "seen" | "known";
  channels?: string[];
  updated?: string;
}

export function useSearch(query: string): { hits: KnowledgeHit[] | null; error: string | null } {
  const [state, setState] = useState<{ hits: KnowledgeHit[] | null; error: string | null }>({ hits: null, error: null });
  useEffect(() => {
    const words = query.trim();
    if (words.length < 2) {
      setState({ hits: null, error: null });
      return;
    }
    const abort = new AbortController();
    const timer = setTimeout(() => {
      box("searchKnowledge", { query: { q: words, lang: language.value, limit: "10" }, signal: abort.signal }).then(
        ({ hits }) => setState({ hits, error: null }),
        (error: unknown) => {
          if (!abort.signal.aborted) setState({ hits: null, error: errorText(error) });
        },
      );
    }, 150);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [query, language.value]);
  return state;
}

export function KnowledgeSearch({ onOpen, inputId = "kb-search", autofocus = false, initial = "" }: { onOpen: (id: string) => void; inputId?: string; autofocus?: boolean; initial?: string }) {
  const [query, setQuery] = useState(initial);
  const { hits, error } = useSearch(query);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (autofocus) input.current?.focus();
  }, [autofocus]);
  return (
    <search class="ab-knowledge-search">
      <form
        class="ab-search"
        onSubmit={(event) => {
          event.preventDefault();
          const [first] = hits ?? [];
          if (first) onOpen(first.id);
        }}
      >
        <label class="govuk-visually-hidden" for={inputId}>{t("ui.kb.search")}</label>
        <input class="govuk-input" id={inputId} ref={input} type="search" autocomplete="off" placeholder={t("ui.kb.placeholder")} value={query} onInput={(event) => setQuery(event.currentTarget.value)} />
        <Button type="submit" aria-label={t("ui.kb.search")} class="ab-search-button"><SearchIcon /></Button>
      </form>
      <p class="govuk-visually-hidden" role="status">{hits ? tn("ui.kb.found", hits.length) : ""}</p>
      {error && <Notice tone="error">{error}</Notice>}
      {hits && hits.length === 0 && <p class="ab-muted">{t("ui.kb.nothing", { query: query.trim() })}</p>}
      {hits && hits.length > 0 && (
        <ul class="ab-hits">
          {hits.map((hit) => (
            <li key={hit.id}>
              <button type="button" class="ab-hit" onClick={() => onOpen(hit.id)}>
                <span class="ab-hit-name">{hit.name}</span>
                <span class="ab-hit-snippet">{hit.snippet.map((part, index) => (part.match ? <mark key={index}>{part.text}</mark> : part.text))}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </search>
  );
}

/** `focus`: somebody has just asked for this sheet; one that merely stands there takes no focus. */
export function SheetView({ id, onBack, heading = 2, focus }: { id: string; onBack?: () => void; heading?: 1 | 2; focus: boolean }) {
  const { value, error, reload } = useLoaded(() => box("getSheet", { params: { serviceId: id } }), [id, language.value]);
  if (error) return <Notice tone="error" live>{errorText(error)} <Button size="small" kind="secondary" onClick={reload}>{t("ui.common.retry")}</Button></Notice>;
  if (!value) return <p class="ab-muted" role="status">{t("ui.common.loading")}</p>;
  return <SheetText sheet={value.service as unknown as ServiceSheet} edition={value.edition} heading={heading} focus={focus} {...(onBack ? { onBack } : {})} />;
}

function Text({ text, paragraphs = false }: { text: LocalText | undefined; paragraphs?: boolean }) {
  const lang = localLang(text);
  const attributes = lang ? { lang } : {};
  if (!paragraphs) return <span {...attributes}>{localText(text)}</span>;
  return <div {...attributes}>{localText(text).split(/\n\n+/).map((part, index) => <p key={index}>{part}</p>)}</div>;
}

function SheetText({ sheet, edition, heading, focus, onBack }: { sheet: ServiceSheet; edition: number; heading: 1 | 2; focus: boolean; onBack?: () => void }) {
  const Heading = heading === 1 ? "h1" : "h2";
  const Sub = heading === 1 ? "h2" : "h3";
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (focus) title.current?.focus();
  }, [sheet.id, focus]);
  const isBinding = language.value === sheet.language.binding;
  return (
    <article class="ab-sheet" data-service={sheet.id}>
      {onBack && <button type="button" class="ab-link ab-no-print" onClick={onBack}>← {t("ui.kb.back")}</button>}
      <Heading class={heading === 1 ? "ab-title" : "ab-subtitle ab-sheet-title"} tabIndex={-1} ref={title}><Text text={sheet.name} /></Heading>
      <p class="ab-lead"><Text text={sheet.summary} /></p>
      <p class="ab-row">
        {sheet.sample && <Tag tone="amber">{t("ui.kb.sample")}</Tag>}
        <Tag tone={isBinding ? "green" : "grey"}>{isBinding ? t("ui.kb.binding") : t("ui.kb.not-binding", { language: tMaybe(`ui.language.${sheet.language.binding}`, sheet.language.binding) })}</Tag>
      </p>
      <dl class="ab-facts">
        {sheet.fee && <Fact name={t("ui.kb.fee")}><Text text={sheet.fee.text} /></Fact>}
        {sheet.deadline && <Fact name={t("ui.kb.deadline")}><Text text={sheet.deadline.text} /></Fact>}
        {sheet.competence && <Fact name={t("ui.kb.competence")}><Text text={sheet.competence} /></Fact>}
        {sheet.identity && <Fact name={t("ui.kb.identity")}>{t(`ui.kb.identity-${sheet.identity}`)}</Fact>}
      </dl>
      {sheet.documents && sheet.documents.length > 0 && (
        <>
          <Sub class="ab-subtitle">{t("ui.kb.documents")}</Sub>
          <ul class="ab-documents">
            {sheet.documents.map((document) => (
              <li key={document.id}>
                <Text text={document.name} /> {!document.required && <span class="ab-muted">({t("ui.kb.if-needed")})</span>}
                {document.note && <span class="ab-document-note"><Text text={document.note} /></span>}
              </li>
            ))}
          </ul>
        </>
      )}
      <Sub class="ab-subtitle">{t("ui.kb.description")}</Sub>
      <Text text={sheet.description} paragraphs />
      {sheet.legalBasis && sheet.legalBasis.length > 0 && (
        <>
          <Sub class="ab-subtitle">{t("ui.kb.legal-basis")}</Sub>
          <ul class="ab-documents">
            {sheet.legalBasis.map((law) => (
              <li key={law.reference}>
                {law.url ? <a href={law.url} rel="noopener noreferrer" target="_blank">{law.reference}</a> : law.reference} – <Text text={law.title} />
              </li>
            ))}
          </ul>
        </>
      )}
      {sheet.notice && <p class="ab-muted ab-small"><Text text={sheet.notice} /></p>}
      <p class="ab-muted ab-small">{t("ui.kb.edition", { edition: formatNumber(edition), updated: sheet.updated ? formatDay(sheet.updated) : "–" })}</p>
    </article>
  );
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div class="ab-fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

// Middle: the client's matter. Two tabs: the form together, and the knowledge base.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { errorText } from "../shared/api";
import { box } from "../shared/box";
import type { Completion, Draft, Identity, Receipt, Visit } from "../generated/box-api";
import { DraftDocument } from "../shared/draft";
import { DraftForm, GapSummary, LateEdits, SavedMark, WhoIsHere } from "../shared/draft-form";
import { formDefinition, sectionsFor, type FormDefinition } from "../shared/form-model";
import { localText, t } from "../shared/i18n";
import { KnowledgeSearch, SheetView } from "../shared/knowledge";
import { socketOrigin, type Live } from "../shared/live";
import { CompletionNotice, ReceiptView, SubmitButton, useDraft, useFollowing, useReceipt, useReopening } from "../shared/submit";
import { Button, cx, Notice, Tag, toastError } from "../shared/ui";
import { Prefill } from "./prefill";
import { Reopen } from "./reopen";
import { SHORTCUTS } from "./shortcuts";

export type DeskTab = "form" | "sheet";

export function ClientPanel({ live, visit, calling, tab, setTab, onVisit, onClose }: {
  live: Live;
  visit: Visit | null;
  /** Somebody is called by video and has not come yet. */
  calling: boolean;
  tab: DeskTab;
  setTab: (tab: DeskTab) => void;
  onVisit: (visit: Visit) => void;
  onClose: () => void;
}) {
  return (
    <section class="ab-desk-client" aria-label={t("ui.desk.client")}>
      {visit && <ClientHead visit={visit} onVisit={onVisit} onClose={onClose} />}
      <Tabs tab={tab} setTab={setTab} />
      <div id="panel-form" role="tabpanel" aria-labelledby="tab-form" class="ab-desk-panel" hidden={tab !== "form"} tabIndex={0}>
        {visit ? <VisitForm key={visit.id} live={live} visit={visit} onVisit={onVisit} /> : <Empty calling={calling} />}
      </div>
      <div id="panel-sheet" role="tabpanel" aria-labelledby="tab-sheet" class="ab-desk-panel" hidden={tab !== "sheet"} tabIndex={0}>
        <KnowledgePanel service={visit?.service ?? null} shown={tab === "sheet"} />
      </div>
    </section>
  );
}

function Empty({ calling }: { calling: boolean }) {
  if (calling) return <div class="ab-desk-empty"><p class="ab-lead">{t("ui.lobby.calling-text")}</p></div>;
  return (
    <div class="ab-desk-empty">
      <p class="ab-lead">{t("ui.desk.empty-title")}</p>
      <p class="ab-muted">{t("ui.desk.empty-text", { keys: SHORTCUTS["call-next"].shown })}</p>
    </div>
  );
}

function Tabs({ tab, setTab }: { tab: DeskTab; setTab: (tab: DeskTab) => void }) {
  const names: DeskTab[] = ["form", "sheet"];
  const refs = useRef<Partial<Record<DeskTab, HTMLButtonElement | null>>>({});
  const move = (event: KeyboardEvent) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const next = tab === "form" ? "sheet" : "form";
    event.preventDefault();
    setTab(next);
    refs.current[next]?.focus();
  };
  return (
    <div class="ab-tabs" role="tablist" aria-label={t("ui.desk.tabs")} onKeyDown={move}>
      {names.map((name) => (
        <button
          key={name}
          ref={(element) => {
            refs.current[name] = element;
          }}
          type="button"
          role="tab"
          id={`tab-${name}`}
          aria-controls={`panel-${name}`}
          aria-selected={tab === name}
          tabIndex={tab === name ? 0 : -1}
          class="ab-tab"
          onClick={() => setTab(name)}
        >
          {t(`ui.desk.tab-${name}`)} <kbd aria-hidden="true">{SHORTCUTS[name].shown}</kbd>
        </button>
      ))}
    </div>
  );
}

function ClientHead({ visit, onVisit, onClose }: { visit: Visit; onVisit: (visit: Visit) => void; onClose: () => void }) {
  const setIdentity = (method: Identity) => {
    box("setIdentity", { params: { visitId: visit.id }, body: { method } }).then(onVisit, toastError);
  };
  const methods: Identity[] = ["none", "seen", "known"];
  return (
    <header class="ab-client-head">
      <div class="ab-client-name">
        <h2 class="ab-subtitle">{localText(visit.serviceName)}</h2>
        <div class="ab-row">
          {visit.ticket && <Tag>{visit.ticket.number}</Tag>}
          {visit.citizenPresent ? (
            <Tag tone="green">{t("ui.desk.citizen-here")}</Tag>
          ) : (
            <Tag tone="grey">{t(visit.channel === "video" ? "ui.desk.video" : "ui.desk.walk-in")}</Tag>
          )}
          {visit.state === "ended" && <Tag tone="amber">{t("ui.desk.ended")}</Tag>}
          {visit.state === "ended" && <Button kind="secondary" size="small" onClick={onClose}>{t("ui.common.close")}</Button>}
        </div>
      </div>
      {visit.state === "open" && (
        <fieldset class="ab-identity">
          <legend>{t("ui.desk.identity")}</legend>
          {methods.map((method) => (
            <label key={method} class={cx("ab-segment", visit.identity === method && "ab-segment-on")}>
              <input type="radio" name="identity" value={method} checked={visit.identity === method} onChange={() => setIdentity(method)} />
              {t(`ui.desk.identity-${method}`)}
            </label>
          ))}
        </fieldset>
      )}
    </header>
  );
}

function VisitForm({ live, visit, onVisit }: { live: Live; visit: Visit; onVisit: (visit: Visit) => void }) {
  const { value: draft, error, reload } = useDraft(visit);
  const definition = useMemo(() => (draft ? formDefinition(draft.form) : null), [draft]);
  const { receipt, filed } = useReceipt(live, visit.id, visit.filingId ?? null);
  const documents = useMemo(() => {
    if (draft?.state !== "open") return null;
    const open = (audience: "shared" | "office") => new DraftDocument(draft.id, audience, { role: "clerk", label: t("ui.form.clerk") }, socketOrigin());
    const hasOffice = draft.audiences.includes("office") && sectionsFor(formDefinition(draft.form), "office").length > 0;
    return { shared: open("shared"), office: hasOffice ? open("office") : null };
  }, [draft?.id, draft?.state]);
  useReopening(visit, [documents?.shared, documents?.office]);
  useFollowing(live, [documents?.shared, documents?.office]);
  useEffect(
    () => () => {
      documents?.shared.destroy();
      documents?.office?.destroy();
    },
    [documents],
  );
  const ended = visit.state === "ended";
  useEffect(() => {
    if (!ended) return;
    documents?.shared.stop();
    documents?.office?.stop();
  }, [documents, ended]);
  if (receipt)
    return (
      <>
        <ReceiptView receipt={receipt} definition={definition} earlier={visit.filings} />
        {visit.draftId && !ended && <Reopen receipt={receipt} definition={definition} onVisit={onVisit} />}
        {documents && definition && <LateEdits draft={documents.shared} definition={definition} />}
      </>
    );
  if (ended) return <p class="ab-muted">{t("ui.desk.visit-ended")}</p>;
  if (error) return <Notice tone="error" live>{errorText(error)} <Button size="small" kind="secondary" onClick={reload}>{t("ui.common.retry")}</Button></Notice>;
  if (!visit.draftId) return <p class="ab-muted">{t("ui.desk.no-form")}</p>;
  if (!draft || !documents || !definition) return <p class="ab-muted" role="status">{t("ui.common.loading")}</p>;
  return <OpenForm draft={draft} completion={visit.completion} definition={definition} onFiled={filed} {...documents} />;
}

function OpenForm({ draft, completion, definition, shared, office, onFiled }: {
  draft: Draft;
  completion: Completion | null;
  definition: FormDefinition;
  shared: DraftDocument;
  office: DraftDocument | null;
  onFiled: (receipt: Receipt) => void;
}) {
  const gaps = [...shared.gaps.value, ...(office?.gaps.value ?? [])];
  const [prefill, setPrefill] = useState(false);
  return (
    <>
      <div class="ab-form-bar">
        <SavedMark draft={shared} />
        <WhoIsHere draft={shared} />
        <span class="ab-grow" />
        <Button kind="secondary" size="small" class="ab-prefill" onClick={() => setPrefill(true)}>{t("ui.prefill.button")}</Button>
        <SubmitButton draftId={draft.id} gaps={gaps} definition={definition} onFiled={onFiled} />
      </div>
      <CompletionNotice completion={completion} />
      <GapSummary draft={shared} definition={definition} />
      <DraftForm draft={shared} draftId={draft.id} definition={definition} autofill={false} />
      {office && (
        <div class="ab-office">
          <p class="ab-office-note"><strong>{t("ui.form.office-only")}</strong> <SavedMark draft={office} /></p>
          <DraftForm draft={office} draftId={draft.id} definition={definition} autofill={false} />
        </div>
      )}
      {prefill && <Prefill draft={shared} draftId={draft.id} definition={definition} onClose={() => setPrefill(false)} />}
    </>
  );
}

function KnowledgePanel({ service, shown }: { service: string | null; shown: boolean }) {
  const [chosen, setChosen] = useState<string | null>(null);
  useEffect(() => setChosen(null), [service]);
  const open = chosen ?? service;
  return (
    <>
      <KnowledgeSearch onOpen={setChosen} />
      {open && shown && <SheetView id={open} focus={chosen !== null} {...(service && open !== service ? { onBack: () => setChosen(null) } : {})} />}
    </>
  );
}

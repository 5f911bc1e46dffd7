// The kiosk: choose a service, take a number. It goes back to the start by itself.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { errorText } from "../shared/api";
import { box } from "../shared/box";
import type { Service, Ticket } from "../generated/box-api";
import { onceKey, useLiveReload, useLoaded } from "../shared/hooks";
import { chooseLanguage, formatDateTime, isLanguage, language, localLang, localText, offeredLanguages, setLanguage, t, tn } from "../shared/i18n";
import { openLive } from "../shared/live";
import { office, officeName, startBoxPage } from "../shared/start";
import { Button, LanguageSwitch, Logo, Notice, Title, usePageTitle } from "../shared/ui";

const BACK_AFTER_S = 20;
const IDLE_MS = 60_000;

function Page() {
  usePageTitle(t("ui.kiosk.title"));
  const live = useMemo(openLive, []);
  const { value: services, error, reload } = useLoaded(() => box("listServices"), []);
  useLiveReload(live, ["queue"], reload);
  const [ticket, setTicket] = useState<{ ticket: Ticket; service: Service } | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState<string | null>(null);
  // One key a press: a press counted twice, or sent again after a fault, is one number.
  const key = useRef(onceKey());

  const back = () => {
    setTicket(null);
    setProblem(null);
    key.current = onceKey();
    const start = office.value ? chooseLanguage(offeredLanguages.value, office.value.bindingLanguage, [office.value.bindingLanguage]) : language.value;
    if (isLanguage(start)) void setLanguage(start, false);
  };

  // Somebody chose a language and went away: the next visitor finds the office's own.
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const touched = () => {
      clearTimeout(timer);
      timer = setTimeout(back, IDLE_MS);
    };
    addEventListener("pointerdown", touched);
    addEventListener("keydown", touched);
    return () => {
      clearTimeout(timer);
      removeEventListener("pointerdown", touched);
      removeEventListener("keydown", touched);
    };
  }, []);

  const take = async (service: Service) => {
    if (busy) return;
    setBusy(service.id);
    setProblem(null);
    try {
      const issued = await box("issueTicket", { body: { service: service.id, idempotencyKey: key.current } });
      setTicket({ ticket: issued, service });
    } catch (failure) {
      setProblem(errorText(failure));
      reload();
    } finally {
      setBusy(null);
    }
  };

  return (
    <div class="ab-kiosk">
      <header class="ab-header">
        <Logo office={officeName()} href={null} />
        <div class="ab-header-end"><LanguageSwitch long remember={false} /></div>
      </header>
      <main class="ab-kiosk-main" id="main">
        {ticket ? (
          <TicketView {...ticket} onBack={back} />
        ) : (
          <>
            <Title>{t("ui.kiosk.title")}</Title>
            <p class="ab-lead">{t("ui.kiosk.lead")}</p>
            {problem && <Notice tone="error" live>{problem}</Notice>}
            {error && !services && <Notice tone="error" live>{errorText(error)}</Notice>}
            <ul class="ab-kiosk-services">
              {services?.map((service) => {
                const lang = localLang(service.name);
                return (
                  <li key={service.id}>
                    <button type="button" class="ab-kiosk-service" data-service={service.id} disabled={!service.open || busy !== null} onClick={() => void take(service)} {...(lang ? { lang } : {})}>
                      <span class="ab-kiosk-prefix" aria-hidden="true">{service.prefix}</span>
                      <span class="ab-kiosk-name">
                        <span>{localText(service.name)}</span>
                        <span class="ab-kiosk-wait">{service.open ? wait(service) : t("ui.service.closed")}</span>
                      </span>
                    </button>
                  </li>
                );
              })}
            </ul>
          </>
        )}
      </main>
    </div>
  );
}

/** Honest: without enough visits to judge by, no minutes are promised. */
function wait({ waiting, estimateMinutes }: { waiting: number; estimateMinutes: number | null }): string {
  if (waiting === 0 && estimateMinutes === null) return t("ui.kiosk.nobody");
  const people = tn("ui.kiosk.waiting", waiting);
  return estimateMinutes === null ? people : `${people} · ${tn("ui.kiosk.minutes", estimateMinutes)}`;
}

function TicketView({ ticket, service, onBack }: { ticket: Ticket; service: Service; onBack: () => void }) {
  const [left, setLeft] = useState(BACK_AFTER_S);
  useEffect(() => {
    const timer = setInterval(() => setLeft((seconds) => seconds - 1), 1000);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    if (left <= 0) onBack();
  }, [left]);
  const ahead = ticket.waitingAhead ?? null;
  const minutes = ticket.estimateMinutes ?? null;
  return (
    <>
      <Title focus>{t("ui.kiosk.ticket-title")}</Title>
      <article class="ab-ticket" aria-live="assertive">
        <p class="ab-ticket-office">{officeName()}</p>
        <p class="ab-ticket-number ab-number">{ticket.number}</p>
        <p class="ab-ticket-service">{localText(service.name)}</p>
        {ahead !== null && <p>{ahead === 0 ? t("ui.kiosk.ahead-none") : tn("ui.kiosk.ahead", ahead)}</p>}
        <p>{minutes !== null ? tn("ui.kiosk.about", minutes) : t("ui.kiosk.no-estimate")}</p>
        <p class="ab-muted ab-small">{formatDateTime(ticket.issuedAt)}</p>
      </article>
      <p class="ab-lead">{t("ui.kiosk.watch")}</p>
      <Button size="large" onClick={onBack}>{t("ui.kiosk.done")}</Button>
      <p class="ab-muted" aria-hidden="true">{tn("ui.kiosk.back-in", Math.max(left, 0))}</p>
    </>
  );
}

void startBoxPage(Page);

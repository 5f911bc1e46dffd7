// The waiting room's board: numbers only, the last call large, each with its counter.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { box } from "../shared/box";
import type { Board } from "../generated/box-api";
import { useLine, useLiveReload, useLoaded, useNow } from "../shared/hooks";
import { formatTime, localText, t } from "../shared/i18n";
import { openLive } from "../shared/live";
import { officeName, startBoxPage } from "../shared/start";
import { cx, Line, Logo, usePageTitle } from "../shared/ui";

type Called = Board["called"][number];
const FRESH_MS = 20_000;

function Page() {
  usePageTitle(t("ui.board.title"));
  const live = useMemo(openLive, []);
  const line = useLine(live);
  const { value: board, reload } = useLoaded(() => box("getBoard"), []);
  useLiveReload(live, ["queue"], reload);
  const now = useNow(5_000);
  const called = [...(board?.called ?? [])].sort((a, b) => b.at.localeCompare(a.at));
  const [last, ...rest] = called;
  return (
    <div class="ab-board">
      <header class="ab-header">
        <Logo office={officeName()} href={null} />
        <h1 class="ab-board-title">{t("ui.board.title")}</h1>
        <div class="ab-header-end">
          <Line state={line} />
          <time class="ab-board-clock ab-nums">{formatTime(new Date(now))}</time>
        </div>
      </header>
      <main class="ab-board-main" id="main">
        <section class={cx("ab-board-last", last && now - Date.parse(last.at) < FRESH_MS && "ab-board-fresh")} aria-label={t("ui.board.last")}>
          {last ? (
            <>
              <p class="ab-board-caption">{t("ui.board.last")}</p>
              <p class="ab-board-number ab-number" key={`${last.ticketId}${last.at}`}>{last.number}</p>
              <p class="ab-board-counter"><span class="ab-board-arrow" aria-hidden="true">➜</span> {t("ui.board.counter", { counter: last.counter })}</p>
            </>
          ) : (
            <p class="ab-board-empty">{t("ui.board.empty")}</p>
          )}
        </section>
        <section class="ab-board-list" aria-label={t("ui.board.before")}>
          <table>
            <thead>
              <tr><th scope="col">{t("ui.board.number")}</th><th scope="col">{t("ui.board.counter-head")}</th></tr>
            </thead>
            <tbody>
              {rest.slice(0, 7).map((entry) => (
                <tr key={entry.ticketId}>
                  <td class="ab-number">{entry.number}</td>
                  <td class="ab-number">{entry.counter}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </main>
      <footer class="ab-board-foot">
      <ul class="ab-board-waiting" aria-label={t("ui.board.waiting")}>
        {board?.waiting.map((service) => (
          <li key={service.service} class={cx(!service.open && "ab-board-closed")}>
            <span class="ab-board-prefix">{service.prefix}</span>
            <span class="ab-board-service">{localText(service.name)}</span>
            <span class="ab-number">{service.open ? service.waiting : "–"}</span>
          </li>
        ))}
      </ul>
      </footer>
      <Announcer last={last} />
    </div>
  );
}

/** Speaks each new call once to assistive technology; not what was there when the page came up. */
function Announcer({ last }: { last: Called | undefined }) {
  const known = useRef<string | null>(null);
  const [text, setText] = useState("");
  const key = last ? `${last.ticketId} ${last.at}` : "";
  useEffect(() => {
    if (known.current !== null && last && key !== known.current) setText(t("ui.board.announce", { number: last.number, counter: last.counter }));
    if (last || known.current === null) known.current = key;
  }, [key]);
  return <p class="govuk-visually-hidden" role="status" aria-live="assertive">{text}</p>;
}

void startBoxPage(Page);

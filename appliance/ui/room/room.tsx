// The supervisor's live room: waits, counters, opening and closing services.
import { useMemo, useState } from "preact/hooks";
import { errorText } from "../shared/api";
import { box } from "../shared/box";
import { useLine, useLiveReload, useLoaded, useNow } from "../shared/hooks";
import { formatDateTime, formatNumber, localText, t, tn } from "../shared/i18n";
import { openLive, type Live } from "../shared/live";
import { boxAccounts, officeName, startBoxPage } from "../shared/start";
import { StaffGate } from "../shared/staff-gate";
import { Button, cx, Line, Notice, Tag, Title, toast, toastError, usePageTitle } from "../shared/ui";

function Page() {
  const live = useMemo(openLive, []);
  const line = useLine(live);
  return (
    <StaffGate live={live} accounts={boxAccounts} title={t("ui.room.sign-in")} role="supervisor" office={officeName()} extra={<Line state={line} />}>
      {() => <RoomView live={live} />}
    </StaffGate>
  );
}

function RoomView({ live }: { live: Live }) {
  usePageTitle(t("ui.room.title"));
  const room = useLoaded(() => box("getRoom"), []);
  const status = useLoaded(() => box("getStatus"), []);
  useLiveReload(live, ["queue", "desk"], room.reload);
  const now = useNow(30_000);
  const [busy, setBusy] = useState<string | null>(null);
  const change = async (key: string, work: () => Promise<unknown>, done: string) => {
    setBusy(key);
    try {
      await work();
      toast(done);
      room.reload();
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(null);
    }
  };
  if (room.error && !room.value) return <main class="ab-main" id="main"><Notice tone="error" live>{errorText(room.error)}</Notice></main>;
  if (!room.value) return <main class="ab-main" id="main"><p role="status">{t("ui.common.loading")}</p></main>;
  const { services, counters } = room.value;
  const waiting = services.reduce((sum, service) => sum + service.waiting, 0);
  return (
    <main class="ab-room" id="main">
      <Title>{t("ui.room.title")}</Title>
      <p><a href="/replay">{t("ui.replay.title")}</a></p>
      <dl class="ab-figures">
        <Figure name={t("ui.room.waiting")} value={formatNumber(waiting)} />
        <Figure name={t("ui.room.longest")} value={minutes(Math.max(-1, ...services.map((service) => service.longestWaitMinutes ?? -1)))} />
        <Figure name={t("ui.room.open-counters")} value={`${counters.filter((counter) => counter.open).length} / ${counters.length}`} />
        {status.value && <Figure name={t("ui.room.headquarters")} value={t(`ui.room.hq-${status.value.headquarters}`)} tone={status.value.headquarters === "connected" ? "good" : "bad"} note={status.value.lastAckAt ? formatDateTime(status.value.lastAckAt) : undefined} />}
        {status.value && <Figure name={t("ui.room.media")} value={t(`ui.room.media-${status.value.media}`)} tone={status.value.media === "up" ? "good" : "bad"} />}
      </dl>
      <div class="ab-room-columns">
        <section class="ab-card" aria-labelledby="services-title">
          <h2 class="ab-subtitle" id="services-title">{t("ui.room.services")}</h2>
          <div class="ab-table-scroll">
            <table class="govuk-table">
              <thead>
                <tr>
                  <th scope="col" class="govuk-table__header">{t("ui.room.service")}</th>
                  <th scope="col" class="govuk-table__header govuk-table__header--numeric">{t("ui.room.waiting")}</th>
                  <th scope="col" class="govuk-table__header govuk-table__header--numeric">{t("ui.room.longest")}</th>
                  <th scope="col" class="govuk-table__header govuk-table__header--numeric">{t("ui.room.average")}</th>
                  <th scope="col" class="govuk-table__header">{t("ui.room.state")}</th>
                </tr>
              </thead>
              <tbody>
                {services.map((service) => {
                  const key = `service ${service.id}`;
                  const toggle = () => box("setServiceState", { params: { serviceId: service.id }, body: { open: !service.open } });
                  const name = localText(service.name);
                  return (
                    <tr class="govuk-table__row" key={service.id} data-service={service.id}>
                      <th scope="row" class="govuk-table__cell ab-table-name"><span class="ab-prefix">{service.prefix}</span>{name}</th>
                      <td class="govuk-table__cell govuk-table__cell--numeric">{formatNumber(service.waiting)}</td>
                      <td class={cx("govuk-table__cell govuk-table__cell--numeric", (service.longestWaitMinutes ?? 0) >= 30 && "ab-hot")}>{minutes(service.longestWaitMinutes)}</td>
                      <td class="govuk-table__cell govuk-table__cell--numeric">{minutes(service.averageServiceMinutes)}</td>
                      <td class="govuk-table__cell">
                        <div class="ab-nowrap-row">
                          <Tag tone={service.open ? "green" : "grey"}>{t(service.open ? "ui.service.open" : "ui.service.closed")}</Tag>
                          <Button size="small" kind="secondary" disabled={busy === key} aria-label={t(service.open ? "ui.room.close-service" : "ui.room.open-service", { name })} onClick={() => void change(key, toggle, t(service.open ? "ui.room.closed-done" : "ui.room.opened-done", { name }))}>
                            {t(service.open ? "ui.room.close" : "ui.room.open")}
                          </Button>
                        </div>
                      </td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
        </section>
        <section class="ab-card" aria-labelledby="counters-title">
          <h2 class="ab-subtitle" id="counters-title">{t("ui.room.counters")}</h2>
          <ul class="ab-counters">
            {counters.map((counter) => {
              const key = `counter ${counter.id}`;
              const toggle = () => box("setCounterState", { params: { counterId: counter.id }, body: { open: !counter.open } });
              return (
                <li key={counter.id} class={cx("ab-counter", counter.open && "ab-counter-open")} data-counter={counter.id}>
                  <span class="ab-counter-name">{counter.name}</span>
                  <span class="ab-counter-who">
                    <span>{counter.clerk ?? t("ui.room.nobody")}</span>
                    <span class="ab-muted ab-small">
                      {counter.ticket ? t("ui.room.serving", { number: counter.ticket }) : t(counter.open ? "ui.room.free" : "ui.room.counter-closed")}
                      {counter.since && counter.ticket ? ` · ${tn("ui.room.since", Math.max(0, Math.round((now - Date.parse(counter.since)) / 60_000)))}` : ""}
                    </span>
                  </span>
                  <Button size="small" kind="secondary" disabled={busy === key} aria-label={t(counter.open ? "ui.room.close-counter" : "ui.room.open-counter", { name: counter.name })} onClick={() => void change(key, toggle, t("ui.room.counter-done", { name: counter.name }))}>
                    {t(counter.open ? "ui.room.close" : "ui.room.open")}
                  </Button>
                </li>
              );
            })}
          </ul>
        </section>
      </div>
    </main>
  );
}

function minutes(value: number | null): string {
  return value === null || value < 0 ? "–" : tn("ui.room.minutes", value);
}

function Figure({ name, value, tone, note }: { name: string; value: string; tone?: "good" | "bad"; note?: string | undefined }) {
  return (
    <div class={cx("ab-figure", tone && `ab-figure-${tone}`)}>
      <dt>{name}</dt>
      <dd class="ab-nums">{value}</dd>
      {note && <dd class="ab-figure-note">{note}</dd>}
    </div>
  );
}

void startBoxPage(Page);

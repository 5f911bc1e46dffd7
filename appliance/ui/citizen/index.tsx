// The citizen's entry: join by code, look a service up.
import { useEffect, useState } from "preact/hooks";
import { box } from "../shared/box";
import { useHash, useLoaded } from "../shared/hooks";
import { localText, t, tn } from "../shared/i18n";
import { KnowledgeSearch, SheetView } from "../shared/knowledge";
import { office, officeName, startBoxPage } from "../shared/start";
import { Header, Tag, Title, usePageTitle } from "../shared/ui";
import { CodeForm } from "./code-form";

function Page() {
  const hash = useHash();
  const service = /^#service\/(.+)$/.exec(hash)?.[1];
  const open = (id: string) => {
    location.hash = `#service/${encodeURIComponent(id)}`;
  };
  return (
    <>
      <Header office={officeName()} />
      <main class="ab-main" id="main">
        {service ? (
          <div class="ab-card">
            <SheetView id={decodeURIComponent(service)} heading={1} focus onBack={() => (location.hash = "#")} />
          </div>
        ) : (
          <Start open={open} />
        )}
      </main>
      <footer class="ab-footer">
        <p>{localText(office.value?.address)}</p>
        {office.value?.sample && <p>{t("ui.common.sample")}</p>}
      </footer>
    </>
  );
}

function Start({ open }: { open: (id: string) => void }) {
  usePageTitle(t("ui.entry.title"));
  const { value: services } = useLoaded(() => box("listServices"), []);
  const [first, setFirst] = useState(true);
  useEffect(() => setFirst(false), []);
  return (
    <>
      <Title focus={!first}>{t("ui.entry.title")}</Title>
      <div class="ab-entry">
        <section class="ab-card ab-entry-join" aria-labelledby="join-title">
          <h2 class="ab-subtitle" id="join-title">{t("ui.entry.join-title")}</h2>
          <p>{t("ui.entry.join-text")}</p>
          <CodeForm onCode={(code) => location.assign(`/join#${code}`)} />
        </section>
        <section class="ab-card" aria-labelledby="search-title">
          <h2 class="ab-subtitle" id="search-title">{t("ui.entry.search-title")}</h2>
          <KnowledgeSearch onOpen={open} />
          {services && services.length > 0 && (
            <>
              <h3 class="govuk-label">{t("ui.entry.services")}</h3>
              <ul class="ab-service-list">
                {services.map((service) => (
                  <li key={service.id}>
                    <a href={`#service/${encodeURIComponent(service.id)}`}>{localText(service.name)}</a>
                    {service.open ? <span class="ab-muted ab-small"> {tn("ui.entry.waiting", service.waiting)}</span> : <> <Tag tone="grey">{t("ui.service.closed")}</Tag></>}
                  </li>
                ))}
              </ul>
            </>
          )}
        </section>
      </div>
    </>
  );
}

void startBoxPage(Page);

// Headquarters' console: the fleet, filings as they arrive, staff, editions.
import { useEffect, useMemo, useState } from "preact/hooks";
import { useHash, useLine } from "../shared/hooks";
import type { Me } from "../generated/hq-api";
import { hq } from "../shared/hq";
import { t } from "../shared/i18n";
import { openLive, type Live } from "../shared/live";
import { startHeadquartersPage } from "../shared/start";
import { StaffGate, type Accounts } from "../shared/staff-gate";
import { Line, Title, usePageTitle } from "../shared/ui";
import { Boxes } from "./boxes";
import { Editions } from "./editions";
import { Filings } from "./filings";
import { Staff } from "./staff";

const SECTIONS = ["boxes", "filings", "staff", "editions"] as const;
type Section = (typeof SECTIONS)[number];

const accounts: Accounts<Me> = {
  me: () => hq("getMe"),
  signIn: (body) => hq("signIn", { body }),
  signOut: () => hq("signOut"),
};

function Page() {
  const live = useMemo(openLive, []);
  const line = useLine(live);
  return (
    <StaffGate<Me> live={live} accounts={accounts} title={t("ui.console.sign-in")} office={t("ui.console.name")} extra={<Line state={line} />}>
      {(me) => <Console me={me} live={live} />}
    </StaffGate>
  );
}

/** What a role may see: the rest would only answer "not allowed". */
export function sectionsOf(roles: readonly string[]): Section[] {
  const it = roles.includes("it");
  const wider = it || roles.includes("supervisor") || roles.includes("editor");
  return SECTIONS.filter((section) => (section === "staff" ? it : wider));
}

function Console({ me, live }: { me: Me; live: Live }) {
  const allowed = sectionsOf(me.roles);
  const hash = useHash().slice(1);
  const section = allowed.find((name) => name === hash) ?? allowed[0] ?? null;
  const [moved, setMoved] = useState(false);
  useEffect(() => {
    if (hash) setMoved(true);
  }, [hash]);
  usePageTitle(section ? t(`ui.console.${section}`) : t("ui.console.name"));
  if (!section) return <main class="ab-main" id="main"><h1 class="ab-title">{t("ui.console.name")}</h1><p>{t("ui.sign-in.not-allowed")}</p></main>;
  return (
    <div class="ab-console">
      <nav class="ab-console-nav" aria-label={t("ui.console.nav")}>
        <ul>
          {allowed.map((name) => (
            <li key={name}><a href={`#${name}`} {...(name === section ? { "aria-current": "page" as const } : {})}>{t(`ui.console.${name}`)}</a></li>
          ))}
        </ul>
      </nav>
      <main class="ab-console-main" id="main">
        <Title focus={moved} key={section}>{t(`ui.console.${section}`)}</Title>
        {section === "boxes" && <Boxes live={live} canCreate={me.roles.includes("it")} />}
        {section === "filings" && <Filings live={live} />}
        {section === "staff" && <Staff />}
        {section === "editions" && <Editions live={live} canPublish={me.roles.includes("editor")} />}
      </main>
    </div>
  );
}

void startHeadquartersPage(Page);

// A guest's way into a call: an interpreter or a colleague, by the clerk's link. They see and hear
// everybody and may write; of the visit itself they learn nothing.
import { useEffect, useState } from "preact/hooks";
import { actAsGuest, errorText, ProblemError } from "../shared/api";
import { box } from "../shared/box";
import { takeFragment } from "../shared/code";
import type { GuestVisit } from "../generated/box-api";
import { t } from "../shared/i18n";
import { officeName, startBoxPage } from "../shared/start";
import { Button, Header, Input, Notice, Title, usePageTitle } from "../shared/ui";
import { GuestMeeting } from "./meeting";

type Stage =
  | { at: "loading" }
  | { at: "invited"; secret: string; busy?: boolean }
  | { at: "refused"; error: string | null }
  | { at: "meeting"; visit: GuestVisit }
  | { at: "over" };

/** The call this browser is in as a guest; null when there is none. */
async function currentVisit(): Promise<GuestVisit | null> {
  try {
    return await box("getGuest");
  } catch (error) {
    if (error instanceof ProblemError && error.status < 500 && error.status !== 429) return null;
    throw error;
  }
}

function Page() {
  const [stage, setStage] = useState<Stage>({ at: "loading" });
  const begin = () => {
    const secret = takeFragment();
    if (secret) setStage({ at: "invited", secret });
    else
      currentVisit().then(
        (visit) => setStage(visit ? { at: "meeting", visit } : { at: "refused", error: null }),
        (error: unknown) => setStage({ at: "refused", error: errorText(error) }),
      );
  };
  useEffect(() => {
    begin();
    // A second link opened in the same tab changes only the fragment.
    const onHash = () => {
      if (location.hash.length > 1) begin();
    };
    addEventListener("hashchange", onHash);
    return () => removeEventListener("hashchange", onHash);
  }, []);
  const join = async (secret: string, name: string) => {
    setStage({ at: "invited", secret, busy: true });
    try {
      await box("joinAsGuest", { body: { secret, name } });
      const visit = await currentVisit();
      setStage(visit ? { at: "meeting", visit } : { at: "refused", error: null });
    } catch (error) {
      setStage({ at: "refused", error: errorText(error) });
    }
  };
  if (stage.at === "meeting") return <GuestMeeting first={stage.visit} onOver={() => setStage({ at: "over" })} />;
  return (
    <>
      <Header office={officeName()} href={null} />
      <main class="ab-main ab-narrow" id="main">
        {stage.at === "invited" ? <Invited busy={stage.busy ?? false} onJoin={(name) => void join(stage.secret, name)} /> : <Outside stage={stage} />}
      </main>
    </>
  );
}

function Outside({ stage }: { stage: Exclude<Stage, { at: "meeting" | "invited" }> }) {
  usePageTitle(t("ui.guest.title"));
  if (stage.at === "loading") return <p role="status">{t("ui.common.loading")}</p>;
  return (
    <>
      <Title focus={stage.at === "over"}>{t(stage.at === "over" ? "ui.guest.over-title" : "ui.guest.title")}</Title>
      {stage.at === "over" && <p class="ab-lead">{t("ui.guest.over-text")}</p>}
      {stage.at === "refused" && <Notice tone="error" live>{stage.error} {t("ui.guest.ask-new")}</Notice>}
    </>
  );
}

function Invited({ busy, onJoin }: { busy: boolean; onJoin: (name: string) => void }) {
  const [name, setName] = useState("");
  usePageTitle(t("ui.guest.title"));
  return (
    <>
      <Title>{t("ui.guest.invited-title", { office: officeName() })}</Title>
      <form
        class="ab-card ab-stack"
        onSubmit={(event) => {
          event.preventDefault();
          onJoin(name.trim());
        }}
      >
        <p class="ab-lead">{t("ui.guest.invited-text")}</p>
        <ul class="govuk-list govuk-list--bullet">
          <li>{t("ui.guest.point-devices")}</li>
          <li>{t("ui.guest.point-nothing-else")}</li>
          <li>{t("ui.guest.point-record")}</li>
        </ul>
        <Input label={t("ui.guest.name")} hint={t("ui.guest.name-hint")} id="guest-name" autocomplete="name" maxLength={60} value={name} onInput={(event) => setName(event.currentTarget.value)} />
        <Button type="submit" size="large" wide class="ab-guest-join" disabled={busy}>{t("ui.guest.join")}</Button>
      </form>
    </>
  );
}

actAsGuest();
void startBoxPage(Page);

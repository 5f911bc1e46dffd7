// The citizen's meeting: join, fill the form together, talk, and get the receipt.
import { useEffect, useState } from "preact/hooks";
import { actAsCitizen, errorText } from "../shared/api";
import type { Place, Visit } from "../generated/box-api";
import { t } from "../shared/i18n";
import { officeName, startBoxPage } from "../shared/start";
import { Button, Header, Notice, Title, usePageTitle } from "../shared/ui";
import { Check } from "./check";
import { CodeForm } from "./code-form";
import { Meeting } from "./meeting";
import { cameBy, currentStay, forget, redeem, rememberCall, takeSecret, type Stay, type Way } from "./session";
import { WaitingRoom } from "./waiting";

type Stage =
  | { at: "loading" }
  | { at: "invited"; what: Way; error?: string; busy?: boolean }
  | { at: "code"; error?: string; busy?: boolean }
  | { at: "check"; visit: Visit }
  | { at: "waiting"; place: Place; check: boolean }
  | { at: "meeting"; visit: Visit }
  | { at: "left"; gaveUp: boolean };

/** `check`: somebody who comes with a camera tries it first. */
function stageOf(stay: Stay | null, check: boolean): Stage {
  if (!stay) return { at: "code" };
  if ("place" in stay) return { at: "waiting", place: stay.place, check };
  return { at: check ? "check" : "meeting", visit: stay.visit };
}

function Page() {
  const [stage, setStage] = useState<Stage>({ at: "loading" });
  useEffect(() => {
    const begin = () => {
      const what = takeSecret();
      if (what && !cameBy(what)) setStage({ at: "invited", what });
      else
        currentStay().then(
          (stay) => setStage(!stay && what ? { at: "invited", what } : stageOf(stay, false)),
          (error: unknown) => setStage({ at: "code", error: errorText(error) }),
        );
    };
    begin();
    // A second link opened in the same tab changes only the fragment.
    const onHash = () => {
      if (location.hash.length > 1) begin();
    };
    addEventListener("hashchange", onHash);
    return () => removeEventListener("hashchange", onHash);
  }, []);

  const join = async (what: Way, withCall: boolean) => {
    setStage("secret" in what ? { at: "invited", what, busy: true } : { at: "code", busy: true });
    try {
      await redeem(what);
      rememberCall(false);
      setStage(stageOf(await currentStay(), withCall));
    } catch (error) {
      setStage({ at: "code", error: errorText(error) });
    }
  };

  const meet = (visit: Visit) => setStage({ at: "meeting", visit });
  if (stage.at === "meeting") return <Meeting first={stage.visit} onLeft={() => setStage({ at: "left", gaveUp: false })} />;
  if (stage.at === "waiting") return <WaitingRoom first={stage.place} check={stage.check} onVisit={meet} onLeft={() => setStage({ at: "left", gaveUp: true })} />;
  const checked = (visit: Visit, withCall: boolean) => {
    rememberCall(withCall);
    meet(visit);
  };
  return (
    <>
      <Header office={officeName()} />
      <main class="ab-main ab-narrow" id="main">
        {stage.at === "check" ? (
          <Check visit={stage.visit}>
            <Button size="large" wide class="ab-check-join" onClick={() => checked(stage.visit, true)}>{t("ui.check.join")}</Button>
            <Button size="large" wide kind="secondary" class="ab-check-form" onClick={() => checked(stage.visit, false)}>{t("ui.join.without-video")}</Button>
          </Check>
        ) : (
          <Entry stage={stage} join={join} />
        )}
      </main>
    </>
  );
}

function Entry({ stage, join }: { stage: Exclude<Stage, { at: "meeting" | "check" | "waiting" }>; join: (what: Way, withCall: boolean) => Promise<void> }) {
  usePageTitle(t("ui.join.title"));
  if (stage.at === "loading") return <p role="status">{t("ui.common.loading")}</p>;
  if (stage.at === "left")
    return (
      <>
        <Title focus>{t(stage.gaveUp ? "ui.waiting.left-title" : "ui.join.left-title")}</Title>
        <p class="ab-lead">{t(stage.gaveUp ? "ui.waiting.left-text" : "ui.join.left-text")}</p>
        <a class="govuk-button" href="/">{t("ui.join.home")}</a>
      </>
    );
  if (stage.at === "invited") {
    return (
      <>
        <Title>{t("ui.join.invited-title", { office: officeName() })}</Title>
        <div class="ab-card ab-stack">
          <p class="ab-lead">{t("ui.join.invited-text")}</p>
          <ul class="govuk-list govuk-list--bullet">
            <li>{t("ui.join.point-form")}</li>
            <li>{t("ui.join.point-video")}</li>
            <li>{t("ui.join.point-record")}</li>
          </ul>
          <div class="ab-join-buttons">
            <Button size="large" wide class="ab-join-video" disabled={stage.busy} onClick={() => void join(stage.what, true)}>{t("ui.join.with-video")}</Button>
            <Button size="large" wide kind="secondary" class="ab-join-form" disabled={stage.busy} onClick={() => void join(stage.what, false)}>{t("ui.join.without-video")}</Button>
          </div>
        </div>
      </>
    );
  }
  return (
    <>
      <Title>{t("ui.join.title")}</Title>
      <div class="ab-card">
        {stage.error && <Notice tone="error" live>{stage.error} {t("ui.join.ask-new")}</Notice>}
        <p>{t("ui.entry.join-text")}</p>
        <CodeForm
          busy={stage.busy ?? false}
          onCode={(code) => {
            forget();
            void join({ code }, true);
          }}
        />
      </div>
    </>
  );
}

actAsCitizen();
void startBoxPage(Page);

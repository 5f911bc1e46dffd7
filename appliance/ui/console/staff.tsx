// Staff: the list, and the import of a CSV file (the whole file or nothing).
import { useRef, useState } from "preact/hooks";
import { errorText, ProblemError } from "../shared/api";
import { hq } from "../shared/hq";
import { useLoaded } from "../shared/hooks";
import type { Imported } from "../generated/hq-api";
import { t } from "../shared/i18n";
import { Button, ErrorSummary, Notice, Tag } from "../shared/ui";

export function Staff() {
  const staff = useLoaded(() => hq("listStaff"), []);
  return (
    <>
      <Import onDone={staff.reload} />
      {staff.error && !staff.value ? <Notice tone="error" live>{errorText(staff.error)}</Notice> : null}
      {staff.value && (
        <div class="ab-card ab-table-scroll" tabIndex={0} role="region" aria-label={t("ui.console.staff")}>
          <table class="govuk-table">
            <thead>
              <tr>
                <th scope="col" class="govuk-table__header">{t("ui.staff.login")}</th>
                <th scope="col" class="govuk-table__header">{t("ui.staff.name")}</th>
                <th scope="col" class="govuk-table__header">{t("ui.staff.roles")}</th>
                <th scope="col" class="govuk-table__header">{t("ui.staff.language")}</th>
                <th scope="col" class="govuk-table__header">{t("ui.staff.state")}</th>
              </tr>
            </thead>
            <tbody>
              {staff.value.map((person) => (
                <tr class="govuk-table__row" key={person.id} data-login={person.login}>
                  <th scope="row" class="govuk-table__cell">{person.login}</th>
                  <td class="govuk-table__cell">{person.name}</td>
                  <td class="govuk-table__cell">{person.roles.map((role) => t(`ui.role.${role}`)).join(", ")}</td>
                  <td class="govuk-table__cell">{person.language}</td>
                  <td class="govuk-table__cell"><Tag tone={person.disabled ? "grey" : "green"}>{t(person.disabled ? "ui.staff.disabled" : "ui.staff.active")}</Tag></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function Import({ onDone }: { onDone: () => void }) {
  const file = useRef<HTMLInputElement>(null);
  const [result, setResult] = useState<Imported | null>(null);
  const [errors, setErrors] = useState<{ text: string; href?: string }[]>([]);
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    const chosen = file.current?.files?.[0];
    setResult(null);
    if (!chosen) return setErrors([{ text: t("ui.staff.choose"), href: "#staff-file" }]);
    setErrors([]);
    setBusy(true);
    try {
      setResult(await hq("importStaff", { body: { csv: await chosen.text() } }));
      if (file.current) file.current.value = "";
      onDone();
    } catch (error) {
      const details = error instanceof ProblemError ? (error.problem.errors ?? []) : [];
      setErrors([{ text: errorText(error), href: "#staff-file" }, ...details.map((entry) => ({ text: `${entry.pointer}: ${entry.detail ?? entry.keyword}` }))]);
    } finally {
      setBusy(false);
    }
  };
  return (
    <section class="ab-card" aria-labelledby="import-title">
      <h2 class="ab-subtitle" id="import-title">{t("ui.staff.import")}</h2>
      {errors.length > 0 && <ErrorSummary title={t("ui.error.summary")} items={errors} />}
      {result && <Notice tone="success" live><p>{t("ui.staff.imported", { added: result.added, changed: result.changed })}</p></Notice>}
      <form onSubmit={(event) => void submit(event)} noValidate>
        <div class="govuk-form-group">
          <label class="govuk-label" for="staff-file">{t("ui.staff.file")}</label>
          <div class="govuk-hint" id="staff-file-hint">{t("ui.staff.hint")}</div>
          <input class="govuk-file-upload" type="file" id="staff-file" ref={file} accept=".csv,text/csv" aria-describedby="staff-file-hint" />
        </div>
        <Button type="submit" disabled={busy}>{t("ui.staff.import-button")}</Button>
      </form>
    </section>
  );
}

// The list of a visit's photos and documents, and the button and drop place to add to it.
import { useRef, useState } from "preact/hooks";
import type { VisitFile } from "../generated/box-api";
import { sizeText, type Files, type Upload } from "./files";
import { t } from "./i18n";
import { FILE_TYPES } from "./photo";
import { Button, cx, Dialog, toastError } from "./ui";

const typeText = (type: string | undefined) => t(type === "application/pdf" ? "ui.files.pdf" : "ui.files.photo");

export function FilesView({ files, own, readOnly = false, id }: { files: Files; own: VisitFile["from"]; readOnly?: boolean; id: string }) {
  const [over, setOver] = useState(false);
  const picker = useRef<HTMLInputElement>(null);
  const take = (list: FileList | null | undefined) => {
    for (const file of list ?? []) void files.send(file);
  };
  const kept = files.list.value.filter(({ type }) => type);
  return (
    <div
      class={cx("ab-files", over && "ab-files-over")}
      onDragOver={(event) => {
        if (readOnly) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        if (readOnly) return;
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer?.files);
      }}
    >
      <ul class="ab-files-list" aria-label={t("ui.files.title")}>
        {kept.map((file) => <Kept key={file.id} files={files} file={file} own={own} readOnly={readOnly} />)}
        {files.uploads.value.map((upload) => <OnItsWay key={upload.key} files={files} upload={upload} />)}
      </ul>
      {kept.length === 0 && files.uploads.value.length === 0 && <p class="ab-muted ab-small">{t(readOnly ? "ui.files.none" : "ui.files.hint")}</p>}
      {!readOnly && (
        <>
          <input
            class="govuk-visually-hidden"
            ref={picker}
            id={id}
            type="file"
            accept={FILE_TYPES}
            multiple
            tabIndex={-1}
            aria-label={t("ui.files.add")}
            onChange={(event) => {
              take(event.currentTarget.files);
              // The same file may be picked again after it failed.
              event.currentTarget.value = "";
            }}
          />
          <Button kind="secondary" size="small" class="ab-files-add" onClick={() => picker.current?.click()}>{t("ui.files.add")}</Button>
        </>
      )}
    </div>
  );
}

function Kept({ files, file, own, readOnly }: { files: Files; file: VisitFile; own: VisitFile["from"]; readOnly: boolean }) {
  const [shown, setShown] = useState(false);
  const [asking, setAsking] = useState(false);
  const picture = file.type !== "application/pdf";
  const address = files.address(file);
  const from = file.from === own ? t("ui.chat.you") : t(file.from === "clerk" ? "ui.chat.clerk" : "ui.chat.citizen");
  const remove = () => {
    setAsking(false);
    files.remove(file).catch(toastError);
  };
  return (
    <li class="ab-file" data-file={file.id}>
      {picture ? (
        <button type="button" class="ab-file-look" onClick={() => setShown(true)} aria-label={t("ui.files.look", { name: file.name })}><img src={address} alt="" /></button>
      ) : (
        <a class="ab-file-look ab-file-pdf" href={address} download={file.name} aria-label={`PDF: ${t("ui.files.save", { name: file.name })}`}>PDF</a>
      )}
      <div class="ab-file-what">
        <p class="ab-file-name">{file.name}</p>
        <p class="ab-muted ab-small">{typeText(file.type)}, {sizeText(file.size)} · {from}{file.filingId ? ` · ${t("ui.files.filed")}` : ""}</p>
      </div>
      {!readOnly && !file.filingId && (own === "clerk" || file.from === own) && (
        <button type="button" class="ab-link ab-file-remove" onClick={() => setAsking(true)} aria-label={`${t("ui.files.remove")}: ${file.name}`}>{t("ui.files.remove")}</button>
      )}
      {shown && (
        <Dialog title={file.name} wide onClose={() => setShown(false)}>
          <img class="ab-file-large" src={address} alt={file.name} />
          <div class="ab-dialog-actions"><Button onClick={() => setShown(false)}>{t("ui.common.close")}</Button></div>
        </Dialog>
      )}
      {asking && (
        <Dialog title={t("ui.files.remove-title")} onClose={() => setAsking(false)}>
          <p>{t("ui.files.remove-text", { name: file.name })}</p>
          <div class="ab-dialog-actions">
            <Button kind="warning" class="ab-file-remove-confirm" onClick={remove}>{t("ui.files.remove")}</Button>
            <Button kind="secondary" onClick={() => setAsking(false)}>{t("ui.common.cancel")}</Button>
          </div>
        </Dialog>
      )}
    </li>
  );
}

function OnItsWay({ files, upload }: { files: Files; upload: Upload }) {
  const stop = t(upload.problem ? "ui.common.close" : "ui.files.stop");
  return (
    <li class="ab-file" data-upload={upload.problem ? "failed" : "going"}>
      <div class="ab-file-what">
        <p class="ab-file-name">{upload.name}</p>
        {upload.problem ? (
          <p class="govuk-error-message" role="alert">{upload.problem}</p>
        ) : (
          <p class="ab-muted ab-small">
            <progress value={upload.sent} max={upload.size} aria-label={t("ui.files.sending", { name: upload.name })} /> {sizeText(upload.size)}
          </p>
        )}
      </div>
      <button type="button" class="ab-link" onClick={() => files.dismiss(upload)} aria-label={`${stop}: ${upload.name}`}>{stop}</button>
    </li>
  );
}

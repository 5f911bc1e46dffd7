// The buttons for showing a screen or, through a second camera, a document; one click ends it.
import { useState } from "preact/hooks";
import type { Call } from "./call";
import { listDevices, type Device } from "./devices";
import { t } from "./i18n";
import { DocumentIcon, ScreenIcon, ScreenOffIcon } from "./icons";
import { canShareScreen } from "./screen";
import { Button, Dialog, toast } from "./ui";

async function share(call: Call, what: "screen" | "document", camera?: string): Promise<void> {
  await call.screen.start(what, camera);
  // Who closes the browser's own question has changed their mind: nothing to complain about.
  if (call.screen.state.value === "refused" && what === "document") toast(t("ui.call.document-refused"), true);
}

export function ScreenControls({ call }: { call: Call }) {
  const [cameras, setCameras] = useState<readonly Device[] | null>(null);
  const state = call.screen.state.value;
  if (state === "screen" || state === "document") {
    const name = t(`ui.call.stop-${state}`);
    return (
      <>
        <button type="button" class="ab-icon-button ab-icon-button-on ab-call-unshare" aria-label={name} title={name} onClick={() => call.screen.stop()}>
          <ScreenOffIcon />
        </button>
        <p class="ab-call-sharing" role="status">{t(`ui.call.sharing-${state}`)}</p>
      </>
    );
  }
  const choose = () => {
    const own = call.devices.track("video")?.getSettings().deviceId;
    void listDevices().then(({ camera }) => setCameras(camera.filter(({ id }) => id !== own)), () => setCameras([]));
  };
  return (
    <>
      {canShareScreen() && (
        <button type="button" class="ab-icon-button ab-call-share" aria-label={t("ui.call.share-screen")} title={t("ui.call.share-screen")} onClick={() => void share(call, "screen")}>
          <ScreenIcon />
        </button>
      )}
      <button type="button" class="ab-icon-button ab-call-document" aria-label={t("ui.call.share-document")} title={t("ui.call.share-document")} onClick={choose}>
        <DocumentIcon />
      </button>
      {cameras && <DocumentDialog call={call} cameras={cameras} onClose={() => setCameras(null)} />}
    </>
  );
}

function DocumentDialog({ call, cameras, onClose }: { call: Call; cameras: readonly Device[]; onClose: () => void }) {
  const start = (id: string) => {
    onClose();
    void share(call, "document", id);
  };
  return (
    <Dialog title={t("ui.call.share-document")} onClose={onClose}>
      <p>{t(cameras.length > 0 ? "ui.call.document-choose" : "ui.call.document-none")}</p>
      <ul class="ab-choice-list">
        {cameras.map(({ id, name }, index) => (
          <li key={id}>
            <Button kind="secondary" wide class="ab-call-document-camera" onClick={() => start(id)}>{name || t("ui.device.nameless", { number: index + 1 })}</Button>
          </li>
        ))}
      </ul>
      <div class="ab-dialog-actions"><Button kind="secondary" onClick={onClose}>{t("ui.common.cancel")}</Button></div>
    </Dialog>
  );
}

// Which camera, microphone and speaker; remembered in this browser.
import { useEffect, useState } from "preact/hooks";
import { listDevices, rememberedDevices, type Device, type Devices, type Role } from "./devices";
import { t } from "./i18n";
import { Button, Dialog } from "./ui";

const speakersCanBeChosen = "setSinkId" in HTMLMediaElement.prototype;
const ROLES: readonly Role[] = speakersCanBeChosen ? ["camera", "microphone", "speaker"] : ["camera", "microphone"];

function useDeviceList(devices: Devices): Record<Role, Device[]> {
  const [list, setList] = useState<Record<Role, Device[]>>({ camera: [], microphone: [], speaker: [] });
  const local = devices.local.value;
  useEffect(() => {
    const load = () => void listDevices().then(setList, () => undefined);
    // Again once the browser has allowed one: only then do they have names.
    load();
    const media = navigator.mediaDevices as MediaDevices | undefined;
    media?.addEventListener("devicechange", load);
    return () => media?.removeEventListener("devicechange", load);
  }, [local]);
  return list;
}

/** The one in use, as far as the browser tells; the first in its list is its own choice. */
function inUse(devices: Devices, role: Role, list: readonly Device[]): string {
  const own = role === "speaker" ? undefined : devices.track(role === "camera" ? "video" : "audio")?.getSettings().deviceId;
  const id = own ?? (role === "speaker" ? devices.speaker.value : rememberedDevices()[role]);
  return list.find((device) => device.id === id)?.id ?? list[0]?.id ?? "";
}

export function DevicePicker({ devices }: { devices: Devices }) {
  const list = useDeviceList(devices);
  return (
    <>
      {ROLES.map((role) => (
        <div key={role} class="govuk-form-group ab-device">
          <label class="govuk-label" for={`device-${role}`}>{t(`ui.device.${role}`)}</label>
          {list[role].length === 0 ? (
            <p class="ab-muted" id={`device-${role}`}>{t(`ui.device.no-${role}`)}</p>
          ) : (
            <select class="govuk-select" id={`device-${role}`} value={inUse(devices, role, list[role])} onChange={(event) => void devices.choose(role, event.currentTarget.value)}>
              {list[role].map(({ id, name }, index) => (
                <option key={id} value={id}>{name || t("ui.device.nameless", { number: index + 1 })}</option>
              ))}
            </select>
          )}
        </div>
      ))}
    </>
  );
}

export function DeviceDialog({ devices, onClose }: { devices: Devices; onClose: () => void }) {
  return (
    <Dialog title={t("ui.device.title")} onClose={onClose}>
      <DevicePicker devices={devices} />
      <div class="ab-dialog-actions"><Button onClick={onClose}>{t("ui.common.close")}</Button></div>
    </Dialog>
  );
}

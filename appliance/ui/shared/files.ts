// Photos and documents of a visit. Sending goes piece by piece and, whatever breaks, on from where
// the box says it is; the same for a page that was closed, when its person picks the file again.
import { signal, type Signal } from "@preact/signals";
import type { VisitFile } from "../generated/box-api";
import { errorText, ProblemError, roleQuery } from "./api";
import { box } from "./box";
import { formatNumber, t } from "./i18n";
import { backoff, type Live } from "./live";
import { asKept } from "./photo";

const PIECE_BYTES = 256 * 1024;
export const FILE_BYTES_MOST = 20 * 1024 * 1024;

/** In the unit a person would use. */
export function sizeText(bytes: number): string {
  return bytes < 1_000_000 ? t("ui.files.kilobytes", { size: formatNumber(Math.max(1, Math.round(bytes / 1000))) }) : t("ui.files.megabytes", { size: formatNumber(Math.round(bytes / 100_000) / 10) });
}

/** A file on its way from this page. */
export interface Upload {
  readonly key: string;
  readonly name: string;
  readonly size: number;
  sent: number;
  /** Once the box has heard of it. */
  id: string | null;
  /** Why it will not arrive, in words; null while it may. */
  problem: string | null;
}

/** Of these bytes the box has had all, or has had too few: it says so itself. */
const isBehind = (error: unknown) => error instanceof ProblemError && /blob-offset|file-sending/.test(error.problem.type);
const isFinal = (error: unknown) => error instanceof ProblemError && !isBehind(error) && error.status < 500;

const hex = (bytes: ArrayBuffer) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export class Files {
  readonly list: Signal<readonly VisitFile[]> = signal([]);
  readonly uploads: Signal<readonly Upload[]> = signal([]);
  readonly #visit: string;
  readonly #off: (() => void)[];
  readonly #stop = new AbortController();
  #wake = new Set<() => void>();

  constructor(live: Live, visitId: string) {
    this.#visit = visitId;
    const topic = `visit:${visitId}`;
    this.#off = [
      live.on("event", (event) => {
        if (event.topic === topic && (event.kind === "visit.file" || event.kind === "filing.registered")) this.load();
      }),
      live.on("reset", () => this.load()),
      live.on("line", (state) => {
        if (state !== "open") return;
        this.load();
        for (const wake of this.#wake) wake();
      }),
    ];
    this.load();
  }

  load(): void {
    box("listFiles", { params: { visitId: this.#visit } }).then(
      (found) => {
        this.list.value = found;
      },
      (error: unknown) => console.warn("files:", error),
    );
  }

  /** For links and pictures. */
  address(file: VisitFile): string {
    const search = new URLSearchParams(roleQuery()).toString();
    return `/api/visits/${encodeURIComponent(this.#visit)}/files/${file.id}${search && `?${search}`}`;
  }

  async remove(file: VisitFile): Promise<void> {
    await box("removeFile", { params: { visitId: this.#visit, fileId: file.id } });
    this.list.value = this.list.value.filter(({ id }) => id !== file.id);
  }

  /** Gives up on one that failed, or on its way. */
  dismiss(upload: Upload): void {
    this.#forget(upload);
    this.#drop(upload.key);
  }

  /** Nothing is left of it at the box either. */
  #forget({ id }: Upload): void {
    if (id) box("removeFile", { params: { visitId: this.#visit, fileId: id } }).catch(() => undefined);
  }

  #drop(key: string): void {
    this.uploads.value = this.uploads.value.filter((one) => one.key !== key);
  }

  async send(picked: File): Promise<void> {
    const file = await asKept(picked);
    if (!file) {
      this.#add(picked, picked.name, t("ui.files.foreign"));
      return;
    }
    if (file.size > FILE_BYTES_MOST || file.size === 0) {
      this.#add(file, file.name, t(file.size === 0 ? "ui.files.empty-file" : "ui.files.too-big"));
      return;
    }
    const content = await file.arrayBuffer().catch(() => null);
    if (!content) {
      this.#add(file, file.name, t("ui.files.unreadable"));
      return;
    }
    const sha256 = hex(await crypto.subtle.digest("SHA-256", content));
    if (this.uploads.value.some(({ key, problem }) => key === sha256 && problem === null)) return;
    const upload = this.#add(file, sha256, null);
    for (let attempt = 0; this.#goesOn(upload); attempt++) {
      try {
        await this.#sendAll(upload, content, sha256);
        this.#drop(sha256);
        this.load();
        return;
      } catch (error) {
        if (isFinal(error)) {
          this.uploads.value.filter(({ key }) => key === sha256).forEach((one) => this.#forget(one));
          this.#change(upload, { problem: errorText(error), id: null });
        } else await this.#pause(isBehind(error) ? 200 : backoff(attempt));
      }
    }
  }

  async #sendAll(upload: Upload, content: ArrayBuffer, sha256: string): Promise<void> {
    // The content is the key: the same file again is the same upload, from any page of this person.
    const body = { name: upload.name, size: upload.size, sha256, key: sha256 };
    let { id, offset } = await box("announceFile", { params: { visitId: this.#visit }, body });
    while (this.#goesOn(upload) && offset < upload.size) {
      this.#change(upload, { sent: offset, id });
      ({ offset } = await this.#sendPiece(id, offset, content.slice(offset, offset + PIECE_BYTES)));
    }
  }

  async #sendPiece(id: string, offset: number, bytes: ArrayBuffer): Promise<VisitFile> {
    const search = new URLSearchParams({ ...roleQuery(), offset: String(offset) });
    const response = await fetch(`/api/visits/${encodeURIComponent(this.#visit)}/files/${id}?${search}`, {
      method: "PATCH",
      credentials: "same-origin",
      headers: { "Content-Type": "application/offset+octet-stream" },
      body: bytes,
      signal: this.#stop.signal,
    });
    const answer: unknown = await response.json();
    if (!response.ok) throw new ProblemError(answer as ProblemError["problem"]);
    return answer as VisitFile;
  }

  #goesOn(upload: Upload): boolean {
    return !this.#stop.signal.aborted && this.uploads.value.some(({ key, problem }) => key === upload.key && problem === null);
  }

  #add({ name, size }: File, key: string, problem: string | null): Upload {
    const upload = { key, name: name.slice(-200), size, sent: 0, id: null, problem };
    this.uploads.value = [...this.uploads.value.filter((one) => one.key !== key), upload];
    return upload;
  }

  #change(upload: Upload, change: Partial<Upload>): void {
    this.uploads.value = this.uploads.value.map((one) => (one.key === upload.key ? { ...one, ...change } : one));
  }

  /** Until the time is over, or the line is back. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wake.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wake.add(done);
    });
  }

  destroy(): void {
    this.#stop.abort();
    for (const wake of this.#wake) wake();
    for (const off of this.#off) off();
  }
}

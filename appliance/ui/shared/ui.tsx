// The parts every page is made of. Markup and classes follow govuk-frontend's tested patterns.
import { signal } from "@preact/signals";
import { Component, render, type ComponentChildren, type JSX } from "preact";
import { useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";
import { errorText, ProblemError } from "./api";
import { language, offeredLanguages, setLanguage, t, type Language } from "./i18n";
import { CloseIcon, Mark } from "./icons";
import type { LineState } from "./live";

export const cx = (...names: (string | false | null | undefined)[]) => names.filter(Boolean).join(" ");

// --- frame ---------------------------------------------------------------------------------------

const LANGUAGE_NAMES: Record<Language, string> = { hu: "Magyar", cs: "Čeština", en: "English" };

export function LanguageSwitch({ long = false, remember = true }: { long?: boolean; remember?: boolean }) {
  if (offeredLanguages.value.length < 2) return null;
  return (
    <div role="group" aria-label={t("ui.common.language")} class="ab-languages">
      {offeredLanguages.value.map((code) => (
        <button key={code} type="button" lang={code} aria-pressed={language.value === code} onClick={() => void setLanguage(code, remember)}>
          {long ? LANGUAGE_NAMES[code] : <>{code.toUpperCase()}<span class="govuk-visually-hidden"> {LANGUAGE_NAMES[code]}</span></>}
        </button>
      ))}
    </div>
  );
}

export function Logo({ office, href = "/" }: { office?: string; href?: string | null }) {
  const inside = (
    <>
      <Mark />
      <span>Ablak</span>
    </>
  );
  return (
    <>
      {href === null ? <span class="ab-logo">{inside}</span> : <a class="ab-logo" href={href}>{inside}</a>}
      {office && <span class="ab-logo-office">{office}</span>}
    </>
  );
}

export function Header({ office, href, children }: { office?: string; href?: string | null; children?: ComponentChildren }) {
  return (
    <>
      <a class="ab-skip" href="#main">{t("ui.common.skip")}</a>
      <header class="ab-header">
        <Logo {...(office ? { office } : {})} {...(href === undefined ? {} : { href })} />
        <div class="ab-header-end">
          {children}
          <LanguageSwitch />
        </div>
      </header>
    </>
  );
}

export function Line({ state }: { state: LineState }) {
  return (
    <span class="ab-line" role="status">
      <span class={cx("ab-dot", state === "connecting" && "ab-dot-wait", state === "waiting" && "ab-dot-off")} aria-hidden="true" />
      <span class="ab-line-text">{t(`ui.line.${state}`)}</span>
    </span>
  );
}

export function Title({ children, focus = false }: { children: ComponentChildren; focus?: boolean }) {
  const ref = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (focus) ref.current?.focus();
  }, [focus]);
  return (
    <h1 class="ab-title" tabIndex={-1} ref={ref}>
      {children}
    </h1>
  );
}

export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} – Ablak`;
  }, [title]);
}

// --- controls ------------------------------------------------------------------------------------

type ButtonProps = Omit<JSX.ButtonHTMLAttributes<HTMLButtonElement>, "size"> & {
  kind?: "primary" | "secondary" | "warning" | undefined;
  size?: "small" | "large" | undefined;
  wide?: boolean | undefined;
  keys?: string | undefined;
};

export function Button({ kind = "primary", size, wide, keys, class: extra, children, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      {...(keys ? { "aria-keyshortcuts": keys } : {})}
      class={cx("govuk-button", kind !== "primary" && `govuk-button--${kind}`, size && `ab-button-${size}`, wide && "ab-button-wide", extra as string | undefined)}
    >
      {children}
      {keys && <kbd aria-hidden="true">{keys}</kbd>}
    </button>
  );
}

type InputProps = Omit<JSX.InputHTMLAttributes<HTMLInputElement>, "label"> & { label: string; hint?: string | undefined; error?: string | undefined };

export function Input({ label, hint, error, id, class: extra, ...rest }: InputProps) {
  const own = useId();
  const inputId = typeof id === "string" ? id : own;
  const described = [hint && `${inputId}-hint`, error && `${inputId}-error`].filter(Boolean).join(" ");
  return (
    <div class={cx("govuk-form-group", error && "govuk-form-group--error")}>
      <label class="govuk-label" for={inputId}>{label}</label>
      {hint && <div class="govuk-hint" id={`${inputId}-hint`}>{hint}</div>}
      {error && <p class="govuk-error-message" id={`${inputId}-error`}><span class="govuk-visually-hidden">{t("ui.error.prefix")} </span>{error}</p>}
      <input class={cx("govuk-input", error && "govuk-input--error", extra as string | undefined)} id={inputId} {...(described ? { "aria-describedby": described } : {})} {...(error ? { "aria-invalid": true } : {})} {...rest} />
    </div>
  );
}

export interface SummaryItem {
  text: string;
  href?: string;
}

/** The error summary pattern: takes the focus when it appears. */
export function ErrorSummary({ title, items, focus = true }: { title: string; items: SummaryItem[]; focus?: boolean }) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (focus) ref.current?.focus();
  }, [focus, items.map((item) => item.text).join("|")]);
  return (
    <div class="govuk-error-summary" tabIndex={-1} ref={ref}>
      <div role="alert">
        <h2 class="govuk-error-summary__title ab-subtitle">{title}</h2>
        <div class="govuk-error-summary__body">
          <ul class="govuk-list govuk-error-summary__list">
            {items.map((item) => (
              <li key={item.text}>{item.href ? <a href={item.href} onClick={(event) => goToField(event, item.href ?? "")}>{item.text}</a> : <span>{item.text}</span>}</li>
            ))}
          </ul>
        </div>
      </div>
    </div>
  );
}

/** Goes to the field itself, with its label in sight, as a mere fragment would not. */
export function goToField(event: Event | null, href: string): void {
  const field = document.getElementById(href.replace(/^#/, ""));
  if (!field) return;
  event?.preventDefault();
  (field.closest(".govuk-form-group") ?? field).scrollIntoView({ block: "center" });
  field.focus({ preventScroll: true });
}

export function Notice({ tone, children, live = false }: { tone?: "amber" | "error" | "success"; children: ComponentChildren; live?: boolean }) {
  return <div class={cx("ab-notice", tone && `ab-notice-${tone}`)} {...(live ? { role: tone === "error" ? "alert" : "status" } : {})}>{children}</div>;
}

export function Tag({ tone, children }: { tone?: "amber" | "green" | "red" | "grey" | undefined; children: ComponentChildren }) {
  return <strong class={cx("govuk-tag", tone && `ab-tag-${tone}`)}>{children}</strong>;
}

// --- dialog --------------------------------------------------------------------------------------

/** A modal dialog: the browser's own keeps the focus inside and gives it back at the end. */
export function Dialog({ title, onClose, wide = false, children }: { title: string; onClose: () => void; wide?: boolean; children: ComponentChildren }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  // Open by the time that anything of it is seen: a key pressed right then is for the dialog.
  useLayoutEffect(() => {
    const before = document.activeElement;
    ref.current?.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      class={cx("ab-dialog", wide && "ab-dialog-wide")}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div class="ab-dialog-body">
        <h2 class="ab-subtitle" id={id}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

// --- toasts --------------------------------------------------------------------------------------

interface Toast {
  id: number;
  text: string;
  error: boolean;
}
const toasts = signal<readonly Toast[]>([]);
let nextToast = 1;

export function toast(text: string, error = false): void {
  const id = nextToast++;
  toasts.value = [...toasts.value.slice(-3), { id, text, error }];
  // Errors stay until they are read (WCAG 2.2.1); plain news goes.
  if (!error) setTimeout(() => dismiss(id), 6000);
}

export function toastError(error: unknown): void {
  if (!(error instanceof ProblemError) && !(error instanceof TypeError)) console.error(error);
  toast(errorText(error), true);
}

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((entry) => entry.id !== id);
}

export function Toasts() {
  return (
    <div class="ab-toasts" role="region" aria-label={t("ui.common.notices")}>
      <div aria-live="polite">
        {toasts.value.map((entry) => (
          <div key={entry.id} class={cx("ab-toast", entry.error && "ab-toast-error")}>
            <span>{entry.text}</span>
            <button type="button" class="ab-link" onClick={() => dismiss(entry.id)} aria-label={t("ui.common.close")}>✕</button>
          </div>
        ))}
      </div>
    </div>
  );
}

export { CloseIcon };

// --- QR ------------------------------------------------------------------------------------------

/** A QR code from the path the box drew (one unit a module, quiet zone included). */
export function Qr({ size, path, label }: { size: number; path: string; label: string }) {
  return (
    <svg class="ab-qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shape-rendering="crispEdges">
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}

// --- start ---------------------------------------------------------------------------------------

class Catch extends Component<{ children: ComponentChildren }, { failed: boolean }> {
  override state = { failed: false };
  override componentDidCatch(error: unknown): void {
    console.error(error);
    this.setState({ failed: true });
  }
  render() {
    if (!this.state.failed) return this.props.children;
    return (
      <main class="ab-main" id="main">
        <h1 class="ab-title">{t("ui.error.page-title")}</h1>
        <p>{t("ui.error.page-text")}</p>
        <Button onClick={() => location.reload()}>{t("ui.common.reload")}</Button>
      </main>
    );
  }
}

export function mount(page: JSX.Element): void {
  const root = document.getElementById("app");
  if (root)
    render(
      <Catch>
        {page}
        <Toasts />
      </Catch>,
      root,
    );
}

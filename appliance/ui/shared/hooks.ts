// Loading what a page shows, and loading it again when an event says that it changed.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Visit } from "../generated/box-api";
import type { Live, LineState } from "./live";

export interface Loaded<T> {
  value: T | null;
  error: unknown;
  reload: () => void;
  set: (value: T) => void;
}

/** How many answers in a row may be thrown away as stale before one is shown all the same. */
const STALE_MOST = 3;

/**
 * Calls `load` at once and at each reload(). A reload while one runs makes its answer stale: it was
 * asked for before whatever has changed since, so it is not shown but asked for again.
 */
export function useLoaded<T>(load: () => Promise<T>, deps: readonly unknown[]): Loaded<T> {
  const [value, setValue] = useState<T | null>(null);
  const [error, setError] = useState<unknown>(null);
  const run = useRef({ busy: false, again: false, stale: 0, id: 0 });
  const reload = useCallback(() => {
    const state = run.current;
    if (state.busy) {
      state.again = true;
      return;
    }
    state.busy = true;
    state.again = false;
    const id = state.id;
    load()
      .then(
        (found) => {
          if (id !== run.current.id || (state.again && state.stale++ < STALE_MOST)) return;
          state.stale = 0;
          setValue(found);
          setError(null);
        },
        (failure: unknown) => id === run.current.id && setError(failure),
      )
      .finally(() => {
        if (id !== run.current.id) return;
        state.busy = false;
        if (state.again) reload();
      });
  }, deps);
  useEffect(() => {
    run.current = { busy: false, again: false, stale: 0, id: run.current.id + 1 };
    reload();
    return () => {
      run.current.id++;
    };
  }, [reload]);
  return { value, error, reload, set: setValue };
}

/** Reloads on every event of the topics, after a reset, and when the line is back. */
export function useLiveReload(live: Live, topics: readonly string[], reload: () => void): void {
  const key = topics.join(" ");
  useEffect(() => {
    const wanted = key.split(" ").filter(Boolean);
    live.subscribe(...wanted);
    const offs = [
      live.on("event", (event) => {
        // What people write to each other changes nothing but the messages, which see to themselves.
        if (wanted.includes(event.topic) && event.kind !== "visit.message") reload();
      }),
      // News of the branches passes by: their events are their own, not headquarters'.
      live.on("message", ({ topic }) => {
        if (topic === "fleet" && wanted.includes(topic)) reload();
      }),
      live.on("reset", reload),
      live.on("line", (state) => {
        if (state === "open") reload();
      }),
    ];
    return () => offs.forEach((off) => off());
  }, [live, key, reload]);
}

/** Who of a visit has a page open: a passing message, not an event. */
function withPresence(visit: Visit, data: Record<string, unknown>): Visit {
  return { ...visit, citizenPresent: Number(data["citizen"]) > 0, clerkPresent: Number(data["clerk"]) > 0 };
}

/** The visit with the latest word on who is there; what was loaded may be older than that. */
export function usePresence<V extends Visit | null>(live: Live, visit: V): V {
  const [known, setKnown] = useState<{ topic: string; data: Record<string, unknown> } | null>(null);
  useEffect(
    () =>
      live.on("message", ({ topic, kind, data }) => {
        if (kind === "presence") setKnown({ topic, data });
      }),
    [live],
  );
  return visit && known?.topic === `visit:${visit.id}` ? (withPresence(visit, known.data) as V) : visit;
}

export function useLine(live: Live): LineState {
  const [state, setState] = useState(live.state);
  useEffect(() => {
    setState(live.state);
    return live.on("line", setState);
  }, [live]);
  return state;
}

export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

export function useHash(): string {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const update = () => setHash(location.hash);
    addEventListener("hashchange", update);
    return () => removeEventListener("hashchange", update);
  }, []);
  return hash;
}

/** Random id for "do it only once", also where crypto.randomUUID is not offered (plain http). */
export function onceKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

import assert from "node:assert/strict";
import { test } from "node:test";
import type { LineState, Live } from "../shared/live";

const listeners = { addEventListener: () => undefined, removeEventListener: () => undefined, location: { pathname: "/" } };
Object.assign(globalThis, listeners);
const { DraftDocument } = await import("../shared/draft");

const sockets: FakeSocket[] = [];
class FakeSocket {
  onopen: (() => void) | null = null;
  closed = false;
  constructor(readonly url: string) {
    sockets.push(this);
  }
  send(): void {}
  close(): void {
    this.closed = true;
  }
}

/** A live line whose news are told by the test. */
function line() {
  const handlers: Record<string, ((state?: LineState) => void)[]> = { lost: [], line: [] };
  const live = {
    watch: () => () => undefined,
    on: (name: string, handler: () => void) => {
      handlers[name]!.push(handler);
      return () => (handlers[name] = handlers[name]!.filter((one) => one !== handler));
    },
  };
  const tell = (name: string, state?: LineState) => handlers[name]!.forEach((handler) => handler(state));
  return { live: live as unknown as Live, tell };
}

function opened() {
  sockets.length = 0;
  const draft = new DraftDocument("1", "shared", { role: "citizen", label: "" }, "ws://x", FakeSocket as unknown as typeof WebSocket);
  const { live, tell } = line();
  const unfollow = draft.follow(live);
  return { draft, tell, unfollow };
}

test("while the live line looks for a way, the form makes no connection of its own", (t) => {
  // Newer than the types.
  const timers = t.mock.timers as unknown as { enable: (options: object) => void; tick: (ms: number) => void };
  timers.enable({ apis: ["setTimeout"] });
  const { draft, tell, unfollow } = opened();
  assert.equal(sockets.length, 1);
  tell("lost");
  assert.equal(sockets[0]!.closed, true);
  timers.tick(60_000);
  assert.equal(sockets.length, 1, "none into a dead line, however long it is");
  tell("line", "open");
  assert.equal(sockets.length, 2, "and one at once when it is back");
  tell("lost");
  unfollow();
  assert.equal(sockets.length, 3, "who follows nobody decides alone");
  draft.destroy();
});

test("a form that was put away does not come back with the line", () => {
  const { draft, tell } = opened();
  tell("lost");
  draft.stop();
  tell("line", "open");
  assert.equal(sockets.length, 1);
  draft.destroy();
});

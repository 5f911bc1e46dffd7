// When is typing saved? Only when the box says so: it counts this connection's updates that are
// durable. Whatever was not confirmed when a connection ended is sent once more on the next one.
export class SavedCounter {
  #sent = 0;
  #durable = 0;
  #connected = false;
  /** Edits made while away, or sent on a connection that ended before they were confirmed. */
  #owed = false;

  get saved(): boolean {
    return this.#connected && !this.#owed && this.#durable >= this.#sent;
  }
  get connected(): boolean {
    return this.#connected;
  }
  /** True when the whole state must be sent again: call resent() after having done it. */
  get owed(): boolean {
    return this.#owed;
  }
  opened(): void {
    this.#sent = 0;
    this.#durable = 0;
    this.#connected = true;
  }
  closed(): void {
    if (this.#connected && this.#durable < this.#sent) this.#owed = true;
    this.#connected = false;
  }
  /** A local edit; `goesOut`: the connection is there to carry it at once. */
  edited(goesOut: boolean): void {
    if (!this.#connected || !goesOut) this.#owed = true;
  }
  sent(): void {
    this.#sent++;
  }
  resent(): void {
    this.#owed = false;
  }
  durable(count: number): void {
    this.#durable = Math.max(this.#durable, count);
  }
}

/** Is this y-websocket message an update of this client's own (sync message, subtype update)? */
export function isUpdateMessage(data: unknown): boolean {
  const bytes = data instanceof Uint8Array ? data : data instanceof ArrayBuffer ? new Uint8Array(data) : null;
  return bytes !== null && bytes[0] === 0 && bytes[1] === 2;
}

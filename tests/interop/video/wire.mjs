// The line between the media process and one client: every packet passes here and can be lost.
//
// Each end of the line is given another address in place of the real one of its peer. What comes in
// at the stand-in of X is sent on to X, from the stand-in of whoever sent it: neither end sees a
// strange address, so candidates mean what they mean without the line.
import dgram from "node:dgram";
import { once } from "node:events";
import { networkInterfaces } from "node:os";

const candidates = /(candidate:\S+ \d+ udp \d+ )(\d+\.\d+\.\d+\.\d+) (\d+) /gi;

/** Loopback only where there is nothing else: libnice does the same, and webrtcbin is made of it. */
export const here =
  Object.values(networkInterfaces()).flat().find((it) => it.family === "IPv4" && !it.internal)?.address ?? "127.0.0.1";

/** What can be read of a packet without its keys; null for what is no RTP. */
export function rtpHeader(packet) {
  if (packet.length < 12 || packet[0] >> 6 !== 2 || (packet[1] >= 192 && packet[1] <= 223)) return null;
  return { payloadType: packet[1] & 0x7f, sequence: packet.readUInt16BE(2), ssrc: packet.readUInt32BE(8) };
}

export class Wire {
  #standIns = new Map();
  #boxSide = new Set();

  /** Sees every packet with (packet, towardsClient); true loses it. */
  loses = () => false;

  /** A description or candidate with its addresses changed to those of their stand-ins. */
  async through(text, fromBox) {
    for (const [whole, head, address, port] of text.matchAll(candidates)) {
      const real = `${address}:${port}`;
      if (fromBox) this.#boxSide.add(real);
      text = text.replace(whole, `${head}${here} ${(await this.#standIn(real)).address().port} `);
    }
    return text;
  }

  #standIn(real) {
    if (!this.#standIns.has(real)) this.#standIns.set(real, this.#bind(real));
    return this.#standIns.get(real);
  }

  async #bind(real) {
    const socket = dgram.createSocket("udp4");
    const [address, port] = real.split(":");
    const towardsClient = !this.#boxSide.has(real);
    socket.on("message", async (packet, from) => {
      const other = await this.#standIn(`${from.address}:${from.port}`);
      if (this.closed || this.loses(packet, towardsClient)) return;
      other.send(packet, Number(port), address, () => {});
    });
    socket.bind(0, here);
    await once(socket, "listening");
    return socket;
  }

  async close() {
    this.closed = true;
    for (const socket of await Promise.all(this.#standIns.values())) socket.close();
  }
}

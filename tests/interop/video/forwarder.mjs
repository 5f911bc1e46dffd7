// A bad line: a UDP forwarder in front of one port of the media process, with loss and cuts.
import dgram from "node:dgram";
import { once } from "node:events";

export class Forwarder {
  loss = 0;
  cut = false;
  #upstreams = new Map();

  static async to(port) {
    const forwarder = new Forwarder();
    const socket = dgram.createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    socket.on("message", (packet, from) => {
      if (!forwarder.#drops()) forwarder.#upstream(`${from.address}:${from.port}`, from).send(packet, port, "127.0.0.1");
    });
    forwarder.socket = socket;
    forwarder.port = socket.address().port;
    return forwarder;
  }

  #drops() {
    return this.cut || Math.random() < this.loss;
  }

  /** One socket towards the media process for each address of the browser, as a NAT has. */
  #upstream(key, from) {
    let upstream = this.#upstreams.get(key);
    if (!upstream) {
      upstream = dgram.createSocket("udp4");
      upstream.bind(0, "127.0.0.1");
      upstream.on("message", (packet) => {
        if (!this.#drops()) this.socket.send(packet, from.port, from.address);
      });
      this.#upstreams.set(key, upstream);
    }
    return upstream;
  }

  close() {
    this.socket.close();
    for (const upstream of this.#upstreams.values()) upstream.close();
  }
}

/** Puts a bad line between a participant's page and the media process, from its next offer on. */
export function lines() {
  const forwarders = new Map();
  return {
    async rewrite(sdp) {
      const found = [...sdp.matchAll(/^(a=candidate:\S+ \d+ \S+ \d+ \S+ )(\d+)/gm)];
      for (const [whole, head, port] of found) {
        if (!forwarders.has(port)) forwarders.set(port, await Forwarder.to(Number(port)));
        sdp = sdp.replace(whole, head + forwarders.get(port).port);
      }
      return sdp;
    },
    set(values) {
      for (const forwarder of forwarders.values()) Object.assign(forwarder, values);
    },
    close() {
      for (const forwarder of forwarders.values()) forwarder.close();
    },
  };
}

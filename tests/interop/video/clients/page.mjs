// The page that browsers open, and one end of a call in it.
import http from "node:http";
import { once } from "node:events";
import { readFileSync } from "node:fs";

const html = '<!doctype html><meta charset="utf-8"><title>call</title><body><script type="module" src="/page.js"></script>';

/** Serves the page from 127.0.0.1, which browsers let use cameras. */
export async function serve() {
  const file = (name) => readFileSync(new URL(name, import.meta.url));
  const scripts = { "/page.js": file("page.js"), "/peer.js": file("peer.js") };
  const server = http.createServer(({ url }, response) => {
    response.writeHead(200, { "content-type": scripts[url] ? "text/javascript" : "text/html" });
    response.end(scripts[url] ?? html);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

/** The ends of calls in one page. `run(body, ...values)` runs a function's body there. */
export class Page {
  #run;
  #found = new Map();
  #last = 0;

  constructor(run) {
    this.#run = run;
  }

  /** The page's `tell`. */
  told({ id, candidate, mid }) {
    this.#found.get(id)?.(candidate, mid);
  }

  async join(trickle, found) {
    const id = ++this.#last;
    this.#found.set(id, found);
    await this.#run("return window.join(...arguments)", id, trickle);
    const call = (method, ...values) =>
      this.#run("const [id, method, ...rest] = arguments; return window.ends.get(id)[method](...rest)", id, method, ...values);
    return {
      answer: (sdp) => call("answer", sdp),
      candidate: (candidate, mid) => call("candidate", candidate, mid),
      stats: () => call("stats"),
      close: async () => {
        this.#found.delete(id);
        await this.#run("window.part(...arguments)", id);
      },
    };
  }
}

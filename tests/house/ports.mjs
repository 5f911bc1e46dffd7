// Loopback ports for the programs of a test: free now, nobody else's until this process ends, and
// below those that the system gives to outgoing connections and to whoever asks for any port. A port
// that was merely seen free is somebody else's a moment later when tests run side by side.
import { once } from "node:events";
import { mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const FIRST = 15_000, LAST = 32_000, TRIES = 1000;
const folder = join(tmpdir(), "ablak-ports");
const reserved = new Set();

process.once("exit", () => {
  for (const file of reserved) rmSync(file, { force: true });
  try {
    rmdirSync(folder);
  } catch {
    // others are there, or were the last
  }
});

// Of a test that was killed; what cannot be read is being written or gone.
function isAbandoned(file) {
  try {
    process.kill(Number(readFileSync(file, "utf8")), 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

// By a file of that name, which only one process can make.
function reserve(port) {
  const file = join(folder, String(port));
  mkdirSync(folder, { recursive: true });
  try {
    writeFileSync(file, String(process.pid), { flag: "wx" });
  } catch (error) {
    if (error.code !== "EEXIST" && error.code !== "ENOENT") throw error;
    if (isAbandoned(file)) rmSync(file, { force: true }); // for whoever comes next
    return false;
  }
  reserved.add(file);
  return true;
}

async function isFree(port) {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}

export async function freePort() {
  for (let i = 0; i < TRIES; i++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (reserve(port) && (await isFree(port))) return port;
  }
  throw new Error(`no free port between ${FIRST} and ${LAST}`);
}

// A network of the bench's own: a namespace in which the relays have one address and the load
// generator's legs a whole range of them, none of them loopback, which ICE does not pair with
// others and Janus does not gather. Nothing of the machine's network is seen or changed.
import { spawn } from "node:child_process";

export const RELAY_ADDRESS = "10.77.0.1";
const LEGS = "10.78.0.0/16";
const MARK = "ABLAK_BENCH_NAMESPACE";

/** Runs the program again inside the namespace and ends with it, unless it is there already. */
export async function enterNamespace() {
  if (process.env[MARK]) return;
  const script = [
    "ip link set lo up", "ip link add relay type veth peer name far", "ip link set far up",
    `ip address add ${RELAY_ADDRESS}/24 dev relay`, "ip link set relay up",
    // Local, as if they were addresses of that interface: libnice sends by the one it is bound to.
    `ip route add local ${LEGS} dev relay`, 'exec "$@"',
  ].join(" && ");
  const user = process.getuid() === 0 ? [] : ["--user", "--map-root-user"];
  const child = spawn("unshare", [...user, "--net", "sh", "-c", script, "sh", process.execPath, ...process.argv.slice(1)],
    { stdio: "inherit", env: { ...process.env, [MARK]: "1" } });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code) => process.exit(code ?? 1));
  await new Promise(() => {});
}

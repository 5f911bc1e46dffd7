#!/usr/bin/env bash
# Installs a minimal Debian 12 into a folder, clones the repository into it, and starts ./run there,
# as a newcomer would: it must reach its ready line and stop cleanly. Needs root.
set -euo pipefail
source=$1
root=$(mktemp -d /tmp/ablak-fresh-root-XXXXXX)
child=

finish() {
  [ -z "$child" ] || kill -TERM "$child" 2> /dev/null || true
  [ -z "$child" ] || wait "$child" 2> /dev/null || true
  rm -rf --one-file-system "$root"
}
trap finish EXIT

free_port() {
  node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'
}

mmdebstrap --quiet --variant=minbase bookworm "$root"
git clone --quiet "$source" "$root/ablak"

# What this machine needs to reach package registries, the new one needs as well.
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
cp /etc/hosts "$root/etc/hosts"
mkdir -p "$root/usr/local/share/ca-certificates" "$root/etc/ssl/certs"
cp -r /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/" 2> /dev/null || true
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/" 2> /dev/null || true

box_port=$(free_port)
hq_port=$(free_port)
# A mount namespace of its own: nothing stays mounted when this ends. Each step replaces the one
# before it, so the child is ./run itself and the signal at the end reaches it.
unshare --mount bash -c '
  set -e
  mount --make-rprivate /
  mount -t proc proc "$1/proc"
  mount --rbind /dev "$1/dev"
  exec chroot "$1" /bin/bash -c "cd /ablak && exec ./run --box-port $2 --hq-port $3"
' bash "$root" "$box_port" "$hq_port" > "$root/run.log" 2>&1 &
child=$!

for ((second = 0; second < 2000; second++)); do
  if grep -q '^ready: ' "$root/run.log"; then
    curl -fsS -o /dev/null "http://localhost:$box_port/desk"
    curl -fsS -o /dev/null "http://localhost:$hq_port/"
    echo "ready after $second s"
    sed -n '/^ready: /p' "$root/run.log"
    kill -TERM "$child"
    wait "$child" || { echo "./run did not stop cleanly" >&2; exit 1; }
    child=
    for port in "$box_port" "$hq_port"; do
      if curl -s -o /dev/null "http://localhost:$port/"; then
        echo "something still listens on port $port" >&2
        exit 1
      fi
    done
    exit 0
  fi
  kill -0 "$child" 2> /dev/null || break
  sleep 1
done
echo "no ready line; the end of what ./run said:" >&2
tail -n 40 "$root/run.log" >&2
exit 1

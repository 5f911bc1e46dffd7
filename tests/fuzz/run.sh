#!/usr/bin/env bash
# run.sh SOURCE BUILD: builds the fuzz targets with clang and runs each for a short while (3 s, or
# a minute with ABLAK_FULL=1; ABLAK_FUZZ_SECONDS overrides). What it finds is left in BUILD/found.
set -euo pipefail
source=$1 build=$2
seconds=${ABLAK_FUZZ_SECONDS:-$([ "${ABLAK_FULL:-0}" = 1 ] && echo 60 || echo 3)}

cmake -G Ninja -S "$source" -B "$build" -DABLAK_FUZZ=ON -DABLAK_SANITIZE=ON -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DCMAKE_C_COMPILER=clang > "$build.log" 2>&1 || { cat "$build.log"; exit 1; }
mapfile -t targets < <(cut -d' ' -f1 "$build/fuzzers")
ninja -C "$build" --quiet "${targets[@]}"

mkdir -p "$build/found"
failed=0
while read -r name program corpus; do
  grown=$(mktemp -d)
  # New inputs go to a folder that is thrown away: the corpus in the repository is chosen by hand.
  if "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$build/found/$name-" \
    "$grown" "$corpus" > "$build/$name.log" 2>&1; then
    echo "$name: $(grep -oE 'Done [0-9]+ runs' "$build/$name.log" || echo done)"
  else
    echo "$name: failed"
    tail -n 30 "$build/$name.log"
    failed=1
  fi
  rm -rf "$grown"
done < "$build/fuzzers"
exit $failed

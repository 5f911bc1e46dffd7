#!/usr/bin/env bash
# threads.sh SOURCE BUILD: calls and the relay's life again, in a build with ThreadSanitizer. The media
# loops speak to each other by pthreads and C11 atomics only, which it understands; what uses GLib's
# locks is not tried here, because the system's GLib is not built for it.
set -euo pipefail
source=$1 build=$2

cmake -G Ninja -S "$source" -B "$build" -DABLAK_TSAN=ON -DCMAKE_BUILD_TYPE=RelWithDebInfo > "$build.log" 2>&1 ||
  { cat "$build.log"; exit 1; }
targets=(test-video-call test-video-relay)
ninja -C "$build" --quiet "${targets[@]}"
export TSAN_OPTIONS=halt_on_error=1
for target in "${targets[@]}"; do
  "$build/tests/unit/video/$target"
done

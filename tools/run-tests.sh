#!/usr/bin/env bash
# Installs what is missing, builds, and runs the whole test suite: tools/run-tests.sh [meson test arguments]
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(gcc ninja-build meson pkg-config python3 ocl-icd-opencl-dev libclblast-dev
    libjansson-dev libxxhash-dev zlib1g-dev libpng-dev pocl-opencl-icd check)
missing=()
for p in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q '^install ok' || missing+=("$p")
done
if [ ${#missing[@]} -gt 0 ]; then
    sudo=$([ "$(id -u)" = 0 ] || echo sudo)
    $sudo apt-get update -qq
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
fi

[ -f build/build.ninja ] || meson setup build >/dev/null
ninja -C build --quiet
failed=0
meson test -C build --print-errorlogs "$@" | tee build/test-output.txt || failed=1
count() { awk -v key="$1" '$0 ~ "^" key {n += $NF} END {print n + 0}' build/test-output.txt; }
echo "$(count 'Ok:') passed, $(( $(count 'Fail:') + $(count 'Timeout:') + $(count 'Unexpected Pass:') )) failed, $(count 'Skipped:') skipped"
exit $failed

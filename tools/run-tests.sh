#!/usr/bin/env bash
# Installs what is missing, builds, and runs the whole test suite: tools/run-tests.sh [meson test arguments]
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

# shellcheck disable=SC2086 # a list of words
install_missing $build_needs pocl check
build all
failed=0
meson test -C "$root/build" --no-rebuild --print-errorlogs "$@" || failed=1
python3 "$root/tests/count_results.py" "$root/build/meson-logs/testlog.json"
exit $failed

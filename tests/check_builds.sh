#!/usr/bin/env bash
# Builds everything with each compiler, kind of library and build type, where no warning may appear:
# check_builds.sh SOURCE_ROOT [short]      short: two builds in which each of these occurs once
set -euo pipefail
source=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

failed=0
check() { # compiler, library, build type
    local dir=$scratch/$1-$2-$3
    if ! command -v "$1" >/dev/null; then
        echo "$1 is not installed"
        return
    fi
    if CC=$1 meson setup "$dir" "$source" --werror -Dwarning_level=3 -Ddefault_library="$2" \
        -Dbuildtype="$3" >"$dir.log" 2>&1 && nice ninja -C "$dir" >>"$dir.log" 2>&1 &&
        ! grep -qi 'warning:' "$dir.log"; then
        echo "ok: $1, $2, $3"
    else
        echo "FAILED: $1, $2, $3"
        grep -iE -A5 'warning:|error:' "$dir.log" || tail -n 30 "$dir.log"
        failed=1
    fi
    rm -rf "$dir"
}

if [ "${2-}" = short ]; then
    check gcc static debug
    check clang shared release
else
    for compiler in gcc clang; do
        for library in static shared; do
            for type in debug release; do
                check $compiler $library $type
            done
        done
    done
fi
exit $failed

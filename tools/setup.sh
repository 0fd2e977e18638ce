# Sourced by the scripts beside it: installs what is missing and builds in build/.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# What may be needed: name | how to see that it is there | its packages for apt-get | dnf | pacman | brew
needs="
cc       | command -v cc                | gcc libc6-dev       | gcc                 | gcc            | gcc
ninja    | command -v ninja             | ninja-build         | ninja-build         | ninja          | ninja
meson    | command -v meson             | meson               | meson               | meson          | meson
pkg      | command -v pkg-config        | pkg-config          | pkgconf-pkg-config  | pkgconf        | pkg-config
python   | command -v python3           | python3             | python3             | python         | python
opencl   | pkg-config --exists OpenCL   | ocl-icd-opencl-dev  | ocl-icd-devel       | ocl-icd opencl-headers | ocl-icd opencl-headers
clblast  | have_header clblast_c.h      | libclblast-dev      | clblast-devel       | clblast        | clblast
jansson  | pkg-config --exists jansson  | libjansson-dev      | jansson-devel       | jansson        | jansson
xxhash   | pkg-config --exists libxxhash| libxxhash-dev       | xxhash-devel        | xxhash         | xxhash
zlib     | pkg-config --exists zlib     | zlib1g-dev          | zlib-devel          | zlib           | zlib
png      | pkg-config --exists libpng   | libpng-dev          | libpng-devel        | libpng         | libpng
device   | have_driver                  | pocl-opencl-icd     | pocl                | pocl           | pocl
pocl     | have_driver pocl             | pocl-opencl-icd     | pocl                | pocl           | pocl
check    | pkg-config --exists check    | check               | check-devel         | check          | check
curl     | have_any curl wget        | curl ca-certificates | curl         | curl           | curl
c++      | command -v c++               | g++                 | gcc-c++             | gcc            | gcc
clang    | command -v clang             | clang               | clang               | clang          | llvm
format   | command -v clang-format      | clang-format        | clang-tools-extra   | clang          | clang-format
rusticl  | have_driver rusticl          | mesa-opencl-icd     | mesa-libOpenCL      | opencl-rusticl-mesa | -
shellcheck | command -v shellcheck      | shellcheck          | ShellCheck          | shellcheck     | shellcheck
"
# shellcheck disable=SC2034 # for those who source this
build_needs="cc ninja meson pkg python opencl clblast jansson xxhash zlib png"

have_any() {
    local name
    for name in "$@"; do
        command -v "$name" && return 0
    done
    return 1
}

have_header() {
    echo "#include <$1>" | cc -E - >/dev/null 2>&1
}

# Whether an OpenCL driver is installed: of that name, or any.
have_driver() {
    local file
    for file in /etc/OpenCL/vendors/*"${1-}"*.icd "${OCL_ICD_VENDORS-/nowhere}"/*"${1-}"*.icd; do
        [ -f "$file" ] && return 0
    done
    # macOS has a driver of its own.
    [ -z "${1-}" ] && [ -d /System/Library/Frameworks/OpenCL.framework ]
}

package_manager() {
    local name
    for name in apt-get dnf pacman brew; do
        if command -v $name >/dev/null; then
            echo $name
            return
        fi
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() { # manager, packages
    case $1 in
    apt-get)
        as_root apt-get update -qq &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${@:2}" >/dev/null
        ;;
    dnf) as_root dnf install -y -q "${@:2}" ;;
    pacman) as_root pacman -S --needed --noconfirm "${@:2}" >/dev/null ;;
    brew) brew install -q "${@:2}" ;;
    esac
}

# Installs those of the named needs that are not there; says nothing when all are.
install_missing() {
    local manager row packages=() missing=() names wanted=" $* " column=2
    manager=$(package_manager)
    case $manager in
    dnf) column=3 ;;
    pacman) column=4 ;;
    brew) column=5 ;;
    esac
    while IFS='|' read -r -a row; do
        [[ ${#row[@]} -gt 0 && $wanted == *" ${row[0]// /} "* ]] || continue
        eval "${row[1]}" >/dev/null 2>&1 && continue
        missing+=("${row[0]// /}")
        read -r -a names <<<"${row[column]}"
        [ "${names[0]}" = - ] || packages+=("${names[@]}")
    done <<<"$needs"
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ -z "$manager" ]; then
        echo "Please install these (Debian's names) and start again: ${packages[*]}" >&2
        return 1
    elif [ ${#packages[@]} = 0 ]; then
        echo "$manager has no package for: ${missing[*]}. Please install it and start again." >&2
        return 1
    fi
    echo "installing with $manager: ${packages[*]}" >&2
    install_packages "$manager" "${packages[@]}"
}

# Shows what a command says only if it fails.
quietly() {
    local output
    output=$("$@" 2>&1) || {
        echo "$output" >&2
        return 1
    }
}

# Sets up and builds the given targets.
build() {
    if [ ! -f "$root/build/build.ninja" ]; then
        echo "building in $root/build" >&2
        quietly meson setup "$root/build" "$root" || return 1
    fi
    quietly ninja -C "$root/build" "$@"
}

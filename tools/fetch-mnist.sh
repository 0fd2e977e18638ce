#!/usr/bin/env bash
# Downloads MNIST: tools/fetch-mnist.sh [folder]      (default: where Clade looks for it)
#
# The folder receives only whole files whose uncompressed bytes are right. What a cut transfer left
# waits beside it, in <folder>.partial, and the next start goes on from there.
# CLADE_MNIST_MIRRORS: other places to fetch from, separated by spaces.
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

mirrors=${CLADE_MNIST_MIRRORS:-https://ossci-datasets.s3.amazonaws.com/mnist
    https://storage.googleapis.com/cvdf-datasets/mnist
    https://raw.githubusercontent.com/fgnt/mnist/master}
folder=${1:-${XDG_DATA_HOME:-$HOME/.local/share}/clade/mnist}
partial=$folder.partial

# name, size and SHA-256 of the uncompressed bytes
files="
train-images-idx3-ubyte 47040016 ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db
train-labels-idx1-ubyte 60008    65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5
t10k-images-idx3-ubyte  7840016  0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7
t10k-labels-idx1-ubyte  10008    ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2
"

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d' ' -f1
}

# Whether file $1 is the gzip of $2 bytes with the hash $3; never expands more than that.
is_right() {
    local sum
    [ -s "$1" ] && sum=$(gzip -dc "$1" 2>/dev/null | head -c $(($2 + 1)) | sha256) && [ "$sum" = "$3" ]
}

# Goes on where the file ends. 0: whole; 1: cut or not there; 2: the server cannot go on from here.
download() { # url, file
    local code result=0
    if ! command -v curl >/dev/null; then
        wget -q -c -T 20 -t 1 -O "$2" "$1" || return 1
        return 0
    fi
    code=$(curl -fsL -C - --connect-timeout 10 --speed-limit 1000 --speed-time 20 \
        -w '%{http_code}' -o "$2" "$1") || result=$?
    case $result-$code in
    0-*) return 0 ;;
    33-* | 22-416) return 2 ;;
    *) return 1 ;;
    esac
}

# Leaves a right file at $2, else what is worth going on from, else nothing.
fetch_from() { # url, file, size, hash
    local resumed result
    while :; do
        resumed=0 result=0
        [ ! -s "$2" ] || resumed=1
        download "$1" "$2" || result=$?
        if [ $result = 1 ]; then
            echo "fetch-mnist: $1: no connection, not there, or cut" >&2
            return 1
        elif [ $result = 0 ] && is_right "$2" "$3" "$4"; then
            return 0
        fi
        rm -f "$2"
        if [ $resumed = 0 ]; then
            echo "fetch-mnist: $1: not the bytes of MNIST" >&2
            return 1
        fi
    done
}

fetch() { # name, size, hash
    local file=$partial/$1.gz mirror
    is_right "$file" "$2" "$3" && return 0
    for mirror in $mirrors; do
        fetch_from "${mirror%/}/$1.gz" "$file" "$2" "$3" && return 0
    done
    return 1
}

clean_up() {
    [ ! -d "$partial" ] || find "$partial" -type f -size 0 -delete
    rmdir "$partial" "$folder" 2>/dev/null || :
}

started=0
trap clean_up EXIT
trap 'exit 130' INT TERM
while read -r name size hash; do
    [ -n "$name" ] || continue
    if [ -f "$folder/$name" ] || is_right "$folder/$name.gz" "$size" "$hash"; then
        continue
    fi
    if [ $started = 0 ]; then
        install_missing curl
        echo "fetching MNIST into $folder" >&2
        mkdir -p "$folder" "$partial"
        started=1
    fi
    if ! fetch "$name" "$size" "$hash"; then
        echo "fetch-mnist: $name.gz came from no mirror" >&2
        exit 1
    fi
    mv "$partial/$name.gz" "$folder/$name.gz"
done <<<"$files"

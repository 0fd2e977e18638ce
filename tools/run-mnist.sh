#!/usr/bin/env bash
# Trains on MNIST: tools/run-mnist.sh [clade-mnist options]
# Installs what is missing, builds, finds or fetches the data and hands over to clade-mnist.
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

has_data() {
    local name
    for name in {train,t10k}-{images-idx3,labels-idx1}-ubyte; do
        [ -f "$1/$name" ] || [ -f "$1/$name.gz" ] || return 1
    done
}

needs_data() { # the arguments of clade-mnist
    local argument
    for argument in "$@"; do
        case $argument in
        --data | --data=* | predict | --list-devices | --help | -h | --version) return 1 ;;
        esac
    done
}

# shellcheck disable=SC2086 # a list of words
install_missing $build_needs device
build tools/clade-mnist tools/clade

if needs_data "$@" && [ -z "${CLADE_DATA_DIR:-}" ]; then
    folder=${XDG_DATA_HOME:-$HOME/.local/share}/clade/mnist
    if ! has_data "$folder" && ! has_data /usr/share/datasets/fashion-mnist &&
        ! "$root/tools/fetch-mnist.sh" "$folder"; then
        folder=$root/tests/data/mnist-subset
        echo "MNIST could not be fetched: using the 6,000 training and 1,000 test images of it in" \
            "$folder, with which accuracy is lower" >&2
        set -- "$@" --data "$folder"
    fi
fi
exec "$root/build/tools/clade-mnist" "$@"

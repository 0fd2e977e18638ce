#!/usr/bin/env bash
# The character-level GPT, small: test_char_transformer.sh BINARY PYTHON. It learns, it writes, and
# where PYTHON has PyTorch, its loss is that of the same model there.
set -u
char_transformer=$1 python=$2
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/tap.sh"

for ((i = 0; i < 400; i++)); do
    echo "$i green bottles, standing on the wall; if $((i * 7 % 10)) should fall, $((i % 10))."
done >"$work/text"
sizes=(--steps 60 --batch 4 --context 20 --width 16 --layers 2 --heads 4 --rate 5000 --warmup 10)

run "$char_transformer" "$work/text" "${sizes[@]}" --sample 40 --start "$work/start"
cp "$work/out" "$work/ours"
check "it trains" status_is 0
check "and prints ten losses" out_count 10 '^step [0-9]+: loss [0-9]+\.[0-9]{4}$'
check "the last is below that of guessing by frequency" out_has '^step 60: loss ([01]|2\.[0-7])'
tail -n 1 "$work/ours" >"$work/out"
check "what it writes is of the text's characters" out_has '^[-0-9a-z ,;.]+$'

if "$python" -c 'import torch' 2>/dev/null; then
    peer=$(dirname "$0")/char_transformer_peer.py
    "$python" "$peer" "$work/text" "$work/start" "${sizes[@]}" >"$work/theirs"
    run "$python" "$peer" --compare "$work/ours" "$work/theirs"
    check "the loss is within 2 % of PyTorch's" status_is 0
else
    skip "the loss is within 2 % of PyTorch's" "there is no PyTorch"
fi

usage "no text" "usage:" "$char_transformer" --steps 1
usage "an unknown option" "usage:" "$char_transformer" "$work/text" --frob 1
failure "a text that is not there" "no-such-text" "$char_transformer" "$work/no-such-text"
failure "heads that do not divide the width" "3 heads" "$char_transformer" "$work/text" --heads 3
tap_end

#!/usr/bin/env bash
# `clade bench`, from outside: test_bench_tool.sh BINARY. Nothing here looks at how long it took.
set -u
clade=$1
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/tap.sh"

# rows FILE WORKLOAD COUNT PEER: an array of so many rows, and whether they have a peer: none, or a
# part of its name.
# shellcheck disable=SC2317 # check calls it
rows() {
    python3 - "$@" <<'END'
import json
import sys

rows = json.load(open(sys.argv[1]))
workload, count, peer = sys.argv[2], int(sys.argv[3]), sys.argv[4]
keys = ["workload", "metric", "clade", "peer", "peer_name", "ratio", "ratio_min", "ratio_max", "rounds"]
assert len(rows) == count, f"{len(rows)} rows"
for row in rows:
    assert list(row) == keys, row
    assert row["workload"] == workload and row["clade"] > 0 and row["rounds"] >= 1, row
    if peer == "none":
        assert all(row[k] is None for k in keys[3:8]), row
    else:
        assert peer in row["peer_name"] and row["peer"] > 0, row
        assert 0 < row["ratio_min"] <= row["ratio"] <= row["ratio_max"], row
assert len({row["metric"] for row in rows}) == len(rows) or workload == "gemm", "a metric twice"
END
}

run "$clade" bench --help
check "--help" out_has '^    mlp1024 '
check "--help exits 0" status_is 0
run "$clade" bench -h
check "-h is --help" out_has '^    mlp1024 '
usage "a word too many" "'x': one argument too many" "$clade" bench x
usage "an unknown option" "--frob: no such option" "$clade" bench --frob
usage "an unknown letter" "-v: no such option" "$clade" bench -v
usage "an unknown workload" "--workload: 'rnn' is none of mlp, " "$clade" bench --workload mlp,rnn
usage "an empty workload" "--workload: '' is none of mlp, " "$clade" bench --workload mlp,
usage "an unknown peer" "--vs: 'jax' is none of torch, " "$clade" bench --vs jax
usage "an empty peer" "--vs: '' is none of torch, " "$clade" bench --vs ''
usage "--vs without a value" "--vs: needs a value" "$clade" bench --vs
usage "--rounds 0" "--rounds: '0' is not a whole number from 1 to 1000" "$clade" bench --rounds 0
usage "--quick=1" "--quick: takes no value" "$clade" bench --quick=1
failure "no device" "no-such-device" "$clade" bench --device no-such-device

bench() {
    run "$clade" bench --quick "$@"
}

for workload in "mlp 2" "mlp1024 2" "cnn 2" "infer 2" "transformer 1" "gemm 12" "kernels 8" \
    "launch 4"; do
    read -r name count <<<"$workload"
    bench --workload "$name" --vs none --json "$work/rows.json"
    check "$name" status_is 0
    check "$name has a table" out_lines $((count + 1))
    check "$name has rows" rows "$work/rows.json" "$name" "$count" none
done

bench --workload launch --workload infer,launch --rounds 2 --json
check "--json alone prints nothing else" python3 -c '
import json, sys
rows = json.load(open(sys.argv[1]))
assert [r["workload"] for r in rows] == ["infer"] * 2 + ["launch"] * 4
assert all(r["rounds"] == 2 for r in rows)' "$work/out"
bench --workload kernels --json="$work/rows.json"
check "kernels beside a copy" rows "$work/rows.json" kernels 8 ''
check "and a verdict" out_has '^Clade loses'
bench --workload launch --json "$work/no/such/folder"
check "a file that cannot be written exits 1" status_is 1
bench --workload mlp --data "$work" --vs none
check "a folder without data exits 1" status_is 1

bench --workload gemm --vs openblas --json "$work/rows.json"
if err_has 'libopenblas.so.0 nor libopenblas.so can be loaded'; then
    skip "gemm beside OpenBLAS" "there is no OpenBLAS"
else
    check "gemm beside OpenBLAS" rows "$work/rows.json" gemm 12 OpenBLAS
fi

bench --workload mlp --vs torch --python "$work/no-python"
check "--python that is none exits 1" status_is 1
check "and says so" err_has '--python: .*/no-python cannot import torch'
torch_python=
for candidate in python3 /usr/bin/python3; do
    if [ -z "$torch_python" ] && "$candidate" -c 'import torch' 2>"$work/err"; then
        torch_python=$candidate
    fi
done
if [ -n "$torch_python" ]; then
    bench --workload infer --vs torch --json "$work/rows.json"
    check "infer beside PyTorch" rows "$work/rows.json" infer 2 PyTorch
    check "which says who runs what" err_has '^clade: PyTorch: .*python3 runs .*/torch_peer.py$'
    bench --workload mlp --vs torch --python "$torch_python" --json
    check "mlp beside PyTorch" python3 -c '
import json, sys
rows = json.load(open(sys.argv[1]))
assert "PyTorch" in rows[0]["peer_name"] and rows[0]["peer"] > 0
assert rows[1]["peer_name"] == "the whole step"' "$work/out"
else
    skip "infer beside PyTorch" "no python3 here can import torch"
fi
tap_end

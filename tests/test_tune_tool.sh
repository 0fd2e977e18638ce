#!/usr/bin/env bash
# `clade tune`, from outside: test_tune_tool.sh BINARY. Which provider wins is not looked at.
set -u
clade=$1
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/tap.sh"
# A cache of its own: the results of others are none of its business.
mkdir "$work/cache"
export CLADE_CACHE_DIR=$work/cache

run "$clade" tune --help
check "--help" out_has '^    --export FILE '
check "--help exits 0" status_is 0
usage "a word too many" "'x': one argument too many" "$clade" tune x
usage "an unknown option" "--frob: no such option" "$clade" tune --frob
usage "--import without a value" "--import: needs a value" "$clade" tune --import
usage "--force=1" "--force: takes no value" "$clade" tune --force=1
usage "--export and --import" "one at a time" "$clade" tune --export a --import b
failure "no device" "no-such-device" "$clade" tune --device no-such-device

run "$clade" tune --export "$work/none"
check "nothing to export exits 1" status_is 1
check "and says so" err_has 'nothing was tuned yet'

run "$clade" tune --quick
check "tune" status_is 0
check "tune measures" out_has '8 classes, 8 measured now, 0 known before$'
check "tune says how far it is" err_has '^clade: 8 of 8: 32x32x32: clade [0-9.]+ us, clblast [0-9.]+ us$'
run "$clade" tune --quick
check "tune goes on where it was" out_has '8 classes, 0 measured now, 8 known before$'
run "$clade" tune --quick --force
check "tune --force" out_has '8 classes, 8 measured now, 0 known before$'

run "$clade" tune --export "$work/exported.json"
check "--export" status_is 0
check "its content" python3 -c '
import json, sys
file = json.load(open(sys.argv[1]))
classes = file["classes"]
assert file["version"] == 1 and file["device"] and len(classes) == 8
assert {(c["m"], c["n"], c["k"]) for c in classes} == {(a, b, c) for a in (4, 5) for b in (4, 5) for c in (4, 5)}
assert all(c["provider"] == min(("clade", "clblast"), key=lambda p: c[p + "_us"]) for c in classes)' "$work/exported.json"
rm "$work"/cache/tune-*
run "$clade" tune --import "$work/exported.json"
check "--import" status_is 0
check "gives the same file" cmp "$work"/cache/tune-*.json "$work/exported.json"

sed 's/"device": "/&another /' "$work/exported.json" >"$work/another.json"
run "$clade" tune --import "$work/another.json"
check "another device's file exits 1" status_is 1
check "and says so" err_has 'another.json: for another device$'
sed 's/"k": 4/"k": 16/' "$work/exported.json" >"$work/large.json"
run "$clade" tune --import "$work/large.json"
check "a class out of range" err_has 'large.json: a class without m, n or k'
run "$clade" tune --import "$work/no-file"
check "a file that is not there" status_is 1
check "leaves the results" cmp "$work"/cache/tune-*.json "$work/exported.json"

echo '{' >"$(echo "$work"/cache/tune-*.json)"
run "$clade" bench --quick --workload launch --vs none
check "a damaged file is no obstacle" status_is 0
check "but is told of" err_has 'gemm: .*/tune-.*\.json: .*; not used$'
tap_end

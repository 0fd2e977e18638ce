#!/usr/bin/env bash
# The tool clade and the examples, from outside: test_clade_tool.sh BINARY EXAMPLE...
set -u
clade=$1
shift
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/tap.sh"

run "$clade" --help
check "--help" out_has '^    clade selftest'
check "--help exits 0" status_is 0
run "$clade" -h
check "-h is --help" out_has '^    clade selftest'
check "-h exits 0" status_is 0
run "$clade" --version
check "--version" out_has '^clade [0-9]+\.[0-9]+\.[0-9]+$'
run "$clade" devices
check "devices marks the one in use" out_has '^\* [0-9]+  [0-9]+:[0-9]+ '
run "$clade" devices --device 0
check "devices --device" out_has '^\* 0  0:0 '
run "$clade" devices --json
check "devices --json" python3 -c '
import json, sys
devices = json.load(open(sys.argv[1]))
assert len(devices) >= 1 and [d["index"] for d in devices] == list(range(len(devices)))
assert sum(d["chosen"] for d in devices) == 1
assert all(d["name"] and d["platform"] and d["memory_bytes"] > 0 for d in devices)
' "$work/out"
run "$clade" devices --device no-such-device
check "devices without a match exits 1" status_is 1
check "and lists what there is" err_has 'no-such-device'
run env OCL_ICD_VENDORS=/nonexistent "$clade" devices --json
check "devices --json without a platform is an empty list" out_has '^\[\]$'
check "and exits 1" status_is 1

usage "no command" "a command is missing" "$clade"
usage "an unknown command" "'frob' is not a command" "$clade" frob
usage "a word too many" "'x': one argument too many" "$clade" devices x
usage "an unknown option" "--frob: no such option" "$clade" devices --frob
usage "an unknown letter" "-v: no such option" "$clade" devices -v
usage "--device without a value" "--device: needs a value" "$clade" selftest --device
usage "--json=1" "--json: takes no value" "$clade" devices --json=1
usage "selftest --json" "--json: not an option of selftest" "$clade" selftest --json
failure "selftest on no device" "no-such-device" "$clade" selftest --device no-such-device

run "$clade" selftest
check "selftest exits 0" status_is 0
check "selftest has a verdict" out_has '^PASSED: [0-9]+ of [0-9]+ checks passed, 0 failed'
check "selftest names what it checked" out_has '^ok       training '

for example in "$@"; do
    run "$example"
    case $(basename "$example") in
    embed_mlp)
        check "embed_mlp learns that equals give 0" out_count 2 '^(0\^0|1\^1) -?0\.[01]'
        check "and that differences give 1" out_count 2 '^(0\^1|1\^0) (0\.9|1\.0)'
        run env CLADE_DEVICE=no-such-device "$example"
        check "embed_mlp reports a failure" said_only 1 'no-such-device'
        ;;
    modules)
        check "modules prints its network" out_has '^  0 recurrent +\[6,16\] +912 +4896$'
        check "modules learns to remember a bit" out_has '^right: 100 %$'
        ;;
    pointwise)
        check "pointwise derives twice" out_has '^length 2\.0: force 8\.000, stiffness 8\.000$'
        ;;
    custom_op)
        check "custom_op integrates" out_has '^y 1\.00 0\.50 0\.25, gradient 1\.75 1\.50 1\.00$'
        ;;
    embed_cpp)
        check "embed_cpp computes a gradient" out_has '^gradient: -8 -12$'
        ;;
    esac
done
tap_end

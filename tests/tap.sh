# shellcheck shell=bash
# TAP for tests in bash: source this, check, end with tap_end. $work is a folder of the test's own.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tap_count=0
tap_failed=0
status=0

# check WHAT COMMAND...: one line of TAP; what the last `run` printed goes with a failure.
check() {
    local what=$1
    shift
    tap_count=$((tap_count + 1))
    if "$@"; then
        echo "ok $tap_count - $what"
    else
        tap_failed=$((tap_failed + 1))
        echo "not ok $tap_count - $what"
        echo "# failed: $* (exit status of the last run: $status)"
        sed 's/^/# stdout: /' "$work/out" | tail -n 20
        sed 's/^/# stderr: /' "$work/err" | tail -n 20
    fi
}

skip() {
    tap_count=$((tap_count + 1))
    echo "ok $tap_count - $1 # SKIP $2"
}

tap_end() {
    echo "1..$tap_count"
    exit $((tap_failed > 0))
}

# run COMMAND...: its exit status to $status, its output to $work/out and $work/err.
run() {
    status=0
    "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
}

out_has() { grep -qE -- "$1" "$work/out"; }
err_has() { grep -qE -- "$1" "$work/err"; }
out_lacks() { ! grep -qE -- "$1" "$work/out"; }
err_lacks() { ! grep -qE -- "$1" "$work/err"; }
# out_count N PATTERN: so many lines match.
out_count() { [ "$(grep -cE -- "$2" "$work/out")" -eq "$1" ]; }
out_lines() { [ "$(wc -l <"$work/out")" -eq "$1" ]; }
err_lines() { [ "$(wc -l <"$work/err")" -eq "$1" ]; }
status_is() { [ "$status" -eq "$1" ]; }

# One line on stderr that matches, nothing on stdout, and the exit status.
said_only() {
    status_is "$1" && err_lines 1 && err_has "$2" && out_lines 0
}

# usage WHAT PATTERN COMMAND...: wrong usage.
usage() {
    local what=$1 pattern=$2
    shift 2
    run "$@"
    check "usage: $what" said_only 2 "$pattern"
}

# failure WHAT PATTERN COMMAND...: a failure of a run that prints nothing else.
failure() {
    local what=$1 pattern=$2
    shift 2
    run "$@"
    check "failure: $what" said_only 1 "$pattern"
}

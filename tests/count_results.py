#!/usr/bin/env python3
"""Prints "N passed, N failed, N skipped" of a Meson test run, single TAP checks counted where a
program reports them: count_results.py testlog.json"""
import json
import re
import sys

passed = failed = skipped = 0
for line in open(sys.argv[1], encoding="utf-8"):
    test = json.loads(line)
    output = test.get("stdout", "")
    ok = re.findall(r"(?mi)^ok\b.*?(# *skip)?[^#\n]*$", output)
    not_ok = len(re.findall(r"(?m)^not ok\b", output))
    good = test["result"] in ("OK", "EXPECTEDFAIL", "SKIP")
    skips = sum(1 for skip in ok if skip)
    passed += len(ok) - skips
    skipped += skips
    failed += not_ok
    if test["result"] == "SKIP" and not ok:
        skipped += 1
    elif good and not ok:
        passed += 1
    elif not good and not not_ok:
        failed += 1
print(f"{passed} passed, {failed} failed, {skipped} skipped")

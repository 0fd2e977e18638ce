#!/usr/bin/env python3
"""The committed table of ops is what op_table prints: check_op_table.py OP_TABLE OPS.md"""
import difflib
import subprocess
import sys
from pathlib import Path


def main():
    program, committed = sys.argv[1:]
    printed = subprocess.run([program], stdout=subprocess.PIPE, check=True, text=True).stdout
    there = Path(committed).read_text(encoding="utf-8")
    for line in difflib.unified_diff(there.splitlines(), printed.splitlines(),
                                     "src/ops/OPS.md", "the rows say", lineterm="", n=0):
        print(line)
    if there != printed:
        print("to renew it: build/tests/op_table > src/ops/OPS.md")
        sys.exit(1)


main()

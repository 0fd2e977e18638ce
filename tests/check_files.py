#!/usr/bin/env python3
"""No file is longer than 600 lines, and clang-format 14, where it is there, agrees with the C
files: check_files.py SOURCE_ROOT"""
import shutil
import subprocess
import sys
from pathlib import Path

LONGEST = 600
FOLDERS = ["include", "src", "cl", "tests", "tools"]
SUFFIXES = {".c", ".h", ".cl", ".clh", ".py", ".sh", ".build"}


def formatter():
    """clang-format disagrees with itself between versions."""
    for name in ("clang-format-14", "clang-format"):
        if shutil.which(name):
            run = subprocess.run([name, "--version"], stdout=subprocess.PIPE, text=True)
            if " 14." in run.stdout:
                return name
    return None


def main():
    root = Path(sys.argv[1])
    files = [p for f in FOLDERS for p in sorted((root / f).rglob("*")) if p.suffix in SUFFIXES]
    complaints = 0
    for path in files:
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > LONGEST:
            print(f"{path.relative_to(root)}: {lines} lines")
            complaints += 1
    name = formatter()
    if name:
        c_files = [str(p) for p in files if p.suffix in (".c", ".h")]
        run = subprocess.run([name, "--dry-run", "-Werror", *c_files])
        complaints += run.returncode != 0
    else:
        print("clang-format 14 is not installed: format not checked")
    print(f"{len(files)} files")
    sys.exit(1 if complaints or not files else 0)


main()

#!/usr/bin/env python3
"""What the shared library exports is what the public headers declare, no more and no less:
check_symbols.py LIBRARY INCLUDE_DIR"""
import re
import subprocess
import sys
from pathlib import Path


def declared(include):
    names = set()
    for header in include.glob("clade/*.h"):
        text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", header.read_text(encoding="utf-8"), flags=re.S)
        text = re.sub(r"(?m)^\s*#.*(\\\n.*)*$", "", text)
        for declaration in re.findall(r"\bCLADE_API\b([^;]*);", text):
            names.add(re.search(r"(\w+)\s*(\(|$)", declaration.strip())[1])
    return names


def exported(library):
    lines = subprocess.run(
        ["nm", "-D", "--defined-only", library], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.splitlines()
    return {line.split()[-1].split("@")[0] for line in lines}


def main():
    names, symbols = declared(Path(sys.argv[2])), exported(sys.argv[1])
    for name in sorted(names - symbols):
        print(f"declared, not exported: {name}")
    for name in sorted(symbols - names):
        print(f"exported, not declared: {name}")
    print(f"{len(names)} declared, {len(symbols)} exported")
    sys.exit(0 if names == symbols and names else 1)


main()

#!/usr/bin/env python3
"""Every public header compiles alone as C99, C11 and C++17 without a warning:
check_headers.py INCLUDE_DIR"""
import shutil
import subprocess
import sys
from pathlib import Path

COMPILERS = [
    ("gcc", "c", "c99"), ("gcc", "c", "c11"), ("g++", "c++", "c++17"),
    ("clang", "c", "c99"), ("clang", "c", "c11"), ("clang++", "c++", "c++17"),
]


def main():
    include = Path(sys.argv[1])
    compiled = failed = 0
    for header in sorted(include.glob("clade/*.h")):
        # Twice, for the guard; and a use of the macro that differs between C and C++.
        text = f"#include <clade/{header.name}>\n" * 2
        text += "#ifdef CLADE_SHAPE\nclade_shape shape_of_two(void);\n"
        text += "clade_shape shape_of_two(void) { return CLADE_SHAPE(128, 784); }\n#endif\n"
        text += "typedef int not_empty;\n"
        for compiler, language, standard in COMPILERS:
            if not shutil.which(compiler):
                continue
            run = subprocess.run(
                [compiler, f"-I{include}", "-x", language, f"-std={standard}", "-Wall", "-Wextra",
                 "-Wpedantic", "-Werror", "-fsyntax-only", "-"],
                input=text, stderr=subprocess.PIPE, text=True,
            )
            compiled += 1
            if run.returncode:
                failed += 1
                print(f"{header.name} with {compiler} as {standard}:\n{run.stderr}")
    print(f"{compiled} compilations, {failed} failed")
    sys.exit(1 if failed or not compiled else 0)


main()

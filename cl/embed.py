#!/usr/bin/env python3
"""Writes the kernel sources as C byte arrays: embed.py OUT.c FILE..."""
import os
import sys


def main():
    out, files = sys.argv[1], sys.argv[2:]
    lines = ['#include "runtime/kernel_sources.h"', ""]
    rows = []
    for path in files:
        name = os.path.splitext(os.path.basename(path))[0]
        with open(path, "rb") as f:
            data = f.read()
        lines.append("static const unsigned char text_%s[] = {" % name)
        lines += ["    " + ", ".join(str(b) for b in data[i:i + 20]) + ","
                  for i in range(0, len(data), 20)]
        lines += ["};", ""]
        rows.append('    {"%s", text_%s, sizeof text_%s},' % (name, name, name))
    lines += ["const clade_kernel_source clade_kernel_sources[] = {", *rows, "};",
              "const size_t clade_kernel_source_count = %d;" % len(rows)]
    with open(out, "w") as f:
        f.write("\n".join(lines) + "\n")


main()

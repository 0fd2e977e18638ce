#!/usr/bin/env python3
"""Writes a C file that holds OpenCL C sources as byte arrays: embed.py OUTPUT.c SOURCE...

Bytes and not string literals, because ISO C guarantees only 4095 characters in a literal.
"""
import sys
from pathlib import Path

BYTES_PER_LINE = 24


def array(identifier, data):
    # An empty file still needs one element: ISO C has no empty arrays.
    data = data or b"\n"
    lines = [
        "    " + ", ".join(str(byte) for byte in data[i : i + BYTES_PER_LINE]) + ","
        for i in range(0, len(data), BYTES_PER_LINE)
    ]
    return "static const unsigned char %s[] = {\n%s\n};\n" % (identifier, "\n".join(lines))


def main():
    output, sources = Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]
    stems = [source.stem for source in sources]
    if len(set(stems)) != len(stems):
        sys.exit("embed.py: two sources have one name: " + " ".join(stems))
    parts = ["/* Made by cl/embed.py. */", '#include "runtime/kernel_sources.h"', ""]
    entries = []
    for source in sources:
        parts.append(array("text_" + source.stem, source.read_bytes()))
        entries.append('    {"%s", text_%s, sizeof text_%s},' % ((source.stem,) * 3))
    parts += ["const clade_kernel_source clade_kernel_sources[] = {", *entries, "};", ""]
    parts.append(
        "const size_t clade_kernel_source_count =\n"
        "    sizeof clade_kernel_sources / sizeof *clade_kernel_sources;"
    )
    output.write_text("\n".join(parts) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()

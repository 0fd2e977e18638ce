#!/usr/bin/env python3
"""Prints the version that include/clade/version.h defines."""
import re
from pathlib import Path

text = Path(__file__).with_name("clade").joinpath("version.h").read_text(encoding="ascii")
print(
    ".".join(
        re.search(r"^#define CLADE_VERSION_%s (\d+)$" % part, text, re.MULTILINE).group(1)
        for part in ("MAJOR", "MINOR", "PATCH")
    )
)

#!/usr/bin/env python3
"""check_readme.py ROOT: the README shows the embedding example as it is."""
import sys
from pathlib import Path

root = Path(sys.argv[1])
readme = (root / "README.md").read_text(encoding="utf-8")
example = (root / "tools/examples/embed_mlp.c").read_text(encoding="utf-8")
if "```c\n" + example + "```\n" not in readme:
    sys.exit("README.md: the embedding example is not tools/examples/embed_mlp.c, letter by letter")

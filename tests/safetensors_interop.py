#!/usr/bin/env python3
"""safetensors_interop.py COPY: files of other writers go through Clade's reader and writer.

COPY is the program of safetensors_copy.c. Needs numpy (else exit 77, which Meson counts as a skip);
uses the package safetensors too where it is installed.
"""
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("skipped: no numpy")
    sys.exit(77)

try:
    import safetensors.numpy as reference
except ImportError:
    reference = None

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "goldens"))
sys.dont_write_bytecode = True
from goldens_file import decode, encode  # pylint: disable=wrong-import-position


def same(a, b):
    return sorted(a) == sorted(b) and all(
        a[n].dtype == b[n].dtype and a[n].shape == b[n].shape and a[n].tobytes() == b[n].tobytes()
        for n in a)


def copy(program, raw):
    with tempfile.TemporaryDirectory() as folder:
        there, back = os.path.join(folder, "there"), os.path.join(folder, "back")
        with open(there, "wb") as f:
            f.write(raw)
        subprocess.run([program, there, back], check=True)
        with open(back, "rb") as f:
            return f.read()


def main():
    rng = np.random.default_rng(1)
    arrays = {"fc.weight": rng.standard_normal((5, 3), np.float32),
              "wide": rng.standard_normal(7), "labels": np.arange(-3, 3, dtype=np.int32),
              "pixels": np.arange(11, dtype=np.uint8), "scalar": np.array(2.5, np.float32),
              "half": np.arange(5, dtype=np.float16) / 7,
              "empty": np.zeros((0, 4), np.float32), "größe": np.ones(1, np.uint8)}
    raw = copy(sys.argv[1], encode(arrays))
    assert same(decode(raw), arrays), "Clade's file differs from numpy's"
    if reference:
        assert same(reference.load(raw), arrays), "safetensors reads something else"
        written = copy(sys.argv[1], reference.save(arrays, {"note": "a ß"}))
        assert same(reference.load(written), arrays), "safetensors' own file came back different"
        assert "a ß".encode() in written, "the metadata is lost"
    print("ok, %s" % ("with safetensors" if reference else "without the package safetensors"))


main()

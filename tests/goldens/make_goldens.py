#!/usr/bin/python3
"""Makes the golden files from PyTorch.

    make_goldens.py             writes a .safetensors of each of SETS beside this script
    make_goldens.py --check     compares them with what PyTorch says now; exit 1 where they differ

The bytes are the same each time on one machine. Another processor or PyTorch may round differently;
--check then accepts 1e-5 relative and says so.
"""
import os
import sys

import numpy as np
import torch

import autograd_goldens
import module_goldens
import op_goldens
import optimizer_goldens
import reference_goldens
import seed_goldens
import transformer_goldens
from goldens_file import decode, encode

SETS = {"autograd": autograd_goldens, "modules": module_goldens, "ops": op_goldens,
        "optimizers": optimizer_goldens, "reference": reference_goldens, "seed": seed_goldens,
        "transformer": transformer_goldens}
HERE = os.path.dirname(os.path.abspath(__file__))


def differences(old, new):
    """Names whose values differ by more than rounding."""
    names = sorted(set(old) ^ set(new))
    for name in sorted(set(old) & set(new)):
        a, b = old[name], new[name]
        if a.shape != b.shape or a.dtype != b.dtype or not np.allclose(
                a, b, rtol=1e-5, atol=1e-6, equal_nan=True):
            names.append(name)
    return names


def check(path, raw):
    with open(path, "rb") as f:
        stored = f.read()
    if stored == raw:
        print("%s: identical" % path)
        return True
    names = differences(decode(stored), decode(raw))
    print("%s: %s" % (path, "differs in " + ", ".join(names) if names else "equal but for rounding"))
    return not names


def main():
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__)
    torch.set_num_threads(1)
    ok = True
    for name, module in SETS.items():
        path, raw = os.path.join(HERE, name + ".safetensors"), encode(module.make())
        if sys.argv[1:]:
            ok = check(path, raw) and ok
            continue
        with open(path, "wb") as f:
            f.write(raw)
        print("%s: %d bytes" % (path, len(raw)))
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()

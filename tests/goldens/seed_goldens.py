#!/usr/bin/python3
"""Golden set 4: what a seed gives in PyTorch, the weights to start from and the order of the images.

    seed_goldens.py OUT SEED IMAGES EPOCHS SIZE...    writes it for one seed and one network

The reference program draws them so: torch.manual_seed, the nn.Linear layers in order, and then
torch.randperm for each epoch. Exits 77, with a line that says why, where this PyTorch does not give
the stored set: where it does not fuse multiply and add, uniform numbers are rounded differently.
"""
import os
import sys

import numpy as np
import torch

from goldens_file import decode, encode

SEEDS = (0, 2 ** 40 + 7)
# Arrays below and above 16 elements; a network this small needs less to be stored.
SIZES, IMAGES, EPOCHS = (784, 2, 10), 20, 2
STORED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "seed.safetensors")


def drawn(seed, images, epochs, sizes):
    """SEED.fc1.weight, SEED.fc1.bias, ... and SEED.order [epochs, images]."""
    torch.manual_seed(seed)
    arrays = {}
    for i, (n, m) in enumerate(zip(sizes, sizes[1:]), 1):
        layer = torch.nn.Linear(n, m)
        arrays["%d.fc%d.weight" % (seed, i)] = layer.weight.detach().numpy()
        arrays["%d.fc%d.bias" % (seed, i)] = layer.bias.detach().numpy()
    orders = [torch.randperm(images).numpy() for _ in range(epochs)]
    arrays["%d.order" % seed] = np.array(orders, np.int32)
    return arrays


def make():
    """Both seeds; the second has bits above the 32 that count."""
    arrays = {}
    for seed in SEEDS:
        arrays.update(drawn(seed, IMAGES, EPOCHS, SIZES))
    return arrays


def main():
    if len(sys.argv) < 7:
        sys.exit(__doc__)
    with open(STORED, "rb") as f:
        stored = decode(f.read())
    ours = make()
    if any(not np.array_equal(stored[name], ours[name]) for name in stored):
        print("PyTorch %s draws other numbers on this machine" % torch.__version__)
        sys.exit(77)
    seed, images, epochs, *sizes = (int(a) for a in sys.argv[2:])
    with open(sys.argv[1], "wb") as f:
        f.write(encode(drawn(seed, images, epochs, sizes)))


if __name__ == "__main__":
    main()

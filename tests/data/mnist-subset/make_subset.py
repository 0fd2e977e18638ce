#!/usr/bin/env python3
"""Makes the class-balanced subset of MNIST in this folder from the full database.

    make_subset.py SOURCE [TARGET]

SOURCE holds the four original IDX files (.gz or plain). The first 600 training and the first 100
test images of each class are kept, in their original order. The output is deterministic: the gzip
headers hold neither a time nor a name (another zlib implementation may compress differently, but
the uncompressed bytes are always the same).
"""
import gzip
import hashlib
import io
import os
import struct
import sys

SPLITS = {"train": 600, "t10k": 100}
CLASSES = 10
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def read(folder, name):
    path = os.path.join(folder, name)
    if os.path.exists(path):
        with open(path, "rb") as file:
            data = file.read()
    else:
        with gzip.open(path + ".gz", "rb") as file:
            data = file.read()
    if hashlib.sha256(data).hexdigest() != SHA256[name]:
        sys.exit(f"{path}: not the original MNIST file (SHA-256 differs)")
    return data


def write(folder, name, data):
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=packed, mtime=0) as file:
        file.write(data)
    with open(os.path.join(folder, name + ".gz"), "wb") as file:
        file.write(packed.getvalue())


def make_split(source, target, split, per_class):
    images = read(source, f"{split}-images-idx3-ubyte")
    labels = read(source, f"{split}-labels-idx1-ubyte")
    _, count, rows, cols = struct.unpack(">4I", images[:16])
    size = rows * cols
    taken = [0] * CLASSES
    chosen = []
    for i in range(count):
        label = labels[8 + i]
        if taken[label] < per_class:
            taken[label] += 1
            chosen.append(i)
    if taken != [per_class] * CLASSES:
        sys.exit(f"{split}: a class has fewer than {per_class} images")
    pixels = b"".join(images[16 + i * size : 16 + (i + 1) * size] for i in chosen)
    header = struct.pack(">4I", 0x803, len(chosen), rows, cols)
    write(target, f"{split}-images-idx3-ubyte", header + pixels)
    kept = bytes(labels[8 + i] for i in chosen)
    write(target, f"{split}-labels-idx1-ubyte", struct.pack(">2I", 0x801, len(chosen)) + kept)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__.strip())
    here = os.path.dirname(os.path.abspath(__file__))
    target = sys.argv[2] if len(sys.argv) == 3 else here
    os.makedirs(target, exist_ok=True)
    for split, per_class in SPLITS.items():
        make_split(sys.argv[1], target, split, per_class)


if __name__ == "__main__":
    main()

"""Golden set 3: the reference program for 200 steps.

MLP 784-128-10 with ReLU, inputs (x/255-0.5)/0.5, mean cross-entropy, SGD lr 0.01 momentum 0.9, batch
128 with the short last batch kept, on the MNIST subset of tests/data. Initial weights and batch
order come from integer arithmetic that tests/test_reference.c repeats, so neither is stored.
"""
import gzip
import os
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F

from goldens_file import hash32

STEPS, BATCH, PER_CLASS = 200, 128, 600
HERE = os.path.dirname(os.path.abspath(__file__))
SUBSET = os.path.join(HERE, "..", "data", "mnist-subset")

# name, shape, first counter of its numbers, bound (the float32 nearest to 1/sqrt(fan_in))
WEIGHTS = (("fc1.weight", (128, 784), 0x10000000, 1 / 28), ("fc1.bias", (128,), 0x20000000, 1 / 28),
           ("fc2.weight", (10, 128), 0x30000000, 128 ** -0.5),
           ("fc2.bias", (10,), 0x40000000, 128 ** -0.5))
# Of 60 orders the one whose hidden layer stays farthest from the kink of ReLU: no input to it comes
# closer to 0 than 2.9e-6. Within rounding (some 1e-6) two right implementations may fall on different
# sides, and from there on their losses differ by 1e-3.
ORDER, SAMPLE = 0x50300000, 0x60000000
SAMPLES = 2000


def idx(path):
    with gzip.open(path, "rb") as f:
        raw = f.read()
    dims = struct.unpack(">%dI" % raw[3], raw[4:4 + 4 * raw[3]])
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(dims)


def load():
    """The subset; where it is not there, the same selection from $CLADE_DATA_DIR."""
    folder, whole = SUBSET, False
    if not os.path.exists(os.path.join(folder, "train-images-idx3-ubyte.gz")):
        folder, whole = os.environ.get("CLADE_DATA_DIR"), True
        if folder is None:
            sys.exit("reference_goldens: no %s; set CLADE_DATA_DIR to the MNIST files" % SUBSET)
    images = idx(os.path.join(folder, "train-images-idx3-ubyte.gz"))
    labels = idx(os.path.join(folder, "train-labels-idx1-ubyte.gz"))
    if whole:
        keep = np.sort(np.concatenate([np.flatnonzero(labels == c)[:PER_CLASS] for c in range(10)]))
        images, labels = images[keep], labels[keep]
    assert images.shape == (10 * PER_CLASS, 28, 28), images.shape
    return images.reshape(-1, 784), labels


def initial(shape, first, bound):
    """k * bound / 2^23 with k in -2^23 .. 2^23-1: exact in double, rounded once to float32."""
    k = (hash32(np.arange(np.prod(shape)) + first) >> np.uint64(8)).astype(np.float64) - 2.0 ** 23
    return (k * (float(np.float32(bound)) / 2.0 ** 23)).astype(np.float32).reshape(shape)


def batches(count):
    """Fisher-Yates over all images, anew each epoch, cut into batches."""
    counter = ORDER
    while True:
        order = np.arange(count)
        draws = hash32(np.arange(count - 1) + counter)
        counter += count - 1
        for i, draw in zip(range(count - 1, 0, -1), draws):
            j = int(draw) % (i + 1)
            order[i], order[j] = order[j], order[i]
        for begin in range(0, count, BATCH):
            yield order[begin:begin + BATCH]


def train(dtype):
    images, labels = load()
    images = (torch.tensor(images).to(dtype) / 255 - 0.5) / 0.5
    labels = torch.tensor(labels).long()
    w = {name: torch.tensor(initial(shape, first, bound)).to(dtype).requires_grad_()
         for name, shape, first, bound in WEIGHTS}
    optimizer = torch.optim.SGD(list(w.values()), lr=0.01, momentum=0.9)
    losses = []
    for _, batch in zip(range(STEPS), batches(len(labels))):
        x, y = images[batch], labels[batch]
        hidden = F.relu(F.linear(x, w["fc1.weight"], w["fc1.bias"]))
        loss = F.cross_entropy(F.linear(hidden, w["fc2.weight"], w["fc2.bias"]), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses, np.float64), {name: x.detach().numpy() for name, x in w.items()}


def make():
    """losses [200]; the small weights whole; of fc1.weight 2,000 entries and each row's norm."""
    losses, w = train(torch.float32)
    fc1 = w["fc1.weight"]
    where = (hash32(np.arange(SAMPLES) + SAMPLE) % np.uint64(fc1.size)).astype(np.int64)
    return {"losses": losses.astype(np.float32), "fc1.bias": w["fc1.bias"],
            "fc2.weight": w["fc2.weight"], "fc2.bias": w["fc2.bias"],
            "fc1.weight.sample": fc1.reshape(-1)[where],
            "fc1.weight.row_norms": np.linalg.norm(fc1.astype(np.float64), axis=1)}

#!/usr/bin/env python3
"""Looks into the files of tests/test_mnist_tool.sh, and makes its pictures. Exits 1 when wrong."""
import gzip
import json
import math
import re
import struct
import sys
import zlib

TRAIN_KEYS = ["device", "platform", "dataset", "train_images", "test_images", "epochs",
              "test_accuracy", "us_per_step_median", "images_per_second", "steps",
              "peak_rss_bytes", "clade_version"]
EPOCH_KEYS = ["train_loss", "test_loss", "test_accuracy", "seconds"]


def read_json(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def train_json(path, epochs, steps):
    """All keys and no other, in order; plausible values."""
    o = read_json(path)
    assert list(o) == TRAIN_KEYS, list(o)
    assert all(o[k] and isinstance(o[k], str) for k in ("device", "platform", "dataset"))
    assert (o["train_images"], o["test_images"]) == (6000, 1000), o
    for e in o["epochs"]:
        assert list(e) == EPOCH_KEYS, e
        assert 0 < e["train_loss"] < 3 and 0 < e["test_loss"] < 3 and e["seconds"] > 0, e
        assert 10 < e["test_accuracy"] <= 100, e
    if epochs != "any":
        assert len(o["epochs"]) == int(epochs) and o["steps"] == int(steps), o
        assert o["test_accuracy"] == o["epochs"][-1]["test_accuracy"], o
        assert o["epochs"][0]["train_loss"] > o["epochs"][-1]["train_loss"], o
    assert o["steps"] > 0 and o["us_per_step_median"] > 0 and o["images_per_second"] > 0, o
    assert o["peak_rss_bytes"] > 1000000 and o["clade_version"].count(".") == 2, o


def weights(path, *sizes):
    """Names and shapes of a chain of layers."""
    sizes = [int(s) for s in sizes]
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
    header.pop("__metadata__", None)
    want = {}
    for i, (n, m) in enumerate(zip(sizes, sizes[1:]), 1):
        want["fc%d.weight" % i] = [m, n]
        want["fc%d.bias" % i] = [m]
    assert {k: v["shape"] for k, v in header.items()} == want, header
    assert all(v["dtype"] == "F32" for v in header.values()), header


def cnn_weights(path):
    """Names and shapes of a cnn's layers, and what the file says it is."""
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
    assert header.pop("__metadata__") == {"format": "pt", "model": "cnn", "picture": "28x28"}
    assert {k: v["shape"] for k, v in header.items()} == {
        "conv1.weight": [32, 1, 3, 3], "conv1.bias": [32],
        "conv2.weight": [64, 32, 3, 3], "conv2.bias": [64],
        "fc1.weight": [128, 3136], "fc1.bias": [128],
        "fc2.weight": [10, 128], "fc2.bias": [10]}, header


def same_test(train, evaluated):
    a, b = read_json(train), read_json(evaluated)
    assert a["test_accuracy"] == b["test_accuracy"], (a, b)
    assert a["epochs"][-1]["test_loss"] == b["test_loss"], (a, b)


def accuracy_above(path, percent):
    assert read_json(path)["test_accuracy"] > float(percent), read_json(path)


def write_png(path, rows):
    """An 8-bit grey PNG."""
    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data +
                struct.pack(">I", zlib.crc32(kind + data)))
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) +
                chunk(b"IDAT", zlib.compress(b"".join(b"\0" + bytes(r) for r in rows))) +
                chunk(b"IEND", b""))


def png(images, index, folder):
    """One digit as it is, four times as large, with margins left and right, dark on light."""
    with gzip.open(images, "rb") as f:
        f.seek(16 + 784 * int(index))
        data = f.read(784)
    rows = [list(data[i:i + 28]) for i in range(0, 784, 28)]
    large = [[v for v in r for _ in range(4)] for r in rows for _ in range(4)]
    write_png(folder + "/plain.png", rows)
    write_png(folder + "/large.png", large)
    write_png(folder + "/wide.png", [[0] + r + [0] for r in rows])
    write_png(folder + "/inverted.png", [[255 - v for v in r] for r in large])


def read_idx(path):
    """Images as rows of (x/255-0.5)/0.5, or labels."""
    with open(path, "rb") as f:
        raw = f.read()
    if raw[3] == 1:
        return list(raw[8:])
    return [[(v / 255 - 0.5) / 0.5 for v in raw[i:i + 784]] for i in range(16, len(raw), 784)]


def read_weights(path):
    """Every array as a list of rows; a bias is one row."""
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = f.read()
    header.pop("__metadata__", None)
    arrays = {}
    for name, a in header.items():
        count = (a["data_offsets"][1] - a["data_offsets"][0]) // 4
        flat = struct.unpack("<%d%s" % (count, {"F32": "f", "I32": "i"}[a["dtype"]]),
                             data[slice(*a["data_offsets"])])
        n = a["shape"][-1]
        arrays[name] = [list(flat[i:i + n]) for i in range(0, len(flat), n)]
    return arrays


def affine(x, w, prefix):
    return [sum(a * b for a, b in zip(x, row)) + bias
            for row, bias in zip(w[prefix + ".weight"], w[prefix + ".bias"][0])]


def forward(x, w):
    """Hidden values and probabilities."""
    hidden = [max(v, 0) for v in affine(x, w, "fc1")]
    logits = affine(hidden, w, "fc2")
    powers = [math.exp(v - max(logits)) for v in logits]
    return hidden, [p / sum(powers) for p in powers]


def mean_loss(images, labels, w):
    return sum(-math.log(forward(x, w)[1][y]) for x, y in zip(images, labels)) / len(labels)


def gradients(images, labels, w, smoothing=0):
    g = {name: [[0.0] * len(row) for row in a] for name, a in w.items()}
    for x, y in zip(images, labels):
        hidden, p = forward(x, w)
        back = [(v - (1 - smoothing) * (c == y) - smoothing / len(p)) / len(labels)
                for c, v in enumerate(p)]
        through = [sum(b * row[k] for b, row in zip(back, w["fc2.weight"])) * (h > 0)
                   for k, h in enumerate(hidden)]
        for prefix, inputs, outputs in (("fc2", hidden, back), ("fc1", x, through)):
            for k, b in enumerate(outputs):
                g[prefix + ".bias"][0][k] += b
                row = g[prefix + ".weight"][k]
                for i, v in enumerate(inputs):
                    row[i] += b * v
    return g


def sgd(w, g, state, t, lr, momentum, decay):
    """One element's update: PyTorch's SGD."""
    g += decay * w
    state["v"] = g if t == 1 else momentum * state["v"] + g
    return w - lr * state["v"]


def adam(w, g, state, t, lr, decoupled, decay):
    """PyTorch's Adam and, decoupled, AdamW."""
    if decoupled:
        w *= 1 - lr * decay
    else:
        g += decay * w
    state["m"] = 0.9 * state.get("m", 0) + 0.1 * g
    state["v"] = 0.999 * state.get("v", 0) + 0.001 * g * g
    root = math.sqrt(state["v"] / (1 - 0.999 ** t))
    return w - lr * state["m"] / (1 - 0.9 ** t) / (root + 1e-8)


def rate(schedule, lr, t, steps):
    """Of step t of so many, from 0, where each is an epoch."""
    return {"none": lr, "step": lr * 0.7 ** t,
            "cosine": lr * (1 + math.cos(math.pi * t / steps)) / 2}[schedule]


def trained(before, after, folder, steps, optimizer, lr, momentum, decay, schedule="none", ema="0",
            smoothing="0"):
    """`after` is `before` after so many steps of PyTorch's optimizer, each on all images; or the
    average of the weights after each."""
    images = read_idx(folder + "/train-images-idx3-ubyte")
    labels = read_idx(folder + "/train-labels-idx1-ubyte")
    w, got = read_weights(before), read_weights(after)
    update = sgd if optimizer == "sgd" else adam
    how = float(momentum) if optimizer == "sgd" else optimizer == "adamw"
    average, share = None, float(ema)
    states = {name: [[{} for _ in row] for row in rows] for name, rows in w.items()}
    for t in range(1, int(steps) + 1):
        g = gradients(images, labels, w, float(smoothing))
        for name in w:
            for w_row, g_row, s_row in zip(w[name], g[name], states[name]):
                w_row[:] = [update(a, b, s, t, rate(schedule, float(lr), t - 1, int(steps)), how,
                                   float(decay)) for a, b, s in zip(w_row, g_row, s_row)]
        average = {name: [[share * e + (1 - share) * v for e, v in zip(*rows)]
                          for rows in zip((average or w)[name], w[name])] for name in w}
    worst = max(abs(a - b) for name in w for rows in zip(average[name], got[name])
                for a, b in zip(*rows))
    assert worst < 1e-5, worst


def losses(weights_file, folder, report):
    """Losses per image of a run that did not change the weights."""
    w, o = read_weights(weights_file), read_json(report)
    for key, half in (("train_loss", "train"), ("test_loss", "t10k")):
        want = mean_loss(read_idx(folder + "/%s-images-idx3-ubyte" % half),
                         read_idx(folder + "/%s-labels-idx1-ubyte" % half), w)
        got = o["epochs"][0][key]
        assert abs(got - want) < 1e-5, (key, got, want)


def initial(path):
    """U(-1/sqrt(inputs), 1/sqrt(inputs)) for weights and biases."""
    w = read_weights(path)
    for name, a in w.items():
        inputs = len(w[name.split(".")[0] + ".weight"][0])
        values = [v * math.sqrt(inputs) for row in a for v in row]
        assert all(-1 <= v <= 1 for v in values), name
        if len(values) > 1000:
            assert min(values) < -0.99 and max(values) > 0.99, name
            assert abs(sum(v * v for v in values) / len(values) - 1 / 3) < 0.03, name


def seed_arrays(path, seed):
    """The arrays of one seed in tests/goldens/seed.safetensors or its like, less their prefix."""
    prefix = seed + "."
    return {name[len(prefix):]: a for name, a in read_weights(path).items()
            if name.startswith(prefix)}


def seeded_weights(path, goldens, seed):
    """Bit for bit."""
    want, got = seed_arrays(goldens, seed), read_weights(path)
    want.pop("order")
    assert got.keys() == want.keys() and got, (list(got), list(want))
    for name, rows in want.items():
        for i, (a, b) in enumerate(zip(rows, got[name])):
            assert a == b, "%s differs from row %d on: %s, not %s" % (name, i, b[:4], a[:4])
        assert len(rows) == len(got[name]), name


def seeded_order(path, goldens, seed, folder, printed):
    """The losses printed, one image a step, are those of PyTorch's order."""
    w = read_weights(path)
    images = read_idx(folder + "/train-images-idx3-ubyte")
    labels = read_idx(folder + "/train-labels-idx1-ubyte")
    loss = [mean_loss([x], [y], w) for x, y in zip(images, labels)]
    want = [loss[i] for order in seed_arrays(goldens, seed)["order"] for i in order]
    with open(printed, encoding="utf-8") as f:
        got = [float(v) for v in re.findall(r"^\[\d+, +\d+\] loss: ([\d.]+)$", f.read(), re.MULTILINE)]
    assert len(got) == len(want) > len(loss), (len(got), len(want))
    assert all(abs(a - b) < 0.001 for a, b in zip(got, want)), (got, want)


def predicted(weights_file, images, index, printed):
    """The probabilities that predict printed."""
    _, want = forward(read_idx(images)[int(index)], read_weights(weights_file))
    with open(printed, encoding="utf-8") as f:
        got = [float(p) for p in re.findall(r"^  \d +([\d.]+) %", f.read(), re.MULTILINE)]
    assert len(got) == 10 and all(abs(a - 100 * b) < 0.01 for a, b in zip(got, want)), (got, want)


COMMANDS = {"train-json": train_json, "weights": weights, "cnn-weights": cnn_weights,
            "same-test": same_test,
            "accuracy-above": accuracy_above, "png": png, "trained": trained, "losses": losses,
            "initial": initial, "seeded-weights": seeded_weights, "seeded-order": seeded_order,
            "predicted": predicted}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])

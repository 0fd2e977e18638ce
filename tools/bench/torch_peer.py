#!/usr/bin/env python3
"""PyTorch's side of `clade bench`: torch_peer.py THREADS IMAGES [DATA_FOLDER]

Started by clade in each thread setting (THREADS 0: torch's default). Says "torch VERSION", then for
each line "WORK COUNT" on standard input repeats the work and answers with the seconds it took;
between lines it waits. Ends with its input.
    train BATCH SIZE...     one step of a network of these layers: SGD, learning rate 0.01,
                            momentum 0.9
    cnn BATCH SIZE...       one step of two convolutions, 1-32-64 of 3x3, each with ReLU and 2x2
                            pooling, before layers of these sizes: Adam
    infer BATCH SIZE...     its forward pass
    gpt BATCH CONTEXT WIDTH LAYERS HEADS SYMBOLS
                            one step of a character-level GPT on random symbols: AdamW
    gemm BATCH M N K TA TB  a matrix product
Images are those of DATA_FOLDER, or random ones; they lie in memory as normalised floats.
"""
import gzip
import os
import struct
import sys
import time

try:
    import torch
except ImportError:
    sys.exit(1)

def read_idx(folder, name):
    path = os.path.join(folder, name)
    opener = open if os.path.exists(path) else gzip.open
    with opener(path if opener is open else path + ".gz", "rb") as file:
        raw = file.read()
    dims = struct.unpack(f">{raw[3]}I", raw[4:4 + 4 * raw[3]])
    return torch.frombuffer(bytearray(raw[4 + 4 * raw[3]:]), dtype=torch.uint8).reshape(dims)


class Data:
    def __init__(self, count, folder):
        if folder:
            images = read_idx(folder, "train-images-idx3-ubyte").flatten(1)
            self.labels = read_idx(folder, "train-labels-idx1-ubyte").long()
        else:
            images = torch.randint(0, 256, (count, 784), dtype=torch.uint8)
            self.labels = torch.randint(0, 10, (count,))
        self.images = (images.float() / 255 - 0.5) / 0.5
        self.order = torch.randperm(len(images))


def network(sizes):
    layers = []
    for inner, outer in zip(sizes, sizes[1:]):
        layers += [torch.nn.Linear(inner, outer), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def convolutions():
    layers = [torch.nn.Unflatten(1, (1, 28, 28))]
    for inner, outer in (1, 32), (32, 64):
        layers += [torch.nn.Conv2d(inner, outer, 3, padding=1), torch.nn.ReLU(),
                   torch.nn.MaxPool2d(2)]
    return torch.nn.Sequential(*layers, torch.nn.Flatten())


def training(data, batch, sizes, cnn=False):
    net = network(sizes)
    loss_of = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    if cnn:
        net = torch.nn.Sequential(convolutions(), net)
        optimizer = torch.optim.Adam(net.parameters())
    steps = len(data.images) // batch

    def work(i):
        which = data.order[i % steps * batch:][:batch]
        optimizer.zero_grad()
        loss = loss_of(net(data.images[which]), data.labels[which])
        loss.backward()
        optimizer.step()

    return work


def inference(data, batch, sizes):
    net = network(sizes).eval()
    batches = len(data.images) // batch

    def work(i):
        with torch.no_grad():
            net(data.images[i % batches * batch:][:batch])

    return work


class Block(torch.nn.Module):
    """GPT's: a product for q, k and v together, and masked scores added in the first product."""

    def __init__(self, context, width, heads):
        super().__init__()
        self.norm1, self.norm2 = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
        self.project, self.out = torch.nn.Linear(width, 3 * width), torch.nn.Linear(width, width)
        self.inner = torch.nn.Linear(width, 4 * width)
        self.outer = torch.nn.Linear(4 * width, width)
        self.heads = heads
        self.mask = torch.full((context, context), float("-inf")).triu(1)

    def attend(self, x):
        batch, context, width = x.shape
        q, k, v = (y.reshape(batch, context, self.heads, -1).transpose(1, 2).reshape(
            batch * self.heads, context, -1) for y in self.project(x).chunk(3, 2))
        scores = torch.baddbmm(self.mask, q, k.transpose(1, 2), alpha=q.shape[-1] ** -0.5)
        y = torch.bmm(torch.softmax(scores, -1), v).reshape(batch, self.heads, context, -1)
        return self.out(y.transpose(1, 2).reshape(x.shape))

    def forward(self, x):
        x = x + self.attend(self.norm1(x))
        return x + self.outer(torch.nn.functional.gelu(self.inner(self.norm2(x))))


def language(batch, context, width, layers, heads, symbols):
    symbol, place = torch.nn.Embedding(symbols, width), torch.nn.Embedding(context, width)
    net = torch.nn.Sequential(*(Block(context, width, heads) for _ in range(layers)),
                              torch.nn.LayerNorm(width), torch.nn.Linear(width, symbols))
    parameters = [p for module in (symbol, place, net) for p in module.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3)
    text = torch.randint(0, symbols, (1 << 16,))
    steps = torch.arange(context)

    def work(_):
        at = torch.randint(0, len(text) - context, (batch, 1)) + steps
        optimizer.zero_grad()
        logits = net(symbol(text[at]) + place.weight)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), text[at + 1].flatten())
        loss.backward()
        optimizer.step()

    return work


def product(batch, m, n, k, transpose_a, transpose_b):
    a = torch.rand(batch, k, m).transpose(1, 2) if transpose_a else torch.rand(batch, m, k)
    b = torch.rand(batch, n, k).transpose(1, 2) if transpose_b else torch.rand(batch, k, n)
    if batch == 1:
        a, b = a[0], b[0]
    c = a @ b

    def work(_):
        torch.matmul(a, b, out=c)

    return work


def main():
    threads, count = int(sys.argv[1]), int(sys.argv[2])
    if threads:
        torch.set_num_threads(threads)
    print("torch", torch.__version__, flush=True)
    work = None  # a process repeats one kind
    for line in sys.stdin:
        kind, *numbers, repeat = line.split()
        numbers = [int(x) for x in numbers]
        if not work and kind == "gemm":
            work = product(*numbers)
        elif not work and kind == "gpt":
            work = language(*numbers)
        elif not work:
            data = Data(count, sys.argv[3] if len(sys.argv) > 3 else None)
            if kind == "infer":
                work = inference(data, numbers[0], numbers[1:])
            else:
                work = training(data, numbers[0], numbers[1:], kind == "cnn")
        start = time.perf_counter()
        for i in range(int(repeat)):
            work(i)
        print(time.perf_counter() - start, flush=True)


main()

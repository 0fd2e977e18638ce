#!/usr/bin/env python3
"""tools/examples/char_transformer.c in PyTorch: char_transformer_peer.py TEXT START [OPTION VALUE]...

The same model from the same weights (START, written by --start), on the same pieces of the text, with
the same options and the same lines on standard output.
    char_transformer_peer.py --compare OURS THEIRS
compares the last losses of two such outputs: exit 1 where they differ by more than 2 %.
"""
import math
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "goldens"))

DEFAULTS = {"steps": 1000, "batch": 16, "context": 128, "width": 128, "layers": 4, "heads": 4,
            "rate": 1000, "warmup": 100, "seed": 1, "sample": 500}


def make_model(torch, s, symbols):
    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            nn = torch.nn
            self.symbol, self.place = nn.Embedding(symbols, s["width"]), nn.Embedding(s["context"],
                                                                                      s["width"])
            self.blocks = nn.ModuleList(
                nn.TransformerEncoderLayer(s["width"], s["heads"], 4 * s["width"], dropout=0,
                                           activation="gelu", batch_first=True, norm_first=True)
                for _ in range(s["layers"]))
            self.norm, self.head = nn.LayerNorm(s["width"]), nn.Linear(s["width"], symbols)
            self.hidden = torch.ones(s["context"], s["context"], dtype=torch.bool).triu(1)

        def forward(self, x):
            x = self.symbol(x) + self.place.weight
            for block in self.blocks:
                x = block(x, src_mask=self.hidden)
            return self.head(self.norm(x))

    return Model()


def learning_rate(step, total, warmup, base, least):
    if step < warmup:
        return base * (step + 1) / warmup
    part = min(1, (step - warmup) / (total - warmup)) if total > warmup else 1
    return least + (base - least) * (1 + math.cos(math.pi * part)) / 2


def starts(s, length):
    state = s["seed"]
    while True:
        piece = []
        for _ in range(s["batch"]):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            piece.append((state >> 33) % (length - s["context"]))
        yield piece


def main(path, start, s):
    import torch

    from goldens_file import decode
    with open(path, "rb") as f:
        raw = f.read()
    alphabet = sorted(set(raw))
    place = torch.zeros(256, dtype=torch.long)
    place[alphabet] = torch.arange(len(alphabet))
    text = place[torch.frombuffer(bytearray(raw), dtype=torch.uint8).long()]
    model = make_model(torch, s, len(alphabet))
    with open(start, "rb") as f:
        weights = decode(f.read())
    model.load_state_dict({name: torch.tensor(array) for name, array in weights.items()})
    top = s["rate"] * 1e-6
    optimizer = torch.optim.AdamW(model.parameters(), lr=top, betas=(0.9, 0.99), weight_decay=0.1)
    every, total, reported = max(1, s["steps"] // 10), 0.0, 0
    for step, piece in zip(range(s["steps"]), starts(s, len(raw))):
        optimizer.param_groups[0]["lr"] = learning_rate(step, s["steps"], s["warmup"], top, top / 10)
        at = torch.tensor(piece)[:, None] + torch.arange(s["context"])
        optimizer.zero_grad()
        logits = model(text[at])
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), text[at + 1].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1)
        optimizer.step()
        total += loss.item()
        if (step + 1) % every == 0 or step + 1 == s["steps"]:
            print("step %d: loss %.4f" % (step + 1, total / (step + 1 - reported)), flush=True)
            total, reported = 0.0, step + 1


def last_loss(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return float(re.findall(r"^step \d+: loss ([0-9.]+)$", f.read(), re.M)[-1])


if __name__ == "__main__":
    if sys.argv[1] == "--compare":
        ours, theirs = last_loss(sys.argv[2]), last_loss(sys.argv[3])
        print("loss %.4f, PyTorch's %.4f: %+.2f %%" % (ours, theirs, 100 * (ours / theirs - 1)))
        sys.exit(abs(ours / theirs - 1) > 0.02)
    settings = dict(DEFAULTS)
    for option, value in zip(sys.argv[3::2], sys.argv[4::2]):
        settings[option[2:]] = int(value)
    main(sys.argv[1], sys.argv[2], settings)

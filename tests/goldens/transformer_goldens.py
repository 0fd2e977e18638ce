"""Golden set: PyTorch's TransformerEncoderLayer and MultiheadAttention, batch first.

NAME/...: weights under PyTorch's names, the inputs x (and memory), the result y, up, the gradient
that arrives at it, and grad/x, grad/memory, grad/WEIGHT.
"""
import torch

from golden_case import upstream
from goldens_file import numbers

ROWS, PLACES, KEYS, WIDTH, HEADS, HIDDEN = 2, 5, 7, 8, 2, 6


def drawn(shape, seed):
    return torch.tensor(numbers(tuple(shape), seed, -1, 1).astype("float32"))


def record(module, inputs, run):
    for i, parameter in enumerate(module.parameters()):
        parameter.data = drawn(parameter.shape, 100 + i)
    for x in inputs.values():
        x.requires_grad_()
    y = run(module)
    up = upstream(y)
    y.backward(up)
    leaves = {**inputs, **dict(module.named_parameters())}
    return {"y": y, "up": up, **leaves, **{"grad/" + k: leaf.grad for k, leaf in leaves.items()}}


def block(causal, **settings):
    module = torch.nn.TransformerEncoderLayer(WIDTH, HEADS, HIDDEN, dropout=0, batch_first=True,
                                              **settings)
    x = drawn((ROWS, PLACES, WIDTH), 1)
    hidden = torch.ones(PLACES, PLACES, dtype=torch.bool).triu(1) if causal else None
    return record(module, {"x": x}, lambda m: m(x, src_mask=hidden))


def cross():
    module = torch.nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
    x, memory = drawn((ROWS, PLACES, WIDTH), 1), drawn((ROWS, KEYS, WIDTH), 2)
    return record(module, {"x": x, "memory": memory}, lambda m: m(x, memory, memory)[0])


def make():
    sets = {"block": block(False), "block_pre": block(True, norm_first=True, activation="gelu"),
            "cross": cross()}
    return {"%s/%s" % (name, key): tensor.detach().contiguous().numpy()
            for name, arrays in sets.items() for key, tensor in arrays.items()}

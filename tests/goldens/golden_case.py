"""One golden case of an op: inputs, the result and the gradients, from PyTorch.

A case NAME is stored as NAME/in0, NAME/in1 ..., NAME/out and, where gradients are compared, NAME/up
(the gradient that arrives at the output) and NAME/grad0 ... for each float input. The row of that
name in ../golden_rows.inc builds the same expression from Clade's ops.
"""
import numpy as np
import torch

from goldens_file import numbers

INF, NAN = float("inf"), float("nan")
F32, F64, I32, U8 = torch.float32, torch.float64, torch.int32, torch.uint8

cases = {}


def t(values, dtype=F32):
    return torch.tensor(values, dtype=dtype)


def v(*shape, seed=1, low=-2.0, high=2.0, dtype=F32):
    return torch.tensor(numbers(shape, seed, low, high)).to(dtype)


def upstream(out):
    """Multiples of 1/16, never 0, of both signs."""
    k = torch.arange(out.numel(), dtype=F64) * 37 + 11
    return ((torch.fmod(k, 22) - 11 + 0.5) / 8).reshape(out.shape).to(out.dtype)


def case(name, fn, *inputs, grad=True):
    """grad: whether gradients are compared, or of how many inputs at most."""
    assert name not in cases, name
    most = len(inputs) if grad is True else int(grad)
    leaves = [x.clone().requires_grad_(i < most and x.is_floating_point())
              for i, x in enumerate(inputs)]
    out = fn(*leaves)
    arrays = {"in%d" % i: x for i, x in enumerate(inputs)}
    arrays["out"] = out.detach()
    if out.requires_grad:
        arrays["up"] = upstream(out)
        out.backward(arrays["up"])
        for i, x in enumerate(leaves):
            if x.requires_grad:
                arrays["grad%d" % i] = x.grad
    # ascontiguousarray would turn a scalar into one dimension
    cases[name] = {k: np.array(x.numpy(), order="C") for k, x in arrays.items()}

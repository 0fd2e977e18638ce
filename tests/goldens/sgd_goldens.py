"""Golden set 2: 20 steps of torch.optim.SGD with given gradients.

NAME/weights [20,10] and NAME_f64/weights: the weights after each step; start [10] and grads [20,10]
are common to all.
"""
import torch

from goldens_file import numbers

STEPS, COUNT = 20, 10
SETTINGS = {
    "plain": dict(lr=0.1),
    "momentum": dict(lr=0.05, momentum=0.9),
    "dampening": dict(lr=0.05, momentum=0.9, dampening=0.3),
    "nesterov": dict(lr=0.05, momentum=0.9, nesterov=True),
    "weight_decay": dict(lr=0.1, weight_decay=0.02),
    "momentum_decay": dict(lr=0.05, momentum=0.8, weight_decay=0.02),
    "nesterov_decay": dict(lr=0.05, momentum=0.8, weight_decay=0.02, nesterov=True),
    "all_but_nesterov": dict(lr=0.05, momentum=0.8, dampening=0.5, weight_decay=0.1),
    "zero_lr": dict(lr=0.0, momentum=0.9),
}


def run(start, grads, settings, dtype):
    weight = torch.tensor(start, dtype=dtype).requires_grad_()
    optimizer = torch.optim.SGD([weight], **settings)
    rows = []
    for grad in torch.tensor(grads, dtype=dtype):
        weight.grad = grad.clone()
        optimizer.step()
        rows.append(weight.detach().clone())
    return torch.stack(rows).numpy()


def make():
    start, grads = numbers((COUNT,), 1, -1, 1), numbers((STEPS, COUNT), 2, -2, 2)
    arrays = {"start": start.astype("float32"), "grads": grads.astype("float32")}
    for name, settings in SETTINGS.items():
        arrays[name + "/weights"] = run(start, grads, settings, torch.float32)
        arrays[name + "_f64/weights"] = run(start, grads, settings, torch.float64)
    return arrays

"""Golden set 2: 20 steps of the optimizers of torch.optim with given gradients, and its schedules.

NAME/weights [20,10] and NAME_f64/weights: the weights after each step; start [10] and grads [20,10]
are common to all. schedule/NAME [steps]: the learning rate of each step. PyTorch has no Lion: the
class below is its paper's algorithm (Chen et al. 2023, program 1).
"""
import numpy as np
import torch

from goldens_file import numbers

STEPS, COUNT = 20, 10


class Lion(torch.optim.Optimizer):
    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        group = self.param_groups[0]
        weight, (beta1, beta2) = group["params"][0], group["betas"]
        mean = self.state[weight].setdefault("mean", torch.zeros_like(weight))
        update = torch.sign(beta1 * mean + (1 - beta1) * weight.grad)
        weight -= group["lr"] * (update + group["weight_decay"] * weight)
        mean.mul_(beta2).add_(weight.grad, alpha=1 - beta2)


SGD, ADAM, ADAMW = torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW
RMSPROP, ADAGRAD = torch.optim.RMSprop, torch.optim.Adagrad
SETTINGS = {
    "plain": (SGD, dict(lr=0.1)),
    "momentum": (SGD, dict(lr=0.05, momentum=0.9)),
    "dampening": (SGD, dict(lr=0.05, momentum=0.9, dampening=0.3)),
    "nesterov": (SGD, dict(lr=0.05, momentum=0.9, nesterov=True)),
    "weight_decay": (SGD, dict(lr=0.1, weight_decay=0.02)),
    "momentum_decay": (SGD, dict(lr=0.05, momentum=0.8, weight_decay=0.02)),
    "nesterov_decay": (SGD, dict(lr=0.05, momentum=0.8, weight_decay=0.02, nesterov=True)),
    "all_but_nesterov": (SGD, dict(lr=0.05, momentum=0.8, dampening=0.5, weight_decay=0.1)),
    "zero_lr": (SGD, dict(lr=0.0, momentum=0.9)),
    "adam": (ADAM, dict(lr=0.05)),
    "adam_betas": (ADAM, dict(lr=0.05, betas=(0.5, 0.75), eps=0.125)),
    "adam_decay": (ADAM, dict(lr=0.05, weight_decay=0.25)),
    "adam_no_mean": (ADAM, dict(lr=0.05, betas=(0.0, 0.9))),
    "adamw": (ADAMW, dict(lr=0.05, weight_decay=0.25)),
    "adamw_no_decay": (ADAMW, dict(lr=0.05, weight_decay=0.0)),
    "rmsprop": (RMSPROP, dict(lr=0.02)),
    "rmsprop_centered": (RMSPROP, dict(lr=0.02, alpha=0.9, eps=0.01, centered=True)),
    "rmsprop_momentum": (RMSPROP, dict(lr=0.02, momentum=0.8, weight_decay=0.25)),
    "rmsprop_all": (RMSPROP, dict(lr=0.02, alpha=0.8, eps=0.01, momentum=0.8, weight_decay=0.25,
                                  centered=True)),
    "adagrad": (ADAGRAD, dict(lr=0.1)),
    "adagrad_all": (ADAGRAD, dict(lr=0.1, lr_decay=0.05, weight_decay=0.25, eps=0.01,
                                  initial_accumulator_value=0.5)),
    "lion": (Lion, dict(lr=0.02)),
    "lion_decay": (Lion, dict(lr=0.02, betas=(0.6, 0.8), weight_decay=0.25)),
}


def run(start, grads, kind, settings, dtype):
    weight = torch.tensor(start, dtype=dtype).requires_grad_()
    optimizer = kind([weight], **settings)
    rows = []
    for grad in torch.tensor(grads, dtype=dtype):
        weight.grad = grad.clone()
        optimizer.step()
        rows.append(weight.detach().clone())
    return torch.stack(rows).numpy()


def rates(base, steps, make_schedule):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=base)
    schedule, values = make_schedule(optimizer), []
    for _ in range(steps):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return np.array(values)


def warmed(optimizer):
    lr = torch.optim.lr_scheduler
    rising = lr.LinearLR(optimizer, start_factor=1 / 8, total_iters=7)
    falling = lr.CosineAnnealingLR(optimizer, T_max=22, eta_min=0.05)
    return lr.SequentialLR(optimizer, [rising, falling], [8])


def schedules():
    lr = torch.optim.lr_scheduler
    return {
        "step": rates(0.5, 20, lambda o: lr.StepLR(o, 6, 0.3)),
        "cosine": rates(0.5, 31, lambda o: lr.CosineAnnealingLR(o, 30, 0.05)),
        "warm_cosine": rates(0.5, 31, warmed),
        "one_cycle": rates(0.1, 29, lambda o: lr.OneCycleLR(o, 0.5, total_steps=30)),
        "one_cycle_all": rates(0.1, 29, lambda o: lr.OneCycleLR(
            o, 0.5, total_steps=30, pct_start=0.5, div_factor=10, final_div_factor=100)),
    }


def make():
    start, grads = numbers((COUNT,), 1, -1, 1), numbers((STEPS, COUNT), 2, -2, 2)
    arrays = {"start": start.astype("float32"), "grads": grads.astype("float32")}
    for name, (kind, settings) in SETTINGS.items():
        arrays[name + "/weights"] = run(start, grads, kind, settings, torch.float32)
        arrays[name + "_f64/weights"] = run(start, grads, kind, settings, torch.float64)
    for name, values in schedules().items():
        arrays["schedule/" + name] = values
    return arrays

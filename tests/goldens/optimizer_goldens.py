"""Golden set 2: 20 steps of the optimizers of torch.optim with given gradients, and its schedules.

NAME/weights [20,10] and NAME_f64/weights: the weights after each step; start [10] and grads [20,10]
are common to all. groups/NAME [20,10]: likewise, of the parameters a [2,2] and b [6] in two groups.
ema [20,10]: the average of the weights of "momentum". muon/NAME [20,MUON_COUNT]: MUON_SHAPES one
after the other. schedule/NAME [steps]: the learning rate of each step; plateau/metrics what it is
told. PyTorch has no Lion: the class below is its paper's algorithm (Chen et al. 2023, program 1).
PyTorch 1.13 has no Muon: the class below is torch.optim.Muon of 2.9, less its bfloat16.
"""
import math

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


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.95, weight_decay=0.0, nesterov=True, eps=1e-7,
                 ns_steps=5, match_adam=False):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay,
                                      nesterov=nesterov, eps=eps, ns_steps=ns_steps,
                                      match_adam=match_adam))

    @staticmethod
    def orthogonalised(grad, eps, steps):
        a, b, c = 3.4445, -4.7750, 2.0315
        x = grad.T if grad.size(0) > grad.size(1) else grad
        x = x / x.norm().clamp(min=eps)
        for _ in range(steps):
            gram = x @ x.T
            x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
        return x.T if grad.size(0) > grad.size(1) else x

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            lr, momentum = group["lr"], group["momentum"]
            for weight in group["params"]:
                mean = self.state[weight].setdefault("mean", torch.zeros_like(weight))
                mean.lerp_(weight.grad, 1 - momentum)
                update = weight.grad.lerp(mean, momentum) if group["nesterov"] else mean
                update = self.orthogonalised(update, group["eps"], group["ns_steps"])
                rows, columns = weight.shape
                stretch = (0.2 * math.sqrt(max(rows, columns)) if group["match_adam"]
                           else math.sqrt(max(1, rows / columns)))
                weight.mul_(1 - lr * group["weight_decay"]).add_(update, alpha=-lr * stretch)


MUON_SHAPES = [(4, 3), (3, 5), (2, 3), (4,)]  # the third is left to AdamW
MUON_COUNT = sum(math.prod(s) for s in MUON_SHAPES)
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


def groups(start, grads, kind, settings, factors):
    """factors: of the learning rate and the weight decay of a and of b."""
    a, b = (torch.tensor(part).requires_grad_() for part in (start[:4].reshape(2, 2), start[4:]))
    lr, decay = settings["lr"], settings["weight_decay"]
    optimizer = kind([dict(params=[p], lr=lr * x, weight_decay=decay * y)
                      for p, (x, y) in zip((a, b), factors)], **settings)
    rows = []
    for grad in torch.tensor(grads):
        a.grad, b.grad = grad[:4].reshape(2, 2).clone(), grad[4:].clone()
        optimizer.step()
        rows.append(torch.cat([a.detach().flatten(), b.detach()]))
    return torch.stack(rows).numpy()


def averages(rows, decay):
    model = torch.nn.Linear(COUNT, 1, bias=False)
    average = torch.optim.swa_utils.AveragedModel(
        model, avg_fn=lambda e, w, _: decay * e + (1 - decay) * w)
    out = []
    for row in rows:
        model.weight.data = torch.tensor(row).reshape(1, COUNT)
        average.update_parameters(model)
        out.append(average.module.weight.detach().flatten().clone())
    return torch.stack(out).numpy()


def muon(start, grads, settings, adam):
    def parts(flat):
        split = torch.tensor(flat).split([math.prod(s) for s in MUON_SHAPES])
        return [part.reshape(s).clone() for part, s in zip(split, MUON_SHAPES)]
    weights = [w.requires_grad_() for w in parts(start)]
    optimizers = [Muon(weights[:2], **settings), ADAMW(weights[2:], **adam)]
    rows = []
    for grad in grads:
        for weight, part in zip(weights, parts(grad)):
            weight.grad = part
        for optimizer in optimizers:
            optimizer.step()
        rows.append(torch.cat([w.detach().flatten() for w in weights]))
    return torch.stack(rows).numpy()


def muon_goldens():
    start = numbers((MUON_COUNT,), 3, -1, 1).astype("float32")
    grads = numbers((STEPS, MUON_COUNT), 4, -2, 2).astype("float32")
    return {
        "muon/start": start,
        "muon/grads": grads,
        "muon/default": muon(start, grads, dict(lr=0.02), dict(lr=0.02, weight_decay=0.0)),
        "muon/all": muon(start, grads,
                         dict(lr=0.05, momentum=0.8, weight_decay=0.25, nesterov=False, eps=0.5,
                              ns_steps=3, match_adam=True),
                         dict(lr=0.025, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.25)),
    }


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


def plateau(metrics, **settings):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    schedule, values = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **settings), []
    for metric in metrics:
        schedule.step(metric)
        values.append(optimizer.param_groups[0]["lr"])
    return np.array(values)


def plateaus():
    """Falls, rises, stays; -metrics is for the larger being better."""
    metrics = np.concatenate([np.linspace(4, 1, 5), np.ones(12), np.linspace(1, 1.5, 8),
                              np.linspace(0.99, 0.9, 10), np.full(5, np.nan), 0.9 - 1e-5 *
                              np.arange(20)])
    return {
        "plateau/metrics": metrics,
        "plateau/default": plateau(metrics),
        "plateau/relative": plateau(metrics, factor=0.5, patience=2, cooldown=3, threshold=0.02),
        "plateau/absolute": plateau(metrics, factor=0.5, patience=0, threshold=0.015,
                                    threshold_mode="abs", min_lr=0.01),
        "plateau/larger": plateau(-metrics, mode="max", factor=0.25, patience=3, threshold=0.02,
                                  threshold_mode="abs", eps=0.02),
    }


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
    arrays["groups/sgd"] = groups(start.astype("float32"), arrays["grads"], SGD,
                                  dict(lr=0.05, momentum=0.8, weight_decay=0.25),
                                  ((1, 0), (0.5, 2)))
    arrays["groups/adamw"] = groups(start.astype("float32"), arrays["grads"], ADAMW,
                                    dict(lr=0.05, weight_decay=0.25), ((1, 0), (0.5, 2)))
    arrays["ema"] = averages(arrays["momentum/weights"], 0.75)
    arrays.update(muon_goldens())
    arrays.update(plateaus())
    for name, values in schedules().items():
        arrays["schedule/" + name] = values
    return arrays

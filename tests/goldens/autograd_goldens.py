"""Golden set: gradients of gradients, in f64.

A small network, tanh, layer norm and cross-entropy. in/NAME: its input, parameters and the vector v;
input_grad: d loss / d x; penalty: mean over rows of (|d loss / d x| - 1)^2; of_penalty/NAME: the
gradients of loss + penalty; hessian_v: the product of loss's Hessian by w1 with v.
"""
import torch
import torch.nn.functional as F

from goldens_file import numbers

SHAPES = (("x", (4, 3)), ("w1", (5, 3)), ("b1", (5,)), ("scale", (5,)), ("shift", (5,)),
          ("w2", (2, 5)), ("v", (5, 3)))
PARAMETERS = ("w1", "b1", "scale", "shift", "w2")


def make():
    t = {name: torch.tensor(numbers(shape, 70 + i, -1.5, 1.5)).requires_grad_()
         for i, (name, shape) in enumerate(SHAPES)}
    hidden = torch.tanh(F.linear(t["x"], t["w1"], t["b1"]))
    hidden = F.layer_norm(hidden, (5,), t["scale"], t["shift"], 0.01)
    loss = F.cross_entropy(F.linear(hidden, t["w2"]), torch.tensor([0, 1, 1, 0]))
    by_x, by_w1 = torch.autograd.grad(loss, (t["x"], t["w1"]), create_graph=True)
    penalty = ((by_x.norm(dim=1) - 1) ** 2).mean()
    parameters = [t[name] for name in PARAMETERS]
    grads = torch.autograd.grad(loss + penalty, parameters, retain_graph=True)
    out = {"in/" + name: t[name] for name, _ in SHAPES}
    out.update({"of_penalty/" + name: g for name, g in zip(PARAMETERS, grads)})
    out["input_grad"], out["penalty"] = by_x, penalty
    out["hessian_v"] = torch.autograd.grad((by_w1 * t["v"].detach()).sum(), t["w1"])[0]
    return {name: value.detach().numpy() for name, value in out.items()}

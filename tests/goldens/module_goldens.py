"""Golden set 5: PyTorch's modules: outputs, and gradients by a loss that weighs every output.

recurrent/NAME/...: weights under PyTorch's names, x, h0, c0, output, h_n, c_n, and grad/x, grad/h0,
grad/c0, grad/WEIGHT. sequential/NAME/...: weights, x, output, grad/x (of floats), grad/WEIGHT.
"""
import torch

from goldens_file import numbers

STEPS, ROWS, INPUTS, HIDDEN = 4, 2, 3, 5
RECURRENT = {
    "rnn": (torch.nn.RNN, {}),
    "rnn_relu": (torch.nn.RNN, dict(nonlinearity="relu", num_layers=2)),
    "lstm": (torch.nn.LSTM, dict(num_layers=2, bidirectional=True)),
    "lstm_no_bias": (torch.nn.LSTM, dict(bias=False, batch_first=True)),
    "gru": (torch.nn.GRU, dict(num_layers=2, bidirectional=True, batch_first=True)),
    "gru_no_bias": (torch.nn.GRU, dict(bias=False)),
}


def drawn(shape, seed, low=-1, high=1):
    return torch.tensor(numbers(tuple(shape), seed, low, high).astype("float32"))


def weighed(outputs):
    """A scalar in which every element counts differently: weights from hash seed 900 + position."""
    return sum((out * drawn(out.shape, 900 + i)).sum() for i, out in enumerate(outputs))


def set_weights(module, seed):
    for i, parameter in enumerate(module.parameters()):
        parameter.data = drawn(parameter.shape, seed + i, -0.7, 0.7)


def recurrent(kind, settings):
    module = kind(INPUTS, HIDDEN, **settings)
    set_weights(module, 100)
    shape = (ROWS, STEPS, INPUTS) if settings.get("batch_first") else (STEPS, ROWS, INPUTS)
    states = settings.get("num_layers", 1) * (2 if settings.get("bidirectional") else 1)
    inputs = {"x": drawn(shape, 1)}
    for i, name in enumerate(("h0", "c0") if kind is torch.nn.LSTM else ("h0",)):
        inputs[name] = drawn((states, ROWS, HIDDEN), 2 + i)
    for tensor in inputs.values():
        tensor.requires_grad_()
    given = tuple(list(inputs.values())[1:])
    output, last = module(inputs["x"], given if kind is torch.nn.LSTM else given[0])
    last = last if kind is torch.nn.LSTM else (last,)
    weighed((output,) + last).backward()
    arrays = {"output": output, "h_n": last[0], **inputs, **dict(module.named_parameters())}
    if len(last) > 1:
        arrays["c_n"] = last[1]
    leaves = {**inputs, **dict(module.named_parameters())}
    arrays.update({"grad/" + name: leaf.grad for name, leaf in leaves.items()})
    return arrays


class Recurrent(torch.nn.LSTM):
    """Its output alone."""
    def forward(self, x):
        return super().forward(x)[0]


def networks():
    nn = torch.nn
    inner = nn.Sequential()
    inner.add_module("fc", nn.Linear(6, 4, bias=False))
    inner.add_module("act", nn.Tanh())
    return {
        "cnn": (nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1, stride=(1, 2)), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(16, 5)), drawn((3, 2, 4, 8), 1)),
        "text": (nn.Sequential(
            nn.Embedding(7, 6), nn.LayerNorm(6), Recurrent(6, 3, batch_first=True,
                                                           bidirectional=True),
            inner, nn.Flatten(), nn.Linear(20, 3)),
            torch.tensor([[0, 3, 6, 1, 3], [5, 5, 2, 0, 4]])),
    }


def sequential(module, x):
    set_weights(module, 200)
    if x.is_floating_point():
        x.requires_grad_()
    output = module(x)
    weighed([output]).backward()
    arrays = {"output": output, **dict(module.named_parameters())}
    arrays["x"] = x if x.is_floating_point() else x.to(torch.int32)
    for name, parameter in module.named_parameters():
        arrays["grad/" + name] = parameter.grad
    if x.grad is not None:
        arrays["grad/x"] = x.grad
    return arrays


def make():
    arrays = {}
    for name, (module, x) in networks().items():
        for key, tensor in sequential(module, x).items():
            arrays["sequential/%s/%s" % (name, key)] = tensor.detach().contiguous().numpy()
    for name, (kind, settings) in RECURRENT.items():
        for key, tensor in recurrent(kind, settings).items():
            arrays["recurrent/%s/%s" % (name, key)] = tensor.detach().contiguous().numpy()
    return arrays

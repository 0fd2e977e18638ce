"""Golden set 5: PyTorch's modules: outputs, and gradients by a loss that weighs every output.

recurrent/NAME/...: weights under PyTorch's names, x, h0, c0, output, h_n, c_n, and grad/x, grad/h0,
grad/c0, grad/WEIGHT.
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


def make():
    arrays = {}
    for name, (kind, settings) in RECURRENT.items():
        for key, tensor in recurrent(kind, settings).items():
            arrays["recurrent/%s/%s" % (name, key)] = tensor.detach().contiguous().numpy()
    return arrays

"""Golden cases of include/clade/attention.h."""
import torch

from golden_case import INF, U8, case, cases, t, v


def attention(q, k, v, mask=None, causal=False):
    """PyTorch 1.13 has it only inside its own modules."""
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    if causal:
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    if mask is not None and not mask.is_floating_point():
        mask = torch.zeros(mask.shape).masked_fill(mask == 0, -INF)
    return torch.softmax(scores if mask is None else scores + mask, -1) @ v


def attentions():
    qkv = v(2, 3, 4, low=-3), v(2, 5, 4, seed=2), v(2, 5, 3, seed=3)
    sees = t([[0, 1, 1, 0, 1], [1, 0, 0, 0, 0], [1, 1, 1, 1, 1]], U8)
    case("attention_plain", attention, *qkv)
    case("attention_heads", attention, *(v(2, 2, n, d, seed=n) for n, d in ((3, 4), (5, 4), (5, 3))))
    case("attention_f64", attention, *(x.double() for x in qkv))
    case("attention_causal", lambda *x: attention(*x, causal=True), *qkv)
    case("attention_boolean_mask", attention, *qkv, sees)
    added = v(3, 5, seed=4)
    case("attention_additive_mask", lambda q, k, w: attention(q, k, w, added), *qkv)
    cases["attention_additive_mask"]["in3"] = added.numpy()

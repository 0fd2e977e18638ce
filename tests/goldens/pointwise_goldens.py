"""Golden cases of include/clade/pointwise.h beyond the first ops."""
import torch
import torch.nn.functional as F

from golden_case import I32, INF, NAN, U8, case, t, v

# op: (function, low, high)
FUNCTIONS = {
    "sin": (torch.sin, -6, 6), "cos": (torch.cos, -6, 6), "tan": (torch.tan, -1.2, 1.2),
    "asin": (torch.asin, -0.9, 0.9), "acos": (torch.acos, -0.9, 0.9), "atan": (torch.atan, -4, 4),
    "sinh": (torch.sinh, -4, 4), "cosh": (torch.cosh, -4, 4), "erf": (torch.erf, -3, 3),
    "erfc": (torch.erfc, -2, 2), "exp2": (torch.exp2, -6, 6), "expm1": (torch.expm1, -3, 3),
    "log2": (torch.log2, 0.125, 9), "log10": (torch.log10, 0.125, 9),
    "log1p": (torch.log1p, -0.75, 9), "rsqrt": (torch.rsqrt, 0.125, 9),
    "reciprocal": (torch.reciprocal, 0.25, 4), "sign": (torch.sign, -2, 2),
    "floor": (torch.floor, -4, 4), "ceil": (torch.ceil, -4, 4), "round": (torch.round, -4, 4),
    "trunc": (torch.trunc, -4, 4), "selu": (F.selu, -4, 4), "mish": (F.mish, -6, 6),
    "softsign": (F.softsign, -4, 4), "logsigmoid": (F.logsigmoid, -9, 9),
    "hardsigmoid": (F.hardsigmoid, -5, 5), "hardswish": (F.hardswish, -5, 5),
    "elu": (lambda x: F.elu(x, 0.75), -4, 4), "celu": (lambda x: F.celu(x, 0.75), -4, 4),
    "hardtanh": (lambda x: F.hardtanh(x, -1, 2), -4, 4),
    "gelu_tanh": (lambda x: F.gelu(x, approximate="tanh"), -4, 4),
}
# At their kinks and ends, with gradients: what PyTorch decides there.
KINKS = {
    "sign": [-1, 0, -0.0, 1], "round": [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5],
    "selu": [0, -0.0], "elu": [0, -0.0], "celu": [0, -0.0], "hardtanh": [-1, 2, -1.5, 2.5, NAN],
    "hardsigmoid": [-3, 3, 0], "hardswish": [-3, 3, 0], "softsign": [0, 1e30, -1e30],
    "logsigmoid": [-100, 100, 0], "mish": [-100, 20, 0], "asin": [0, -0.0], "erf": [-20, 20, 0],
    "expm1": [1e-7, -1e-7], "log1p": [1e-7, -1e-7],
}
NO_INF = ("round", "floor", "ceil", "trunc", "hardswish", "gelu_tanh", "mish", "softsign")


def functions():
    for op, (fn, low, high) in FUNCTIONS.items():
        case(op, fn, v(3, 4, low=low, high=high))
        values = [0, NAN] if op in NO_INF else [INF, -INF, NAN, 0]
        case(op + "_special", fn, t(values), grad=False)
        if op in KINKS:
            case(op + "_kinks", fn, t(KINKS[op]))
    case("sign_i32", torch.sign, t([-7, 0, 3], I32))
    for op in ("isnan", "isinf", "isfinite"):
        case(op, lambda x, fn=getattr(torch, op): fn(x).to(U8), t([1, INF, -INF, NAN, -0.0, 3e38]))


def several():
    pair = v(2, 1, 3, low=-3, high=3), v(4, 1, seed=2, low=0.5, high=3)
    for op in ("atan2", "hypot", "fmod", "remainder"):
        case(op, getattr(torch, op), *pair)
    whole = t([5, -5, 5, -5, 6, -6, 0]), t([3, 3, -3, -3, 3, 3, 3])
    case("fmod_signs", torch.fmod, *whole)
    case("remainder_signs", torch.remainder, *whole)
    case("atan2_quadrants", torch.atan2, t([1, 1, -1, -1, 0]), t([1, -1, 1, -1, -1]))
    case("atan2_axes", torch.atan2, t([0, -0.0, 0, 1]), t([1, -1, -1, 0]), grad=False)
    for op in ("and", "or", "xor"):
        fn = lambda a, b, fn=getattr(torch, "logical_" + op): fn(a, b).to(U8)
        case("logical_" + op, fn, t([0, 1, NAN, -0.0]), t([[0], [2]]))
        case("logical_%s_u8" % op, fn, t([0, 1, 200], U8), t([[0], [2]], U8))
    case("logical_not", lambda x: torch.logical_not(x).to(U8), t([0, 1, NAN, -0.0]))
    case("masked_fill", lambda x, m: x.masked_fill(m.bool(), -1.5), v(2, 3), t([1, 0, 7], U8))
    case("masked_fill_nan", lambda x, m: x.masked_fill(m.bool(), -1.5), t([NAN, NAN, INF]),
         t([1, 0, 1], U8))
    case("lerp", torch.lerp, v(2, 3), v(3, seed=2), v(2, 1, seed=3, low=0, high=1))
    case("addcmul", lambda x, a, b: torch.addcmul(x, a, b, value=-0.5), v(2, 3), v(3, seed=2),
         v(2, 1, seed=3))
    case("addcdiv", lambda x, a, b: torch.addcdiv(x, a, b, value=-0.5), v(2, 3), v(3, seed=2),
         v(2, 1, seed=3, low=0.5))
    case("pointwise", lambda x, y: torch.where(x > 0, x * torch.tanh(F.softplus(x)) * y,
                                               torch.exp(x) - y), v(2, 3), v(3, seed=2))


def pointwise():
    functions()
    several()

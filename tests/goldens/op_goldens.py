"""Golden set 1: outputs and input gradients of the ops where conventions differ."""
import torch
import torch.nn.functional as F

import attention_goldens
import conv_goldens
import arrange_goldens
import loss_goldens
import norm_goldens
import pointwise_goldens
from golden_case import F32, F64, I32, INF, NAN, U8, case, cases, t, v

BROADCASTS = {
    "same": ((2, 3), (2, 3)), "row": ((2, 3), (3,)), "column": ((2, 3), (2, 1)),
    "both": ((2, 1, 3), (4, 1)), "scalar_left": ((), (2, 3)), "scalar_right": ((2, 3), ()),
    "ones": ((1, 1), (3,)), "scalars": ((), ()), "empty": ((0, 3), (1, 3)),
}
BINARY = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div,
          "pow": torch.pow, "maximum": torch.maximum, "minimum": torch.minimum}
COMPARE = {"eq": torch.eq, "ne": torch.ne, "lt": torch.lt, "le": torch.le, "gt": torch.gt,
           "ge": torch.ge}


def binary():
    for op, fn in BINARY.items():
        for kind in BROADCASTS if op in ("add", "mul") else ("both", "scalar_left", "column"):
            a, b = BROADCASTS[kind]
            low = 0.25 if op in ("pow", "div") else -2.0
            case("%s_%s" % (op, kind), fn, v(*a, seed=1, low=low), v(*b, seed=2, low=low))
    case("mul_f64", torch.mul, v(3, 2, dtype=F64), v(2, seed=2, dtype=F64))
    case("pow_f64", torch.pow, v(5, low=0.25, dtype=F64), v(5, seed=2, dtype=F64))
    case("add_i32", torch.add, t([1, -5, 2**30], I32), t([[2], [-3]], I32))
    case("sub_u8_wraps", torch.sub, t([1, 200], U8), t([2, 100], U8))
    case("mul_u8_wraps", torch.mul, t([16, 3], U8), t([17, 5], U8))
    case("maximum_i32", torch.maximum, t([-1, 5, 7], I32), t([3, 5, -9], I32))
    case("minimum_u8", torch.minimum, t([0, 255, 7], U8), t([3, 128, 7], U8))
    case("add_self", lambda x: x + x, v(2, 3))
    case("mul_self", lambda x: x * x, v(2, 3))
    case("div_special", torch.div, t([1, -1, 0, INF, NAN, INF, -0.0]), t([0, 0, 0, INF, 1, 0, 4]))
    base = t([0, 0, 0, -2, -2, -2, 4, 0, 0, 1, -1])
    exponent = t([0, 1, 2, 3, 2, 0.5, 0.5, -1, 0.5, 7, -3])
    case("pow_special", torch.pow, base, exponent)
    case("pow_nan", torch.pow, t([NAN, NAN, 1, INF, 0.5, 2, -INF]), t([0, 2, NAN, -1, INF, -INF, 3]),
         grad=False)
    ties = t([1, 2, -3, 0, 5, INF]), t([1, -2, -3, -0.0, 6, INF])
    nans = t([NAN, 1, NAN, INF]), t([1, NAN, NAN, NAN])
    for op in ("maximum", "minimum"):
        case(op + "_ties", BINARY[op], *ties)
        case(op + "_nan", BINARY[op], *nans)
    for op, fn in COMPARE.items():
        u8 = lambda a, b, fn=fn: fn(a, b).to(U8)
        case(op + "_f32", u8, t([1, 2, NAN, INF, -0.0]), t([[1], [2], [0], [NAN], [INF]]))
        case(op + "_i32", u8, t([-1, 5, 7], I32), t([3, 5, -9], I32))
        case(op + "_u8", u8, t([0, 200, 7], U8), t([3, 100, 7], U8))
    where = lambda c, a, b: torch.where(c.bool(), a, b)
    case("where_broadcast", where, t([[1], [0]], U8), v(3), v(2, 3, seed=2))
    case("where_scalars", where, t([1, 0, 7, 0], U8), t(2.0), t(3.0))
    case("where_nan", where, t([1, 0], U8), t([1, NAN]), t([NAN, 2]))
    case("where_i32", where, t([1, 0], U8), t([1, 2], I32), t([3, 4], I32))


def image():
    def sampled(x, theta):
        n, height, width = x.shape
        grid = F.affine_grid(theta, (n, 1, height, width), align_corners=False)
        pictures = x.to(theta.dtype).reshape(n, 1, height, width)
        return F.grid_sample(pictures, grid, align_corners=False).reshape(n, height, width)
    theta = v(3, 2, 3, seed=2, low=-1.25, high=1.25)
    case("affine_sample", sampled, v(3, 4, 5), theta, grad=False)
    case("affine_sample_u8", sampled, t([[[0, 255, 7], [9, 80, 200]]] * 3, U8), theta, grad=False)


WIDE = [-1e30, -200, -100, -88, -50, -20.5, -10, -3, -1e-4, -0.0, 0, 1e-4, 3, 10, 20, 20.5, 50, 88,
        100, 200, 1e30]
UNARY = {"neg": torch.neg, "abs": torch.abs, "exp": torch.exp, "log": torch.log, "sqrt": torch.sqrt,
         "square": torch.square, "relu": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh,
         "gelu": F.gelu, "silu": F.silu, "softplus": F.softplus}


def unary():
    for op, fn in UNARY.items():
        low = 0.125 if op in ("log", "sqrt") else -4.0
        case(op, fn, v(3, 4, low=low, high=4.0))
        wide = [x for x in WIDE if x > 0] if op in ("log", "sqrt") else WIDE
        case(op + "_wide", fn, t(wide))
        case(op + "_inf", fn, t([INF, -INF, NAN]), grad=False)
        case(op + "_scalar", fn, t(0.75))
        case(op + "_f64", fn, v(5, low=low, dtype=F64))
    for op in ("log", "sqrt"):
        case(op + "_at_zero", UNARY[op], t([0, -0.0, -1]))
    for op in ("abs", "relu"):
        case(op + "_nan_gradient", UNARY[op], t([NAN, 1, 0, -0.0]))
    for op in ("neg", "abs", "square"):
        case(op + "_i32", UNARY[op], t([-5, 0, 7], I32))
    case("neg_u8_wraps", torch.neg, t([0, 1, 255], U8))
    case("relu_transposed", lambda x: torch.relu(x.t()), v(3, 4))


POWERS = {"0": 0.0, "1": 1.0, "2": 2.0, "3": 3.0, "half": 0.5, "minus1": -1.0, "2half": 2.5}


def constants():
    x = t([-2, -0.5, 0, 0.5, 1, 3])
    case("add_scalar", lambda x: x + 2.5, v(2, 3))
    case("mul_scalar", lambda x: x * -1.5, v(2, 3))
    case("mul_scalar_zero", lambda x: x * 0.0, t([INF, 1, NAN, -3]))
    case("add_scalar_i32", lambda x: x + 3, t([-5, 0, 7], I32))
    case("mul_scalar_i32", lambda x: x * -2, t([-5, 0, 7], I32))
    case("add_scalar_u8", lambda x: x + 3, t([5, 0, 7], U8))
    for name, power in POWERS.items():
        case("pow_scalar_" + name, lambda x, p=power: torch.pow(x, p), x)
    case("clamp", lambda x: torch.clamp(x, -1, 2), t([-3, -1, -0.0, 0.5, 2, 2.5, INF, -INF, NAN]))
    case("clamp_crossed", lambda x: torch.clamp(x, 2, -1), t([-3, 0, 3]))
    case("clamp_i32", lambda x: torch.clamp(x, -1, 2), t([-5, -1, 0, 2, 7], I32))
    case("clamp_f64", lambda x: torch.clamp(x, -1, 2), t([-5, -1, 0, 2, 7], F64))
    case("leaky_relu", lambda x: F.leaky_relu(x, 0.1), t([-3, -0.0, 0, 2, INF, -INF]))
    case("leaky_relu_nan", lambda x: F.leaky_relu(x, 0.1), t([NAN, 1]), grad=False)
    case("cast_f32_i32", lambda x: x.to(I32), t([-1.9, 1.9, 2.5, -0.5, 1e9]), grad=False)
    case("cast_f32_u8", lambda x: x.to(U8), t([0, 1.9, 255, 254.6]), grad=False)
    case("cast_i32_f32", lambda x: x.to(F32), t([-5, 0, 2**24], I32))
    case("cast_u8_f32", lambda x: x.to(F32), t([0, 128, 255], U8))
    case("cast_u8_i32", lambda x: x.to(I32), t([0, 128, 255], U8))
    case("cast_f32_f64", lambda x: x.to(F64), v(2, 3))
    case("cast_f64_f32", lambda x: x.to(F32), v(2, 3, dtype=F64))
    case("cast_same", lambda x: x.to(F32), v(2, 3))


AXES = {"all": (None, False), "all_keep": (None, True), "0": ((0,), False), "1": ((1,), False),
        "last": ((-1,), False), "0_2": ((0, 2), False), "last_first_keep": ((-1, -3), True),
        "1_keep": ((1,), True), "every": ((0, 1, 2), False)}


def reduce(op, axes, keep):
    """One reduction as Clade means it; max and min are amax and amin, which share ties."""
    def run(x):
        dims = tuple(range(x.dim())) if axes is None else axes
        if op in ("max", "min"):
            return (torch.amax if op == "max" else torch.amin)(x, dims, keep)
        if op == "mean":
            return torch.mean(x, dims, keep)
        return torch.sum(x, dims, keep, dtype=x.dtype)
    return run


def reductions():
    for op in ("sum", "mean", "max", "min"):
        for name, (axes, keep) in AXES.items():
            case("%s_%s" % (op, name), reduce(op, axes, keep), v(2, 3, 4))
        case(op + "_scalar", reduce(op, None, False), t(0.75))
        case(op + "_size_one", reduce(op, (1,), False), v(3, 1, 2))
        case(op + "_inf", reduce(op, (1,), False), t([[-INF, -INF], [INF, INF], [1, INF]]),
             grad=False)
        case(op + "_nan", reduce(op, (1,), False), t([[1, NAN, 3], [NAN, NAN, -INF], [INF, 1, NAN]]),
             grad=False)
        case(op + "_empty_kept", reduce(op, (1,), False), v(0, 3))
        case(op + "_long", reduce(op, (-1,), False), v(2, 300))
        case(op + "_long_first", reduce(op, (0,), False), v(300, 2, seed=3))
        case(op + "_transposed", lambda x, f=reduce(op, (0,), False): f(x.t()), v(3, 5))
        case(op + "_f64", reduce(op, (0,), False), v(3, 4, dtype=F64))
    ties = t([[3, 1, 3, 3], [-1, -1, -1, -1], [0, -0.0, 1, 2]])
    for op in ("max", "min"):
        case(op + "_ties", reduce(op, (1,), False), ties)
        case(op + "_ties_all", reduce(op, None, False), ties)
        case(op + "_ties_inf", reduce(op, (1,), True), t([[INF, INF], [-INF, -INF]]))
        case(op + "_nan_gradient", reduce(op, (1,), False), t([[1, NAN, 3], [4, 5, 6]]))
        case(op + "_i32", reduce(op, (1,), False), t([[-7, -3, -5], [2**31 - 1, 0, -2**31]], I32))
        case(op + "_u8", reduce(op, None, False), t([[200, 3, 130]], U8))
    for op in ("sum", "mean"):
        case(op + "_empty", reduce(op, None, False), v(0, 3))
        case(op + "_empty_0", reduce(op, (0,), False), v(0, 3))
        case(op + "_empty_0_keep", reduce(op, (0,), True), v(0, 3))
    case("sum_i32_wraps", reduce("sum", (1,), False), t([[2**31 - 1, 1, 5], [1, -2, 3]], I32))
    case("sum_u8_wraps", reduce("sum", None, False), t([200, 100, 3], U8))
    argmax = lambda axis, keep=False: lambda x: torch.argmax(x, axis, keep).to(I32)
    case("argmax_0", argmax(0), v(3, 4))
    case("argmax_last", argmax(-1), v(2, 3, 4))
    case("argmax_1_keep", argmax(1, True), v(2, 3, 4))
    case("argmax_ties", argmax(1), t([[1, 3, 3], [2, 2, 2], [-INF, -INF, -INF], [0, -0.0, -1]]))
    case("argmax_nan", argmax(1), t([[1, NAN, 3], [NAN, INF, NAN], [INF, 5, NAN]]))
    case("argmax_i32", argmax(0), t([-7, -3, -3, -5], I32))
    case("argmax_u8", argmax(0), t([7, 200, 130, 200], U8))
    case("argmax_long", argmax(1), v(2, 300))
    case("argmax_transposed", lambda x: argmax(1)(x.t()), v(3, 4))
    norm = lambda p, axis=None, keep=False: lambda x: torch.linalg.vector_norm(x, p, axis, keep)
    case("norm_2", norm(2, 1), v(3, 4))
    case("norm_2_all", norm(2), v(3, 4))
    case("norm_2_zero", norm(2, 1, True), t([[0, 0, 0], [3, 0, 4]]))
    case("norm_1", norm(1, 0), v(3, 4))
    case("norm_3", norm(3, 1), v(3, 4))
    case("norm_inf", norm(INF, 1, True), v(3, 4))


def matrices():
    mm = torch.matmul
    case("matmul_2d", mm, v(3, 4), v(4, 2, seed=2))
    case("matmul_row_column", mm, v(1, 5), v(5, 1, seed=2))
    case("matmul_outer", mm, v(3, 1), v(1, 4, seed=2))
    case("matmul_odd", mm, v(13, 17), v(17, 9, seed=2))
    case("matmul_batched", mm, v(2, 3, 4), v(2, 4, 2, seed=2))
    case("matmul_broadcast_batch", mm, v(2, 1, 3, 4), v(3, 4, 2, seed=2))
    case("matmul_broadcast_left", mm, v(3, 4), v(2, 4, 2, seed=2))
    case("matmul_broadcast_right", mm, v(2, 3, 4), v(4, 2, seed=2))
    case("matmul_a_transposed", lambda a, b: mm(a.t(), b), v(4, 3), v(4, 2, seed=2))
    case("matmul_b_transposed", lambda a, b: mm(a, b.t()), v(3, 4), v(2, 4, seed=2))
    case("matmul_both_transposed", lambda a, b: mm(a.t(), b.t()), v(4, 3), v(2, 4, seed=2))
    case("matmul_batch_transposed", lambda a, b: mm(a, b.transpose(-1, -2)), v(2, 3, 4),
         v(2, 5, 4, seed=2))
    case("matmul_sliced", lambda a, b: mm(a[:, 1:5], b[::2]), v(3, 6), v(8, 2, seed=2))
    case("matmul_expanded", lambda a, b: mm(a.expand(3, 4), b), v(1, 4), v(4, 2, seed=2))
    case("matmul_self", lambda x: mm(x, x.t()), v(3, 4))
    case("matmul_inner_empty", mm, v(2, 0), v(0, 3))
    case("matmul_rows_empty", mm, v(0, 3), v(3, 2))
    case("matmul_batch_empty", mm, v(0, 2, 3), v(3, 2))
    case("matmul_nan_inf", mm, t([[1, NAN], [0, 2]]), t([[INF, 1], [1, 1]]), grad=False)
    case("matmul_f64", mm, v(3, 4, dtype=F64), v(4, 2, seed=2, dtype=F64))
    case("linear_2d", F.linear, v(5, 4), v(3, 4, seed=2), v(3, seed=3))
    case("linear_3d", F.linear, v(2, 3, 4), v(3, 4, seed=2), v(3, seed=3))
    case("linear_1d", F.linear, v(4), v(3, 4, seed=2), v(3, seed=3))
    case("linear_transposed", lambda x, w, b: F.linear(x.t(), w.t(), b), v(4, 5), v(4, 3, seed=2),
         v(3, seed=3))
    case("linear_empty", F.linear, v(0, 4), v(3, 4, seed=2), v(3, seed=3))
    case("linear_one_row", F.linear, v(1, 4), v(3, 4, seed=2), v(3, seed=3))
    case("linear_f64", F.linear, v(5, 4, dtype=F64), v(3, 4, seed=2, dtype=F64),
         v(3, seed=3, dtype=F64))
    case("linear_no_bias_2d", F.linear, v(5, 4), v(3, 4, seed=2))
    case("linear_no_bias_3d", F.linear, v(2, 3, 4), v(3, 4, seed=2))


SLICES = {"step": (1, 1, 6, 2), "negative": (-1, -3, -1, 1), "clipped": (0, -100, 100, 1),
          "empty": (1, 4, 2, 1), "past_end": (1, 2, 100, 4), "before": (0, -9, -5, 1)}


def python_slice(axis, start, stop, step):
    def run(x):
        where = [slice(None)] * x.dim()
        where[axis] = slice(start, stop, step)
        return x[tuple(where)]
    return run


def views():
    case("reshape_infer", lambda x: x.reshape(4, -1), v(2, 6))
    case("reshape_copy", lambda x: x.t().reshape(2, 6), v(4, 3))
    case("reshape_to_scalar", lambda x: x.reshape(()), v(1, 1))
    case("reshape_empty", lambda x: x.reshape(3, 0, 2), v(0, 4))
    case("reshape_u8", lambda x: x.t().reshape(6), t([[1, 2, 3], [4, 5, 6]], U8))
    case("permute", lambda x: x.permute(2, 0, 1), v(2, 3, 4))
    case("transpose", lambda x: x.transpose(-1, 0), v(2, 3, 4))
    case("transpose_i32", lambda x: x.transpose(0, 1), t([[1, 2, 3], [4, 5, 6]], I32))
    for name, args in SLICES.items():
        case("slice_" + name, python_slice(*args), v(4, 7))
    case("slice_of_slice", lambda x: x[:, 1:7:2][:, 1:3], v(2, 7))
    case("expand", lambda x: x.expand(2, 3, 4), v(3, 1))
    case("expand_keep", lambda x: x.expand(2, -1, 3), v(4, 1))
    case("expand_scalar", lambda x: x.expand(2, 2), t(1.5))
    case("expand_to_empty", lambda x: x.expand(0, 3), v(1, 3))
    case("contiguous", lambda x: x.t().contiguous(), v(3, 4))
    case("concat_0", lambda *x: torch.cat(x, 0), v(1, 3), v(2, 3, seed=2), v(3, 3, seed=3))
    case("concat_last", lambda *x: torch.cat(x, -1), v(2, 1), v(2, 3, seed=2))
    case("concat_one", lambda *x: torch.cat(x, 0), v(2, 3))
    case("concat_empty", lambda *x: torch.cat(x, 0), v(2, 3), v(0, 3), v(1, 3, seed=2))
    case("concat_same_twice", lambda x: torch.cat([x, x], 1), v(2, 3))
    case("concat_transposed", lambda a, b: torch.cat([a.t(), b], 1), v(3, 2), v(2, 2, seed=2))
    case("concat_u8", lambda *x: torch.cat(x, 0), t([1, 2], U8), t([3], U8))
    case("chain_views", lambda x: x.permute(2, 0, 1)[1:4:2].reshape(-1, 3) * x[:1, :, 1],
         v(2, 3, 4))


def index():
    select = lambda axis: lambda x, i: torch.index_select(x, axis, i)
    case("index_select_repeated", select(0), v(4, 3), t([2, 0, 2, 2, 3], I32))
    case("index_select_1", select(1), v(2, 4, 3), t([3, 3, 0], I32))
    case("index_select_last", select(-1), v(3, 4), t([1, 1], I32))
    case("index_select_1d", select(0), v(5), t([4, 4, 0], I32))
    case("index_select_none", select(0), v(4, 3), t([], I32))
    case("index_select_transposed", lambda x, i: torch.index_select(x.t(), 0, i), v(3, 4),
         t([3, 1, 3], I32))
    case("index_select_u8", select(0), t([[1, 2], [3, 4], [250, 6]], U8), t([2, 2, 0], I32))
    case("index_select_i32", select(0), t([7, 8, 9], I32), t([2, 0], I32))
    case("index_select_f64", select(0), v(4, 3, dtype=F64), t([2, 0, 2], I32))
    gather = lambda axis: lambda x, i: torch.gather(x, axis, i.long())
    case("gather_0", gather(0), v(4, 3), t([[0, 3, 1], [0, 2, 1]], I32))
    case("gather_1", gather(1), v(2, 4), t([[3, 3, 0, 3, 1], [2, 0, 1, 1, 1]], I32))
    case("gather_last", gather(-1), v(2, 2, 3), t([[[0], [2]], [[1], [1]]], I32))
    case("gather_1d", gather(0), v(5), t([4, 4, 0], I32))
    case("gather_transposed", lambda x, i: torch.gather(x.t(), 1, i.long()), v(4, 2),
         t([[3, 3], [0, 1]], I32))
    case("gather_i32", gather(1), t([[1, 2, 3]], I32), t([[2, 2]], I32))


def softmaxes():
    for op, fn in (("softmax", torch.softmax), ("log_softmax", torch.log_softmax)):
        along = lambda axis, fn=fn: lambda x: fn(x, axis)
        for axis, name in ((0, "first"), (1, "middle"), (-1, "last")):
            case("%s_%s" % (op, name), along(axis), v(2, 3, 4))
        case(op + "_large", along(1), t([[1e4, 1e4 - 1, 0], [-1e4, -1e4 + 2, -1e4], [3e38, 0, -3e38]]))
        case(op + "_minus_inf", along(1), t([[-INF, 0, 1], [0, -INF, -INF]]))
        case(op + "_not_finite", along(1), t([[-INF, -INF], [INF, 0], [NAN, 1]]), grad=False)
        case(op + "_one", along(1), v(3, 1))
        case(op + "_1d", along(0), v(5))
        case(op + "_long", along(-1), v(2, 300, low=-8, high=8))
        case(op + "_empty", along(1), v(0, 3))
        case(op + "_transposed", lambda x, f=fn: f(x.t(), 1), v(3, 4))
        case(op + "_f64", along(0), v(3, 4, dtype=F64))


def rms_norm(x, weight=None, dims=1, eps=1e-5):
    """PyTorch 1.13 has none."""
    y = x * torch.rsqrt(x.square().mean(tuple(range(-dims, 0)), keepdim=True) + eps)
    return y if weight is None else y * weight


def norms():
    whole = lambda x, w, b: F.layer_norm(x, w.shape, w, b)
    plain = lambda x: F.layer_norm(x, x.shape[-1:])
    case("layer_norm_2d", whole, v(3, 5), v(5, seed=2), v(5, seed=3))
    case("layer_norm_3d", whole, v(2, 3, 4), v(4, seed=2), v(4, seed=3))
    case("layer_norm_1d", whole, v(6), v(6, seed=2), v(6, seed=3))
    case("layer_norm_long", whole, v(2, 300), v(300, seed=2), v(300, seed=3))
    case("layer_norm_many_rows", whole, v(300, 3), v(3, seed=2), v(3, seed=3))
    case("layer_norm_no_rows", whole, v(0, 3), v(3, seed=2), v(3, seed=3))
    case("layer_norm_f64", whole, *(v(*shape, seed=i, dtype=F64)
                                    for i, shape in enumerate(((3, 5), (5,), (5,)))))
    case("layer_norm_over_2", whole, v(3, 2, 4), v(2, 4, seed=2), v(2, 4, seed=3))
    case("layer_norm_weight", lambda x, w: F.layer_norm(x, w.shape, w), v(3, 5), v(5, seed=2))
    case("layer_norm_bias", lambda x, b: F.layer_norm(x, b.shape, None, b), v(3, 5), v(5, seed=2))
    case("layer_norm_plain", plain, v(3, 20))
    case("layer_norm_constant_rows", plain, t([[2, 2, 2], [0, 0, 0], [-0.5, -0.5, -0.5]]))
    case("layer_norm_not_finite", plain, t([[1, NAN, 3], [INF, 1, 2], [1, 2, 4]]))
    case("layer_norm_eps", lambda x: F.layer_norm(x, x.shape[-1:], eps=0.5), v(3, 5))
    case("layer_norm_transposed", lambda x, w, b: whole(x.t(), w, b), v(4, 3), v(4, seed=2),
         v(4, seed=3))
    case("rms_norm_2d", rms_norm, v(3, 5), v(5, seed=2))
    case("rms_norm_long", rms_norm, v(2, 300), v(300, seed=2))
    case("rms_norm_f64", rms_norm, v(3, 5, dtype=F64), v(5, seed=2, dtype=F64))
    case("rms_norm_over_2", lambda x, w: rms_norm(x, w, 2), v(3, 2, 4), v(2, 4, seed=2))
    case("rms_norm_plain", rms_norm, v(3, 20))
    case("rms_norm_not_finite", rms_norm, t([[1, NAN, 3], [0, 0, 0], [1, 2, 4]]))


def make():
    for group in (binary, unary, constants, reductions, matrices, views, index, norms, softmaxes,
                  image,
                  arrange_goldens.arrangements, loss_goldens.losses,
                  pointwise_goldens.pointwise,
                  attention_goldens.attentions, norm_goldens.channel_norms, conv_goldens.convolutional):
        group()
    return {"%s/%s" % (name, part): array
            for name, parts in cases.items() for part, array in parts.items()}

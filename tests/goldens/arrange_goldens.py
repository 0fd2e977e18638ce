"""Golden cases of include/clade/arrange.h, and of arange and linspace."""
import torch
import torch.nn.functional as F

from golden_case import F32, F64, I32, INF, NAN, U8, case, t, v


def moving():
    case("pad_constant", lambda x: F.pad(x, (1, 2, 0, 3), value=0.5), v(2, 3, 4))
    case("pad_reflect", lambda x: F.pad(x, (2, 1), mode="reflect"), v(2, 3, 4))
    case("pad_replicate", lambda x: F.pad(x, (3, 1), mode="replicate"), v(2, 3, 4))
    case("pad_reflect_2d", lambda x: F.pad(x, (1, 2, 2, 1), mode="reflect"), v(1, 2, 3, 4))
    case("pad_u8", lambda x: F.pad(x, (1, 0), value=7), t([[1, 2], [3, 4]], U8))
    case("flip_0_2", lambda x: x.flip(0, 2), v(2, 3, 4))
    case("flip_transposed", lambda x: x.t().flip(1), v(3, 4))
    case("roll_1", lambda x: torch.roll(x, 2, 1), v(2, 3, 4))
    case("roll_back", lambda x: torch.roll(x, -1, 0), v(3, 4))
    for axis in (0, 1, -1):
        case("stack_%s" % ("last" if axis < 0 else axis), lambda a, b, i=axis: torch.stack([a, b], i),
             v(2, 3), v(2, 3, seed=2))
    case("repeat_more", lambda x: x.repeat(2, 1, 3), v(2, 3))
    case("repeat_same", lambda x: x.repeat(2, 2), v(2, 3))
    case("tril_0", torch.tril, v(3, 4))
    case("tril_above", lambda x: torch.tril(x, 1), v(2, 3, 3))
    case("triu_below", lambda x: torch.triu(x, -1), v(4, 3))
    case("split_2", lambda x: x.split(2, 1)[2] * x.split(2, 1)[0][:, :1], v(2, 5))
    case("chunk_1", lambda x: x.chunk(3, 0)[1], v(7, 2))


def places():
    index = t([[1, 0, 3], [3, 3, 1]], I32)
    case("embedding", lambda w, i: F.embedding(i, w), v(4, 3), index)
    case("embedding_padding", lambda w, i: F.embedding(i, w, padding_idx=3), v(4, 3), index)
    case("one_hot", lambda i: F.one_hot(i.long(), 5).to(F32), index)
    case("index_add_0", lambda x, i, s: x.index_add(0, i, s), v(3, 2), t([2, 0, 2, 2], I32),
         v(4, 2, seed=2))
    case("index_add_last", lambda x, i, s: x.index_add(-1, i, s), v(2, 3), t([1, 1], I32),
         v(2, 2, seed=2))
    case("scatter_add_1", lambda x, i, s: x.scatter_add(1, i.long(), s), v(2, 4), index,
         v(2, 3, seed=2))
    case("scatter_add_i32", lambda x, i, s: x.scatter_add(1, i.long(), s), t([[1, 2, 3, 4]], I32),
         t([[3, 0, 3]], I32), t([[10, 20, 30]], I32))


def ramps():
    one = t(0.0)
    case("arange_down", lambda x: torch.arange(2, -3, -1.5) + x, one)
    case("arange_i32", lambda x: torch.arange(1, 9, 3, dtype=I32) + x, t(0, I32))
    case("arange_f64", lambda x: torch.arange(0, 1, 0.1, dtype=F64) + x, t(0.0, F64))
    case("linspace_7", lambda x: torch.linspace(-1, 0.7, 7) + x, one)


def order():
    ties = t([[3, 1, 3, NAN, -INF, 1], [0, -0.0, INF, NAN, NAN, 2]])
    argsort = lambda down: lambda x: torch.sort(x, dim=-1, descending=down, stable=True)[1].to(I32)
    case("argsort_up", argsort(False), ties)
    case("argsort_down", argsort(True), ties)
    case("argsort_i32", argsort(False), t([5, -2**31, 2**31 - 1, 5, 0], I32))
    case("sort_0", lambda x: torch.sort(x, 0)[0], v(5, 3))
    case("sort_transposed", lambda x: torch.sort(x.t(), 1, descending=True)[0], v(5, 3))
    case("topk_2", lambda x: torch.topk(x, 2, 1)[0], v(3, 6))
    case("topk_2_places", lambda x: torch.topk(x, 2, 1)[1].to(I32), v(3, 6))
    case("topk_smallest", lambda x: torch.topk(x, 3, 0, largest=False)[0], v(6, 2))
    case("cumsum_0", lambda x: torch.cumsum(x, 0), v(4, 3))
    case("cumsum_last", lambda x: torch.cumsum(x, -1), v(2, 70))
    case("cumsum_u8_wraps", lambda x: torch.cumsum(x, 0).to(U8), t([200, 100, 3], U8))
    case("searchsorted", lambda a, x: torch.searchsorted(a, x, right=True).to(I32),
         t([[1, 2, 2, 5], [-1, 0, 0, 0]]), t([[2, 0, 9], [0, -1, -2]]), grad=False)


def reductions():
    case("prod_1", lambda x: x.prod(1), v(3, 4))
    case("prod_all", lambda x: x.prod(), v(2, 3))
    case("prod_zeros", lambda x: x.prod(1), t([[2, 0, 3], [0, 5, 0], [1, 2, 4]]))
    case("prod_i32", lambda x: x.prod(0).to(I32), t([[2, 3], [-4, 5]], I32))
    for correction in (0, 1):
        case("var_%d" % correction, lambda x, c=correction: torch.var(x, 1, correction=c), v(3, 4))
        case("std_%d" % correction,
             lambda x, c=correction: torch.std(x, (0, 2), correction=c, keepdim=True), v(2, 3, 4))
    case("std_constant", lambda x: torch.std(x, 1), t([[2, 2, 2], [1, 2, 3]]))
    case("var_of_one", lambda x: torch.var(x, 1), v(3, 1), grad=False)
    case("logsumexp_1", lambda x: torch.logsumexp(x, 1), v(3, 4))
    case("logsumexp_large", lambda x: torch.logsumexp(x, 1),
         t([[100, 100, 0], [-100, -100, -100], [-INF, 0, 1]]))
    case("logsumexp_not_finite", lambda x: torch.logsumexp(x, 1),
         t([[INF, 1], [-INF, -INF], [NAN, 1]]), grad=False)
    case("any_1", lambda x: (x != 0).any(1).to(U8), t([[0, 0], [NAN, 0], [-0.0, 3]]), grad=False)
    case("all_1", lambda x: (x != 0).all(1).to(U8), t([[1, 0], [NAN, 2], [-0.0, 3]]), grad=False)
    argmin = lambda axis: lambda x: torch.argmin(x, axis).to(I32)
    case("argmin_ties", argmin(1), t([[3, 1, 1], [2, 2, 2], [INF, INF, INF], [0, -0.0, 1]]))
    case("argmin_nan", argmin(1), t([[1, NAN, 3], [NAN, -INF, NAN]]))
    case("argmin_i32", argmin(0), t([7, -2**31, 5, -2**31], I32))
    case("argmin_u8", argmin(0), t([7, 200, 0, 0], U8))


def arrangements():
    for group in (moving, places, ramps, order, reductions):
        group()

"""Golden cases of include/clade/loss.h."""
import torch
import torch.nn.functional as F

from golden_case import F64, I32, INF, case, t, v


def pairs_and_classes():
    labels = t([0, 2, 1, 2, 2], I32)
    ignored = t([0, -100, 1, -100, 2], I32)
    none_left = t([-100] * 5, I32)
    for reduction in ("mean", "sum", "none"):
        ce = lambda x, y, r=reduction, **k: F.cross_entropy(x, y.long(), reduction=r, **k)
        name = "cross_entropy_" + reduction
        case(name, ce, v(5, 3), labels)
        case(name + "_ignore", ce, v(5, 3), ignored)
        case(name + "_ignore_class", lambda x, y, f=ce: f(x, y, ignore_index=2), v(5, 3), labels)
        case(name + "_all_ignored", ce, v(5, 3), none_left)
        case(name + "_no_rows", ce, v(0, 3), t([], I32))
        mse = lambda a, b, r=reduction: F.mse_loss(a, b, reduction=r)
        case("mse_loss_" + reduction, mse, v(2, 3), v(2, 3, seed=2))
        case("mse_loss_%s_empty" % reduction, mse, v(0, 3), v(0, 3))
        case("mse_loss_%s_transposed" % reduction, lambda a, b, f=mse: f(a.t(), b), v(3, 2),
             v(2, 3, seed=2))
    ce = lambda x, y: F.cross_entropy(x, y.long())
    case("cross_entropy_large", ce, t([[1e4, 0, -1e4], [0, 1e4, 1e4 - 3]]), t([1, 2], I32))
    case("cross_entropy_one_class", ce, v(3, 1), t([0, 0, 0], I32))
    case("cross_entropy_wide", ce, v(3, 300), t([0, 299, 150], I32))
    case("cross_entropy_transposed", lambda x, y: ce(x.t(), y), v(3, 5), labels)
    case("cross_entropy_f64", ce, v(5, 3, dtype=F64), labels)
    case("mse_loss_f64", F.mse_loss, v(4, dtype=F64), v(4, seed=2, dtype=F64))


LABELS = ([0, 2, 1, 2, 2], [0, -100, 1, -100, 2])
CLASS_WEIGHTS = [0.5, 2.0, 1.25]


def class_forms():
    """Weights, smoothing, soft targets."""
    weight = lambda dtype=torch.float32: torch.tensor(CLASS_WEIGHTS, dtype=dtype)
    for reduction in ("mean", "sum", "none"):
        for smoothing in (0, 0.1):
            def entropy(x, y, w=None, r=reduction, s=smoothing):
                return F.cross_entropy(x, y.long(), w if w is None else w.detach(), reduction=r,
                                       label_smoothing=s)
            name = "cross_entropy_%s%s" % (reduction, "_smoothed" if smoothing else "")
            case(name + "_weighted", entropy, v(5, 3), t(LABELS[0], I32), weight(), grad=1)
            case(name + "_weighted_ignore", entropy, v(5, 3), t(LABELS[1], I32), weight(), grad=1)
            if smoothing:
                case(name, entropy, v(5, 3), t(LABELS[0], I32))
                case(name + "_ignore", entropy, v(5, 3), t(LABELS[1], I32))
        nll = lambda x, y, w=None, r=reduction: F.nll_loss(x, y.long(), w, reduction=r)
        case("nll_loss_" + reduction, nll, v(5, 3), t(LABELS[0], I32))
        case("nll_loss_%s_weighted_ignore" % reduction, nll, v(5, 3), t(LABELS[1], I32), weight(),
             grad=1)
        soft = lambda x, y, r=reduction: F.cross_entropy(x, y, reduction=r)
        case("cross_entropy_soft_" + reduction, soft, v(5, 3), v(5, 3, seed=2, low=0, high=1))
    case("cross_entropy_soft_smoothed_weighted",
         lambda x, y, w: F.cross_entropy(x, y, w.detach(), label_smoothing=0.2), v(5, 3),
         v(5, 3, seed=2, low=0, high=1), weight(), grad=2)
    case("cross_entropy_weighted_f64",
         lambda x, y, w: F.cross_entropy(x, y.long(), w, label_smoothing=0.1),
         v(5, 3, dtype=F64), t(LABELS[0], I32), weight(F64), grad=1)


def pair_forms():
    unit = dict(low=0.0, high=1.0)
    for reduction in ("mean", "sum", "none"):
        r = dict(reduction=reduction)
        case("l1_loss_" + reduction, lambda a, b, r=r: F.l1_loss(a, b, **r), v(2, 3),
             v(2, 3, seed=2))
        case("smooth_l1_loss_" + reduction, lambda a, b, r=r: F.smooth_l1_loss(a, b, beta=0.5, **r),
             v(2, 3), v(2, 3, seed=2))
        case("huber_loss_" + reduction, lambda a, b, r=r: F.huber_loss(a, b, delta=1.5, **r),
             v(2, 3), v(2, 3, seed=2))
        bce = lambda x, y, r=r: F.binary_cross_entropy_with_logits(x, y, **r)
        case("bce_" + reduction, bce, v(2, 3), v(2, 3, seed=2, **unit))
        kl = lambda x, y, r=r: F.kl_div(x, y, **r)
        case("kl_div_" + reduction, kl, v(2, 3, high=0), v(2, 3, seed=2, low=0.25, high=1))
    case("l1_loss_equal", F.l1_loss, t([1, 2, INF]), t([1, 3, 4]))
    case("smooth_l1_loss_beta_0", lambda a, b: F.smooth_l1_loss(a, b, beta=0), v(4), v(4, seed=2))
    case("bce_large", F.binary_cross_entropy_with_logits, t([1e4, -1e4, 100, -100, 0]),
         t([1, 0, 0, 1, 0.5]))
    case("bce_pos_weight",
         lambda x, y, p: F.binary_cross_entropy_with_logits(x, y, pos_weight=p), v(2, 3),
         v(2, 3, seed=2, **unit), t([0.5, 1, 3]), grad=2)
    case("bce_both_weights",
         lambda x, y, w, p: F.binary_cross_entropy_with_logits(x, y, w, pos_weight=p), v(2, 3),
         v(2, 3, seed=2, **unit), t([[2.0], [0.25]]), t([0.5, 1, 3]), grad=2)
    case("kl_div_zero_target", lambda x, y: F.kl_div(x, y, reduction="sum"), v(4, high=0),
         t([0, 0.5, 0, 0.25]), grad=1)
    case("kl_div_batch_mean", lambda x, y: F.kl_div(x, y, reduction="batchmean"), v(2, 3, high=0),
         v(2, 3, seed=2, low=0.25, high=1))
    case("kl_div_log_target", lambda x, y: F.kl_div(x, y, reduction="mean", log_target=True),
         v(2, 3, high=0), v(2, 3, seed=2, high=0))
    case("huber_loss_f64", F.huber_loss, v(4, dtype=F64), v(4, seed=2, dtype=F64))


def vectors():
    case("cosine_similarity_last", lambda a, b: F.cosine_similarity(a, b, -1), v(2, 3, 4),
         v(2, 3, 4, seed=2))
    case("cosine_similarity_0", lambda a, b: F.cosine_similarity(a, b, 0), v(3, 4), v(3, 4, seed=2))
    embedding = lambda a, b, y: F.cosine_embedding_loss(a, b, y, margin=-0.2)
    case("cosine_embedding_loss", embedding, v(4, 3), v(4, 3, seed=2), t([1, -1, 1, -1], I32))
    case("cosine_embedding_loss_none",
         lambda a, b, y: F.cosine_embedding_loss(a, b, y, margin=-0.2, reduction="none"), v(4, 3),
         v(4, 3, seed=2), t([1, -1, 1, -1], I32))
    three = lambda: (v(4, 3), v(4, 3, seed=2), v(4, 3, seed=3))
    case("triplet_margin_loss", F.triplet_margin_loss, *three())
    case("triplet_margin_loss_swap_3",
         lambda a, p, n: F.triplet_margin_loss(a, p, n, margin=1.5, p=3, swap=True,
                                               reduction="sum"), *three())


def losses():
    for group in (pairs_and_classes, class_forms, pair_forms, vectors):
        group()

"""Golden cases of include/clade/norm.h: norms by channels."""
import torch.nn.functional as F

from golden_case import F64, case, v


def channel_norms():
    train = lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True)
    case("batch_norm_2d", train, v(5, 3), v(3, seed=2), v(3, seed=3))
    case("batch_norm_3d", train, v(2, 3, 4), v(3, seed=2), v(3, seed=3))
    case("batch_norm_4d", train, v(2, 3, 4, 2), v(3, seed=2), v(3, seed=3))
    case("batch_norm_f64", train, *(v(*shape, seed=i, dtype=F64)
                                    for i, shape in enumerate(((4, 3, 5), (3,), (3,)))))
    case("batch_norm_plain", lambda x: F.batch_norm(x, None, None, training=True), v(4, 3, 5))
    group = lambda x, w, b: F.group_norm(x, 2, w, b)
    case("group_norm_3d", group, v(3, 4, 5), v(4, seed=2), v(4, seed=3))
    case("group_norm_4d", group, v(2, 4, 3, 2), v(4, seed=2), v(4, seed=3))
    case("group_norm_plain", lambda x: F.group_norm(x, 2), v(3, 4, 5))
    case("instance_norm", lambda x, w, b: F.instance_norm(x, weight=w, bias=b), v(3, 4, 5),
         v(4, seed=2), v(4, seed=3))

"""Golden cases of include/clade/conv.h."""
import torch.nn.functional as F

from golden_case import F64, NAN, case, t, v


def convolutions():
    x, w, b = v(2, 4, 6, 5), v(6, 4, 3, 2, seed=2, low=-0.5, high=0.5), v(6, seed=3)
    case("conv2d", F.conv2d, x, w, b)
    case("conv2d_f64", F.conv2d, x.double(), w.double(), b.double())
    case("conv2d_settings", lambda *a: F.conv2d(*a, stride=(2, 1), padding=(1, 2), dilation=(2, 1)),
         x, w, b)
    case("conv2d_groups", lambda *a: F.conv2d(*a, padding=1, groups=2), x, v(6, 2, 3, 3, seed=2), b)
    case("conv2d_depthwise", lambda *a: F.conv2d(*a, padding=1, groups=4), x, v(8, 1, 3, 3, seed=2))
    case("conv2d_mnist", lambda *a: F.conv2d(*a, padding=1), v(2, 1, 28, 28),
         v(5, 1, 3, 3, seed=2), v(5, seed=3))
    case("conv2d_transposed_x", lambda x, w: F.conv2d(x.transpose(2, 3), w), v(1, 2, 4, 5),
         v(2, 2, 2, 3, seed=2))
    case("conv1d", lambda *a: F.conv1d(*a, stride=2, padding=1), v(2, 3, 9), v(4, 3, 3, seed=2),
         v(4, seed=3))
    case("conv3d", lambda *a: F.conv3d(*a, stride=(1, 2, 1), padding=(1, 0, 1)), v(1, 2, 3, 5, 4),
         v(3, 2, 2, 3, 2, seed=2), v(3, seed=3))
    case("conv_transpose1d", lambda *a: F.conv_transpose1d(*a, stride=3, padding=1, output_padding=2),
         v(2, 3, 4), v(3, 2, 4, seed=2), v(2, seed=3))
    case("conv_transpose2d",
         lambda *a: F.conv_transpose2d(*a, stride=2, padding=1, output_padding=1, groups=2,
                                       dilation=(1, 2)),
         v(2, 4, 3, 4), v(4, 3, 3, 2, seed=2), v(6, seed=3))
    case("conv_transpose3d", lambda *a: F.conv_transpose3d(*a, stride=(1, 2, 1)), v(1, 2, 2, 3, 2),
         v(2, 2, 1, 2, 2, seed=2))


def pools():
    x = v(2, 2, 7, 6)
    case("max_pool2d", lambda x: F.max_pool2d(x, 2), x)
    case("max_pool2d_wide", lambda x: F.max_pool2d(x, 2), v(1, 2, 4, 27))
    case("max_pool2d_settings", lambda x: F.max_pool2d(x, 3, (2, 1), 1, (1, 2), ceil_mode=True), x)
    case("max_pool2d_ties", lambda x: F.max_pool2d(x, 2),
         t([[[[1, 1, 0, 2], [1, 1, 2, 0], [NAN, 3, 3, NAN], [4, 5, NAN, NAN]]]]))
    case("max_pool1d", lambda x: F.max_pool1d(x, 3, 2, 1), v(2, 3, 8))
    case("max_pool3d", lambda x: F.max_pool3d(x, 2, 1), v(1, 2, 3, 4, 3))
    case("avg_pool2d", lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True), x)
    case("avg_pool2d_exclude", lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), x)
    case("avg_pool1d", lambda x: F.avg_pool1d(x, 2, 1), v(2, 3, 5, dtype=F64))
    case("avg_pool3d", lambda x: F.avg_pool3d(x, 2), v(1, 2, 4, 5, 3))
    case("adaptive_avg_pool2d", lambda x: F.adaptive_avg_pool2d(x, (3, 4)), x)
    case("adaptive_avg_pool2d_global", lambda x: F.adaptive_avg_pool2d(x, 1), x)
    case("adaptive_max_pool2d", lambda x: F.adaptive_max_pool2d(x, (3, 4)), x)


def pictures():
    x = v(2, 2, 3, 4)
    to = lambda size, **how: lambda x: F.interpolate(x, size, **how)
    case("upsample_nearest2d", to((6, 7), mode="nearest"), x)
    case("upsample_nearest2d_smaller", to((2, 3), mode="nearest"), x)
    case("upsample_bilinear2d", to((5, 9), mode="bilinear", align_corners=False), x)
    case("upsample_bilinear2d_corners", to((5, 9), mode="bilinear", align_corners=True), x)
    patches = {"kernel_size": (3, 2), "stride": (1, 2), "padding": (1, 0), "dilation": (1, 2)}
    case("unfold", lambda x: F.unfold(x, **patches), v(2, 2, 4, 7))
    case("fold", lambda x: F.fold(x, (4, 7), **patches), v(2, 12, 12))


def convolutional():
    convolutions()
    pools()
    pictures()

/* Rows of src/ops/softmax.c, cross_entropy.c, loss.c and distance_loss.c. */
#include "op_cases.h"

#include <math.h>

/* ints: axis. */
static clade_tensor *build_softmax(const op_case *row, const op_args *args)
{
    return clade_softmax(args->in[0], row->ints[0]);
}

static clade_tensor *build_log_softmax(const op_case *row, const op_args *args)
{
    return clade_log_softmax(args->in[0], row->ints[0]);
}

/* The logarithm of the sum of the exponentials of `count` values `step` apart. */
static double log_sum_exp(const double *x, int64_t count, int64_t step)
{
    double m = x[0], sum = 0;
    for (int64_t i = 1; i < count; i++)
        m = fmax(m, x[i * step]);
    for (int64_t i = 0; i < count; i++)
        sum += exp(x[i * step] - m);
    return m + log(sum);
}

static void ref_log_softmax(const op_case *row, const host_array *in, host_array *out)
{
    const clade_shape *shape = &in->shape;
    int axis = (row->ints[0] + shape->ndim) % shape->ndim;
    int64_t step = 1, count = shape->dim[axis];
    for (int d = axis + 1; d < shape->ndim; d++)
        step *= shape->dim[d];
    array_init(out, *shape);
    for (int64_t i = 0; i < out->numel; i++) {
        int64_t first = i - i / step % count * step;
        out->value[i] = in->value[i] - log_sum_exp(in->value + first, count, step);
    }
}

static void ref_softmax(const op_case *row, const host_array *in, host_array *out)
{
    ref_log_softmax(row, in, out);
    for (int64_t i = 0; i < out->numel; i++)
        out->value[i] = exp(out->value[i]);
}

static void finish_loss(const op_case *row, const host_array *losses, double count, host_array *out)
{
    bool none = row->ints[0] == CLADE_REDUCTION_NONE;
    array_init(out, none ? losses->shape : clade_shape_scalar());
    for (int64_t i = 0; i < losses->numel; i++)
        out->value[none ? i : 0] += losses->value[i];
    if (row->ints[0] == CLADE_REDUCTION_MEAN)
        out->value[0] /= count;
}

/* --- classes: ints: reduction, use_ignore_index, ignore_index, whether there is a weight; reals:
 * smoothing. */
static clade_cross_entropy_params params_of(const op_case *row, const op_args *args)
{
    return (clade_cross_entropy_params){.reduction = (clade_reduction)row->ints[0],
                                        .use_ignore_index = row->ints[1],
                                        .ignore_index = row->ints[2],
                                        .label_smoothing = row->reals[0],
                                        .weight = row->ints[3] ? args->in[2] : NULL};
}

static clade_tensor *build_cross_entropy(const op_case *row, const op_args *args)
{
    const clade_cross_entropy_params params = params_of(row, args);
    return clade_cross_entropy(args->in[0], args->in[1], &params);
}

static clade_tensor *build_nll_loss(const op_case *row, const op_args *args)
{
    const clade_cross_entropy_params params = params_of(row, args);
    return clade_nll_loss(args->in[0], args->in[1], &params);
}

/* The loss of one row of logarithms x + shift, given what is wanted of each class. */
static double class_loss(const op_case *row, const host_array *in, const double *x, double shift,
                         const double *wanted)
{
    int64_t classes = in[0].shape.dim[1];
    double loss = 0;
    for (int64_t c = 0; c < classes; c++) {
        double weight = row->ints[3] ? in[2].value[c] : 1;
        double share = (1 - row->reals[0]) * wanted[c] + row->reals[0] / (double)classes;
        loss -= weight * share * (x[c] + shift);
    }
    return loss;
}

static void ref_labels(const op_case *row, const host_array *in, bool logits, host_array *out)
{
    host_array losses, wanted;
    int64_t classes = in[0].shape.dim[1];
    double count = 0;
    array_init(&losses, in[1].shape);
    for (int64_t i = 0; i < losses.numel; i++) {
        int64_t label = (int64_t)in[1].value[i];
        const double *x = in[0].value + i * classes;
        if (row->ints[1] && label == row->ints[2])
            continue;
        array_init(&wanted, CLADE_SHAPE(classes));
        wanted.value[label] = 1;
        double shift = logits ? -log_sum_exp(x, classes, 1) : 0;
        losses.value[i] = class_loss(row, in, x, shift, wanted.value);
        count += row->ints[3] ? in[2].value[label] : 1;
        array_free(&wanted);
    }
    finish_loss(row, &losses, count, out);
    array_free(&losses);
}

static void ref_cross_entropy(const op_case *row, const host_array *in, host_array *out)
{
    ref_labels(row, in, true, out);
}

static void ref_nll_loss(const op_case *row, const host_array *in, host_array *out)
{
    ref_labels(row, in, false, out);
}

static void ref_cross_entropy_soft(const op_case *row, const host_array *in, host_array *out)
{
    host_array losses;
    int64_t n = in[0].shape.dim[0], classes = in[0].shape.dim[1];
    array_init(&losses, CLADE_SHAPE(n));
    for (int64_t i = 0; i < n; i++) {
        const double *x = in[0].value + i * classes;
        losses.value[i] =
            class_loss(row, in, x, -log_sum_exp(x, classes, 1), in[1].value + i * classes);
    }
    finish_loss(row, &losses, (double)n, out);
    array_free(&losses);
}

/* --- pairs: ints: reduction, then flags; reals: beta or delta. */
static void ref_pairs(const op_case *row, const host_array *in, host_array *out,
                      double (*loss)(const op_case *row, const host_array *in, int64_t i))
{
    host_array losses;
    array_init(&losses, in[0].shape);
    for (int64_t i = 0; i < losses.numel; i++)
        losses.value[i] = loss(row, in, i);
    finish_loss(row, &losses, (double)losses.numel, out);
    array_free(&losses);
}

/* In what is expected, x and y are the elements and d is |x - y|. */
#define PAIR(name, call, expected)                                                                 \
    static clade_tensor *build_##name(const op_case *row, const op_args *args)                     \
    {                                                                                              \
        clade_tensor *const *in = args->in;                                                        \
        return call;                                                                               \
    }                                                                                              \
    static double value_##name(const op_case *row, const host_array *in, int64_t i)                \
    {                                                                                              \
        double x = in[0].value[i], y = in[1].value[i], d = fabs(x - y);                            \
        (void)row, (void)d;                                                                        \
        return expected;                                                                           \
    }                                                                                              \
    static void ref_##name(const op_case *row, const host_array *in, host_array *out)              \
    {                                                                                              \
        ref_pairs(row, in, out, value_##name);                                                     \
    }

#define KIND (clade_reduction) row->ints[0]
#define R    row->reals[0]
PAIR(mse_loss, clade_mse_loss(in[0], in[1], KIND), d *d)
PAIR(l1_loss, clade_l1_loss(in[0], in[1], KIND), d)
PAIR(smooth_l1_loss, clade_smooth_l1_loss(in[0], in[1], R, KIND),
     d < R ? d * d / (2 * R) : d - R / 2)
PAIR(huber_loss, clade_huber_loss(in[0], in[1], R, KIND), d < R ? d * d / 2 : R * (d - R / 2))

/* The element of an input that broadcasts to in[0]. */
static double weight_at(const host_array *in, int which, int64_t i)
{
    return in[which].value[i % in[which].numel];
}

/* ints: reduction, whether there are a weight and a pos_weight, of the last dimensions. */
static clade_tensor *bce(const op_case *row, clade_tensor *const *in)
{
    const clade_bce_params params = {.reduction = KIND,
                                     .weight = row->ints[1] ? in[2] : NULL,
                                     .pos_weight = row->ints[2] ? in[2 + row->ints[1]] : NULL};
    return clade_bce_with_logits(in[0], in[1], &params);
}

static double bce_value(const op_case *row, const host_array *in, int64_t i, double x, double y)
{
    double weight = row->ints[1] ? weight_at(in, 2, i) : 1;
    double pos_weight = row->ints[2] ? weight_at(in, 2 + row->ints[1], i) : 1;
    return weight * (pos_weight * y * log1p(exp(-x)) + (1 - y) * log1p(exp(x)));
}
PAIR(bce_with_logits, bce(row, in), bce_value(row, in, i, x, y))

/* ints: reduction, batch_mean, log_target. */
static clade_tensor *kl(const op_case *row, clade_tensor *const *in)
{
    const clade_kl_div_params params = {
        .reduction = KIND, .batch_mean = row->ints[1], .log_target = row->ints[2]};
    return clade_kl_div(in[0], in[1], &params);
}

static double kl_value(const op_case *row, const host_array *in, double x, double y)
{
    double batch = row->ints[1] ? (double)in[0].numel / (double)in[0].shape.dim[0] : 1;
    return batch * (row->ints[2] ? exp(y) * (y - x) : y == 0 ? 0 : y * (log(y) - x));
}
PAIR(kl_div, kl(row, in), kl_value(row, in, x, y))

/* --- vectors along the last axis ---------------------------------------------------------------
 */
static double norm_of_difference(const host_array *a, const host_array *b, int64_t row, double p)
{
    int64_t n = a->shape.dim[a->shape.ndim - 1];
    double sum = 0;
    for (int64_t i = row * n; i < (row + 1) * n; i++) {
        double d = fabs(a->value[i] - b->value[i] + 1e-6);
        sum = isinf(p) ? fmax(sum, d) : sum + pow(d, p);
    }
    return isinf(p) ? sum : pow(sum, 1 / p);
}

static double cosine_of(const host_array *in, int64_t row)
{
    int64_t n = in->shape.dim[in->shape.ndim - 1];
    double dot = 0, a = 0, b = 0;
    for (int64_t i = row * n; i < (row + 1) * n; i++) {
        dot += in[0].value[i] * in[1].value[i];
        a += pow(in[0].value[i], 2);
        b += pow(in[1].value[i], 2);
    }
    return dot / sqrt(a * b);
}

static clade_tensor *build_cosine_similarity(const op_case *row, const op_args *args)
{
    return clade_cosine_similarity(args->in[0], args->in[1], row->ints[0], 1e-8);
}

static host_array of_rows(const host_array *in)
{
    host_array out;
    clade_shape shape = in->shape;
    shape.ndim--;
    array_init(&out, shape);
    return out;
}

static void ref_cosine_similarity(const op_case *row, const host_array *in, host_array *out)
{
    (void)row;
    *out = of_rows(in);
    for (int64_t i = 0; i < out->numel; i++)
        out->value[i] = cosine_of(in, i);
}

/* ints: reduction; reals: margin. The target is 0, which counts as -1, or 1. */
static clade_tensor *build_cosine_embedding_loss(const op_case *row, const op_args *args)
{
    return clade_cosine_embedding_loss(args->in[0], args->in[1], args->in[2], R, KIND);
}

static void ref_cosine_embedding_loss(const op_case *row, const host_array *in, host_array *out)
{
    host_array losses = of_rows(in);
    for (int64_t i = 0; i < losses.numel; i++) {
        double c = cosine_of(in, i);
        losses.value[i] = in[2].value[i] > 0 ? 1 - c : fmax(0, c - R);
    }
    finish_loss(row, &losses, (double)losses.numel, out);
    array_free(&losses);
}

/* ints: reduction, swap; reals: margin, p. */
static clade_tensor *build_triplet_margin_loss(const op_case *row, const op_args *args)
{
    const clade_triplet_params params = {
        .reduction = KIND, .p = row->reals[1], .swap = row->ints[1]};
    return clade_triplet_margin_loss(args->in[0], args->in[1], args->in[2], R, &params);
}

static void ref_triplet_margin_loss(const op_case *row, const host_array *in, host_array *out)
{
    host_array losses = of_rows(in);
    double p = row->reals[1] > 0 ? row->reals[1] : 2;
    for (int64_t i = 0; i < losses.numel; i++) {
        double negative = norm_of_difference(&in[0], &in[2], i, p);
        if (row->ints[1])
            negative = fmin(negative, norm_of_difference(&in[1], &in[2], i, p));
        losses.value[i] = fmax(0, norm_of_difference(&in[0], &in[1], i, p) - negative + R);
    }
    finish_loss(row, &losses, (double)losses.numel, out);
    array_free(&losses);
}

#define ROW(name, ...)                                                                             \
    {                                                                                              \
        .op = #name, .build = build_##name, .reference = ref_##name, .dtypes = FLOATS,             \
        .gradient = true, __VA_ARGS__                                                              \
    }
/* Of a form of cross_entropy, by its op. */
#define ENTROPY(op_, ref, ...)                                                                     \
    {                                                                                              \
        .op = #op_, .build = build_cross_entropy, .reference = ref, .dtypes = FLOATS,              \
        .gradient = true, .ulp = 8, .scale = 40, __VA_ARGS__                                       \
    }
#define SOFTMAXES(name, ...)                                                                       \
    ROW(name, .variant = "along -1", .ints = {-1}, .inputs = {{-3, 3}}, __VA_ARGS__,               \
        .shapes = {"[2,3,4]", "[5,33]", "[2,300]", "[7]", "[3,1]", "[0,3]", "[3,0]"}),             \
        ROW(name, .variant = "along 1", .ints = {1}, .inputs = {{-3, 3}}, __VA_ARGS__,             \
            .shapes = {"[2,3,4]", "[2,70,17]", "[2,5,32]", "[3,4,6]", "[2,3,0]"}),                 \
        ROW(name, .variant = "along 0", .ints = {0}, .inputs = {{-3, 3}}, __VA_ARGS__,             \
            .shapes = {"[2,3,4]", "[33,3]", "[5,16]", "[1,2]"})
#define LOGITS                                                                                     \
    {                                                                                              \
        -3, 3                                                                                      \
    }
#define LABELS(below)                                                                              \
    {                                                                                              \
        0, below, .kind = ALWAYS_I32                                                               \
    }
#define SHAPES       .shapes = {"[7,5] [7]", "[1,6] [1]", "[70,10] [70]", "[3,40] [3]"}
#define SHAPES_EMPTY .shapes = {"[7,5] [7]", "[1,6] [1]", "[70,10] [70]", "[3,40] [3]", "[0,5] [0]"}
#define WEIGHTS                                                                                    \
    {                                                                                              \
        0.5, 2, .constant = true                                                                   \
    }
#define SHAPES_PAIR .shapes = {"[2,3,4] [2,3,4]", "[7] [7]", "[5,33] [5,33]", "[] []"}
#define DIFFERENT   .inputs = {{-3, 3}, {-3, 3}}
#define EACH_WAY(name, ...)                                                                        \
    ROW(name, .variant = "mean", SHAPES_PAIR, .ulp = 8, .scale = 8, __VA_ARGS__),                  \
        ROW(name, .variant = "sum", .ints = {CLADE_REDUCTION_SUM}, SHAPES_PAIR, .ulp = 8,          \
            .scale = 200, .grad_scale = 4, __VA_ARGS__),                                           \
        ROW(name, .variant = "of each", .ints = {CLADE_REDUCTION_NONE},                            \
            .shapes = {"[2,3,4] [2,3,4]", "[] []", "[0,3] [0,3]"}, .ulp = 8, .scale = 8,           \
            __VA_ARGS__)
#define TRIPLETS                                                                                   \
    .inputs = {{-2, 2}, {-2, 2}, {-2, 2}}, .ulp = 16, .scale = 40,                                 \
    .shapes = {"[2,3,4] [2,3,4] [2,3,4]", "[5,33] [5,33] [5,33]"}

static const op_case rows[] = {
    SOFTMAXES(softmax, .ulp = 16),
    SOFTMAXES(log_softmax, .ulp = 4, .scale = 8, .grad_scale = 4),
    ROW(cross_entropy, .variant = "mean", .inputs = {LOGITS, LABELS(5)}, SHAPES, .ulp = 4,
        .scale = 8),
    ROW(cross_entropy, .variant = "mean of many classes", .inputs = {LOGITS, LABELS(300)},
        .shapes = {"[9,300] [9]", "[3,301] [3]"}, .ulp = 4, .scale = 8),
    ROW(cross_entropy, .variant = "sum", .ints = {CLADE_REDUCTION_SUM},
        .inputs = {LOGITS, LABELS(5)}, SHAPES_EMPTY, .ulp = 8, .scale = 40),
    ROW(cross_entropy, .variant = "of each", .ints = {CLADE_REDUCTION_NONE},
        .inputs = {LOGITS, LABELS(5)}, SHAPES_EMPTY, .ulp = 4, .scale = 8),
    ROW(cross_entropy, .variant = "mean, 2 ignored", .ints = {CLADE_REDUCTION_MEAN, true, 2},
        .inputs = {LOGITS, LABELS(5)}, SHAPES, .ulp = 4, .scale = 8),
    ROW(cross_entropy, .variant = "sum, 2 ignored", .ints = {CLADE_REDUCTION_SUM, true, 2},
        .inputs = {LOGITS, LABELS(5)}, SHAPES_EMPTY, .ulp = 8, .scale = 40),
    ROW(cross_entropy, .variant = "of each, 2 ignored", .ints = {CLADE_REDUCTION_NONE, true, 2},
        .inputs = {LOGITS, LABELS(5)}, SHAPES_EMPTY, .ulp = 4, .scale = 8),
    ENTROPY(cross_entropy_weighted, ref_cross_entropy, .variant = "mean",
            .ints = {CLADE_REDUCTION_MEAN, 0, 0, 1}, .inputs = {LOGITS, LABELS(5), WEIGHTS},
            .shapes = {"[7,5] [7] [5]", "[1,6] [1] [6]"}),
    ENTROPY(cross_entropy_weighted, ref_cross_entropy, .variant = "smoothed, 2 ignored",
            .ints = {CLADE_REDUCTION_MEAN, true, 2, 1}, .reals = {0.1},
            .inputs = {LOGITS, LABELS(5), WEIGHTS}, .shapes = {"[7,5] [7] [5]"}),
    ENTROPY(cross_entropy_weighted, ref_cross_entropy, .variant = "sum, smoothed, 2 ignored",
            .ints = {CLADE_REDUCTION_SUM, true, 2}, .reals = {0.3}, .inputs = {LOGITS, LABELS(5)},
            .shapes = {"[7,5] [7]", "[0,5] [0]"}),
    ENTROPY(cross_entropy_weighted, ref_cross_entropy, .variant = "mean, smoothed",
            .ints = {CLADE_REDUCTION_MEAN}, .reals = {0.1}, .inputs = {LOGITS, LABELS(5)},
            .shapes = {"[7,5] [7]", "[70,10] [70]"}),
    ENTROPY(cross_entropy_weighted, ref_cross_entropy, .variant = "of each",
            .ints = {CLADE_REDUCTION_NONE, true, 2, 1}, .inputs = {LOGITS, LABELS(5), WEIGHTS},
            .shapes = {"[7,5] [7] [5]", "[0,5] [0] [5]"}),
    ENTROPY(cross_entropy_soft, ref_cross_entropy_soft, .variant = "mean",
            .inputs = {LOGITS, {0, 1}}, .shapes = {"[7,5] [7,5]", "[70,10] [70,10]"}),
    ENTROPY(cross_entropy_soft, ref_cross_entropy_soft, .variant = "smoothed, weighted",
            .ints = {CLADE_REDUCTION_MEAN, 0, 0, 1}, .reals = {0.2},
            .inputs = {LOGITS, {0, 1}, WEIGHTS}, .shapes = {"[7,5] [7,5] [5]"}),
    ENTROPY(cross_entropy_soft, ref_cross_entropy_soft, .variant = "of each",
            .ints = {CLADE_REDUCTION_NONE}, .inputs = {LOGITS, {0, 1}},
            .shapes = {"[7,5] [7,5]", "[0,5] [0,5]"}),
    ROW(nll_loss, .variant = "mean", .inputs = {{-6, -1}, LABELS(5)}, SHAPES, .ulp = 4, .scale = 8),
    ROW(nll_loss, .variant = "weighted, 2 ignored", .ints = {CLADE_REDUCTION_MEAN, true, 2, 1},
        .inputs = {{-6, -1}, LABELS(5), WEIGHTS}, .shapes = {"[7,5] [7] [5]"}, .ulp = 8,
        .scale = 8),
    ROW(nll_loss, .variant = "sum, 2 ignored", .ints = {CLADE_REDUCTION_SUM, true, 2},
        .inputs = {{-6, -1}, LABELS(5)}, SHAPES_EMPTY, .ulp = 8, .scale = 40),
    ROW(nll_loss, .variant = "of each", .ints = {CLADE_REDUCTION_NONE},
        .inputs = {{-6, -1}, LABELS(5)}, SHAPES_EMPTY, .ulp = 4, .scale = 8),

    EACH_WAY(mse_loss, DIFFERENT),
    EACH_WAY(l1_loss, DIFFERENT),
    EACH_WAY(smooth_l1_loss, DIFFERENT, .reals = {0.7}),
    ROW(smooth_l1_loss, .variant = "beta 0", DIFFERENT, SHAPES_PAIR, .ulp = 8, .scale = 8),
    EACH_WAY(huber_loss, DIFFERENT, .reals = {1.5}),
    EACH_WAY(bce_with_logits, .inputs = {{-3, 3}, {0, 1}}),
    ROW(bce_with_logits, .variant = "both weights", .ints = {CLADE_REDUCTION_MEAN, 1, 1},
        .inputs = {{-3, 3}, {0, 1}, {0.5, 2}, {0.5, 3}},
        .shapes = {"[2,3,4] [2,3,4] [3,4] [4]", "[5,33] [5,33] [33] []"}, .ulp = 8, .scale = 8),
    ROW(bce_with_logits, .variant = "weights of what is wanted",
        .ints = {CLADE_REDUCTION_NONE, 0, 1}, .inputs = {{-3, 3}, {0, 1}, {0.5, 3}},
        .shapes = {"[2,3,4] [2,3,4] [4]", "[0,3] [0,3] [3]"}, .ulp = 8, .scale = 8),
    EACH_WAY(kl_div, .inputs = {{-4, 0}, {0.1, 1}}),
    ROW(kl_div, .variant = "batch mean", .ints = {CLADE_REDUCTION_MEAN, 1},
        .inputs = {{-4, 0}, {0.1, 1}}, .shapes = {"[2,3,4] [2,3,4]", "[7] [7]"}, .ulp = 8,
        .scale = 8),
    ROW(kl_div, .variant = "of logarithms", .ints = {CLADE_REDUCTION_MEAN, 0, 1},
        .inputs = {{-4, 0}, {-3, 0}}, .shapes = {"[2,3,4] [2,3,4]", "[7] [7]"}, .ulp = 8,
        .scale = 8),
    ROW(cosine_similarity, .ints = {-1}, .inputs = {{0.2, 2}, {-2, 2}},
        .shapes = {"[2,3,4] [2,3,4]", "[5,33] [5,33]", "[7] [7]", "[0,3] [0,3]"}, .ulp = 16,
        .scale = 4),
    ROW(cosine_embedding_loss, .variant = "mean", .reals = {-0.2},
        .inputs = {{0.2, 2}, {-2, 2}, {0, 2, .kind = ALWAYS_I32}},
        .shapes = {"[2,3,4] [2,3,4] [2,3]", "[5,33] [5,33] [5]", "[7] [7] []"}, .ulp = 16,
        .scale = 4),
    ROW(cosine_embedding_loss, .variant = "of each", .ints = {CLADE_REDUCTION_NONE},
        .inputs = {{0.2, 2}, {-2, 2}, {0, 2, .kind = ALWAYS_I32}},
        .shapes = {"[5,33] [5,33] [5]", "[0,3] [0,3] [0]"}, .ulp = 16, .scale = 4),
    ROW(triplet_margin_loss, .variant = "mean", .reals = {1}, TRIPLETS),
    ROW(triplet_margin_loss, .variant = "sum, swapped, p 3", .ints = {CLADE_REDUCTION_SUM, true},
        .reals = {1.5, 3}, TRIPLETS),
    ROW(triplet_margin_loss, .variant = "of each, p 1", .ints = {CLADE_REDUCTION_NONE},
        .reals = {2, 1}, .inputs = {{-2, 2}, {-2, 2}, {-2, 2}}, .ulp = 16, .scale = 40,
        .shapes = {"[2,3,4] [2,3,4] [2,3,4]", "[0,3] [0,3] [0,3]"}),
};

const op_case_family loss_cases = {rows, sizeof rows / sizeof rows[0]};

/* Rows of src/ops/softmax.c, src/ops/cross_entropy.c and src/ops/mse_loss.c. */
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

/* ints: reduction, use_ignore_index, ignore_index. */
static clade_tensor *build_cross_entropy(const op_case *row, const op_args *args)
{
    const clade_cross_entropy_params params = {.reduction = (clade_reduction)row->ints[0],
                                               .use_ignore_index = row->ints[1],
                                               .ignore_index = row->ints[2]};
    return clade_cross_entropy(args->in[0], args->in[1], &params);
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

static void ref_cross_entropy(const op_case *row, const host_array *in, host_array *out)
{
    host_array losses;
    array_init(&losses, in[1].shape);
    double count = 0;
    for (int64_t i = 0; i < losses.numel; i++) {
        int64_t classes = in[0].shape.dim[1], label = (int64_t)in[1].value[i];
        const double *x = in[0].value + i * classes;
        if (row->ints[1] && label == row->ints[2])
            continue;
        losses.value[i] = log_sum_exp(x, classes, 1) - x[label];
        count++;
    }
    finish_loss(row, &losses, count, out);
    array_free(&losses);
}

/* ints: reduction. */
static clade_tensor *build_mse_loss(const op_case *row, const op_args *args)
{
    return clade_mse_loss(args->in[0], args->in[1], (clade_reduction)row->ints[0]);
}

static void ref_mse_loss(const op_case *row, const host_array *in, host_array *out)
{
    host_array losses;
    array_init(&losses, in[0].shape);
    for (int64_t i = 0; i < losses.numel; i++)
        losses.value[i] = pow(in[0].value[i] - in[1].value[i], 2);
    finish_loss(row, &losses, (double)losses.numel, out);
    array_free(&losses);
}

#define ROW(name, ...)                                                                             \
    {                                                                                              \
        .op = #name, .build = build_##name, .reference = ref_##name, .dtypes = FLOATS,             \
        .gradient = true, __VA_ARGS__                                                              \
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
#define NOT_YET .no_grad2 = "not derived yet"
#define SHAPES  NOT_YET, .shapes = {"[7,5] [7]", "[1,6] [1]", "[70,10] [70]", "[3,40] [3]"}
#define SHAPES_EMPTY                                                                               \
    NOT_YET, .shapes = {"[7,5] [7]", "[1,6] [1]", "[70,10] [70]", "[3,40] [3]", "[0,5] [0]"}
#define PAIRS                                                                                      \
    NOT_YET, .inputs = {{-3, 3}, {-3, 3}},                                                         \
             .shapes = {"[2,3,4] [2,3,4]", "[7] [7]", "[5,33] [5,33]", "[] []"}, .ulp = 4

static const op_case rows[] = {
    SOFTMAXES(softmax, .ulp = 16),
    SOFTMAXES(log_softmax, .ulp = 4, .scale = 8, .grad_scale = 4),
    ROW(cross_entropy, .variant = "mean", .inputs = {LOGITS, LABELS(5)}, SHAPES, .ulp = 4,
        .scale = 8),
    ROW(cross_entropy, .variant = "mean of many classes", .inputs = {LOGITS, LABELS(300)}, NOT_YET,
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
    ROW(mse_loss, .variant = "mean", PAIRS),
    ROW(mse_loss, .variant = "sum", .ints = {CLADE_REDUCTION_SUM}, PAIRS, .grad_scale = 4),
    ROW(mse_loss, .variant = "of each", .ints = {CLADE_REDUCTION_NONE},
        .inputs = {{-3, 3}, {-3, 3}}, .ulp = 4, NOT_YET,
        .shapes = {"[2,3,4] [2,3,4]", "[7] [7]", "[] []", "[0,3] [0,3]"}),
};

const op_case_family loss_cases = {rows, sizeof rows / sizeof rows[0]};

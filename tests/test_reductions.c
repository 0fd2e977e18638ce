/* What reductions, argmax, softmax and the losses promise beyond op_cases: ties, NaN and infinity,
 * empty sets, labels that do not count or are none, and what they refuse. */
#include "tensor_testing.h"

#include <math.h>

#define N NAN
#define I INFINITY

static clade_tensor *rows(int64_t n, int64_t columns, const float *values)
{
    return lent(CLADE_F32, CLADE_SHAPE(n, columns), values);
}

static void equal(const clade_tensor *t, const float *expected, int count)
{
    float got[16];
    ck_assert_msg(t != NULL, "%s", clade_last_error()->message);
    ok(clade_tensor_read(t, got, (size_t)count * sizeof *got));
    for (int i = 0; i < count; i++)
        ck_assert_msg(got[i] == expected[i] || (isnan(got[i]) && isnan(expected[i])) ||
                          fabsf(got[i] - expected[i]) <= 1e-6f,
                      "element %d: %g, not %g", i, (double)got[i], (double)expected[i]);
}
#define EQUAL(t, ...)                                                                              \
    equal((t), (const float[]){__VA_ARGS__},                                                       \
          (int)(sizeof((const float[]){__VA_ARGS__}) / sizeof(float)))

typedef clade_tensor *extreme_fn(clade_tensor *, const int *, int, bool);

/* d sum(up * extreme(x, axis 1)) / d x */
static void extreme_gradient(extreme_fn *extreme, int64_t n, int64_t columns, const float *values,
                             const float *up, const float *expected)
{
    clade_tensor *x;
    ok(clade_tensor_from_host(&x, ctx, CLADE_F32, CLADE_SHAPE(n, columns), values));
    ok(clade_tensor_set_requires_grad(x, true));
    ok(clade_tape_begin(ctx));
    clade_tensor *y = extreme(x, (const int[]){1}, 1, false);
    ok(clade_backward_from(y, lent(CLADE_F32, CLADE_SHAPE(n), up)));
    equal(clade_tensor_grad(x), expected, (int)(n * columns));
    ok(clade_tape_end(ctx));
    clade_tensor_free(&x);
}

START_TEST(extremes_share_their_gradient)
{
    static const float x[] = {3, 1, 3, 3, -1, -1, -1, -1, 0, -0.f, 1, 2}, up[] = {6, -8, 2};
    static const float of_max[] = {2, 0, 2, 2, -2, -2, -2, -2, 0, 0, 0, 2};
    static const float of_min[] = {0, 6, 0, 0, -2, -2, -2, -2, 1, 1, 0, 0};
    extreme_gradient(clade_max, 3, 4, x, up, of_max);
    extreme_gradient(clade_min, 3, 4, x, up, of_min);
    static const float infinite[] = {I, I, -I, -I}, half[] = {3, 3, -4, -4};
    extreme_gradient(clade_max, 2, 2, infinite, up, half);
    extreme_gradient(clade_min, 2, 2, infinite, up, half);
}
END_TEST

START_TEST(extremes_keep_nan)
{
    static const float x[] = {1, N, 3, N, N, -I, I, 1, N};
    const int one[] = {1}, zero[] = {0};
    EQUAL(clade_max(rows(3, 3, x), one, 1, false), N, N, N);
    EQUAL(clade_min(rows(3, 3, x), one, 1, false), N, N, N);
    EQUAL(clade_max(rows(3, 3, x), zero, 1, false), N, N, N);
    EQUAL(clade_max(rows(2, 2, x + 5), one, 1, false), I, N);
    EQUAL(clade_min(rows(2, 2, x + 5), one, 1, false), -I, N);
    static const float values[] = {1, N, 3, 4, 5, 6}, up[] = {2, 2};
    extreme_gradient(clade_max, 2, 3, values, up, (const float[]){N, N, N, 0, 0, 2});
    extreme_gradient(clade_min, 2, 3, values, up, (const float[]){N, N, N, 2, 0, 0});
}
END_TEST

START_TEST(empty_sets)
{
    const int zero[] = {0}, one[] = {1};
    clade_tensor *x = clade_full(ctx, CLADE_F32, CLADE_SHAPE(0, 3), 1);
    EQUAL(clade_sum(x, NULL, 0, false), 0);
    EQUAL(clade_mean(x, NULL, 0, false), N);
    EQUAL(clade_mean(x, zero, 1, true), N, N, N);
    EQUAL(clade_mse_loss(x, x, CLADE_REDUCTION_MEAN), N);
    EQUAL(clade_mse_loss(x, x, CLADE_REDUCTION_SUM), 0);
    ck_assert_int_eq(clade_tensor_numel(clade_max(x, one, 1, false)), 0);
    null_with(clade_max(x, zero, 1, false), CLADE_ERR_SHAPE, "max: of no elements: [0,3]");
    null_with(clade_min(x, NULL, 0, false), CLADE_ERR_SHAPE, "min: of no elements: [0,3]");
    null_with(clade_argmax(x, 0, false), CLADE_ERR_SHAPE, "argmax: of no elements: axis 0");
}
END_TEST

START_TEST(no_axes_given_reduces_nothing)
{
    static const float x[] = {1, 2, 3, 4};
    const int none[] = {0};
    EQUAL(clade_sum(rows(2, 2, x), none, 0, false), 1, 2, 3, 4);
    EQUAL(clade_max(rows(2, 2, x), none, 0, false), 1, 2, 3, 4);
}
END_TEST

static void places(const clade_tensor *t, int32_t a, int32_t b, int32_t c)
{
    int32_t got[3];
    ck_assert_msg(t != NULL, "%s", clade_last_error()->message);
    ok(clade_tensor_read(t, got, sizeof got));
    ck_assert_msg(got[0] == a && got[1] == b && got[2] == c, "%d %d %d, not %d %d %d", got[0],
                  got[1], got[2], a, b, c);
}

/* Along the last axis, and along the first of the transposed copy. */
static void argmax_both_ways(const float *x, int32_t a, int32_t b, int32_t c)
{
    clade_tensor *t = rows(3, 3, x);
    places(clade_argmax(t, 1, false), a, b, c);
    places(clade_argmax(clade_contiguous(clade_transpose(t, 0, 1)), 0, false), a, b, c);
}

START_TEST(argmax_takes_the_first_and_nan)
{
    argmax_both_ways((const float[]){1, 3, 3, 2, 2, 2, -I, -I, -I}, 1, 0, 0);
    argmax_both_ways((const float[]){1, N, 3, N, I, N, I, 5, N}, 1, 0, 2);
    argmax_both_ways((const float[]){0, -0.f, -1, -I, N, N, -3, -2, I}, 0, 1, 2);
}
END_TEST

/* Ties and NaN in every place of rows that several lanes and vectors share. */
START_TEST(argmax_of_long_rows)
{
    enum { LENGTH = 203 };
    float x[3 * LENGTH];
    for (int first = 0; first < LENGTH; first += 29) {
        for (int i = 0; i < 3 * LENGTH; i++)
            x[i] = -1;
        for (int i = first; i < LENGTH; i += 3) {
            x[i] = 2;
            x[LENGTH + i] = i % 2 ? I : N;
            x[2 * LENGTH + i] = i == first ? 3 : 2;
        }
        clade_tensor *t = rows(3, LENGTH, x);
        int nan = first % 2 && first + 3 < LENGTH ? first + 3 : first;
        places(clade_argmax(t, -1, false), first, nan, first);
        places(clade_argmax(clade_contiguous(clade_transpose(t, 0, 1)), 0, false), first, nan,
               first);
    }
}
END_TEST

START_TEST(softmax_of_what_is_not_finite)
{
    static const float x[] = {-I, 0, -I, -I, I, 0, N, 1}, large[] = {1e4f, 1e4f, 3e38f, -3e38f};
    EQUAL(clade_softmax(rows(4, 2, x), 1), 0, 1, N, N, N, N, N, N);
    EQUAL(clade_log_softmax(rows(4, 2, x), 1), -I, 0, N, N, N, N, N, N);
    EQUAL(clade_softmax(rows(2, 4, x), 0), N, 0.5f, N, 0, N, 0.5f, N, 1);
    EQUAL(clade_softmax(rows(2, 2, large), 1), 0.5f, 0.5f, 1, 0);
    EQUAL(clade_log_softmax(rows(2, 2, large), 1), -0.693147f, -0.693147f, 0, -I);
}
END_TEST

/* The loss of logits (0, 0) in each row, and its gradient. */
static void check_entropy(const int32_t *labels, int n, clade_cross_entropy_params params,
                          const float *expected, const float *gradient)
{
    const float zeros[8] = {0};
    clade_tensor *x;
    ok(clade_tensor_from_host(&x, ctx, CLADE_F32, CLADE_SHAPE(n, 2), zeros));
    ok(clade_tensor_set_requires_grad(x, true));
    ok(clade_tape_begin(ctx));
    clade_tensor *loss = clade_cross_entropy(x, lent(CLADE_I32, CLADE_SHAPE(n), labels), &params);
    bool each = params.reduction == CLADE_REDUCTION_NONE;
    equal(loss, expected, each ? n : 1);
    if (each)
        loss = clade_sum(loss, NULL, 0, false);
    ok(clade_backward(loss));
    equal(clade_tensor_grad(x), gradient, 2 * n);
    ok(clade_tape_end(ctx));
    clade_tensor_free(&x);
}

#define LOG2 0.693147181f

START_TEST(labels_that_are_none)
{
    static const int32_t labels[] = {1, 2, -1, 0};
    const clade_cross_entropy_params none = {.reduction = CLADE_REDUCTION_NONE};
    check_entropy(labels, 4, none, (const float[]){LOG2, N, N, LOG2},
                  (const float[]){0.5f, -0.5f, N, N, N, N, -0.5f, 0.5f});
    const clade_cross_entropy_params mean = {0};
    check_entropy(labels, 4, mean, (const float[]){N},
                  (const float[]){0.125f, -0.125f, N, N, N, N, -0.125f, 0.125f});
}
END_TEST

START_TEST(labels_that_do_not_count)
{
    static const int32_t labels[] = {1, -100, -100, 0}, all[] = {-100, -100};
    clade_cross_entropy_params params = {.use_ignore_index = true, .ignore_index = -100};
    check_entropy(labels, 4, params, (const float[]){LOG2},
                  (const float[]){0.25f, -0.25f, 0, 0, 0, 0, -0.25f, 0.25f});
    check_entropy(all, 2, params, (const float[]){N}, (const float[]){0, 0, 0, 0});
    params.reduction = CLADE_REDUCTION_SUM;
    check_entropy(labels, 4, params, (const float[]){2 * LOG2},
                  (const float[]){0.5f, -0.5f, 0, 0, 0, 0, -0.5f, 0.5f});
    check_entropy(all, 2, params, (const float[]){0}, (const float[]){0, 0, 0, 0});
    params.reduction = CLADE_REDUCTION_NONE;
    check_entropy(labels, 4, params, (const float[]){LOG2, 0, 0, LOG2},
                  (const float[]){0.5f, -0.5f, 0, 0, 0, 0, -0.5f, 0.5f});
    /* not asked for, -100 is no label */
    check_entropy(all, 2, (clade_cross_entropy_params){.ignore_index = -100}, (const float[]){N},
                  (const float[]){N, N, N, N});
}
END_TEST

START_TEST(cross_entropy_of_no_rows)
{
    clade_tensor *x = clade_full(ctx, CLADE_F32, CLADE_SHAPE(0, 3), 1);
    clade_tensor *labels = clade_full(ctx, CLADE_I32, CLADE_SHAPE(0), 1);
    clade_cross_entropy_params params = {0};
    EQUAL(clade_cross_entropy(x, labels, NULL), N);
    params.use_ignore_index = true;
    EQUAL(clade_cross_entropy(x, labels, &params), N);
    params.reduction = CLADE_REDUCTION_SUM;
    EQUAL(clade_cross_entropy(x, labels, &params), 0);
}
END_TEST

START_TEST(refusals)
{
    clade_tensor *x = clade_full(ctx, CLADE_F32, CLADE_SHAPE(2, 3), 1);
    clade_tensor *i = clade_full(ctx, CLADE_I32, CLADE_SHAPE(2), 1);
    clade_tensor *wide = clade_full(ctx, CLADE_F32, CLADE_SHAPE(2, 0), 1);
    const int axes[CLADE_MAX_DIMS + 1] = {0, -2, 2};
    null_with(clade_sum(x, axes, 2, false), CLADE_ERR_SHAPE, "sum: axis 0 of [2,3] is given twice");
    null_with(clade_max(x, axes + 2, 1, false), CLADE_ERR_SHAPE, "max: no axis 2 in [2,3]");
    null_with(clade_min(x, axes, CLADE_MAX_DIMS + 1, false), CLADE_ERR_ARGUMENT, "min: 9 axes");
    null_with(clade_sum(x, axes, -1, false), CLADE_ERR_ARGUMENT, "sum: -1 axes");
    null_with(clade_mean(i, NULL, 0, false), CLADE_ERR_DTYPE, "mean: input 0 is i32");
    null_with(clade_argmax(x, -3, false), CLADE_ERR_SHAPE, "argmax: no axis -3 in [2,3]");
    null_with(clade_softmax(x, 2), CLADE_ERR_SHAPE, "softmax: no axis 2 in [2,3]");
    null_with(clade_log_softmax(i, 0), CLADE_ERR_DTYPE, "log_softmax: input 0 is i32");
    null_with(clade_cross_entropy(x, clade_full(ctx, CLADE_F32, CLADE_SHAPE(2), 1), NULL),
              CLADE_ERR_DTYPE, "the labels are f32");
    null_with(clade_cross_entropy(i, i, NULL), CLADE_ERR_DTYPE, "cross_entropy: input 0 is i32");
    null_with(clade_cross_entropy(clade_transpose(x, 0, 1), i, NULL), CLADE_ERR_SHAPE,
              "logits [3,2] and labels [2]");
    null_with(clade_cross_entropy(wide, i, NULL), CLADE_ERR_SHAPE, "no classes: logits [2,0]");
    const clade_cross_entropy_params params = {.reduction = (clade_reduction)3};
    null_with(clade_cross_entropy(x, i, &params), CLADE_ERR_ARGUMENT, "3 is no reduction");
    null_with(clade_mse_loss(x, x, (clade_reduction)3), CLADE_ERR_ARGUMENT, "3 is no reduction");
    null_with(clade_mse_loss(x, clade_transpose(x, 0, 1), CLADE_REDUCTION_SUM), CLADE_ERR_SHAPE,
              "[2,3] and [3,2]");
    null_with(clade_mse_loss(i, i, CLADE_REDUCTION_SUM), CLADE_ERR_DTYPE, "input 0 is i32");
}
END_TEST

START_TEST(losses_refuse)
{
    clade_tensor *x = clade_full(ctx, CLADE_F32, CLADE_SHAPE(2, 3), 1);
    clade_tensor *turned = clade_transpose(x, 0, 1), *i23 = clade_cast(x, CLADE_I32);
    clade_tensor *labels = clade_full(ctx, CLADE_I32, CLADE_SHAPE(2), 1);
    const clade_cross_entropy_params weighted = {.weight = x}, smooth = {.label_smoothing = 1.5},
                                     ignoring = {.use_ignore_index = true};
    null_with(clade_cross_entropy(x, labels, &weighted), CLADE_ERR_SHAPE, "weight [2,3]");
    null_with(clade_cross_entropy(x, labels, &smooth), CLADE_ERR_ARGUMENT, "smoothing is 1.5");
    null_with(clade_cross_entropy(x, turned, NULL), CLADE_ERR_SHAPE, "[2,3] and [3,2]");
    null_with(clade_cross_entropy(x, x, &ignoring), CLADE_ERR_ARGUMENT, "no label to ignore");
    null_with(clade_nll_loss(x, i23, NULL), CLADE_ERR_SHAPE, "nll_loss: logits [2,3] and labels");
    null_with(clade_reduce_loss(x, (clade_reduction)7), CLADE_ERR_ARGUMENT, "7 is no reduction");
    null_with(clade_reduce_loss(NULL, CLADE_REDUCTION_NONE), CLADE_ERR_ARGUMENT, "NULL");
    null_with(clade_huber_loss(x, x, 0, CLADE_REDUCTION_MEAN), CLADE_ERR_ARGUMENT, "delta is 0");
    null_with(clade_smooth_l1_loss(x, x, -1, CLADE_REDUCTION_MEAN), CLADE_ERR_ARGUMENT, "-1");
    null_with(clade_bce_with_logits(x, x, &(clade_bce_params){.pos_weight = turned}),
              CLADE_ERR_SHAPE, "weight [3,2] does not broadcast to [2,3]");
    null_with(clade_kl_div(x, turned, NULL), CLADE_ERR_SHAPE, "kl_div: the shapes differ");
    null_with(clade_cosine_similarity(x, x, 2, 1e-8), CLADE_ERR_SHAPE, "no axis 2 in [2,3]");
    null_with(clade_cosine_embedding_loss(x, x, i23, 0, CLADE_REDUCTION_MEAN), CLADE_ERR_SHAPE,
              "the target is [2,3] for vectors [2,3]");
    null_with(clade_triplet_margin_loss(x, x, x, 1, &(clade_triplet_params){.p = 0.5}),
              CLADE_ERR_ARGUMENT, "p is 0.5");
    null_with(clade_norm(x, 0, NULL, 0, false), CLADE_ERR_ARGUMENT, "norm: p is 0");
}
END_TEST

START_TEST(order_refuses)
{
    clade_tensor *x = clade_full(ctx, CLADE_F32, CLADE_SHAPE(2, 3), 1), *places = x;
    clade_tensor *none = clade_full(ctx, CLADE_F32, CLADE_SHAPE(2, 0), 1);
    null_with(clade_cumsum(x, 2), CLADE_ERR_SHAPE, "cumsum: no axis 2 in [2,3]");
    null_with(clade_argsort(x, -3, false), CLADE_ERR_SHAPE, "argsort: no axis -3 in [2,3]");
    null_with(clade_sort(x, 2, false, &places), CLADE_ERR_SHAPE, "no axis 2 in [2,3]");
    ck_assert_ptr_null(places);
    null_with(clade_topk(x, 1, 4, true, &places), CLADE_ERR_ARGUMENT, "topk: 4 of axis 1 of [2,3]");
    ck_assert_ptr_null(places);
    null_with(clade_searchsorted(x, clade_transpose(x, 0, 1)), CLADE_ERR_SHAPE, "[2,3] and [3,2]");
    null_with(clade_argmin(none, 1, false), CLADE_ERR_SHAPE, "argmin: of no elements");
    null_with(clade_logsumexp(none, NULL, 0, false), CLADE_ERR_SHAPE, "logsumexp: of no elements");
    null_with(clade_prod(x, (const int[]){5}, 1, false), CLADE_ERR_SHAPE, "prod: no axis 5");
    null_with(clade_any(x, (const int[]){5}, 1, false), CLADE_ERR_SHAPE, "any: no axis 5");
    null_with(clade_var(clade_cast(x, CLADE_I32), NULL, 0, false, 1), CLADE_ERR_DTYPE, "var");
}
END_TEST

int main(void)
{
    return RUN("reductions", extremes_share_their_gradient, extremes_keep_nan, empty_sets,
               no_axes_given_reduces_nothing, argmax_takes_the_first_and_nan, argmax_of_long_rows,
               softmax_of_what_is_not_finite, labels_that_are_none, labels_that_do_not_count,
               cross_entropy_of_no_rows, refusals, losses_refuse, order_refuses);
}

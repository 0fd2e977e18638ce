/* Autocast regions: which op gets what, copies of parameters, gradients, recorded steps. */
#include <math.h>

#include "tape/op.h"
#include "tensor_testing.h"

#define IN  33
#define OUT 7
#define N   5

static clade_tensor *wave(clade_dtype dtype, clade_shape shape, float step)
{
    float x[1024];
    for (int64_t i = 0; i < clade_shape_numel(&shape); i++)
        x[i] = sinf(step * (float)(i + 1));
    clade_tensor *t = lent(CLADE_F32, shape, x);
    return dtype == CLADE_F32 ? t : clade_cast(t, dtype);
}

static void is_of(const clade_tensor *t, clade_dtype dtype, const char *what)
{
    ck_assert_msg(t != NULL, "%s: %s", what, clade_last_error()->message);
    ck_assert_msg(clade_tensor_dtype(t) == dtype, "%s is %s, not %s", what,
                  clade_dtype_name(clade_tensor_dtype(t)), clade_dtype_name(dtype));
}

START_TEST(each_op_gets_what_suits_it)
{
    clade_tensor *x = wave(CLADE_F32, CLADE_SHAPE(N, IN), 0.3f);
    clade_tensor *w = wave(CLADE_F32, CLADE_SHAPE(OUT, IN), 0.7f);
    clade_tensor *b = wave(CLADE_F32, CLADE_SHAPE(OUT), 0.2f);
    ok(clade_autocast_begin(ctx, CLADE_BF16));
    clade_tensor *h = clade_linear(x, w, b);
    is_of(h, CLADE_BF16, "linear");
    is_of(clade_matmul(x, clade_transpose(w, 0, 1)), CLADE_BF16, "matmul");
    is_of(clade_relu(h), CLADE_BF16, "relu");
    is_of(clade_relu(b), CLADE_F32, "relu of f32");
    is_of(clade_add(h, b), CLADE_F32, "f32 and bf16");
    is_of(clade_softmax(h, 1), CLADE_F32, "softmax");
    is_of(clade_exp(h), CLADE_F32, "exp");
    is_of(clade_mean(h, NULL, 0, false), CLADE_F32, "mean");
    is_of(clade_mse_loss(h, clade_cast(h, CLADE_F16), CLADE_REDUCTION_MEAN), CLADE_F32, "loss");
    is_of(clade_cast(h, CLADE_F16), CLADE_F16, "cast");
    is_of(clade_argmax(h, 1, false), CLADE_I32, "argmax");
    clade_tensor *q = wave(CLADE_F32, CLADE_SHAPE(1, 4, 8), 0.9f);
    is_of(clade_attention(q, q, q, NULL), CLADE_BF16, "attention");
    ok(clade_autocast_begin(ctx, CLADE_F16));
    is_of(clade_linear(clade_cast(x, CLADE_BF16), w, b), CLADE_F16, "linear of bf16 in f16");
    ok(clade_autocast_begin(ctx, CLADE_F32));
    is_of(clade_linear(x, w, b), CLADE_F32, "linear in f32");
    ok(clade_autocast_end(ctx));
    ok(clade_autocast_end(ctx));
    is_of(clade_linear(x, w, b), CLADE_BF16, "linear in the outer region");
    ok(clade_autocast_end(ctx));
    is_of(clade_linear(x, w, b), CLADE_F32, "linear outside");
}
END_TEST

static void are_ops(const char *const *names)
{
    for (; *names; names++)
        ck_assert_msg(clade_op_find(*names) != NULL, "%s is no op", *names);
}

START_TEST(the_lists_name_ops)
{
    are_ops(clade_autocast_narrow);
    are_ops(clade_autocast_wide);
    are_ops(clade_autocast_own);
}
END_TEST

/* --- gradients ---------------------------------------------------------------------------------
 */
typedef struct network {
    clade_params *params;
    clade_tensor *w1, *b1, *w2, *b2;
    clade_optimizer *opt;
    clade_dtype dtype; /* of the region; CLADE_F32: none */
    bool checkpoint;
} network;

static void network_open(network *n, clade_dtype dtype)
{
    *n = (network){.dtype = dtype};
    ok(clade_params_create(&n->params, ctx));
    ok(clade_manual_seed(ctx, 3));
    ok(clade_linear_params(n->params, "fc1", IN, OUT, &n->w1, &n->b1));
    ok(clade_linear_params(n->params, "fc2", OUT, N, &n->w2, &n->b2));
    ok(clade_sgd_create(&n->opt, n->params, &(clade_sgd_params){.lr = 0.5, .momentum = 0.9}));
}

static void network_close(network *n)
{
    clade_optimizer_free(&n->opt);
    clade_params_free(&n->params);
}

static clade_tensor *hidden(void *user, clade_tensor *const *inputs, int count)
{
    network *n = user;
    (void)count;
    return clade_relu(clade_linear(inputs[0], n->w1, n->b1));
}

/* The second layer is used twice. */
static clade_status forward_backward(network *n, clade_tensor *x, clade_tensor *labels)
{
    ok(clade_params_zero_grad(n->params));
    CLADE_TRY(clade_tape_begin(ctx));
    if (n->dtype != CLADE_F32)
        CLADE_TRY(clade_autocast_begin(ctx, n->dtype));
    clade_tensor *h =
        n->checkpoint ? clade_gradient_checkpoint(hidden, n, &x, 1) : hidden(n, &x, 1);
    clade_tensor *y = clade_add(clade_linear(h, n->w2, n->b2),
                                clade_linear(clade_mul_scalar(h, 0.5), n->w2, n->b2));
    clade_tensor *loss = clade_cross_entropy(y, labels, NULL);
    if (n->dtype != CLADE_F32)
        CLADE_TRY(clade_autocast_end(ctx));
    return clade_backward(loss);
}

static void gradients(network *n, float *out)
{
    clade_tensor *x = wave(CLADE_F32, CLADE_SHAPE(N, IN), 0.3f);
    clade_tensor *labels = lent(CLADE_I32, CLADE_SHAPE(N), (const int32_t[]){0, 3, 1, 4, 2});
    ok(forward_backward(n, x, labels));
    ok(clade_tape_end(ctx));
    clade_tensor *grad = clade_params_flat_grad(n->params);
    ok(clade_tensor_read(grad, out, (size_t)clade_tensor_numel(grad) * sizeof *out));
}

START_TEST(gradients_are_close_to_those_of_f32)
{
    float exact[512], got[512], again[512];
    network plain;
    network_open(&plain, CLADE_F32);
    gradients(&plain, exact);
    int64_t count = clade_params_numel(plain.params);
    network_close(&plain);
    static const clade_dtype dtypes[] = {CLADE_F16, CLADE_BF16};
    for (int d = 0; d < 2; d++) {
        network n;
        network_open(&n, dtypes[d]);
        is_of(n.w1, CLADE_F32, "the parameter");
        gradients(&n, got);
        n.checkpoint = true;
        gradients(&n, again);
        bool differs = false;
        for (int64_t i = 0; i < count; i++) {
            double allowed = (dtypes[d] == CLADE_F16 ? 0x1p-8 : 0x1p-5) * 0.2;
            ck_assert_msg(fabs((double)got[i] - (double)exact[i]) <= allowed,
                          "%s: gradient %lld is %g, not %g", clade_dtype_name(dtypes[d]),
                          (long long)i, (double)got[i], (double)exact[i]);
            ck_assert_msg(got[i] == again[i], "gradient %lld with a checkpoint is %g, not %g",
                          (long long)i, (double)again[i], (double)got[i]);
            differs = differs || got[i] != exact[i];
        }
        ck_assert_msg(differs, "nothing was computed in %s", clade_dtype_name(dtypes[d]));
        network_close(&n);
    }
}
END_TEST

/* --- copies of parameters ----------------------------------------------------------------------
 */
START_TEST(a_parameter_is_copied_once_until_it_changes)
{
    clade_tensor *w = wave(CLADE_F32, CLADE_SHAPE(OUT, IN), 0.7f), *first, *second, *third;
    clade_tensor *x = wave(CLADE_BF16, CLADE_SHAPE(N, IN), 0.3f);
    double a, b;
    ok(clade_tensor_set_requires_grad(w, true));
    ok(clade_tape_begin(ctx));
    ok(clade_autocast_begin(ctx, CLADE_BF16));
    first = clade_linear_no_bias(x, w);
    ck_assert_uint_eq(clade_tape_length(ctx), 2);
    second = clade_linear_no_bias(x, w);
    ck_assert_uint_eq(clade_tape_length(ctx), 3);
    ok(clade_tensor_fill(w, 0));
    third = clade_linear_no_bias(x, w);
    ck_assert_uint_eq(clade_tape_length(ctx), 5);
    ok(clade_tensor_item(clade_sum(clade_sub(first, second), NULL, 0, false), &a));
    ok(clade_tensor_item(clade_sum(clade_square(third), NULL, 0, false), &b));
    ck_assert(a == 0 && b == 0);
    /* Outside the tape nothing is recorded with the copy; a new tape needs a new one. */
    ok(clade_tape_end(ctx));
    (void)clade_linear_no_bias(x, w);
    ok(clade_tape_begin(ctx));
    clade_tensor *loss = clade_sum(clade_linear_no_bias(x, w), NULL, 0, false);
    ok(clade_backward(loss));
    ck_assert_ptr_nonnull(clade_tensor_grad(w));
    is_of(clade_tensor_grad(w), CLADE_F32, "the gradient");
    ok(clade_tape_end(ctx));
    ok(clade_autocast_end(ctx));
}
END_TEST

/* --- steps -------------------------------------------------------------------------------------
 */
static clade_status train(void *user, clade_tensor *const *inputs, int count)
{
    network *n = user;
    (void)count;
    CLADE_TRY(forward_backward(n, inputs[0], inputs[1]));
    return clade_optimizer_step(n->opt);
}

static void weights_after(network *n, bool eager, bool region_around, float *out)
{
    clade_step *step;
    ok(clade_step_create(&step, ctx, train, n, &(clade_step_params){.eager = eager}));
    if (region_around)
        ok(clade_autocast_begin(ctx, n->dtype));
    for (int i = 0; i < 6; i++) {
        clade_tensor *inputs[2] = {
            wave(CLADE_F32, CLADE_SHAPE(N, IN), 0.3f + 0.01f * (float)i),
            lent(CLADE_I32, CLADE_SHAPE(N), (const int32_t[]){0, 3, 1, 4, 2})};
        ok(clade_step_run(step, inputs, 2));
    }
    if (region_around)
        ok(clade_autocast_end(ctx));
    clade_tensor *flat = clade_params_flat(n->params);
    ok(clade_tensor_read(flat, out, (size_t)clade_tensor_numel(flat) * sizeof *out));
    clade_step_free(&step);
}

START_TEST(steps_replay_what_eager_calls_compute)
{
    static float weights[3][512];
    for (int k = 0; k < 3; k++) {
        network n;
        network_open(&n, CLADE_BF16);
        weights_after(&n, k == 0, k == 2, weights[k]);
        int64_t count = clade_params_numel(n.params);
        network_close(&n);
        for (int64_t i = 0; i < count; i++)
            ck_assert_msg(weights[k][i] == weights[0][i], "%s: weight %lld is %g, not %g",
                          k == 1 ? "a step" : "a step in a region", (long long)i,
                          (double)weights[k][i], (double)weights[0][i]);
    }
}
END_TEST

static clade_status leave_open(void *user, clade_tensor *const *inputs, int count)
{
    (void)user, (void)inputs, (void)count;
    return clade_autocast_begin(ctx, CLADE_F16);
}

START_TEST(errors)
{
    fails(clade_autocast_begin(NULL, CLADE_F16), CLADE_ERR_ARGUMENT, "ctx is NULL");
    fails(clade_autocast_end(NULL), CLADE_ERR_ARGUMENT, "ctx is NULL");
    fails(clade_autocast_begin(ctx, CLADE_I32), CLADE_ERR_DTYPE, "i32 is none of");
    fails(clade_autocast_end(ctx), CLADE_ERR_STATE, "no region is open");
    clade_step *step;
    ok(clade_step_create(&step, ctx, leave_open, NULL, NULL));
    ok(clade_step_run(step, NULL, 0));
    fails(clade_autocast_end(ctx), CLADE_ERR_STATE, "no region is open");
    clade_step_free(&step);
    for (int i = 0; i < 8; i++)
        ok(clade_autocast_begin(ctx, CLADE_F16));
    fails(clade_autocast_begin(ctx, CLADE_F16), CLADE_ERR_STATE, "8 regions");
    for (int i = 0; i < 8; i++)
        ok(clade_autocast_end(ctx));
}
END_TEST

int main(void)
{
    return RUN("autocast", each_op_gets_what_suits_it, the_lists_name_ops,
               gradients_are_close_to_those_of_f32, a_parameter_is_copied_once_until_it_changes,
               steps_replay_what_eager_calls_compute, errors);
}

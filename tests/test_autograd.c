/* Beyond one backward per record: retained and created graphs, clade_grad, detached tensors. */
#include <math.h>

#include "autograd_testing.h"
#include "golden_file.h"

#include "base/alloc.h"
#include "tape/op.h"

static clade_tensor *grad_of(clade_tensor *output, clade_tensor *input,
                             const clade_grad_params *params)
{
    clade_tensor *g;
    ok(clade_grad(&g, &output, NULL, 1, &input, 1, params));
    return g;
}

static const clade_grad_params creates = {.create_graph = true}, retains = {.retain_graph = true};

/* --- retain_graph, clade_backward_with -------------------------------------------------------- */
START_TEST(a_retained_record_serves_again)
{
    const clade_backward_params retain = {.retain_graph = true};
    clade_tensor *loss = total(clade_mul(x, y));
    ok(clade_backward_with(loss, NULL, &retain));
    ok(clade_backward_with(loss, NULL, &retain));
    CHECK(clade_tensor_grad(x), 10, 12, 14, 16);
    ok(clade_backward_with(loss, NULL, NULL));
    CHECK(clade_tensor_grad(x), 15, 18, 21, 24);
    fails(clade_backward(loss), CLADE_ERR_STATE, "backward: sum was gone through before");
}
END_TEST

START_TEST(backward_with_takes_a_seed)
{
    clade_tensor *sum = clade_add(x, y);
    fails(clade_backward_with(sum, NULL, NULL), CLADE_ERR_SHAPE, "not one element");
    fails(clade_backward_with(NULL, NULL, NULL), CLADE_ERR_ARGUMENT, "NULL");
    ok(clade_backward_with(sum, y, NULL));
    CHECK(clade_tensor_grad(x), 5, 6, 7, 8);
}
END_TEST

/* Micro-batches: the same weights, a tape each, one gradient. */
START_TEST(gradients_accumulate_over_tapes)
{
    for (int i = 0; i < 3; i++) {
        ok(clade_tape_end(ctx));
        ok(clade_tape_begin(ctx));
        clade_tensor *part = clade_slice(y, 0, i % 2, i % 2 + 1, 1);
        ok(clade_backward(total(clade_matmul(part, x))));
    }
    /* rows of dx: the sums of y's columns over the parts, 5+7+5 and 6+8+6 */
    CHECK(clade_tensor_grad(x), 17, 17, 20, 20);
    CHECK(clade_tensor_grad(y), 6, 14, 3, 7);
}
END_TEST

/* --- clade_grad ------------------------------------------------------------------------------- */
START_TEST(grad_leaves_the_leaves_alone)
{
    clade_tensor *product = clade_mul(x, y), *loss = total(clade_mul(product, x));
    clade_tensor *inputs[] = {x, product, y, x}, *g[4];
    ok(clade_grad(g, &loss, NULL, 1, inputs, 4, NULL));
    CHECK(g[0], 10, 24, 42, 64); /* 2xy */
    CHECK(g[1], 1, 2, 3, 4);
    CHECK(g[2], 1, 4, 9, 16);
    ck_assert_ptr_eq(g[3], g[0]);
    ck_assert_ptr_null(clade_tensor_grad(x));
    ck_assert_ptr_null(clade_tensor_grad(y));
    fails(clade_backward(loss), CLADE_ERR_STATE, "gone through before");
}
END_TEST

START_TEST(grad_takes_several_outputs_and_seeds)
{
    clade_tensor *outputs[] = {clade_mul(x, y), total(x), x};
    clade_tensor *seeds[] = {y, NULL, x}, *g;
    ok(clade_grad(&g, outputs, seeds, 3, &x, 1, NULL));
    CHECK(g, 25 + 1 + 1, 36 + 1 + 2, 49 + 1 + 3, 64 + 1 + 4);
}
END_TEST

/* Only what lies between is gone through: the op beside the way has no gradient. */
static clade_status forward_copy(const clade_node *node)
{
    return clade_tensor_copy(node->output, node->inputs[0]);
}

static const clade_op rounding = {.name = "test_round",
                                  .min_inputs = 1,
                                  .max_inputs = 1,
                                  .infer = clade_infer_like_first,
                                  .forward = forward_copy};

START_TEST(grad_goes_only_where_it_was_asked)
{
    clade_tensor *rounded = CLADE_APPLY(&rounding, NULL, x);
    clade_tensor *loss = total(clade_mul(rounded, y)), *input = x, *g;
    CHECK(grad_of(loss, y, &retains), 1, 2, 3, 4);
    fails(clade_grad(&g, &loss, NULL, 1, &input, 1, &retains), CLADE_ERR_NO_GRADIENT,
          "grad: test_round has no gradient");
    ck_assert_ptr_null(g);
    CHECK(grad_of(loss, rounded, NULL), 5, 6, 7, 8);
}
END_TEST

START_TEST(an_unused_input_is_an_error_or_null)
{
    clade_tensor *loss = total(clade_mul(x, x)), *inputs[] = {x, y}, *g[2];
    const clade_grad_params allow = {.allow_unused = true};
    fails(clade_grad(g, &loss, NULL, 1, inputs, 2, &retains), CLADE_ERR_ARGUMENT,
          "no output depends on input 1 [2,2]");
    ck_assert_ptr_null(g[0]);
    ok(clade_grad(g, &loss, NULL, 1, inputs, 2, &allow));
    CHECK(g[0], 2, 4, 6, 8);
    ck_assert_ptr_null(g[1]);
}
END_TEST

START_TEST(grad_refuses_what_makes_no_sense)
{
    clade_tensor *loss = total(clade_mul(x, y)), *none = NULL, *g;
    clade_tensor *constant = clade_detach(x), *wide = clade_mul(x, y);
    fails(clade_grad(NULL, &loss, NULL, 1, &x, 1, NULL), CLADE_ERR_ARGUMENT, "out is NULL");
    fails(clade_grad(&g, NULL, NULL, 1, &x, 1, NULL), CLADE_ERR_ARGUMENT, "arrays is NULL");
    fails(clade_grad(&g, &loss, NULL, 1, &x, 0, NULL), CLADE_ERR_ARGUMENT, "1 outputs and 0 in");
    fails(clade_grad(&g, &none, NULL, 1, &x, 1, NULL), CLADE_ERR_ARGUMENT, "an output is NULL");
    fails(clade_grad(&g, &loss, NULL, 1, &none, 1, NULL), CLADE_ERR_ARGUMENT, "an input is NULL");
    fails(clade_grad(&g, &loss, NULL, 1, &constant, 1, NULL), CLADE_ERR_ARGUMENT,
          "input 0 [2,2] requires no gradient");
    fails(clade_grad(&g, &constant, NULL, 1, &x, 1, NULL), CLADE_ERR_STATE, "was not recorded");
    fails(clade_grad(&g, &wide, NULL, 1, &x, 1, NULL), CLADE_ERR_SHAPE, "not one element");
    fails(clade_grad(&g, &loss, &wide, 1, &x, 1, NULL), CLADE_ERR_SHAPE, "grad: the gradient is");
    CHECK(grad_of(loss, x, NULL), 5, 6, 7, 8); /* nothing is left behind */
    ok(clade_tape_end(ctx));
    fails(clade_grad(&g, &x, &y, 1, &x, 1, NULL), CLADE_ERR_STATE, "no tape is open");
    ok(clade_tape_begin(ctx));
}
END_TEST

/* --- create_graph ----------------------------------------------------------------------------- */
/* s = sum of all of x x x, for which ds/dx = sums of products of x; twice and three times. */
START_TEST(gradients_have_gradients)
{
    /* f = t^3 as a product of matrices: f' = 3t^2, f'' = 6t, f''' = 6 */
    clade_tensor *t = leaf(CLADE_SHAPE(1, 1), (const float[]){2});
    clade_tensor *cube = clade_matmul(clade_matmul(t, t), t);
    clade_tensor *first = grad_of(cube, t, &creates);
    CHECK(first, 12);
    clade_tensor *second = grad_of(first, t, &creates);
    CHECK(second, 12);
    CHECK(grad_of(second, t, &creates), 6);
    clade_tensor_free(&t);
}
END_TEST

/* Through an accumulation, a broadcast and its sum: a linear layer whose bias's gradient is one. */
START_TEST(a_penalty_on_a_gradient_is_differentiated)
{
    clade_tensor *bias = leaf(CLADE_SHAPE(2), (const float[]){1, -1});
    clade_tensor *h = clade_linear(x, y, bias);
    clade_tensor *loss = total(clade_matmul(clade_transpose(h, 0, 1), h));
    clade_tensor *g = clade_reshape(grad_of(loss, bias, &creates), CLADE_SHAPE(1, 2));
    /* loss = (h00+h01)^2 + (h10+h11)^2, so g = 2 (s0+s1) (1,1), with s = rows of h summed */
    CHECK(g, 2 * 132, 2 * 132);
    clade_tensor *penalty = total(clade_matmul(g, clade_transpose(g, 0, 1)));
    ok(clade_backward(penalty));
    /* penalty = 8 (s0+s1)^2 with s0+s1 = sum of x y^T + 2 (b0+b1): d/db = 16 (s0+s1) 2 */
    CHECK(clade_tensor_grad(bias), 32 * 132, 32 * 132);
    /* d/dx_ij = 16 (s0+s1) (y_0j + y_1j) */
    CHECK(clade_tensor_grad(x), 16 * 132 * 12, 16 * 132 * 14, 16 * 132 * 12, 16 * 132 * 14);
    clade_tensor_free(&bias);
}
END_TEST

START_TEST(backward_may_create_a_graph)
{
    const clade_backward_params create = {.create_graph = true};
    clade_tensor *t = leaf(CLADE_SHAPE(1, 1), (const float[]){2});
    ok(clade_backward_with(clade_matmul(clade_matmul(t, t), t), NULL, &create));
    clade_tensor *first = clade_tensor_retain(clade_tensor_grad(t));
    ck_assert(clade_tensor_requires_grad(first));
    CHECK(grad_of(first, t, NULL), 12);
    ok(clade_tape_end(ctx)); /* what is kept beyond is a constant */
    ck_assert(!clade_tensor_requires_grad(first));
    ok(clade_tape_begin(ctx));
    clade_tensor_free(&first);
    clade_tensor_free(&t);
}
END_TEST

static clade_tensor *copy_of(clade_tensor *t);

static void backward_copy(const clade_node *node, clade_tensor *grad, const bool *needs,
                          clade_tensor **grads)
{
    (void)node, (void)needs;
    grads[0] = copy_of(grad);
}

static const clade_op copy_grad = {.name = "test_copy_grad",
                                   .min_inputs = 1,
                                   .max_inputs = 1,
                                   .infer = clade_infer_like_first,
                                   .forward = forward_copy,
                                   .gradient_of = "test_copy"};
static const clade_op copying = {.name = "test_copy",
                                 .min_inputs = 1,
                                 .max_inputs = 1,
                                 .infer = clade_infer_like_first,
                                 .forward = forward_copy,
                                 .backward = backward_copy};

static clade_tensor *copy_of(clade_tensor *t)
{
    return CLADE_APPLY(&copy_grad, NULL, t);
}

START_TEST(a_missing_second_derivative_is_a_status)
{
    clade_tensor *copied = CLADE_APPLY(&copying, NULL, clade_matmul(x, x));
    clade_tensor *first = grad_of(total(copied), x, &creates);
    CHECK(first, 7, 11, 9, 13); /* computed anew from x, not through copying's gradient: */
    CHECK(grad_of(total(first), x, &retains), 4, 4, 4, 4);
    clade_tensor *quartic = clade_matmul(copied, copied), *input = x, *g;
    first = total(grad_of(total(quartic), x, &creates));
    fails(clade_grad(&g, &first, NULL, 1, &input, 1, NULL), CLADE_ERR_NO_GRADIENT,
          "test_copy has no second derivative");
}
END_TEST

/* The identity as x - 0, said again for second derivatives. */
static clade_tensor *recompute_copy(const clade_node *node)
{
    return clade_add(node->inputs[0], clade_full(node->ctx, CLADE_F32, clade_shape_scalar(), 0));
}

static const clade_op said_again = {.name = "test_again",
                                    .min_inputs = 1,
                                    .max_inputs = 1,
                                    .infer = clade_infer_like_first,
                                    .forward = forward_copy,
                                    .backward = backward_copy,
                                    .recompute = recompute_copy};

START_TEST(an_op_may_be_recomputed_for_a_graph)
{
    clade_tensor *t = leaf(CLADE_SHAPE(1, 1), (const float[]){2});
    clade_tensor *square = CLADE_APPLY(&said_again, NULL, clade_matmul(t, t));
    CHECK(grad_of(total(square), t, &retains), 4);
    size_t length = clade_tape_length(ctx);
    clade_tensor *first = grad_of(square, t, &creates);
    ck_assert_uint_gt(clade_tape_length(ctx), length);
    CHECK(first, 4);
    CHECK(grad_of(first, t, NULL), 2);
    clade_tensor_free(&t);
}
END_TEST

/* --- detached tensors ------------------------------------------------------------------------- */
START_TEST(no_gradient_flows_through_a_detached_tensor)
{
    clade_tensor *product = clade_mul(x, y), *constant = clade_detach(product);
    ck_assert(!clade_tensor_requires_grad(constant));
    CHECK(constant, 5, 12, 21, 32);
    ok(clade_backward(total(clade_mul(product, constant))));
    CHECK(clade_tensor_grad(x), 25, 72, 147, 256); /* y (xy) */
    null_with(clade_detach(NULL), CLADE_ERR_ARGUMENT, "detach: an input is NULL");
}
END_TEST

/* It shares memory: writing through it is seen. */
START_TEST(writing_through_views_is_noticed)
{
    clade_tensor *product = clade_mul(x, y);
    ok(clade_tensor_fill(clade_detach(x), 0));
    fails(clade_backward(total(product)), CLADE_ERR_MODIFIED, "input 0 of mul was overwritten");
    product = clade_mul(clade_transpose(x, 0, 1), y); /* a view of x is what mul saved */
    ok(clade_tensor_fill(clade_slice(x, 1, 0, 1, 1), 9));
    fails(clade_backward(total(product)), CLADE_ERR_MODIFIED, "input 0 of mul was overwritten");
    clade_tensor *result = clade_sqrt(x); /* a view of a result */
    ok(clade_tensor_fill(clade_slice(clade_detach(result), 0, 0, 1, 1), 9));
    fails(clade_backward(total(result)), CLADE_ERR_MODIFIED, "result of sqrt was overwritten");
}
END_TEST

/* --- steps ------------------------------------------------------------------------------------ */
/* A gradient penalty, whose gradient goes to x's own; inputs[0]: what x is multiplied by. */
static clade_status penalized_step(void *user, clade_tensor *const *inputs, int count)
{
    (void)user, (void)count;
    clade_tensor *g = NULL;
    CLADE_TRY(clade_tensor_zero_grad(x));
    CLADE_TRY(clade_tape_begin(ctx));
    clade_tensor *h = clade_softmax(clade_matmul(clade_matmul(inputs[0], x), x), 1);
    clade_tensor *loss = total(clade_matmul(h, y));
    CLADE_TRY(clade_grad(&g, &loss, NULL, 1, &x, 1, &creates));
    CLADE_TRY(clade_backward(total(clade_matmul(g, clade_add(g, inputs[0])))));
    return clade_tape_end(ctx);
}

static void run_penalized(float (*out)[4], bool eager)
{
    const clade_step_params params = {.eager = eager};
    clade_step *step;
    ok(clade_step_create(&step, ctx, penalized_step, NULL, &params));
    for (int i = 0; i < 4; i++) {
        clade_tensor *input = clade_mul_scalar(y, 0.1 * (i + 1));
        ok(clade_step_run(step, &input, 1));
        ok(clade_tensor_read(clade_tensor_grad(x), out[i], sizeof out[i]));
    }
    clade_step_free(&step);
}

START_TEST(steps_replay_gradients_of_gradients)
{
    float eager[4][4], replayed[4][4];
    clade_tensor *zero;
    ok(clade_tape_end(ctx));
    ok(clade_tensor_create(&zero, ctx, CLADE_F32, CLADE_SHAPE(2, 2)));
    ok(clade_tensor_set_grad(x, zero));
    run_penalized(eager, true);
    run_penalized(replayed, false);
    ck_assert_float_ne(eager[2][0], eager[3][0]);
    ck_assert_mem_eq(eager, replayed, sizeof eager);
    clade_tensor_free(&zero);
    ok(clade_tape_begin(ctx));
}
END_TEST

/* --- second derivatives, checked -------------------------------------------------------------- */
static clade_tensor *cubed(void *user, clade_tensor *const *in, int count)
{
    (void)user, (void)count;
    clade_tensor *out = clade_softmax(clade_matmul(clade_matmul(in[0], in[1]), in[0]), 1);
    return count == 3 ? CLADE_APPLY(&copying, NULL, clade_matmul(out, out)) : out;
}

START_TEST(gradgradcheck_checks_second_derivatives)
{
    const double values[] = {0.5, -0.25, 0.75, 1};
    clade_gradcheck_result result = {0};
    clade_tensor *in[2], *none = NULL;
    fails(clade_gradgradcheck(cubed, NULL, in, 0, NULL, NULL), CLADE_ERR_ARGUMENT, "no inputs");
    fails(clade_gradgradcheck(NULL, NULL, in, 1, NULL, NULL), CLADE_ERR_ARGUMENT, "fn is NULL");
    fails(clade_gradgradcheck(cubed, NULL, &none, 1, NULL, NULL), CLADE_ERR_ARGUMENT, "is NULL");
    fails(clade_gradgradcheck(cubed, NULL, &x, 1, NULL, NULL), CLADE_ERR_STATE, "a tape is open");
    if (!clade_context_device(ctx)->has_f64) {
        printf("# no second derivatives: device %s has no f64\n", clade_context_device(ctx)->name);
        return;
    }
    ok(clade_tape_end(ctx));
    for (int i = 0; i < 2; i++) {
        ok(clade_tensor_from_host(&in[i], ctx, CLADE_F64, CLADE_SHAPE(2, 2), values));
        ok(clade_tensor_set_requires_grad(in[i], true));
    }
    ok(clade_gradgradcheck(cubed, NULL, in, 2, NULL, &result));
    ck_assert_int_gt(result.checks, 12);
    ok(clade_tape_begin(ctx));
    clade_tensor_free(&in[0]);
    clade_tensor_free(&in[1]);
}
END_TEST

/* --- PyTorch ---------------------------------------------------------------------------------- */
enum { INPUT, W1, B1, SCALE, SHIFT, W2, VECTOR, GIVEN };
static const char *const given_names[] = {"x", "w1", "b1", "scale", "shift", "w2", "v"};

static clade_safetensors *goldens;

static const clade_array *golden_array(const char *folder, const char *name)
{
    char key[64];
    snprintf(key, sizeof key, "%s%s", folder, name);
    const clade_array *a = clade_safetensors_find(goldens, key);
    ck_assert_msg(a != NULL, "no golden %s", key);
    return a;
}

static void agree(clade_tensor *t, const char *folder, const char *name, double allowed)
{
    const clade_array *a = golden_array(folder, name);
    const double *expected = a->data;
    double got[32];
    float narrow[32];
    ck_assert_msg(t != NULL, "%s: %s", name, clade_last_error()->message);
    bool wide = clade_tensor_dtype(t) == CLADE_F64;
    size_t numel = (size_t)clade_tensor_numel(t);
    ok(clade_tensor_read(t, wide ? (void *)got : narrow, numel * (wide ? 8 : 4)));
    for (size_t i = 0; i < numel && !wide; i++)
        got[i] = (double)narrow[i];
    for (int64_t i = 0; i < clade_shape_numel(&a->shape); i++)
        ck_assert_msg(fabs(got[i] - expected[i]) <= allowed, "%s%s: element %d is %.12g, not %.12g",
                      folder, name, (int)i, got[i], expected[i]);
}

static clade_tensor *network(void *user, clade_tensor *const *t, int count)
{
    (void)user, (void)count;
    clade_tensor *h = clade_tanh(clade_linear(t[INPUT], t[W1], t[B1]));
    return clade_linear_no_bias(clade_layer_norm(h, t[SCALE], t[SHIFT], 1, 0.01), t[W2]);
}

static void compare_with_torch(clade_tensor *const *t, clade_tensor *labels, bool checkpointed,
                               double allowed)
{
    const int rows = 1;
    clade_tensor *first[2], *hessian_v, *of_penalty[5];
    clade_tensor *const about[] = {t[INPUT], t[W1]};
    ok(clade_tape_begin(ctx));
    clade_tensor *logits = checkpointed ? clade_gradient_checkpoint(network, NULL, t, VECTOR)
                                        : network(NULL, t, VECTOR);
    clade_tensor *loss = clade_cross_entropy(logits, labels, NULL);
    ok(clade_grad(first, &loss, NULL, 1, about, 2, &creates));
    agree(first[0], "", "input_grad", allowed);
    clade_tensor *lengths = clade_norm(first[0], 2, &rows, 1, false);
    clade_tensor *penalty = clade_mean(clade_square(clade_add_scalar(lengths, -1)), NULL, 0, false);
    agree(penalty, "", "penalty", allowed);
    clade_tensor *both = clade_add(loss, penalty);
    ok(clade_grad(of_penalty, &both, NULL, 1, t + W1, 5, &retains));
    for (int i = 0; i < 5; i++)
        agree(of_penalty[i], "of_penalty/", given_names[W1 + i], allowed);
    ok(clade_grad(&hessian_v, &first[1], &t[VECTOR], 1, &t[W1], 1, NULL));
    agree(hessian_v, "", "hessian_v", allowed);
    ok(clade_tape_end(ctx));
}

START_TEST(second_derivatives_are_those_of_pytorch)
{
    clade_tensor *labels, *t[GIVEN];
    ok(clade_tape_end(ctx));
    goldens = open_goldens("autograd");
    ok(clade_tensor_from_host(&labels, ctx, CLADE_I32, CLADE_SHAPE(4),
                              (const int32_t[]){0, 1, 1, 0}));
    clade_dtype last = clade_context_device(ctx)->has_f64 ? CLADE_F64 : CLADE_F32;
    for (clade_dtype dtype = CLADE_F32; dtype <= last; dtype++) {
        for (int i = 0; i < GIVEN; i++) {
            const clade_array *a = golden_array("in/", given_names[i]);
            float narrow[32];
            for (int64_t k = 0; k < clade_shape_numel(&a->shape); k++)
                narrow[k] = (float)((const double *)a->data)[k];
            ok(clade_tensor_from_host(&t[i], ctx, dtype, a->shape,
                                      dtype == CLADE_F64 ? a->data : narrow));
            ok(clade_tensor_set_requires_grad(t[i], i != VECTOR));
        }
        for (int checkpointed = 0; checkpointed < 2; checkpointed++)
            compare_with_torch(t, labels, checkpointed, dtype == CLADE_F64 ? 1e-12 : 2e-5);
        for (int i = 0; i < GIVEN; i++)
            clade_tensor_free(&t[i]);
    }
    clade_tensor_free(&labels);
    clade_safetensors_free(&goldens);
    ok(clade_tape_begin(ctx));
}
END_TEST

/* --- memory ----------------------------------------------------------------------------------- */
static clade_tensor *keep(void *user, clade_tensor *grad)
{
    (void)user;
    return clade_neg(grad);
}

/* Two gradients, one of the other, with a hook on the way. */
static clade_status penalty(void)
{
    CLADE_TRY(clade_tape_begin(ctx));
    clade_tensor *h = clade_softmax(clade_matmul(x, y), 0), *loss = total(clade_matmul(h, h));
    clade_tensor *inputs[] = {x, y}, *g[2] = {NULL, NULL};
    clade_status status = h ? clade_tensor_register_hook(h, keep, NULL, NULL) : CLADE_OK;
    if (status == CLADE_OK)
        status =
            loss ? clade_grad(g, &loss, NULL, 1, inputs, 2, &creates) : clade_last_error()->status;
    if (status == CLADE_OK)
        status = clade_backward(total(clade_matmul(g[0], g[1])));
    ok(clade_tape_end(ctx));
    return status;
}

START_TEST(every_failing_allocation_is_survived)
{
    clade_memory_stats before, after;
    float expected[4], got[4];
    ok(clade_tape_end(ctx));
    ok(penalty());
    ok(clade_tensor_read(clade_tensor_grad(x), expected, sizeof expected));
    ok(clade_context_memory(ctx, &before));
    long n = 1;
    for (clade_status status = CLADE_ERR_OUT_OF_MEMORY; status != CLADE_OK; n++) {
        ok(clade_tensor_set_grad(x, NULL));
        ok(clade_tensor_set_grad(y, NULL));
        clade_alloc_fail_after(n);
        status = penalty();
        clade_alloc_fail_after(0);
        ck_assert_msg(status == CLADE_OK || status == CLADE_ERR_OUT_OF_MEMORY, "allocation %ld: %s",
                      n, clade_last_error()->message);
    }
    ck_assert_int_gt(n, 60);
    ok(clade_tensor_read(clade_tensor_grad(x), got, sizeof got));
    ck_assert_mem_eq(got, expected, sizeof got);
    ok(clade_context_memory(ctx, &after));
    ck_assert_uint_eq(after.live_bytes, before.live_bytes);
    ok(clade_tape_begin(ctx));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_retained_record_serves_again,
                                  backward_with_takes_a_seed,
                                  gradients_accumulate_over_tapes,
                                  grad_leaves_the_leaves_alone,
                                  grad_takes_several_outputs_and_seeds,
                                  grad_goes_only_where_it_was_asked,
                                  an_unused_input_is_an_error_or_null,
                                  grad_refuses_what_makes_no_sense,
                                  gradients_have_gradients,
                                  a_penalty_on_a_gradient_is_differentiated,
                                  backward_may_create_a_graph,
                                  a_missing_second_derivative_is_a_status,
                                  an_op_may_be_recomputed_for_a_graph,
                                  no_gradient_flows_through_a_detached_tensor,
                                  writing_through_views_is_noticed,
                                  steps_replay_gradients_of_gradients,
                                  gradgradcheck_checks_second_derivatives,
                                  second_derivatives_are_those_of_pytorch,
                                  every_failing_allocation_is_survived};
    return run_suite_with("autograd", tests, sizeof tests / sizeof tests[0], open_tape, close_tape);
}

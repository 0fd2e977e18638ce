/* Ops of the user's own: values, gradients, views, steps, and all that can be wrong with them. */
#include <math.h>

#include "tensor_testing.h"

/* y = k * w * x^power, w broadcast along the last dimension. */
static const char scaled[] =
    "kernel void scaled(global T *y, int y0, int8 yd, const global T *x, int x0, int8 xd,\n"
    "                   const global T *w, int w0, int8 wd, int n, T k, int power)\n"
    "{\n"
    "    int i = get_global_id(0);\n"
    "    if (i >= n)\n"
    "        return;\n"
    "    T v = k * w[w0 + i % wd.s0];\n"
    "    for (int p = 0; p < power; p++)\n"
    "        v *= x[x0 + i];\n"
    "    y[y0 + i] = v;\n"
    "}\n"
    "kernel void scaled_x(global T *gx, int gx0, int8 gxd, const global T *g, int g0, int8 gd,\n"
    "                     const global T *x, int x0, int8 xd, const global T *w, int w0, int8 wd,\n"
    "                     const global T *y, int y0, int8 yd, int n, T k, int power)\n"
    "{\n"
    "    int i = get_global_id(0);\n"
    "    if (i < n)\n"
    "        gx[gx0 + i] = g[g0 + i] * power * y[y0 + i] / x[x0 + i];\n"
    "}\n"
    "kernel void scaled_w(global T *gw, int gw0, int8 gwd, const global T *g, int g0, int8 gd,\n"
    "                     const global T *x, int x0, int8 xd, const global T *w, int w0, int8 wd,\n"
    "                     const global T *y, int y0, int8 yd, int n, T k, int power)\n"
    "{\n"
    "    int j = get_global_id(0);\n"
    "    T sum = 0;\n"
    "    for (int row = 0; row < yd.s1 && j < n; row++)\n"
    "        sum += g[g0 + row * n + j] * y[y0 + row * n + j] / w[w0 + j];\n"
    "    if (j < n)\n"
    "        gw[gw0 + j] = sum;\n"
    "}\n";

static clade_custom_params scaled_params(void)
{
    return (clade_custom_params){.name = "scaled",
                                 .source = scaled,
                                 .inputs = 2,
                                 .reals = 1,
                                 .integers = 1,
                                 .forward = "scaled",
                                 .backward = {"scaled_x", "scaled_w"}};
}

static clade_custom_op *made(clade_custom_params params)
{
    clade_custom_op *op = NULL;
    ok(clade_custom_create(&op, ctx, &params));
    return op;
}

static const clade_custom_attrs half_squared = {{0.5}, {2}};

static clade_tensor *apply_scaled(void *op, clade_tensor *const *in, int count)
{
    return clade_custom(op, in, count, &half_squared);
}

static void reads(const clade_tensor *t, const float *expected, int count)
{
    float got[16];
    ck_assert_msg(t != NULL, "%s", clade_last_error()->message);
    ok(clade_tensor_read(t, got, (size_t)count * sizeof *got));
    for (int i = 0; i < count; i++)
        ck_assert_msg(got[i] == expected[i], "element %d is %.9g, not %.9g", i, (double)got[i],
                      (double)expected[i]);
}

static const float xs[] = {1, 2, 3, 4, 5, 6}, ws[] = {2, 4, 6};

START_TEST(values_and_views)
{
    clade_custom_op *op = made(scaled_params());
    clade_tensor *x = lent(CLADE_F32, CLADE_SHAPE(2, 3), xs);
    clade_tensor *w = lent(CLADE_F32, CLADE_SHAPE(3), ws);
    reads(apply_scaled(op, (clade_tensor *[]){x, w}, 2), (const float[]){1, 8, 27, 16, 50, 108}, 6);
    clade_tensor *second = clade_slice(x, 0, 1, 2, 1); /* an offset, and no gap */
    reads(apply_scaled(op, (clade_tensor *[]){second, w}, 2), (const float[]){16, 50, 108}, 3);
    clade_tensor *turned = clade_transpose(lent(CLADE_F32, CLADE_SHAPE(3, 2), xs), 0, 1);
    reads(apply_scaled(op, (clade_tensor *[]){turned, w}, 2),
          (const float[]){1, 18, 75, 4, 32, 108}, 6);
    clade_tensor *none = lent(CLADE_F32, CLADE_SHAPE(0, 3), xs);
    clade_tensor *halves[] = {clade_cast(x, CLADE_BF16), clade_cast(w, CLADE_BF16)};
    clade_tensor *rounded = apply_scaled(op, halves, 2);
    ck_assert_ptr_nonnull(rounded);
    ck_assert_int_eq(clade_tensor_dtype(rounded), CLADE_BF16);
    reads(clade_cast(rounded, CLADE_F32), (const float[]){1, 8, 27, 16, 50, 108}, 6);
    ck_assert_int_eq(clade_tensor_numel(apply_scaled(op, (clade_tensor *[]){none, w}, 2)), 0);
    clade_custom_free(&op);
    ck_assert_ptr_null(op);
    clade_custom_free(&op);
    clade_custom_free(NULL);
}
END_TEST

static clade_tensor *leaf(clade_dtype dtype, clade_shape shape, const void *data)
{
    clade_tensor *t;
    ok(clade_tensor_from_host(&t, ctx, dtype, shape, data));
    ok(clade_tensor_set_requires_grad(t, true));
    return t;
}

START_TEST(gradients_stand_the_check)
{
    static const double x[] = {1, 2, -3, 4, 0.5, -6}, w[] = {2, -4, 6};
    if (!clade_context_device(ctx)->has_f64)
        return; /* no gradient check */
    clade_custom_op *op = made(scaled_params());
    clade_tensor *in[] = {leaf(CLADE_F64, CLADE_SHAPE(2, 3), x),
                          leaf(CLADE_F64, CLADE_SHAPE(3), w)};
    ok(clade_gradcheck(apply_scaled, op, in, 2, NULL, NULL));
    fails(clade_gradgradcheck(apply_scaled, op, in, 2, NULL, NULL), CLADE_ERR_NO_GRADIENT,
          "scaled has no second derivative");
    clade_tensor_free(&in[0]);
    clade_tensor_free(&in[1]);
    clade_custom_free(&op);
}
END_TEST

/* --- in a step --- */

typedef struct net {
    clade_custom_op *op;
    clade_tensor *x, *w, *out;
} net;

/* Between ops that are fused, and with a temporary on each side. */
static clade_status run_net(void *user, clade_tensor *const *inputs, int count)
{
    (void)inputs, (void)count;
    net *n = user;
    clade_status st = clade_tape_begin(ctx);
    if (st != CLADE_OK)
        return st;
    clade_tensor *in[] = {clade_mul_scalar(clade_relu(n->x), 2), clade_add_scalar(n->w, 1)};
    clade_tensor *y = clade_tanh(clade_mul_scalar(apply_scaled(n->op, in, 2), 0.01));
    st = clade_backward(clade_sum(y, NULL, 0, false));
    if (st == CLADE_OK)
        st = clade_tensor_copy(n->out, y);
    return st == CLADE_OK ? clade_tape_end(ctx) : st;
}

START_TEST(a_step_replays_it_to_the_bit)
{
    clade_custom_op *op = made(scaled_params());
    net n = {op, leaf(CLADE_F32, CLADE_SHAPE(2, 3), xs), leaf(CLADE_F32, CLADE_SHAPE(3), ws), NULL};
    float eager[3][6], replayed[3][6];
    ok(clade_tensor_create(&n.out, ctx, CLADE_F32, CLADE_SHAPE(2, 3)));
    ok(run_net(&n, NULL, 0));
    clade_tensor *results[] = {n.out, clade_tensor_grad(n.x), clade_tensor_grad(n.w)};
    const size_t bytes[] = {sizeof(float[6]), sizeof(float[6]), sizeof(float[3])};
    for (int i = 0; i < 3; i++)
        ok(clade_tensor_read(results[i], eager[i], bytes[i]));
    clade_step *step;
    ok(clade_step_create(&step, ctx, run_net, &n, NULL));
    for (int run = 0; run < 4; run++) {
        ok(clade_tensor_zero_grad(n.x));
        ok(clade_tensor_zero_grad(n.w));
        ok(clade_tensor_fill(n.out, 0));
        ok(clade_step_run(step, NULL, 0));
        if (run == 1)
            clade_custom_free(&n.op); /* replays do not need it */
        for (int i = 0; i < 3; i++) {
            ok(clade_tensor_read(results[i], replayed[i], bytes[i]));
            ck_assert_msg(!memcmp(eager[i], replayed[i], bytes[i]), "result %d of run %d", i, run);
        }
    }
    clade_step_info info;
    ok(clade_step_get_info(step, &info));
    ck_assert_uint_eq(info.replays, 2);
    ck_assert_uint_lt(info.launches, info.recorded);
    clade_step_free(&step);
    clade_tensor_free(&n.x);
    clade_tensor_free(&n.w);
    clade_tensor_free(&n.out);
}
END_TEST

/* --- infer, dtypes --- */

static const char counting[] =
    "kernel void count(global int *y, int y0, int8 yd, const global uchar *m, int m0, int8 md,\n"
    "                  int rows)\n"
    "{\n"
    "    int row = get_global_id(0), sum = 0;\n"
    "    for (int i = 0; i < md.s0 && row < rows; i++)\n"
    "        sum += m[m0 + row * md.s0 + i] != 0;\n"
    "    if (row < rows)\n"
    "        y[y0 + row] = sum;\n"
    "}\n";

static clade_status count_shape(void *user, const clade_custom_attrs *attrs,
                                const clade_dtype *dtypes, const clade_shape *shapes, int count,
                                clade_dtype *dtype, clade_shape *shape)
{
    (void)attrs, (void)count;
    const int *mode = user;
    if (dtypes[0] != CLADE_U8 || shapes[0].ndim < 1)
        return CLADE_ERR_SHAPE;
    *dtype = *mode == 1 ? (clade_dtype)77 : CLADE_I32;
    shape->ndim--;
    if (*mode == 2)
        shape->dim[0] = -5;
    return CLADE_OK;
}

START_TEST(infer_decides_the_result)
{
    int mode = 0;
    clade_custom_op *op = made((clade_custom_params){.name = "count",
                                                     .source = counting,
                                                     .inputs = 1,
                                                     .forward = "count",
                                                     .infer = count_shape,
                                                     .user = &mode});
    const unsigned char mask[] = {1, 0, 2, 0, 0, 3};
    int counts[2];
    clade_tensor *m = lent(CLADE_U8, CLADE_SHAPE(2, 3), mask);
    clade_tensor *y = clade_custom(op, &m, 1, NULL);
    ck_assert_msg(y != NULL, "%s", clade_last_error()->message);
    ok(clade_tensor_read(y, counts, sizeof counts));
    ck_assert_int_eq(counts[0], 2);
    ck_assert_int_eq(counts[1], 1);
    clade_tensor *scalar = lent(CLADE_U8, clade_shape_scalar(), mask);
    null_with(clade_custom(op, &scalar, 1, NULL), CLADE_ERR_SHAPE,
              "count: refused by its infer function (CLADE_ERR_SHAPE): []");
    mode = 1;
    null_with(clade_custom(op, &m, 1, NULL), CLADE_ERR_DTYPE, "gives dtype 77");
    mode = 2;
    null_with(clade_custom(op, &m, 1, NULL), CLADE_ERR_SHAPE, "gives an impossible shape");
    clade_custom_free(&op);
}
END_TEST

/* --- errors --- */

START_TEST(mistakes_in_kernels_are_named)
{
    clade_custom_op *op;
    clade_custom_params params = scaled_params();
    params.source = "kernel void scaled(global T *y)\n{\n    y[0] = nonsense;\n}\n";
    fails(clade_custom_create(&op, ctx, &params), CLADE_ERR_BUILD, "nonsense");
    ck_assert_msg(strstr(clade_last_error()->message, "scaled_") != NULL, "%s",
                  clade_last_error()->message);
    ck_assert_ptr_null(op);
    params = scaled_params();
    params.forward = "scald";
    fails(clade_custom_create(&op, ctx, &params), CLADE_ERR_BUILD,
          "scaled: the source has no kernel \"scald\"");
    params = scaled_params();
    params.reals = 2; /* one argument more than the kernel has */
    op = made(params);
    clade_tensor *in[] = {lent(CLADE_F32, CLADE_SHAPE(2, 3), xs),
                          lent(CLADE_F32, CLADE_SHAPE(3), ws)};
    null_with(apply_scaled(op, in, 2), CLADE_ERR_OPENCL, "scaled");
    clade_custom_free(&op);
}
END_TEST

START_TEST(misuse_is_refused)
{
    clade_custom_op *op;
    clade_custom_params params = scaled_params();
    fails(clade_custom_create(NULL, ctx, &params), CLADE_ERR_ARGUMENT, "out is NULL");
    fails(clade_custom_create(&op, NULL, &params), CLADE_ERR_ARGUMENT, "ctx is NULL");
    fails(clade_custom_create(&op, ctx, NULL), CLADE_ERR_ARGUMENT, "params is NULL");
    params.source = NULL;
    fails(clade_custom_create(&op, ctx, &params), CLADE_ERR_ARGUMENT, "source is NULL");
    params = scaled_params();
    params.name = "my op";
    fails(clade_custom_create(&op, ctx, &params), CLADE_ERR_ARGUMENT, "\"my op\" is no name");
    params = scaled_params();
    params.backward[0] = "-D";
    fails(clade_custom_create(&op, ctx, &params), CLADE_ERR_ARGUMENT, "\"-D\" is no kernel's name");
    params = scaled_params();
    params.inputs = 9;
    fails(clade_custom_create(&op, ctx, &params), CLADE_ERR_ARGUMENT, "9 inputs");

    op = made(scaled_params());
    clade_tensor *in[] = {lent(CLADE_F32, CLADE_SHAPE(2, 3), xs), NULL};
    null_with(clade_custom(op, in, 1, NULL), CLADE_ERR_ARGUMENT, "scaled: 1 inputs given, 2 taken");
    null_with(clade_custom(op, in, 2, NULL), CLADE_ERR_ARGUMENT, "is NULL");
    null_with(clade_custom(NULL, in, 2, NULL), CLADE_ERR_ARGUMENT, "op is NULL");
    null_with(clade_custom(op, NULL, 2, NULL), CLADE_ERR_ARGUMENT, "inputs is NULL");
    clade_custom_free(&op);
}
END_TEST

START_TEST(a_missing_gradient_is_a_status)
{
    clade_custom_params params = scaled_params();
    params.backward[1] = NULL;
    clade_custom_op *op = made(params);
    clade_tensor *in[] = {leaf(CLADE_F32, CLADE_SHAPE(2, 3), xs),
                          leaf(CLADE_F32, CLADE_SHAPE(3), ws)};
    ok(clade_tape_begin(ctx));
    char *text;
    clade_tensor *loss = clade_sum(apply_scaled(op, in, 2), NULL, 0, false);
    ok(clade_tape_print(ctx, &text));
    ck_assert_msg(strstr(text, "scaled       [2,3] [3] -> [2,3]") != NULL, "%s", text);
    clade_string_free(&text);
    fails(clade_backward(loss), CLADE_ERR_NO_GRADIENT, "scaled: no gradient flows to input 1");
    ok(clade_tape_end(ctx));
    clade_tensor_free(&in[0]);
    clade_tensor_free(&in[1]);
    clade_custom_free(&op);
}
END_TEST

START_TEST(memory_may_run_out_anywhere)
{
    const clade_custom_params params = scaled_params();
    for (long n = 1;; n++) {
        clade_custom_op *op = NULL;
        clade_tensor *in[] = {leaf(CLADE_F32, CLADE_SHAPE(2, 3), xs),
                              leaf(CLADE_F32, CLADE_SHAPE(3), ws)};
        ok(clade_tape_begin(ctx));
        clade_alloc_fail_after(n);
        clade_status status = clade_custom_create(&op, ctx, &params);
        if (status == CLADE_OK)
            status = clade_backward(clade_sum(apply_scaled(op, in, 2), NULL, 0, false));
        clade_alloc_fail_after(0);
        ok(clade_tape_end(ctx));
        clade_custom_free(&op);
        clade_tensor_free(&in[0]);
        clade_tensor_free(&in[1]);
        if (status == CLADE_OK)
            break;
        ck_assert_int_eq(status, CLADE_ERR_OUT_OF_MEMORY);
    }
}
END_TEST

int main(void)
{
    return RUN("custom", values_and_views, gradients_stand_the_check, a_step_replays_it_to_the_bit,
               infer_decides_the_result, mistakes_in_kernels_are_named, misuse_is_refused,
               a_missing_gradient_is_a_status, memory_may_run_out_anywhere);
}

/* What the public headers say must not be done, row by row: the status, a message that names the
 * values or shapes, and afterwards everything as it was. The rules of nn.h, optim.h, step.h, data.h
 * and io.h are tested beside what they do, in the tests of those names. */
#include "tensor_testing.h"

static clade_context *elsewhere;
static clade_tensor *f6, *f23, *f32, *i23, *u23, *labels, *foreign; /* see make_tensors */
static uint64_t live_bytes;

static uint64_t live(void)
{
    clade_memory_stats stats;
    ok(clade_context_memory(ctx, &stats));
    return stats.live_bytes;
}

static const float floats[6] = {0, 1, 2, 3, 4, 5};
static const int32_t ints[6] = {0, 1, 2, 3, 4, 5};
static const uint8_t bytes[6] = {0, 1, 2, 3, 4, 5};

static void make_tensors(void)
{
    setup();
    ok(clade_context_create(&elsewhere, NULL));
    ok(clade_tensor_from_host(&f6, ctx, CLADE_F32, CLADE_SHAPE(6), floats));
    ok(clade_tensor_from_host(&f23, ctx, CLADE_F32, CLADE_SHAPE(2, 3), floats));
    ok(clade_tensor_from_host(&f32, ctx, CLADE_F32, CLADE_SHAPE(3, 2), floats));
    ok(clade_tensor_from_host(&i23, ctx, CLADE_I32, CLADE_SHAPE(2, 3), ints));
    ok(clade_tensor_from_host(&u23, ctx, CLADE_U8, CLADE_SHAPE(2, 3), bytes));
    ok(clade_tensor_from_host(&labels, ctx, CLADE_I32, CLADE_SHAPE(2), ints));
    ok(clade_tensor_from_host(&foreign, elsewhere, CLADE_F32, CLADE_SHAPE(2, 3), floats));
    live_bytes = live();
}

static void check_tensor(clade_tensor *t, int ndim, const void *expected)
{
    unsigned char got[sizeof floats];
    size_t size = (size_t)clade_tensor_numel(t) * clade_dtype_size(clade_tensor_dtype(t));
    ck_assert_int_eq(clade_tensor_ndim(t), ndim);
    ok(clade_tensor_read(t, got, size));
    ck_assert_mem_eq(got, expected, size);
    ck_assert(!clade_tensor_requires_grad(t) && !clade_tensor_grad(t));
}

static void free_tensors(void)
{
    ck_assert_uint_eq(clade_tape_length(ctx), 0);
    check_tensor(f6, 1, floats);
    check_tensor(f23, 2, floats);
    check_tensor(f32, 2, floats);
    check_tensor(i23, 2, ints);
    check_tensor(u23, 2, bytes);
    check_tensor(labels, 1, ints);
    check_tensor(foreign, 2, floats);
    ck_assert_uint_eq(live(), live_bytes);
    clade_tensor *const all[] = {f6, f23, f32, i23, u23, labels, foreign};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        clade_tensor *t = all[i];
        clade_tensor_free(&t);
    }
    clade_context_free(&elsewhere);
    teardown();
}

static void check_error(const char *call, clade_status status, const char *const *parts)
{
    const clade_error *error = clade_last_error();
    ck_assert_msg(error->status == status, "%s: %s: %s", call, clade_status_name(error->status),
                  error->message);
    for (; *parts; parts++)
        ck_assert_msg(strstr(error->message, *parts) != NULL, "%s: \"%s\" lacks \"%s\"", call,
                      error->message, *parts);
    ck_assert_msg(!strchr(error->message, '\n'), "%s: more than a line", call);
}

/* A call that computes, refused; the message holds all the parts. */
#define NULLS(call, status, ...)                                                                   \
    do {                                                                                           \
        clade_error_clear();                                                                       \
        ck_assert_msg((call) == NULL, "%s is accepted", #call);                                    \
        check_error(#call, (status), (const char *const[]){__VA_ARGS__, NULL});                    \
    } while (0)

/* A call that does, refused. */
#define FAILS(call, status, ...)                                                                   \
    do {                                                                                           \
        clade_error_clear();                                                                       \
        clade_status status_ = (call);                                                             \
        ck_assert_msg(status_ == (status), "%s: %s", #call, clade_status_name(status_));           \
        check_error(#call, (status), (const char *const[]){__VA_ARGS__, NULL});                    \
    } while (0)

/* --- context.h --- */

START_TEST(contexts)
{
    clade_context *none = NULL;
    clade_memory_stats stats;
    size_t n = 0;
    clade_device_info *list = NULL;
    FAILS(clade_context_create(NULL, NULL), CLADE_ERR_ARGUMENT, "out is NULL");
    FAILS(clade_context_create(&none, &(clade_context_params){.device = "no such device"}),
          CLADE_ERR_NO_DEVICE, "\"no such device\"", clade_context_device(ctx)->name);
    FAILS(clade_context_create(&none, &(clade_context_params){.device = "99:0"}),
          CLADE_ERR_NO_DEVICE, "\"99:0\"", clade_context_device(ctx)->name);
    ck_assert_ptr_null(none);
    FAILS(clade_device_list(NULL, &n), CLADE_ERR_ARGUMENT, "device_list", "NULL");
    FAILS(clade_device_list(&list, NULL), CLADE_ERR_ARGUMENT, "device_list", "NULL");
    FAILS(clade_device_select(NULL, 1, NULL, &n), CLADE_ERR_ARGUMENT, "NULL");
    FAILS(clade_device_select(NULL, 0, NULL, NULL), CLADE_ERR_ARGUMENT, "NULL");
    FAILS(clade_device_select(NULL, 0, "gpu", &n), CLADE_ERR_NO_DEVICE, "no OpenCL device");
    FAILS(clade_context_finish(NULL), CLADE_ERR_ARGUMENT, "ctx is NULL");
    FAILS(clade_manual_seed(NULL, 1), CLADE_ERR_ARGUMENT, "ctx is NULL");
    FAILS(clade_context_memory(NULL, &stats), CLADE_ERR_ARGUMENT, "ctx is NULL");
    FAILS(clade_context_memory(ctx, NULL), CLADE_ERR_ARGUMENT, "out is NULL");
    FAILS(clade_context_trim(NULL), CLADE_ERR_ARGUMENT, "ctx is NULL");
}
END_TEST

/* --- tensor.h --- */

START_TEST(making_tensors)
{
    clade_tensor *t = NULL;
    FAILS(clade_tensor_create(NULL, ctx, CLADE_F32, CLADE_SHAPE(1)), CLADE_ERR_ARGUMENT,
          "out is NULL");
    FAILS(clade_tensor_create(&t, NULL, CLADE_F32, CLADE_SHAPE(1)), CLADE_ERR_ARGUMENT,
          "ctx is NULL");
    FAILS(clade_tensor_create(&t, ctx, (clade_dtype)7, CLADE_SHAPE(1)), CLADE_ERR_DTYPE,
          "7 is no dtype");
    FAILS(clade_tensor_create(&t, ctx, CLADE_F32, CLADE_SHAPE(2, -3)), CLADE_ERR_SHAPE, "[2,-3]");
    FAILS(clade_tensor_create(&t, ctx, CLADE_F32, CLADE_SHAPE(65536, 65536)), CLADE_ERR_SHAPE,
          "[65536,65536]", "2^31");
    FAILS(clade_tensor_create(&t, ctx, CLADE_F32, CLADE_SHAPE(1, 1, 1, 1, 1, 1, 1, 1, 1)),
          CLADE_ERR_SHAPE, "9 dimensions");
    uint64_t largest = clade_context_device(ctx)->largest_allocation_bytes;
    if (largest < 4 * (uint64_t)INT32_MAX)
        FAILS(clade_tensor_create(&t, ctx, CLADE_F32, CLADE_SHAPE(INT32_MAX)),
              CLADE_ERR_OUT_OF_MEMORY, "8589934588 bytes");
    if (!clade_context_device(ctx)->has_f64)
        FAILS(clade_tensor_create(&t, ctx, CLADE_F64, CLADE_SHAPE(1)), CLADE_ERR_UNSUPPORTED, "f64",
              clade_context_device(ctx)->name);
    FAILS(clade_tensor_from_host(&t, ctx, CLADE_F32, CLADE_SHAPE(6), NULL), CLADE_ERR_ARGUMENT,
          "data is NULL");
    FAILS(clade_tensor_from_host(NULL, ctx, CLADE_F32, CLADE_SHAPE(6), floats), CLADE_ERR_ARGUMENT,
          "out is NULL");
    FAILS(clade_tensor_from_host(&t, NULL, CLADE_F32, CLADE_SHAPE(6), floats), CLADE_ERR_ARGUMENT,
          "ctx is NULL");
    FAILS(clade_tensor_from_host(&t, ctx, CLADE_F32, CLADE_SHAPE(-6), floats), CLADE_ERR_SHAPE,
          "[-6]");
    ck_assert_ptr_null(t);
}
END_TEST

START_TEST(transfers)
{
    float buffer[6] = {9, 9, 9, 9, 9, 9};
    double value = 9;
    FAILS(clade_tensor_write(NULL, buffer, 24), CLADE_ERR_ARGUMENT, "tensor_write", "NULL");
    FAILS(clade_tensor_write(f23, NULL, 24), CLADE_ERR_ARGUMENT, "data is NULL");
    FAILS(clade_tensor_write(f23, buffer, 23), CLADE_ERR_ARGUMENT, "23 bytes", "[2,3]", "24");
    FAILS(clade_tensor_write(f23, buffer, 25), CLADE_ERR_ARGUMENT, "25 bytes");
    FAILS(clade_tensor_read(NULL, buffer, 24), CLADE_ERR_ARGUMENT, "tensor_read", "NULL");
    FAILS(clade_tensor_read(f23, NULL, 24), CLADE_ERR_ARGUMENT, "data is NULL");
    FAILS(clade_tensor_read(f23, buffer, 0), CLADE_ERR_ARGUMENT, "0 bytes", "f32", "[2,3]", "24");
    FAILS(clade_tensor_item(NULL, &value), CLADE_ERR_ARGUMENT, "NULL");
    FAILS(clade_tensor_item(f23, NULL), CLADE_ERR_ARGUMENT, "out is NULL");
    FAILS(clade_tensor_item(f23, &value), CLADE_ERR_SHAPE, "[2,3]", "6 elements");
    ck_assert(value == 9 && buffer[0] == 9);
    FAILS(clade_tensor_copy(NULL, f23), CLADE_ERR_ARGUMENT, "dst is NULL");
    FAILS(clade_tensor_copy(f23, NULL), CLADE_ERR_ARGUMENT, "src is NULL");
    FAILS(clade_tensor_copy(f23, f6), CLADE_ERR_SHAPE, "[6]", "[2,3]");
    FAILS(clade_tensor_copy(f6, f23), CLADE_ERR_SHAPE, "[2,3]", "[6]");
    FAILS(clade_tensor_copy(f23, foreign), CLADE_ERR_ARGUMENT, "contexts");
    FAILS(clade_tensor_fill(NULL, 1), CLADE_ERR_ARGUMENT, "tensor_fill", "NULL");
    ok(clade_scope_begin(ctx));
    clade_tensor *wide = clade_expand(f23, CLADE_SHAPE(2, 2, 3));
    FAILS(clade_tensor_write(wide, buffer, 48), CLADE_ERR_ARGUMENT, "[2,2,3]", "expanded");
    FAILS(clade_tensor_copy(wide, f23), CLADE_ERR_ARGUMENT, "[2,2,3]", "expanded");
    FAILS(clade_tensor_fill(wide, 1), CLADE_ERR_ARGUMENT, "[2,2,3]", "expanded");
    ok(clade_scope_end(ctx));
}
END_TEST

START_TEST(scopes)
{
    FAILS(clade_scope_begin(NULL), CLADE_ERR_ARGUMENT, "ctx is NULL");
    FAILS(clade_scope_end(NULL), CLADE_ERR_ARGUMENT, "ctx is NULL");
    ok(clade_scope_end(ctx));
    FAILS(clade_scope_end(ctx), CLADE_ERR_STATE, "no scope is open");
    NULLS(clade_exp(f23), CLADE_ERR_STATE, "exp", "scope");
    NULLS(clade_reshape(f23, CLADE_SHAPE(6)), CLADE_ERR_STATE, "reshape", "scope");
    NULLS(clade_full(ctx, CLADE_F32, CLADE_SHAPE(6), 0), CLADE_ERR_STATE, "full", "scope");
    ok(clade_tape_begin(ctx));
    FAILS(clade_scope_end(ctx), CLADE_ERR_STATE, "clade_tape_end");
    ok(clade_tape_end(ctx));
    ok(clade_scope_begin(ctx));
}
END_TEST

/* --- ops.h: what all ops share --- */

static clade_tensor *mul_scalar(clade_tensor *x)
{
    return clade_mul_scalar(x, 2);
}

static clade_tensor *clamp(clade_tensor *x)
{
    return clade_clamp(x, 0, 1);
}

static clade_tensor *pow_scalar(clade_tensor *x)
{
    return clade_pow_scalar(x, 2);
}

static clade_tensor *leaky_relu(clade_tensor *x)
{
    return clade_leaky_relu(x, 0.1);
}

static clade_tensor *mean(clade_tensor *x)
{
    return clade_mean(x, NULL, 0, false);
}

static clade_tensor *sum(clade_tensor *x)
{
    return clade_sum(x, NULL, 0, false);
}

static clade_tensor *softmax(clade_tensor *x)
{
    return clade_softmax(x, -1);
}

static clade_tensor *log_softmax(clade_tensor *x)
{
    return clade_log_softmax(x, -1);
}

static clade_tensor *mse_loss(clade_tensor *a, clade_tensor *b)
{
    return clade_mse_loss(a, b, CLADE_REDUCTION_MEAN);
}

/* clang-format off */
#define ANY(name)    {#name, clade_##name, true}
#define FLOATS(name) {#name, clade_##name, false}

static const struct {
    const char *name;
    clade_tensor *(*op)(clade_tensor *);
    bool any_dtype;
} unary[] = {
    ANY(neg), ANY(abs), ANY(square), ANY(sign), ANY(logical_not),
    FLOATS(exp), FLOATS(log), FLOATS(sqrt), FLOATS(relu), FLOATS(sigmoid), FLOATS(tanh),
    FLOATS(gelu), FLOATS(silu), FLOATS(softplus), FLOATS(sin), FLOATS(cos), FLOATS(tan),
    FLOATS(asin), FLOATS(acos), FLOATS(atan), FLOATS(sinh), FLOATS(cosh), FLOATS(erf), FLOATS(erfc),
    FLOATS(exp2), FLOATS(expm1), FLOATS(log2), FLOATS(log10), FLOATS(log1p), FLOATS(rsqrt),
    FLOATS(reciprocal), FLOATS(floor), FLOATS(ceil), FLOATS(round), FLOATS(trunc), FLOATS(isnan),
    FLOATS(isinf), FLOATS(isfinite), FLOATS(gelu_tanh), FLOATS(selu), FLOATS(mish),
    FLOATS(softsign), FLOATS(logsigmoid), FLOATS(hardsigmoid), FLOATS(hardswish),
    {"mul_scalar", mul_scalar, true},
    {"clamp", clamp, true},
    {"pow_scalar", pow_scalar, false},
    {"leaky_relu", leaky_relu, false},
    {"sum", sum, true},
    {"mean", mean, false},
    {"softmax", softmax, false},
    {"log_softmax", log_softmax, false},
    {"contiguous", clade_contiguous, true},
};
/* clang-format on */

START_TEST(one_input)
{
    for (size_t i = 0; i < sizeof unary / sizeof *unary; i++) {
        NULLS(unary[i].op(NULL), CLADE_ERR_ARGUMENT, unary[i].name, "NULL");
        if (!unary[i].any_dtype) {
            NULLS(unary[i].op(i23), CLADE_ERR_DTYPE, unary[i].name, "i32");
            NULLS(unary[i].op(u23), CLADE_ERR_DTYPE, unary[i].name, "u8");
        }
        ok(clade_scope_end(ctx));
        NULLS(unary[i].op(f23), CLADE_ERR_STATE, unary[i].name, "scope");
        ok(clade_scope_begin(ctx));
    }
}
END_TEST

/* clang-format off */
static const struct {
    const char *name;
    clade_tensor *(*op)(clade_tensor *, clade_tensor *);
    bool any_dtype;
} binary[] = {
    ANY(add), ANY(sub), ANY(mul), ANY(maximum), ANY(minimum), ANY(eq), ANY(ne), ANY(lt), ANY(le),
    ANY(gt), ANY(ge), ANY(logical_and), ANY(logical_or), ANY(logical_xor), FLOATS(div), FLOATS(pow),
    FLOATS(atan2), FLOATS(hypot), FLOATS(fmod), FLOATS(remainder), {"mse_loss", mse_loss, false},
};
/* clang-format on */

START_TEST(two_inputs)
{
    for (size_t i = 0; i < sizeof binary / sizeof *binary; i++) {
        const char *name = binary[i].name;
        NULLS(binary[i].op(NULL, f23), CLADE_ERR_ARGUMENT, name, "NULL");
        NULLS(binary[i].op(f23, NULL), CLADE_ERR_ARGUMENT, name, "NULL");
        NULLS(binary[i].op(f23, f32), CLADE_ERR_SHAPE, name, "[2,3]", "[3,2]");
        NULLS(binary[i].op(f6, f23), CLADE_ERR_SHAPE, name, "[6]", "[2,3]");
        NULLS(binary[i].op(f23, i23), CLADE_ERR_DTYPE, name, "f32", "i32", "[2,3]");
        NULLS(binary[i].op(f23, foreign), CLADE_ERR_ARGUMENT, name, "contexts");
        if (!binary[i].any_dtype)
            NULLS(binary[i].op(i23, i23), CLADE_ERR_DTYPE, name, "i32");
    }
}
END_TEST

START_TEST(the_first_cause_stays)
{
    clade_error_clear();
    clade_tensor *bad = clade_matmul(f23, f23);
    clade_tensor *chain = clade_mean(clade_relu(clade_add(bad, f23)), NULL, 0, false);
    ck_assert_ptr_null(chain);
    check_error("chain", CLADE_ERR_SHAPE, (const char *const[]){"matmul", "[2,3] x [2,3]", NULL});
    ck_assert_int_eq(clade_backward(chain), CLADE_ERR_SHAPE);
    check_error("backward", CLADE_ERR_SHAPE, (const char *const[]){"[2,3] x [2,3]", NULL});
}
END_TEST

/* --- ops.h: op by op --- */

START_TEST(creation)
{
    const clade_shape two = CLADE_SHAPE(2), negative = CLADE_SHAPE(2, -1);
    NULLS(clade_full(NULL, CLADE_F32, two, 0), CLADE_ERR_ARGUMENT, "full", "ctx is NULL");
    NULLS(clade_full(ctx, (clade_dtype)CLADE_DTYPE_COUNT, two, 0), CLADE_ERR_DTYPE, "full",
          "no dtype");
    NULLS(clade_full(ctx, CLADE_F32, negative, 0), CLADE_ERR_SHAPE, "full", "[2,-1]");
    NULLS(clade_uniform(NULL, CLADE_F32, two, 0, 1), CLADE_ERR_ARGUMENT, "ctx is NULL");
    NULLS(clade_uniform(ctx, CLADE_I32, two, 0, 1), CLADE_ERR_DTYPE, "uniform", "i32");
    NULLS(clade_uniform(ctx, CLADE_F32, negative, 0, 1), CLADE_ERR_SHAPE, "[2,-1]");
    NULLS(clade_uniform(ctx, CLADE_F32, two, 2, 1), CLADE_ERR_ARGUMENT, "[2,1)");
    NULLS(clade_normal(NULL, CLADE_F32, two, 0, 1), CLADE_ERR_ARGUMENT, "ctx is NULL");
    NULLS(clade_normal(ctx, CLADE_U8, two, 0, 1), CLADE_ERR_DTYPE, "normal", "u8");
    NULLS(clade_normal(ctx, CLADE_F32, negative, 0, 1), CLADE_ERR_SHAPE, "[2,-1]");
    NULLS(clade_normal(ctx, CLADE_F32, two, 0, -1), CLADE_ERR_ARGUMENT, "-1");
    NULLS(clade_cast(f23, (clade_dtype)6), CLADE_ERR_DTYPE, "cast", "6");
    NULLS(clade_cast(NULL, CLADE_F32), CLADE_ERR_ARGUMENT, "cast", "NULL");
    if (!clade_context_device(ctx)->has_f64) {
        NULLS(clade_full(ctx, CLADE_F64, two, 0), CLADE_ERR_UNSUPPORTED, "f64");
        NULLS(clade_cast(f23, CLADE_F64), CLADE_ERR_UNSUPPORTED, "f64");
    }
}
END_TEST

START_TEST(where)
{
    NULLS(clade_where(f23, f23, f23), CLADE_ERR_DTYPE, "where", "f32", "u8");
    NULLS(clade_where(u23, f23, i23), CLADE_ERR_DTYPE, "where", "f32", "i32");
    NULLS(clade_where(u23, f32, f32), CLADE_ERR_SHAPE, "where", "[2,3]", "[3,2]");
    NULLS(clade_where(u23, f23, f6), CLADE_ERR_SHAPE, "where", "[2,3]", "[6]");
    NULLS(clade_where(NULL, f23, f23), CLADE_ERR_ARGUMENT, "where", "NULL");
}
END_TEST

typedef clade_tensor *(*reduction)(clade_tensor *, const int *, int, bool);

START_TEST(reductions)
{
    static const reduction all[] = {clade_sum, clade_mean, clade_max, clade_min};
    static const char *const names[] = {"sum", "mean", "max", "min"};
    static const int twice[] = {1, -1}, beyond[] = {2}, before[] = {-3};
    for (int i = 0; i < 4; i++) {
        NULLS(all[i](f23, twice, 2, false), CLADE_ERR_SHAPE, names[i], "axis 1", "[2,3]");
        NULLS(all[i](f23, beyond, 1, false), CLADE_ERR_SHAPE, names[i], "axis 2", "[2,3]");
        NULLS(all[i](f23, before, 1, true), CLADE_ERR_SHAPE, names[i], "axis -3", "[2,3]");
        NULLS(all[i](f23, twice, -1, true), CLADE_ERR_ARGUMENT, names[i], "-1 axes");
        NULLS(all[i](f23, twice, 9, true), CLADE_ERR_ARGUMENT, names[i], "9 axes");
    }
    ok(clade_scope_begin(ctx));
    clade_tensor *empty = clade_full(ctx, CLADE_F32, CLADE_SHAPE(2, 0), 0);
    NULLS(clade_max(empty, NULL, 0, false), CLADE_ERR_SHAPE, "max", "[2,0]");
    NULLS(clade_min(empty, &(int){1}, 1, false), CLADE_ERR_SHAPE, "min", "[2,0]");
    NULLS(clade_argmax(empty, 1, false), CLADE_ERR_SHAPE, "argmax", "[2,0]");
    NULLS(clade_argmax(f23, 2, false), CLADE_ERR_SHAPE, "argmax", "axis 2", "[2,3]");
    NULLS(clade_softmax(f23, 2), CLADE_ERR_SHAPE, "softmax", "axis 2", "[2,3]");
    NULLS(clade_log_softmax(f23, -3), CLADE_ERR_SHAPE, "log_softmax", "axis -3", "[2,3]");
    ok(clade_scope_end(ctx));
    NULLS(clade_layer_norm(NULL, NULL, NULL, 1, 0), CLADE_ERR_ARGUMENT, "layer_norm", "NULL");
    NULLS(clade_layer_norm(i23, NULL, NULL, 1, 0), CLADE_ERR_DTYPE, "layer_norm", "i32");
    NULLS(clade_layer_norm(f23, NULL, NULL, 3, 0), CLADE_ERR_SHAPE, "last 3", "[2,3]");
    NULLS(clade_layer_norm(f23, NULL, NULL, 1, -1), CLADE_ERR_ARGUMENT, "eps -1");
    NULLS(clade_layer_norm(f23, f6, NULL, 1, 0), CLADE_ERR_SHAPE, "weight is [6]", "are [3]");
    NULLS(clade_layer_norm(f23, NULL, f6, 2, 0), CLADE_ERR_SHAPE, "bias is [6]", "are [2,3]");
    NULLS(clade_rms_norm(f23, f32, 2, 0), CLADE_ERR_SHAPE, "rms_norm", "weight is [3,2]");
    NULLS(clade_rms_norm(f23, foreign, 2, 0), CLADE_ERR_ARGUMENT, "rms_norm", "contexts");
}
END_TEST

START_TEST(matrices)
{
    NULLS(clade_matmul(f23, f23), CLADE_ERR_SHAPE, "matmul", "[2,3] x [2,3]");
    NULLS(clade_matmul(f6, f23), CLADE_ERR_SHAPE, "matmul", "[6] x [2,3]");
    NULLS(clade_matmul(i23, i23), CLADE_ERR_DTYPE, "matmul", "i32");
    NULLS(clade_matmul(f23, i23), CLADE_ERR_DTYPE, "matmul", "f32", "i32");
    NULLS(clade_matmul(f23, foreign), CLADE_ERR_ARGUMENT, "matmul", "contexts");
    NULLS(clade_matmul(NULL, f23), CLADE_ERR_ARGUMENT, "matmul", "NULL");
    NULLS(clade_linear(f23, f32, f6), CLADE_ERR_SHAPE, "linear", "[2,3]", "[3,2]");
    NULLS(clade_linear(f23, f23, f6), CLADE_ERR_SHAPE, "linear", "bias [6]", "[2,3]");
    NULLS(clade_linear(f23, f6, f6), CLADE_ERR_SHAPE, "linear", "[2,3]", "[6]");
    NULLS(clade_linear(f23, f23, NULL), CLADE_ERR_ARGUMENT, "linear", "NULL");
    NULLS(clade_linear_no_bias(f23, f32), CLADE_ERR_SHAPE, "linear_no_bias", "[2,3]", "[3,2]");
    NULLS(clade_linear_no_bias(i23, i23), CLADE_ERR_DTYPE, "linear_no_bias", "i32");
    ok(clade_scope_begin(ctx));
    clade_tensor *three = clade_full(ctx, CLADE_F32, CLADE_SHAPE(3, 2, 3), 0);
    clade_tensor *four = clade_full(ctx, CLADE_F32, CLADE_SHAPE(4, 3, 2), 0);
    NULLS(clade_matmul(three, four), CLADE_ERR_SHAPE, "[3,2,3] x [4,3,2]", "broadcast");
    ok(clade_scope_end(ctx));
}
END_TEST

START_TEST(views)
{
    static const int twice[] = {0, 0}, beyond[] = {0, 2};
    NULLS(clade_reshape(f23, CLADE_SHAPE(4)), CLADE_ERR_SHAPE, "reshape", "[2,3]", "[4]");
    NULLS(clade_reshape(f23, CLADE_SHAPE(-1, -1)), CLADE_ERR_SHAPE, "reshape", "[-1,-1]");
    NULLS(clade_reshape(f23, CLADE_SHAPE(4, -1)), CLADE_ERR_SHAPE, "reshape", "[2,3]");
    NULLS(clade_reshape(f23, CLADE_SHAPE(-2, 3)), CLADE_ERR_SHAPE, "reshape", "[-2,3]");
    NULLS(clade_reshape(f23, CLADE_SHAPE(1, 1, 1, 1, 1, 1, 1, 2, 3)), CLADE_ERR_SHAPE, "reshape");
    NULLS(clade_reshape(NULL, CLADE_SHAPE(6)), CLADE_ERR_ARGUMENT, "reshape", "NULL");
    NULLS(clade_permute(f23, NULL), CLADE_ERR_ARGUMENT, "permute", "order is NULL");
    NULLS(clade_permute(f23, twice), CLADE_ERR_SHAPE, "permute", "axis 0", "[2,3]");
    NULLS(clade_permute(f23, beyond), CLADE_ERR_SHAPE, "permute", "axis 2", "[2,3]");
    NULLS(clade_transpose(f23, 0, 2), CLADE_ERR_SHAPE, "transpose", "axis 2", "[2,3]");
    NULLS(clade_transpose(f23, -3, 0), CLADE_ERR_SHAPE, "transpose", "axis -3", "[2,3]");
    NULLS(clade_slice(f23, 2, 0, 1, 1), CLADE_ERR_SHAPE, "slice", "axis 2", "[2,3]");
    NULLS(clade_slice(f23, 0, 0, 1, 0), CLADE_ERR_ARGUMENT, "slice", "step is 0");
    NULLS(clade_slice(f23, 0, 0, 1, -1), CLADE_ERR_ARGUMENT, "slice", "step is -1");
    NULLS(clade_expand(f23, CLADE_SHAPE(4, 3)), CLADE_ERR_SHAPE, "expand", "[2,3]", "[4,3]");
    NULLS(clade_expand(f23, CLADE_SHAPE(3)), CLADE_ERR_SHAPE, "expand", "[2,3]", "[3]");
    NULLS(clade_expand(f23, CLADE_SHAPE(-1, 2, 3)), CLADE_ERR_SHAPE, "expand", "[-1,2,3]");
}
END_TEST

START_TEST(joins_and_indices)
{
    clade_tensor *many[65];
    for (int i = 0; i < 65; i++)
        many[i] = f23;
    NULLS(clade_concat(NULL, 2, 0), CLADE_ERR_ARGUMENT, "concat", "NULL");
    NULLS(clade_concat(many, 0, 0), CLADE_ERR_ARGUMENT, "concat", "0 inputs");
    NULLS(clade_concat(many, -1, 0), CLADE_ERR_ARGUMENT, "concat", "-1 inputs");
    NULLS(clade_concat(many, 65, 0), CLADE_ERR_ARGUMENT, "concat", "65 inputs");
    NULLS(clade_concat(many, 2, 2), CLADE_ERR_SHAPE, "concat", "axis 2", "[2,3]");
    many[1] = f32;
    NULLS(clade_concat(many, 2, 0), CLADE_ERR_SHAPE, "concat", "[2,3]", "[3,2]");
    many[1] = f6;
    NULLS(clade_concat(many, 2, 0), CLADE_ERR_SHAPE, "concat", "[2,3]", "[6]");
    many[1] = i23;
    NULLS(clade_concat(many, 2, 0), CLADE_ERR_DTYPE, "concat", "f32", "i32");
    many[1] = foreign;
    NULLS(clade_concat(many, 2, 0), CLADE_ERR_ARGUMENT, "concat", "contexts");
    many[1] = NULL;
    NULLS(clade_concat(many, 2, 0), CLADE_ERR_ARGUMENT, "concat", "NULL");
    NULLS(clade_index_select(f23, 2, labels), CLADE_ERR_SHAPE, "index_select", "axis 2", "[2,3]");
    NULLS(clade_index_select(f23, 0, i23), CLADE_ERR_SHAPE, "index_select", "[2,3]");
    NULLS(clade_index_select(f23, 0, f6), CLADE_ERR_DTYPE, "index_select", "f32", "i32");
    NULLS(clade_index_select(f23, 0, NULL), CLADE_ERR_ARGUMENT, "index_select", "NULL");
    NULLS(clade_gather(f23, 2, i23), CLADE_ERR_SHAPE, "gather", "axis 2", "[2,3]");
    NULLS(clade_gather(f32, 1, i23), CLADE_ERR_SHAPE, "gather", "[3,2]", "[2,3]");
    NULLS(clade_gather(f23, 1, labels), CLADE_ERR_SHAPE, "gather", "[2,3]", "[2]");
    NULLS(clade_gather(f23, 1, u23), CLADE_ERR_DTYPE, "gather", "u8", "i32");
}
END_TEST

START_TEST(losses)
{
    const clade_cross_entropy_params odd = {.reduction = (clade_reduction)3};
    NULLS(clade_cross_entropy(f23, labels, &odd), CLADE_ERR_ARGUMENT, "cross_entropy", "3");
    NULLS(clade_cross_entropy(f32, labels, NULL), CLADE_ERR_SHAPE, "[3,2]", "[2]");
    NULLS(clade_cross_entropy(f6, labels, NULL), CLADE_ERR_SHAPE, "[6]", "[2]");
    NULLS(clade_cross_entropy(f23, i23, NULL), CLADE_ERR_SHAPE, "[2,3]");
    NULLS(clade_cross_entropy(f23, f6, NULL), CLADE_ERR_DTYPE, "f32", "i32");
    NULLS(clade_cross_entropy(i23, labels, NULL), CLADE_ERR_DTYPE, "cross_entropy", "i32");
    NULLS(clade_cross_entropy(NULL, labels, NULL), CLADE_ERR_ARGUMENT, "cross_entropy", "NULL");
    NULLS(clade_cross_entropy(f23, NULL, NULL), CLADE_ERR_ARGUMENT, "cross_entropy", "NULL");
    NULLS(clade_mse_loss(f23, f23, (clade_reduction)-1), CLADE_ERR_ARGUMENT, "mse_loss", "-1");
    ok(clade_scope_begin(ctx));
    clade_tensor *none = clade_full(ctx, CLADE_F32, CLADE_SHAPE(2, 0), 0);
    NULLS(clade_cross_entropy(none, labels, NULL), CLADE_ERR_SHAPE, "no classes", "[2,0]");
    ok(clade_scope_end(ctx));
}
END_TEST

/* --- autograd.h --- */

START_TEST(leaves)
{
    FAILS(clade_tensor_set_requires_grad(NULL, true), CLADE_ERR_ARGUMENT, "NULL");
    FAILS(clade_tensor_set_requires_grad(i23, true), CLADE_ERR_DTYPE, "i32");
    FAILS(clade_tensor_set_grad(NULL, f23), CLADE_ERR_ARGUMENT, "NULL");
    FAILS(clade_tensor_set_grad(f23, f32), CLADE_ERR_SHAPE, "[3,2]", "[2,3]");
    FAILS(clade_tensor_set_grad(f23, i23), CLADE_ERR_DTYPE, "i32", "f32");
    FAILS(clade_tensor_set_grad(f23, foreign), CLADE_ERR_ARGUMENT, "contexts");
    FAILS(clade_tensor_zero_grad(NULL), CLADE_ERR_ARGUMENT, "NULL");
    ck_assert(!clade_tensor_requires_grad(NULL));
    clade_error_clear();
    ck_assert_ptr_null(clade_tensor_grad(f23));
    ck_assert_ptr_null(clade_tensor_grad(NULL));
    ck_assert_int_eq(clade_last_error()->status, CLADE_OK);
}
END_TEST

START_TEST(tapes)
{
    char *text = NULL;
    FAILS(clade_tape_begin(NULL), CLADE_ERR_ARGUMENT, "ctx is NULL");
    FAILS(clade_tape_end(NULL), CLADE_ERR_ARGUMENT, "ctx is NULL");
    FAILS(clade_tape_end(ctx), CLADE_ERR_STATE, "no tape is open");
    FAILS(clade_no_grad_begin(NULL), CLADE_ERR_ARGUMENT, "ctx is NULL");
    FAILS(clade_no_grad_end(NULL), CLADE_ERR_ARGUMENT, "ctx is NULL");
    FAILS(clade_no_grad_end(ctx), CLADE_ERR_STATE, "no region is open");
    FAILS(clade_tape_print(ctx, &text), CLADE_ERR_STATE, "no tape is open");
    FAILS(clade_tape_print(NULL, &text), CLADE_ERR_ARGUMENT, "ctx is NULL");
    FAILS(clade_tape_print(ctx, NULL), CLADE_ERR_ARGUMENT, "out is NULL");
    ck_assert_ptr_null(text);
    ck_assert_uint_eq(clade_tape_length(NULL), 0);
    ok(clade_tape_begin(ctx));
    FAILS(clade_tape_begin(ctx), CLADE_ERR_STATE, "open already");
    ok(clade_scope_begin(ctx));
    FAILS(clade_tape_end(ctx), CLADE_ERR_STATE, "1 scope");
    ok(clade_scope_end(ctx));
    ok(clade_tape_end(ctx));
}
END_TEST

START_TEST(backward)
{
    clade_tensor *w;
    ok(clade_tensor_from_host(&w, ctx, CLADE_F32, CLADE_SHAPE(2, 3), floats));
    ok(clade_tensor_set_requires_grad(w, true));
    FAILS(clade_backward(NULL), CLADE_ERR_ARGUMENT, "backward", "NULL");
    FAILS(clade_backward(f23), CLADE_ERR_STATE, "[2,3]", "not recorded");
    ok(clade_tape_begin(ctx));
    clade_tensor *y = clade_square(w), *loss = clade_sum(y, NULL, 0, false);
    FAILS(clade_tensor_set_requires_grad(y, false), CLADE_ERR_STATE, "[2,3]", "square");
    FAILS(clade_backward(y), CLADE_ERR_SHAPE, "[2,3]");
    FAILS(clade_backward(clade_sum(f23, NULL, 0, false)), CLADE_ERR_STATE, "not recorded");
    FAILS(clade_backward_from(y, NULL), CLADE_ERR_ARGUMENT, "NULL");
    FAILS(clade_backward_from(NULL, f23), CLADE_ERR_ARGUMENT, "NULL");
    FAILS(clade_backward_from(y, f32), CLADE_ERR_SHAPE, "[3,2]", "[2,3]");
    FAILS(clade_backward_from(y, i23), CLADE_ERR_DTYPE, "i32", "f32");
    FAILS(clade_backward_from(y, foreign), CLADE_ERR_ARGUMENT, "contexts");
    ck_assert_ptr_null(clade_tensor_grad(w));
    ok(clade_backward(loss));
    FAILS(clade_backward(loss), CLADE_ERR_STATE, "sum", "before");
    FAILS(clade_backward_from(y, f23), CLADE_ERR_STATE, "square", "before");
    ok(clade_tape_end(ctx));

    ok(clade_tape_begin(ctx));
    clade_tensor *late = clade_sum(clade_square(w), NULL, 0, false);
    ok(clade_tensor_fill(w, 1));
    FAILS(clade_backward(late), CLADE_ERR_MODIFIED, "square", "overwritten");
    ok(clade_tape_end(ctx));
    clade_tensor_free(&w);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        contexts,
        making_tensors,
        transfers,
        scopes,
        one_input,
        two_inputs,
        the_first_cause_stays,
        creation,
        where,
        reductions,
        matrices,
        views,
        joins_and_indices,
        losses,
        leaves,
        tapes,
        backward,
    };
    return run_suite_with("api_errors", tests, sizeof tests / sizeof *tests, make_tensors,
                          free_tensors);
}

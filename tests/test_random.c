/* Philox against its published vectors, and what uniform and normal promise of their numbers. */
#include "host_philox.h"
#include "tensor_testing.h"

#include <math.h>

#include "runtime/prepared.h"
#include "runtime/record.h"
#include "tensor/context.h"

/* --- the generator itself --------------------------------------------------------------------- */
static char *copy_of(const void *user)
{
    return clade_asprintf("%s", (const char *)user);
}

/* philox4x32 10 in Random123's kat_vectors: counter, key, result. */
START_TEST(philox_equals_its_published_vectors)
{
    static const uint32_t vectors[][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d,
         0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09,
         0x94fdcceb, 0x5001e420, 0x24126ea1},
    };
    static const char text[] =
        "kernel void one(global uint *out, uint a, uint b, uint c, uint d, uint k, uint l)\n"
        "{ vstore4(philox((uint4)(a, b, c, d), (uint2)(k, l)), 0, out); }\n";
    clade_runtime *rt = open_runtime("");
    clade_kernel *kernel;
    ok(clade_kernel_get(&kernel, rt,
                        &(clade_kernel_key){.family = "philox_vectors",
                                            .options = "-DPHILOX -DT=float",
                                            .name = "one",
                                            .generate = copy_of,
                                            .user = text}));
    clade_buffer *buffer;
    ok(clade_buffer_create(&buffer, rt, 16));
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const uint32_t *v = vectors[i];
        uint32_t got[4];
        clade_grid grid = {.dims = 1, .global = {1, 1, 1}, .local = {1, 1, 1}};
        ok(CLADE_LAUNCH(rt, kernel, &grid, clade_arg_buffer(buffer), clade_arg_u32(v[0]),
                        clade_arg_u32(v[1]), clade_arg_u32(v[2]), clade_arg_u32(v[3]),
                        clade_arg_u32(v[4]), clade_arg_u32(v[5])));
        ok(clade_buffer_read(buffer, 0, sizeof got, got));
        for (int k = 0; k < 4; k++)
            ck_assert_msg(got[k] == v[6 + k], "vector %d, word %d: %08x, not %08x", (int)i, k,
                          got[k], v[6 + k]);
    }
    clade_buffer_free(&buffer);
    clade_runtime_free(&rt);
}
END_TEST

static double host_normal(clade_dtype dtype, int i, uint64_t call, uint64_t seed)
{
    double u = host_unit(dtype, i & ~1, call, seed), v = host_unit(dtype, i | 1, call, seed);
    double angle = 2 * acos(-1) * v;
    return sqrt(-2 * log(1 - u)) * (i % 2 ? sin(angle) : cos(angle));
}

#define MOST 1000

static void read_as_doubles(const clade_tensor *t, double *out)
{
    static float values[MOST];
    int64_t n = clade_tensor_numel(t);
    if (clade_tensor_dtype(t) == CLADE_F64) {
        ok(clade_tensor_read(t, out, (size_t)n * sizeof *out));
        return;
    }
    ok(clade_tensor_read(t, values, (size_t)n * sizeof *values));
    for (int i = 0; i < n; i++)
        out[i] = values[i];
}

/* uniform is exact; normal as exact as the device's log, sin and cos. */
static void check_call(clade_dtype dtype, int n, uint64_t call, uint64_t seed, bool uniform)
{
    static double got[MOST];
    clade_tensor *t = uniform ? clade_uniform(ctx, dtype, CLADE_SHAPE(n), 0, 1)
                              : clade_normal(ctx, dtype, CLADE_SHAPE(n), 0, 1);
    ck_assert_msg(t != NULL, "%s", clade_last_error()->message);
    read_as_doubles(t, got);
    double tolerance = uniform ? 0 : dtype == CLADE_F64 ? 1e-13 : 1e-5;
    for (int i = 0; i < n; i++) {
        double expected =
            uniform ? host_unit(dtype, i, call, seed) : host_normal(dtype, i, call, seed);
        ck_assert_msg(fabs(got[i] - expected) <= tolerance, "%s %d of %d, call %d: %.17g not %.17g",
                      clade_dtype_name(dtype), i, n, (int)call, got[i], expected);
    }
}

START_TEST(numbers_follow_from_seed_call_and_element)
{
    static const uint64_t seeds[] = {0, 1, 0x123456789abcdef0};
    for (int s = 0; s < 3; s++) {
        ok(clade_manual_seed(ctx, seeds[s]));
        uint64_t call = 0;
        for (int n = 1; n <= 9; n++)
            check_call(CLADE_F32, n, call++, seeds[s], n % 2);
        check_call(CLADE_F32, MOST, call++, seeds[s], true);
        check_call(CLADE_F32, MOST, call++, seeds[s], false);
        if (!clade_context_device(ctx)->has_f64)
            continue;
        for (int n = 1; n <= 5; n++)
            check_call(CLADE_F64, n, call++, seeds[s], n % 2);
        check_call(CLADE_F64, MOST, call++, seeds[s], true);
        check_call(CLADE_F64, MOST, call++, seeds[s], false);
    }
}
END_TEST

START_TEST(uniform_stays_below_its_upper_bound)
{
    /* the two floats next to 1: half of all numbers would round up to the bound */
    const double low = 1, high = 1 + 0x1p-23;
    double got[MOST];
    read_as_doubles(clade_uniform(ctx, CLADE_F32, CLADE_SHAPE(MOST), low, high), got);
    for (int i = 0; i < MOST; i++)
        ck_assert_msg(got[i] == low, "%.9g", got[i]);
    read_as_doubles(clade_uniform(ctx, CLADE_F32, CLADE_SHAPE(MOST), -3, -3), got);
    for (int i = 0; i < MOST; i++)
        ck_assert_msg(got[i] == -3, "%.9g", got[i]);
}
END_TEST

/* A replayed step draws what the same step would draw without a recording. */
START_TEST(replays_draw_anew)
{
    double got[64];
    clade_recording *recording;
    clade_prepared *prepared;
    clade_runtime *rt = ctx->runtime;
    ok(clade_manual_seed(ctx, 5));
    ok(clade_recording_begin(&recording, rt));
    clade_tensor *a = clade_uniform(ctx, CLADE_F32, CLADE_SHAPE(64), 0, 1);
    clade_tensor *b = clade_uniform(ctx, CLADE_F32, CLADE_SHAPE(64), 0, 1);
    clade_recording_end(recording);
    ck_assert(a && b && recording->count == 2 && recording->hook_count == 2);
    ok(clade_prepared_begin(&prepared, rt));
    for (size_t i = 0; i < recording->count; i++) {
        const clade_launch_command *l = &recording->commands[i].as.launch;
        ok(clade_launch(rt, l->kernel, &l->grid, l->args, l->count));
    }
    clade_prepared_end(prepared);
    for (uint64_t run = 0; run < 4; run++) {
        if (run == 3)
            ok(clade_manual_seed(ctx, 6));
        for (size_t i = 0; run && i < recording->hook_count; i++)
            recording->hooks[i].run(recording->hooks[i].user);
        if (run)
            ok(clade_prepared_run(prepared));
        for (uint64_t k = 0; k < 2; k++) {
            read_as_doubles(k ? b : a, got);
            uint64_t call = run == 3 ? k : 2 * run + k, seed = run == 3 ? 6 : 5;
            for (int i = 0; i < 64; i++)
                ck_assert(got[i] == host_unit(CLADE_F32, i, call, seed));
        }
    }
    clade_prepared_free(&prepared);
    clade_recording_free(&recording);
}
END_TEST

/* Of a step's mask: which elements of ones a dropout of 1/2 kept, as the output and the gradient
 * show. */
static clade_tensor *ones, *kept, *kept_back;

static clade_status drop_half(void *user, clade_tensor *const *inputs, int count)
{
    (void)user, (void)inputs, (void)count;
    clade_status status = clade_tensor_zero_grad(ones);
    if (status == CLADE_OK)
        status = clade_tape_begin(ctx);
    clade_tensor *y = clade_dropout(ones, 0.5, true);
    if (status == CLADE_OK)
        status = y ? clade_tensor_copy(kept, y) : clade_last_error()->status;
    if (status == CLADE_OK)
        status = clade_backward(clade_sum(y, NULL, 0, false));
    if (status == CLADE_OK)
        status = clade_tensor_copy(kept_back, clade_tensor_grad(ones));
    return status == CLADE_OK ? clade_tape_end(ctx) : status;
}

START_TEST(a_replayed_dropout_draws_one_new_mask_for_both_ways)
{
    enum { COUNT = 100 };
    double out[COUNT], back[COUNT];
    clade_step *step;
    clade_tensor **const all[] = {&ones, &kept, &kept_back};
    for (int i = 0; i < 3; i++) {
        ok(clade_tensor_create(all[i], ctx, CLADE_F32, CLADE_SHAPE(COUNT)));
        ok(clade_tensor_fill(*all[i], 1));
    }
    clade_tensor *grad = clade_full(ctx, CLADE_F32, CLADE_SHAPE(COUNT), 0);
    ok(clade_tensor_set_requires_grad(ones, true));
    ok(clade_tensor_set_grad(ones, grad));
    ok(clade_manual_seed(ctx, 5));
    ok(clade_step_create(&step, ctx, drop_half, NULL, NULL));
    for (uint64_t run = 0; run < 5; run++) {
        ok(clade_step_run(step, NULL, 0));
        read_as_doubles(kept, out);
        read_as_doubles(kept_back, back);
        for (int i = 0; i < COUNT; i++) {
            double expected = host_unit(CLADE_F32, i, run, 5) < 0.5 ? 2 : 0;
            ck_assert_msg(out[i] == expected && back[i] == expected,
                          "run %d, element %d: %g and %g, not %g", (int)run, i, out[i], back[i],
                          expected);
        }
    }
    clade_step_info info;
    ok(clade_step_get_info(step, &info));
    ck_assert_uint_ge(info.replays, 3);
    clade_step_free(&step);
    for (int i = 0; i < 3; i++)
        clade_tensor_free(all[i]);
}
END_TEST

START_TEST(dropout_outside_training_is_x)
{
    clade_tensor *x = clade_full(ctx, CLADE_F32, CLADE_SHAPE(3), 1);
    ck_assert_ptr_eq(clade_dropout(x, 0.5, false), x);
}
END_TEST

/* Mean and variance of 200 x 1000 numbers, within five of their standard errors. */
START_TEST(moments_are_those_of_the_distribution)
{
    static double got[MOST];
    const double n = 200.0 * MOST;
    for (int kind = 0; kind < 2; kind++) {
        ok(clade_manual_seed(ctx, 7));
        double sum = 0, squares = 0, mean = kind ? -1 : 2, variance = kind ? 9 : 16.0 / 12;
        for (int call = 0; call < 200; call++) {
            ok(clade_scope_begin(ctx));
            read_as_doubles(kind ? clade_normal(ctx, CLADE_F32, CLADE_SHAPE(10, MOST / 10), -1, 3)
                                 : clade_uniform(ctx, CLADE_F32, CLADE_SHAPE(MOST), 0, 4),
                            got);
            ok(clade_scope_end(ctx));
            for (int i = 0; i < MOST; i++) {
                sum += got[i] - mean;
                squares += (got[i] - mean) * (got[i] - mean);
            }
        }
        ck_assert_msg(fabs(sum / n) < 5 * sqrt(variance / n), "mean off by %g", sum / n);
        ck_assert_msg(fabs(squares / n - variance) < 5 * variance * sqrt(2 / n), "variance %g",
                      squares / n);
    }
}
END_TEST

/* Of weights 1, 0 and 3; frequencies within five standard deviations. */
START_TEST(multinomial_keeps_to_its_weights)
{
    static const float values[6] = {1, 0, 3, 0, 0, 2};
    enum { COUNT = 4000 };
    static int32_t got[2 * COUNT];
    clade_tensor *weights = lent(CLADE_F32, CLADE_SHAPE(2, 3), values);
    ok(clade_manual_seed(ctx, 8));
    ok(clade_tensor_read(clade_multinomial(weights, COUNT, true), got, sizeof got));
    int counts[3] = {0};
    for (int i = 0; i < COUNT; i++) {
        counts[got[i]]++;
        ck_assert_int_eq(got[COUNT + i], 2);
    }
    ck_assert_int_eq(counts[1], 0);
    ck_assert_msg(abs(counts[0] - COUNT / 4) < 5 * sqrt(COUNT * 3.0 / 16), "%d of %d", counts[0],
                  COUNT);
    /* the first of those drawn without replacement */
    int first = 0;
    for (int i = 0; i < 400; i++) {
        int32_t order[6];
        ok(clade_scope_begin(ctx));
        ok(clade_tensor_read(clade_multinomial(weights, 3, false), order, sizeof order));
        ok(clade_scope_end(ctx));
        ck_assert(order[2] == 1 && order[3] == 2);
        first += order[0] == 0;
    }
    ck_assert_msg(abs(first - 100) < 5 * sqrt(400 * 3.0 / 16), "%d of 400", first);
}
END_TEST

START_TEST(permutations_differ)
{
    int32_t a[50], b[50];
    ok(clade_tensor_read(clade_permutation(ctx, 50), a, sizeof a));
    ok(clade_tensor_read(clade_permutation(ctx, 50), b, sizeof b));
    ck_assert(memcmp(a, b, sizeof a) != 0);
}
END_TEST

/* A call that fails draws nothing. */
START_TEST(bad_calls_are_refused)
{
    const clade_shape two = CLADE_SHAPE(2);
    ok(clade_manual_seed(ctx, 3));
    null_with(clade_uniform(ctx, CLADE_I32, two, 0, 1), CLADE_ERR_DTYPE, "uniform: i32");
    null_with(clade_uniform(ctx, CLADE_F32, two, 1, 0), CLADE_ERR_ARGUMENT, "uniform");
    null_with(clade_uniform(ctx, CLADE_F32, two, 0, NAN), CLADE_ERR_ARGUMENT, "uniform");
    null_with(clade_uniform(ctx, CLADE_F32, two, -3e38, 3e38), CLADE_ERR_ARGUMENT, "uniform");
    null_with(clade_normal(ctx, CLADE_U8, two, 0, 1), CLADE_ERR_DTYPE, "normal: u8");
    null_with(clade_normal(ctx, CLADE_F32, two, 0, -1), CLADE_ERR_ARGUMENT, "std -1");
    null_with(clade_normal(ctx, CLADE_F32, CLADE_SHAPE(-2), 0, 1), CLADE_ERR_SHAPE, "[-2]");
    null_with(clade_normal(NULL, CLADE_F32, two, 0, 1), CLADE_ERR_ARGUMENT, "ctx is NULL");
    null_with(clade_full(ctx, (clade_dtype)9, two, 0), CLADE_ERR_DTYPE, "full: 9 is no dtype");
    null_with(clade_randint(ctx, two, 3, 3), CLADE_ERR_ARGUMENT, "randint: no i32 in [3,3)");
    null_with(clade_randint(ctx, two, 0, INT64_C(1) << 32), CLADE_ERR_ARGUMENT, "randint");
    null_with(clade_bernoulli(ctx, CLADE_U8, two, 1.5), CLADE_ERR_ARGUMENT, "probability is 1.5");
    null_with(clade_bernoulli(ctx, CLADE_U8, two, NAN), CLADE_ERR_ARGUMENT, "probability");
    null_with(clade_dropout(clade_full(ctx, CLADE_F32, two, 0), -1, true), CLADE_ERR_ARGUMENT,
              "dropout: the probability is -1");
    null_with(clade_dropout(clade_full(ctx, CLADE_I32, two, 0), 0.5, true), CLADE_ERR_DTYPE,
              "dropout: input 0 is i32");
    clade_tensor *weights = clade_full(ctx, CLADE_F32, two, 1);
    null_with(clade_multinomial(weights, 3, false), CLADE_ERR_ARGUMENT, "3 samples without");
    null_with(clade_multinomial(weights, -1, true), CLADE_ERR_ARGUMENT, "-1 samples with");
    null_with(clade_multinomial(clade_sum(weights, NULL, 0, false), 1, true), CLADE_ERR_SHAPE,
              "the weights []");
    null_with(clade_permutation(ctx, -1), CLADE_ERR_ARGUMENT, "permutation: of -1");
    null_with(clade_permutation(NULL, 1), CLADE_ERR_ARGUMENT, "ctx is NULL");
    null_with(clade_dropout(NULL, 0.5, false), CLADE_ERR_ARGUMENT, "NULL");
    check_call(CLADE_F32, 8, 0, 3, true);
}
END_TEST

int main(void)
{
    return RUN("random", philox_equals_its_published_vectors,
               numbers_follow_from_seed_call_and_element, uniform_stays_below_its_upper_bound,
               replays_draw_anew, a_replayed_dropout_draws_one_new_mask_for_both_ways,
               dropout_outside_training_is_x, multinomial_keeps_to_its_weights, permutations_differ,
               moments_are_those_of_the_distribution, bad_calls_are_refused);
}

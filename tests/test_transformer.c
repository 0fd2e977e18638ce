/* Multi-head attention and the transformer block: against PyTorch's modules
 * (tests/goldens/transformer_goldens.py), how parameters start, and what is refused. */
#include <math.h>

#include "golden_file.h"
#include "tensor_testing.h"

#define ROWS   2
#define PLACES 5
#define WIDTH  8
#define HEADS  2
#define HIDDEN 6

static clade_safetensors *goldens;
static clade_params *params;

static void setup_goldens(void)
{
    setup();
    goldens = open_goldens("transformer");
    ok(clade_params_create(&params, ctx));
}

static void teardown_goldens(void)
{
    clade_params_free(&params);
    clade_safetensors_free(&goldens);
    teardown();
}

static const clade_array *find(const char *set, const char *prefix, const char *name)
{
    char key[128];
    snprintf(key, sizeof key, "%s/%s%s", set, prefix, name);
    const clade_array *array = clade_safetensors_find(goldens, key);
    ck_assert_msg(array != NULL, "no golden %s", key);
    return array;
}

static void expect(const clade_tensor *t, const char *set, const char *prefix, const char *name)
{
    static float found[512];
    const clade_array *want = find(set, prefix, name);
    ck_assert_msg(t != NULL, "%s/%s%s: %s", set, prefix, name, clade_last_error()->message);
    clade_shape shape = clade_tensor_shape(t);
    ck_assert_msg(clade_shape_equal(&shape, &want->shape), "%s/%s%s: another shape", set, prefix,
                  name);
    int64_t n = clade_shape_numel(&shape);
    ck_assert_int_le(n, 512);
    ok(clade_tensor_read(t, found, (size_t)n * sizeof *found));
    for (int64_t i = 0; i < n; i++) {
        float expected = ((const float *)want->data)[i];
        ck_assert_msg(fabsf(found[i] - expected) <= 4e-6f * (4 + fabsf(expected)),
                      "%s/%s%s: [%d] = %.9g, not %.9g", set, prefix, name, (int)i, found[i],
                      expected);
    }
}

static clade_tensor *leaf(const char *set, const char *name)
{
    const clade_array *array = find(set, "", name);
    clade_tensor *t;
    ok(clade_tensor_from_host(&t, ctx, CLADE_F32, array->shape, array->data));
    ok(clade_tensor_set_requires_grad(t, true));
    return t;
}

static void put_weights(const char *set)
{
    for (size_t i = 0; i < clade_params_count(params); i++) {
        clade_tensor *t = clade_params_get(params, i);
        const clade_array *array = find(set, "", clade_params_name(params, i));
        ok(clade_tensor_write(t, array->data, (size_t)clade_tensor_numel(t) * sizeof(float)));
    }
    ok(clade_params_zero_grad(params));
}

/* y with the tape that made it still open; closes it. */
static void check(const char *set, clade_tensor *y, clade_tensor *x)
{
    expect(y, set, "", "y");
    clade_tensor *up = leaf(set, "up");
    ok(clade_backward_from(y, up));
    ok(clade_tape_end(ctx));
    clade_tensor_free(&up);
    expect(clade_tensor_grad(x), set, "grad/", "x");
    for (size_t i = 0; i < clade_params_count(params); i++)
        expect(clade_tensor_grad(clade_params_get(params, i)), set, "grad/",
               clade_params_name(params, i));
}

static void check_block(const char *set, const clade_transformer_options *options)
{
    clade_transformer_block block;
    ok(clade_transformer_block_params(params, "", WIDTH, HEADS, HIDDEN, &block));
    put_weights(set);
    clade_tensor *x = leaf(set, "x");
    ok(clade_tape_begin(ctx));
    check(set, clade_transformer(&block, x, NULL, options), x);
    clade_tensor_free(&x);
}

START_TEST(block_is_pytorchs)
{
    check_block("block", NULL);
}
END_TEST

START_TEST(block_with_norm_first_is_pytorchs)
{
    check_block("block_pre",
                &(clade_transformer_options){.causal = true, .norm_first = true, .gelu = true});
}
END_TEST

START_TEST(heads_across_are_pytorchs)
{
    clade_multi_head m;
    ok(clade_multi_head_params(params, "", WIDTH, HEADS, &m));
    put_weights("cross");
    clade_tensor *x = leaf("cross", "x"), *memory = leaf("cross", "memory");
    ok(clade_tape_begin(ctx));
    check("cross", clade_multi_head_attention(&m, x, memory, memory, NULL, NULL), x);
    expect(clade_tensor_grad(memory), "cross", "grad/", "memory");
    clade_tensor_free(&x);
    clade_tensor_free(&memory);
}
END_TEST

/* --- dropout ---------------------------------------------------------------------------------- */
START_TEST(dropout_draws_anew)
{
    static float out[3][ROWS * PLACES * WIDTH];
    clade_transformer_block block;
    ok(clade_transformer_block_params(params, "", WIDTH, HEADS, HIDDEN, &block));
    clade_tensor *x = leaf("block", "x");
    for (int i = 0; i < 3; i++) {
        if (i != 1)
            ok(clade_manual_seed(ctx, 4));
        clade_tensor *y =
            clade_transformer(&block, x, NULL, &(clade_transformer_options){.dropout = 0.5});
        ck_assert_msg(y != NULL, "%s", clade_last_error()->message);
        ok(clade_tensor_read(y, out[i], sizeof out[i]));
    }
    ck_assert(memcmp(out[0], out[1], sizeof out[0]) != 0);
    ck_assert_mem_eq(out[0], out[2], sizeof out[0]);
    clade_tensor_free(&x);
}
END_TEST

/* --- how parameters start --------------------------------------------------------------------- */
static void expect_within(const clade_tensor *t, double low, double high)
{
    static float values[3 * 32 * 32];
    int64_t n = clade_tensor_numel(t);
    ck_assert_int_le(n, 3 * 32 * 32);
    ok(clade_tensor_read(t, values, (size_t)n * sizeof *values));
    float least = values[0], most = values[0];
    for (int64_t i = 0; i < n; i++) {
        least = fminf(least, values[i]);
        most = fmaxf(most, values[i]);
    }
    double slack = 0.1 * (high - low);
    ck_assert_msg(least >= low && least <= low + slack && most <= high && most >= high - slack,
                  "[%g,%g] is not about [%g,%g]", least, most, low, high);
}

START_TEST(parameters_start_as_pytorchs)
{
    static const char *const names[] = {"a.self_attn.in_proj_weight",
                                        "a.self_attn.in_proj_bias",
                                        "a.self_attn.out_proj.weight",
                                        "a.self_attn.out_proj.bias",
                                        "a.linear1.weight",
                                        "a.linear1.bias",
                                        "a.linear2.weight",
                                        "a.linear2.bias",
                                        "a.norm1.weight",
                                        "a.norm1.bias",
                                        "a.norm2.weight",
                                        "a.norm2.bias"};
    clade_transformer_block b;
    ok(clade_transformer_block_params(params, "a", 32, 4, 64, &b));
    ck_assert_uint_eq(clade_params_count(params), 12);
    for (size_t i = 0; i < 12; i++)
        ck_assert_str_eq(clade_params_name(params, i), names[i]);
    double xavier = sqrt(6.0 / (32 + 96)), linear = 1 / sqrt(32.0);
    expect_within(b.attention.in_weight, -xavier, xavier);
    expect_within(b.attention.in_bias, 0, 0);
    expect_within(b.attention.out_weight, -linear, linear);
    expect_within(b.attention.out_bias, 0, 0);
    expect_within(b.weight1, -linear, linear);
    expect_within(b.bias1, -linear, linear);
    expect_within(b.weight2, -0.125, 0.125);
    expect_within(b.norm1_weight, 1, 1);
    expect_within(b.norm2_bias, 0, 0);
}
END_TEST

/* --- rotary embedding: what attention sees depends on distances alone --------------------------
 */
START_TEST(rotary_sees_distances)
{
    static float a[4 * 3], b[4 * 3];
    clade_tensor *q = clade_normal(ctx, CLADE_F32, CLADE_SHAPE(4, 8), 0, 1);
    clade_tensor *k = clade_normal(ctx, CLADE_F32, CLADE_SHAPE(3, 8), 0, 1);
    for (int shifted = 0; shifted < 2; shifted++) {
        const clade_rotary_params places = {.first = 11 * shifted};
        clade_tensor *scores = clade_matmul(clade_rotary(q, 0, &places),
                                            clade_transpose(clade_rotary(k, 0, &places), 0, 1));
        ck_assert(scores != NULL);
        ok(clade_tensor_read(scores, shifted ? b : a, sizeof a));
    }
    for (int i = 0; i < 12; i++)
        ck_assert_float_eq_tol(a[i], b[i], 2e-5f);
}
END_TEST

/* --- errors ----------------------------------------------------------------------------------- */
START_TEST(refusals)
{
    clade_multi_head m;
    clade_transformer_block b;
    fails(clade_multi_head_params(params, "a", 8, 3, &m), CLADE_ERR_SHAPE, "3 heads");
    fails(clade_multi_head_params(params, NULL, 8, 2, &m), CLADE_ERR_ARGUMENT, "name is NULL");
    fails(clade_transformer_block_params(params, "a", 8, 2, 0, &b), CLADE_ERR_SHAPE, "width of 0");
    ck_assert_uint_eq(clade_params_count(params), 0);
    ok(clade_multi_head_params(params, "a", 8, 2, &m));
    fails(clade_transformer_block_params(params, "a.b", 0, 2, 4, &b), CLADE_ERR_SHAPE,
          "width of 0");
    clade_tensor *x = clade_full(ctx, CLADE_F32, CLADE_SHAPE(2, 3, 8), 0);
    clade_tensor *flat = clade_full(ctx, CLADE_F32, CLADE_SHAPE(3, 8), 0);
    clade_tensor *narrow = clade_full(ctx, CLADE_F32, CLADE_SHAPE(2, 3, 4), 0);
    null_with(clade_multi_head_attention(NULL, x, x, x, NULL, NULL), CLADE_ERR_ARGUMENT,
              "no parameters");
    null_with(clade_multi_head_attention(&m, x, NULL, x, NULL, NULL), CLADE_ERR_ARGUMENT, "NULL");
    null_with(clade_multi_head_attention(&m, flat, x, x, NULL, NULL), CLADE_ERR_SHAPE,
              "2 dimensions");
    null_with(clade_multi_head_attention(&m, narrow, x, x, NULL, NULL), CLADE_ERR_SHAPE, "[2,3,4]");
    null_with(clade_transformer(NULL, x, NULL, NULL), CLADE_ERR_ARGUMENT, "no parameters");
    null_with(clade_rotary(flat, 1, NULL), CLADE_ERR_SHAPE, "axis 1");
    null_with(clade_rotary(clade_full(ctx, CLADE_F32, CLADE_SHAPE(3, 5), 0), 0, NULL),
              CLADE_ERR_SHAPE, "[3,5]");
    null_with(clade_rotary(flat, 0, &(clade_rotary_params){.base = -1}), CLADE_ERR_ARGUMENT,
              "base -1");
}
END_TEST

int main(void)
{
    const TTest *tests[] = {block_is_pytorchs,
                            block_with_norm_first_is_pytorchs,
                            heads_across_are_pytorchs,
                            dropout_draws_anew,
                            parameters_start_as_pytorchs,
                            rotary_sees_distances,
                            refusals};
    return run_suite_with("transformer", tests, sizeof tests / sizeof *tests, setup_goldens,
                          teardown_goldens);
}

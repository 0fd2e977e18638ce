/* Rows of src/ops/random.c. What random numbers promise beyond is in test_random.c. */
#include "op_cases.h"

#include <math.h>

#include "host_philox.h"

#define SEED 9

static clade_shape target(const op_case *row)
{
    return CLADE_SHAPE(row->ints[0], row->ints[1]);
}

static clade_tensor *build_uniform(const op_case *row, const op_args *args)
{
    return clade_uniform(args->ctx, args->dtype, target(row), row->reals[0], row->reals[1]);
}

static clade_tensor *build_normal(const op_case *row, const op_args *args)
{
    return clade_normal(args->ctx, args->dtype, target(row), row->reals[0], row->reals[1]);
}

static const char *verify_shape(const op_case *row, const host_array *out)
{
    clade_shape shape = target(row);
    return clade_shape_equal(&out->shape, &shape) ? NULL : "another shape than asked for";
}

static const char *verify_uniform(const op_case *row, const host_array *in, const host_array *out)
{
    (void)in;
    for (int64_t i = 0; i < out->numel; i++) {
        if (!(out->value[i] >= row->reals[0] && out->value[i] < row->reals[1]))
            return "a number outside the interval";
        if (i && out->value[i] == out->value[i - 1])
            return "the same number twice in a row";
    }
    return verify_shape(row, out);
}

static const char *verify_normal(const op_case *row, const host_array *in, const host_array *out)
{
    (void)in;
    for (int64_t i = 0; i < out->numel; i++) {
        double z = (out->value[i] - row->reals[0]) / row->reals[1];
        if (!(z > -9 && z < 9))
            return "a number nine standard deviations away";
        if (i && out->value[i] == out->value[i - 1])
            return "the same number twice in a row";
    }
    return verify_shape(row, out);
}

/* ints: a shape, low, high; also low and high as reals where they need more bits. */
static clade_tensor *build_randint(const op_case *row, const op_args *args)
{
    (void)clade_manual_seed(args->ctx, SEED);
    return clade_randint(args->ctx, target(row), (int64_t)row->reals[0], (int64_t)row->reals[1]);
}

static void ref_randint(const op_case *row, const host_array *in, host_array *out)
{
    (void)in;
    array_init(out, target(row));
    uint64_t range = (uint64_t)(row->reals[1] - row->reals[0]);
    for (int64_t i = 0; i < out->numel; i++)
        out->value[i] = row->reals[0] + (double)(host_word(i, 0, SEED) * range >> 32);
}

static clade_tensor *build_bernoulli(const op_case *row, const op_args *args)
{
    (void)clade_manual_seed(args->ctx, SEED);
    return clade_bernoulli(args->ctx, args->dtype, target(row), row->reals[0]);
}

static void ref_bernoulli(const op_case *row, const host_array *in, host_array *out)
{
    (void)in;
    array_init(out, target(row));
    for (int64_t i = 0; i < out->numel; i++)
        out->value[i] = host_unit(CLADE_F32, (int)i, 0, SEED) < row->reals[0];
}

/* reals: p. */
static clade_tensor *build_dropout(const op_case *row, const op_args *args)
{
    (void)clade_manual_seed(args->ctx, SEED);
    return clade_dropout(args->in[0], row->reals[0], true);
}

static void ref_dropout(const op_case *row, const host_array *in, host_array *out)
{
    double p = row->reals[0];
    array_init(out, in->shape);
    for (int64_t i = 0; i < out->numel; i++)
        if (host_unit(CLADE_F32, (int)i, 0, SEED) < 1 - p)
            out->value[i] = in->value[i] / (1 - p);
}

/* ints: n. */
static clade_tensor *build_permutation(const op_case *row, const op_args *args)
{
    return clade_permutation(args->ctx, row->ints[0]);
}

static const char *verify_permutation(const op_case *row, const host_array *in,
                                      const host_array *out)
{
    bool seen[100] = {false}, moved = false;
    (void)in;
    if (out->shape.ndim != 1 || out->numel != row->ints[0])
        return "another shape than asked for";
    for (int64_t i = 0; i < out->numel; i++) {
        int64_t at = (int64_t)out->value[i];
        if (at < 0 || at >= out->numel || seen[at])
            return "a number that is not there, or twice";
        seen[at] = true;
        moved = moved || at != i;
    }
    return moved || out->numel < 2 ? NULL : "the numbers are in order";
}

/* ints: samples, replacement. */
static clade_tensor *build_multinomial(const op_case *row, const op_args *args)
{
    return clade_multinomial(args->in[0], row->ints[0], row->ints[1]);
}

static const char *verify_multinomial(const op_case *row, const host_array *in,
                                      const host_array *out)
{
    int64_t k = in->shape.dim[in->shape.ndim - 1], samples = row->ints[0];
    if (out->shape.ndim != in->shape.ndim || out->shape.dim[out->shape.ndim - 1] != samples)
        return "another shape than asked for";
    for (int64_t i = 0; i < out->numel; i++) {
        if (out->value[i] < 0 || out->value[i] >= (double)k)
            return "a place that is not there";
        for (int64_t j = i / samples * samples; j < i && !row->ints[1]; j++)
            if (out->value[i] == out->value[j])
                return "a place that comes twice";
    }
    return NULL;
}

#define ROW(name, ...)                                                                             \
    {                                                                                              \
        .op = #name, .build = build_##name, .shapes = {""}, .no_empty = "no inputs", __VA_ARGS__   \
    }

static const op_case rows[] = {
    ROW(uniform, .dtypes = FLOATS, .verify = verify_uniform, .ints = {7, 9}, .reals = {-2, 3}),
    ROW(uniform, .variant = "empty", .dtypes = FLOATS, .verify = verify_uniform, .ints = {0, 9},
        .reals = {-2, 3}),
    ROW(normal, .dtypes = FLOATS, .verify = verify_normal, .ints = {7, 9}, .reals = {-2, 3}),
    ROW(normal, .variant = "empty", .dtypes = FLOATS, .verify = verify_normal, .ints = {0, 9},
        .reals = {-2, 3}),
    ROW(randint, .dtypes = I32, .reference = ref_randint, .ints = {7, 9}, .reals = {-3, 5}),
    ROW(randint, .variant = "all of i32", .dtypes = I32, .reference = ref_randint, .ints = {3, 5},
        .reals = {-0x1p31, 0x1p31}),
    ROW(randint, .variant = "empty", .dtypes = I32, .reference = ref_randint, .ints = {0, 5},
        .reals = {0, 2}),
    ROW(bernoulli, .dtypes = ANY, .reference = ref_bernoulli, .ints = {7, 9}, .reals = {0.3}),
    ROW(bernoulli, .variant = "never", .dtypes = U8, .reference = ref_bernoulli, .ints = {3, 3},
        .reals = {0}),
    ROW(bernoulli, .variant = "always", .dtypes = U8, .reference = ref_bernoulli, .ints = {3, 3},
        .reals = {1}),
    ROW(bernoulli, .variant = "empty", .dtypes = ANY, .reference = ref_bernoulli, .ints = {3, 0},
        .reals = {0.5}),
    ROW(permutation, .out = OUT_I32, .dtypes = I32, .verify = verify_permutation, .ints = {100}),
    ROW(permutation, .out = OUT_I32, .variant = "of one", .dtypes = I32,
        .verify = verify_permutation, .ints = {1}),
    ROW(permutation, .out = OUT_I32, .variant = "empty", .dtypes = I32,
        .verify = verify_permutation, .ints = {0}),
    {.op = "multinomial",
     .variant = "with replacement",
     .dtypes = FLOATS,
     .build = build_multinomial,
     .verify = verify_multinomial,
     .out = OUT_I32,
     .inputs = {{0, 2}},
     .ints = {9, true},
     .shapes = {"[3,4]", "[5]", "[0,3]"}},
    {.op = "multinomial",
     .variant = "without replacement",
     .dtypes = FLOATS,
     .build = build_multinomial,
     .verify = verify_multinomial,
     .out = OUT_I32,
     .inputs = {{0, 2}},
     .ints = {4},
     .shapes = {"[3,4]", "[5]", "[0,4]"}},
    {.op = "dropout",
     .dtypes = FLOATS,
     .gradient = true,
     .build = build_dropout,
     .reference = ref_dropout,
     .inputs = {{-2, 2}},
     .reals = {0.4},
     .ulp = 2,
     .shapes = {"[2,3,4]", "[5,33]", "[]", "[0,3]"}},
    {.op = "dropout",
     .variant = "of all",
     .dtypes = FLOATS,
     .gradient = true,
     .build = build_dropout,
     .reference = ref_dropout,
     .inputs = {{-2, 2}},
     .reals = {1},
     .shapes = {"[2,3,4]"}},
};

const op_case_family random_cases = {rows, sizeof rows / sizeof rows[0]};

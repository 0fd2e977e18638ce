/* Rows of src/ops/attention.c. ints: causal; reals: scale. */
#include "op_cases.h"

#include <math.h>

static clade_tensor *build(const op_case *row, const op_args *args)
{
    return clade_attention(
        args->in[0], args->in[1], args->in[2],
        &(clade_attention_params){.causal = row->ints[0] != 0, .scale = row->reals[0]});
}

static clade_tensor *build_masked(const op_case *row, const op_args *args)
{
    return clade_attention_masked(args->in[0], args->in[1], args->in[2], args->in[3],
                                  &(clade_attention_params){.causal = row->ints[0] != 0});
}

/* The element of x, broadcast over leading dimensions, at [lead,row,column]. */
static double at(const host_array *x, const clade_shape *lead, const int64_t *index, int64_t row,
                 int64_t column)
{
    int64_t own[CLADE_MAX_DIMS] = {0};
    int own_lead = x->shape.ndim - 2;
    for (int i = 0; i < own_lead; i++)
        own[i] = x->shape.dim[i] == 1 ? 0 : index[lead->ndim - own_lead + i];
    own[own_lead] = x->shape.dim[own_lead] == 1 ? 0 : row;
    own[own_lead + 1] = column;
    return x->value[ravel(&x->shape, own)];
}

static clade_shape lead_of(const host_array *in)
{
    clade_shape lead = in[0].shape;
    for (int i = 1; i < 3; i++)
        if (in[i].shape.ndim > lead.ndim)
            lead = in[i].shape;
    lead.ndim -= 2;
    for (int i = 0; i < 3; i++)
        for (int d = 1; d <= in[i].shape.ndim - 2; d++)
            if (in[i].shape.dim[in[i].shape.ndim - 2 - d] != 1)
                lead.dim[lead.ndim - d] = in[i].shape.dim[in[i].shape.ndim - 2 - d];
    return lead;
}

#define MOST_KEYS 64

/* Softmax of one row's scores, into p. */
static void weights(const op_case *row, const host_array *in, const clade_shape *lead,
                    const int64_t *index, int64_t i, int64_t s, double *p)
{
    int64_t d = in[0].shape.dim[in[0].shape.ndim - 1];
    double scale = row->reals[0] != 0 ? row->reals[0] : 1 / sqrt((double)d), total = 0;
    for (int64_t j = 0; j < s; j++) {
        double score = 0;
        for (int64_t e = 0; e < d; e++)
            score += scale * at(&in[0], lead, index, i, e) * at(&in[1], lead, index, j, e);
        if (row->build == build_masked && row->inputs[3].kind == ALWAYS_U8)
            score = at(&in[3], lead, index, i, j) != 0 ? score : -INFINITY;
        else if (row->build == build_masked)
            score += at(&in[3], lead, index, i, j);
        p[j] = row->ints[0] && j > i ? 0 : exp(score);
        total += p[j];
    }
    for (int64_t j = 0; j < s; j++)
        p[j] = total > 0 ? p[j] / total : 0;
}

static void reference(const op_case *row, const host_array *in, host_array *out)
{
    const clade_shape lead = lead_of(in), *v = &in[2].shape;
    int64_t s = v->dim[v->ndim - 2], columns = v->dim[v->ndim - 1], index[CLADE_MAX_DIMS];
    clade_shape shape = lead;
    shape.dim[shape.ndim++] = in[0].shape.dim[in[0].shape.ndim - 2];
    shape.dim[shape.ndim++] = columns;
    array_init(out, shape);
    for (int64_t o = 0; o < out->numel; o += columns) {
        double p[MOST_KEYS];
        unravel(&shape, o, index);
        weights(row, in, &lead, index, index[lead.ndim], s, p);
        for (int64_t e = 0; e < columns; e++)
            for (int64_t j = 0; j < s; j++)
                out->value[o + e] += p[j] * at(&in[2], &lead, index, j, e);
    }
}

/* ints: the axis of places, interleaved, the first place. */
static clade_tensor *build_rotary(const op_case *row, const op_args *args)
{
    const clade_rotary_params params = {
        .base = row->reals[0], .interleaved = row->ints[1] != 0, .first = row->ints[2]};
    return clade_rotary(args->in[0], row->ints[0], &params);
}

static void ref_rotary(const op_case *row, const host_array *in, host_array *out)
{
    const clade_shape *shape = &in[0].shape;
    int64_t d = shape->dim[shape->ndim - 1], half = d / 2, index[CLADE_MAX_DIMS];
    array_init(out, *shape);
    for (int64_t o = 0; o < out->numel; o += d) {
        unravel(shape, o, index);
        double place = (double)(index[row->ints[0]] + row->ints[2]);
        for (int64_t i = 0; i < half; i++) {
            double angle = place * pow(row->reals[0], -(double)i / (double)half);
            int64_t a = o + (row->ints[1] ? 2 * i : i), b = a + (row->ints[1] ? 1 : half);
            const double *x = in[0].value;
            out->value[a] = x[a] * cos(angle) - x[b] * sin(angle);
            out->value[b] = x[a] * sin(angle) + x[b] * cos(angle);
        }
    }
}

#define ROW(variant_, build_, causal, scale_, mask, ...)                                           \
    {                                                                                              \
        .op = "attention", .variant = variant_, .ints = {causal}, .reals = {scale_},               \
        .build = build_, .reference = reference, .dtypes = FLOATS, .gradient = true,               \
        .inputs = {{-2, 2}, {-2, 2}, {-2, 2}, mask}, .ulp = 24, .scale = 4, .grad_scale = 32,      \
        .shapes = {                                                                                \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define NONE                                                                                       \
    {                                                                                              \
        0                                                                                          \
    }
#define U8_MASK                                                                                    \
    {                                                                                              \
        .low = 0, .high = 3, .kind = ALWAYS_U8                                                     \
    }
#define FLOAT_MASK                                                                                 \
    {                                                                                              \
        .low = -2, .high = 2, .constant = true                                                     \
    }
/* GPU kernels are compiled for each d and e. Rows that fill no tile, one and a rest; fewer and more
 * than a group has; keys of more than one block of the GPU's; other leading dimensions. */
static const op_case rows[] = {
    ROW("plain", build, 0, 0, NONE, "[2,5,4] [2,7,4] [2,7,3]", "[2,3,5,4] [2,3,7,4] [2,3,7,3]",
        "[9,4] [50,4] [50,3]", "[2,1,3,4] [3,6,4] [1,6,3]", "[0,4] [7,4] [7,3]",
        "[5,4] [0,4] [0,3]", "[0,5,4] [0,7,4] [0,7,3]"),
    ROW("causal", build, 1, 0, NONE, "[2,5,4] [2,7,4] [2,7,3]", "[2,2,13,4] [2,2,13,4] [2,2,13,3]",
        "[50,4] [50,4] [50,3]", "[64,4] [9,4] [9,3]"),
    ROW("scale", build, 0, 2, NONE, "[2,5,4] [2,7,4] [2,7,3]"),
    ROW("boolean mask", build_masked, 0, 0, U8_MASK, "[2,5,4] [2,7,4] [2,7,3] [2,5,7]",
        "[2,2,9,4] [2,2,20,4] [2,2,20,3] [9,20]", "[2,2,9,4] [2,2,20,4] [2,2,20,3] [2,1,1,20]"),
    ROW("additive mask", build_masked, 1, 0, FLOAT_MASK, "[2,5,4] [2,7,4] [2,7,3] [2,5,7]",
        "[2,2,9,4] [2,2,20,4] [2,2,20,3] [2,9,20]"),
#define ROTARY(variant_, axis, interleaved, first, ...)                                            \
    {                                                                                              \
        .op = "rotary", .variant = variant_, .ints = {axis, interleaved, first}, .reals = {100},   \
        .build = build_rotary, .reference = ref_rotary, .dtypes = FLOATS, .gradient = true,        \
        .inputs = {{-2, 2}}, .ulp = 64, .scale = 2, .grad_scale = 4, .shapes = {                   \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
    ROTARY("halves", 1, 0, 0, "[2,5,6]", "[3,4,2,8]", "[0,3,4]", "[1,7,2]"),
    ROTARY("pairs", 0, 1, 3, "[2,5,6]", "[9,4]", "[3,2]"),
};

const op_case_family attention_cases = {rows, sizeof rows / sizeof rows[0]};

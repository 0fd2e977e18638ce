/* Rows of src/ops/conv.c. ints: whether there is a bias, groups, and of each dimension stride,
 * padding, dilation and output padding as a decimal digit, from the first on. */
#include "op_cases.h"

static int64_t digit(int digits, int dim)
{
    for (int d = 0; d < dim; d++)
        digits /= 10;
    return digits % 10;
}

static clade_conv_params params_of(const op_case *row)
{
    clade_conv_params p = {.groups = row->ints[1]};
    for (int d = 0; d < 3; d++) {
        p.stride[d] = digit(row->ints[2], d);
        p.padding[d] = digit(row->ints[3], d);
        p.dilation[d] = digit(row->ints[4], d);
        p.output_padding[d] = digit(row->ints[5], d);
    }
    return p;
}

static clade_tensor *build_conv(const op_case *row, const op_args *args)
{
    clade_tensor *(*const fn[])(clade_tensor *, clade_tensor *, clade_tensor *,
                                const clade_conv_params *) = {clade_conv1d, clade_conv2d,
                                                              clade_conv3d};
    const clade_conv_params p = params_of(row);
    return fn[clade_tensor_shape(args->in[0]).ndim - 3](args->in[0], args->in[1],
                                                        row->ints[0] ? args->in[2] : NULL, &p);
}

static clade_tensor *build_conv_transpose(const op_case *row, const op_args *args)
{
    clade_tensor *(*const fn[])(clade_tensor *, clade_tensor *, clade_tensor *,
                                const clade_conv_params *) = {
        clade_conv_transpose1d, clade_conv_transpose2d, clade_conv_transpose3d};
    const clade_conv_params p = params_of(row);
    return fn[clade_tensor_shape(args->in[0]).ndim - 3](args->in[0], args->in[1],
                                                        row->ints[0] ? args->in[2] : NULL, &p);
}

static int64_t at_least_one(int64_t n)
{
    return n ? n : 1;
}

/* The place in the larger image that place `at` of the smaller sees through tap `tap`; false where
 * there is none. All as [n, channels, ...]. */
static bool seen(const op_case *row, const clade_shape *large, const int64_t *at,
                 const int64_t *tap, int64_t *index)
{
    const clade_conv_params p = params_of(row);
    for (int i = 2; i < large->ndim; i++) {
        index[i] = at[i] * at_least_one(p.stride[i - 2]) +
                   tap[i] * at_least_one(p.dilation[i - 2]) - p.padding[i - 2];
        if (index[i] < 0 || index[i] >= large->dim[i])
            return false;
    }
    return true;
}

/* Calls visit for every product of a place of `small`, a tap of `weight` [o, c, ...] and a place of
 * `large`. */
static void visit(const op_case *row, const clade_shape *large, const host_array *weight,
                  const clade_shape *small,
                  void (*add)(int64_t l, int64_t w, int64_t s, void *user), void *user)
{
    const int64_t outs = weight->shape.dim[0] / row->ints[1], ins = weight->shape.dim[1];
    for (int64_t s = 0; s < clade_shape_numel(small); s++) {
        for (int64_t w = 0; w < weight->numel; w++) {
            int64_t at[CLADE_MAX_DIMS], tap[CLADE_MAX_DIMS], index[CLADE_MAX_DIMS];
            unravel(small, s, at);
            unravel(&weight->shape, w, tap);
            if (tap[0] != at[1] || !seen(row, large, at, tap, index))
                continue;
            index[0] = at[0];
            index[1] = at[1] / outs * ins + tap[1];
            add(ravel(large, index), w, s, user);
        }
    }
}

typedef struct sum {
    const host_array *in;
    host_array *out;
} sum;

static void add_small(int64_t l, int64_t w, int64_t s, void *user)
{
    sum *t = user;
    t->out->value[s] += t->in[0].value[l] * t->in[1].value[w];
}

static void add_large(int64_t l, int64_t w, int64_t s, void *user)
{
    sum *t = user;
    t->out->value[l] += t->in[0].value[s] * t->in[1].value[w];
}

static void add_bias(const op_case *row, const host_array *in, host_array *out)
{
    for (int64_t i = 0; row->ints[0] && i < out->numel; i++) {
        int64_t index[CLADE_MAX_DIMS];
        unravel(&out->shape, i, index);
        out->value[i] += in[2].value[index[1]];
    }
}

static void ref_conv(const op_case *row, const host_array *in, host_array *out)
{
    const clade_conv_params p = params_of(row);
    clade_shape shape = in[0].shape;
    shape.dim[1] = in[1].shape.dim[0];
    for (int i = 2; i < shape.ndim; i++)
        shape.dim[i] = (shape.dim[i] + 2 * p.padding[i - 2] -
                        at_least_one(p.dilation[i - 2]) * (in[1].shape.dim[i] - 1) - 1) /
                           at_least_one(p.stride[i - 2]) +
                       1;
    array_init(out, shape);
    visit(row, &in[0].shape, &in[1], &shape, add_small, &(sum){in, out});
    add_bias(row, in, out);
}

static void ref_conv_transpose(const op_case *row, const host_array *in, host_array *out)
{
    const clade_conv_params p = params_of(row);
    clade_shape shape = in[0].shape;
    shape.dim[1] = in[1].shape.dim[1] * row->ints[1];
    for (int i = 2; i < shape.ndim; i++)
        shape.dim[i] = (shape.dim[i] - 1) * at_least_one(p.stride[i - 2]) - 2 * p.padding[i - 2] +
                       at_least_one(p.dilation[i - 2]) * (in[1].shape.dim[i] - 1) +
                       p.output_padding[i - 2] + 1;
    array_init(out, shape);
    visit(row, &shape, &in[1], &in[0].shape, add_large, &(sum){in, out});
    add_bias(row, in, out);
}

#define ROW(name, variant_, bias, groups, stride, padding, dilation, more, ...)                    \
    {                                                                                              \
        .op = #name, .variant = variant_, .ints = {bias, groups, stride, padding, dilation, more}, \
        .build = build_##name, .reference = ref_##name, .dtypes = FLOATS, .gradient = true,        \
        .inputs = {{-2, 2}, {-2, 2}, {-2, 2}}, .ulp = 16, .scale = 8, .grad_ulp = 100,             \
        .grad_scale = 8, .shapes = {                                                               \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
static const op_case rows[] = {
    ROW(conv, "2d, bias, padding", 1, 1, 11, 11, 11, 0, "[2,3,5,4] [4,3,3,3] [4]",
        "[3,2,2,9] [5,2,3,3] [5]", "[0,2,4,4] [3,2,3,3] [3]"),
    ROW(conv, "2d, stride and dilation", 0, 1, 23, 10, 21, 0, "[2,3,7,8] [2,3,3,2]",
        "[1,1,6,6] [1,1,1,4]"),
    ROW(conv, "2d, groups", 1, 2, 11, 10, 11, 0, "[2,4,4,3] [6,2,3,2] [6]"),
    ROW(conv, "2d, depthwise", 0, 3, 12, 11, 11, 0, "[2,3,4,5] [3,1,3,3]"),
    ROW(conv, "1d", 1, 1, 2, 2, 1, 0, "[2,3,9] [4,3,3] [4]"),
    ROW(conv, "3d", 0, 1, 211, 101, 112, 0, "[1,2,3,4,5] [2,2,2,2,3]"),
    ROW(conv_transpose, "2d, bias", 1, 1, 12, 11, 11, 1, "[2,3,3,4] [3,2,3,3] [2]",
        "[0,3,3,4] [3,2,3,3] [2]"),
    ROW(conv_transpose, "2d, groups and dilation", 0, 2, 22, 10, 12, 0, "[2,4,2,3] [4,2,2,3]"),
    ROW(conv_transpose, "1d", 1, 1, 3, 1, 1, 2, "[2,3,4] [3,2,4] [2]"),
    ROW(conv_transpose, "3d", 0, 1, 121, 0, 111, 0, "[1,2,2,2,3] [2,1,2,1,2]"),
};

const op_case_family conv_cases = {rows, sizeof rows / sizeof rows[0]};

/* Rows of src/ops/scan.c and src/ops/sort.c. Ties and NaN are in goldens. */
#include "op_cases.h"

static int axis_of(const op_case *row, const clade_shape *shape)
{
    return (row->ints[0] + shape->ndim) % shape->ndim;
}

/* Where the line along the axis through element i begins, and the distance of its elements. */
static int64_t line_of(const clade_shape *shape, int axis, int64_t i, int64_t *step)
{
    *step = 1;
    for (int d = axis + 1; d < shape->ndim; d++)
        *step *= shape->dim[d];
    return i - i / *step % shape->dim[axis] * *step;
}

/* ints: axis. */
static clade_tensor *build_cumsum(const op_case *row, const op_args *args)
{
    return clade_cumsum(args->in[0], row->ints[0]);
}

static void ref_cumsum(const op_case *row, const host_array *in, host_array *out)
{
    array_init(out, in->shape);
    for (int64_t i = 0; i < in->numel; i++) {
        int64_t step, first = line_of(&in->shape, axis_of(row, &in->shape), i, &step);
        out->value[i] = in->value[i] + (i > first ? out->value[i - step] : 0);
    }
}

/* How many of the line through element i go before it. */
static int64_t rank_of(const op_case *row, const host_array *in, bool descending, int64_t i,
                       int64_t *first, int64_t *step)
{
    int axis = axis_of(row, &in->shape);
    int64_t rank = 0;
    *first = line_of(&in->shape, axis, i, step);
    for (int64_t k = 0; k < in->shape.dim[axis]; k++) {
        int64_t at = *first + k * *step;
        double x = in->value[at], y = in->value[i];
        rank += descending ? x > y : x < y;
        rank += x == y && at < i;
    }
    return rank;
}

/* ints: axis, descending, and for sort how many (0: all). */
static clade_tensor *build_argsort(const op_case *row, const op_args *args)
{
    return clade_argsort(args->in[0], row->ints[0], row->ints[1]);
}

static void ref_argsort(const op_case *row, const host_array *in, host_array *out)
{
    array_init(out, in->shape);
    for (int64_t i = 0; i < in->numel; i++) {
        int64_t first, step, rank = rank_of(row, in, row->ints[1], i, &first, &step);
        out->value[first + rank * step] = (double)((i - first) / step);
    }
}

static clade_tensor *build_sort(const op_case *row, const op_args *args)
{
    clade_tensor *x = args->in[0], *places;
    return row->ints[2] ? clade_topk(x, row->ints[0], row->ints[2], row->ints[1], &places)
                        : clade_sort(x, row->ints[0], row->ints[1], NULL);
}

static void ref_sort(const op_case *row, const host_array *in, host_array *out)
{
    clade_shape shape = in->shape;
    int axis = axis_of(row, &shape);
    int64_t most = row->ints[2] ? row->ints[2] : shape.dim[axis];
    shape.dim[axis] = most;
    array_init(out, shape);
    for (int64_t i = 0; i < in->numel; i++) {
        int64_t index[CLADE_MAX_DIMS], first, step;
        unravel(&in->shape, i, index);
        index[axis] = rank_of(row, in, row->ints[1], i, &first, &step);
        if (index[axis] < most)
            out->value[ravel(&shape, index)] = in->value[i];
    }
}

static clade_tensor *build_searchsorted(const op_case *row, const op_args *args)
{
    (void)row;
    return clade_searchsorted(clade_sort(args->in[0], -1, false, NULL), args->in[1]);
}

static void ref_searchsorted(const op_case *row, const host_array *in, host_array *out)
{
    int64_t n = in[0].shape.dim[in[0].shape.ndim - 1], m = in[1].shape.dim[in[1].shape.ndim - 1];
    (void)row;
    array_init(out, in[1].shape);
    for (int64_t i = 0; i < out->numel; i++)
        for (int64_t k = 0; k < n; k++)
            out->value[i] += in[0].value[i / m * n + k] <= in[1].value[i];
}

#define ROW(name, ...)                                                                             \
    {                                                                                              \
        .op = #name, .build = build_##name, .reference = ref_##name, .dtypes = ANY,                \
        .inputs = {{-20, 20}, {-20, 20}}, __VA_ARGS__                                              \
    }
#define SUM   .gradient = true, .ulp = 8, .scale = 80
#define ORDER .out = OUT_I32

static const op_case rows[] = {
    ROW(cumsum, .variant = "along -1", .ints = {-1}, SUM,
        .shapes = {"[2,3,4]", "[5,33]", "[2,300]", "[1]", "[0,3]", "[3,0]"}),
    ROW(cumsum, .variant = "along 1", .ints = {1}, SUM, .shapes = {"[2,3,4]", "[2,7,16]"}),
    ROW(argsort, .variant = "along -1", .ints = {-1}, ORDER,
        .shapes = {"[2,3,4]", "[5,33]", "[2,300]", "[1]", "[0,3]", "[3,0]"}),
    ROW(argsort, .variant = "along 1, descending", .ints = {1, true}, ORDER,
        .shapes = {"[2,3,4]", "[2,70,3]"}),
    ROW(sort, .variant = "along 1", .ints = {1}, .gradient = true, .shapes = {"[2,5,3]", "[0,3]"}),
    ROW(sort, .variant = "the 2 largest along 1", .ints = {1, true, 2}, .gradient = true,
        .shapes = {"[2,3,4]", "[2,17]"}),
    ROW(sort, .variant = "the 3 smallest along -1", .ints = {-1, false, 3}, .gradient = true,
        .shapes = {"[2,3,4]"}),
    ROW(searchsorted, ORDER,
        .shapes = {"[2,3,4] [2,3,5]", "[7] [2]", "[0,3] [0,2]", "[2,3] [2,0]"}),
};

const op_case_family order_cases = {rows, sizeof rows / sizeof rows[0]};

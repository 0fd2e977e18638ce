/* Order along an axis: argsort, and what is made of it: sort, topk; searchsorted. */
#include "tape/op.h"
#include "tensor/axis.h"
#include "tensor/transfer.h"

#include <clade/arrange.h>
#include <clade/ops.h>

#include "base/shape.h"

#include <stdio.h>

static clade_status get_kernel(clade_kernel **out, const clade_tensor *t, const char *name)
{
    char options[32];
    snprintf(options, sizeof options, "-DT=%s", clade_kernel_type(t->dtype));
    return clade_kernel_get(
        out, clade_tensor_runtime(t),
        &(clade_kernel_key){.family = "sort", .options = options, .name = name, .any_shape = true});
}

/* --- argsort: integer = the axis as given, descending ------------------------------------------
 */
static clade_status infer_argsort(const clade_node *node, clade_meta *out)
{
    const clade_shape *shape = &node->inputs[0]->shape;
    if (clade_shape_axis(shape, (int)node->attrs.integer[0]) < 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "argsort: no axis %d in %s", (int)node->attrs.integer[0],
                          clade_shape_str(shape).s);
    out->dtype = CLADE_I32;
    out->shape = *shape;
    return CLADE_OK;
}

/* A pass reads one side of keys and places and writes the other. */
typedef struct passes {
    clade_kernel *kernel;
    clade_axis size;
    int64_t descending;
    clade_tensor *keys[2], *places[2]; /* owned but for the output among the places */
} passes;

static clade_status merge(const passes *p, const clade_tensor *keys, int side, int64_t width)
{
    clade_runtime *rt = clade_tensor_runtime(keys);
    clade_grid grid = clade_grid_box(rt, p->size.inner, p->size.along, p->size.outer);
    return CLADE_LAUNCH(rt, p->kernel, &grid, CLADE_ARG_TENSOR(keys),
                        clade_arg_buffer(p->places[!side]->storage->buffer),
                        clade_arg_buffer(p->keys[side]->storage->buffer),
                        clade_arg_buffer(p->places[side]->storage->buffer),
                        clade_arg_i32(p->size.inner), clade_arg_i32(p->size.along),
                        clade_arg_i32(p->size.outer), clade_arg_i32(width),
                        clade_arg_i32(p->descending));
}

/* x in memory of its own, and the places of the last pass in `out`, which is places[0]. */
static clade_status merge_all(const passes *p, const clade_tensor *x)
{
    int count = 1;
    while ((INT64_C(1) << count) < p->size.along)
        count++;
    for (int i = 0; i < count; i++) {
        int side = (count - 1 - i) & 1;
        CLADE_TRY(merge(p, i ? p->keys[!side] : x, side, INT64_C(1) << i));
    }
    return CLADE_OK;
}

static clade_status forward_argsort(const clade_node *node)
{
    clade_tensor *out = node->output, *x = clade_tensor_compact(node->inputs[0]);
    if (!x)
        return clade_last_error()->status;
    int axis = clade_shape_axis(&x->shape, (int)node->attrs.integer[0]);
    passes p = {.size = clade_axis_of(&x->shape, axis),
                .descending = node->attrs.integer[1],
                .places = {out, clade_tensor_new(node->ctx, CLADE_I32, &x->shape, "argsort")}};
    for (int i = 0; i < 2; i++)
        p.keys[i] = clade_tensor_new(node->ctx, x->dtype, &x->shape, "argsort");
    bool made = p.places[1] && p.keys[0] && p.keys[1];
    clade_status status = made ? CLADE_OK : clade_last_error()->status;
    if (status == CLADE_OK)
        status = get_kernel(&p.kernel, x, "merge_runs");
    if (status == CLADE_OK)
        status = merge_all(&p, x);
    clade_tensor_unref(p.places[1]);
    clade_tensor_unref(p.keys[0]);
    clade_tensor_unref(p.keys[1]);
    clade_tensor_unref(x);
    return status;
}

static const clade_op op_argsort = {.name = "argsort",
                                    .min_inputs = 1,
                                    .max_inputs = 1,
                                    .infer = infer_argsort,
                                    .forward = forward_argsort};

/* --- sort: of x and its places in order, all or the first of them -------------------------------
 */
static clade_status infer_sort(const clade_node *node, clade_meta *out)
{
    (void)node, (void)out; /* argsort took x before */
    return CLADE_OK;
}

static clade_tensor *compose_sort(const clade_node *node)
{
    return clade_gather(node->inputs[0], (int)node->attrs.integer[0], node->inputs[1]);
}

static const clade_op op_sort = {
    .name = "sort", .min_inputs = 2, .max_inputs = 2, .infer = infer_sort, .compose = compose_sort};

/* --- searchsorted -------------------------------------------------------------------------------
 */
static clade_status infer_search(const clade_node *node, clade_meta *out)
{
    const clade_tensor *sorted = node->inputs[0], *values = node->inputs[1];
    CLADE_TRY(clade_require_same_dtype(node, 0, 2));
    clade_shape a = sorted->shape, b = values->shape;
    a.ndim--;
    b.ndim--;
    if (a.ndim < 0 || b.ndim < 0 || !clade_shape_equal(&a, &b))
        return CLADE_FAIL(CLADE_ERR_SHAPE, "searchsorted: %s and %s differ before the last axis",
                          clade_shape_str(&sorted->shape).s, clade_shape_str(&values->shape).s);
    out->dtype = CLADE_I32;
    out->shape = values->shape;
    return CLADE_OK;
}

static clade_status search(clade_tensor *out, const clade_tensor *sorted,
                           const clade_tensor *values)
{
    clade_runtime *rt = clade_tensor_runtime(out);
    int64_t n = sorted->shape.dim[sorted->shape.ndim - 1];
    int64_t count = values->shape.dim[values->shape.ndim - 1], rows = out->numel / count;
    clade_kernel *kernel;
    CLADE_TRY(get_kernel(&kernel, sorted, "search"));
    clade_grid grid = clade_grid_box(rt, count, rows, 1);
    return CLADE_LAUNCH(rt, kernel, &grid, CLADE_ARG_TENSOR(sorted), CLADE_ARG_TENSOR(values),
                        clade_arg_buffer(out->storage->buffer), clade_arg_i32(n),
                        clade_arg_i32(count), clade_arg_i32(rows));
}

static clade_status forward_search(const clade_node *node)
{
    clade_tensor *sorted = clade_tensor_compact(node->inputs[0]);
    clade_tensor *values = sorted ? clade_tensor_compact(node->inputs[1]) : NULL;
    clade_status status =
        values ? search(node->output, sorted, values) : clade_last_error()->status;
    clade_tensor_unref(values);
    clade_tensor_unref(sorted);
    return status;
}

static const clade_op op_searchsorted = {.name = "searchsorted",
                                         .min_inputs = 2,
                                         .max_inputs = 2,
                                         .infer = infer_search,
                                         .forward = forward_search};

static const clade_op *const ops[] = {&op_argsort, &op_sort, &op_searchsorted};
const clade_op_family clade_sort_ops = {ops, sizeof ops / sizeof ops[0]};

clade_tensor *clade_argsort(clade_tensor *x, int axis, bool descending)
{
    return CLADE_APPLY(&op_argsort, &((clade_attrs){.integer = {axis, descending}}), x);
}

/* The values at `order`, which also comes out. */
static clade_tensor *values_at(clade_tensor *x, int axis, clade_tensor *order,
                               clade_tensor **places)
{
    clade_tensor *values = CLADE_APPLY(&op_sort, &((clade_attrs){.integer = {axis}}), x, order);
    if (places)
        *places = values ? order : NULL;
    return values;
}

clade_tensor *clade_sort(clade_tensor *x, int axis, bool descending, clade_tensor **places)
{
    return values_at(x, axis, clade_argsort(x, axis, descending), places);
}

clade_tensor *clade_topk(clade_tensor *x, int axis, int64_t k, bool largest, clade_tensor **places)
{
    clade_tensor *order = clade_argsort(x, axis, largest);
    int64_t size = order ? clade_tensor_dim(order, axis) : 0;
    if (order && (k < 0 || k > size)) {
        (void)CLADE_FAIL(CLADE_ERR_ARGUMENT, "topk: %lld of axis %d of %s", (long long)k, axis,
                         clade_shape_str(&x->shape).s);
        order = NULL;
    }
    return values_at(x, axis, order ? clade_slice(order, axis, 0, k, 1) : NULL, places);
}

clade_tensor *clade_searchsorted(clade_tensor *sorted, clade_tensor *values)
{
    return CLADE_APPLY(&op_searchsorted, NULL, sorted, values);
}

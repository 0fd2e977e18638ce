/* The same elements in other places: flip, roll, stack, repeat, tril, triu, split, chunk. */
#include "tape/axes.h"
#include "tensor/transfer.h"

#include <clade/arrange.h>
#include <clade/ops.h>

#include "base/shape.h"

static int64_t numel_before(const clade_shape *shape, int axis)
{
    int64_t n = 1;
    for (int i = 0; i < axis; i++)
        n *= shape->dim[i];
    return n;
}

/* --- flip: the axes as reductions have them ----------------------------------------------------
 */
static clade_status infer_flip(const clade_node *node, clade_meta *out)
{
    CLADE_TRY(clade_axes_check(node));
    return clade_infer_like_first(node, out);
}

/* Copies what a window shows that steps backwards from the last element. */
static clade_status forward_flip(const clade_node *node)
{
    const clade_tensor *x = node->inputs[0];
    unsigned mask = clade_axes_mask(node);
    int64_t stride[CLADE_MAX_DIMS], offset = x->offset;
    for (int i = 0; i < x->shape.ndim; i++) {
        stride[i] = mask >> i & 1 ? -x->stride[i] : x->stride[i];
        if (mask >> i & 1)
            offset += (x->shape.dim[i] - 1) * x->stride[i];
    }
    clade_tensor *window = clade_tensor_new_view(x, &x->shape, stride, offset);
    if (!window)
        return CLADE_ERR_OUT_OF_MEMORY;
    clade_status status = clade_tensor_assign(node->output, window);
    clade_tensor_unref(window);
    return status;
}

static const clade_op op_flip;

static void backward_flip(const clade_node *node, clade_tensor *grad, const bool *needs,
                          clade_tensor **grads)
{
    (void)needs;
    grads[0] = CLADE_APPLY(&op_flip, &node->attrs, grad);
}

static const clade_op op_flip = {.name = "flip",
                                 .min_inputs = 1,
                                 .max_inputs = 1,
                                 .infer = infer_flip,
                                 .forward = forward_flip,
                                 .any_storage = true,
                                 .backward = backward_flip};

/* --- roll: integer = the axis as given, the shift ----------------------------------------------
 */
static clade_status infer_roll(const clade_node *node, clade_meta *out)
{
    (void)out;
    const clade_shape *shape = &node->inputs[0]->shape;
    if (clade_shape_axis(shape, (int)node->attrs.integer[0]) >= 0)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_SHAPE, "roll: no axis %d in %s", (int)node->attrs.integer[0],
                      clade_shape_str(shape).s);
}

static clade_tensor *compose_roll(const clade_node *node)
{
    clade_tensor *x = node->inputs[0];
    int axis = clade_shape_axis(&x->shape, (int)node->attrs.integer[0]);
    int64_t size = x->shape.dim[axis], shift = size ? node->attrs.integer[1] % size : 0;
    int64_t start = shift > 0 ? size - shift : -shift;
    clade_tensor *const parts[] = {clade_slice(x, axis, start, size, 1),
                                   clade_slice(x, axis, 0, start, 1)};
    return clade_concat(parts, 2, axis);
}

/* --- stack: integer[0] = the axis of the result as given ---------------------------------------
 */
static clade_status infer_stack(const clade_node *node, clade_meta *out)
{
    CLADE_TRY(clade_require_same_dtype(node, 0, node->count));
    CLADE_TRY(clade_require_same_shape(node, 0, node->count));
    const clade_shape *shape = &node->inputs[0]->shape;
    if (shape->ndim == CLADE_MAX_DIMS)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "stack: %s has no room for one dimension more",
                          clade_shape_str(shape).s);
    out->shape = *shape;
    out->shape.ndim++;
    if (clade_shape_axis(&out->shape, (int)node->attrs.integer[0]) < 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "stack: no axis %d in a stack of %s",
                          (int)node->attrs.integer[0], clade_shape_str(shape).s);
    return CLADE_OK;
}

#define MOST_STACKED 64

static clade_tensor *compose_stack(const clade_node *node)
{
    clade_tensor *parts[MOST_STACKED];
    clade_shape shape = node->inputs[0]->shape;
    shape.ndim++;
    int axis = clade_shape_axis(&shape, (int)node->attrs.integer[0]);
    for (int i = shape.ndim - 1; i > axis; i--)
        shape.dim[i] = shape.dim[i - 1];
    shape.dim[axis] = 1;
    for (int i = 0; i < node->count; i++)
        parts[i] = clade_reshape(node->inputs[i], shape);
    return clade_concat(parts, node->count, axis);
}

/* --- repeat: shape = the counts -----------------------------------------------------------------
 */
static clade_status infer_repeat(const clade_node *node, clade_meta *out)
{
    const clade_shape *shape = &node->inputs[0]->shape, *counts = &node->attrs.shape;
    int lead = counts->ndim - shape->ndim;
    if (lead < 0 || counts->ndim > CLADE_MAX_DIMS)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "repeat: %d counts for %s", counts->ndim,
                          clade_shape_str(shape).s);
    out->shape.ndim = counts->ndim;
    for (int i = 0; i < counts->ndim; i++) {
        if (counts->dim[i] < 0)
            return CLADE_FAIL(CLADE_ERR_ARGUMENT, "repeat: a count is %lld",
                              (long long)counts->dim[i]);
        out->shape.dim[i] = counts->dim[i] * (i < lead ? 1 : shape->dim[i - lead]);
    }
    if (clade_shape_numel(&out->shape) < 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "repeat: %s so often is too large",
                          clade_shape_str(shape).s);
    return CLADE_OK;
}

/* Along one axis: [before,1,rest] expanded to [before,count,rest], and the shape of both in one. */
static clade_tensor *repeat_axis(clade_tensor *x, int axis, int64_t count)
{
    if (!x || count == 1)
        return x;
    clade_shape shape = x->shape;
    int64_t before = numel_before(&shape, axis), rest = before ? x->numel / before : 0;
    x = clade_reshape(x, CLADE_SHAPE(before, 1, rest));
    x = clade_expand(x, CLADE_SHAPE(before, count, rest));
    shape.dim[axis] *= count;
    return clade_reshape(x, shape);
}

static clade_tensor *compose_repeat(const clade_node *node)
{
    clade_tensor *x = node->inputs[0];
    const clade_shape *counts = &node->attrs.shape;
    clade_shape shape = {.ndim = counts->ndim};
    int lead = counts->ndim - x->shape.ndim;
    for (int i = 0; i < shape.ndim; i++)
        shape.dim[i] = i < lead ? 1 : x->shape.dim[i - lead];
    x = clade_reshape(x, shape);
    for (int i = 0; i < counts->ndim; i++)
        x = repeat_axis(x, i, counts->dim[i]);
    return x ? clade_contiguous(x) : NULL;
}

/* --- tril, triu: integer[0] = the diagonal ------------------------------------------------------
 */
static clade_status infer_triangle(const clade_node *node, clade_meta *out)
{
    (void)out;
    if (node->inputs[0]->shape.ndim >= 2)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: %s is no matrix", node->op->name,
                      clade_shape_str(&node->inputs[0]->shape).s);
}

typedef clade_tensor *(*comparison)(clade_tensor *a, clade_tensor *b);

static clade_tensor *triangle(const clade_node *node, comparison keeps)
{
    clade_tensor *x = node->inputs[0];
    int64_t rows = x->shape.dim[x->shape.ndim - 2], columns = x->shape.dim[x->shape.ndim - 1];
    double diagonal = (double)node->attrs.integer[0];
    clade_tensor *column = clade_arange(node->ctx, CLADE_I32, 0, (double)columns, 1);
    clade_tensor *row = clade_arange(node->ctx, CLADE_I32, diagonal, diagonal + (double)rows, 1);
    clade_tensor *kept = keeps(column, clade_reshape(row, CLADE_SHAPE(rows, 1)));
    return clade_where(kept, x, clade_full(node->ctx, x->dtype, clade_shape_scalar(), 0));
}

static clade_tensor *compose_tril(const clade_node *node)
{
    return triangle(node, clade_le);
}

static clade_tensor *compose_triu(const clade_node *node)
{
    return triangle(node, clade_ge);
}

#define COMPOSED(name_, most, infer_)                                                              \
    static const clade_op op_##name_ = {.name = #name_,                                            \
                                        .min_inputs = 1,                                           \
                                        .max_inputs = most,                                        \
                                        .infer = infer_,                                           \
                                        .compose = compose_##name_}
COMPOSED(roll, 1, infer_roll);
COMPOSED(stack, MOST_STACKED, infer_stack);
COMPOSED(repeat, 1, infer_repeat);
COMPOSED(tril, 1, infer_triangle);
COMPOSED(triu, 1, infer_triangle);

static const clade_op *const ops[] = {&op_flip,   &op_roll, &op_stack,
                                      &op_repeat, &op_tril, &op_triu};
const clade_op_family clade_arrange_ops = {ops, sizeof ops / sizeof ops[0]};

clade_tensor *clade_flip(clade_tensor *x, const int *axes, int count)
{
    clade_attrs attrs = clade_axes_attrs(axes, count, false);
    return CLADE_APPLY(&op_flip, &attrs, x);
}

clade_tensor *clade_roll(clade_tensor *x, int axis, int64_t shift)
{
    return CLADE_APPLY(&op_roll, &((clade_attrs){.integer = {axis, shift}}), x);
}

clade_tensor *clade_stack(clade_tensor *const *tensors, int count, int axis)
{
    if (!tensors || count < 1) {
        (void)CLADE_FAIL(CLADE_ERR_ARGUMENT, "stack: %d tensors", tensors ? count : 0);
        return NULL;
    }
    return clade_apply(&op_stack, &((clade_attrs){.integer = {axis}}), tensors, count);
}

clade_tensor *clade_repeat(clade_tensor *x, const int64_t *counts, int count)
{
    clade_attrs attrs = {.shape.ndim = counts ? count : -1};
    for (int i = 0; i < attrs.shape.ndim && i < CLADE_MAX_DIMS; i++)
        attrs.shape.dim[i] = counts[i];
    return CLADE_APPLY(&op_repeat, &attrs, x);
}

clade_tensor *clade_tril(clade_tensor *x, int64_t diagonal)
{
    return CLADE_APPLY(&op_tril, &((clade_attrs){.integer = {diagonal}}), x);
}

clade_tensor *clade_triu(clade_tensor *x, int64_t diagonal)
{
    return CLADE_APPLY(&op_triu, &((clade_attrs){.integer = {diagonal}}), x);
}

/* --- split, chunk -------------------------------------------------------------------------------
 */
static clade_status find_axis(const clade_tensor *x, int *axis, clade_tensor **parts, int count,
                              const char *what)
{
    if (!x)
        return clade_error_null(what, "x");
    if (!parts || count < 1)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: no parts to write to", what);
    int given = *axis;
    *axis = clade_shape_axis(&x->shape, given);
    if (*axis < 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: no axis %d in %s", what, given,
                          clade_shape_str(&x->shape).s);
    return CLADE_OK;
}

static void forget(clade_tensor **parts, int count)
{
    for (int i = 0; parts && i < count; i++)
        parts[i] = NULL;
}

static clade_status slices(clade_tensor *x, int axis, int64_t size, clade_tensor **parts, int count)
{
    for (int i = 0; i < count; i++) {
        parts[i] = clade_slice(x, axis, i * size, (i + 1) * size, 1);
        if (!parts[i]) {
            forget(parts, count);
            return clade_last_error()->status;
        }
    }
    return CLADE_OK;
}

clade_status clade_split(clade_tensor *x, int axis, int64_t size, clade_tensor **parts, int count)
{
    forget(parts, count);
    CLADE_TRY(find_axis(x, &axis, parts, count, "split"));
    int64_t along = x->shape.dim[axis];
    if (size < 1 || (along + size - 1) / size != count)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "split: axis %d of %s is not %d pieces of %lld", axis,
                          clade_shape_str(&x->shape).s, count, (long long)size);
    return slices(x, axis, size, parts, count);
}

clade_status clade_chunk(clade_tensor *x, int axis, clade_tensor **parts, int count)
{
    forget(parts, count);
    CLADE_TRY(find_axis(x, &axis, parts, count, "chunk"));
    return slices(x, axis, (x->shape.dim[axis] + count - 1) / count, parts, count);
}

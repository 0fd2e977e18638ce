/* Ops that show the same elements in another shape: views, and a copy where strides do not allow
 * one. */
#include "tape/op.h"
#include "tensor/transfer.h"

#include <clade/ops.h>

#include "base/shape.h"

#include <string.h>

static void set_view(clade_meta *out, const clade_tensor *x)
{
    out->is_view = true;
    out->dtype = x->dtype;
    out->shape = x->shape;
    out->offset = x->offset;
    memcpy(out->stride, x->stride, sizeof out->stride);
}

static clade_status axis_of(const clade_node *node, int64_t given, int *axis)
{
    const clade_shape *shape = &node->inputs[0]->shape;
    *axis = given < -CLADE_MAX_DIMS || given > CLADE_MAX_DIMS ? -1
                                                              : clade_shape_axis(shape, (int)given);
    if (*axis < 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: no axis %lld in %s", node->op->name,
                          (long long)given, clade_shape_str(shape).s);
    return CLADE_OK;
}

/* --- reshape: shape = the target, as given ---------------------------------------------------- */
static clade_status fail_reshape(const clade_shape *from, const clade_shape *to)
{
    return CLADE_FAIL(CLADE_ERR_SHAPE, "reshape: %s does not fit %s", clade_shape_str(from).s,
                      clade_shape_str(to).s);
}

static clade_status resolve_reshape(const clade_tensor *x, clade_shape *to)
{
    const clade_shape given = *to;
    int inferred = -1;
    for (int i = 0; i < to->ndim && i < CLADE_MAX_DIMS; i++) {
        if (to->dim[i] != -1)
            continue;
        if (inferred >= 0)
            return CLADE_FAIL(CLADE_ERR_SHAPE, "reshape: more than one -1 in %s",
                              clade_shape_str(&given).s);
        inferred = i;
        to->dim[i] = 1;
    }
    int64_t rest = clade_shape_numel(to);
    if (rest < 0)
        return fail_reshape(&x->shape, &given);
    if (inferred >= 0 && rest == 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "reshape: -1 in %s could be anything",
                          clade_shape_str(&given).s);
    if (inferred >= 0)
        to->dim[inferred] = x->numel / rest;
    if (clade_shape_numel(to) != x->numel)
        return fail_reshape(&x->shape, &given);
    return CLADE_OK;
}

static clade_status infer_reshape(const clade_node *node, clade_meta *out)
{
    const clade_tensor *x = node->inputs[0];
    clade_shape to = node->attrs.shape;
    CLADE_TRY(resolve_reshape(x, &to));
    set_view(out, x);
    out->shape = to;
    out->is_view = clade_shape_view_strides(&x->shape, x->stride, &to, out->stride);
    return CLADE_OK;
}

/* A copy: the output seen in x's shape. */
static clade_status forward_reshape(const clade_node *node)
{
    const clade_tensor *x = node->inputs[0];
    int64_t stride[CLADE_MAX_DIMS];
    clade_shape_strides(&x->shape, stride);
    clade_tensor *view = clade_tensor_new_view(node->output, &x->shape, stride, 0);
    if (!view)
        return CLADE_ERR_OUT_OF_MEMORY;
    clade_status status = clade_tensor_assign(view, x);
    clade_tensor_unref(view);
    return status;
}

static void backward_reshape(const clade_node *node, clade_tensor *grad, const bool *needs,
                             clade_tensor **grads)
{
    (void)needs;
    grads[0] = clade_reshape(grad, node->inputs[0]->shape);
}

/* --- permute: shape.dim = the order ----------------------------------------------------------- */
static clade_status infer_permute(const clade_node *node, clade_meta *out)
{
    const clade_tensor *x = node->inputs[0];
    unsigned seen = 0;
    set_view(out, x);
    for (int i = 0; i < x->shape.ndim; i++) {
        int axis;
        CLADE_TRY(axis_of(node, node->attrs.shape.dim[i], &axis));
        if (seen >> axis & 1)
            return CLADE_FAIL(CLADE_ERR_SHAPE, "permute: axis %d of %s is named twice", axis,
                              clade_shape_str(&x->shape).s);
        seen |= 1u << axis;
        out->shape.dim[i] = x->shape.dim[axis];
        out->stride[i] = x->stride[axis];
    }
    return CLADE_OK;
}

static void backward_permute(const clade_node *node, clade_tensor *grad, const bool *needs,
                             clade_tensor **grads)
{
    (void)needs;
    int inverse[CLADE_MAX_DIMS];
    const clade_shape *order = &node->attrs.shape;
    for (int i = 0; i < order->ndim; i++)
        inverse[clade_shape_axis(&node->inputs[0]->shape, (int)order->dim[i])] = i;
    grads[0] = clade_permute(grad, inverse);
}

/* --- transpose: integer[0], integer[1] = the axes --------------------------------------------- */
static clade_status infer_transpose(const clade_node *node, clade_meta *out)
{
    const clade_tensor *x = node->inputs[0];
    int a, b;
    CLADE_TRY(axis_of(node, node->attrs.integer[0], &a));
    CLADE_TRY(axis_of(node, node->attrs.integer[1], &b));
    set_view(out, x);
    out->shape.dim[a] = x->shape.dim[b];
    out->stride[a] = x->stride[b];
    out->shape.dim[b] = x->shape.dim[a];
    out->stride[b] = x->stride[a];
    return CLADE_OK;
}

static void backward_transpose(const clade_node *node, clade_tensor *grad, const bool *needs,
                               clade_tensor **grads)
{
    (void)needs;
    grads[0] = clade_transpose(grad, (int)node->attrs.integer[0], (int)node->attrs.integer[1]);
}

/* --- slice: integer = axis, start, stop, step, as given --------------------------------------- */
static int64_t clip_bound(int64_t bound, int64_t size)
{
    if (bound < 0)
        bound += size;
    return bound < 0 ? 0 : bound > size ? size : bound;
}

/* The window of x that attrs name, as Python does. */
static void slice_view(clade_meta *out, const clade_tensor *x, int axis, const clade_attrs *attrs)
{
    int64_t size = x->shape.dim[axis], step = attrs->integer[3];
    int64_t start = clip_bound(attrs->integer[1], size);
    int64_t stop = clip_bound(attrs->integer[2], size);
    set_view(out, x);
    out->shape.dim[axis] = stop > start ? (stop - start - 1) / step + 1 : 0;
    /* An empty window stays where x starts, inside its memory. */
    if (clade_shape_numel(&out->shape) > 0)
        out->offset += start * x->stride[axis];
    /* A step past the end is never taken. */
    out->stride[axis] = out->shape.dim[axis] > 1 ? x->stride[axis] * step : x->stride[axis];
}

static clade_status infer_slice(const clade_node *node, clade_meta *out)
{
    int axis;
    CLADE_TRY(axis_of(node, node->attrs.integer[0], &axis));
    if (node->attrs.integer[3] < 1)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "slice: the step is %lld, not at least 1",
                          (long long)node->attrs.integer[3]);
    slice_view(out, node->inputs[0], axis, &node->attrs);
    return CLADE_OK;
}

static const clade_op op_slice_grad;

static void backward_slice(const clade_node *node, clade_tensor *grad, const bool *needs,
                           clade_tensor **grads)
{
    (void)needs;
    clade_attrs attrs = node->attrs;
    attrs.shape = node->inputs[0]->shape;
    grads[0] = CLADE_APPLY(&op_slice_grad, &attrs, grad);
}

/* slice_grad: zeros of slice's input's shape (attrs.shape), with g in the window. */
static clade_status forward_slice_grad(const clade_node *node)
{
    clade_tensor *out = node->output;
    clade_meta window = {0};
    slice_view(&window, out, clade_shape_axis(&out->shape, (int)node->attrs.integer[0]),
               &node->attrs);
    CLADE_TRY(clade_tensor_fill(out, 0));
    clade_tensor *view = clade_tensor_new_view(out, &window.shape, window.stride, window.offset);
    if (!view)
        return CLADE_ERR_OUT_OF_MEMORY;
    clade_status status = clade_tensor_assign(view, node->inputs[0]);
    clade_tensor_unref(view);
    return status;
}

static void backward_slice_grad(const clade_node *node, clade_tensor *grad, const bool *needs,
                                clade_tensor **grads)
{
    (void)needs;
    const int64_t *a = node->attrs.integer;
    grads[0] = clade_slice(grad, (int)a[0], a[1], a[2], a[3]);
}

/* --- expand: shape = the target, as given ----------------------------------------------------- */
static clade_status infer_expand(const clade_node *node, clade_meta *out)
{
    const clade_tensor *x = node->inputs[0];
    clade_shape to = node->attrs.shape;
    int lead = to.ndim - x->shape.ndim;
    for (int i = lead < 0 ? 0 : lead; i < to.ndim && i < CLADE_MAX_DIMS; i++)
        if (to.dim[i] == -1 && lead >= 0)
            to.dim[i] = x->shape.dim[i - lead];
    if (clade_shape_numel(&to) < 0 || !clade_shape_expands_to(&x->shape, &to))
        return CLADE_FAIL(CLADE_ERR_SHAPE, "expand: %s does not broadcast to %s",
                          clade_shape_str(&x->shape).s, clade_shape_str(&node->attrs.shape).s);
    set_view(out, x);
    out->shape = to;
    clade_tensor_expanded_strides(x, &to, out->stride);
    return CLADE_OK;
}

/* --- contiguous ------------------------------------------------------------------------------- */
static clade_status forward_contiguous(const clade_node *node)
{
    return clade_tensor_assign(node->output, node->inputs[0]);
}

/* Of expand (the tape sums) and contiguous. */
static void backward_same(const clade_node *node, clade_tensor *grad, const bool *needs,
                          clade_tensor **grads)
{
    (void)node;
    (void)needs;
    grads[0] = grad;
}

#define VIEW_OP(name_, ...)                                                                        \
    static const clade_op op_##name_ = {                                                           \
        .name = #name_, .min_inputs = 1, .max_inputs = 1, .any_storage = true, __VA_ARGS__}

VIEW_OP(reshape, .infer = infer_reshape, .forward = forward_reshape, .backward = backward_reshape);
VIEW_OP(permute, .infer = infer_permute, .backward = backward_permute);
VIEW_OP(transpose, .infer = infer_transpose, .backward = backward_transpose);
VIEW_OP(slice, .infer = infer_slice, .backward = backward_slice);
VIEW_OP(slice_grad, .infer = clade_infer_given_shape, .forward = forward_slice_grad,
        .backward = backward_slice_grad, .gradient_of = "slice");
VIEW_OP(expand, .infer = infer_expand, .backward = backward_same);
VIEW_OP(contiguous, .infer = clade_infer_like_first, .forward = forward_contiguous,
        .backward = backward_same);

static const clade_op *const ops[] = {&op_reshape,    &op_permute, &op_transpose, &op_slice,
                                      &op_slice_grad, &op_expand,  &op_contiguous};
const clade_op_family clade_view_ops = {ops, sizeof ops / sizeof ops[0]};

clade_tensor *clade_reshape(clade_tensor *x, clade_shape shape)
{
    return CLADE_APPLY(&op_reshape, &((clade_attrs){.shape = shape}), x);
}

clade_tensor *clade_permute(clade_tensor *x, const int *order)
{
    clade_attrs attrs = {0};
    if (x && !order) {
        (void)CLADE_FAIL(CLADE_ERR_ARGUMENT, "permute: order is NULL");
        return NULL;
    }
    attrs.shape.ndim = x ? x->shape.ndim : 0;
    for (int i = 0; i < attrs.shape.ndim; i++)
        attrs.shape.dim[i] = order[i];
    return CLADE_APPLY(&op_permute, &attrs, x);
}

clade_tensor *clade_transpose(clade_tensor *x, int axis_a, int axis_b)
{
    return CLADE_APPLY(&op_transpose, &((clade_attrs){.integer = {axis_a, axis_b}}), x);
}

clade_tensor *clade_slice(clade_tensor *x, int axis, int64_t start, int64_t stop, int64_t step)
{
    return CLADE_APPLY(&op_slice, &((clade_attrs){.integer = {axis, start, stop, step}}), x);
}

clade_tensor *clade_expand(clade_tensor *x, clade_shape shape)
{
    return CLADE_APPLY(&op_expand, &((clade_attrs){.shape = shape}), x);
}

clade_tensor *clade_contiguous(clade_tensor *x)
{
    if (x && clade_tensor_is_contiguous(x))
        return clade_scope_require(x->ctx, "contiguous") == CLADE_OK
                   ? clade_scope_adopt(x->ctx, clade_tensor_ref(x))
                   : NULL;
    return CLADE_APPLY(&op_contiguous, NULL, x);
}

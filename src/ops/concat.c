/* Joining tensors along an axis. */
#include "tape/op.h"
#include "tensor/transfer.h"

#include <clade/ops.h>

#include "base/shape.h"

/* integer[0] = the axis, as given */
static int axis_of(const clade_node *node)
{
    return clade_shape_axis(&node->inputs[0]->shape, (int)node->attrs.integer[0]);
}

static clade_status infer(const clade_node *node, clade_meta *out)
{
    const clade_shape *first = &node->inputs[0]->shape;
    int axis = axis_of(node);
    if (axis < 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "concat: no axis %lld in %s",
                          (long long)node->attrs.integer[0], clade_shape_str(first).s);
    CLADE_TRY(clade_require_same_dtype(node, 0, node->count));
    out->dtype = node->inputs[0]->dtype;
    out->shape = *first;
    for (int i = 1; i < node->count; i++) {
        clade_shape aligned = node->inputs[i]->shape;
        int64_t size = aligned.ndim == first->ndim ? aligned.dim[axis] : 0;
        aligned.dim[axis] = first->dim[axis];
        if (!clade_shape_equal(&aligned, first))
            return CLADE_FAIL(CLADE_ERR_SHAPE, "concat: %s and %s differ off axis %d",
                              clade_shape_str(first).s, clade_shape_str(&node->inputs[i]->shape).s,
                              axis);
        out->shape.dim[axis] += size;
    }
    return CLADE_OK;
}

static clade_status forward(const clade_node *node)
{
    clade_tensor *out = node->output;
    int axis = axis_of(node);
    int64_t start = 0;
    for (int i = 0; i < node->count; i++) {
        clade_tensor *x = node->inputs[i];
        if (!x->numel)
            continue;
        clade_tensor *part =
            clade_tensor_new_view(out, &x->shape, out->stride, start * out->stride[axis]);
        if (!part)
            return CLADE_ERR_OUT_OF_MEMORY;
        clade_status status = clade_tensor_assign(part, x);
        clade_tensor_unref(part);
        CLADE_TRY(status);
        start += x->shape.dim[axis];
    }
    return CLADE_OK;
}

static void backward(const clade_node *node, clade_tensor *grad, const bool *needs,
                     clade_tensor **grads)
{
    int axis = axis_of(node);
    int64_t start = 0;
    for (int i = 0; i < node->count; i++) {
        int64_t stop = start + node->inputs[i]->shape.dim[axis];
        if (needs[i])
            grads[i] = clade_slice(grad, axis, start, stop, 1);
        start = stop;
    }
}

static const clade_op op_concat = {.name = "concat",
                                   .min_inputs = 1,
                                   .max_inputs = CLADE_OP_INPUTS,
                                   .infer = infer,
                                   .forward = forward,
                                   .any_storage = true,
                                   .backward = backward};

static const clade_op *const ops[] = {&op_concat};
const clade_op_family clade_concat_ops = {ops, sizeof ops / sizeof ops[0]};

clade_tensor *clade_concat(clade_tensor *const *tensors, int count, int axis)
{
    if (!tensors) {
        (void)CLADE_FAIL(CLADE_ERR_ARGUMENT, "concat: tensors is NULL");
        return NULL;
    }
    return clade_apply(&op_concat, &((clade_attrs){.integer = {axis}}), tensors, count);
}

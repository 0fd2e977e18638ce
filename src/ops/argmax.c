/* argmax along one axis. Attributes: integer[0] = the axis as given, integer[1] = keepdim. */
#include "tape/op.h"
#include "tensor/axis.h"
#include "tensor/transfer.h"

#include <clade/ops.h>

#include "base/shape.h"

static clade_status infer(const clade_node *node, clade_meta *out)
{
    const clade_shape *shape = &node->inputs[0]->shape;
    int axis = clade_shape_axis(shape, (int)node->attrs.integer[0]);
    if (axis < 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "argmax: no axis %d in %s", (int)node->attrs.integer[0],
                          clade_shape_str(shape).s);
    if (shape->dim[axis] == 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "argmax: of no elements: axis %d of %s is empty", axis,
                          clade_shape_str(shape).s);
    out->dtype = CLADE_I32;
    for (int i = 0; i < shape->ndim; i++) {
        if (i != axis)
            out->shape.dim[out->shape.ndim++] = shape->dim[i];
        else if (node->attrs.integer[1])
            out->shape.dim[out->shape.ndim++] = 1;
    }
    return CLADE_OK;
}

static clade_status forward(const clade_node *node)
{
    clade_tensor *x = clade_tensor_compact(node->inputs[0]);
    if (!x)
        return clade_last_error()->status;
    clade_axis axis =
        clade_axis_of(&x->shape, clade_shape_axis(&x->shape, (int)node->attrs.integer[0]));
    const clade_arg args[] = {CLADE_ARG_TENSOR(x), CLADE_ARG_TENSOR(node->output)};
    clade_status status = clade_axis_launch(clade_tensor_runtime(x), &axis, x->dtype, "argmax",
                                            "argmax", args, (int)(sizeof args / sizeof args[0]));
    clade_tensor_unref(x);
    return status;
}

static const clade_op op_argmax = {
    .name = "argmax", .min_inputs = 1, .max_inputs = 1, .infer = infer, .forward = forward};

static const clade_op *const ops[] = {&op_argmax};
const clade_op_family clade_argmax_ops = {ops, sizeof ops / sizeof ops[0]};

clade_tensor *clade_argmax(clade_tensor *x, int axis, bool keepdim)
{
    return CLADE_APPLY(&op_argmax, &((clade_attrs){.integer = {axis, keepdim}}), x);
}

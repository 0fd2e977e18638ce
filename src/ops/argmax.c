/* argmax and argmin along one axis. Attributes: integer[0] = the axis as given, integer[1] =
 * keepdim. */
#include "tape/op.h"
#include "tensor/axis.h"
#include "tensor/elementwise.h"
#include "tensor/transfer.h"

#include <clade/ops.h>

#include "base/shape.h"

static clade_status infer(const clade_node *node, clade_meta *out)
{
    const clade_shape *shape = &node->inputs[0]->shape;
    int axis = clade_shape_axis(shape, (int)node->attrs.integer[0]);
    if (axis < 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: no axis %d in %s", node->op->name,
                          (int)node->attrs.integer[0], clade_shape_str(shape).s);
    if (shape->dim[axis] == 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: of no elements: axis %d of %s is empty",
                          node->op->name, axis, clade_shape_str(shape).s);
    out->dtype = CLADE_I32;
    for (int i = 0; i < shape->ndim; i++) {
        if (i != axis)
            out->shape.dim[out->shape.ndim++] = shape->dim[i];
        else if (node->attrs.integer[1])
            out->shape.dim[out->shape.ndim++] = 1;
    }
    return CLADE_OK;
}

static clade_status place_largest(const clade_node *node, const clade_tensor *x)
{
    clade_axis axis =
        clade_axis_of(&x->shape, clade_shape_axis(&x->shape, (int)node->attrs.integer[0]));
    const clade_arg args[] = {CLADE_ARG_TENSOR(x), CLADE_ARG_TENSOR(node->output)};
    return clade_axis_launch(clade_tensor_runtime(x), &axis, x->dtype, "argmax", "argmax", args,
                             (int)(sizeof args / sizeof args[0]));
}

static clade_status forward_argmax(const clade_node *node)
{
    clade_tensor *x = clade_tensor_compact(node->inputs[0]);
    clade_status status = x ? place_largest(node, x) : clade_last_error()->status;
    clade_tensor_unref(x);
    return status;
}

/* The largest of -x, or of ~x, which turns the order of integers round without overflow; NaN stays
 * NaN. */
static clade_status forward_argmin(const clade_node *node)
{
    static const clade_expression negative = {"argmin_neg", "-a", "a"},
                                  complement = {"argmin_not", "~a", "a"};
    clade_tensor *x = node->inputs[0];
    bool floats = clade_dtype_is_float(x->dtype);
    clade_dtype dtype = x->dtype == CLADE_U8 ? CLADE_I32 : x->dtype;
    clade_tensor *turned = clade_tensor_new(node->ctx, dtype, &x->shape, "argmin");
    clade_status status = turned ? CLADE_OK : clade_last_error()->status;
    if (status == CLADE_OK)
        status = clade_elementwise(floats ? &negative : &complement, dtype, turned, &x, 1, NULL, 0);
    if (status == CLADE_OK)
        status = place_largest(node, turned);
    clade_tensor_unref(turned);
    return status;
}

static const clade_op op_argmax = {
    .name = "argmax", .min_inputs = 1, .max_inputs = 1, .infer = infer, .forward = forward_argmax};
static const clade_op op_argmin = {
    .name = "argmin", .min_inputs = 1, .max_inputs = 1, .infer = infer, .forward = forward_argmin};

static const clade_op *const ops[] = {&op_argmax, &op_argmin};
const clade_op_family clade_argmax_ops = {ops, sizeof ops / sizeof ops[0]};

clade_tensor *clade_argmax(clade_tensor *x, int axis, bool keepdim)
{
    return CLADE_APPLY(&op_argmax, &((clade_attrs){.integer = {axis, keepdim}}), x);
}

clade_tensor *clade_argmin(clade_tensor *x, int axis, bool keepdim)
{
    return CLADE_APPLY(&op_argmin, &((clade_attrs){.integer = {axis, keepdim}}), x);
}

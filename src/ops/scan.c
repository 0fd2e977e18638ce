/* cumsum: running sums along an axis. Attributes: integer[0] = the axis as given, integer[1] =
 * whether they run from the last element to the first, as the gradient's do. */
#include "tape/op.h"
#include "tensor/axis.h"
#include "tensor/transfer.h"

#include <clade/ops.h>

#include "base/shape.h"

static clade_status infer(const clade_node *node, clade_meta *out)
{
    const clade_shape *shape = &node->inputs[0]->shape;
    if (clade_shape_axis(shape, (int)node->attrs.integer[0]) < 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "cumsum: no axis %d in %s", (int)node->attrs.integer[0],
                          clade_shape_str(shape).s);
    return clade_infer_like_first(node, out);
}

static clade_status forward(const clade_node *node)
{
    clade_tensor *x = clade_tensor_compact(node->inputs[0]);
    if (!x)
        return clade_last_error()->status;
    clade_axis axis =
        clade_axis_of(&x->shape, clade_shape_axis(&x->shape, (int)node->attrs.integer[0]));
    const clade_arg args[] = {CLADE_ARG_TENSOR(x), CLADE_ARG_TENSOR(node->output),
                              clade_arg_i32(node->attrs.integer[1])};
    clade_status status = clade_axis_launch(clade_tensor_runtime(x), &axis, x->dtype, "scan",
                                            "cumsum", args, (int)(sizeof args / sizeof args[0]));
    clade_tensor_unref(x);
    return status;
}

static const clade_op op_cumsum;

static void backward(const clade_node *node, clade_tensor *grad, const bool *needs,
                     clade_tensor **grads)
{
    (void)needs;
    clade_attrs attrs = {.integer = {node->attrs.integer[0], !node->attrs.integer[1]}};
    grads[0] = CLADE_APPLY(&op_cumsum, &attrs, grad);
}

static const clade_op op_cumsum = {.name = "cumsum",
                                   .min_inputs = 1,
                                   .max_inputs = 1,
                                   .infer = infer,
                                   .forward = forward,
                                   .backward = backward};

static const clade_op *const ops[] = {&op_cumsum};
const clade_op_family clade_scan_ops = {ops, sizeof ops / sizeof ops[0]};

clade_tensor *clade_cumsum(clade_tensor *x, int axis)
{
    return CLADE_APPLY(&op_cumsum, &((clade_attrs){.integer = {axis}}), x);
}

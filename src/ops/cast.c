/* Conversion between dtypes. */
#include "tape/op.h"
#include "tensor/transfer.h"

#include <clade/ops.h>

#include <string.h>

/* integer[0] = the dtype. To x's own it is a view. */
static clade_status infer(const clade_node *node, clade_meta *out)
{
    const clade_tensor *x = node->inputs[0];
    out->dtype = (clade_dtype)node->attrs.integer[0];
    out->shape = x->shape;
    out->is_view = out->dtype == x->dtype;
    out->offset = x->offset;
    memcpy(out->stride, x->stride, sizeof out->stride);
    return CLADE_OK;
}

static clade_status forward(const clade_node *node)
{
    return clade_tensor_assign(node->output, node->inputs[0]);
}

static void backward(const clade_node *node, clade_tensor *grad, const bool *needs,
                     clade_tensor **grads)
{
    (void)needs;
    grads[0] = clade_cast(grad, node->inputs[0]->dtype);
}

static const clade_op op_cast = {.name = "cast",
                                 .min_inputs = 1,
                                 .max_inputs = 1,
                                 .infer = infer,
                                 .forward = forward,
                                 .any_storage = true,
                                 .backward = backward};

static const clade_op *const ops[] = {&op_cast};
const clade_op_family clade_cast_ops = {ops, sizeof ops / sizeof ops[0]};

clade_tensor *clade_cast(clade_tensor *x, clade_dtype dtype)
{
    return CLADE_APPLY(&op_cast, &((clade_attrs){.integer = {dtype}}), x);
}

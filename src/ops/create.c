/* Tensors made of constants. Attributes: integer[0] = the dtype, shape. */
#include "tape/op.h"

#include <clade/ops.h>

static clade_status infer(const clade_node *node, clade_meta *out)
{
    out->dtype = (clade_dtype)node->attrs.integer[0];
    out->shape = node->attrs.shape;
    return CLADE_OK;
}

/* --- full: real[0] = the value -----------------------------------------------------------------
 */
static clade_status forward_full(const clade_node *node)
{
    return clade_tensor_fill(node->output, node->attrs.real[0]);
}

static const clade_op op_full = {
    .name = "full", .infer = infer, .forward = forward_full, .any_storage = true};

static const clade_op *const ops[] = {&op_full};
const clade_op_family clade_create_ops = {ops, sizeof ops / sizeof ops[0]};

clade_tensor *clade_full(clade_context *ctx, clade_dtype dtype, clade_shape shape, double value)
{
    return clade_apply_create(ctx, &op_full,
                              &(clade_attrs){.real = {value}, .integer = {dtype}, .shape = shape});
}

/* Matrix products over the last two dimensions. */
#include "tape/op.h"
#include "tensor/multiply.h"

#include <clade/ops.h>

#include "base/shape.h"

static clade_status infer(const clade_node *node, clade_meta *out)
{
    clade_shape a = node->inputs[0]->shape, b = node->inputs[1]->shape;
    CLADE_TRY(clade_require_float(node, 0));
    CLADE_TRY(clade_require_same_dtype(node, 0, 2));
    if (a.ndim < 2 || b.ndim < 2)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "matmul: both need two dimensions: %s x %s",
                          clade_shape_str(&a).s, clade_shape_str(&b).s);
    int64_t rows = a.dim[a.ndim - 2], cols = b.dim[b.ndim - 1];
    if (a.dim[a.ndim - 1] != b.dim[b.ndim - 2])
        return CLADE_FAIL(CLADE_ERR_SHAPE, "matmul: inner dimensions differ: %s x %s",
                          clade_shape_str(&a).s, clade_shape_str(&b).s);
    a.ndim -= 2;
    b.ndim -= 2;
    if (!clade_shape_broadcast(&a, &b, &out->shape))
        return CLADE_FAIL(CLADE_ERR_SHAPE, "matmul: leading dimensions do not broadcast: %s x %s",
                          clade_shape_str(&node->inputs[0]->shape).s,
                          clade_shape_str(&node->inputs[1]->shape).s);
    out->dtype = node->inputs[0]->dtype;
    out->shape.dim[out->shape.ndim++] = rows;
    out->shape.dim[out->shape.ndim++] = cols;
    return CLADE_OK;
}

static clade_status forward(const clade_node *node)
{
    return clade_multiply(node->output, node->inputs[0], node->inputs[1]);
}

/* da = g b^T, db = a^T g */
static void backward(const clade_node *node, clade_tensor *grad, const bool *needs,
                     clade_tensor **grads)
{
    if (needs[0])
        grads[0] = clade_matmul(grad, clade_transpose(node->inputs[1], -1, -2));
    if (needs[1])
        grads[1] = clade_matmul(clade_transpose(node->inputs[0], -1, -2), grad);
}

static const clade_op op_matmul = {.name = "matmul",
                                   .min_inputs = 2,
                                   .max_inputs = 2,
                                   .saves = CLADE_SAVES_INPUTS,
                                   .infer = infer,
                                   .forward = forward,
                                   .backward = backward};

static const clade_op *const ops[] = {&op_matmul};
const clade_op_family clade_matmul_ops = {ops, sizeof ops / sizeof ops[0]};

clade_tensor *clade_matmul(clade_tensor *a, clade_tensor *b)
{
    return CLADE_APPLY(&op_matmul, NULL, a, b);
}

/* mse_loss: (a - b)^2, reduced. Attributes: integer[0] = the reduction. */
#include "tape/op.h"
#include "tensor/elementwise.h"
#include "tensor/reduce.h"

#include <clade/ops.h>

#include "base/shape.h"

static const clade_expression value_expression = {"mse_loss", "(a-b)*(a-b)", "ab"};
static const clade_expression grad_expression = {"mse_loss_grad", "p0*g*(a-b)", "abg"};

static clade_status infer(const clade_node *node, clade_meta *out)
{
    const clade_tensor *a = node->inputs[0], *b = node->inputs[1];
    int64_t kind = node->attrs.integer[0];
    if (kind < CLADE_REDUCTION_MEAN || kind > CLADE_REDUCTION_NONE)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "mse_loss: %d is no reduction", (int)kind);
    CLADE_TRY(clade_require_same_dtype(node, 0, 2));
    CLADE_TRY(clade_require_float(node, 0));
    if (!clade_shape_equal(&a->shape, &b->shape))
        return CLADE_FAIL(CLADE_ERR_SHAPE, "mse_loss: the shapes differ: %s and %s",
                          clade_shape_str(&a->shape).s, clade_shape_str(&b->shape).s);
    out->dtype = a->dtype;
    if (kind == CLADE_REDUCTION_NONE)
        out->shape = a->shape;
    return CLADE_OK;
}

static double scale_of(const clade_node *node)
{
    bool mean = node->attrs.integer[0] == CLADE_REDUCTION_MEAN;
    return mean ? 1.0 / (double)node->inputs[0]->numel : 1;
}

static clade_status forward(const clade_node *node)
{
    clade_tensor *a = node->inputs[0], *out = node->output;
    if (node->attrs.integer[0] == CLADE_REDUCTION_NONE)
        return clade_elementwise(&value_expression, out->dtype, out, node->inputs, 2, NULL, 0);
    clade_tensor *squares = clade_tensor_new(node->ctx, a->dtype, &a->shape, "mse_loss");
    if (!squares)
        return clade_last_error()->status;
    clade_status status =
        clade_elementwise(&value_expression, a->dtype, squares, node->inputs, 2, NULL, 0);
    if (status == CLADE_OK)
        status = clade_reduce(out, squares, (1u << a->shape.ndim) - 1u, CLADE_REDUCE_SUM,
                              scale_of(node));
    clade_tensor_unref(squares);
    return status;
}

/* --- mse_loss_grad: of a, b and g; real[0] = the factor -----------------------------------------
 */
static clade_status infer_grad(const clade_node *node, clade_meta *out)
{
    out->dtype = node->inputs[0]->dtype;
    out->shape = node->inputs[0]->shape;
    return CLADE_OK;
}

static clade_status forward_grad(const clade_node *node)
{
    return clade_elementwise(&grad_expression, node->output->dtype, node->output, node->inputs, 3,
                             node->attrs.real, 1);
}

static const clade_op op_mse_loss_grad = {.name = "mse_loss_grad",
                                          .min_inputs = 3,
                                          .max_inputs = 3,
                                          .infer = infer_grad,
                                          .forward = forward_grad,
                                          .gradient_of = "mse_loss"};

static void backward(const clade_node *node, clade_tensor *grad, const bool *needs,
                     clade_tensor **grads)
{
    for (int i = 0; i < 2; i++) {
        clade_attrs attrs = {.real = {(i == 0 ? 2 : -2) * scale_of(node)}};
        if (needs[i])
            grads[i] =
                CLADE_APPLY(&op_mse_loss_grad, &attrs, node->inputs[0], node->inputs[1], grad);
    }
}

static const clade_op op_mse_loss = {.name = "mse_loss",
                                     .min_inputs = 2,
                                     .max_inputs = 2,
                                     .saves = CLADE_SAVES_INPUTS,
                                     .infer = infer,
                                     .forward = forward,
                                     .backward = backward};

static const clade_op *const ops[] = {&op_mse_loss, &op_mse_loss_grad};
const clade_op_family clade_mse_loss_ops = {ops, sizeof ops / sizeof ops[0]};

clade_tensor *clade_mse_loss(clade_tensor *a, clade_tensor *b, clade_reduction reduction)
{
    return CLADE_APPLY(&op_mse_loss, &((clade_attrs){.integer = {reduction}}), a, b);
}

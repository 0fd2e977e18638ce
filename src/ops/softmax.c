/* softmax and log_softmax along any axis. Attributes: integer[0] = the axis as given. */
#include "tape/op.h"
#include "tensor/arguments.h"
#include "tensor/axis.h"

#include <clade/ops.h>

#include "base/shape.h"

static clade_status infer(const clade_node *node, clade_meta *out)
{
    const clade_tensor *x = node->inputs[0];
    CLADE_TRY(clade_require_float(node, 0));
    if (clade_shape_axis(&x->shape, (int)node->attrs.integer[0]) < 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: no axis %d in %s", node->op->name,
                          (int)node->attrs.integer[0], clade_shape_str(&x->shape).s);
    out->dtype = x->dtype;
    out->shape = x->shape;
    return CLADE_OK;
}

/* The op's kernel, over one or two inputs of one shape. */
static clade_status forward(const clade_node *node)
{
    clade_tensor *out = node->output;
    clade_arguments a = {0};
    for (int i = 0; i < node->count; i++)
        clade_arguments_add_tensor(&a, node->inputs[i]);
    clade_arguments_add_tensor(&a, out);
    clade_axis axis =
        clade_axis_of(&out->shape, clade_shape_axis(&out->shape, (int)node->attrs.integer[0]));
    clade_status status = a.status;
    if (status == CLADE_OK)
        status = clade_axis_launch(clade_tensor_runtime(out), &axis, out->dtype, "softmax",
                                   node->op->name, a.arg, a.count);
    clade_arguments_clear(&a);
    return status;
}

/* --- gradients: of g and the result ------------------------------------------------------------
 */
static const clade_op op_softmax, op_softmax_grad, op_log_softmax_grad;

static void backward(const clade_node *node, clade_tensor *grad, const bool *needs,
                     clade_tensor **grads)
{
    (void)needs;
    const clade_op *op = node->op == &op_softmax ? &op_softmax_grad : &op_log_softmax_grad;
    grads[0] = CLADE_APPLY(op, &node->attrs, grad, node->output);
}

/* --- second derivatives: u arrives at the gradient of g and y ----------------------------------
 */
static clade_tensor *sum_along(const clade_node *node, clade_tensor *t)
{
    int axis = (int)node->attrs.integer[0];
    return clade_sum(t, &axis, 1, true);
}

/* y (g - s), s = sum(g y): to g y (u - sum(u y)), to y u (g - s) - g sum(u y). */
static void backward_softmax_grad(const clade_node *node, clade_tensor *u, const bool *needs,
                                  clade_tensor **grads)
{
    clade_tensor *g = node->inputs[0], *y = node->inputs[1];
    if (needs[0])
        grads[0] = CLADE_APPLY(&op_softmax_grad, &node->attrs, u, y);
    if (needs[1]) {
        clade_tensor *s = sum_along(node, clade_mul(g, y));
        grads[1] = clade_sub(clade_mul(u, clade_sub(g, s)),
                             clade_mul(g, sum_along(node, clade_mul(u, y))));
    }
}

/* g - exp(y) s, s = sum(g): to g u - sum(u exp(y)), to y -u exp(y) s. */
static void backward_log_softmax_grad(const clade_node *node, clade_tensor *u, const bool *needs,
                                      clade_tensor **grads)
{
    clade_tensor *g = node->inputs[0], *part = clade_mul(u, clade_exp(node->inputs[1]));
    if (needs[0])
        grads[0] = clade_sub(u, sum_along(node, part));
    if (needs[1])
        grads[1] = clade_neg(clade_mul(part, sum_along(node, g)));
}

#define SOFTMAX(name_)                                                                             \
    static const clade_op op_##name_ = {.name = #name_,                                            \
                                        .min_inputs = 1,                                           \
                                        .max_inputs = 1,                                           \
                                        .saves = CLADE_SAVES_OUTPUT,                               \
                                        .infer = infer,                                            \
                                        .forward = forward,                                        \
                                        .backward = backward};                                     \
    static const clade_op op_##name_##_grad = {.name = #name_ "_grad",                             \
                                               .min_inputs = 2,                                    \
                                               .max_inputs = 2,                                    \
                                               .infer = infer,                                     \
                                               .saves = CLADE_SAVES_INPUTS,                        \
                                               .forward = forward,                                 \
                                               .backward = backward_##name_##_grad,                \
                                               .gradient_of = #name_};
SOFTMAX(softmax)
SOFTMAX(log_softmax)

static const clade_op *const ops[] = {&op_softmax, &op_log_softmax, &op_softmax_grad,
                                      &op_log_softmax_grad};
const clade_op_family clade_softmax_ops = {ops, sizeof ops / sizeof ops[0]};

clade_tensor *clade_softmax(clade_tensor *x, int axis)
{
    return CLADE_APPLY(&op_softmax, &((clade_attrs){.integer = {axis}}), x);
}

clade_tensor *clade_log_softmax(clade_tensor *x, int axis)
{
    return CLADE_APPLY(&op_log_softmax, &((clade_attrs){.integer = {axis}}), x);
}

#include "tape/tape.h"
#include "tensor/elementwise.h"
#include "tensor/reduce.h"
#include "tensor/transfer.h"

#include <clade/autograd.h>

#include "base/shape.h"

static const clade_expression add_expression = {"accumulate", "a + b", "ab"};

clade_status clade_tensor_set_requires_grad(clade_tensor *t, bool requires_grad)
{
    if (!t)
        return clade_error_null("set_requires_grad", "tensor");
    if (t->node)
        return CLADE_FAIL(CLADE_ERR_STATE, "set_requires_grad: %s is the result of %s, not a leaf",
                          clade_shape_str(&t->shape).s, t->node->op->name);
    if (!clade_dtype_is_float(t->dtype))
        return CLADE_FAIL(CLADE_ERR_DTYPE, "set_requires_grad: %s has no gradients",
                          clade_dtype_name(t->dtype));
    t->requires_grad = requires_grad;
    return CLADE_OK;
}

bool clade_tensor_requires_grad(const clade_tensor *t)
{
    return t && t->requires_grad;
}

clade_tensor *clade_tensor_grad(const clade_tensor *t)
{
    return t ? t->grad : NULL;
}

/* Whether grad can be the gradient of t. */
static clade_status check_gradient(const clade_tensor *t, const clade_tensor *grad,
                                   const char *what)
{
    if (grad->ctx != t->ctx)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: gradient and tensor have different contexts",
                          what);
    if (grad->dtype != t->dtype)
        return CLADE_FAIL(CLADE_ERR_DTYPE, "%s: the gradient is %s, the tensor %s", what,
                          clade_dtype_name(grad->dtype), clade_dtype_name(t->dtype));
    if (!clade_shape_equal(&grad->shape, &t->shape))
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: the gradient is %s, the tensor %s", what,
                          clade_shape_str(&grad->shape).s, clade_shape_str(&t->shape).s);
    return CLADE_OK;
}

clade_status clade_tensor_set_grad(clade_tensor *t, clade_tensor *grad)
{
    if (!t)
        return clade_error_null("set_grad", "tensor");
    if (grad) {
        CLADE_TRY(check_gradient(t, grad, "set_grad"));
        clade_tensor_ref(grad);
    }
    clade_tensor_unref(t->grad);
    t->grad = grad;
    return CLADE_OK;
}

clade_status clade_tensor_zero_grad(clade_tensor *t)
{
    if (!t)
        return clade_error_null("zero_grad", "tensor");
    return t->grad ? clade_tensor_fill(t->grad, 0) : CLADE_OK;
}

/* A new reference to g summed over the dimensions along which `shape` was broadcast. */
static clade_tensor *unbroadcast(clade_tensor *g, const clade_shape *shape)
{
    if (clade_shape_equal(&g->shape, shape))
        return clade_tensor_ref(g);
    int lead = g->shape.ndim - shape->ndim;
    unsigned mask = 0;
    for (int i = 0; i < g->shape.ndim; i++)
        if (i < lead || (shape->dim[i - lead] == 1 && g->shape.dim[i] != 1))
            mask |= 1u << i;
    clade_tensor *sum = clade_tensor_new(g->ctx, g->dtype, shape, "backward");
    if (sum && clade_reduce(sum, g, mask, CLADE_REDUCE_SUM, 1) != CLADE_OK) {
        clade_tensor_unref(sum);
        return NULL;
    }
    return sum;
}

/* A fresh contiguous tensor a + b, or a copy of a when b is NULL. */
static clade_tensor *sum_of(clade_tensor *a, clade_tensor *b)
{
    clade_tensor *out = clade_tensor_new(a->ctx, a->dtype, &a->shape, "backward");
    if (!out)
        return NULL;
    clade_tensor *inputs[2] = {a, b};
    clade_status status = b ? clade_elementwise(&add_expression, a->dtype, out, inputs, 2, NULL, 0)
                            : clade_tensor_assign(out, a);
    if (status != CLADE_OK) {
        clade_tensor_unref(out);
        return NULL;
    }
    return out;
}

/* The one place where gradients accumulate: adds `arrived` to what has come to t so far. */
static clade_status accumulate(clade_tensor *t, clade_tensor *arrived)
{
    clade_tensor *g = unbroadcast(arrived, &t->shape);
    if (!g)
        return clade_last_error()->status;
    clade_status status = CLADE_OK;
    if (!t->node && t->grad) {
        clade_tensor *inputs[2] = {t->grad, g};
        status = clade_elementwise(&add_expression, t->dtype, t->grad, inputs, 2, NULL, 0);
    } else {
        /* A gradient on its way may be shared between several inputs: never add into it. A leaf
         * keeps memory of its own. */
        clade_tensor **slot = t->node ? &t->node->grad : &t->grad;
        clade_tensor *sum = t->node && !*slot ? clade_tensor_ref(g) : sum_of(g, *slot);
        if (!sum) {
            status = clade_last_error()->status;
        } else {
            clade_tensor_unref(*slot);
            *slot = sum;
        }
    }
    clade_tensor_unref(g);
    return status;
}

/* From node->grad to the gradients of its inputs; `grads` and `needs` have room for node->count. */
static clade_status step_back(clade_node *node, clade_tensor **grads, bool *needs)
{
    if (!node->op->backward)
        return CLADE_FAIL(CLADE_ERR_NO_GRADIENT, "backward: %s has no gradient", node->op->name);
    CLADE_TRY(clade_node_check_saved(node));
    for (int i = 0; i < node->count; i++) {
        grads[i] = NULL;
        needs[i] = node->inputs[i]->requires_grad;
    }
    node->op->backward(node, node->grad, needs, grads);
    for (int i = 0; i < node->count; i++) {
        if (!needs[i])
            continue;
        if (!grads[i])
            return clade_last_error()->status;
        CLADE_TRY(accumulate(node->inputs[i], grads[i]));
    }
    return CLADE_OK;
}

#define MAX_NODE_INPUTS 64

static clade_status walk(clade_tape *tape, clade_node *last)
{
    clade_tensor *grads[MAX_NODE_INPUTS];
    bool needs[MAX_NODE_INPUTS];
    size_t at = tape->count;
    while (at && tape->nodes[at - 1] != last)
        at--;
    while (at) {
        clade_node *node = tape->nodes[--at];
        if (!node->grad)
            continue;
        if (node->done)
            return CLADE_FAIL(CLADE_ERR_STATE,
                              "backward: %s was gone through before; record it again",
                              node->op->name);
        CLADE_TRY(clade_scope_push(tape->ctx));
        clade_status status = step_back(node, grads, needs);
        clade_scope_pop(tape->ctx);
        CLADE_TRY(status);
        node->done = true;
        clade_tensor_unref(node->grad);
        node->grad = NULL;
    }
    return CLADE_OK;
}

static clade_status backward_checked(clade_tensor *output, clade_tensor *grad)
{
    clade_context *ctx = output->ctx;
    clade_node *node = output->node;
    clade_tape *tape = ctx->tape;
    clade_tensor_unref(node->grad);
    node->grad = clade_tensor_ref(grad);
    ctx->no_grad_depth++;
    clade_status status = walk(tape, node);
    ctx->no_grad_depth--;
    for (size_t i = 0; i < tape->count; i++) {
        clade_tensor_unref(tape->nodes[i]->grad);
        tape->nodes[i]->grad = NULL;
    }
    return status;
}

static clade_status check_output(const clade_tensor *output, const char *what)
{
    if (!output)
        return clade_error_null(what, "the tensor");
    if (!output->node)
        return CLADE_FAIL(CLADE_ERR_STATE,
                          "%s: %s was not recorded: no tape was open, or nothing it was computed "
                          "from requires a gradient",
                          what, clade_shape_str(&output->shape).s);
    if (output->node->done)
        return CLADE_FAIL(CLADE_ERR_STATE, "%s: %s was gone through before; record it again", what,
                          output->node->op->name);
    return CLADE_OK;
}

clade_status clade_backward(clade_tensor *loss)
{
    CLADE_TRY(check_output(loss, "backward"));
    if (loss->numel != 1)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "backward: the loss is %s, not one element",
                          clade_shape_str(&loss->shape).s);
    clade_tensor *one = clade_tensor_new(loss->ctx, loss->dtype, &loss->shape, "backward");
    if (!one)
        return clade_last_error()->status;
    clade_status status = clade_tensor_fill(one, 1);
    if (status == CLADE_OK)
        status = backward_checked(loss, one);
    clade_tensor_unref(one);
    return status;
}

clade_status clade_backward_from(clade_tensor *output, clade_tensor *grad)
{
    CLADE_TRY(check_output(output, "backward_from"));
    if (!grad)
        return clade_error_null("backward_from", "grad");
    CLADE_TRY(check_gradient(output, grad, "backward_from"));
    return backward_checked(output, grad);
}

/* Reductions over any axes that are made of others: norm, var, std, logsumexp. */
#include "tape/axes.h"

#include <clade/ops.h>

#include "base/shape.h"

#include <math.h>

static clade_status infer(const clade_node *node, clade_meta *out)
{
    (void)out;
    CLADE_TRY(clade_axes_check(node));
    return clade_require_float(node, 0);
}

static clade_tensor *number(const clade_node *node, double value)
{
    return clade_full(node->ctx, node->inputs[0]->dtype, clade_shape_scalar(), value);
}

typedef clade_tensor *(*reduction)(clade_tensor *x, const int *axes, int count, bool keepdim);

/* x reduced over the node's axes. */
static clade_tensor *reduce(const clade_node *node, reduction fn, clade_tensor *x, bool keepdim)
{
    int axes[CLADE_MAX_DIMS];
    return fn(x, axes, clade_axes_list(node, axes), keepdim);
}

/* s ^ power, 0 where s is 0, with a gradient of 0 there. */
static clade_tensor *root(const clade_node *node, clade_tensor *s, double power)
{
    clade_tensor *zero = number(node, 0), *none = clade_eq(s, zero);
    clade_tensor *safe = clade_where(none, number(node, 1), s);
    safe = power == 0.5 ? clade_sqrt(safe) : clade_pow_scalar(safe, power);
    return clade_where(none, zero, safe);
}

/* --- norm: real[0] = p ------------------------------------------------------------------------ */
static clade_status infer_norm(const clade_node *node, clade_meta *out)
{
    double p = node->attrs.real[0];
    CLADE_TRY(infer(node, out));
    if (!(p >= 1))
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "norm: p is %g, not at least 1", p);
    if (isinf(p) && clade_axes_set_size(node) == 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "norm: the largest of no elements: %s has an empty axis",
                          clade_shape_str(&node->inputs[0]->shape).s);
    return CLADE_OK;
}

static clade_tensor *compose_norm(const clade_node *node)
{
    clade_tensor *x = node->inputs[0];
    double p = node->attrs.real[0];
    bool keepdim = node->attrs.integer[1];
    if (p == 1)
        return reduce(node, clade_sum, clade_abs(x), keepdim);
    if (isinf(p))
        return reduce(node, clade_max, clade_abs(x), keepdim);
    clade_tensor *powers = p == 2 ? clade_square(x) : clade_pow_scalar(clade_abs(x), p);
    return root(node, reduce(node, clade_sum, powers, keepdim), 1 / p);
}

/* --- var, std: real[0] = what is subtracted from the count --------------------------------------
 */
static clade_tensor *compose_var(const clade_node *node)
{
    clade_tensor *x = node->inputs[0];
    double degrees = (double)clade_axes_set_size(node) - node->attrs.real[0];
    clade_tensor *away = clade_sub(x, reduce(node, clade_mean, x, true));
    clade_tensor *sum = reduce(node, clade_sum, clade_square(away), node->attrs.integer[1]);
    return clade_mul_scalar(sum, 1 / (degrees > 0 ? degrees : 0));
}

static clade_tensor *compose_std(const clade_node *node)
{
    return root(node, compose_var(node), 0.5);
}

/* --- logsumexp: m + log(sum(e^(x-m))) with m the maximum where it is finite, else 0 ------------
 */
static clade_status infer_logsumexp(const clade_node *node, clade_meta *out)
{
    CLADE_TRY(infer(node, out));
    if (clade_axes_set_size(node) > 0)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_SHAPE, "logsumexp: of no elements: %s has an empty axis",
                      clade_shape_str(&node->inputs[0]->shape).s);
}

/* A constant: what the gradient through it would add cancels. */
static clade_tensor *finite_maximum(const clade_node *node)
{
    node->ctx->no_grad_depth++;
    clade_tensor *m = reduce(node, clade_max, node->inputs[0], true);
    clade_tensor *finite = clade_lt(clade_abs(m), number(node, INFINITY));
    m = clade_where(finite, m, number(node, 0));
    node->ctx->no_grad_depth--;
    return m;
}

static clade_tensor *compose_logsumexp(const clade_node *node)
{
    clade_tensor *m = finite_maximum(node);
    clade_tensor *powers = clade_exp(clade_sub(node->inputs[0], m));
    clade_tensor *y = clade_add(clade_log(reduce(node, clade_sum, powers, true)), m);
    return clade_reshape(y, clade_axes_reduced_shape(node, node->attrs.integer[1]));
}

#define COMPOSED(name_, infer_)                                                                    \
    static const clade_op op_##name_ = {.name = #name_,                                            \
                                        .min_inputs = 1,                                           \
                                        .max_inputs = 1,                                           \
                                        .infer = infer_,                                           \
                                        .compose = compose_##name_}
COMPOSED(norm, infer_norm);
COMPOSED(var, infer);
COMPOSED(std, infer);
COMPOSED(logsumexp, infer_logsumexp);

static const clade_op *const ops[] = {&op_norm, &op_var, &op_std, &op_logsumexp};
const clade_op_family clade_moment_ops = {ops, sizeof ops / sizeof ops[0]};

clade_tensor *clade_norm(clade_tensor *x, double p, const int *axes, int count, bool keepdim)
{
    clade_attrs attrs = clade_axes_attrs(axes, count, keepdim);
    attrs.real[0] = p;
    return CLADE_APPLY(&op_norm, &attrs, x);
}

clade_tensor *clade_var(clade_tensor *x, const int *axes, int count, bool keepdim, int correction)
{
    clade_attrs attrs = clade_axes_attrs(axes, count, keepdim);
    attrs.real[0] = correction;
    return CLADE_APPLY(&op_var, &attrs, x);
}

clade_tensor *clade_std(clade_tensor *x, const int *axes, int count, bool keepdim, int correction)
{
    clade_attrs attrs = clade_axes_attrs(axes, count, keepdim);
    attrs.real[0] = correction;
    return CLADE_APPLY(&op_std, &attrs, x);
}

clade_tensor *clade_logsumexp(clade_tensor *x, const int *axes, int count, bool keepdim)
{
    clade_attrs attrs = clade_axes_attrs(axes, count, keepdim);
    return CLADE_APPLY(&op_logsumexp, &attrs, x);
}

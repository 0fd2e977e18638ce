/* Losses of two tensors of one shape, element by element: composed.
 *
 * Attributes: integer[0] = the reduction. */
#include "tape/op.h"

#include <clade/loss.h>
#include <clade/ops.h>

#include "base/shape.h"

#include <math.h>

clade_tensor *clade_reduce_loss(clade_tensor *losses, clade_reduction reduction)
{
    if (!losses) {
        (void)clade_error_null("reduce_loss", "losses");
        return NULL;
    }
    switch (reduction) {
    case CLADE_REDUCTION_MEAN:
        return clade_mean(losses, NULL, 0, false);
    case CLADE_REDUCTION_SUM:
        return clade_sum(losses, NULL, 0, false);
    case CLADE_REDUCTION_NONE:
        return losses;
    }
    (void)CLADE_FAIL(CLADE_ERR_ARGUMENT, "reduce_loss: %d is no reduction", (int)reduction);
    return NULL;
}

static clade_tensor *reduced(const clade_node *node, clade_tensor *losses)
{
    return clade_reduce_loss(losses, (clade_reduction)node->attrs.integer[0]);
}

static clade_status infer(const clade_node *node, clade_meta *out)
{
    (void)out;
    CLADE_TRY(clade_require_reduction(node));
    CLADE_TRY(clade_require_same_dtype(node, 0, node->count));
    CLADE_TRY(clade_require_float(node, 0));
    return clade_require_same_shape(node, 0, 2);
}

static clade_tensor *compose_mse_loss(const clade_node *node)
{
    return reduced(node, clade_square(clade_sub(node->inputs[0], node->inputs[1])));
}

static clade_tensor *distance(const clade_node *node)
{
    return clade_abs(clade_sub(node->inputs[0], node->inputs[1]));
}

static clade_tensor *compose_l1_loss(const clade_node *node)
{
    return reduced(node, distance(node));
}

/* --- huber_loss, smooth_l1_loss: real[0] = delta or beta ---------------------------------------
 */
static clade_status infer_huber_loss(const clade_node *node, clade_meta *out)
{
    double delta = node->attrs.real[0];
    CLADE_TRY(infer(node, out));
    if (delta > 0)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_ARGUMENT, "huber_loss: delta is %g, not above 0", delta);
}

static clade_status infer_smooth_l1_loss(const clade_node *node, clade_meta *out)
{
    double beta = node->attrs.real[0];
    CLADE_TRY(infer(node, out));
    if (beta >= 0)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_ARGUMENT, "smooth_l1_loss: beta is %g, below 0", beta);
}

/* With c = min(d, delta) both branches are c * (d - c / 2). */
static clade_tensor *huber(const clade_node *node)
{
    clade_tensor *d = distance(node), *c = clade_clamp(d, 0, node->attrs.real[0]);
    return clade_mul(c, clade_sub(d, clade_mul_scalar(c, 0.5)));
}

static clade_tensor *compose_huber_loss(const clade_node *node)
{
    return reduced(node, huber(node));
}

static clade_tensor *compose_smooth_l1_loss(const clade_node *node)
{
    double beta = node->attrs.real[0];
    if (beta == 0)
        return compose_l1_loss(node);
    return reduced(node, clade_mul_scalar(huber(node), 1 / beta));
}

/* --- bce_with_logits: integer[1], integer[2] = whether there are a weight and a pos_weight -----
 */
static clade_status infer_bce_with_logits(const clade_node *node, clade_meta *out)
{
    const clade_shape *shape = &node->inputs[0]->shape;
    CLADE_TRY(infer(node, out));
    for (int i = 2; i < node->count; i++)
        if (!clade_shape_expands_to(&node->inputs[i]->shape, shape))
            return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: the weight %s does not broadcast to %s",
                              node->op->name, clade_shape_str(&node->inputs[i]->shape).s,
                              clade_shape_str(shape).s);
    return CLADE_OK;
}

/* (1 - y) * x + (1 + (p - 1) * y) * log(1 + e^-x). */
static clade_tensor *compose_bce_with_logits(const clade_node *node)
{
    clade_tensor *x = node->inputs[0], *y = node->inputs[1];
    clade_tensor *weight = node->attrs.integer[1] ? node->inputs[2] : NULL;
    clade_tensor *pos_weight = node->attrs.integer[2] ? node->inputs[node->count - 1] : NULL;
    clade_tensor *rest = clade_softplus(clade_neg(x));
    if (pos_weight)
        rest = clade_mul(clade_add_scalar(clade_mul(clade_add_scalar(pos_weight, -1), y), 1), rest);
    clade_tensor *losses = clade_add(clade_sub(x, clade_mul(x, y)), rest);
    return reduced(node, weight ? clade_mul(losses, weight) : losses);
}

/* --- kl_div: integer[1] = batch_mean, integer[2] = log_target ----------------------------------
 */
static clade_status infer_kl_div(const clade_node *node, clade_meta *out)
{
    CLADE_TRY(infer(node, out));
    if (!node->attrs.integer[1] || node->inputs[0]->shape.ndim > 0)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_SHAPE, "kl_div: [] has no first dimension to take the mean over");
}

/* y * log(y), 0 where y is 0, with a finite gradient there. */
static clade_tensor *y_log_y(const clade_node *node, clade_tensor *y)
{
    clade_tensor *zero = clade_full(node->ctx, y->dtype, clade_shape_scalar(), 0);
    clade_tensor *one = clade_full(node->ctx, y->dtype, clade_shape_scalar(), 1);
    return clade_mul(y, clade_log(clade_where(clade_eq(y, zero), one, y)));
}

static clade_tensor *compose_kl_div(const clade_node *node)
{
    clade_tensor *x = node->inputs[0], *y = node->inputs[1], *losses;
    if (node->attrs.integer[2])
        losses = clade_mul(clade_exp(y), clade_sub(y, x));
    else
        losses = clade_sub(y_log_y(node, y), clade_mul(y, x));
    if (node->attrs.integer[0] != CLADE_REDUCTION_MEAN || !node->attrs.integer[1])
        return reduced(node, losses);
    return clade_mul_scalar(clade_reduce_loss(losses, CLADE_REDUCTION_SUM),
                            1.0 / (double)x->shape.dim[0]);
}

#define LOSS(name_, infer_, most)                                                                  \
    static const clade_op op_##name_ = {.name = #name_,                                            \
                                        .min_inputs = 2,                                           \
                                        .max_inputs = most,                                        \
                                        .infer = infer_,                                           \
                                        .compose = compose_##name_}
LOSS(mse_loss, infer, 2);
LOSS(l1_loss, infer, 2);
LOSS(smooth_l1_loss, infer_smooth_l1_loss, 2);
LOSS(huber_loss, infer_huber_loss, 2);
LOSS(bce_with_logits, infer_bce_with_logits, 4);
LOSS(kl_div, infer_kl_div, 2);

static const clade_op *const ops[] = {&op_mse_loss,   &op_l1_loss,         &op_smooth_l1_loss,
                                      &op_huber_loss, &op_bce_with_logits, &op_kl_div};
const clade_op_family clade_loss_ops = {ops, sizeof ops / sizeof ops[0]};

clade_tensor *clade_mse_loss(clade_tensor *a, clade_tensor *b, clade_reduction reduction)
{
    return CLADE_APPLY(&op_mse_loss, &((clade_attrs){.integer = {reduction}}), a, b);
}

clade_tensor *clade_l1_loss(clade_tensor *a, clade_tensor *b, clade_reduction reduction)
{
    return CLADE_APPLY(&op_l1_loss, &((clade_attrs){.integer = {reduction}}), a, b);
}

clade_tensor *clade_smooth_l1_loss(clade_tensor *a, clade_tensor *b, double beta,
                                   clade_reduction reduction)
{
    return CLADE_APPLY(&op_smooth_l1_loss, &((clade_attrs){.real = {beta}, .integer = {reduction}}),
                       a, b);
}

clade_tensor *clade_huber_loss(clade_tensor *a, clade_tensor *b, double delta,
                               clade_reduction reduction)
{
    return CLADE_APPLY(&op_huber_loss, &((clade_attrs){.real = {delta}, .integer = {reduction}}), a,
                       b);
}

clade_tensor *clade_bce_with_logits(clade_tensor *x, clade_tensor *y,
                                    const clade_bce_params *params)
{
    static const clade_bce_params defaults;
    if (!params)
        params = &defaults;
    clade_attrs attrs = {
        .integer = {params->reduction, params->weight != NULL, params->pos_weight != NULL}};
    clade_tensor *inputs[4] = {x, y};
    int count = 2;
    if (params->weight)
        inputs[count++] = params->weight;
    if (params->pos_weight)
        inputs[count++] = params->pos_weight;
    return clade_apply(&op_bce_with_logits, &attrs, inputs, count);
}

clade_tensor *clade_kl_div(clade_tensor *input, clade_tensor *target,
                           const clade_kl_div_params *params)
{
    static const clade_kl_div_params defaults;
    if (!params)
        params = &defaults;
    clade_attrs attrs = {.integer = {params->reduction, params->batch_mean, params->log_target}};
    return CLADE_APPLY(&op_kl_div, &attrs, input, target);
}

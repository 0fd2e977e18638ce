/* Cosines and distances between vectors, and the losses made of them: composed.
 *
 * Attributes of losses: integer[0] = the reduction, real[0] = the margin. */
#include "tape/op.h"

#include <clade/loss.h>
#include <clade/ops.h>

#include "base/shape.h"

#include <math.h>

/* All inputs alike; `count` of them. */
static clade_status check_alike(const clade_node *node, int count)
{
    CLADE_TRY(clade_require_same_dtype(node, 0, count));
    CLADE_TRY(clade_require_float(node, 0));
    CLADE_TRY(clade_require_same_shape(node, 0, count));
    if (node->inputs[0]->shape.ndim == 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: [] holds no vectors", node->op->name);
    return CLADE_OK;
}

static clade_tensor *reduced(const clade_node *node, clade_tensor *losses)
{
    return clade_reduce_loss(losses, (clade_reduction)node->attrs.integer[0]);
}

static clade_tensor *sum_along(clade_tensor *x, int axis)
{
    return clade_sum(x, &axis, 1, false);
}

/* --- cosine_similarity: integer[0] = the axis as given, real[0] = eps --------------------------
 */
static clade_status infer_cosine_similarity(const clade_node *node, clade_meta *out)
{
    (void)out;
    CLADE_TRY(check_alike(node, 2));
    if (clade_shape_axis(&node->inputs[0]->shape, (int)node->attrs.integer[0]) < 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "cosine_similarity: no axis %d in %s",
                          (int)node->attrs.integer[0], clade_shape_str(&node->inputs[0]->shape).s);
    if (node->attrs.real[0] > 0)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_ARGUMENT, "cosine_similarity: eps is %g, not above 0",
                      node->attrs.real[0]);
}

/* max(|x|, eps), through the square: its root has a gradient everywhere. */
static clade_tensor *length(clade_tensor *x, int axis, double eps)
{
    return clade_sqrt(clade_clamp(sum_along(clade_square(x), axis), eps * eps, INFINITY));
}

static clade_tensor *cosine(clade_tensor *a, clade_tensor *b, int axis, double eps)
{
    return clade_div(sum_along(clade_mul(a, b), axis),
                     clade_mul(length(a, axis, eps), length(b, axis, eps)));
}

static clade_tensor *compose_cosine_similarity(const clade_node *node)
{
    return cosine(node->inputs[0], node->inputs[1], (int)node->attrs.integer[0],
                  node->attrs.real[0]);
}

/* --- cosine_embedding_loss of a, b and the target ----------------------------------------------
 */
static clade_status infer_cosine_embedding_loss(const clade_node *node, clade_meta *out)
{
    (void)out;
    CLADE_TRY(clade_require_reduction(node));
    CLADE_TRY(check_alike(node, 2));
    CLADE_TRY(clade_require_dtype(node, 2, CLADE_I32));
    clade_shape shape = node->inputs[0]->shape;
    shape.ndim--;
    if (clade_shape_equal(&shape, &node->inputs[2]->shape))
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_SHAPE, "cosine_embedding_loss: the target is %s for vectors %s",
                      clade_shape_str(&node->inputs[2]->shape).s,
                      clade_shape_str(&node->inputs[0]->shape).s);
}

static clade_tensor *compose_cosine_embedding_loss(const clade_node *node)
{
    clade_tensor *c = cosine(node->inputs[0], node->inputs[1], -1, 1e-6);
    clade_tensor *zero = clade_full(node->ctx, CLADE_I32, clade_shape_scalar(), 0);
    clade_tensor *alike = clade_add_scalar(clade_neg(c), 1);
    clade_tensor *apart = clade_relu(clade_add_scalar(c, -node->attrs.real[0]));
    return reduced(node, clade_where(clade_gt(node->inputs[2], zero), alike, apart));
}

/* --- triplet_margin_loss: real[1] = p, integer[1] = swap ---------------------------------------
 */
static clade_status infer_triplet_margin_loss(const clade_node *node, clade_meta *out)
{
    (void)out;
    CLADE_TRY(clade_require_reduction(node));
    CLADE_TRY(check_alike(node, 3));
    if (node->attrs.real[1] >= 1)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_ARGUMENT, "triplet_margin_loss: p is %g, not at least 1",
                      node->attrs.real[1]);
}

static clade_tensor *distance(const clade_node *node, int i, int k)
{
    clade_tensor *difference = clade_add_scalar(clade_sub(node->inputs[i], node->inputs[k]), 1e-6);
    return clade_norm(difference, node->attrs.real[1], (const int[]){-1}, 1, false);
}

static clade_tensor *compose_triplet_margin_loss(const clade_node *node)
{
    clade_tensor *positive = distance(node, 0, 1), *negative = distance(node, 0, 2);
    if (node->attrs.integer[1])
        negative = clade_minimum(negative, distance(node, 1, 2));
    clade_tensor *excess = clade_add_scalar(clade_sub(positive, negative), node->attrs.real[0]);
    return reduced(node, clade_relu(excess));
}

#define COMPOSED(name_, count)                                                                     \
    static const clade_op op_##name_ = {.name = #name_,                                            \
                                        .min_inputs = count,                                       \
                                        .max_inputs = count,                                       \
                                        .infer = infer_##name_,                                    \
                                        .compose = compose_##name_}
COMPOSED(cosine_similarity, 2);
COMPOSED(cosine_embedding_loss, 3);
COMPOSED(triplet_margin_loss, 3);

static const clade_op *const ops[] = {&op_cosine_similarity, &op_cosine_embedding_loss,
                                      &op_triplet_margin_loss};
const clade_op_family clade_distance_loss_ops = {ops, sizeof ops / sizeof ops[0]};

clade_tensor *clade_cosine_similarity(clade_tensor *a, clade_tensor *b, int axis, double eps)
{
    return CLADE_APPLY(&op_cosine_similarity, &((clade_attrs){.real = {eps}, .integer = {axis}}), a,
                       b);
}

clade_tensor *clade_cosine_embedding_loss(clade_tensor *a, clade_tensor *b, clade_tensor *target,
                                          double margin, clade_reduction reduction)
{
    return CLADE_APPLY(&op_cosine_embedding_loss,
                       &((clade_attrs){.real = {margin}, .integer = {reduction}}), a, b, target);
}

clade_tensor *clade_triplet_margin_loss(clade_tensor *anchor, clade_tensor *positive,
                                        clade_tensor *negative, double margin,
                                        const clade_triplet_params *params)
{
    static const clade_triplet_params defaults;
    if (!params)
        params = &defaults;
    clade_attrs attrs = {.real = {margin, params->p != 0 ? params->p : 2},
                         .integer = {params->reduction, params->swap}};
    return CLADE_APPLY(&op_triplet_margin_loss, &attrs, anchor, positive, negative);
}

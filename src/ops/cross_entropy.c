/* cross_entropy and its kin. Of labels that all weigh alike it is one kernel each way; with weights
 * or smoothing, of soft targets, and of logarithms (nll_loss) it is composed.
 *
 * Attributes: integer[0] = the reduction, integer[1] = whether integer[2] is a label that counts
 * for nothing; real[0] = the smoothing. A weight is the third input. */
#include "tape/op.h"
#include "tensor/axis.h"
#include "tensor/elementwise.h"
#include "tensor/reduce.h"
#include "tensor/transfer.h"

#include <clade/loss.h>
#include <clade/ops.h>

#include "base/shape.h"

static const clade_expression counts_expression = {"label_counts", "a != p0", "a"};
static const clade_expression ratio_expression = {"label_mean", "a/n", "an"};

static clade_status check(const clade_node *node, const clade_tensor *logits,
                          const clade_tensor *labels)
{
    CLADE_TRY(clade_require_reduction(node));
    CLADE_TRY(clade_require_float(node, 0));
    if (labels->dtype != CLADE_I32)
        return CLADE_FAIL(CLADE_ERR_DTYPE, "%s: the labels are %s, not i32", node->op->name,
                          clade_dtype_name(labels->dtype));
    if (logits->shape.ndim != 2 || labels->shape.ndim != 1 ||
        logits->shape.dim[0] != labels->shape.dim[0])
        return CLADE_FAIL(CLADE_ERR_SHAPE,
                          "%s: logits %s and labels %s are not [n,classes] and [n]", node->op->name,
                          clade_shape_str(&logits->shape).s, clade_shape_str(&labels->shape).s);
    if (logits->shape.dim[1] == 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: no classes: logits %s", node->op->name,
                          clade_shape_str(&logits->shape).s);
    return CLADE_OK;
}

static clade_status infer(const clade_node *node, clade_meta *out)
{
    CLADE_TRY(check(node, node->inputs[0], node->inputs[1]));
    out->dtype = node->inputs[0]->dtype;
    if (node->attrs.integer[0] == CLADE_REDUCTION_NONE)
        out->shape = node->inputs[1]->shape;
    return CLADE_OK;
}

/* What each row's loss is multiplied by, as far as the host knows it; how many labels count, only
 * the device does where some may not. */
static double scale_of(const clade_node *node)
{
    bool known_mean = node->attrs.integer[0] == CLADE_REDUCTION_MEAN && !node->attrs.integer[1];
    return known_mean ? 1.0 / (double)node->inputs[0]->shape.dim[0] : 1;
}

static bool divides_on_device(const clade_node *node)
{
    return node->attrs.integer[0] == CLADE_REDUCTION_MEAN && node->attrs.integer[1];
}

/* out = value / (how many labels count), all scalars. */
static clade_status divide_by_count(const clade_node *node, clade_tensor *out, clade_tensor *value)
{
    clade_tensor *labels = node->inputs[1];
    clade_shape scalar = clade_shape_scalar();
    clade_tensor *marks = clade_tensor_new(node->ctx, out->dtype, &labels->shape, node->op->name);
    clade_tensor *count = clade_tensor_new(node->ctx, out->dtype, &scalar, node->op->name);
    clade_status status = marks && count ? CLADE_OK : clade_last_error()->status;
    double ignored = (double)node->attrs.integer[2];
    if (status == CLADE_OK)
        status = clade_elementwise(&counts_expression, CLADE_I32, marks, &labels, 1, &ignored, 1);
    if (status == CLADE_OK)
        status = clade_reduce(count, marks, 1, CLADE_REDUCE_SUM, 1);
    if (status == CLADE_OK)
        status = clade_elementwise(&ratio_expression, out->dtype, out,
                                   (clade_tensor *[]){value, count}, 2, NULL, 0);
    clade_tensor_unref(count);
    clade_tensor_unref(marks);
    return status;
}

/* The arguments that both kernels start with. */
#define ROW_ARGS(node, logits)                                                                     \
    CLADE_ARG_TENSOR(logits), CLADE_ARG_TENSOR((node)->inputs[1]),                                 \
        clade_arg_i32((node)->inputs[1]->stride[0]), clade_arg_i32((node)->attrs.integer[1]),      \
        clade_arg_i32((node)->attrs.integer[2])
#define COUNT(args) ((int)(sizeof(args) / sizeof(args)[0]))

static clade_status launch(clade_tensor *logits, const char *name, const clade_arg *args, int count)
{
    clade_axis axis = clade_axis_of(&logits->shape, 1);
    return clade_axis_launch(clade_tensor_runtime(logits), &axis, logits->dtype, "softmax", name,
                             args, count);
}

static clade_status losses_of_rows(const clade_node *node, clade_tensor *losses)
{
    clade_tensor *logits = clade_tensor_compact(node->inputs[0]);
    if (!logits)
        return clade_last_error()->status;
    const clade_arg args[] = {ROW_ARGS(node, logits), CLADE_ARG_TENSOR(losses)};
    clade_status status = launch(logits, "cross_entropy", args, COUNT(args));
    clade_tensor_unref(logits);
    return status;
}

static clade_status forward(const clade_node *node)
{
    clade_tensor *out = node->output;
    if (node->attrs.integer[0] == CLADE_REDUCTION_NONE)
        return losses_of_rows(node, out);
    clade_tensor *losses =
        clade_tensor_new(node->ctx, out->dtype, &node->inputs[1]->shape, node->op->name);
    clade_status status = losses ? losses_of_rows(node, losses) : clade_last_error()->status;
    if (status == CLADE_OK)
        status = clade_reduce(out, losses, 1, CLADE_REDUCE_SUM, scale_of(node));
    if (status == CLADE_OK && divides_on_device(node))
        status = divide_by_count(node, out, out);
    clade_tensor_unref(losses);
    return status;
}

/* --- cross_entropy_grad: of logits, labels and g -----------------------------------------------
 */
static clade_status gradient_of_rows(const clade_node *node, const clade_tensor *g)
{
    clade_tensor *logits = clade_tensor_compact(node->inputs[0]);
    if (!logits)
        return clade_last_error()->status;
    const clade_arg args[] = {ROW_ARGS(node, logits), CLADE_ARG_TENSOR(g),
                              clade_arg_i32(g->shape.ndim ? g->stride[0] : 0),
                              clade_arg_real(g->dtype, scale_of(node)),
                              CLADE_ARG_TENSOR(node->output)};
    clade_status status = launch(logits, "cross_entropy_grad", args, COUNT(args));
    clade_tensor_unref(logits);
    return status;
}

static clade_status forward_grad(const clade_node *node)
{
    clade_tensor *g = node->inputs[2];
    if (!divides_on_device(node))
        return gradient_of_rows(node, g);
    clade_tensor *share = clade_tensor_new(node->ctx, g->dtype, &g->shape, node->op->name);
    clade_status status = share ? divide_by_count(node, share, g) : clade_last_error()->status;
    if (status == CLADE_OK)
        status = gradient_of_rows(node, share);
    clade_tensor_unref(share);
    return status;
}

static const clade_op op_cross_entropy_grad = {.name = "cross_entropy_grad",
                                               .min_inputs = 3,
                                               .max_inputs = 3,
                                               .infer = clade_infer_like_first,
                                               .forward = forward_grad,
                                               .gradient_of = "cross_entropy"};

static void backward(const clade_node *node, clade_tensor *grad, const bool *needs,
                     clade_tensor **grads)
{
    (void)needs;
    grads[0] =
        CLADE_APPLY(&op_cross_entropy_grad, &node->attrs, node->inputs[0], node->inputs[1], grad);
}

static clade_tensor *compose_weighted(const clade_node *node);

static const clade_op op_cross_entropy = {.name = "cross_entropy",
                                          .min_inputs = 2,
                                          .max_inputs = 2,
                                          .saves = CLADE_SAVES_INPUTS,
                                          .infer = infer,
                                          .forward = forward,
                                          .backward = backward,
                                          .recompute = compose_weighted};

/* --- composed ----------------------------------------------------------------------------------
 */
static clade_status check_smoothing_and_weight(const clade_node *node)
{
    double s = node->attrs.real[0];
    if (!(s >= 0 && s <= 1))
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: the label smoothing is %g, not in [0,1]",
                          node->op->name, s);
    if (node->count < 3)
        return CLADE_OK;
    const clade_tensor *logits = node->inputs[0], *weight = node->inputs[2];
    if (weight->dtype != logits->dtype)
        return CLADE_FAIL(CLADE_ERR_DTYPE, "%s: the weight is %s, the logits are %s",
                          node->op->name, clade_dtype_name(weight->dtype),
                          clade_dtype_name(logits->dtype));
    if (weight->shape.ndim != 1 || weight->shape.dim[0] != logits->shape.dim[1])
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: the weight %s is not of the classes of logits %s",
                          node->op->name, clade_shape_str(&weight->shape).s,
                          clade_shape_str(&logits->shape).s);
    return CLADE_OK;
}

static clade_status infer_labelled(const clade_node *node, clade_meta *out)
{
    CLADE_TRY(infer(node, out));
    return check_smoothing_and_weight(node);
}

static clade_tensor *scalar(const clade_node *node, clade_dtype dtype, double value)
{
    return clade_full(node->ctx, dtype, clade_shape_scalar(), value);
}

static clade_tensor *sum_of_rows(clade_tensor *x)
{
    return clade_sum(x, (const int[]){1}, 1, false);
}

/* What each label's row loses, before some are ignored. */
static clade_tensor *label_losses(const clade_node *node, clade_tensor *log_probs,
                                  clade_tensor *label_weights)
{
    double smoothing = node->attrs.real[0];
    int64_t classes = log_probs->shape.dim[1];
    clade_tensor *column = clade_reshape(node->inputs[1], CLADE_SHAPE(-1, 1));
    clade_tensor *losses =
        clade_neg(clade_reshape(clade_gather(log_probs, 1, column), node->inputs[1]->shape));
    if (label_weights)
        losses = clade_mul(losses, label_weights);
    if (smoothing > 0) {
        clade_tensor *all = node->count > 2 ? clade_mul(log_probs, node->inputs[2]) : log_probs;
        losses = clade_add(clade_mul_scalar(losses, 1 - smoothing),
                           clade_mul_scalar(sum_of_rows(all), -smoothing / (double)classes));
    }
    return losses;
}

static clade_tensor *of_labels(const clade_node *node, clade_tensor *log_probs)
{
    clade_tensor *labels = node->inputs[1], *zero = scalar(node, log_probs->dtype, 0);
    clade_tensor *weights = node->count > 2 ? clade_index_select(node->inputs[2], 0, labels) : NULL;
    clade_tensor *losses = label_losses(node, log_probs, weights);
    if (node->attrs.integer[1]) {
        clade_tensor *counts =
            clade_ne(labels, scalar(node, CLADE_I32, (double)node->attrs.integer[2]));
        losses = clade_where(counts, losses, zero);
        weights =
            weights ? clade_where(counts, weights, zero) : clade_cast(counts, log_probs->dtype);
    }
    clade_reduction kind = (clade_reduction)node->attrs.integer[0];
    if (kind != CLADE_REDUCTION_MEAN || !weights)
        return clade_reduce_loss(losses, kind);
    return clade_div(clade_reduce_loss(losses, CLADE_REDUCTION_SUM),
                     clade_reduce_loss(weights, CLADE_REDUCTION_SUM));
}

static clade_tensor *compose_nll_loss(const clade_node *node)
{
    return of_labels(node, node->inputs[0]);
}

/* Also cross_entropy's where it is to be differentiated twice. */
static clade_tensor *compose_weighted(const clade_node *node)
{
    return of_labels(node, clade_log_softmax(node->inputs[0], 1));
}

static clade_status infer_soft(const clade_node *node, clade_meta *out)
{
    (void)out;
    CLADE_TRY(clade_require_reduction(node));
    CLADE_TRY(clade_require_same_dtype(node, 0, 2));
    CLADE_TRY(clade_require_float(node, 0));
    CLADE_TRY(clade_require_same_shape(node, 0, 2));
    if (node->inputs[0]->shape.dim[1] == 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: no classes: logits %s", node->op->name,
                          clade_shape_str(&node->inputs[0]->shape).s);
    if (node->attrs.integer[1])
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: a soft target has no label to ignore",
                          node->op->name);
    return check_smoothing_and_weight(node);
}

static clade_tensor *compose_soft(const clade_node *node)
{
    double smoothing = node->attrs.real[0];
    clade_tensor *logits = node->inputs[0], *target = node->inputs[1];
    if (smoothing > 0)
        target = clade_add_scalar(clade_mul_scalar(target, 1 - smoothing),
                                  smoothing / (double)logits->shape.dim[1]);
    clade_tensor *parts = clade_mul(clade_log_softmax(logits, 1), target);
    if (node->count > 2)
        parts = clade_mul(parts, node->inputs[2]);
    return clade_reduce_loss(clade_neg(sum_of_rows(parts)),
                             (clade_reduction)node->attrs.integer[0]);
}

#define COMPOSED(name_, infer_, compose_)                                                          \
    static const clade_op op_##name_ = {                                                           \
        .name = #name_, .min_inputs = 2, .max_inputs = 3, .infer = infer_, .compose = compose_}
COMPOSED(nll_loss, infer_labelled, compose_nll_loss);
COMPOSED(cross_entropy_weighted, infer_labelled, compose_weighted);
COMPOSED(cross_entropy_soft, infer_soft, compose_soft);

static const clade_op *const ops[] = {&op_cross_entropy, &op_cross_entropy_grad,
                                      &op_cross_entropy_weighted, &op_cross_entropy_soft,
                                      &op_nll_loss};
const clade_op_family clade_cross_entropy_ops = {ops, sizeof ops / sizeof ops[0]};

static clade_tensor *apply(const clade_op *op, clade_tensor *x, clade_tensor *target,
                           const clade_cross_entropy_params *params)
{
    clade_attrs attrs = {
        .real = {params->label_smoothing},
        .integer = {params->reduction, params->use_ignore_index, params->ignore_index}};
    clade_tensor *const inputs[] = {x, target, params->weight};
    return clade_apply(op, &attrs, inputs, params->weight ? 3 : 2);
}

static const clade_cross_entropy_params defaults;

clade_tensor *clade_cross_entropy(clade_tensor *logits, clade_tensor *target,
                                  const clade_cross_entropy_params *params)
{
    if (!params)
        params = &defaults;
    bool soft = logits && target && logits->shape.ndim == 2 && target->shape.ndim == 2 &&
                clade_dtype_is_float(target->dtype);
    bool weighted = params->weight || params->label_smoothing != 0;
    const clade_op *op = soft       ? &op_cross_entropy_soft
                         : weighted ? &op_cross_entropy_weighted
                                    : &op_cross_entropy;
    return apply(op, logits, target, params);
}

clade_tensor *clade_nll_loss(clade_tensor *log_probs, clade_tensor *labels,
                             const clade_cross_entropy_params *params)
{
    return apply(&op_nll_loss, log_probs, labels, params ? params : &defaults);
}

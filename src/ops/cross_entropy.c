/* cross_entropy of logits [n,classes] and labels [n].
 *
 * Attributes: integer[0] = the reduction, integer[1] = whether integer[2] is a label that counts
 * for nothing. */
#include "tape/op.h"
#include "tensor/axis.h"
#include "tensor/elementwise.h"
#include "tensor/reduce.h"
#include "tensor/transfer.h"

#include <clade/ops.h>

#include "base/shape.h"

static const clade_expression counts_expression = {"label_counts", "a != p0", "a"};
static const clade_expression ratio_expression = {"label_mean", "a/n", "an"};

static clade_status check(const clade_node *node, const clade_tensor *logits,
                          const clade_tensor *labels)
{
    const clade_attrs *attrs = &node->attrs;
    if (attrs->integer[0] < CLADE_REDUCTION_MEAN || attrs->integer[0] > CLADE_REDUCTION_NONE)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "cross_entropy: %d is no reduction",
                          (int)attrs->integer[0]);
    CLADE_TRY(clade_require_float(node, 0));
    if (labels->dtype != CLADE_I32)
        return CLADE_FAIL(CLADE_ERR_DTYPE, "cross_entropy: the labels are %s, not i32",
                          clade_dtype_name(labels->dtype));
    if (logits->shape.ndim != 2 || labels->shape.ndim != 1 ||
        logits->shape.dim[0] != labels->shape.dim[0])
        return CLADE_FAIL(CLADE_ERR_SHAPE,
                          "cross_entropy: logits %s and labels %s are not [n,classes] and [n]",
                          clade_shape_str(&logits->shape).s, clade_shape_str(&labels->shape).s);
    if (logits->shape.dim[1] == 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "cross_entropy: no classes: logits %s",
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
static clade_status infer_grad(const clade_node *node, clade_meta *out)
{
    out->dtype = node->inputs[0]->dtype;
    out->shape = node->inputs[0]->shape;
    return CLADE_OK;
}

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
                                               .infer = infer_grad,
                                               .forward = forward_grad,
                                               .gradient_of = "cross_entropy"};

static void backward(const clade_node *node, clade_tensor *grad, const bool *needs,
                     clade_tensor **grads)
{
    (void)needs;
    grads[0] =
        CLADE_APPLY(&op_cross_entropy_grad, &node->attrs, node->inputs[0], node->inputs[1], grad);
}

static const clade_op op_cross_entropy = {.name = "cross_entropy",
                                          .min_inputs = 2,
                                          .max_inputs = 2,
                                          .saves = CLADE_SAVES_INPUTS,
                                          .infer = infer,
                                          .forward = forward,
                                          .backward = backward};

static const clade_op *const ops[] = {&op_cross_entropy, &op_cross_entropy_grad};
const clade_op_family clade_cross_entropy_ops = {ops, sizeof ops / sizeof ops[0]};

clade_tensor *clade_cross_entropy(clade_tensor *logits, clade_tensor *labels,
                                  const clade_cross_entropy_params *params)
{
    static const clade_cross_entropy_params defaults = {0};
    if (!params)
        params = &defaults;
    clade_attrs attrs = {
        .integer = {params->reduction, params->use_ignore_index, params->ignore_index}};
    return CLADE_APPLY(&op_cross_entropy, &attrs, logits, labels);
}

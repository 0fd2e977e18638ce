/* Convolution, the transposed one, and the gradient for the weight: each one's gradients are the
 * other two.
 *
 * Attributes: integer[0] = groups; window = stride, padding and dilation; shape = conv_transpose's
 * output padding per dimension, conv_weight_grad's weight. */
#include "tape/op.h"
#include "tensor/convolve.h"
#include "tensor/elementwise.h"

#include <clade/conv.h>
#include <clade/ops.h>

#include "base/shape.h"

#define DIMS(shape) ((shape)->ndim - 2)

static clade_convolution settings(const clade_node *node, int dims)
{
    clade_convolution c = {.dims = dims, .groups = node->attrs.integer[0]};
    for (int d = 0; d < dims; d++) {
        const clade_attr_window *w = &node->attrs.window[d];
        c.dim[d] = (clade_conv_dim){w->stride, w->padding, w->dilation};
    }
    return c;
}

/* --- shapes ----------------------------------------------------------------------------------- */
/* Of x, weight and bias: what both directions demand. */
static clade_status check(const clade_node *node)
{
    const clade_shape *x = &node->inputs[0]->shape, *weight = &node->inputs[1]->shape;
    CLADE_TRY(clade_require_float(node, 0));
    CLADE_TRY(clade_require_same_dtype(node, 0, node->count));
    if (x->ndim != weight->ndim || x->ndim < 3 || x->ndim > 5)
        return CLADE_FAIL(CLADE_ERR_SHAPE,
                          "%s: x %s and weight %s: both need as many dimensions, 3 to 5",
                          node->op->name, clade_shape_str(x).s, clade_shape_str(weight).s);
    for (int d = 0; d < DIMS(weight); d++)
        if (weight->dim[2 + d] < 1)
            return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: weight %s has no taps", node->op->name,
                              clade_shape_str(weight).s);
    return CLADE_OK;
}

/* Input channels of x against the weight's `in` per group; the number of output channels is divided
 * by groups. */
static clade_status check_channels(const clade_node *node, int64_t in, int64_t divided)
{
    const int64_t groups = node->attrs.integer[0];
    const clade_shape *x = &node->inputs[0]->shape, *weight = &node->inputs[1]->shape;
    if (x->dim[1] != in || divided % groups != 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: x %s does not fit weight %s in %lld group%s",
                          node->op->name, clade_shape_str(x).s, clade_shape_str(weight).s,
                          (long long)groups, groups == 1 ? "" : "s");
    return CLADE_OK;
}

static clade_status check_bias(const clade_node *node, int64_t out)
{
    if (node->count < 3)
        return CLADE_OK;
    const clade_shape *bias = &node->inputs[2]->shape;
    if (bias->ndim == 1 && bias->dim[0] == out)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: bias %s for %lld channels", node->op->name,
                      clade_shape_str(bias).s, (long long)out);
}

static clade_status infer_conv(const clade_node *node, clade_meta *out)
{
    const clade_shape *x = &node->inputs[0]->shape, *weight = &node->inputs[1]->shape;
    CLADE_TRY(check(node));
    CLADE_TRY(check_channels(node, weight->dim[1] * node->attrs.integer[0], weight->dim[0]));
    CLADE_TRY(check_bias(node, weight->dim[0]));
    out->dtype = node->inputs[0]->dtype;
    out->shape = *x;
    out->shape.dim[1] = weight->dim[0];
    const clade_convolution c = settings(node, DIMS(x));
    for (int i = 2; i < x->ndim; i++) {
        const clade_conv_dim *v = &c.dim[i - 2];
        int64_t room = x->dim[i] + 2 * v->padding - v->dilation * (weight->dim[i] - 1) - 1;
        if (room < 0)
            return CLADE_FAIL(CLADE_ERR_SHAPE,
                              "%s: %s with padding %lld is smaller than weight %s with dilation "
                              "%lld",
                              node->op->name, clade_shape_str(x).s, (long long)v->padding,
                              clade_shape_str(weight).s, (long long)v->dilation);
        out->shape.dim[i] = room / v->stride + 1;
    }
    return CLADE_OK;
}

static clade_status infer_conv_transpose(const clade_node *node, clade_meta *out)
{
    const clade_shape *x = &node->inputs[0]->shape, *weight = &node->inputs[1]->shape;
    CLADE_TRY(check(node));
    CLADE_TRY(check_channels(node, weight->dim[0], x->dim[1]));
    const int64_t channels = weight->dim[1] * node->attrs.integer[0];
    CLADE_TRY(check_bias(node, channels));
    out->dtype = node->inputs[0]->dtype;
    out->shape = *x;
    out->shape.dim[1] = channels;
    const clade_convolution c = settings(node, DIMS(x));
    for (int i = 2; i < x->ndim; i++) {
        const clade_conv_dim *v = &c.dim[i - 2];
        const int64_t more = node->attrs.shape.dim[i - 2];
        if (more >= v->stride && more >= v->dilation)
            return CLADE_FAIL(CLADE_ERR_ARGUMENT,
                              "%s: output padding %lld is not less than stride %lld or dilation "
                              "%lld",
                              node->op->name, (long long)more, (long long)v->stride,
                              (long long)v->dilation);
        int64_t size = (x->dim[i] - 1) * v->stride - 2 * v->padding +
                       v->dilation * (weight->dim[i] - 1) + more + 1;
        if (size < 1)
            return CLADE_FAIL(CLADE_ERR_SHAPE,
                              "%s: of %s with weight %s and padding %lld, %lld "
                              "elements are left",
                              node->op->name, clade_shape_str(x).s, clade_shape_str(weight).s,
                              (long long)v->padding, (long long)size);
        out->shape.dim[i] = size;
    }
    return CLADE_OK;
}

/* --- forward ---------------------------------------------------------------------------------- */
/* out [n, channels, ...] += bias [channels] */
static clade_status add_bias(clade_tensor *out, clade_tensor *bias)
{
    static const clade_expression expression = {"add_bias", "a+b", "ab"};
    clade_shape lead = {.ndim = 2, .dim = {out->shape.dim[0], out->shape.dim[1]}};
    const int64_t places = out->numel / clade_shape_numel(&lead);
    const clade_shape shape = CLADE_SHAPE(lead.dim[0], lead.dim[1], places);
    const clade_shape column = CLADE_SHAPE(lead.dim[1], 1);
    const int64_t stride[] = {lead.dim[1] * places, places, 1};
    const int64_t bias_stride[] = {bias->stride[0], 0};
    clade_tensor *flat = clade_tensor_new_view(out, &shape, stride, out->offset);
    clade_tensor *each = clade_tensor_new_view(bias, &column, bias_stride, bias->offset);
    clade_status status = CLADE_ERR_OUT_OF_MEMORY;
    if (flat && each)
        status = clade_elementwise(&expression, out->dtype, flat,
                                   (clade_tensor *const[]){flat, each}, 2, NULL, 0);
    clade_tensor_unref(flat);
    clade_tensor_unref(each);
    return status;
}

static clade_status forward_conv(const clade_node *node)
{
    const clade_convolution c = settings(node, DIMS(&node->output->shape));
    CLADE_TRY(clade_convolve(node->output, node->inputs[0], node->inputs[1], &c));
    return node->count > 2 ? add_bias(node->output, node->inputs[2]) : CLADE_OK;
}

static clade_status forward_conv_transpose(const clade_node *node)
{
    const clade_convolution c = settings(node, DIMS(&node->output->shape));
    CLADE_TRY(clade_convolve_transposed(node->output, node->inputs[0], node->inputs[1], &c));
    return node->count > 2 ? add_bias(node->output, node->inputs[2]) : CLADE_OK;
}

static clade_status forward_weight_grad(const clade_node *node)
{
    const clade_convolution c = settings(node, DIMS(&node->output->shape));
    return clade_convolve_weight(node->output, node->inputs[0], node->inputs[1], &c);
}

/* --- backward --------------------------------------------------------------------------------- */
static const clade_op op_conv, op_conv_transpose, op_conv_weight_grad;

static clade_tensor *conv(const clade_node *node, clade_tensor *x, clade_tensor *weight)
{
    return CLADE_APPLY(&op_conv, &node->attrs, x, weight);
}

static clade_tensor *transposed(const clade_node *node, clade_tensor *y, clade_tensor *weight,
                                const clade_shape *x)
{
    clade_attrs attrs = node->attrs;
    const clade_convolution c = settings(node, DIMS(x));
    attrs.shape = (clade_shape){.ndim = DIMS(x)};
    for (int d = 0; y && weight && d < DIMS(x); d++) {
        const clade_conv_dim *v = &c.dim[d];
        attrs.shape.dim[d] =
            x->dim[2 + d] - ((y->shape.dim[2 + d] - 1) * v->stride - 2 * v->padding +
                             v->dilation * (weight->shape.dim[2 + d] - 1) + 1);
    }
    return CLADE_APPLY(&op_conv_transpose, &attrs, y, weight);
}

static clade_tensor *weight_grad(const clade_node *node, clade_tensor *x, clade_tensor *y,
                                 const clade_shape *weight)
{
    clade_attrs attrs = node->attrs;
    attrs.shape = *weight;
    return CLADE_APPLY(&op_conv_weight_grad, &attrs, x, y);
}

/* Row sums first: they are read as they lie. */
static clade_tensor *bias_grad(clade_tensor *grad)
{
    const clade_shape shape =
        CLADE_SHAPE(grad->shape.dim[0], grad->shape.dim[1],
                    grad->numel ? grad->numel / (grad->shape.dim[0] * grad->shape.dim[1]) : 0);
    clade_tensor *per_image = clade_sum(clade_reshape(grad, shape), (const int[]){2}, 1, false);
    return clade_sum(per_image, (const int[]){0}, 1, false);
}

static void backward_conv(const clade_node *node, clade_tensor *grad, const bool *needs,
                          clade_tensor **grads)
{
    clade_tensor *x = node->inputs[0], *weight = node->inputs[1];
    if (needs[0])
        grads[0] = transposed(node, grad, weight, &x->shape);
    if (needs[1])
        grads[1] = weight_grad(node, x, grad, &weight->shape);
    if (node->count > 2 && needs[2])
        grads[2] = bias_grad(grad);
}

static void backward_conv_transpose(const clade_node *node, clade_tensor *grad, const bool *needs,
                                    clade_tensor **grads)
{
    clade_tensor *y = node->inputs[0], *weight = node->inputs[1];
    if (needs[0])
        grads[0] = conv(node, grad, weight);
    if (needs[1])
        grads[1] = weight_grad(node, grad, y, &weight->shape);
    if (node->count > 2 && needs[2])
        grads[2] = bias_grad(grad);
}

static void backward_weight_grad(const clade_node *node, clade_tensor *grad, const bool *needs,
                                 clade_tensor **grads)
{
    clade_tensor *x = node->inputs[0], *y = node->inputs[1];
    if (needs[0])
        grads[0] = transposed(node, y, grad, &x->shape);
    if (needs[1])
        grads[1] = conv(node, x, grad);
}

static const clade_op op_conv = {.name = "conv",
                                 .min_inputs = 2,
                                 .max_inputs = 3,
                                 .saves = CLADE_SAVES_INPUT(0) | CLADE_SAVES_INPUT(1),
                                 .infer = infer_conv,
                                 .forward = forward_conv,
                                 .backward = backward_conv};
static const clade_op op_conv_transpose = {.name = "conv_transpose",
                                           .min_inputs = 2,
                                           .max_inputs = 3,
                                           .saves = CLADE_SAVES_INPUT(0) | CLADE_SAVES_INPUT(1),
                                           .infer = infer_conv_transpose,
                                           .forward = forward_conv_transpose,
                                           .backward = backward_conv_transpose};
static const clade_op op_conv_weight_grad = {.name = "conv_weight_grad",
                                             .min_inputs = 2,
                                             .max_inputs = 2,
                                             .saves = CLADE_SAVES_INPUTS,
                                             .infer = clade_infer_given_shape,
                                             .forward = forward_weight_grad,
                                             .backward = backward_weight_grad,
                                             .gradient_of = "conv"};

static const clade_op *const ops[] = {&op_conv, &op_conv_transpose, &op_conv_weight_grad};
const clade_op_family clade_conv_ops = {ops, sizeof ops / sizeof ops[0]};

/* --- the public functions --------------------------------------------------------------------- */
/* One setting of a dimension; `least` is its default too where that is 1. */
static bool set(int64_t *out, int64_t value, int64_t least, const char *op, int dims,
                const char *name)
{
    *out = value == 0 ? least : value;
    if (*out >= least && *out <= CLADE_WINDOW_MOST)
        return true;
    (void)CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s%dd: %s %lld", op, dims, name, (long long)value);
    return false;
}

static clade_tensor *apply(const clade_op *op, int dims, clade_tensor *x, clade_tensor *weight,
                           clade_tensor *bias, const clade_conv_params *params)
{
    static const clade_conv_params defaults;
    const clade_conv_params *p = params ? params : &defaults;
    clade_attrs attrs = {.integer = {p->groups ? p->groups : 1}, .shape = {.ndim = dims}};
    for (int d = 0; d < dims; d++) {
        clade_attr_window *w = &attrs.window[d];
        if (!set(&w->stride, p->stride[d], 1, op->name, dims, "stride") ||
            !set(&w->padding, p->padding[d], 0, op->name, dims, "padding") ||
            !set(&w->dilation, p->dilation[d], 1, op->name, dims, "dilation"))
            return NULL;
    }
    if (p->groups < 0) {
        (void)CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s%dd: %lld groups", op->name, dims,
                         (long long)p->groups);
        return NULL;
    }
    for (int d = 0; d < dims; d++) {
        attrs.shape.dim[d] = p->output_padding[d];
        if (p->output_padding[d] < 0 || (op == &op_conv && p->output_padding[d])) {
            (void)CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s%dd: output padding %lld", op->name, dims,
                             (long long)p->output_padding[d]);
            return NULL;
        }
    }
    if (x && x->shape.ndim != 2 + dims) {
        (void)CLADE_FAIL(CLADE_ERR_SHAPE, "%s%dd: x %s has not %d dimensions", op->name, dims,
                         clade_shape_str(&x->shape).s, 2 + dims);
        return NULL;
    }
    clade_tensor *inputs[] = {x, weight, bias};
    return clade_apply(op, &attrs, inputs, bias ? 3 : 2);
}

#define FUNCTION(name, op, dims)                                                                   \
    clade_tensor *clade_##name(clade_tensor *x, clade_tensor *weight, clade_tensor *bias,          \
                               const clade_conv_params *params)                                    \
    {                                                                                              \
        return apply(&op, dims, x, weight, bias, params);                                          \
    }
FUNCTION(conv1d, op_conv, 1)
FUNCTION(conv2d, op_conv, 2)
FUNCTION(conv3d, op_conv, 3)
FUNCTION(conv_transpose1d, op_conv_transpose, 1)
FUNCTION(conv_transpose2d, op_conv_transpose, 2)
FUNCTION(conv_transpose3d, op_conv_transpose, 3)

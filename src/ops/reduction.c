/* Reductions over any axes: sum, mean, max, min.
 *
 * Attributes: shape.dim = the axes as given, integer[0] = over all axes, integer[1] = keepdim. */
#include "tape/op.h"
#include "tensor/elementwise.h"
#include "tensor/reduce.h"

#include <clade/autograd.h>
#include <clade/ops.h>

#include "base/shape.h"

typedef struct reduction {
    clade_reduce_kind kind;
    bool mean;
} reduction;

/* Bit i for each reduced axis i; infer has found the axes good. */
static unsigned mask_of(const clade_node *node)
{
    const clade_shape *shape = &node->inputs[0]->shape, *axes = &node->attrs.shape;
    if (node->attrs.integer[0])
        return (1u << shape->ndim) - 1u;
    unsigned mask = 0;
    for (int i = 0; i < axes->ndim; i++)
        mask |= 1u << clade_shape_axis(shape, (int)axes->dim[i]);
    return mask;
}

static clade_status check_axes(const clade_node *node)
{
    const clade_shape *shape = &node->inputs[0]->shape, *axes = &node->attrs.shape;
    unsigned seen = 0;
    if (axes->ndim < 0 || axes->ndim > CLADE_MAX_DIMS)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: %d axes given for %s", node->op->name,
                          axes->ndim, clade_shape_str(shape).s);
    for (int i = 0; i < axes->ndim; i++) {
        int axis = clade_shape_axis(shape, (int)axes->dim[i]);
        if (axis < 0)
            return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: no axis %d in %s", node->op->name,
                              (int)axes->dim[i], clade_shape_str(shape).s);
        if (seen >> axis & 1)
            return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: axis %d of %s is given twice", node->op->name,
                              axis, clade_shape_str(shape).s);
        seen |= 1u << axis;
    }
    return CLADE_OK;
}

/* How many elements make one result. */
static int64_t set_size(const clade_node *node)
{
    const clade_shape *shape = &node->inputs[0]->shape;
    unsigned mask = mask_of(node);
    int64_t size = 1;
    for (int i = 0; i < shape->ndim; i++)
        if (mask >> i & 1)
            size *= shape->dim[i];
    return size;
}

static clade_shape reduced_shape(const clade_node *node, bool keepdim)
{
    const clade_shape *shape = &node->inputs[0]->shape;
    unsigned mask = mask_of(node);
    clade_shape out = {0};
    for (int i = 0; i < shape->ndim; i++) {
        if (!(mask >> i & 1))
            out.dim[out.ndim++] = shape->dim[i];
        else if (keepdim)
            out.dim[out.ndim++] = 1;
    }
    return out;
}

static clade_status infer(const clade_node *node, clade_meta *out)
{
    const reduction *r = node->op->data;
    CLADE_TRY(check_axes(node));
    if (r->mean)
        CLADE_TRY(clade_require_float(node, 0));
    if (r->kind != CLADE_REDUCE_SUM && set_size(node) == 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: of no elements: %s has an empty axis",
                          node->op->name, clade_shape_str(&node->inputs[0]->shape).s);
    out->dtype = node->inputs[0]->dtype;
    out->shape = reduced_shape(node, node->attrs.integer[1]);
    return CLADE_OK;
}

static clade_status forward(const clade_node *node)
{
    const reduction *r = node->op->data;
    double scale = r->mean ? 1.0 / (double)set_size(node) : 1;
    return clade_reduce(node->output, node->inputs[0], mask_of(node), r->kind, scale);
}

/* t, of the output's shape, with the reduced axes back as 1. */
static clade_tensor *with_axes(const clade_node *node, clade_tensor *t)
{
    return clade_reshape(t, reduced_shape(node, true));
}

static void backward_sum(const clade_node *node, clade_tensor *grad, const bool *needs,
                         clade_tensor **grads)
{
    (void)needs;
    const reduction *r = node->op->data;
    if (r->mean)
        grad = clade_mul_scalar(grad, 1.0 / (double)set_size(node));
    grads[0] = clade_expand(with_axes(node, grad), node->inputs[0]->shape);
}

static const clade_op op_max, op_max_grad, op_min_grad;

static void backward_extreme(const clade_node *node, clade_tensor *grad, const bool *needs,
                             clade_tensor **grads)
{
    (void)needs;
    const clade_op *op = node->op == &op_max ? &op_max_grad : &op_min_grad;
    /* Which elements are extreme does not change with x, as far as derivatives see. */
    grads[0] = CLADE_APPLY(op, &node->attrs, clade_detach(node->inputs[0]),
                           with_axes(node, clade_detach(node->output)), with_axes(node, grad));
}

/* --- max_grad, min_grad: of x, the extreme y and g, both with the reduced axes as 1 ------------
 * dx = g / (how many equal y) where x equals y, else 0: in a set with NaN nothing does, and all
 * becomes NaN, as in PyTorch. */
static const clade_expression equal_expression = {"extreme_equal", "x == y", "xy"};
static const clade_expression share_expression = {"extreme_share", "g/n * (T)(x == y)", "xygn"};

static clade_status infer_grad(const clade_node *node, clade_meta *out)
{
    out->dtype = node->inputs[0]->dtype;
    out->shape = node->inputs[0]->shape;
    return CLADE_OK;
}

static clade_status forward_grad(const clade_node *node)
{
    clade_tensor *x = node->inputs[0], *y = node->inputs[1], *g = node->inputs[2];
    clade_tensor *inputs[4] = {x, y, g, NULL};
    clade_tensor *n = clade_tensor_new(node->ctx, x->dtype, &y->shape, node->op->name);
    if (!n)
        return clade_last_error()->status;
    /* The output holds the marks until they are counted. */
    clade_status status =
        clade_elementwise(&equal_expression, x->dtype, node->output, inputs, 2, NULL, 0);
    if (status == CLADE_OK)
        status = clade_reduce(n, node->output, mask_of(node), CLADE_REDUCE_SUM, 1);
    inputs[3] = n;
    if (status == CLADE_OK)
        status = clade_elementwise(&share_expression, x->dtype, node->output, inputs, 4, NULL, 0);
    clade_tensor_unref(n);
    return status;
}

/* The share of each element is the gradient of a g of ones. */
static void backward_extreme_grad(const clade_node *node, clade_tensor *u, const bool *needs,
                                  clade_tensor **grads)
{
    (void)needs;
    clade_tensor *x = node->inputs[0], *y = node->inputs[1];
    clade_tensor *ones = clade_full(node->ctx, y->dtype, y->shape, 1);
    grads[2] = clade_mul(u, CLADE_APPLY(node->op, &node->attrs, x, y, ones));
}

static const reduction of_sum = {CLADE_REDUCE_SUM, false}, of_mean = {CLADE_REDUCE_SUM, true},
                       of_max = {CLADE_REDUCE_MAX, false}, of_min = {CLADE_REDUCE_MIN, false};

#define REDUCTION(name_, ...)                                                                      \
    static const clade_op op_##name_ = {.name = #name_,                                            \
                                        .min_inputs = 1,                                           \
                                        .max_inputs = 1,                                           \
                                        .infer = infer,                                            \
                                        .forward = forward,                                        \
                                        .data = &of_##name_,                                       \
                                        __VA_ARGS__}
#define EXTREME_GRAD(name_)                                                                        \
    static const clade_op op_##name_##_grad = {.name = #name_ "_grad",                             \
                                               .min_inputs = 3,                                    \
                                               .max_inputs = 3,                                    \
                                               .infer = infer_grad,                                \
                                               .saves =                                            \
                                                   CLADE_SAVES_INPUT(0) | CLADE_SAVES_INPUT(1),    \
                                               .forward = forward_grad,                            \
                                               .backward = backward_extreme_grad,                  \
                                               .gradient_of = #name_}
#define SAVES_BOTH (CLADE_SAVES_INPUT(0) | CLADE_SAVES_OUTPUT)

REDUCTION(sum, .backward = backward_sum);
REDUCTION(mean, .backward = backward_sum);
REDUCTION(max, .backward = backward_extreme, .saves = SAVES_BOTH);
REDUCTION(min, .backward = backward_extreme, .saves = SAVES_BOTH);
EXTREME_GRAD(max);
EXTREME_GRAD(min);

static const clade_op *const ops[] = {&op_sum, &op_mean,     &op_max,
                                      &op_min, &op_max_grad, &op_min_grad};
const clade_op_family clade_reduction_ops = {ops, sizeof ops / sizeof ops[0]};

static clade_tensor *apply(const clade_op *op, clade_tensor *x, const int *axes, int count,
                           bool keepdim)
{
    clade_attrs attrs = {.integer = {axes == NULL, keepdim}};
    attrs.shape.ndim = axes ? count : 0;
    for (int i = 0; i < attrs.shape.ndim && i < CLADE_MAX_DIMS; i++)
        attrs.shape.dim[i] = axes[i];
    return CLADE_APPLY(op, &attrs, x);
}

#define FUNCTION(name)                                                                             \
    clade_tensor *clade_##name(clade_tensor *x, const int *axes, int count, bool keepdim)          \
    {                                                                                              \
        return apply(&op_##name, x, axes, count, keepdim);                                         \
    }
FUNCTION(sum)
FUNCTION(mean)
FUNCTION(max)
FUNCTION(min)

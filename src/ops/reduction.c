/* Reductions over any axes by the engine: sum, mean, prod, max, min, any, all. */
#include "tape/axes.h"
#include "tensor/elementwise.h"
#include "tensor/reduce.h"

#include <clade/autograd.h>
#include <clade/ops.h>

#include "base/shape.h"

typedef struct reduction {
    clade_reduce_kind kind;
    bool mean;
} reduction;

static clade_status infer(const clade_node *node, clade_meta *out)
{
    const reduction *r = node->op->data;
    CLADE_TRY(clade_axes_check(node));
    if (r->mean)
        CLADE_TRY(clade_require_float(node, 0));
    bool extreme = r->kind == CLADE_REDUCE_MAX || r->kind == CLADE_REDUCE_MIN;
    if (extreme && clade_axes_set_size(node) == 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: of no elements: %s has an empty axis",
                          node->op->name, clade_shape_str(&node->inputs[0]->shape).s);
    out->dtype = node->inputs[0]->dtype;
    out->shape = clade_axes_reduced_shape(node, node->attrs.integer[1]);
    return CLADE_OK;
}

static clade_status forward(const clade_node *node)
{
    const reduction *r = node->op->data;
    double scale = r->mean ? 1.0 / (double)clade_axes_set_size(node) : 1;
    return clade_reduce(node->output, node->inputs[0], clade_axes_mask(node), r->kind, scale);
}

/* t, of the output's shape, with the reduced axes back as 1. */
static clade_tensor *with_axes(const clade_node *node, clade_tensor *t)
{
    return clade_reshape(t, clade_axes_reduced_shape(node, true));
}

static void backward_sum(const clade_node *node, clade_tensor *grad, const bool *needs,
                         clade_tensor **grads)
{
    (void)needs;
    const reduction *r = node->op->data;
    if (r->mean)
        grad = clade_mul_scalar(grad, 1.0 / (double)clade_axes_set_size(node));
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
        status = clade_reduce(n, node->output, clade_axes_mask(node), CLADE_REDUCE_SUM, 1);
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

/* --- prod -------------------------------------------------------------------------------------
 * To each element goes the product of the others: y / x where no element is 0, and where one is, to
 * that one alone. Its own derivative takes the zeros for constants. */
static void backward_prod(const clade_node *node, clade_tensor *grad, const bool *needs,
                          clade_tensor **grads)
{
    (void)needs;
    int axes[CLADE_MAX_DIMS], count = clade_axes_list(node, axes);
    clade_tensor *x = node->inputs[0];
    clade_shape scalar = clade_shape_scalar();
    clade_tensor *zero = clade_full(node->ctx, x->dtype, scalar, 0);
    clade_tensor *one = clade_full(node->ctx, x->dtype, scalar, 1);
    clade_tensor *is_zero = clade_eq(x, zero), *rest = clade_where(is_zero, one, x);
    clade_tensor *zeros = clade_sum(clade_cast(is_zero, x->dtype), axes, count, true);
    clade_tensor *product = clade_prod(rest, axes, count, true);
    clade_tensor *of_alone = clade_where(clade_eq(zeros, one), product, zero);
    clade_tensor *of_none = clade_where(clade_eq(zeros, zero), product, zero);
    clade_tensor *others = clade_where(is_zero, of_alone, clade_div(of_none, rest));
    grads[0] = clade_mul(with_axes(node, grad), others);
}

/* --- any, all: of marks of what is not 0 --------------------------------------------------------
 */
static clade_status infer_marks(const clade_node *node, clade_meta *out)
{
    CLADE_TRY(clade_axes_check(node));
    out->dtype = CLADE_U8;
    out->shape = clade_axes_reduced_shape(node, node->attrs.integer[1]);
    return CLADE_OK;
}

static clade_status forward_marks(const clade_node *node)
{
    static const clade_expression marked = {"marked", "a != 0", "a"};
    const reduction *r = node->op->data;
    clade_tensor *x = node->inputs[0];
    if (!x->numel)
        return clade_tensor_fill(node->output, r->kind == CLADE_REDUCE_MIN);
    clade_tensor *marks = clade_tensor_new(node->ctx, CLADE_U8, &x->shape, node->op->name);
    if (!marks)
        return clade_last_error()->status;
    clade_status status = clade_elementwise(&marked, x->dtype, marks, &x, 1, NULL, 0);
    if (status == CLADE_OK)
        status = clade_reduce(node->output, marks, clade_axes_mask(node), r->kind, 1);
    clade_tensor_unref(marks);
    return status;
}

static const reduction of_prod = {CLADE_REDUCE_PRODUCT, false};
static const reduction of_sum = {CLADE_REDUCE_SUM, false}, of_mean = {CLADE_REDUCE_SUM, true},
                       of_max = {CLADE_REDUCE_MAX, false}, of_min = {CLADE_REDUCE_MIN, false};

#define REDUCTION(name_, ...)                                                                      \
    static const clade_op op_##name_ = {.name = #name_,                                            \
                                        .min_inputs = 1,                                           \
                                        .max_inputs = 1,                                           \
                                        .infer = infer,                                            \
                                        .forward = forward,                                        \
                                        .any_storage = true,                                       \
                                        .data = &of_##name_,                                       \
                                        __VA_ARGS__}
#define EXTREME_GRAD(name_)                                                                        \
    static const clade_op op_##name_##_grad = {.name = #name_ "_grad",                             \
                                               .min_inputs = 3,                                    \
                                               .max_inputs = 3,                                    \
                                               .infer = clade_infer_like_first,                    \
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
REDUCTION(prod, .backward = backward_prod, .saves = CLADE_SAVES_INPUT(0));
EXTREME_GRAD(max);
EXTREME_GRAD(min);

#define MARKS(name_, of)                                                                           \
    static const clade_op op_##name_ = {.name = #name_,                                            \
                                        .min_inputs = 1,                                           \
                                        .max_inputs = 1,                                           \
                                        .infer = infer_marks,                                      \
                                        .forward = forward_marks,                                  \
                                        .any_storage = true,                                       \
                                        .data = of}
MARKS(any, &of_max);
MARKS(all, &of_min);

static const clade_op *const ops[] = {&op_sum,      &op_mean,     &op_prod, &op_max, &op_min,
                                      &op_max_grad, &op_min_grad, &op_any,  &op_all};
const clade_op_family clade_reduction_ops = {ops, sizeof ops / sizeof ops[0]};

#define FUNCTION(name)                                                                             \
    clade_tensor *clade_##name(clade_tensor *x, const int *axes, int count, bool keepdim)          \
    {                                                                                              \
        clade_attrs attrs = clade_axes_attrs(axes, count, keepdim);                                \
        return CLADE_APPLY(&op_##name, &attrs, x);                                                 \
    }
FUNCTION(sum)
FUNCTION(mean)
FUNCTION(max)
FUNCTION(min)
FUNCTION(prod)
FUNCTION(any)
FUNCTION(all)

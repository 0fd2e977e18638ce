/* Pointwise ops: one row each.
 *
 * A row gives the value and, per input, the gradient as OpenCL C expressions. In a value, a, b and c
 * are the inputs and p0, p1 the constants. In a gradient, g is what arrived and y the result; it may
 * use only what the row saves: nothing, the inputs (I), the result (Y), or both (I|Y). */
#include "tape/op.h"
#include "tensor/elementwise.h"

#include <clade/ops.h>

#include "base/shape.h"

#define I CLADE_SAVES_INPUTS
#define Y CLADE_SAVES_OUTPUT

typedef enum row_types {
    ANY,     /* any dtype, all inputs alike */
    FLOATS,  /* floats, all inputs alike */
    COMPARE, /* any dtype, all inputs alike, result u8 */
    SELECT   /* u8 first, then any dtype, alike */
} row_types;

typedef struct pointwise_row {
    clade_expression value;
    int inputs;
    row_types types;
    clade_expression grad[3]; /* text NULL: no gradient flows there */
} pointwise_row;

#define G(name, i, text) {#name "_grad" #i, text}

/* X(name, inputs, types, saves, value, gradient expressions) */
#define POINTWISE_ROWS(X)                                                                          \
    X(add, 2, ANY, 0, "a+b", G(add, 0, "g"), G(add, 1, "g"))                                       \
    X(sub, 2, ANY, 0, "a-b", G(sub, 0, "g"), G(sub, 1, "-g"))                                      \
    X(mul, 2, ANY, I, "a*b", G(mul, 0, "g*b"), G(mul, 1, "g*a"))                                   \
    X(div, 2, FLOATS, I, "a/b", G(div, 0, "g/b"), G(div, 1, "-g*a/(b*b)"))                         \
    X(pow, 2, FLOATS, I | Y, "pow(a,b)", G(pow, 0, "b == 0 ? 0 : g*b*pow(a,b-1)"),                 \
      G(pow, 1, "a == 0 && b >= 0 ? 0 : g*y*log(a)"))                                              \
    X(maximum, 2, ANY, I, "(a > b || a != a) ? a : b",                                             \
      G(maximum, 0, "a == b ? 0.5*g : (a > b || a != a) ? g : 0"),                                 \
      G(maximum, 1, "a == b ? 0.5*g : (a > b || a != a) ? 0 : g"))                                 \
    X(minimum, 2, ANY, I, "(a < b || a != a) ? a : b",                                             \
      G(minimum, 0, "a == b ? 0.5*g : (a < b || a != a) ? g : 0"),                                 \
      G(minimum, 1, "a == b ? 0.5*g : (a < b || a != a) ? 0 : g"))                                 \
    X(eq, 2, COMPARE, 0, "a == b", {0, 0})                                                         \
    X(ne, 2, COMPARE, 0, "a != b", {0, 0})                                                         \
    X(lt, 2, COMPARE, 0, "a < b", {0, 0})                                                          \
    X(le, 2, COMPARE, 0, "a <= b", {0, 0})                                                         \
    X(gt, 2, COMPARE, 0, "a > b", {0, 0})                                                          \
    X(ge, 2, COMPARE, 0, "a >= b", {0, 0})                                                         \
    X(where, 3, SELECT, I, "a ? b : c", {0, 0}, G(where, 1, "a ? g : 0"),                          \
      G(where, 2, "a ? 0 : g"))                                                                    \
    X(add_scalar, 1, ANY, 0, "a+p0", G(add_scalar, 0, "g"))                                        \
    X(mul_scalar, 1, ANY, 0, "a*p0", G(mul_scalar, 0, "g*p0"))                                     \
    X(pow_scalar, 1, FLOATS, I, "pow(a,p0)",                                                       \
      G(pow_scalar, 0, "p0 == 0 ? 0 : g*p0*pow(a,p0-1)"))                                          \
    X(clamp, 1, ANY, I, "a < p0 ? p0 : a > p1 ? p1 : a",                                           \
      G(clamp, 0, "a >= p0 && a <= p1 ? g : 0"))                                                   \
    X(leaky_relu, 1, FLOATS, I, "a > 0 ? a : p0*a", G(leaky_relu, 0, "a > 0 ? g : p0*g"))          \
    X(neg, 1, ANY, 0, "-a", G(neg, 0, "-g"))                                                       \
    X(abs, 1, ANY, I, "a < 0 ? -a : a", G(abs, 0, "a > 0 ? g : a < 0 ? -g : 0"))                   \
    X(exp, 1, FLOATS, Y, "exp(a)", G(exp, 0, "g*y"))                                               \
    X(log, 1, FLOATS, I, "log(a)", G(log, 0, "g/a"))                                               \
    X(sqrt, 1, FLOATS, Y, "sqrt(a)", G(sqrt, 0, "0.5*g/y"))                                        \
    X(square, 1, ANY, I, "a*a", G(square, 0, "2*g*a"))                                             \
    X(relu, 1, FLOATS, Y, "(a > 0 || a != a) ? a : 0", G(relu, 0, "y > 0 ? g : 0"))                \
    X(sigmoid, 1, FLOATS, Y, "1/(1+exp(-a))", G(sigmoid, 0, "g*y*(1-y)"))                          \
    X(tanh, 1, FLOATS, Y, "tanh(a)", G(tanh, 0, "g*(1-y*y)"))                                      \
    X(gelu, 1, FLOATS, I, "0.5*a*(1+erf(a*0.70710678118654752440))",                               \
      G(gelu, 0,                                                                                   \
        "g*(0.5*(1+erf(a*0.70710678118654752440))+a*0.39894228040143267794*exp(-0.5*a*a))"))       \
    X(silu, 1, FLOATS, I, "a/(1+exp(-a))",                                                         \
      G(silu, 0, "g*(1+a*(1-1/(1+exp(-a))))/(1+exp(-a))"))                                         \
    X(softplus, 1, FLOATS, I, "fmax(a,0)+log1p(exp(-fabs(a)))", G(softplus, 0, "g/(1+exp(-a))"))

static clade_status infer(const clade_node *node, clade_meta *out)
{
    const pointwise_row *row = node->op->data;
    int first = row->types == SELECT ? 1 : 0;
    CLADE_TRY(clade_require_same_dtype(node, first, node->count - first));
    if (row->types == FLOATS)
        CLADE_TRY(clade_require_float(node, 0));
    if (row->types == SELECT && node->inputs[0]->dtype != CLADE_U8)
        return CLADE_FAIL(CLADE_ERR_DTYPE, "%s: the condition is %s, not u8", node->op->name,
                          clade_dtype_name(node->inputs[0]->dtype));
    out->dtype = row->types == COMPARE ? CLADE_U8 : node->inputs[first]->dtype;
    out->shape = node->inputs[0]->shape;
    for (int i = 1; i < node->count; i++)
        if (!clade_shape_broadcast(&out->shape, &node->inputs[i]->shape, &out->shape))
            return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: shapes do not broadcast: %s and %s",
                              node->op->name, clade_shape_str(&out->shape).s,
                              clade_shape_str(&node->inputs[i]->shape).s);
    return CLADE_OK;
}

static clade_status forward(const clade_node *node)
{
    const pointwise_row *row = node->op->data;
    return clade_elementwise(&row->value, node->inputs[node->count - 1]->dtype, node->output,
                             node->inputs, node->count, node->attrs.real, 2);
}

/* --- gradients: one op for all rows ----------------------------------------------------------
 * Inputs: g, the row's inputs, y. integer[0]: which input's gradient. */

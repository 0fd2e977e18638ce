/* Pointwise ops: one row each.
 *
 * A row gives the value and, per input, the gradient as OpenCL C expressions. In a value, a, b and
 * c are the inputs and p0, p1 the constants. In a gradient, g is what arrived and y the result; it
 * may use only what the row saves: nothing, the inputs (I), the result (Y), or both (I|Y). */
#include "ops/pointwise.h"
#include "tensor/elementwise.h"

#include <clade/ops.h>

#include "base/shape.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define I CLADE_SAVES_INPUTS
#define Y CLADE_SAVES_OUTPUT

typedef enum row_types {
    ANY,     /* any dtype, all inputs alike */
    FLOATS,  /* floats, all inputs alike */
    COMPARE, /* any dtype, all inputs alike, result u8 */
    TEST,    /* floats, result u8 */
    SELECT   /* u8 first, then any dtype, alike */
} row_types;

typedef struct pointwise_row {
    clade_expression value;
    int inputs;
    row_types types;
    unsigned saves;
    clade_expression grad[3]; /* text NULL: no gradient flows there */
    const clade_op *grad_op;
} pointwise_row;

/* clang-format off */
#define G(name, i, text) {#name "_grad" #i, text, ""}
#define NO_G             {NULL, NULL, ""}

#define SOFTPLUS "(fmax(a,0.0)+log1p(exp(-fabs(a))))"
#define GELU_TANH "tanh(0.79788456080286535588*(a+0.044715*a*a*a))"

/* X(form of the function, name, inputs, types, saves, value, gradient expressions) */
#define POINTWISE_ROWS(X)                                                                          \
    X(BINARY, add, 2, ANY, 0, "a+b", G(add, 0, "g"), G(add, 1, "g"))                               \
    X(BINARY, sub, 2, ANY, 0, "a-b", G(sub, 0, "g"), G(sub, 1, "-g"))                              \
    X(BINARY, mul, 2, ANY, I, "a*b", G(mul, 0, "g*b"), G(mul, 1, "g*a"))                           \
    X(BINARY, div, 2, FLOATS, I, "a/b", G(div, 0, "g/b"), G(div, 1, "-g*a/(b*b)"))                 \
    X(BINARY, pow, 2, FLOATS, I | Y, "pow(a,b)",                                                   \
      G(pow, 0, "b == 0 ? 0 : g*b*pow(a,b-1)"),                                                    \
      G(pow, 1, "a == 0 && b >= 0 ? 0 : g*y*log(a)"))                                              \
    X(BINARY, maximum, 2, ANY, I, "(a > b || a != a) ? a : b",                                     \
      G(maximum, 0, "a == b ? 0.5*g : a < b ? 0 : g"),                                             \
      G(maximum, 1, "a == b ? 0.5*g : a > b ? 0 : g"))                                             \
    X(BINARY, minimum, 2, ANY, I, "(a < b || a != a) ? a : b",                                     \
      G(minimum, 0, "a == b ? 0.5*g : a > b ? 0 : g"),                                             \
      G(minimum, 1, "a == b ? 0.5*g : a < b ? 0 : g"))                                             \
    X(BINARY, eq, 2, COMPARE, 0, "a == b", NO_G)                                                   \
    X(BINARY, ne, 2, COMPARE, 0, "a != b", NO_G)                                                   \
    X(BINARY, lt, 2, COMPARE, 0, "a < b", NO_G)                                                    \
    X(BINARY, le, 2, COMPARE, 0, "a <= b", NO_G)                                                   \
    X(BINARY, gt, 2, COMPARE, 0, "a > b", NO_G)                                                    \
    X(BINARY, ge, 2, COMPARE, 0, "a >= b", NO_G)                                                   \
    X(TERNARY, where, 3, SELECT, CLADE_SAVES_INPUT(0), "a ? b : c",                                \
      NO_G, G(where, 1, "a ? g : 0"), G(where, 2, "a ? 0 : g"))                                    \
    X(UNARY_1, add_scalar, 1, ANY, 0, "a+p0", G(add_scalar, 0, "g"))                               \
    X(UNARY_1, mul_scalar, 1, ANY, 0, "a*p0", G(mul_scalar, 0, "g*p0"))                            \
    X(UNARY_1, pow_scalar, 1, FLOATS, I, "pow(a,p0)",                                              \
      G(pow_scalar, 0, "p0 == 0 ? 0 : g*p0*pow(a,p0-1)"))                                          \
    X(UNARY_2, clamp, 1, ANY, I, "a > p1 || (a < p0 && p0 > p1) ? p1 : a < p0 ? p0 : a",           \
      G(clamp, 0, "a >= p0 && a <= p1 ? g : 0"))                                                   \
    X(UNARY_1, leaky_relu, 1, FLOATS, I, "a > 0 ? a : p0*a",                                       \
      G(leaky_relu, 0, "a > 0 ? g : p0*g"))                                                        \
    X(UNARY, neg, 1, ANY, 0, "-a", G(neg, 0, "-g"))                                                \
    X(UNARY, abs, 1, ANY, I, "a < 0 ? -a : a", G(abs, 0, "a > 0 ? g : a < 0 ? -g : 0"))            \
    X(UNARY, exp, 1, FLOATS, Y, "exp(a)", G(exp, 0, "g*y"))                                        \
    X(UNARY, log, 1, FLOATS, I, "log(a)", G(log, 0, "g/a"))                                        \
    X(UNARY, sqrt, 1, FLOATS, Y, "sqrt(a)", G(sqrt, 0, "0.5*g/y"))                                 \
    X(UNARY, square, 1, ANY, I, "a*a", G(square, 0, "2*g*a"))                                      \
    X(UNARY, relu, 1, FLOATS, Y, "(a > 0 || a != a) ? a : 0", G(relu, 0, "y <= 0 ? 0 : g"))        \
    X(UNARY, sigmoid, 1, FLOATS, Y, "1/(1+exp(-a))", G(sigmoid, 0, "g*y*(1-y)"))                   \
    X(UNARY, tanh, 1, FLOATS, Y, "tanh(a)", G(tanh, 0, "g*(1-y*y)"))                               \
    X(UNARY, gelu, 1, FLOATS, I, "0.5*a*(1+erf(a*0.70710678118654752440))",                        \
      G(gelu, 0, "g*(0.5*(1+erf(a*0.70710678118654752440))"                                        \
                 "+a*0.39894228040143267794*exp(-0.5*a*a))"))                                      \
    X(UNARY, silu, 1, FLOATS, I, "a/(1+exp(-a))",                                                  \
      G(silu, 0, "g*(1+a*(1-1/(1+exp(-a))))/(1+exp(-a))"))                                         \
    X(UNARY, softplus, 1, FLOATS, I, SOFTPLUS, G(softplus, 0, "g/(1+exp(-a))"))                    \
    X(BINARY, logical_and, 2, COMPARE, 0, "a != 0 && b != 0", NO_G)                                \
    X(BINARY, logical_or, 2, COMPARE, 0, "a != 0 || b != 0", NO_G)                                 \
    X(BINARY, logical_xor, 2, COMPARE, 0, "(a != 0) != (b != 0)", NO_G)                            \
    X(BINARY, atan2, 2, FLOATS, I, "atan2(a,b)",                                                   \
      G(atan2, 0, "g*b/(a*a+b*b)"), G(atan2, 1, "-g*a/(a*a+b*b)"))                                 \
    X(BINARY, hypot, 2, FLOATS, I | Y, "hypot(a,b)",                                               \
      G(hypot, 0, "g*(a/y)"), G(hypot, 1, "g*(b/y)"))                                              \
    X(BINARY, fmod, 2, FLOATS, I, "fmod(a,b)", G(fmod, 0, "g"), G(fmod, 1, "-g*trunc(a/b)"))       \
    X(BINARY, remainder, 2, FLOATS, I,                                                             \
      "fmod(a,b) != 0 && (fmod(a,b) < 0) != (b < 0) ? fmod(a,b)+b : fmod(a,b)",                    \
      G(remainder, 0, "g"), G(remainder, 1, "-g*floor(a/b)"))                                      \
    X(MASKED, masked_fill, 2, SELECT, CLADE_SAVES_INPUT(0), "a ? p0 : b",                          \
      NO_G, G(masked_fill, 1, "a ? 0 : g"))                                                        \
    X(TERNARY, lerp, 3, FLOATS, I, "a+c*(b-a)",                                                    \
      G(lerp, 0, "g*(1-c)"), G(lerp, 1, "g*c"), G(lerp, 2, "g*(b-a)"))                             \
    X(TERNARY_1, addcmul, 3, FLOATS, I, "a+p0*b*c",                                                \
      G(addcmul, 0, "g"), G(addcmul, 1, "g*p0*c"), G(addcmul, 2, "g*p0*b"))                        \
    X(TERNARY_1, addcdiv, 3, FLOATS, I, "a+p0*b/c",                                                \
      G(addcdiv, 0, "g"), G(addcdiv, 1, "g*p0/c"), G(addcdiv, 2, "-g*p0*b/(c*c)"))                 \
    X(UNARY_1, elu, 1, FLOATS, I, "a > 0 ? a : p0*expm1(a)",                                       \
      G(elu, 0, "a > 0 ? g : g*p0*exp(a)"))                                                        \
    X(UNARY_1, celu, 1, FLOATS, I, "a > 0 ? a : p0*expm1(a/p0)",                                   \
      G(celu, 0, "a > 0 ? g : g*exp(a/p0)"))                                                       \
    X(UNARY_2, hardtanh, 1, FLOATS, I, "a < p0 ? p0 : a > p1 ? p1 : a",                            \
      G(hardtanh, 0, "a <= p0 || a >= p1 ? 0 : g"))                                                \
    X(UNARY, logical_not, 1, COMPARE, 0, "a == 0", NO_G)                                           \
    X(UNARY, isnan, 1, TEST, 0, "isnan(a)", NO_G)                                                  \
    X(UNARY, isinf, 1, TEST, 0, "isinf(a)", NO_G)                                                  \
    X(UNARY, isfinite, 1, TEST, 0, "isfinite(a)", NO_G)                                            \
    X(UNARY, sign, 1, ANY, 0, "(a > 0)-(a < 0)", G(sign, 0, "0"))                                  \
    X(UNARY, floor, 1, FLOATS, 0, "floor(a)", G(floor, 0, "0"))                                    \
    X(UNARY, ceil, 1, FLOATS, 0, "ceil(a)", G(ceil, 0, "0"))                                       \
    X(UNARY, round, 1, FLOATS, 0, "rint(a)", G(round, 0, "0"))                                     \
    X(UNARY, trunc, 1, FLOATS, 0, "trunc(a)", G(trunc, 0, "0"))                                    \
    X(UNARY, sin, 1, FLOATS, I, "sin(a)", G(sin, 0, "g*cos(a)"))                                   \
    X(UNARY, cos, 1, FLOATS, I, "cos(a)", G(cos, 0, "-g*sin(a)"))                                  \
    X(UNARY, tan, 1, FLOATS, Y, "tan(a)", G(tan, 0, "g*(1+y*y)"))                                  \
    X(UNARY, asin, 1, FLOATS, I, "asin(a)", G(asin, 0, "g/sqrt(1-a*a)"))                           \
    X(UNARY, acos, 1, FLOATS, I, "acos(a)", G(acos, 0, "-g/sqrt(1-a*a)"))                          \
    X(UNARY, atan, 1, FLOATS, I, "atan(a)", G(atan, 0, "g/(1+a*a)"))                               \
    X(UNARY, sinh, 1, FLOATS, I, "sinh(a)", G(sinh, 0, "g*cosh(a)"))                               \
    X(UNARY, cosh, 1, FLOATS, I, "cosh(a)", G(cosh, 0, "g*sinh(a)"))                               \
    X(UNARY, erf, 1, FLOATS, I, "erf(a)", G(erf, 0, "g*1.12837916709551257390*exp(-a*a)"))         \
    X(UNARY, erfc, 1, FLOATS, I, "erfc(a)", G(erfc, 0, "-g*1.12837916709551257390*exp(-a*a)"))     \
    X(UNARY, exp2, 1, FLOATS, Y, "exp2(a)", G(exp2, 0, "g*y*0.69314718055994530942"))              \
    X(UNARY, expm1, 1, FLOATS, Y, "expm1(a)", G(expm1, 0, "g*(y+1)"))                              \
    X(UNARY, log2, 1, FLOATS, I, "log2(a)", G(log2, 0, "g/(a*0.69314718055994530942)"))            \
    X(UNARY, log10, 1, FLOATS, I, "log10(a)", G(log10, 0, "g/(a*2.30258509299404568402)"))         \
    X(UNARY, log1p, 1, FLOATS, I, "log1p(a)", G(log1p, 0, "g/(1+a)"))                              \
    X(UNARY, rsqrt, 1, FLOATS, Y, "rsqrt(a)", G(rsqrt, 0, "-0.5*g*y*y*y"))                         \
    X(UNARY, reciprocal, 1, FLOATS, Y, "1/a", G(reciprocal, 0, "-g*y*y"))                          \
    X(UNARY, gelu_tanh, 1, FLOATS, I, "0.5*a*(1+" GELU_TANH ")",                                   \
      G(gelu_tanh, 0, "g*(0.5*(1+" GELU_TANH ")+0.39894228040143267794*a*(1+0.134145*a*a)"         \
                      "*(1-" GELU_TANH "*" GELU_TANH "))"))                                        \
    X(UNARY, selu, 1, FLOATS, I,                                                                   \
      "1.05070098735548049342*(a > 0 ? a : 1.67326324235437728482*expm1(a))",                      \
      G(selu, 0, "1.05070098735548049342*(a > 0 ? g : g*1.67326324235437728482*exp(a))"))          \
    X(UNARY, mish, 1, FLOATS, I, "a*tanh(" SOFTPLUS ")",                                           \
      G(mish, 0, "g*(tanh(" SOFTPLUS ")"                                                           \
                 "+a*(1-tanh(" SOFTPLUS ")*tanh(" SOFTPLUS "))/(1+exp(-a)))"))                     \
    X(UNARY, softsign, 1, FLOATS, I, "a/(1+fabs(a))",                                              \
      G(softsign, 0, "g/((1+fabs(a))*(1+fabs(a)))"))                                               \
    X(UNARY, logsigmoid, 1, FLOATS, I, "fmin(a,0.0)-log1p(exp(-fabs(a)))",                         \
      G(logsigmoid, 0, "g/(1+exp(a))"))                                                            \
    X(UNARY, hardsigmoid, 1, FLOATS, I, "(a < -3 ? 0 : a > 3 ? 6 : a+3)/6",                        \
      G(hardsigmoid, 0, "a <= -3 || a >= 3 ? 0 : g/6"))                                            \
    X(UNARY, hardswish, 1, FLOATS, I, "a*(a < -3 ? 0 : a > 3 ? 6 : a+3)/6",                        \
      G(hardswish, 0, "a < -3 ? 0 : a > 3 ? g : g*(a/3+0.5)"))
/* clang-format on */

static clade_status infer(const clade_node *node, clade_meta *out)
{
    const pointwise_row *row = node->op->data;
    int first = row->types == SELECT ? 1 : 0;
    CLADE_TRY(clade_require_same_dtype(node, first, node->count - first));
    if (row->types == FLOATS || row->types == TEST)
        CLADE_TRY(clade_require_float(node, 0));
    if (row->types == SELECT && node->inputs[0]->dtype != CLADE_U8)
        return CLADE_FAIL(CLADE_ERR_DTYPE, "%s: the condition is %s, not u8", node->op->name,
                          clade_dtype_name(node->inputs[0]->dtype));
    out->dtype =
        row->types == COMPARE || row->types == TEST ? CLADE_U8 : node->inputs[first]->dtype;
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
                             node->inputs, node->count, node->attrs.real, CLADE_EXPRESSION_PARAMS);
}

/* --- gradients: the op NAME_grad of each row -------------------------------------------------
 * Inputs: g, then of a, b, c and y what the text reads. integer[0] says which input's gradient. Its
 * own gradients are derived from the text, to any order; y counts as an input, from which the
 * gradient flows on to what computed it. */

/* The letters of g and of what the text reads besides. */
static void name_inputs(char *letters, const char *text)
{
    *letters++ = 'g';
    for (const char *letter = "abcy"; *letter; letter++)
        for (const char *at = text; (at = strchr(at, *letter)); at++)
            if ((at == text || !isalpha((unsigned char)at[-1])) && !isalnum((unsigned char)at[1])) {
                *letters++ = *letter;
                break;
            }
    *letters = '\0';
}

static clade_status forward_grad(const clade_node *node)
{
    const pointwise_row *row = node->op->data;
    clade_expression expression = row->grad[node->attrs.integer[0]];
    name_inputs(expression.inputs, expression.text);
    return clade_elementwise(&expression, node->output->dtype, node->output, node->inputs,
                             node->count, node->attrs.real, CLADE_EXPRESSION_PARAMS);
}

static void backward_grad(const clade_node *node, clade_tensor *grad, const bool *needs,
                          clade_tensor **grads)
{
    const pointwise_row *row = node->op->data;
    const char *text = row->grad[node->attrs.integer[0]].text;
    char letters[CLADE_EXPRESSION_INPUTS + 1], names[64];
    name_inputs(letters, text);
    for (int i = 0; i < node->count; i++)
        snprintf(names + 2 * i, sizeof names - 2 * (size_t)i, "%c ", letters[i]);
    snprintf(names + 2 * node->count, sizeof names - 2 * (size_t)node->count, "p0 p1");
    for (int i = 0; i < node->count; i++)
        if (needs[i])
            grads[i] = clade_formula_gradient(text, names, node->inputs, node->count,
                                              node->attrs.real, 2, i, grad);
}

static void backward(const clade_node *node, clade_tensor *grad, const bool *needs,
                     clade_tensor **grads)
{
    const pointwise_row *row = node->op->data;
    for (int i = 0; i < node->count; i++) {
        if (!needs[i])
            continue;
        const char *text = row->grad[i].text;
        if (!strcmp(text, "g") || !strcmp(text, "0")) {
            grads[i] = *text == 'g' ? grad : clade_full(grad->ctx, grad->dtype, grad->shape, 0);
            continue;
        }
        char letters[CLADE_EXPRESSION_INPUTS + 1];
        name_inputs(letters, text);
        clade_tensor *inputs[CLADE_EXPRESSION_INPUTS] = {grad};
        int count = 1;
        for (; letters[count]; count++)
            inputs[count] =
                letters[count] == 'y' ? node->output : node->inputs[letters[count] - 'a'];
        clade_attrs attrs = node->attrs;
        attrs.integer[0] = i;
        grads[i] = clade_apply(row->grad_op, &attrs, inputs, count);
    }
}

#define ROW(form, name, inputs, types, saves, text, ...)                                           \
    static const clade_op op_##name##_grad;                                                        \
    static const pointwise_row row_##name = {                                                      \
        {#name, text, "abc"}, inputs, types, (unsigned)(saves), {__VA_ARGS__}, &op_##name##_grad};
POINTWISE_ROWS(ROW)

#define HAS_GRADIENT(types) ((types) != COMPARE && (types) != TEST)
#define OP(form, name_, inputs_, types, saves_, text, ...)                                         \
    static const clade_op op_##name_ = {.name = #name_,                                            \
                                        .min_inputs = inputs_,                                     \
                                        .max_inputs = inputs_,                                     \
                                        .saves = (unsigned)(saves_),                               \
                                        .infer = infer,                                            \
                                        .forward = forward,                                        \
                                        .any_storage = true,                                       \
                                        .backward = HAS_GRADIENT(types) ? backward : NULL,         \
                                        .data = &row_##name_};                                     \
    static const clade_op op_##name_##_grad = {.name = #name_ "_grad",                             \
                                               .min_inputs = 1,                                    \
                                               .max_inputs = CLADE_EXPRESSION_INPUTS,              \
                                               .saves = CLADE_SAVES_INPUTS,                        \
                                               .infer = clade_infer_like_first,                    \
                                               .forward = forward_grad,                            \
                                               .any_storage = true,                                \
                                               .backward = backward_grad,                          \
                                               .data = &row_##name_,                               \
                                               .gradient_of = #name_};
POINTWISE_ROWS(OP)

#define LIST(form, name, ...) &op_##name,
static const clade_op *const ops[] = {POINTWISE_ROWS(LIST)};
const clade_op_family clade_pointwise_ops = {ops, sizeof ops / sizeof ops[0]};

#define UNARY(name)                                                                                \
    clade_tensor *clade_##name(clade_tensor *x)                                                    \
    {                                                                                              \
        return CLADE_APPLY(&op_##name, NULL, x);                                                   \
    }
#define UNARY_1(name)                                                                              \
    clade_tensor *clade_##name(clade_tensor *x, double p0)                                         \
    {                                                                                              \
        return CLADE_APPLY(&op_##name, &((clade_attrs){.real = {p0}}), x);                         \
    }
#define UNARY_2(name)                                                                              \
    clade_tensor *clade_##name(clade_tensor *x, double p0, double p1)                              \
    {                                                                                              \
        return CLADE_APPLY(&op_##name, &((clade_attrs){.real = {p0, p1}}), x);                     \
    }
#define BINARY(name)                                                                               \
    clade_tensor *clade_##name(clade_tensor *a, clade_tensor *b)                                   \
    {                                                                                              \
        return CLADE_APPLY(&op_##name, NULL, a, b);                                                \
    }
#define TERNARY(name)                                                                              \
    clade_tensor *clade_##name(clade_tensor *a, clade_tensor *b, clade_tensor *c)                  \
    {                                                                                              \
        return CLADE_APPLY(&op_##name, NULL, a, b, c);                                             \
    }
#define TERNARY_1(name)                                                                            \
    clade_tensor *clade_##name(clade_tensor *a, clade_tensor *b, clade_tensor *c, double p0)       \
    {                                                                                              \
        return CLADE_APPLY(&op_##name, &((clade_attrs){.real = {p0}}), a, b, c);                   \
    }
#define MASKED(name)                                                                               \
    clade_tensor *clade_##name(clade_tensor *x, clade_tensor *mask, double p0)                     \
    {                                                                                              \
        return CLADE_APPLY(&op_##name, &((clade_attrs){.real = {p0}}), mask, x);                   \
    }
#define FUNCTION(form, name, ...) form(name)
POINTWISE_ROWS(FUNCTION)

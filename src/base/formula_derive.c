/* The functions of the language, and d formula / d variable. */
#include "base/formula_nodes.h"

#include "base/alloc.h"

#include <string.h>

/* clang-format off */
static const formula_function functions[] = {
    {.name = "abs", .arity = 1, .opencl = "fabs(a)", .derivative = {"a > 0 ? 1 : a < 0 ? -1 : 0"}},
    {.name = "acos", .arity = 1, .derivative = {"-1/sqrt(1-a*a)"}},
    {.name = "acosh", .arity = 1, .derivative = {"1/sqrt(a*a-1)"}},
    {.name = "asin", .arity = 1, .derivative = {"1/sqrt(1-a*a)"}},
    {.name = "asinh", .arity = 1, .derivative = {"1/sqrt(a*a+1)"}},
    {.name = "atan", .arity = 1, .derivative = {"1/(1+a*a)"}},
    {.name = "atan2", .arity = 2, .derivative = {"b/(a*a+b*b)", "-a/(a*a+b*b)"}},
    {.name = "atanh", .arity = 1, .derivative = {"1/(1-a*a)"}},
    {.name = "cbrt", .arity = 1, .derivative = {"1/(3*y*y)"}},
    {.name = "ceil", .arity = 1},
    {.name = "clamp", .arity = 3, .means = "a < b ? b : a > c ? c : a"},
    {.name = "cos", .arity = 1, .derivative = {"-sin(a)"}},
    {.name = "cosh", .arity = 1, .derivative = {"sinh(a)"}},
    {.name = "erf", .arity = 1, .derivative = {"1.1283791670955126*exp(-a*a)"}},
    {.name = "erfc", .arity = 1, .derivative = {"-1.1283791670955126*exp(-a*a)"}},
    {.name = "exp", .arity = 1, .derivative = {"y"}},
    {.name = "exp2", .arity = 1, .derivative = {"0.6931471805599453*y"}},
    {.name = "expm1", .arity = 1, .derivative = {"exp(a)"}},
    {.name = "fabs", .arity = 1, .means = "abs(a)"},
    {.name = "floor", .arity = 1},
    {.name = "fmod", .arity = 2, .derivative = {"1", "-trunc(a/b)"}},
    {.name = "fmax", .arity = 2, .means = "max(a,b)"},
    {.name = "fmin", .arity = 2, .means = "min(a,b)"},
    {.name = "hypot", .arity = 2, .derivative = {"a/y", "b/y"}},
    {.name = "isfinite", .arity = 1, .is_condition = true},
    {.name = "isinf", .arity = 1, .is_condition = true},
    {.name = "isnan", .arity = 1, .is_condition = true},
    {.name = "log", .arity = 1, .derivative = {"1/a"}},
    {.name = "log10", .arity = 1, .derivative = {"0.4342944819032518/a"}},
    {.name = "log1p", .arity = 1, .derivative = {"1/(1+a)"}},
    {.name = "log2", .arity = 1, .derivative = {"1.4426950408889634/a"}},
    {.name = "max", .arity = 2, .opencl = "a > b || a != a ? a : b", 
     .derivative = {"a == b ? 0.5 : a < b ? 0 : 1", "a == b ? 0.5 : a > b ? 0 : 1"}},
    {.name = "min", .arity = 2, .opencl = "a < b || a != a ? a : b", 
     .derivative = {"a == b ? 0.5 : a > b ? 0 : 1", "a == b ? 0.5 : a < b ? 0 : 1"}},
    {.name = "pow", .arity = 2, .derivative = {"b == 0 ? 0 : b*pow(a,b-1)", "a == 0 && b >= 0 ? 0 : y*log(a)"}},
    {.name = "relu", .arity = 1, .opencl = "a > 0.0 || a != a ? a : 0.0", .derivative = {"a <= 0 ? 0 : 1"}},
    {.name = "rint", .arity = 1},
    {.name = "round", .arity = 1},
    {.name = "rsqrt", .arity = 1, .derivative = {"-0.5*y/a"}},
    {.name = "sigmoid", .arity = 1, .opencl = "1.0/(1.0+exp(-a))", .derivative = {"y*(1-y)"}},
    {.name = "sign", .arity = 1},
    {.name = "sin", .arity = 1, .derivative = {"cos(a)"}},
    {.name = "sinh", .arity = 1, .derivative = {"cosh(a)"}},
    {.name = "softplus", .arity = 1, .opencl = "fmax(a,0.0)+log1p(exp(-fabs(a)))", .derivative = {"sigmoid(a)"}},
    {.name = "sqrt", .arity = 1, .derivative = {"0.5/y"}},
    {.name = "tan", .arity = 1, .derivative = {"1+y*y"}},
    {.name = "tanh", .arity = 1, .derivative = {"1-y*y"}},
    {.name = "trunc", .arity = 1},
};
/* clang-format on */

const formula_function *clade_formula_function(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        if (!strncmp(functions[i].name, name, length) && !functions[i].name[length])
            return &functions[i];
    return NULL;
}

/* --- derivatives as nodes, of which ZERO is none ------------------------------------------------
 */
#define ZERO (-1)

static int sum(clade_formula *f, int a, int b)
{
    return a == ZERO ? b : b == ZERO ? a : clade_formula_node(f, FORMULA_ADD, a, b, -1);
}

static int negated(clade_formula *f, int a)
{
    return a == ZERO ? ZERO : clade_formula_node(f, FORMULA_NEGATE, a, -1, -1);
}

static int product(clade_formula *f, int a, int b)
{
    return a == ZERO || b == ZERO ? ZERO : clade_formula_node(f, FORMULA_MULTIPLY, a, b, -1);
}

/* (da - y * db) / b, y being a / b. */
static int derive_quotient(clade_formula *f, int y, int b, int da, int db)
{
    int above = sum(f, da, negated(f, product(f, y, db)));
    return above == ZERO ? ZERO : clade_formula_node(f, FORMULA_DIVIDE, above, b, -1);
}

static int derive_call(clade_formula *f, int y, const int *derivative)
{
    const formula_node call = f->nodes[y];
    int total = ZERO;
    for (int k = 0; k < call.function->arity; k++) {
        const char *text = call.function->derivative[k];
        int inner = derivative[call.arg[k]];
        if (text && inner != ZERO)
            total = sum(f, total, product(f, inner, clade_formula_template(f, text, call.arg, y)));
    }
    return total;
}

static int derive_node(clade_formula *f, int i, const int *derivative, int variable)
{
    const formula_node node = f->nodes[i];
    int a = node.arg[0], b = node.arg[1], c = node.arg[2];
    int da = a < 0 ? ZERO : derivative[a], db = b < 0 ? ZERO : derivative[b];
    switch (node.kind) {
    case FORMULA_VARIABLE:
        return node.variable == variable ? clade_formula_number(f, 1) : ZERO;
    case FORMULA_NEGATE:
        return negated(f, da);
    case FORMULA_ADD:
        return sum(f, da, db);
    case FORMULA_SUBTRACT:
        return sum(f, da, negated(f, db));
    case FORMULA_MULTIPLY:
        return sum(f, product(f, da, b), product(f, a, db));
    case FORMULA_DIVIDE:
        return derive_quotient(f, i, b, da, db);
    case FORMULA_CALL:
        return derive_call(f, i, derivative);
    case FORMULA_SELECT:
        if (db == ZERO && derivative[c] == ZERO)
            return ZERO;
        return clade_formula_node(f, FORMULA_SELECT, a, db == ZERO ? 0 : db,
                                  derivative[c] == ZERO ? 0 : derivative[c]);
    default: /* numbers and conditions */
        return ZERO;
    }
}

static clade_formula *copy_of(const clade_formula *from)
{
    clade_formula *f = clade_formula_new();
    if (f && !clade_grow((void **)&f->nodes, &f->capacity, from->count, sizeof *f->nodes))
        clade_formula_free(&f);
    if (!f)
        return NULL;
    memcpy(f->nodes, from->nodes, from->count * sizeof *f->nodes);
    f->count = from->count;
    f->root = from->root;
    return f;
}

clade_status clade_formula_derive(clade_formula **out, const clade_formula *formula, int variable)
{
    *out = NULL;
    clade_formula *f = copy_of(formula);
    int *derivative = clade_calloc(formula->count, sizeof *derivative);
    if (!f || !derivative) {
        clade_formula_free(&f);
        clade_free(derivative);
        return CLADE_ERR_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < formula->count; i++)
        derivative[i] = derive_node(f, (int)i, derivative, variable);
    int root = derivative[formula->root];
    f->root = root == ZERO ? 0 : root; /* node 0 is the number 0 */
    clade_free(derivative);
    clade_status status = f->failed ? clade_last_error()->status : clade_formula_compact(f);
    if (status == CLADE_OK)
        *out = f;
    else
        clade_formula_free(&f);
    return status;
}

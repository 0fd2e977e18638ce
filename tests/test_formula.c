/* Formulas without a device: what they are read as, what is written, and derivatives against
 * differences, by an evaluator of their nodes. */
#include <locale.h>
#include <math.h>

#include "base/alloc.h"
#include "base/formula_nodes.h"
#include "testing.h"

#define NAMES "x y z k"

static clade_formula *parsed(const char *text)
{
    clade_formula *f = NULL;
    ok(clade_formula_parse(&f, text, NAMES, "test"));
    return f;
}

/* --- evaluating --- */

static double call(const char *name, double a, double b)
{
    static const struct {
        const char *name;
        double (*of)(double);
    } one[] = {
        {"abs", fabs},    {"acos", acos},   {"acosh", acosh}, {"asin", asin},   {"asinh", asinh},
        {"atan", atan},   {"atanh", atanh}, {"cbrt", cbrt},   {"ceil", ceil},   {"cos", cos},
        {"cosh", cosh},   {"erf", erf},     {"erfc", erfc},   {"exp", exp},     {"exp2", exp2},
        {"expm1", expm1}, {"floor", floor}, {"log", log},     {"log10", log10}, {"log1p", log1p},
        {"log2", log2},   {"rint", rint},   {"round", round}, {"sin", sin},     {"sinh", sinh},
        {"sqrt", sqrt},   {"tan", tan},     {"tanh", tanh},   {"trunc", trunc}};
    static const struct {
        const char *name;
        double (*of)(double, double);
    } two[] = {{"atan2", atan2}, {"fmod", fmod}, {"hypot", hypot},
               {"max", fmax},    {"min", fmin},  {"pow", pow}};
    for (size_t i = 0; i < sizeof one / sizeof one[0]; i++)
        if (!strcmp(one[i].name, name))
            return one[i].of(a);
    for (size_t i = 0; i < sizeof two / sizeof two[0]; i++)
        if (!strcmp(two[i].name, name))
            return two[i].of(a, b);
    if (!strcmp(name, "relu"))
        return a > 0 ? a : 0;
    if (!strcmp(name, "rsqrt"))
        return 1 / sqrt(a);
    if (!strcmp(name, "sigmoid"))
        return 1 / (1 + exp(-a));
    if (!strcmp(name, "softplus"))
        return log1p(exp(a));
    if (!strcmp(name, "sign"))
        return (a > 0) - (a < 0);
    if (!strcmp(name, "isnan"))
        return isnan(a);
    if (!strcmp(name, "isinf"))
        return isinf(a);
    ck_assert_str_eq(name, "isfinite");
    return isfinite(a);
}

static double evaluate(const clade_formula *f, int i, const double *x)
{
    const formula_node *n = &f->nodes[i];
    double v[FORMULA_ARGS] = {0};
    for (int k = 0; k < FORMULA_ARGS; k++)
        if (n->arg[k] >= 0)
            v[k] = evaluate(f, n->arg[k], x);
    switch (n->kind) {
    case FORMULA_NUMBER:
        return n->number;
    case FORMULA_VARIABLE:
        return x[n->variable];
    case FORMULA_SELECT:
        return v[0] != 0 ? v[1] : v[2];
    case FORMULA_OR:
        return v[0] != 0 || v[1] != 0;
    case FORMULA_AND:
        return v[0] != 0 && v[1] != 0;
    case FORMULA_EQUAL:
        return v[0] == v[1];
    case FORMULA_UNEQUAL:
        return v[0] != v[1];
    case FORMULA_LESS:
        return v[0] < v[1];
    case FORMULA_LESS_EQUAL:
        return v[0] <= v[1];
    case FORMULA_GREATER:
        return v[0] > v[1];
    case FORMULA_GREATER_EQUAL:
        return v[0] >= v[1];
    case FORMULA_ADD:
        return v[0] + v[1];
    case FORMULA_SUBTRACT:
        return v[0] - v[1];
    case FORMULA_MULTIPLY:
        return v[0] * v[1];
    case FORMULA_DIVIDE:
        return v[0] / v[1];
    case FORMULA_NEGATE:
        return -v[0];
    case FORMULA_NOT:
        return v[0] == 0;
    default:
        return call(n->function->name, v[0], v[1]);
    }
}

static double value(const clade_formula *f, double x, double y)
{
    const double at[] = {x, y, 0.75, 1.5};
    return evaluate(f, f->root, at);
}

START_TEST(formulas_have_their_values)
{
    static const struct {
        const char *text;
        double value; /* at x 0.5, y 2, z 0.75, k 1.5 */
    } rows[] = {
        {"1", 1},
        {"x", 0.5},
        {" x+y * z\n", 2},
        {"(x+y)*z", 1.875},
        {"x-y-z", -2.25},
        {"x/y/z", 0.5 / 2 / 0.75},
        {"x/(y/z)", 0.5 / (2 / 0.75)},
        {"-x*y", -1},
        {"- -x", 0.5},
        {"x - -y", 2.5},
        {"+x", 0.5},
        {"7/2", 3.5},
        {".5e1", 5},
        {"2.5E-3", 0.0025},
        {"1e+2", 100},
        {"0.1", 0.1},
        {"123456789012345678", 123456789012345678.0},
        {"x < y", 1},
        {"x > y", 0},
        {"x <= 0.5 && y >= 2", 1},
        {"x == 1 || y != 2", 0},
        {"!x", 0},
        {"!(x > y)", 1},
        {"1 + (x < y)", 2},
        {"x < y < z", 0},
        {"x > y ? 1 : x < y ? 2 : 3", 2},
        {"x ? y : z", 2},
        {"pow(x, y)", 0.25},
        {"clamp(y, x, k)", 1.5},
        {"clamp(-y, x, k)", 0.5},
        {"fmax(x, y) - fmin(x, y)", 1.5},
        {"abs(-3) + fabs(-4)", 7},
        {"log1p(exp(x))", 0.97407698418010668},
        {"1/(1+exp(-x))", 0.62245933120185459},
        {"isnan(x) || isinf(y) ? 1 : isfinite(z)", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        clade_formula *f = parsed(rows[i].text);
        double got = value(f, 0.5, 2);
        ck_assert_msg(fabs(got - rows[i].value) <= 1e-15 * fabs(rows[i].value), "%s is %.17g",
                      rows[i].text, got);
        clade_formula_free(&f);
    }
}
END_TEST

/* --- derivatives --- */

static clade_formula *derived(const clade_formula *f, int variable)
{
    clade_formula *d = NULL;
    ok(clade_formula_derive(&d, f, variable));
    return d;
}

static void check_derivative(const char *text, const clade_formula *f, const clade_formula *d,
                             int variable, int order)
{
    const double h = 1e-5, x = 0.6, y = 1.7;
    double above = variable ? value(f, x, y + h) : value(f, x + h, y);
    double below = variable ? value(f, x, y - h) : value(f, x - h, y);
    double expected = (above - below) / (2 * h), got = value(d, x, y);
    ck_assert_msg(fabs(got - expected) <= 1e-7 * fmax(1, fabs(expected)),
                  "%s, derivative %d by %c: %.12g, not %.12g", text, order, "xy"[variable], got,
                  expected);
}

START_TEST(derivatives_are_right_to_the_third_order)
{
    static const char *const rows[] = {"k",
                                       "x",
                                       "y",
                                       "-x",
                                       "x+y",
                                       "x-y",
                                       "y-x",
                                       "x*y",
                                       "x/y",
                                       "y/x",
                                       "x*x*x",
                                       "1/x",
                                       "x*k/z",
                                       "abs(x-1)*x",
                                       "acos(x)",
                                       "acosh(y)",
                                       "asin(x)",
                                       "asinh(x)",
                                       "atan(x*y)",
                                       "atan2(x,y)",
                                       "atan2(y*x,x)",
                                       "atanh(x)",
                                       "cbrt(x*y)",
                                       "ceil(x)*x",
                                       "clamp(x,0,2)*x",
                                       "clamp(x,0,0.5)*x",
                                       "cos(x*y)",
                                       "cosh(x)",
                                       "erf(x*y)",
                                       "erfc(x)",
                                       "exp(-x*y)",
                                       "exp2(x)",
                                       "expm1(x)",
                                       "floor(y)*x",
                                       "fmod(y*x,0.3)*x",
                                       "fmod(3.1,x)*x",
                                       "hypot(x,y)",
                                       "log(x*y)",
                                       "log10(x)",
                                       "log1p(x)",
                                       "log2(x)",
                                       "max(x,y)*x",
                                       "min(x,y)*x",
                                       "max(y,x*x)",
                                       "pow(x,y)",
                                       "pow(x,2)",
                                       "pow(x,3.5)",
                                       "pow(y,x)",
                                       "relu(x)*x",
                                       "relu(-x)*x",
                                       "rint(x)*x",
                                       "round(x)*x",
                                       "rsqrt(x)",
                                       "sigmoid(x*y)",
                                       "sign(x)*x",
                                       "sin(x)*cos(y)",
                                       "sinh(x)",
                                       "softplus(x*y)",
                                       "sqrt(x*y)",
                                       "tan(x)",
                                       "tanh(x*y)",
                                       "trunc(y)*x",
                                       "x > y ? x*x : y*x*x",
                                       "x*tanh(log1p(exp(x)))",
                                       "(x < y)*x*x",
                                       "0.5*x*(1+erf(x*0.7071067811865476))",
                                       "x/(1+exp(-x))",
                                       "isnan(x) ? x : x*x",
                                       "!x ? y : x*y*y"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        clade_formula *f = parsed(rows[i]);
        for (int order = 1; order <= 3; order++) {
            for (int variable = 0; variable < 2; variable++) {
                clade_formula *d = derived(f, variable);
                check_derivative(rows[i], f, d, variable, order);
                clade_formula_free(&d);
            }
            clade_formula *next = derived(f, order % 2);
            clade_formula_free(&f);
            f = next;
        }
        clade_formula_free(&f);
    }
}
END_TEST

/* --- writing --- */

static void writes(clade_formula *f, const char *expected)
{
    char *text = NULL;
    ok(clade_formula_write(&text, f, 2, 2));
    ck_assert_str_eq(text, expected);
    clade_free(text);
}

START_TEST(formulas_are_written_as_opencl)
{
    static const struct {
        const char *text, *written, *derivative; /* y is an integer; z and k are p0 and p1 */
    } rows[] = {
        {"x", "a", "1.0"},
        {"k", "p1", "0.0"},
        {"2", "2.0", "0.0"},
        {"x*x", "a*a", "a+a"},
        {"x*z", "a*p0", "p0"},
        {"x*y", "a*((T)b)", "((T)b)"},
        {"x+(y+z)", "a+(((T)b)+p0)", "1.0"},
        {"x-(z-k)", "a-(p0-p1)", "1.0"},
        {"(x-z)-k", "a-p0-p1", "1.0"},
        {"x*-z", "-a*p0", "-p0"},
        {"-x-1", "-a-1.0", "(-1.0)"},
        {"x/(z/k)", "a/(p0/p1)", "1.0/(p0/p1)"},
        {"x-0.1", "a-0.1", "1.0"},
        {"x*1e30", "a*1.0e+30", "1.0e+30"},
        {"1/3+x", "0.3333333333333333+a", "1.0"},
        {"x*(x>0)", "a*(a>0.0 ? 1.0 : 0.0)", "(a>0.0 ? 1.0 : 0.0)"},
        {"x && z ? x : 0", "(a != 0.0)&&(p0 != 0.0) ? a : 0.0",
         "(a != 0.0)&&(p0 != 0.0) ? 1.0 : 0.0"},
        {"!(x<z)", "(!(a<p0) ? 1.0 : 0.0)", "0.0"},
        {"pow(x,2)", "pow(a,2.0)", "2.0*a"},
        {"exp(x)", "exp(a)", "exp(a)"},
        {"abs(x)", "(fabs(a))", "a>0.0 ? 1.0 : a<0.0 ? (-1.0) : 0.0"},
        {"sigmoid(x+z)", "(1.0/(1.0+exp(-(a+p0))))",
         "(1.0/(1.0+exp(-(a+p0))))*(1.0-(1.0/(1.0+exp(-(a+p0)))))"},
        {"1/0*x", "INFINITY*a", "INFINITY"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        clade_formula *f = parsed(rows[i].text), *d = derived(f, 0);
        writes(f, rows[i].written);
        writes(d, rows[i].derivative);
        clade_formula_free(&f);
        clade_formula_free(&d);
    }
}
END_TEST

/* Skips where the machine has no locale with a decimal comma. */
START_TEST(a_locale_changes_nothing)
{
    static const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8"};
    for (size_t i = 0; i < sizeof locales / sizeof locales[0]; i++)
        if (setlocale(LC_NUMERIC, locales[i]))
            break;
    clade_formula *f = parsed("x+2.5e-1");
    writes(f, "a+0.25");
    setlocale(LC_NUMERIC, "C");
    clade_formula_free(&f);
}
END_TEST

/* --- errors --- */

START_TEST(what_is_no_formula_is_refused_with_the_column)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "test: column 1: unexpected end in \"\""},
        {"x+", "column 3: unexpected end"},
        {"x*foo(x)", "column 3: no function is called foo in \"x*foo(x)\""},
        {"x*w", "column 3: no variable is called w"},
        {"x y", "column 3: unexpected y"},
        {"x^2", "column 2: unexpected ^"},
        {"x%2", "column 2: unexpected %"},
        {"(x", "column 3: unexpected end"},
        {"x)", "column 2: unexpected )"},
        {"pow(x)", "column 1: the wrong number of arguments to pow"},
        {"exp(x,y)", "column 1: the wrong number of arguments to exp"},
        {"exp()", "column 5: unexpected )"},
        {"pow(x,y", "column 8: unexpected end"},
        {"x ? y", "column 6: unexpected end"},
        {"1.2.3", "column 4: unexpected ."},
        {"1e", "column 3: unexpected end"},
        {"2x", "column 2: unexpected x"},
        {"1.0f", "column 4: unexpected f"},
        {".", "column 2: unexpected end"},
        {"x; x", "column 2: unexpected ;"},
        {"x = 2", "column 3: unexpected ="},
        {"exp", "no variable is called exp"},
    };
    clade_formula *f;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        fails(clade_formula_parse(&f, rows[i].text, NAMES, "test"), CLADE_ERR_ARGUMENT,
              rows[i].message);
    fails(clade_formula_parse(&f, "x", "x y x", "test"), CLADE_ERR_ARGUMENT, "twice");
    fails(clade_formula_parse(&f, "x", "x,y", "test"), CLADE_ERR_ARGUMENT, "no list of names");
    fails(clade_formula_parse(&f, "x", "a b c d e f g h i j k l m n o p x", "test"),
          CLADE_ERR_ARGUMENT, "more than 16 variables");
}
END_TEST

START_TEST(sizes_have_bounds)
{
    char text[5000];
    clade_formula *f, *d;
    memset(text, '(', 3000);
    text[3000] = '\0';
    fails(clade_formula_parse(&f, text, NAMES, "test"), CLADE_ERR_ARGUMENT, "nested too deeply");
    memset(text, '-', 3000);
    fails(clade_formula_parse(&f, text, NAMES, "test"), CLADE_ERR_ARGUMENT, "nested too deeply");
    for (int i = 0; i < 1000; i++)
        memcpy(text + 3 * i, "x?x:", 5);
    fails(clade_formula_parse(&f, text, NAMES, "test"), CLADE_ERR_ARGUMENT, "column");
    memset(text, '1', 4000);
    text[4000] = '\0';
    fails(clade_formula_parse(&f, text, NAMES, "test"), CLADE_ERR_ARGUMENT, "too many digits");
    memset(text, ' ', 4999);
    text[4999] = '\0';
    fails(clade_formula_parse(&f, text, NAMES, "test"), CLADE_ERR_ARGUMENT, "longer than 4096");

    f = parsed("exp(x*sin(x)*tanh(x))/(1+x*x)");
    clade_status status = CLADE_OK;
    for (int order = 1; order < 40 && status == CLADE_OK; order++) {
        char *written = NULL;
        status = clade_formula_derive(&d, f, 0);
        clade_formula_free(&f);
        f = d;
        if (status == CLADE_OK)
            status = clade_formula_write(&written, f, 1, 0);
        clade_free(written);
    }
    ck_assert_int_eq(status, CLADE_ERR_UNSUPPORTED);
    clade_formula_free(&f);
}
END_TEST

START_TEST(memory_may_run_out_anywhere)
{
    for (long n = 1;; n++) {
        clade_formula *f = NULL, *d = NULL;
        char *text = NULL;
        clade_alloc_fail_after(n);
        clade_status status = clade_formula_parse(&f, "x*tanh(softplus(x))", NAMES, "test");
        if (status == CLADE_OK)
            status = clade_formula_derive(&d, f, 0);
        if (status == CLADE_OK)
            status = clade_formula_write(&text, d, 4, 0);
        clade_alloc_fail_after(0);
        clade_formula_free(&f);
        clade_formula_free(&d);
        clade_free(text);
        if (status == CLADE_OK) {
            ck_assert_int_gt(n, 5);
            break;
        }
        ck_assert_int_eq(status, CLADE_ERR_OUT_OF_MEMORY);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        formulas_have_their_values,
        derivatives_are_right_to_the_third_order,
        formulas_are_written_as_opencl,
        a_locale_changes_nothing,
        what_is_no_formula_is_refused_with_the_column,
        sizes_have_bounds,
        memory_may_run_out_anywhere,
    };
    return run_tests("formula", tests, sizeof tests / sizeof tests[0], NULL, NULL);
}

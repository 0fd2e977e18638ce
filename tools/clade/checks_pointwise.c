/* Pointwise ops, comparisons, casts and transfers. */
#include <math.h>

#include "selftest.h"

enum { ROWS = 17, COLS = 59, N = ROWS * COLS };

#define TOLERANCE 1e-5

static double neg(double x)
{
    return -x;
}
static double square(double x)
{
    return x * x;
}
static double relu(double x)
{
    return x > 0 ? x : 0;
}
static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}
static double gelu(double x)
{
    return x / 2 * (1 + erf(x / sqrt(2)));
}
static double silu(double x)
{
    return x * sigmoid(x);
}
static double softplus(double x)
{
    return log1p(exp(x));
}

void check_transfer(check *c)
{
    double values[N];
    check_random(c, values, N, 0, 255);
    for (int i = 0; i < N; i++)
        values[i] = floor(values[i]);
    static const clade_dtype dtypes[] = {CLADE_F32, CLADE_I32, CLADE_U8, CLADE_F64};
    int count = clade_context_device(c->ctx)->has_f64 ? 4 : 3;
    for (int i = 0; i < count; i++)
        check_values(c, clade_dtype_name(dtypes[i]),
                     check_input(c, dtypes[i], CLADE_SHAPE(N), values), values, N, 0);
}

void check_pointwise_unary(check *c)
{
    static const struct {
        const char *name;
        clade_tensor *(*device)(clade_tensor *);
        double (*host)(double);
        double low, high;
    } ops[] = {
        {"neg", clade_neg, neg, -4, 4},    {"abs", clade_abs, fabs, -4, 4},
        {"exp", clade_exp, exp, -8, 4},    {"log", clade_log, log, 0.01, 9},
        {"sqrt", clade_sqrt, sqrt, 0, 9},  {"square", clade_square, square, -4, 4},
        {"relu", clade_relu, relu, -4, 4}, {"sigmoid", clade_sigmoid, sigmoid, -8, 8},
        {"tanh", clade_tanh, tanh, -4, 4}, {"gelu", clade_gelu, gelu, -4, 4},
        {"silu", clade_silu, silu, -8, 8}, {"softplus", clade_softplus, softplus, -8, 8},
    };
    for (size_t k = 0; k < sizeof ops / sizeof ops[0]; k++) {
        double x[N], want[N];
        check_random(c, x, N, ops[k].low, ops[k].high);
        for (int i = 0; i < N; i++)
            want[i] = ops[k].host(x[i]);
        check_values(c, ops[k].name, ops[k].device(check_input(c, CLADE_F32, CLADE_SHAPE(N), x)),
                     want, N, TOLERANCE);
    }
}

static double add(double a, double b)
{
    return a + b;
}
static double sub(double a, double b)
{
    return a - b;
}
static double mul(double a, double b)
{
    return a * b;
}
static double divide(double a, double b)
{
    return a / b;
}

/* [ROWS, COLS] with itself, and [ROWS, 1] broadcast against [COLS]. */
void check_pointwise_binary(check *c)
{
    static const struct {
        const char *name;
        clade_tensor *(*device)(clade_tensor *, clade_tensor *);
        double (*host)(double, double);
    } ops[] = {
        {"add", clade_add, add},          {"sub", clade_sub, sub}, {"mul", clade_mul, mul},
        {"div", clade_div, divide},       {"pow", clade_pow, pow}, {"maximum", clade_maximum, fmax},
        {"minimum", clade_minimum, fmin},
    };
    for (size_t k = 0; k < sizeof ops / sizeof ops[0]; k++) {
        double a[N], b[N], same[N], broadcast[N];
        check_random(c, a, N, 0.5, 3);
        check_random(c, b, N, 0.5, 3);
        for (int i = 0; i < N; i++) {
            same[i] = ops[k].host(a[i], b[i]);
            broadcast[i] = ops[k].host(a[i / COLS], b[i % COLS]);
        }
        clade_tensor *x = check_input(c, CLADE_F32, CLADE_SHAPE(ROWS, COLS), a);
        clade_tensor *y = check_input(c, CLADE_F32, CLADE_SHAPE(ROWS, COLS), b);
        check_values(c, ops[k].name, ops[k].device(x, y), same, N, TOLERANCE);
        x = check_input(c, CLADE_F32, CLADE_SHAPE(ROWS, 1), a);
        y = check_input(c, CLADE_F32, CLADE_SHAPE(COLS), b);
        check_values(c, ops[k].name, ops[k].device(x, y), broadcast, N, TOLERANCE);
    }
}

void check_pointwise_scalar(check *c)
{
    double x[N], plus[N], times[N], power[N], clamped[N], leaky[N], whole[N];
    check_random(c, x, N, 0.25, 4);
    for (int i = 0; i < N; i += 2)
        x[i] = -x[i];
    for (int i = 0; i < N; i++) {
        plus[i] = x[i] + 1.5;
        times[i] = x[i] * -2.5;
        power[i] = x[i] * x[i] * x[i];
        clamped[i] = fmin(fmax(x[i], -1), 2);
        leaky[i] = x[i] > 0 ? x[i] : 0.125 * x[i];
        whole[i] = trunc(x[i]);
    }
    clade_tensor *t = check_input(c, CLADE_F32, CLADE_SHAPE(N), x);
    check_values(c, "add_scalar", clade_add_scalar(t, 1.5), plus, N, TOLERANCE);
    check_values(c, "mul_scalar", clade_mul_scalar(t, -2.5), times, N, TOLERANCE);
    check_values(c, "pow_scalar", clade_pow_scalar(t, 3), power, N, TOLERANCE);
    check_values(c, "clamp", clade_clamp(t, -1, 2), clamped, N, TOLERANCE);
    check_values(c, "leaky_relu", clade_leaky_relu(t, 0.125), leaky, N, TOLERANCE);
    check_values(c, "cast", clade_cast(t, CLADE_I32), whole, N, 0);
}

void check_compare(check *c)
{
    double a[N], b[N], want[7][N];
    check_random(c, a, N, 0, 3);
    check_random(c, b, N, 0, 3);
    for (int i = 0; i < N; i++) {
        a[i] = floor(a[i]);
        b[i] = floor(b[i]);
        want[0][i] = a[i] == b[i];
        want[1][i] = a[i] != b[i];
        want[2][i] = a[i] < b[i];
        want[3][i] = a[i] <= b[i];
        want[4][i] = a[i] > b[i];
        want[5][i] = a[i] >= b[i];
        want[6][i] = a[i] < b[i] ? a[i] + b[i] : a[i];
    }
    clade_tensor *x = check_input(c, CLADE_F32, CLADE_SHAPE(N), a);
    clade_tensor *y = check_input(c, CLADE_F32, CLADE_SHAPE(N), b);
    check_values(c, "eq", clade_eq(x, y), want[0], N, 0);
    check_values(c, "ne", clade_ne(x, y), want[1], N, 0);
    check_values(c, "lt", clade_lt(x, y), want[2], N, 0);
    check_values(c, "le", clade_le(x, y), want[3], N, 0);
    check_values(c, "gt", clade_gt(x, y), want[4], N, 0);
    check_values(c, "ge", clade_ge(x, y), want[5], N, 0);
    check_values(c, "where", clade_where(clade_lt(x, y), clade_add(x, y), x), want[6], N, 0);
}

/* Pointwise operations: element by element, in any mixture that a clade_step fuses. What ops.h says
 * of all operations holds here.
 */
#ifndef CLADE_POINTWISE_H
#define CLADE_POINTWISE_H

#include <clade/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- two inputs, broadcast ------------------------------------------------------------------ */
/* Any dtype, unless stated otherwise. */
CLADE_API clade_tensor *clade_add(clade_tensor *a, clade_tensor *b);     /* a + b */
CLADE_API clade_tensor *clade_sub(clade_tensor *a, clade_tensor *b);     /* a - b */
CLADE_API clade_tensor *clade_mul(clade_tensor *a, clade_tensor *b);     /* a * b */
CLADE_API clade_tensor *clade_div(clade_tensor *a, clade_tensor *b);     /* a / b; floats only */
CLADE_API clade_tensor *clade_pow(clade_tensor *a, clade_tensor *b);     /* a ^ b; floats only */
CLADE_API clade_tensor *clade_maximum(clade_tensor *a, clade_tensor *b); /* NaN if one is NaN; the
                                                   gradient is halved between equal inputs */
CLADE_API clade_tensor *clade_minimum(clade_tensor *a, clade_tensor *b); /* likewise */

/* Comparisons: u8, 1 where it holds and else 0; no gradient. */
CLADE_API clade_tensor *clade_eq(clade_tensor *a, clade_tensor *b);
CLADE_API clade_tensor *clade_ne(clade_tensor *a, clade_tensor *b);
CLADE_API clade_tensor *clade_lt(clade_tensor *a, clade_tensor *b);
CLADE_API clade_tensor *clade_le(clade_tensor *a, clade_tensor *b);
CLADE_API clade_tensor *clade_gt(clade_tensor *a, clade_tensor *b);
CLADE_API clade_tensor *clade_ge(clade_tensor *a, clade_tensor *b);

/* Of two truths, which are values other than 0: u8, as comparisons. */
CLADE_API clade_tensor *clade_logical_and(clade_tensor *a, clade_tensor *b);
CLADE_API clade_tensor *clade_logical_or(clade_tensor *a, clade_tensor *b);
CLADE_API clade_tensor *clade_logical_xor(clade_tensor *a, clade_tensor *b);
CLADE_API clade_tensor *clade_logical_not(clade_tensor *x); /* of one */

/* Floats only. */
CLADE_API clade_tensor *clade_atan2(clade_tensor *y,
                                    clade_tensor *x); /* angle of the point (x, y) */
CLADE_API clade_tensor *clade_hypot(clade_tensor *a, clade_tensor *b); /* sqrt(a^2 + b^2) */
CLADE_API clade_tensor *clade_fmod(clade_tensor *a, clade_tensor *b);  /* of a's sign, as C's */
CLADE_API clade_tensor *clade_remainder(clade_tensor *a,
                                        clade_tensor *b); /* of b's sign, Python's %
                                                           */

/* --- three inputs, broadcast ---------------------------------------------------------------- */
/* condition ? a : b; condition is u8, all three broadcast. */
CLADE_API clade_tensor *clade_where(clade_tensor *condition, clade_tensor *a, clade_tensor *b);

/* mask ? value : x; mask is u8, both broadcast; x of any dtype. */
CLADE_API clade_tensor *clade_masked_fill(clade_tensor *x, clade_tensor *mask, double value);
/* a + weight * (b - a); floats. */
CLADE_API clade_tensor *clade_lerp(clade_tensor *a, clade_tensor *b, clade_tensor *weight);
/* x + value * a * b, and x + value * a / b; floats. */
CLADE_API clade_tensor *clade_addcmul(clade_tensor *x, clade_tensor *a, clade_tensor *b,
                                      double value);
CLADE_API clade_tensor *clade_addcdiv(clade_tensor *x, clade_tensor *a, clade_tensor *b,
                                      double value);

/* --- one input and constants ----------------------------------------------------------------- */
CLADE_API clade_tensor *clade_add_scalar(clade_tensor *x, double value); /* x + value; any dtype */
CLADE_API clade_tensor *clade_mul_scalar(clade_tensor *x, double value); /* x * value; any dtype */
CLADE_API clade_tensor *clade_pow_scalar(clade_tensor *x, double value); /* x ^ value; floats */
/* min(max(x, low), high); NaN stays NaN; gradient 1 where low <= x <= high. Any dtype. */
CLADE_API clade_tensor *clade_clamp(clade_tensor *x, double low, double high);
/* x > 0 ? x : slope * x; floats. */
CLADE_API clade_tensor *clade_leaky_relu(clade_tensor *x, double slope);

/* x > 0 ? x : alpha * (e^x - 1); floats. PyTorch's alpha is 1. */
CLADE_API clade_tensor *clade_elu(clade_tensor *x, double alpha);
/* x > 0 ? x : alpha * (e^(x/alpha) - 1); floats. PyTorch's alpha is 1. */
CLADE_API clade_tensor *clade_celu(clade_tensor *x, double alpha);
/* x clipped to low..high, which are -1 and 1 in PyTorch; floats. Unlike clamp's, the gradient is 0
 * at the ends. */
CLADE_API clade_tensor *clade_hardtanh(clade_tensor *x, double low, double high);

/* --- one input; floats only but for neg, abs, square and sign -------------------------------- */
CLADE_API clade_tensor *clade_neg(clade_tensor *x);      /* -x */
CLADE_API clade_tensor *clade_abs(clade_tensor *x);      /* |x|; gradient 0 at 0 */
CLADE_API clade_tensor *clade_exp(clade_tensor *x);      /* e^x */
CLADE_API clade_tensor *clade_log(clade_tensor *x);      /* natural logarithm */
CLADE_API clade_tensor *clade_sqrt(clade_tensor *x);     /* square root */
CLADE_API clade_tensor *clade_square(clade_tensor *x);   /* x * x */
CLADE_API clade_tensor *clade_relu(clade_tensor *x);     /* max(x, 0); NaN stays; gradient 0 at 0 */
CLADE_API clade_tensor *clade_sigmoid(clade_tensor *x);  /* 1 / (1 + e^-x) */
CLADE_API clade_tensor *clade_tanh(clade_tensor *x);     /* hyperbolic tangent */
CLADE_API clade_tensor *clade_gelu(clade_tensor *x);     /* x/2 * (1 + erf(x / sqrt 2)) */
CLADE_API clade_tensor *clade_silu(clade_tensor *x);     /* x * sigmoid(x) */
CLADE_API clade_tensor *clade_softplus(clade_tensor *x); /* log(1 + e^x), without overflow */

CLADE_API clade_tensor *clade_sin(clade_tensor *x);
CLADE_API clade_tensor *clade_cos(clade_tensor *x);
CLADE_API clade_tensor *clade_tan(clade_tensor *x);
CLADE_API clade_tensor *clade_asin(clade_tensor *x);
CLADE_API clade_tensor *clade_acos(clade_tensor *x);
CLADE_API clade_tensor *clade_atan(clade_tensor *x);
CLADE_API clade_tensor *clade_sinh(clade_tensor *x);
CLADE_API clade_tensor *clade_cosh(clade_tensor *x);
CLADE_API clade_tensor *clade_erf(clade_tensor *x);   /* error function */
CLADE_API clade_tensor *clade_erfc(clade_tensor *x);  /* 1 - erf(x) */
CLADE_API clade_tensor *clade_exp2(clade_tensor *x);  /* 2^x */
CLADE_API clade_tensor *clade_expm1(clade_tensor *x); /* e^x - 1, exact near 0 */
CLADE_API clade_tensor *clade_log2(clade_tensor *x);
CLADE_API clade_tensor *clade_log10(clade_tensor *x);
CLADE_API clade_tensor *clade_log1p(clade_tensor *x);      /* log(1 + x), exact near 0 */
CLADE_API clade_tensor *clade_rsqrt(clade_tensor *x);      /* 1 / sqrt(x) */
CLADE_API clade_tensor *clade_reciprocal(clade_tensor *x); /* 1 / x */
/* Steps: their gradient is 0. */
CLADE_API clade_tensor *clade_sign(clade_tensor *x); /* -1, 0 or 1; 0 for NaN. Any dtype */
CLADE_API clade_tensor *clade_floor(clade_tensor *x);
CLADE_API clade_tensor *clade_ceil(clade_tensor *x);
CLADE_API clade_tensor *clade_round(clade_tensor *x); /* halves to the even neighbour */
CLADE_API clade_tensor *clade_trunc(clade_tensor *x); /* towards 0 */
/* u8: 1 or 0. */
CLADE_API clade_tensor *clade_isnan(clade_tensor *x);
CLADE_API clade_tensor *clade_isinf(clade_tensor *x);
CLADE_API clade_tensor *clade_isfinite(clade_tensor *x);
/* Activations; see also relu, sigmoid, tanh, gelu, silu and softplus above. */
CLADE_API clade_tensor *clade_gelu_tanh(clade_tensor *x);   /* gelu's approximation: x/2 * (1 +
                                                   tanh(sqrt(2/pi) * (x + 0.044715 x^3))) */
CLADE_API clade_tensor *clade_selu(clade_tensor *x);        /* 1.0507... * elu(x, 1.6732...) */
CLADE_API clade_tensor *clade_mish(clade_tensor *x);        /* x * tanh(softplus(x)) */
CLADE_API clade_tensor *clade_softsign(clade_tensor *x);    /* x / (1 + |x|) */
CLADE_API clade_tensor *clade_logsigmoid(clade_tensor *x);  /* log(sigmoid(x)) */
CLADE_API clade_tensor *clade_hardsigmoid(clade_tensor *x); /* (x + 3) / 6 within 0..1 */
CLADE_API clade_tensor *clade_hardswish(clade_tensor *x);   /* x * hardsigmoid(x) */

/* --- a formula of your own -------------------------------------------------------- */
/* A formula over inputs that broadcast, computed by one kernel; the gradients are derived from it,
 * and theirs in turn.
 *
 *     clade_tensor *y = clade_pointwise("x * tanh(softplus(x))", "x", &x, 1, NULL, 0);
 *     clade_tensor *in[] = {x, w};
 *     double k[] = {0.5};
 *     clade_tensor *z = clade_pointwise("x > k ? w*x : 0", "x w k", in, 2, k, 1);
 *
 * names: of the inputs (1 to 8), then of the constants (at most 4), with spaces in between. A
 * changed constant does not compile a new kernel, a changed number in the formula does. The floats
 * among the inputs, at least one, agree in dtype, which is the result's; i32 and u8 inputs count as
 * numbers without gradient.
 *
 * Formulas are written as in C, and everything is a real number (7/2 is 3.5): numbers, names,
 * (), + - * /, < <= > >= == != (1 or 0), && || !, condition ? a : b, and the functions abs acos
 * acosh asin asinh atan atan2 atanh cbrt ceil clamp(x, low, high) cos cosh erf erfc exp exp2 expm1
 * floor fmod hypot isfinite isinf isnan log log10 log1p log2 max min pow relu rint round rsqrt
 * sigmoid sign sin sinh softplus sqrt tan tanh trunc. Derivatives follow the rules of calculus: of
 * a step (floor, sign, a comparison) 0; of a condition ? a : b that of the branch taken; of max and
 * min shared between equals; of abs and relu 0 at 0. They may overflow where a part of the formula
 * does: write softplus(x), not log(1 + exp(x)).
 *
 * Errors: CLADE_ERR_ARGUMENT with the column for what is no such formula; CLADE_ERR_UNSUPPORTED for
 * a derivative that grows beyond 64 KiB of text. */
CLADE_API clade_tensor *clade_pointwise(const char *expression, const char *names,
                                        clade_tensor *const *inputs, int count,
                                        const double *constants, int constant_count);

#ifdef __cplusplus
}
#endif
#endif

/* 16-bit floats on the host: all 65,536 of each kind against their definition, and f32 rounded to
 * them against arithmetic in double. */
#include <math.h>
#include <stdint.h>

#include <clade/precision.h>

#include "testing.h"

/* A format: 16 - 1 - mantissa bits of exponent. */
typedef struct format {
    const char *name;
    clade_dtype dtype;
    int mantissa, bias;
    float (*decode)(uint16_t bits);
    uint16_t (*encode)(float value);
} format;

static const format formats[] = {
    {"f16", CLADE_F16, 10, 15, clade_f16_to_f32, clade_f16_from_f32},
    {"bf16", CLADE_BF16, 7, 127, clade_bf16_to_f32, clade_bf16_from_f32},
};

#define FORMATS ((int)(sizeof formats / sizeof formats[0]))

static int exponent_of(const format *f, unsigned bits)
{
    return (int)((bits & 0x7fff) >> f->mantissa);
}

static bool is_nan(const format *f, unsigned bits)
{
    return exponent_of(f, bits) == 2 * f->bias + 1 && (bits & ((1u << f->mantissa) - 1));
}

static double value_of(const format *f, unsigned bits)
{
    int exponent = exponent_of(f, bits), fraction = (int)(bits & ((1u << f->mantissa) - 1));
    double sign = bits & 0x8000 ? -1 : 1;
    if (exponent == 2 * f->bias + 1)
        return fraction ? NAN : sign * INFINITY;
    if (exponent == 0)
        return sign * ldexp(fraction, 1 - f->bias - f->mantissa);
    return sign * ldexp(fraction + (1 << f->mantissa), exponent - f->bias - f->mantissa);
}

static void check_all_numbers(const format *f)
{
    for (unsigned bits = 0; bits < 1u << 16; bits++) {
        float got = f->decode((uint16_t)bits);
        double expected = value_of(f, bits);
        if (is_nan(f, bits)) {
            unsigned quiet = bits | 1u << (f->mantissa - 1);
            ck_assert_msg(isnan(got), "%s %04x is not NaN", f->name, bits);
            ck_assert_msg(f->encode(got) == quiet, "%s %04x comes back as %04x", f->name, bits,
                          f->encode(got));
            continue;
        }
        ck_assert_msg(got == (float)expected && !signbit(got) == !signbit(expected),
                      "%s %04x is %.9g, not %.9g", f->name, bits, (double)got, expected);
        ck_assert_msg(f->encode(got) == bits, "%s %04x comes back as %04x", f->name, bits,
                      f->encode(got));
        ck_assert(clade_dtype_get(f->dtype, (uint16_t[]){7, (uint16_t)bits}, 1) == expected);
    }
}

START_TEST(every_number_decodes_and_comes_back)
{
    for (int i = 0; i < FORMATS; i++)
        check_all_numbers(&formats[i]);
}
END_TEST

/* x rounded to the format, ties to even. */
static double nearest(const format *f, double x)
{
    int exponent;
    (void)frexp(x, &exponent);
    int least = 2 - f->bias;
    double step = ldexp(1, (exponent < least ? least : exponent) - 1 - f->mantissa);
    double y = rint(x / step) * step, limit = ldexp(1, f->bias + 1);
    return fabs(y) >= limit ? copysign(INFINITY, x) : y;
}

static void check_encode(const format *f, uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    uint16_t got = f->encode(x);
    double expected = isfinite(x) ? nearest(f, (double)x) : (double)x;
    if (isnan(x))
        ck_assert_msg(is_nan(f, got) && !signbit(x) == !(got & 0x8000),
                      "%s of the NaN %08x is %04x", f->name, (unsigned)bits, got);
    else
        ck_assert_msg(value_of(f, got) == expected && !signbit(x) == !(got & 0x8000),
                      "%s of %.9g (%08x) is %04x, which is %.9g, not %.9g", f->name, (double)x,
                      (unsigned)bits, got, value_of(f, got), expected);
}

/* Every number, both its neighbours' halfway points, and one step beside each. */
static void check_halfway_points(const format *f)
{
    for (unsigned bits = 0; bits < 1u << 15; bits++) {
        uint32_t here, there;
        float a = f->decode((uint16_t)bits), b = f->decode((uint16_t)(bits + 1));
        memcpy(&here, &a, sizeof here);
        memcpy(&there, &b, sizeof there);
        uint32_t middle = here + (there - here) / 2;
        float halfway = (float)(((double)a + (double)b) / 2);
        if (isfinite(halfway))
            memcpy(&middle, &halfway, sizeof middle);
        for (uint32_t step = 0; step < 3; step++) {
            check_encode(f, middle + step - 1);
            check_encode(f, (middle + step - 1) | 0x80000000);
            check_encode(f, here + step);
        }
    }
}

START_TEST(rounding_is_to_nearest_even)
{
    for (int i = 0; i < FORMATS; i++)
        check_halfway_points(&formats[i]);
}
END_TEST

START_TEST(a_sweep_over_f32)
{
    for (int i = 0; i < FORMATS; i++)
        for (uint64_t bits = 0; bits < UINT64_C(1) << 32; bits += 2521)
            check_encode(&formats[i], (uint32_t)bits);
}
END_TEST

START_TEST(elements_of_every_dtype)
{
    static const struct {
        clade_dtype dtype;
        double value, expected;
    } rows[] = {
        {CLADE_F32, 0.1, 0.1f},
        {CLADE_F64, 0.1, 0.1},
        {CLADE_I32, -7.9, -7},
        {CLADE_U8, 200.5, 200},
        {CLADE_F16, 0.1, 0.0999755859375},
        {CLADE_F16, 1e6, INFINITY},
        {CLADE_BF16, 0.1, 0.10009765625},
        {CLADE_BF16, -1e-40, -0x1p-133},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double memory[3] = {0};
        clade_dtype_set(rows[i].dtype, memory, 2, rows[i].value);
        double got = clade_dtype_get(rows[i].dtype, memory, 2);
        ck_assert_msg(
            got == rows[i].expected || fabs(got - rows[i].expected) < 1e-4 * fabs(rows[i].expected),
            "%s: %.17g, not %.17g", clade_dtype_name(rows[i].dtype), got, rows[i].expected);
        ck_assert(clade_dtype_get(rows[i].dtype, memory, 1) == 0);
    }
}
END_TEST

static void nothing(void)
{
}

int main(void)
{
    const TTest *const tests[] = {every_number_decodes_and_comes_back, rounding_is_to_nearest_even,
                                  a_sweep_over_f32, elements_of_every_dtype};
    return run_tests("half", tests, sizeof tests / sizeof *tests, nothing, nothing);
}

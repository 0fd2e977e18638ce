#include <clade/precision.h>

#include <string.h>

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#define F32_INFINITY 0x7f800000u
#define QUIET        0x00400000u

/* How far f16's exponent is from f32's, and the bits of f32 that f16 has no room for. */
#define F16_REBIAS (112u << 23)
#define F16_SHIFT  13

/* Drops `shift` bits, to nearest even. */
static uint32_t round_off(uint32_t bits, int shift)
{
    return (bits + (1u << (shift - 1)) - 1 + ((bits >> shift) & 1)) >> shift;
}

uint16_t clade_f16_from_f32(float value)
{
    uint32_t bits = bits_of(value), sign = (bits >> 16) & 0x8000, size = bits & 0x7fffffff;
    if (size > F32_INFINITY)
        return (uint16_t)(sign | 0x7c00 | (((size | QUIET) >> F16_SHIFT) & 0x3ff));
    if (size >= bits_of(65520))
        return (uint16_t)(sign | 0x7c00);
    if (size >= F16_REBIAS + (1u << 23))
        return (uint16_t)(sign | round_off(size - F16_REBIAS, F16_SHIFT));
    /* Subnormal: at 0.5 the steps of f32 are those of f16's subnormals, and the sum rounds. */
    return (uint16_t)(sign | (bits_of(float_of(size) + 0.5f) - bits_of(0.5f)));
}

float clade_f16_to_f32(uint16_t bits)
{
    uint32_t sign = (uint32_t)(bits & 0x8000) << 16, size = bits & 0x7fff;
    if (size < 0x400)
        return float_of(sign | bits_of((float)size * 0x1p-24f));
    uint32_t wide = (size << F16_SHIFT) + F16_REBIAS;
    return float_of(sign | (size >= 0x7c00 ? wide + F16_REBIAS : wide));
}

uint16_t clade_bf16_from_f32(float value)
{
    uint32_t bits = bits_of(value);
    if ((bits & 0x7fffffff) > F32_INFINITY)
        return (uint16_t)((bits | QUIET) >> 16);
    return (uint16_t)round_off(bits, 16);
}

float clade_bf16_to_f32(uint16_t bits)
{
    return float_of((uint32_t)bits << 16);
}

double clade_dtype_get(clade_dtype dtype, const void *array, size_t i)
{
    switch (dtype) {
    case CLADE_F32:
        return ((const float *)array)[i];
    case CLADE_F64:
        return ((const double *)array)[i];
    case CLADE_I32:
        return ((const int32_t *)array)[i];
    case CLADE_U8:
        return ((const uint8_t *)array)[i];
    case CLADE_F16:
        return clade_f16_to_f32(((const uint16_t *)array)[i]);
    case CLADE_BF16:
        return clade_bf16_to_f32(((const uint16_t *)array)[i]);
    }
    return 0;
}

void clade_dtype_set(clade_dtype dtype, void *array, size_t i, double value)
{
    switch (dtype) {
    case CLADE_F32:
        ((float *)array)[i] = (float)value;
        break;
    case CLADE_F64:
        ((double *)array)[i] = value;
        break;
    case CLADE_I32:
        ((int32_t *)array)[i] = (int32_t)value;
        break;
    case CLADE_U8:
        ((uint8_t *)array)[i] = (uint8_t)value;
        break;
    case CLADE_F16:
        ((uint16_t *)array)[i] = clade_f16_from_f32((float)value);
        break;
    case CLADE_BF16:
        ((uint16_t *)array)[i] = clade_bf16_from_f32((float)value);
        break;
    }
}

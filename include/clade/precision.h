/* 16-bit floats: storage in half the memory, arithmetic in f32.
 *
 * CLADE_F16 (5 bits of exponent, 11 of precision, up to 65504) and CLADE_BF16 (f32's exponent, 8
 * bits of precision) are dtypes like any other, on every device: no OpenCL extension is needed. An
 * op reads them, computes in f32 (sums too) and rounds its result once, to nearest even; what lies
 * beyond the range becomes an infinity. Inputs of one op agree in dtype; clade_cast converts.
 * Pointwise ops, sums and extremes, and what moves elements read and write the 16 bits themselves;
 * others, products among them, work on f32 copies that are gone when they are done.
 *
 *     clade_tensor *h = clade_relu(clade_linear(clade_cast(x, CLADE_BF16), w16, b16));
 *
 * Thread-safety: the functions on numbers may be called at any time.
 */
#ifndef CLADE_PRECISION_H
#define CLADE_PRECISION_H

#include <clade/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- numbers on the host ----------------------------------------------------------------------
 * Between f32 and the 16 bits that hold such a number. Rounds to nearest even; subnormals and
 * infinities are numbers like others; a NaN stays a NaN, quiet, with its sign and the upper bits of
 * its payload. */
CLADE_API uint16_t clade_f16_from_f32(float value);
CLADE_API float clade_f16_to_f32(uint16_t bits);
CLADE_API uint16_t clade_bf16_from_f32(float value);
CLADE_API float clade_bf16_to_f32(uint16_t bits);

/* Element i of an array of that dtype on the host, as clade_tensor_read fills it and
 * clade_tensor_write takes it. Set converts as a C cast does (f64 to 16 bits by way of f32). */
CLADE_API double clade_dtype_get(clade_dtype dtype, const void *array, size_t i);
CLADE_API void clade_dtype_set(clade_dtype dtype, void *array, size_t i, double value);

/* --- autocast ------------------------------------------------------------------------------------
 *     clade_autocast_begin(ctx, CLADE_BF16);
 *     clade_tensor *loss = clade_cross_entropy(clade_linear(h, w, b), labels, NULL);
 *     clade_autocast_end(ctx);
 *     st = clade_backward(loss);
 *
 * In a region each op takes its floats in the dtype that suits it, by PyTorch's lists: linear,
 * matmul, conv, conv_transpose and attention in `dtype`; in f32 exponentials, logarithms, powers,
 * reciprocals, softmax, norms, sums, products, means, variances and losses; any other as they come,
 * and in f32 where f32 and 16 bits meet.
 * Parameters stay f32, and so do their gradients: what an op gets is a copy, whose gradient is
 * cast back, made once per region as long as the parameter does not change. Gradients are computed
 * in the dtypes of what they belong to; clade_backward may stand inside or behind the region.
 *
 * dtype: CLADE_F16 or CLADE_BF16; CLADE_F32 switches an outer region off. Regions nest up to 8
 * deep, and a step (step.h) closes those that its function leaves open.
 * Errors: CLADE_ERR_DTYPE, CLADE_ERR_STATE. */
CLADE_API clade_status clade_autocast_begin(clade_context *ctx, clade_dtype dtype);
CLADE_API clade_status clade_autocast_end(clade_context *ctx);

#ifdef __cplusplus
}
#endif
#endif

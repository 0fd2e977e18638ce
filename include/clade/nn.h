/* Parameters: every weight of a model in one flat buffer.
 *
 * One kernel updates them all, one buffer is what a checkpoint writes. A parameter is a view of the
 * buffer and a leaf that requires a gradient; the gradients live in a second flat buffer of the
 * same layout.
 *
 * Thread-safety: as the context.
 */
#ifndef CLADE_NN_H
#define CLADE_NN_H

#include <clade/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum clade_init_kind {
    CLADE_INIT_KIND_ZEROS = 0,
    CLADE_INIT_KIND_CONSTANT = 1,
    CLADE_INIT_KIND_UNIFORM = 2,
    CLADE_INIT_KIND_NORMAL = 3,
    CLADE_INIT_KIND_KAIMING_UNIFORM = 4
} clade_init_kind;

/* How a parameter starts. a, b: the constant; low and high; mean and standard deviation; for
 * kaiming_uniform a is the negative slope of the leaky ReLU. */
typedef struct clade_init {
    clade_init_kind kind;
    double a, b;
} clade_init;

CLADE_API clade_init clade_init_zeros(void);
CLADE_API clade_init clade_init_constant(double value);
CLADE_API clade_init clade_init_uniform(double low, double high);
CLADE_API clade_init clade_init_normal(double mean, double std);
/* U(-b, b), b = sqrt(6 / ((1 + slope^2) * fan_in)), fan_in = all dimensions but the first, as
 * PyTorch (He et al. 2015). slope = sqrt(5), what nn.Linear uses, gives b = 1 / sqrt(fan_in). */
CLADE_API clade_init clade_init_kaiming_uniform(double slope);

typedef struct clade_params clade_params;

/* An empty set of f32 parameters; freed with clade_params_free. */
CLADE_API CLADE_NODISCARD clade_status clade_params_create(clade_params **out, clade_context *ctx);
/* Frees the set and its tensors, sets *params to NULL; accepts NULL and a pointer to NULL. */
CLADE_API void clade_params_free(clade_params **params);

/* Adds a parameter and returns it, borrowed from the set; NULL on failure. The name is copied; it
 * must be new within the set, not empty, of printable ASCII characters, and not "__metadata__".
 * Random numbers come from the context's generator, in the order of creation. No tape may be open.
 * Its gradient accumulates in the flat one as long as clade_tensor_set_grad gives it no other.
 * Errors: CLADE_ERR_ARGUMENT, CLADE_ERR_SHAPE, CLADE_ERR_STATE, CLADE_ERR_OUT_OF_MEMORY. */
CLADE_API clade_tensor *clade_param(clade_params *params, const char *name, clade_shape shape,
                                    clade_init init);

/* name + ".weight" [out,in] and, with bias, name + ".bias" [out], both initialised as PyTorch's
 * nn.Linear does: U(-1/sqrt(in), 1/sqrt(in)). weight and bias come out borrowed from the set; bias
 * may be NULL for a layer without one. Both are added or none. */
CLADE_API clade_status clade_linear_params(clade_params *params, const char *name, int64_t in,
                                           int64_t out, clade_tensor **weight, clade_tensor **bias);
/* The same for a convolution of any kind, whose weight is of the shape [out, in/groups, taps...],
 * as nn.Conv2d does: U(-b, b), b = 1/sqrt(in/groups * taps). A transposed convolution's weight is
 * [in, out/groups, taps...] and its bias of another size: make those with clade_param. */
CLADE_API clade_status clade_conv_layer_params(clade_params *params, const char *name,
                                               clade_shape shape, clade_tensor **weight,
                                               clade_tensor **bias);

/* Adds a tensor that belongs to the model and is not learned, such as running statistics: no
 * optimizer, norm or average sees it, but files and checkpoints hold it. As clade_param else; its
 * name differs from those of parameters too. */
CLADE_API clade_tensor *clade_param_buffer(clade_params *params, const char *name,
                                           clade_shape shape, clade_init init);
/* The buffers as a set of their own, borrowed, to be looked at; NULL while there is none. */
CLADE_API clade_params *clade_params_buffers(const clade_params *params);

CLADE_API size_t clade_params_count(const clade_params *params);
/* Sum of their elements. */
CLADE_API int64_t clade_params_numel(const clade_params *params);
/* By position of creation, borrowed; NULL when out of range (without an error). */
CLADE_API clade_tensor *clade_params_get(const clade_params *params, size_t index);
CLADE_API const char *clade_params_name(const clade_params *params, size_t index);
/* By name; NULL when there is none (without an error). */
CLADE_API clade_tensor *clade_params_find(const clade_params *params, const char *name);

/* The flat buffers [n], borrowed: n counts a few elements of padding between parameters, which stay
 * zero. They change place when a parameter is added. NULL for an empty set. */
CLADE_API clade_tensor *clade_params_flat(const clade_params *params);
CLADE_API clade_tensor *clade_params_flat_grad(const clade_params *params);

/* All gradients = 0, in one launch. */
CLADE_API clade_status clade_params_zero_grad(clade_params *params);

/* Clipping of the flat gradients, on the device and as PyTorch has it. The norm is that of all
 * together; where it exceeds max_norm >= 0 they are multiplied by max_norm / (norm + 1e-6), and
 * become NaN where it is NaN. total_norm receives what it was before, for which the host waits;
 * NULL: nothing waits. clip_grad_value: each to [-limit, limit], limit >= 0.
 * Errors: CLADE_ERR_STATE for total_norm inside a step that is being recorded. */
CLADE_API clade_status clade_params_clip_grad_norm(clade_params *params, double max_norm,
                                                   double *total_norm);
CLADE_API clade_status clade_params_clip_grad_value(clade_params *params, double limit);

/* --- files ------------------------------------------------------------------------------------ */
/* Writes all parameters and buffers as safetensors, named and shaped as here (f32). The file is
 * written beside its place and renamed: path holds either the old content or the whole new one.
 * Blocks. */
CLADE_API clade_status clade_params_save(const clade_params *params, const char *path);
/* The same with metadata, `pairs` pairs of key and value (may be NULL, 0), which
 * clade_safetensors_metadata reads back. The key "format" is taken. */
CLADE_API clade_status clade_params_save_with(const clade_params *params, const char *path,
                                              const char *const *metadata, size_t pairs);
/* Reads every parameter and buffer from a safetensors file. Each must be there with the same shape,
 * as F32; other tensors in the file are an error too. Nothing changes unless all fit. Blocks.
 * Errors, besides those of clade_safetensors_read: CLADE_ERR_FORMAT (a tensor too few or too many),
 * CLADE_ERR_DTYPE, CLADE_ERR_SHAPE. */
CLADE_API clade_status clade_params_load(clade_params *params, const char *path);

#ifdef __cplusplus
}
#endif
#endif

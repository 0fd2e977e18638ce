/* Tensors: typed, strided arrays in device memory.
 *
 * Ownership follows one rule for all of Clade:
 *  - a function that returns clade_status and takes `T **out` first gives the caller an object to
 *    free with clade_T_free;
 *  - a function that returns a `clade_tensor *` lends a tensor that belongs to the innermost open
 *    scope and disappears with it; clade_tensor_retain keeps one beyond that.
 *
 * Everything runs asynchronously on the context's in-order queue; the host waits only in
 * clade_tensor_read, clade_tensor_item and clade_context_finish.
 *
 * Thread-safety: a tensor belongs to its context's thread.
 */
#ifndef CLADE_TENSOR_H
#define CLADE_TENSOR_H

#include <clade/context.h>

#ifdef __cplusplus
#include <initializer_list>
extern "C" {
#endif

typedef enum clade_dtype {
    CLADE_F32 = 0, /* the default of all computation */
    CLADE_F64 = 1, /* where the device has it (clade_device_info.has_f64): gradient checks */
    CLADE_I32 = 2, /* labels and indices */
    CLADE_U8 = 3,  /* images; the result of comparisons (0 or 1) */
    CLADE_F16 = 4, /* IEEE half precision and */
    CLADE_BF16 = 5 /* bfloat16: stored in 16 bits, computed with in f32 (precision.h) */
} clade_dtype;

#define CLADE_DTYPE_COUNT 6

CLADE_API size_t clade_dtype_size(clade_dtype dtype);      /* in bytes; 0 if it is none */
CLADE_API const char *clade_dtype_name(clade_dtype dtype); /* "f32"; "?" if it is none */
CLADE_API bool clade_dtype_is_float(clade_dtype dtype);

#define CLADE_MAX_DIMS 8

/* Dimensions, outermost first; contiguous tensors are row-major. ndim 0 is a scalar of one element;
 * a dimension may be 0. A tensor holds fewer than 2^31 elements. */
typedef struct clade_shape {
    int ndim;
    int64_t dim[CLADE_MAX_DIMS];
} clade_shape;

/* CLADE_SHAPE(128, 784). */
#ifdef __cplusplus
}
static inline clade_shape clade_shape_from_list(std::initializer_list<int64_t> dims)
{
    clade_shape shape = {};
    for (int64_t d : dims) {
        if (shape.ndim == CLADE_MAX_DIMS) {
            shape.ndim = CLADE_MAX_DIMS + 1; /* refused by whoever takes the shape */
            break;
        }
        shape.dim[shape.ndim++] = d;
    }
    return shape;
}
extern "C" {
#define CLADE_SHAPE(...) clade_shape_from_list({__VA_ARGS__})
#else
#define CLADE_SHAPE(...)                                                                           \
    clade_shape_make((int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),              \
                     (const int64_t[]){__VA_ARGS__})
#endif

/* ndim above CLADE_MAX_DIMS yields a shape that every function refuses. */
CLADE_API clade_shape clade_shape_make(int ndim, const int64_t *dims);
CLADE_API clade_shape clade_shape_scalar(void);
/* Product of the dimensions; -1 if a dimension is negative, ndim is out of range, or the product
 * does not stay below 2^31. */
CLADE_API int64_t clade_shape_numel(const clade_shape *shape);
CLADE_API bool clade_shape_equal(const clade_shape *a, const clade_shape *b);

typedef struct clade_tensor clade_tensor;

/* A tensor of its own, contiguous; its content is undefined until it is written.
 * Errors: CLADE_ERR_SHAPE, CLADE_ERR_DTYPE, CLADE_ERR_UNSUPPORTED (f64 on a device without it),
 * CLADE_ERR_OUT_OF_MEMORY. */
CLADE_API CLADE_NODISCARD clade_status clade_tensor_create(clade_tensor **out, clade_context *ctx,
                                                           clade_dtype dtype, clade_shape shape);

/* The same, filled from `data`: clade_shape_numel elements of the dtype, row-major, copied before
 * the call returns. */
CLADE_API CLADE_NODISCARD clade_status clade_tensor_from_host(clade_tensor **out,
                                                              clade_context *ctx, clade_dtype dtype,
                                                              clade_shape shape, const void *data);

/* Releases the caller's reference and sets *t to NULL; accepts NULL and a pointer to NULL. Views,
 * tapes and scopes that still use the memory keep it alive. */
CLADE_API void clade_tensor_free(clade_tensor **t);

/* Makes the caller an owner of t too (to be released with clade_tensor_free) and returns it. NULL
 * in, NULL out. A retained result outlives its tape, but backward through that tape is over. */
CLADE_API clade_tensor *clade_tensor_retain(clade_tensor *t);

/* --- properties; t must not be NULL ------------------------------------------------------- */
CLADE_API clade_context *clade_tensor_context(const clade_tensor *t);
CLADE_API clade_dtype clade_tensor_dtype(const clade_tensor *t);
CLADE_API clade_shape clade_tensor_shape(const clade_tensor *t);
CLADE_API int clade_tensor_ndim(const clade_tensor *t);
/* Size of one dimension; a negative axis counts from the end; -1 when out of range. */
CLADE_API int64_t clade_tensor_dim(const clade_tensor *t, int axis);
CLADE_API int64_t clade_tensor_numel(const clade_tensor *t);
/* Distance in elements between neighbours along an axis; 0 when out of range or expanded. */
CLADE_API int64_t clade_tensor_stride(const clade_tensor *t, int axis);
CLADE_API bool clade_tensor_is_contiguous(const clade_tensor *t);

/* --- the host's side ----------------------------------------------------------------------- */
/* Copies `bytes` bytes, which must be exactly numel * dtype size, from or to row-major host memory.
 * Write: the host memory may be reused on return. Read: blocks until the value is there.
 * Both work on any view. A write to a tensor that a tape still needs makes its backward fail with
 * CLADE_ERR_MODIFIED. */
CLADE_API clade_status clade_tensor_write(clade_tensor *t, const void *data, size_t bytes);
CLADE_API clade_status clade_tensor_read(const clade_tensor *t, void *data, size_t bytes);

/* The value of a one-element tensor, converted to double. Blocks. */
CLADE_API clade_status clade_tensor_item(const clade_tensor *t, double *out);

/* dst = src, element by element, on the device; converts between dtypes and broadcasts src to
 * dst's shape. Not recorded on the tape. */
CLADE_API clade_status clade_tensor_copy(clade_tensor *dst, const clade_tensor *src);

/* Every element = value (converted to the dtype as a C cast does). Not recorded on the tape. */
CLADE_API clade_status clade_tensor_fill(clade_tensor *t, double value);

/* --- scopes -------------------------------------------------------------------------------- */
/* Computed tensors belong to the innermost open scope. Scopes nest; a tape (autograd.h) is a scope.
 * Computing without an open scope is CLADE_ERR_STATE. Opening one forgets the thread's last
 * error. */
CLADE_API clade_status clade_scope_begin(clade_context *ctx);
CLADE_API clade_status clade_scope_end(clade_context *ctx);

#ifdef __cplusplus
}
#endif
#endif

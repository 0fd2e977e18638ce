/* The device: the only layer that calls OpenCL and CLBlast. No OpenCL type shows here, so that
 * every layer above compiles without its headers.
 *
 * One in-order queue: whatever is enqueued first is done first. Therefore a buffer may go back to
 * the pool while kernels that use it are still queued. */
#ifndef CLADE_RUNTIME_RUNTIME_H
#define CLADE_RUNTIME_RUNTIME_H

#include <clade/context.h>
#include <clade/tensor.h>

#include "base/error.h"

typedef struct clade_runtime clade_runtime;

clade_status clade_runtime_create(clade_runtime **out, const clade_context_params *params);
/* Waits for queued work first. All buffers must have been released. */
void clade_runtime_free(clade_runtime **rt);

const clade_device_info *clade_runtime_device(const clade_runtime *rt);
clade_status clade_runtime_finish(clade_runtime *rt);
void clade_runtime_memory(const clade_runtime *rt, clade_memory_stats *out);
clade_status clade_runtime_trim(clade_runtime *rt);
void clade_runtime_log(clade_runtime *rt, clade_log_level level, const char *fmt, ...)
    CLADE_PRINTF(3, 4);

/* --- buffers ----------------------------------------------------------------------------------
 * Bytes of device memory from the pool. At least `bytes` long, content undefined. 0 bytes is a
 * valid buffer. An allocation that fails empties the cache and tries once more. */
typedef struct clade_buffer clade_buffer;

clade_status clade_buffer_create(clade_buffer **out, clade_runtime *rt, size_t bytes);
/* One more owner. */
clade_buffer *clade_buffer_ref(clade_buffer *buffer);
/* One owner less, after the last back to the pool; sets *buffer to NULL; accepts NULL and a pointer
 * to NULL. */
void clade_buffer_free(clade_buffer **buffer);
size_t clade_buffer_size(const clade_buffer *buffer);
/* Offsets and sizes in bytes; 0 bytes is a no-op. Write: the host memory may be reused on return.
 * Read: blocks. Copy: the ranges must not overlap. Fill: repeats a pattern of 1, 2, 4, 8 or 16
 * bytes; offset and bytes are multiples of it. */
clade_status clade_buffer_write(clade_buffer *buffer, size_t offset, size_t bytes,
                                const void *data);
clade_status clade_buffer_read(clade_buffer *buffer, size_t offset, size_t bytes, void *data);
clade_status clade_buffer_copy(clade_buffer *dst, size_t dst_offset, clade_buffer *src,
                               size_t src_offset, size_t bytes);
clade_status clade_buffer_fill(clade_buffer *buffer, size_t offset, size_t bytes,
                               const void *pattern, size_t pattern_size);

/* --- kernels ----------------------------------------------------------------------------------
 * A program is a family's source (cl/FAMILY.cl, or text generated at run time) behind the prelude,
 * compiled with options for one of its kernels (WANTED in prelude.clh): code costs most of a build.
 * Programs are built when first asked for, and kept in the disk cache.
 * Unless any_shape, a build also gets -DLANES=<n> -DVW=<n> (the device's kernel shape, see
 * prelude.clh). */
typedef struct clade_kernel clade_kernel;

typedef struct clade_kernel_key {
    const char *family;  /* names cl/FAMILY.cl, or the generated source in messages */
    const char *options; /* "-DT=float"; never NULL */
    const char *name;    /* the kernel function */
    bool any_shape;      /* the text is the same for every kernel shape */
    /* NULL: the source is cl/FAMILY.cl. Else called when the program is not there yet; returns the
     * source in memory of base/alloc, NULL with the error set. family and options together must
     * determine the text. */
    char *(*generate)(const void *user);
    const void *user;
} clade_kernel_key;

/* The kernel, borrowed; it lives as long as the runtime. A look-up after the first time.
 * Errors: CLADE_ERR_BUILD with the compiler's first line of complaint; CLADE_ERR_OPENCL;
 * CLADE_ERR_INTERNAL for an unknown family or kernel. */
clade_status clade_kernel_get(clade_kernel **out, clade_runtime *rt, const clade_kernel_key *key);

const char *clade_kernel_name(const clade_kernel *kernel);

/* The type that kernels compute in with a dtype: "float". */
const char *clade_kernel_type(clade_dtype dtype);
/* How the prelude calls the 16 bits that a dtype is stored in, "f16" or "bf16"; NULL for dtypes
 * that are stored as they are computed with. */
const char *clade_kernel_storage(clade_dtype dtype);

/* Work-items that cooperate on one row (CPU 1, GPU 64) and the vector width that each steps by. */
typedef struct clade_kernel_shape {
    int lanes;
    int vector_width;
} clade_kernel_shape;

clade_kernel_shape clade_runtime_kernel_shape(const clade_runtime *rt);

typedef enum clade_arg_kind {
    CLADE_ARG_BUFFER, /* a NULL buffer is passed as a NULL pointer */
    CLADE_ARG_I32,
    CLADE_ARG_U32,
    CLADE_ARG_F32,
    CLADE_ARG_F64,
    CLADE_ARG_INT8, /* eight ints: an `int8` */
    CLADE_ARG_LOCAL /* bytes of local memory */
} clade_arg_kind;

typedef struct clade_arg {
    clade_arg_kind kind;
    const double *source; /* NULL, or where a replayed launch reads a number afresh (record.h) */
    union {
        clade_buffer *buffer;
        int32_t i32;
        uint32_t u32;
        float f32;
        double f64;
        int32_t int8[8];
        size_t local_bytes;
    } as;
} clade_arg;

static inline clade_arg clade_arg_buffer(clade_buffer *buffer)
{
    return (clade_arg){.kind = CLADE_ARG_BUFFER, .as.buffer = buffer};
}
static inline clade_arg clade_arg_i32(int64_t value)
{
    return (clade_arg){.kind = CLADE_ARG_I32, .as.i32 = (int32_t)value};
}
static inline clade_arg clade_arg_u32(uint32_t value)
{
    return (clade_arg){.kind = CLADE_ARG_U32, .as.u32 = value};
}
/* A scalar of type T, as the kernels call their compute type: double for f64, else float. */
static inline clade_arg clade_arg_real(clade_dtype dtype, double value)
{
    if (dtype == CLADE_F64)
        return (clade_arg){.kind = CLADE_ARG_F64, .as.f64 = value};
    return (clade_arg){.kind = CLADE_ARG_F32, .as.f32 = (float)value};
}
/* Changes the number of an argument that holds one. */
void clade_arg_set_number(clade_arg *arg, double value);
/* Eight ints, the rest `pad`. */
clade_arg clade_arg_int8(const int64_t *values, int count, int32_t pad);

/* How many work-items, and in which groups. global is rounded up to a multiple of local, so a
 * kernel must check its ids against the true sizes. */
typedef struct clade_grid {
    int dims;
    size_t global[3];
    size_t local[3];
    bool whole_group; /* the kernel needs groups of exactly `local` */
} clade_grid;

/* One work-item per element. */
clade_grid clade_grid_elements(const clade_runtime *rt, int64_t n);
/* The same in two or three dimensions, x innermost. */
clade_grid clade_grid_box(const clade_runtime *rt, int64_t x, int64_t y, int64_t z);
/* LANES work-items per row: x is the lane, y the row. */
clade_grid clade_grid_rows(const clade_runtime *rt, int64_t rows);

/* Enqueues. A grid with a global size of 0 is a no-op. */
clade_status clade_launch(clade_runtime *rt, clade_kernel *kernel, const clade_grid *grid,
                          const clade_arg *args, int count);

#define CLADE_LAUNCH(rt, kernel, grid, ...)                                                        \
    clade_launch((rt), (kernel), (grid), (const clade_arg[]){__VA_ARGS__},                         \
                 (int)(sizeof((const clade_arg[]){__VA_ARGS__}) / sizeof(clade_arg)))

/* --- GEMM --------------------------------------------------------------------------------------
 * C = alpha * op(A) * op(B) + beta * C, row-major, f32 or f64, `batch` times with strides. op(A) is
 * [m,k] and op(B) [k,n]; a stored transposed matrix is [k,m] or [n,k]. Offsets, leading dimensions
 * and strides in elements. beta 0 never reads C. Any of m, n, k, batch may be 0.
 *
 * With an epilogue the result goes through an elementwise call (elementwise.h) of shape [batch,m,n]
 * instead: reading its operand 0, whose window is C, yields the result; what is stored, and where,
 * is what its stages write. C's own content is then undefined unless a stage writes it. Other
 * operands overlap neither C nor, where they are written, A and B. Its shape has as many batches as
 * there are results. */
typedef struct clade_elementwise_call clade_elementwise_call;

/* One dimension of a window: at output position o and tap t it shows what lies at
 *     (o * step + t * reach - shift) / div
 * of `in` elements, or 0 where that is outside or no whole number. A convolution has its stride as
 * step, its dilation as reach, its padding as shift; its gradient for the data has the stride as
 * div and the taps in the other direction. */
typedef struct clade_window_dim {
    int64_t in, out, taps, step, reach, shift, div;
} clade_window_dim;

typedef enum clade_window_use {
    CLADE_WINDOW_NONE,
    CLADE_WINDOW_A,
    CLADE_WINDOW_B
} clade_window_use;

/* An operand that is read through a window and stored nowhere. Image z of it, [channels, in...]
 * without gaps, z * stride from its offset, stands for the matrix P_z: a row per (channel, tap...),
 * a column per output position, both row-major. `batch` counts images times groups, groups
 * innermost; the leading dimension of the operand counts for nothing.
 *     as B:  C_z = alpha * A_(z % groups) * P_z + beta * C_z
 *     as A:  C_q = alpha * sum of P_z * op(B_z) + beta * C_q
 * there the sum is over `summed` images (fewer in the last part) and z = (i * groups + group) for
 * q = (i / summed) * groups + group. No other operand is transposed but B beside A. */
typedef struct clade_window {
    clade_window_use use;
    int64_t channels, groups, summed;
    clade_window_dim dim[3]; /* outermost first; in, out, taps, step, div 1 where there is none */
} clade_window;

typedef struct clade_gemm {
    clade_dtype dtype;
    bool trans_a, trans_b;
    int64_t m, n, k, batch;
    double alpha, beta;
    clade_buffer *a, *b, *c;
    int64_t a_offset, b_offset, c_offset;
    int64_t lda, ldb, ldc;
    int64_t a_stride, b_stride, c_stride;
    const clade_elementwise_call *epilogue; /* NULL: none */
    clade_window window;                    /* zeros: none */
} clade_gemm;

clade_status clade_gemm_run(clade_runtime *rt, const clade_gemm *gemm);
/* How many matrices C it makes. */
int64_t clade_gemm_results(const clade_gemm *gemm);

/* Where what `clade tune` measured is read from; NULL without a cache folder. */
const char *clade_runtime_tuning_path(const clade_runtime *rt);

#endif

/* Ops of your own, from kernels of your own.
 *
 *     static const char source[] =
 *         "kernel void twice(global T *y, int y0, int8 yd, const global T *x, int x0, int8 xd, int
 * n)\n"
 *         "{\n"
 *         "    int i = get_global_id(0);\n"
 *         "    if (i < n)\n"
 *         "        y[y0 + i] = 2 * x[x0 + i];\n"
 *         "}\n";
 *     st = clade_custom_create(&op, ctx, &(clade_custom_params){
 *         .name = "twice", .source = source, .inputs = 1, .forward = "twice"});
 *     y = clade_custom(op, &x, 1, NULL);
 *
 * Such an op is like Clade's own: recorded on the tape, differentiated where it has kernels for
 * that, checked by clade_gradcheck, and part of what a clade_step replays. Where a formula per
 * element is enough, clade_pointwise (pointwise.h) asks for no kernel. tools/examples/custom_op.c
 * is a complete program.
 *
 * Kernels take, in this order:
 *   1. the tensors: what they write, then what they read. Each is three arguments: a pointer
 * (global T *, const where it is read; int * and uchar * for i32 and u8), an int with the place of
 * the first element, and an int8 with the dimensions from the innermost: .s0 is the last one,
 *      missing ones are 1. Elements lie row-major without gaps.
 *   2. an int: how many work-items have something to do. There may be more, which must return.
 *   3. the real attributes, each a T, and the integer ones, each an int.
 * The forward kernel writes the result and reads the inputs. The backward kernel of input i writes
 * the gradient of that input, every element of it, and reads the gradient that arrived at the
 * result, then the inputs, then the result. T is the type of the first float among the inputs:
 * float or double (f16 and bf16 are handed over as copies in float); literals without suffix are
 * of that type.
 */
#ifndef CLADE_CUSTOM_H
#define CLADE_CUSTOM_H

#include <clade/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CLADE_CUSTOM_INPUTS 8
#define CLADE_CUSTOM_ATTRS  4

/* Thread-safety: as its context. */
typedef struct clade_custom_op clade_custom_op;

/* What a call gives to the kernels besides tensors. */
typedef struct clade_custom_attrs {
    double real[CLADE_CUSTOM_ATTRS];
    int integer[CLADE_CUSTOM_ATTRS];
} clade_custom_attrs;

/* Says of which dtype and shape the result is, for `count` inputs; both are preset to those of the
 * first input. Anything but CLADE_OK refuses the inputs: the call fails with that status and a
 * message that names the op and their shapes. Called once per call of the op; not in a replay. */
typedef clade_status (*clade_custom_infer)(void *user, const clade_custom_attrs *attrs,
                                           const clade_dtype *dtypes, const clade_shape *shapes,
                                           int count, clade_dtype *dtype, clade_shape *shape);

/* Zero means default. All text is copied. */
typedef struct clade_custom_params {
    const char *name;    /* letters, digits and _; messages and the tape's print show it */
    const char *source;  /* OpenCL C 1.2 */
    int inputs;          /* how many: 1 to CLADE_CUSTOM_INPUTS */
    int reals, integers; /* how many attributes of each kind (default 0) */
    int item_dims;       /* a work-item covers the last item_dims dimensions of what the kernel
                            writes: 1 is one work-item per row (default 0: one per element) */
    const char *forward; /* names of kernels in source */
    const char *backward[CLADE_CUSTOM_INPUTS]; /* (default NULL: no gradient flows to that input,
                                 and asking for one is CLADE_ERR_NO_GRADIENT) */
    clade_custom_infer infer; /* (default NULL: the result is like the first input) */
    void *user;               /* for infer */
} clade_custom_params;

/* Compiles the kernels for float. *out is freed with clade_custom_free, after the tapes that it is
 * on were closed and before its context; steps that replay it do not need it.
 * Errors: CLADE_ERR_BUILD with the compiler's first complaint and its line in source, or the name
 * of a kernel that is not there; CLADE_ERR_ARGUMENT; CLADE_ERR_OUT_OF_MEMORY. */
CLADE_API CLADE_NODISCARD clade_status clade_custom_create(clade_custom_op **out,
                                                           clade_context *ctx,
                                                           const clade_custom_params *params);
/* Sets *op to NULL; accepts NULL and a pointer to NULL. */
CLADE_API void clade_custom_free(clade_custom_op **op);

/* Runs it: a tensor of the innermost open scope; NULL in, NULL out. Inputs that are views with gaps
 * are copied first. attrs NULL: all 0. There is no second derivative. Errors: those of all ops
 * (ops.h) and of infer; CLADE_ERR_OPENCL where the kernel's arguments are not those above. */
CLADE_API clade_tensor *clade_custom(clade_custom_op *op, clade_tensor *const *inputs, int count,
                                     const clade_custom_attrs *attrs);

#ifdef __cplusplus
}
#endif
#endif

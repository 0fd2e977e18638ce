#include "tensor/elementwise.h"

#include "base/alloc.h"
#include "base/shape.h"
#include "runtime/kernel_sources.h"

#include <stdio.h>
#include <string.h>

#define OPERANDS (CLADE_ELEMENTWISE_INPUTS + 1)

/* The loop nest over all operands (the output first), innermost dimension first, with neighbouring
 * dimensions merged wherever every operand steps through both as through one. */
typedef struct loop_nest {
    int ndim;
    int64_t dim[CLADE_MAX_DIMS];
    int64_t stride[OPERANDS][CLADE_MAX_DIMS];
} loop_nest;

static bool merges_with_inner(const loop_nest *nest, int operands, const int64_t *stride)
{
    int inner = nest->ndim - 1;
    for (int k = 0; k < operands; k++)
        if (stride[k] != nest->stride[k][inner] * nest->dim[inner])
            return false;
    return true;
}

static loop_nest nest_of(const clade_tensor *out, clade_tensor *const *inputs, int count)
{
    int64_t expanded[OPERANDS][CLADE_MAX_DIMS];
    clade_tensor_expanded_strides(out, &out->shape, expanded[0]);
    for (int k = 0; k < count; k++)
        clade_tensor_expanded_strides(inputs[k], &out->shape, expanded[k + 1]);

    loop_nest nest = {0};
    for (int i = out->shape.ndim - 1; i >= 0; i--) {
        if (out->shape.dim[i] == 1)
            continue;
        int64_t stride[OPERANDS];
        for (int k = 0; k <= count; k++)
            stride[k] = expanded[k][i];
        if (nest.ndim && merges_with_inner(&nest, count + 1, stride)) {
            nest.dim[nest.ndim - 1] *= out->shape.dim[i];
            continue;
        }
        nest.dim[nest.ndim] = out->shape.dim[i];
        for (int k = 0; k <= count; k++)
            nest.stride[k][nest.ndim] = stride[k];
        nest.ndim++;
    }
    if (!nest.ndim) {
        nest.ndim = 1;
        nest.dim[0] = 1;
        for (int k = 0; k <= count; k++)
            nest.stride[k][0] = 1;
    }
    return nest;
}

static const char *type_name(clade_dtype dtype)
{
    static const char *const names[CLADE_DTYPE_COUNT] = {
        [CLADE_F32] = "float", [CLADE_F64] = "double", [CLADE_I32] = "int", [CLADE_U8] = "uchar"};
    return names[dtype];
}

/* 0 and 1 become constants of the kernel; 9 tells it to use its argument. */
static int stride_class(int64_t stride)
{
    return stride == 0 || stride == 1 ? (int)stride : 9;
}

static void write_options(char *text, size_t size, clade_dtype compute, const loop_nest *nest,
                          const clade_tensor *out, clade_tensor *const *inputs, int count)
{
    const char *t = compute == CLADE_U8 ? "int" : type_name(compute);
    int at = snprintf(text, size, "-DT=%s -DNIN=%d -DTO=%s -DSO=%d", t, count,
                      type_name(out->dtype), stride_class(nest->stride[0][0]));
    for (int k = 0; k < count; k++)
        at += snprintf(text + at, size - (size_t)at, " -DT%c=%s -DS%c=%d", 'A' + k,
                       type_name(inputs[k]->dtype), 'A' + k, stride_class(nest->stride[k + 1][0]));
    if (compute != CLADE_F64)
        snprintf(text + at, size - (size_t)at, " -cl-single-precision-constant");
}

static char *generate(const void *user)
{
    const clade_expression *e = user;
    char names[16 * CLADE_ELEMENTWISE_INPUTS] = "";
    int at = 0;
    for (int k = 0; k < CLADE_ELEMENTWISE_INPUTS && e->inputs[k]; k++)
        at += snprintf(names + at, sizeof names - (size_t)at, "#define IN%d %c\n", k,
                       e->inputs[k]);
    for (size_t i = 0; i < clade_kernel_source_count; i++) {
        const clade_kernel_source *source = &clade_kernel_sources[i];
        if (!strcmp(source->name, "elementwise"))
            return clade_asprintf("#define EXPR (%s)\n%s#line 1 \"elementwise.cl (%s)\"\n%.*s",
                                  e->text, names, e->name, (int)source->length,
                                  (const char *)source->text);
    }
    (void)CLADE_FAIL(CLADE_ERR_INTERNAL, "elementwise.cl is not part of this build");
    return NULL;
}

static clade_arg param_arg(clade_dtype compute, double value)
{
    if (!clade_dtype_is_float(compute))
        return clade_arg_i32((int64_t)value);
    return clade_arg_real(compute, value);
}

static clade_grid grid_of(const clade_runtime *rt, const loop_nest *nest)
{
    if (nest->ndim == 1)
        return clade_grid_elements(rt, nest->dim[0]);
    int64_t outer = 1;
    for (int i = 2; i < nest->ndim; i++)
        outer *= nest->dim[i];
    return clade_grid_box(rt, nest->dim[0], nest->dim[1], outer);
}

clade_status clade_elementwise(const clade_expression *expression, clade_dtype compute,
                               clade_tensor *out, clade_tensor *const *inputs, int count,
                               const double *params, int param_count)
{
    if (!out->numel)
        return CLADE_OK;
    loop_nest nest = nest_of(out, inputs, count);
    char options[256];
    write_options(options, sizeof options, compute, &nest, out, inputs, count);
    clade_runtime *rt = clade_tensor_runtime(out);
    clade_kernel *kernel;
    CLADE_TRY(clade_kernel_get(&kernel, rt,
                               &(clade_kernel_key){.family = expression->name,
                                                   .options = options,
                                                   .name = nest.ndim == 1   ? "flat"
                                                           : nest.ndim <= 3 ? "box"
                                                                            : "nested",
                                                   .generate = generate,
                                                   .user = expression}));
    clade_arg args[6 + 3 * CLADE_ELEMENTWISE_INPUTS];
    int n = 0;
    args[n++] = clade_arg_buffer(out->storage->buffer);
    args[n++] = clade_arg_i32(out->offset);
    args[n++] = clade_arg_int8(nest.stride[0], nest.ndim, 0);
    args[n++] = clade_arg_int8(nest.dim, nest.ndim, 1);
    for (int i = 0; i < CLADE_ELEMENTWISE_PARAMS; i++)
        args[n++] = param_arg(compute, i < param_count ? params[i] : 0);
    for (int k = 0; k < count; k++) {
        args[n++] = clade_arg_buffer(inputs[k]->storage->buffer);
        args[n++] = clade_arg_i32(inputs[k]->offset);
        args[n++] = clade_arg_int8(nest.stride[k + 1], nest.ndim, 0);
    }
    clade_grid grid = grid_of(rt, &nest);
    clade_tensor_touch(out);
    return clade_launch(rt, kernel, &grid, args, n);
}

#include "runtime/cl_internal.h"
#include "runtime/record.h"

#include <string.h>

const char *clade_kernel_type(clade_dtype dtype)
{
    static const char *const names[CLADE_DTYPE_COUNT] = {
        [CLADE_F32] = "float", [CLADE_F64] = "double", [CLADE_I32] = "int",
        [CLADE_U8] = "uchar",  [CLADE_F16] = "float",  [CLADE_BF16] = "float"};
    return names[dtype];
}

const char *clade_kernel_storage(clade_dtype dtype)
{
    return dtype == CLADE_F16 ? "f16" : dtype == CLADE_BF16 ? "bf16" : NULL;
}

clade_arg clade_arg_int8(const int64_t *values, int count, int32_t pad)
{
    clade_arg arg = {.kind = CLADE_ARG_INT8};
    for (int i = 0; i < 8; i++)
        arg.as.int8[i] = i < count ? (int32_t)values[i] : pad;
    return arg;
}

/* The nearest one; 0 for NaN. */
static int32_t to_i32(double value)
{
    if (value != value)
        return 0;
    return value <= INT32_MIN ? INT32_MIN : value >= INT32_MAX ? INT32_MAX : (int32_t)value;
}

void clade_arg_set_number(clade_arg *arg, double value)
{
    switch (arg->kind) {
    case CLADE_ARG_I32:
        arg->as.i32 = to_i32(value);
        break;
    case CLADE_ARG_U32:
        arg->as.u32 = (uint32_t)value;
        break;
    case CLADE_ARG_F32:
        arg->as.f32 = (float)value;
        break;
    case CLADE_ARG_F64:
        arg->as.f64 = value;
        break;
    case CLADE_ARG_BUFFER:
    case CLADE_ARG_INT8:
    case CLADE_ARG_LOCAL:
        break;
    }
}

static size_t extent(int64_t n)
{
    return n > 0 ? (size_t)n : 0;
}

clade_grid clade_grid_elements(const clade_runtime *rt, int64_t n)
{
    size_t local = 256;
    while (local > 1 && local > rt->info.largest_work_group)
        local /= 2;
    return (clade_grid){.dims = 1, .global = {extent(n), 1, 1}, .local = {local, 1, 1}};
}

/* Two shapes of group only: PoCL compiles a kernel anew for each. */
clade_grid clade_grid_box(const clade_runtime *rt, int64_t x, int64_t y, int64_t z)
{
    (void)rt;
    clade_grid grid = {.dims = 3, .global = {extent(x), extent(y), extent(z)}, .local = {64, 4, 1}};
    if (x < 64)
        grid.local[0] = grid.local[1] = 16;
    return grid;
}

clade_grid clade_grid_rows(const clade_runtime *rt, int64_t rows)
{
    size_t lanes = (size_t)rt->shape.lanes;
    return (clade_grid){.dims = 2,
                        .global = {lanes, extent(rows), 1},
                        .local = {lanes, lanes == 1 ? 16 : 1, 1},
                        .whole_group = lanes > 1};
}

cl_int clade_cl_set_arg(cl_kernel kernel, cl_uint i, const clade_arg *arg)
{
    cl_int8 int8; /* aligned to 32 bytes, which the clade_arg is not */
    switch (arg->kind) {
    case CLADE_ARG_BUFFER:
        return clSetKernelArg(kernel, i, sizeof(cl_mem),
                              arg->as.buffer ? (const void *)&arg->as.buffer->mem : NULL);
    case CLADE_ARG_I32:
        return clSetKernelArg(kernel, i, sizeof arg->as.i32, &arg->as.i32);
    case CLADE_ARG_U32:
        return clSetKernelArg(kernel, i, sizeof arg->as.u32, &arg->as.u32);
    case CLADE_ARG_F32:
        return clSetKernelArg(kernel, i, sizeof arg->as.f32, &arg->as.f32);
    case CLADE_ARG_F64:
        return clSetKernelArg(kernel, i, sizeof arg->as.f64, &arg->as.f64);
    case CLADE_ARG_INT8:
        memcpy(&int8, arg->as.int8, sizeof int8);
        return clSetKernelArg(kernel, i, sizeof int8, &int8);
    case CLADE_ARG_LOCAL:
        return clSetKernelArg(kernel, i, arg->as.local_bytes, NULL);
    }
    return CL_INVALID_ARG_VALUE;
}

/* Kernels check their ids, so that a group may shrink to what the device and the kernel's registers
 * allow. A whole group must stay together: there the driver has the last word (Mesa's rusticl
 * reports a limit of 32 and runs 1,024). */
static void fit_group(const clade_runtime *rt, const clade_kernel *kernel, const clade_grid *grid,
                      size_t *local)
{
    for (int d = 0; d < 3; d++) {
        local[d] = d < grid->dims ? grid->local[d] : 1;
        while (!grid->whole_group && local[d] > 1 && local[d] > rt->largest_item[d])
            local[d] /= 2;
    }
    for (int d = 2; d >= 0; d--)
        while (!grid->whole_group && local[d] > 1 &&
               local[0] * local[1] * local[2] > kernel->largest_group)
            local[d] /= 2;
}

static clade_status set_args(clade_kernel *kernel, const clade_arg *args, int count)
{
    for (int i = 0; i < count; i++) {
        cl_int code = clade_cl_set_arg(kernel->kernel, (cl_uint)i, &args[i]);
        if (code != CL_SUCCESS)
            return clade_cl_fail(code, "clSetKernelArg(%s, %d)", kernel->name, i);
    }
    return CLADE_OK;
}

static clade_status enqueue(clade_runtime *rt, const clade_kernel *kernel, cl_uint dims,
                            const size_t *global, const size_t *local)
{
    cl_int code =
        clEnqueueNDRangeKernel(rt->queue, kernel->kernel, dims, NULL, global, local, 0, NULL, NULL);
    /* Some drivers allocate a buffer's memory only when a kernel first uses it. */
    if (code == CL_MEM_OBJECT_ALLOCATION_FAILURE && rt->pool.stats.cached_bytes) {
        CLADE_TRY(clade_runtime_trim(rt));
        code = clEnqueueNDRangeKernel(rt->queue, kernel->kernel, dims, NULL, global, local, 0, NULL,
                                      NULL);
    }
    return code == CL_SUCCESS ? CLADE_OK
                              : clade_cl_fail(code, "clEnqueueNDRangeKernel(%s)", kernel->name);
}

clade_status clade_launch(clade_runtime *rt, clade_kernel *kernel, const clade_grid *grid,
                          const clade_arg *args, int count)
{
    for (int d = 0; d < grid->dims; d++)
        if (grid->global[d] == 0)
            return CLADE_OK;
    CLADE_TRY(clade_record_launch(rt, kernel, grid, args, count));
    size_t local[3], global[3];
    fit_group(rt, kernel, grid, local);
    for (int d = 0; d < grid->dims; d++)
        global[d] = (grid->global[d] + local[d] - 1) / local[d] * local[d];
    cl_uint dims = (cl_uint)grid->dims;
    if (rt->capture)
        return clade_prepared_add_launch(rt->capture, kernel, dims, global, local, args, count);
    CLADE_TRY(set_args(kernel, args, count));
    return enqueue(rt, kernel, dims, global, local);
}

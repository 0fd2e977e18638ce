#include "runtime/cl_internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Rows per lane and vector widths that measured best: a CPU wants whole rows and wide vectors, a
 * GPU many work-items per row. $CLADE_KERNEL_SHAPE lets one device test both. */
static clade_status choose_shape(clade_runtime *rt)
{
    const clade_device_info *info = &rt->info;
    clade_kernel_shape *shape = &rt->shape;
    bool cpu = info->type == CLADE_DEVICE_CPU;
    const char *name = getenv("CLADE_KERNEL_SHAPE");
    if (name && *name) {
        if (strcmp(name, "cpu") != 0 && strcmp(name, "gpu") != 0)
            return CLADE_FAIL(CLADE_ERR_ARGUMENT,
                              "CLADE_KERNEL_SHAPE: \"%.32s\" is neither cpu nor gpu", name);
        cpu = name[0] == 'c';
    }
    if (cpu) {
        bool narrow = info->native_float_width > 0 && info->native_float_width < 16;
        *shape = (clade_kernel_shape){.lanes = 1, .vector_width = narrow ? 8 : 16};
    } else {
        *shape = (clade_kernel_shape){.lanes = 64, .vector_width = 4};
        size_t largest = info->largest_work_group < rt->largest_item[0] ? info->largest_work_group
                                                                        : rt->largest_item[0];
        while (shape->lanes > 1 && (size_t)shape->lanes > largest)
            shape->lanes /= 2;
    }
    return CLADE_OK;
}

static void log_choice(const clade_runtime *rt, const char *selector, bool from_environment,
                       size_t count)
{
    const clade_device_info *d = &rt->info;
    if (selector && *selector)
        clade_logger_write(
            &rt->log, CLADE_LOG_INFO, "device %d: %s (%s, %u units, driver %s, on %s): %s%s",
            d->index, d->name, clade_device_kind(d), d->compute_units, d->driver, d->platform_name,
            from_environment ? "asked for by CLADE_DEVICE=" : "asked for as ", selector);
    else
        clade_logger_write(&rt->log, CLADE_LOG_INFO,
                           "device %d: %s (%s, %u units, driver %s, on %s): best of %zu", d->index,
                           d->name, clade_device_kind(d), d->compute_units, d->driver,
                           d->platform_name, count);
}

static clade_status choose_device(clade_runtime *rt, const char *selector)
{
    bool from_environment = !selector;
    if (from_environment)
        selector = getenv("CLADE_DEVICE");
    clade_device_info *infos;
    cl_device_id *ids;
    size_t count, index;
    CLADE_TRY(clade_device_enumerate(&infos, &ids, &count));
    clade_status status = clade_device_select(infos, count, selector, &index);
    if (status == CLADE_OK) {
        rt->info = infos[index];
        rt->device = ids[index];
        log_choice(rt, selector, from_environment, count);
    }
    clade_free(infos);
    clade_free(ids);
    return status;
}

static clade_status query_item_sizes(clade_runtime *rt)
{
    size_t sizes[16] = {0};
    cl_int code =
        clGetDeviceInfo(rt->device, CL_DEVICE_MAX_WORK_ITEM_SIZES, sizeof sizes, sizes, NULL);
    if (code != CL_SUCCESS)
        return clade_cl_fail(code, "clGetDeviceInfo(CL_DEVICE_MAX_WORK_ITEM_SIZES)");
    for (int i = 0; i < 3; i++)
        rt->largest_item[i] = sizes[i] ? sizes[i] : 1;
    return CLADE_OK;
}

static clade_status open_device(clade_runtime *rt)
{
    cl_int code;
    rt->context = clCreateContext(NULL, 1, &rt->device, NULL, NULL, &code);
    if (!rt->context)
        return clade_cl_fail(code, "clCreateContext(%s)", rt->info.name);
    rt->queue = clCreateCommandQueue(rt->context, rt->device, 0, &code);
    if (!rt->queue)
        return clade_cl_fail(code, "clCreateCommandQueue(%s)", rt->info.name);
    return CLADE_OK;
}

static clade_status set_up(clade_runtime *rt, const clade_context_params *params)
{
    rt->log = (clade_logger){params->log, params->log_user,
                             params->log_level ? params->log_level : CLADE_LOG_INFO};
    rt->pool.disabled = params->no_memory_pool;
    CLADE_TRY(choose_device(rt, params->device));
    CLADE_TRY(query_item_sizes(rt));
    CLADE_TRY(choose_shape(rt));
    CLADE_TRY(clade_gemm_init(rt));
    CLADE_TRY(open_device(rt));
    clade_disk_cache_open(&rt->disk, params->cache_dir, &rt->info, &rt->log);
    clade_gemm_tuned_load(rt);
    return CLADE_OK;
}

clade_status clade_runtime_create(clade_runtime **out, const clade_context_params *params)
{
    static const clade_context_params defaults = {0};
    clade_runtime *rt = clade_calloc(1, sizeof *rt);
    if (!rt)
        return CLADE_ERR_OUT_OF_MEMORY;
    clade_status status = set_up(rt, params ? params : &defaults);
    if (status != CLADE_OK) {
        clade_runtime_free(&rt);
        return status;
    }
    *out = rt;
    return CLADE_OK;
}

void clade_runtime_free(clade_runtime **runtime)
{
    if (!runtime || !*runtime)
        return;
    clade_runtime *rt = *runtime;
    if (rt->pool.live_count)
        clade_logger_write(&rt->log, CLADE_LOG_ERROR, "%llu device buffers were not freed",
                           (unsigned long long)rt->pool.live_count);
    if (rt->queue) {
        clFinish(rt->queue);
        (void)clade_runtime_trim(rt);
    }
    clade_staging_free(&rt->staging);
    clade_gemm_forget(rt);
    clade_program_cache_free(&rt->programs);
    if (rt->queue)
        clReleaseCommandQueue(rt->queue);
    if (rt->context)
        clReleaseContext(rt->context);
    clade_free(rt);
    *runtime = NULL;
}

const clade_device_info *clade_runtime_device(const clade_runtime *rt)
{
    return &rt->info;
}

clade_kernel_shape clade_runtime_kernel_shape(const clade_runtime *rt)
{
    return rt->shape;
}

clade_status clade_runtime_finish(clade_runtime *rt)
{
    cl_int code = clFinish(rt->queue);
    return code == CL_SUCCESS ? CLADE_OK : clade_cl_fail(code, "clFinish");
}

void clade_runtime_log(clade_runtime *rt, clade_log_level level, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    clade_log_va(&rt->log, level, fmt, ap);
    va_end(ap);
}

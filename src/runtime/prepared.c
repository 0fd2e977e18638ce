#include "runtime/prepared.h"

#include "base/alloc.h"
#include "runtime/cl_internal.h"
#include "runtime/gemm_provider.h"
#include "runtime/record.h"

#include <string.h>

typedef struct dynamic_arg {
    cl_uint index;
    clade_arg arg; /* as last set */
} dynamic_arg;

typedef struct prepared_launch {
    const clade_kernel *origin;
    cl_kernel kernel;
    cl_uint dims;
    size_t global[3], local[3];
    dynamic_arg *dynamic;
    int dynamic_count;
} prepared_launch;

typedef struct entry {
    enum { ENTRY_LAUNCH, ENTRY_GEMM, ENTRY_COPY, ENTRY_FILL } kind;
    union {
        prepared_launch launch;
        clade_gemm gemm;
        clade_copy_command copy;
        clade_fill_command fill;
    } as;
} entry;

struct clade_prepared {
    clade_runtime *rt;
    entry *entries;
    size_t count, capacity;
};

clade_status clade_prepared_begin(clade_prepared **out, clade_runtime *rt)
{
    if (rt->capture)
        return CLADE_FAIL(CLADE_ERR_INTERNAL, "work is being prepared already");
    clade_prepared *prepared = clade_calloc(1, sizeof *prepared);
    if (!prepared)
        return CLADE_ERR_OUT_OF_MEMORY;
    prepared->rt = rt;
    rt->capture = prepared;
    *out = prepared;
    return CLADE_OK;
}

void clade_prepared_end(clade_prepared *prepared)
{
    prepared->rt->capture = NULL;
}

size_t clade_prepared_count(const clade_prepared *prepared)
{
    return prepared->count;
}

static void launch_clear(prepared_launch *launch)
{
    if (launch->kernel)
        clReleaseKernel(launch->kernel);
    clade_free(launch->dynamic);
}

void clade_prepared_free(clade_prepared **handle)
{
    if (!handle || !*handle)
        return;
    clade_prepared *prepared = *handle;
    for (size_t i = 0; i < prepared->count; i++)
        if (prepared->entries[i].kind == ENTRY_LAUNCH)
            launch_clear(&prepared->entries[i].as.launch);
    clade_free(prepared->entries);
    clade_free(prepared);
    *handle = NULL;
}

/* --- preparing -------------------------------------------------------------------------------- */
static clade_status add_entry(clade_prepared *prepared, const entry *e)
{
    if (!clade_grow((void **)&prepared->entries, &prepared->capacity, prepared->count + 1,
                    sizeof *prepared->entries))
        return CLADE_ERR_OUT_OF_MEMORY;
    prepared->entries[prepared->count++] = *e;
    return CLADE_OK;
}

clade_status clade_prepared_add_gemm(clade_prepared *prepared, const clade_gemm *gemm)
{
    return add_entry(prepared, &(entry){.kind = ENTRY_GEMM, .as.gemm = *gemm});
}

clade_status clade_prepared_add_copy(clade_prepared *prepared, const clade_copy_command *copy)
{
    return add_entry(prepared, &(entry){.kind = ENTRY_COPY, .as.copy = *copy});
}

clade_status clade_prepared_add_fill(clade_prepared *prepared, const clade_fill_command *fill)
{
    return add_entry(prepared, &(entry){.kind = ENTRY_FILL, .as.fill = *fill});
}

static clade_status keep_dynamic(prepared_launch *launch, const clade_arg *args, int count)
{
    launch->dynamic = clade_calloc((size_t)count, sizeof *launch->dynamic);
    if (!launch->dynamic)
        return CLADE_ERR_OUT_OF_MEMORY;
    for (int i = 0; i < count; i++)
        if (args[i].source)
            launch->dynamic[launch->dynamic_count++] = (dynamic_arg){(cl_uint)i, args[i]};
    return CLADE_OK;
}

static clade_status set_up_launch(prepared_launch *launch, const clade_arg *args, int count)
{
    cl_int code;
    launch->kernel = clCreateKernel(launch->origin->program, launch->origin->name, &code);
    if (!launch->kernel)
        return clade_cl_fail(code, "clCreateKernel(%s)", launch->origin->name);
    for (int i = 0; i < count; i++) {
        code = clade_cl_set_arg(launch->kernel, (cl_uint)i, &args[i]);
        if (code != CL_SUCCESS)
            return clade_cl_fail(code, "clSetKernelArg(%s, %d)", launch->origin->name, i);
    }
    return keep_dynamic(launch, args, count);
}

clade_status clade_prepared_add_launch(clade_prepared *prepared, const clade_kernel *kernel,
                                       cl_uint dims, const size_t *global, const size_t *local,
                                       const clade_arg *args, int count)
{
    entry e = {.kind = ENTRY_LAUNCH, .as.launch = {.origin = kernel, .dims = dims}};
    memcpy(e.as.launch.global, global, dims * sizeof *global);
    memcpy(e.as.launch.local, local, dims * sizeof *local);
    clade_status status = set_up_launch(&e.as.launch, args, count);
    if (status == CLADE_OK)
        status = add_entry(prepared, &e);
    if (status != CLADE_OK)
        launch_clear(&e.as.launch);
    return status;
}

/* --- running ---------------------------------------------------------------------------------- */
static clade_status refresh(prepared_launch *launch)
{
    for (int i = 0; i < launch->dynamic_count; i++) {
        dynamic_arg *d = &launch->dynamic[i];
        clade_arg now = d->arg;
        clade_arg_set_number(&now, *now.source);
        if (memcmp(&now.as, &d->arg.as, sizeof now.as) == 0)
            continue;
        cl_int code = clade_cl_set_arg(launch->kernel, d->index, &now);
        if (code != CL_SUCCESS)
            return clade_cl_fail(code, "clSetKernelArg(%s, %u)", launch->origin->name, d->index);
        d->arg = now;
    }
    return CLADE_OK;
}

static clade_status run_entry(clade_runtime *rt, entry *e)
{
    prepared_launch *launch = &e->as.launch;
    switch (e->kind) {
    case ENTRY_LAUNCH:
        CLADE_TRY(refresh(launch));
        cl_int code = clEnqueueNDRangeKernel(rt->queue, launch->kernel, launch->dims, NULL,
                                             launch->global, launch->local, 0, NULL, NULL);
        if (code != CL_SUCCESS)
            return clade_cl_fail(code, "clEnqueueNDRangeKernel(%s)", launch->origin->name);
        return CLADE_OK;
    case ENTRY_GEMM:
        return clade_gemm_clblast(rt, &e->as.gemm);
    case ENTRY_COPY:
        return clade_buffer_copy(e->as.copy.dst, e->as.copy.dst_offset, e->as.copy.src,
                                 e->as.copy.src_offset, e->as.copy.bytes);
    case ENTRY_FILL:
        return clade_buffer_fill(e->as.fill.buffer, e->as.fill.offset, e->as.fill.bytes,
                                 e->as.fill.pattern, e->as.fill.pattern_size);
    }
    return CLADE_OK;
}

clade_status clade_prepared_run(clade_prepared *prepared)
{
    for (size_t i = 0; i < prepared->count; i++)
        CLADE_TRY(run_entry(prepared->rt, &prepared->entries[i]));
    return CLADE_OK;
}

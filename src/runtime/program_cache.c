/* Kernels by (family, options, name): a look-up costs one hash and one comparison. */
#include "runtime/cl_internal.h"

#include <string.h>

#include "base/alloc.h"

static bool same_program(const clade_program *p, uint64_t hash, const clade_kernel_key *key)
{
    return p->hash == hash && strcmp(p->family, key->family) == 0 &&
           strcmp(p->options, key->options) == 0;
}

static void program_free(clade_program *program)
{
    if (program->program)
        clReleaseProgram(program->program);
    clade_free(program->family);
    clade_free(program->options);
    clade_free(program);
}

static void kernel_free(clade_kernel *kernel)
{
    if (kernel->kernel)
        clReleaseKernel(kernel->kernel);
    clade_free(kernel->name);
    clade_free(kernel);
}

void clade_program_cache_free(clade_program_cache *cache)
{
    for (size_t i = 0; i < CLADE_KERNEL_SLOTS; i++) {
        while (cache->slots[i]) {
            clade_kernel *kernel = cache->slots[i];
            cache->slots[i] = kernel->next;
            kernel_free(kernel);
        }
    }
    while (cache->programs) {
        clade_program *program = cache->programs;
        cache->programs = program->next;
        program_free(program);
    }
}

static clade_status get_program(clade_program **out, clade_runtime *rt, uint64_t hash,
                                const clade_kernel_key *key)
{
    for (clade_program *p = rt->programs.programs; p; p = p->next) {
        if (same_program(p, hash, key)) {
            *out = p;
            return CLADE_OK;
        }
    }
    clade_program *program = clade_calloc(1, sizeof *program);
    if (!program)
        return CLADE_ERR_OUT_OF_MEMORY;
    program->hash = hash;
    program->family = clade_strdup(key->family);
    program->options = program->family ? clade_strdup(key->options) : NULL;
    clade_status status = program->options ? clade_program_build(&program->program, rt, key)
                                           : CLADE_ERR_OUT_OF_MEMORY;
    if (status != CLADE_OK) {
        program->program = NULL;
        program_free(program);
        return status;
    }
    program->next = rt->programs.programs;
    rt->programs.programs = program;
    *out = program;
    return CLADE_OK;
}

static clade_status open_kernel(clade_kernel *kernel, const clade_runtime *rt,
                                const clade_kernel_key *key)
{
    cl_int code;
    kernel->name = clade_strdup(key->name);
    if (!kernel->name)
        return CLADE_ERR_OUT_OF_MEMORY;
    kernel->kernel = clCreateKernel(kernel->program->program, key->name, &code);
    if (!kernel->kernel && code == CL_INVALID_KERNEL_NAME)
        return CLADE_FAIL_CL(CLADE_ERR_INTERNAL, code, "kernels %s [%s]: there is no kernel \"%s\"",
                             key->family, key->options, key->name);
    if (!kernel->kernel)
        return clade_cl_fail(code, "clCreateKernel(%s)", key->name);
    code = clGetKernelWorkGroupInfo(kernel->kernel, rt->device, CL_KERNEL_WORK_GROUP_SIZE,
                                    sizeof kernel->largest_group, &kernel->largest_group, NULL);
    if (code != CL_SUCCESS)
        return clade_cl_fail(code, "clGetKernelWorkGroupInfo(%s)", key->name);
    if (kernel->largest_group == 0 || kernel->largest_group > rt->info.largest_work_group)
        kernel->largest_group = rt->info.largest_work_group;
    return CLADE_OK;
}

clade_status clade_kernel_get(clade_kernel **out, clade_runtime *rt, const clade_kernel_key *key)
{
    uint64_t program_hash = clade_hash_str(key->options, clade_hash_str(key->family, 0));
    uint64_t hash = clade_hash_str(key->name, program_hash);
    clade_kernel **slot = &rt->programs.slots[hash % CLADE_KERNEL_SLOTS];
    for (clade_kernel *k = *slot; k; k = k->next) {
        if (k->hash == hash && strcmp(k->name, key->name) == 0 &&
            same_program(k->program, program_hash, key)) {
            *out = k;
            return CLADE_OK;
        }
    }
    clade_program *program = NULL;
    CLADE_TRY(get_program(&program, rt, program_hash, key));
    clade_kernel *kernel = clade_calloc(1, sizeof *kernel);
    if (!kernel)
        return CLADE_ERR_OUT_OF_MEMORY;
    kernel->program = program;
    kernel->hash = hash;
    clade_status status = open_kernel(kernel, rt, key);
    if (status != CLADE_OK) {
        kernel_free(kernel);
        return status;
    }
    kernel->next = *slot;
    *slot = kernel;
    *out = kernel;
    return CLADE_OK;
}

const char *clade_kernel_name(const clade_kernel *kernel)
{
    return kernel->name;
}

/* Kernels by (family, options, name): a look-up costs one hash and one comparison. Each has a
 * program of its own, since compiling the family's others with it would cost more than the text
 * they share. */
#include "runtime/cl_internal.h"

#include <string.h>

#include "base/alloc.h"

static void kernel_free(clade_kernel *kernel)
{
    if (kernel->kernel)
        clReleaseKernel(kernel->kernel);
    if (kernel->program)
        clReleaseProgram(kernel->program);
    clade_free(kernel->family);
    clade_free(kernel->options);
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
}

static clade_status open_kernel(clade_kernel *kernel, clade_runtime *rt,
                                const clade_kernel_key *key)
{
    cl_int code;
    kernel->family = clade_strdup(key->family);
    kernel->options = kernel->family ? clade_strdup(key->options) : NULL;
    kernel->name = kernel->options ? clade_strdup(key->name) : NULL;
    if (!kernel->name)
        return CLADE_ERR_OUT_OF_MEMORY;
    cl_program program;
    CLADE_TRY(clade_program_build(&program, rt, key));
    kernel->program = program;
    kernel->kernel = clCreateKernel(kernel->program, key->name, &code);
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
    uint64_t hash =
        clade_hash_str(key->name, clade_hash_str(key->options, clade_hash_str(key->family, 0)));
    clade_kernel **slot = &rt->programs.slots[hash % CLADE_KERNEL_SLOTS];
    for (clade_kernel *k = *slot; k; k = k->next) {
        if (k->hash == hash && strcmp(k->name, key->name) == 0 &&
            strcmp(k->family, key->family) == 0 && strcmp(k->options, key->options) == 0) {
            *out = k;
            return CLADE_OK;
        }
    }
    clade_kernel *kernel = clade_calloc(1, sizeof *kernel);
    if (!kernel)
        return CLADE_ERR_OUT_OF_MEMORY;
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

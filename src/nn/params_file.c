#include "nn/params.h"

#include <string.h>

#include <clade/io.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/shape.h"

/* Host memory for the flat buffer, zeroed; NULL with the error set. */
static float *host_copy(const clade_params *params, size_t *bytes)
{
    int64_t n = params->flat ? clade_tensor_numel(params->flat) : 0;
    *bytes = (size_t)n * sizeof(float);
    return clade_calloc((size_t)n, sizeof(float));
}

static clade_status write_arrays(const clade_params *params, const float *flat, const char *path,
                                 const char *const *metadata, size_t pairs)
{
    clade_array *arrays = clade_calloc(params->count, sizeof *arrays);
    if (!arrays)
        return CLADE_ERR_OUT_OF_MEMORY;
    for (size_t i = 0; i < params->count; i++) {
        const clade_param_entry *entry = &params->entries[i];
        arrays[i] = (clade_array){.name = entry->name,
                                  .dtype = CLADE_F32,
                                  .shape = clade_tensor_shape(entry->tensor),
                                  .data = flat + entry->offset};
    }
    const char **all = clade_calloc(2 * (pairs + 1), sizeof *all);
    clade_status status = CLADE_ERR_OUT_OF_MEMORY;
    if (all) {
        all[0] = "format"; /* what PyTorch's loaders ask for */
        all[1] = "pt";
        for (size_t i = 0; i < 2 * pairs; i++)
            all[2 + i] = metadata[i];
        status = clade_safetensors_write(path, arrays, params->count, all, pairs + 1);
    }
    clade_free(all);
    clade_free(arrays);
    return status;
}

clade_status clade_params_save(const clade_params *params, const char *path)
{
    return clade_params_save_with(params, path, NULL, 0);
}

clade_status clade_params_save_with(const clade_params *params, const char *path,
                                    const char *const *metadata, size_t pairs)
{
    if (!params || !path)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "params_save: %s is NULL",
                          params ? "path" : "params");
    size_t bytes;
    float *flat = host_copy(params, &bytes);
    if (!flat)
        return CLADE_ERR_OUT_OF_MEMORY;
    clade_status status = params->flat ? clade_tensor_read(params->flat, flat, bytes) : CLADE_OK;
    if (status == CLADE_OK)
        status = write_arrays(params, flat, path, metadata, pairs);
    clade_free(flat);
    return status;
}

static clade_status take_array(const clade_param_entry *entry, const clade_safetensors *file,
                               float *flat, const char *path)
{
    const clade_array *array = clade_safetensors_find(file, entry->name);
    if (!array)
        return CLADE_FAIL(CLADE_ERR_FORMAT, "%s: holds no tensor \"%s\"", path, entry->name);
    if (array->dtype != CLADE_F32)
        return CLADE_FAIL(CLADE_ERR_DTYPE, "%s: tensor \"%s\" is %s, not f32", path, entry->name,
                          clade_dtype_name(array->dtype));
    clade_shape shape = clade_tensor_shape(entry->tensor);
    if (!clade_shape_equal(&array->shape, &shape))
        return CLADE_FAIL(CLADE_ERR_SHAPE, "%s: tensor \"%s\" is %s, the parameter %s", path,
                          entry->name, clade_shape_str(&array->shape).s, clade_shape_str(&shape).s);
    memcpy(flat + entry->offset, array->data, (size_t)clade_shape_numel(&shape) * sizeof(float));
    return CLADE_OK;
}

static clade_status take_arrays(const clade_params *params, const clade_safetensors *file,
                                float *flat, const char *path)
{
    for (size_t i = 0; i < params->count; i++)
        CLADE_TRY(take_array(&params->entries[i], file, flat, path));
    for (size_t i = 0; i < clade_safetensors_count(file); i++) {
        const char *name = clade_safetensors_get(file, i)->name;
        if (!clade_params_find(params, name))
            return CLADE_FAIL(CLADE_ERR_FORMAT, "%s: tensor \"%s\" is no parameter", path, name);
    }
    return CLADE_OK;
}

clade_status clade_params_load(clade_params *params, const char *path)
{
    if (!params || !path)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "params_load: %s is NULL",
                          params ? "path" : "params");
    clade_safetensors *file;
    CLADE_TRY(clade_safetensors_read(&file, path));
    size_t bytes;
    float *flat = host_copy(params, &bytes);
    clade_status status = flat ? take_arrays(params, file, flat, path) : CLADE_ERR_OUT_OF_MEMORY;
    clade_safetensors_free(&file);
    if (status == CLADE_OK && params->flat)
        status = clade_tensor_write(params->flat, flat, bytes);
    clade_free(flat);
    return status;
}

#include "nn/params.h"

#include <string.h>

#include <clade/io.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/shape.h"

/* Host memory for the flat buffers of parameters and of buffers. */
typedef struct host_flats {
    const clade_params *set[2];
    float *data[2]; /* owned */
} host_flats;

static size_t flat_bytes(const clade_params *set)
{
    clade_tensor *flat = clade_params_flat(set);
    return flat ? (size_t)clade_tensor_numel(flat) * sizeof(float) : 0;
}

static clade_status host_flats_init(host_flats *h, const clade_params *params)
{
    *h = (host_flats){.set = {params, params->buffers}};
    for (int i = 0; i < 2; i++)
        h->data[i] = clade_calloc(flat_bytes(h->set[i]), 1);
    return h->data[0] && h->data[1] ? CLADE_OK : CLADE_ERR_OUT_OF_MEMORY;
}

static void host_flats_clear(host_flats *h)
{
    clade_free(h->data[0]);
    clade_free(h->data[1]);
}

static void list_arrays(const host_flats *h, clade_array *arrays)
{
    for (int s = 0; s < 2; s++)
        for (size_t i = 0; i < clade_params_count(h->set[s]); i++) {
            const clade_param_entry *entry = &h->set[s]->entries[i];
            *arrays++ = (clade_array){.name = entry->name,
                                      .dtype = CLADE_F32,
                                      .shape = clade_tensor_shape(entry->tensor),
                                      .data = h->data[s] + entry->offset};
        }
}

static clade_status write_arrays(const host_flats *h, const char *path, const char *const *metadata,
                                 size_t pairs)
{
    size_t count = clade_params_count(h->set[0]) + clade_params_count(h->set[1]);
    clade_array *arrays = clade_calloc(count, sizeof *arrays);
    const char **all = clade_calloc(2 * (pairs + 1), sizeof *all);
    clade_status status = CLADE_ERR_OUT_OF_MEMORY;
    if (arrays && all) {
        list_arrays(h, arrays);
        all[0] = "format"; /* what PyTorch's loaders ask for */
        all[1] = "pt";
        for (size_t i = 0; i < 2 * pairs; i++)
            all[2 + i] = metadata[i];
        status = clade_safetensors_write(path, arrays, count, all, pairs + 1);
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
    host_flats h;
    clade_status status = host_flats_init(&h, params);
    for (int i = 0; i < 2 && status == CLADE_OK; i++)
        if (flat_bytes(h.set[i]))
            status = clade_tensor_read(h.set[i]->flat, h.data[i], flat_bytes(h.set[i]));
    if (status == CLADE_OK)
        status = write_arrays(&h, path, metadata, pairs);
    host_flats_clear(&h);
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

static clade_status take_arrays(const host_flats *h, const clade_safetensors *file,
                                const char *path)
{
    for (int s = 0; s < 2; s++)
        for (size_t i = 0; i < clade_params_count(h->set[s]); i++)
            CLADE_TRY(take_array(&h->set[s]->entries[i], file, h->data[s], path));
    for (size_t i = 0; i < clade_safetensors_count(file); i++) {
        const char *name = clade_safetensors_get(file, i)->name;
        if (!clade_params_find(h->set[0], name) && !clade_params_find(h->set[1], name))
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
    host_flats h;
    clade_status status = host_flats_init(&h, params);
    if (status == CLADE_OK)
        status = take_arrays(&h, file, path);
    clade_safetensors_free(&file);
    for (int i = 0; i < 2 && status == CLADE_OK; i++)
        if (flat_bytes(h.set[i]))
            status = clade_tensor_write(h.set[i]->flat, h.data[i], flat_bytes(h.set[i]));
    host_flats_clear(&h);
    return status;
}

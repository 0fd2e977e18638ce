#include "io/safetensors.h"

#include <clade/io.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/shape.h"

static size_t array_bytes(const clade_array *array)
{
    return (size_t)clade_shape_numel(&array->shape) * clade_dtype_size(array->dtype);
}

/* Wide types first, so that with data from a multiple of 8 every array is aligned; then by name. */
static int by_alignment(const void *a, const void *b)
{
    const clade_array *x = *(const clade_array *const *)a, *y = *(const clade_array *const *)b;
    size_t wide = clade_dtype_size(x->dtype), other = clade_dtype_size(y->dtype);
    if (wide != other)
        return wide > other ? -1 : 1;
    return strcmp(x->name, y->name);
}

static clade_status check_array(const clade_array *array, size_t i)
{
    if (!array->name || !*array->name)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "safetensors_write: array %zu has no name", i);
    if (!strcmp(array->name, SAFETENSORS_METADATA))
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "safetensors_write: \"%s\" is a reserved name",
                          array->name);
    if (!clade_dtype_size(array->dtype))
        return CLADE_FAIL(CLADE_ERR_DTYPE, "safetensors_write: \"%s\": %d is no dtype", array->name,
                          (int)array->dtype);
    if (clade_shape_numel(&array->shape) < 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "safetensors_write: \"%s\": bad shape %s", array->name,
                          clade_shape_str(&array->shape).s);
    if (!array->data && array_bytes(array))
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "safetensors_write: \"%s\": data is NULL",
                          array->name);
    return CLADE_OK;
}

/* Adds key: value, which it takes over; NULL stands for a lack of memory. */
static clade_status add(json_t *object, const char *key, json_t *value)
{
    if (json_object_get(object, key)) {
        json_decref(value);
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "safetensors_write: \"%s\" occurs twice", key);
    }
    if (value && json_object_set_new(object, key, value) == 0)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_OUT_OF_MEMORY, "safetensors_write: out of host memory");
}

static clade_status check_utf8(const char *text)
{
    json_t *string = json_string(text);
    if (!string)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "safetensors_write: \"%s\" is not UTF-8", text);
    json_decref(string);
    return CLADE_OK;
}

static clade_status add_metadata(json_t *header, const char *const *pairs, size_t count)
{
    json_t *metadata = json_object();
    CLADE_TRY(add(header, SAFETENSORS_METADATA, metadata));
    for (size_t i = 0; i < count; i++) {
        const char *key = pairs[2 * i], *value = pairs[2 * i + 1];
        if (!key || !value)
            return CLADE_FAIL(CLADE_ERR_ARGUMENT, "safetensors_write: metadata %zu is NULL", i);
        CLADE_TRY(check_utf8(key));
        CLADE_TRY(check_utf8(value));
        CLADE_TRY(add(metadata, key, json_string(value)));
    }
    return CLADE_OK;
}

static json_t *describe(const clade_array *array, size_t begin)
{
    json_t *shape = json_array();
    for (int i = 0; shape && i < array->shape.ndim; i++) {
        if (json_array_append_new(shape, json_integer(array->shape.dim[i])) != 0) {
            json_decref(shape);
            return NULL;
        }
    }
    /* "o" takes the shape over, whatever becomes of the rest. */
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", safetensors_dtype_name(array->dtype), "shape",
                     shape, "data_offsets", (json_int_t)begin,
                     (json_int_t)(begin + array_bytes(array)));
}

static clade_status add_arrays(json_t *header, const clade_array *const *arrays, size_t count)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        CLADE_TRY(check_utf8(arrays[i]->name));
        CLADE_TRY(add(header, arrays[i]->name, describe(arrays[i], at)));
        at += array_bytes(arrays[i]);
    }
    return CLADE_OK;
}

/* The length and the header's text, padded with spaces to a multiple of 8; freed by the caller. */
static char *encode_header(const json_t *header, size_t *size)
{
    size_t text = json_dumpb(header, NULL, 0, JSON_COMPACT);
    size_t padded = (text + 7) / 8 * 8;
    *size = SAFETENSORS_LENGTH_SIZE + padded;
    char *bytes = clade_realloc(NULL, *size, 1);
    if (!bytes)
        return NULL;
    for (int i = 0; i < SAFETENSORS_LENGTH_SIZE; i++)
        bytes[i] = (char)(unsigned char)((unsigned long long)padded >> (8 * i));
    memset(bytes + SAFETENSORS_LENGTH_SIZE, ' ', padded);
    (void)json_dumpb(header, bytes + SAFETENSORS_LENGTH_SIZE, text, JSON_COMPACT);
    return bytes;
}

static clade_status write_sorted(const char *path, const json_t *header,
                                 const clade_array *const *arrays, size_t count)
{
    clade_bytes *parts = clade_calloc(count + 1, sizeof *parts);
    if (!parts)
        return CLADE_ERR_OUT_OF_MEMORY;
    char *head = encode_header(header, &parts[0].size);
    clade_status status = head ? CLADE_OK : CLADE_ERR_OUT_OF_MEMORY;
    if (head && parts[0].size - SAFETENSORS_LENGTH_SIZE > SAFETENSORS_MAX_HEADER)
        status = CLADE_FAIL(CLADE_ERR_ARGUMENT, "safetensors_write: the header exceeds %d bytes",
                            SAFETENSORS_MAX_HEADER);
    if (status == CLADE_OK) {
        parts[0].data = head;
        for (size_t i = 0; i < count; i++)
            parts[i + 1] = (clade_bytes){arrays[i]->data, array_bytes(arrays[i])};
        status = clade_file_replace(path, parts, count + 1);
    }
    clade_free(head);
    clade_free(parts);
    return status;
}

clade_status clade_safetensors_write(const char *path, const clade_array *arrays, size_t count,
                                     const char *const *metadata, size_t metadata_count)
{
    if (!path || (!arrays && count) || (!metadata && metadata_count))
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "safetensors_write: %s is NULL",
                          !path              ? "path"
                          : !arrays && count ? "arrays"
                                             : "metadata");
    for (size_t i = 0; i < count; i++)
        CLADE_TRY(check_array(&arrays[i], i));
    const clade_array **sorted = clade_calloc(count, sizeof *sorted);
    json_t *header = sorted ? json_object() : NULL;
    clade_status status = CLADE_OK;
    if (!header)
        status = CLADE_FAIL(CLADE_ERR_OUT_OF_MEMORY, "safetensors_write: out of host memory");
    for (size_t i = 0; header && i < count; i++)
        sorted[i] = &arrays[i];
    if (status == CLADE_OK && count)
        qsort(sorted, count, sizeof *sorted, by_alignment);
    if (status == CLADE_OK && metadata_count)
        status = add_metadata(header, metadata, metadata_count);
    if (status == CLADE_OK)
        status = add_arrays(header, sorted, count);
    if (status == CLADE_OK)
        status = write_sorted(path, header, sorted, count);
    json_decref(header);
    clade_free(sorted);
    return status;
}

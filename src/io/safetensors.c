#include "io/safetensors.h"

#include <clade/io.h>

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/shape.h"

/* Each array starts at a multiple of this in memory, whatever its place in the file. */
#define ALIGNMENT 16

/* An array and its bytes of the file's data. */
typedef struct entry {
    clade_array array;
    uint64_t begin, end;
} entry;

struct clade_safetensors {
    json_t *header; /* owns the names and the metadata */
    entry *entries; /* in the order of their data */
    size_t count;
    unsigned char *data;
};

/* The file while it is read. */
typedef struct reader {
    const char *path;
    int fd;
    size_t file_size;
    uint64_t header_size;
} reader;

static uint64_t data_size(const reader *r)
{
    return r->file_size - SAFETENSORS_LENGTH_SIZE - r->header_size;
}

#define FORMAT_FAULT(r, text)      CLADE_FAIL(CLADE_ERR_FORMAT, "%s: " text, (r)->path)
#define FORMAT_FAULTF(r, fmt, ...) CLADE_FAIL(CLADE_ERR_FORMAT, "%s: " fmt, (r)->path, __VA_ARGS__)

static clade_status read_bytes(const reader *r, void *data, size_t size)
{
    if (clade_fd_read(r->fd, data, size))
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_IO, "%s: cannot read: %s", r->path,
                      errno ? strerror(errno) : "the file shrank meanwhile");
}

static clade_status read_header_size(reader *r)
{
    unsigned char bytes[SAFETENSORS_LENGTH_SIZE];
    if (r->file_size < sizeof bytes)
        return FORMAT_FAULTF(r, "truncated: %zu bytes, no safetensors file", r->file_size);
    CLADE_TRY(read_bytes(r, bytes, sizeof bytes));
    r->header_size = 0;
    for (int i = SAFETENSORS_LENGTH_SIZE - 1; i >= 0; i--)
        r->header_size = r->header_size << 8 | bytes[i];
    if (r->header_size > SAFETENSORS_MAX_HEADER)
        return FORMAT_FAULTF(r, "header of %" PRIu64 " bytes; at most %d are allowed",
                             r->header_size, SAFETENSORS_MAX_HEADER);
    if (r->header_size > r->file_size - sizeof bytes)
        return FORMAT_FAULTF(r, "truncated: header of %" PRIu64 " bytes in a file of %zu",
                             r->header_size, r->file_size);
    return CLADE_OK;
}

static clade_status parse_header(json_t **out, const reader *r, const char *text)
{
    if (r->header_size == 0 || text[0] != '{')
        return FORMAT_FAULT(r, "the header does not start with '{': no safetensors file");
    json_error_t error;
    *out = json_loadb(text, (size_t)r->header_size, JSON_REJECT_DUPLICATES, &error);
    if (*out)
        return CLADE_OK;
    if (json_error_code(&error) == json_error_out_of_memory)
        return CLADE_FAIL(CLADE_ERR_OUT_OF_MEMORY, "%s: out of host memory", r->path);
    return FORMAT_FAULTF(r, "header: %s at byte %d", error.text, error.position);
}

static clade_status read_header(json_t **out, reader *r)
{
    CLADE_TRY(read_header_size(r));
    char *text = clade_realloc(NULL, (size_t)r->header_size, 1);
    if (!text)
        return CLADE_ERR_OUT_OF_MEMORY;
    clade_status status = read_bytes(r, text, (size_t)r->header_size);
    if (status == CLADE_OK)
        status = parse_header(out, r, text);
    clade_free(text);
    return status;
}

static clade_status check_metadata(const reader *r, json_t *metadata)
{
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return FORMAT_FAULT(r, SAFETENSORS_METADATA " is not an object");
    json_object_foreach(metadata, key, value) if (!json_is_string(value)) return FORMAT_FAULTF(
        r, "metadata \"%s\" is not a string", key);
    return CLADE_OK;
}

static clade_status parse_dtype(clade_array *array, const reader *r, const json_t *value)
{
    const char *name = json_string_value(value);
    for (int i = 0; name && i < CLADE_DTYPE_COUNT; i++) {
        if (!strcmp(name, safetensors_dtype_name((clade_dtype)i))) {
            array->dtype = (clade_dtype)i;
            return CLADE_OK;
        }
    }
    return FORMAT_FAULTF(r,
                         "tensor \"%s\": dtype \"%s\" is none of F32, F64, I32, U8, F16, "
                         "BF16",
                         array->name, name ? name : "");
}

static clade_status parse_shape(clade_array *array, const reader *r, const json_t *value)
{
    if (!json_is_array(value))
        return FORMAT_FAULTF(r, "tensor \"%s\": the shape is not a list", array->name);
    size_t ndim = json_array_size(value);
    if (ndim > CLADE_MAX_DIMS)
        return FORMAT_FAULTF(r, "tensor \"%s\": %zu dimensions; at most %d are supported",
                             array->name, ndim, CLADE_MAX_DIMS);
    array->shape.ndim = (int)ndim;
    for (size_t i = 0; i < ndim; i++) {
        const json_t *dim = json_array_get(value, i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0)
            return FORMAT_FAULTF(r, "tensor \"%s\": dimension %zu is not a size", array->name, i);
        array->shape.dim[i] = json_integer_value(dim);
    }
    if (clade_shape_numel(&array->shape) < 0)
        return FORMAT_FAULTF(r, "tensor \"%s\": shape %s is too large", array->name,
                             clade_shape_str(&array->shape).s);
    return CLADE_OK;
}

static clade_status parse_offsets(entry *e, const reader *r, const json_t *value)
{
    const json_t *begin = json_array_get(value, 0), *end = json_array_get(value, 1);
    if (json_array_size(value) != 2 || !json_is_integer(begin) || !json_is_integer(end) ||
        json_integer_value(begin) < 0 || json_integer_value(end) < json_integer_value(begin))
        return FORMAT_FAULTF(r, "tensor \"%s\": data_offsets is not [begin, end]", e->array.name);
    e->begin = (uint64_t)json_integer_value(begin);
    e->end = (uint64_t)json_integer_value(end);
    if (e->end > data_size(r))
        return FORMAT_FAULTF(
            r, "truncated: tensor \"%s\" ends at byte %" PRIu64 " of %" PRIu64 " bytes of data",
            e->array.name, e->end, data_size(r));
    uint64_t bytes =
        (uint64_t)clade_shape_numel(&e->array.shape) * clade_dtype_size(e->array.dtype);
    if (e->end - e->begin != bytes)
        return FORMAT_FAULTF(r,
                             "tensor \"%s\": %s of %s takes %" PRIu64 " bytes, data_offsets hold "
                             "%" PRIu64,
                             e->array.name, clade_dtype_name(e->array.dtype),
                             clade_shape_str(&e->array.shape).s, bytes, e->end - e->begin);
    return CLADE_OK;
}

static clade_status parse_entry(entry *e, const reader *r, const char *name, const json_t *value)
{
    e->array.name = name;
    if (!json_is_object(value))
        return FORMAT_FAULTF(r, "tensor \"%s\" is not an object", name);
    CLADE_TRY(parse_dtype(&e->array, r, json_object_get(value, "dtype")));
    CLADE_TRY(parse_shape(&e->array, r, json_object_get(value, "shape")));
    return parse_offsets(e, r, json_object_get(value, "data_offsets"));
}

static int by_place(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return strcmp(x->array.name, y->array.name);
}

/* Sorts the entries; they must cover the data exactly once. */
static clade_status check_cover(clade_safetensors *file, const reader *r)
{
    qsort(file->entries, file->count, sizeof *file->entries, by_place);
    uint64_t at = 0;
    for (size_t i = 0; i < file->count; i++) {
        const entry *e = &file->entries[i];
        if (e->begin != at)
            return FORMAT_FAULTF(
                r, "tensor \"%s\" begins at byte %" PRIu64 " of the data, %s %" PRIu64,
                e->array.name, e->begin,
                e->begin < at ? "overlapping one that ends at" : "leaving a gap from", at);
        at = e->end;
    }
    if (at != data_size(r))
        return FORMAT_FAULTF(r, "%" PRIu64 " bytes of data belong to no tensor", data_size(r) - at);
    return CLADE_OK;
}

static clade_status parse_entries(clade_safetensors *file, const reader *r)
{
    size_t keys = json_object_size(file->header);
    file->entries = clade_calloc(keys, sizeof *file->entries);
    if (!file->entries)
        return CLADE_ERR_OUT_OF_MEMORY;
    const char *name;
    json_t *value;
    json_object_foreach(file->header, name, value)
    {
        if (!strcmp(name, SAFETENSORS_METADATA))
            CLADE_TRY(check_metadata(r, value));
        else
            CLADE_TRY(parse_entry(&file->entries[file->count++], r, name, value));
    }
    return check_cover(file, r);
}

static size_t aligned(uint64_t bytes)
{
    return (size_t)((bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
}

/* What the header says is proven by now: the data is as long as the file. */
static clade_status read_data(clade_safetensors *file, const reader *r)
{
    size_t total = 0;
    for (size_t i = 0; i < file->count; i++)
        total += aligned(file->entries[i].end - file->entries[i].begin);
    file->data = clade_realloc(NULL, total, 1);
    if (!file->data)
        return CLADE_ERR_OUT_OF_MEMORY;
    unsigned char *to = file->data;
    for (size_t i = 0; i < file->count; i++) {
        entry *e = &file->entries[i];
        CLADE_TRY(read_bytes(r, to, (size_t)(e->end - e->begin)));
        e->array.data = to;
        to += aligned(e->end - e->begin);
    }
    return CLADE_OK;
}

static clade_status read_file(clade_safetensors *file, reader *r)
{
    CLADE_TRY(read_header(&file->header, r));
    CLADE_TRY(parse_entries(file, r));
    return read_data(file, r);
}

clade_status clade_safetensors_read(clade_safetensors **out, const char *path)
{
    if (!out || !path)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "safetensors_read: %s is NULL", out ? "path" : "out");
    *out = NULL;
    reader r = {.path = path};
    CLADE_TRY(clade_file_open(&r.fd, &r.file_size, path));
    clade_safetensors *file = clade_calloc(1, sizeof *file);
    clade_status status = file ? read_file(file, &r) : CLADE_ERR_OUT_OF_MEMORY;
    close(r.fd);
    if (status == CLADE_OK)
        *out = file;
    else
        clade_safetensors_free(&file);
    return status;
}

void clade_safetensors_free(clade_safetensors **file)
{
    if (!file || !*file)
        return;
    json_decref((*file)->header);
    clade_free((*file)->entries);
    clade_free((*file)->data);
    clade_free(*file);
    *file = NULL;
}

size_t clade_safetensors_count(const clade_safetensors *file)
{
    return file ? file->count : 0;
}

const clade_array *clade_safetensors_get(const clade_safetensors *file, size_t index)
{
    return file && index < file->count ? &file->entries[index].array : NULL;
}

const clade_array *clade_safetensors_find(const clade_safetensors *file, const char *name)
{
    for (size_t i = 0; file && name && i < file->count; i++)
        if (!strcmp(file->entries[i].array.name, name))
            return &file->entries[i].array;
    return NULL;
}

const char *clade_safetensors_metadata(const clade_safetensors *file, const char *key)
{
    if (!file || !key)
        return NULL;
    return json_string_value(
        json_object_get(json_object_get(file->header, SAFETENSORS_METADATA), key));
}

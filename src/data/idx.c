#include <clade/data.h>

#include "base/alloc.h"
#include "base/error.h"
#include "data/byte_source.h"

#define TYPE_UINT8 0x08
#define MAX_DIMS   4

/* 0, 0, the type, the number of dimensions, and each of them as four bytes, big-endian. */
static clade_status read_header(clade_idx *idx, clade_byte_source *source, const char *path)
{
    unsigned char magic[4];
    CLADE_TRY(clade_byte_source_read(source, magic, sizeof magic));
    if (magic[0] || magic[1])
        return CLADE_FAIL(CLADE_ERR_FORMAT, "%s: begins with %02x %02x, no IDX file", path,
                          magic[0], magic[1]);
    if (magic[2] != TYPE_UINT8)
        return CLADE_FAIL(CLADE_ERR_FORMAT, "%s: elements of type 0x%02x, not 0x08 (bytes)", path,
                          magic[2]);
    if (magic[3] < 1 || magic[3] > MAX_DIMS)
        return CLADE_FAIL(CLADE_ERR_FORMAT, "%s: %d dimensions, not 1 to %d", path, magic[3],
                          MAX_DIMS);
    idx->ndim = magic[3];
    for (int i = 0; i < idx->ndim; i++) {
        unsigned char dim[4];
        CLADE_TRY(clade_byte_source_read(source, dim, sizeof dim));
        idx->dim[i] = (int64_t)dim[0] << 24 | dim[1] << 16 | dim[2] << 8 | dim[3];
    }
    return CLADE_OK;
}

/* The product of the dimensions, no more than the file can hold. */
static clade_status check_size(clade_idx *idx, const clade_byte_source *source, const char *path)
{
    uint64_t bound = clade_byte_source_bound(source), size = 1;
    if (bound > PTRDIFF_MAX)
        bound = PTRDIFF_MAX;
    for (int i = 0; i < idx->ndim; i++)
        if (idx->dim[i] == 0)
            size = 0;
    for (int i = 0; i < idx->ndim && size; i++) {
        if (size > bound / (uint64_t)idx->dim[i])
            return CLADE_FAIL(
                CLADE_ERR_FORMAT,
                "%s: truncated: its header declares more bytes than the file can hold", path);
        size *= (uint64_t)idx->dim[i];
    }
    idx->size = (size_t)size;
    return CLADE_OK;
}

static clade_status load(clade_idx *idx, clade_byte_source *source, const char *path)
{
    CLADE_TRY(read_header(idx, source, path));
    CLADE_TRY(check_size(idx, source, path));
    idx->data = clade_realloc(NULL, idx->size, 1);
    if (!idx->data)
        return CLADE_ERR_OUT_OF_MEMORY;
    CLADE_TRY(clade_byte_source_read(source, idx->data, idx->size));
    return clade_byte_source_end(source);
}

clade_status clade_idx_load(clade_idx **out, const char *path)
{
    if (!out || !path)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "idx_load: %s is NULL", out ? "path" : "out");
    *out = NULL;
    clade_byte_source *source;
    CLADE_TRY(clade_byte_source_open(&source, path));
    clade_idx *idx = clade_calloc(1, sizeof *idx);
    clade_status status = idx ? load(idx, source, path) : CLADE_ERR_OUT_OF_MEMORY;
    clade_byte_source_close(&source);
    if (status != CLADE_OK)
        clade_idx_free(&idx);
    *out = idx;
    return status;
}

void clade_idx_free(clade_idx **idx)
{
    if (!idx || !*idx)
        return;
    clade_free((*idx)->data);
    clade_free(*idx);
    *idx = NULL;
}

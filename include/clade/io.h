/* Arrays in files, on the host: safetensors and pictures.
 *
 * Readers treat every file as hostile; see data.h for the rules.
 *
 * Thread-safety: independent calls may run at once; an open file belongs to one thread at a time.
 */
#ifndef CLADE_IO_H
#define CLADE_IO_H

#include <clade/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- safetensors ------------------------------------------------------------------------------ */
/* One array: name, dtype, shape, and row-major little-endian data of numel * dtype size bytes. */
typedef struct clade_array {
    const char *name;
    clade_dtype dtype;
    clade_shape shape;
    const void *data;
} clade_array;

/* Writes arrays so that safetensors.torch.load_file reads them. Names must be unique, not empty and
 * UTF-8, and not "__metadata__". metadata: `metadata_count` pairs key, value (may be NULL, 0).
 * Written to a temporary file beside `path` and renamed; on failure path is as it was. A path that
 * exists and is not a regular file is CLADE_ERR_IO. */
CLADE_API clade_status clade_safetensors_write(const char *path, const clade_array *arrays,
                                               size_t count, const char *const *metadata,
                                               size_t metadata_count);

typedef struct clade_safetensors clade_safetensors;

/* Reads a whole file of dtypes F32, F64, I32, U8, F16 and BF16 and checks it: header length at most
 * 100,000,000 and within the file, no duplicate keys, known dtypes, shapes that match their byte
 * ranges, ranges that cover the data exactly once. Freed with clade_safetensors_free.
 * Errors: CLADE_ERR_IO, CLADE_ERR_FORMAT, CLADE_ERR_OUT_OF_MEMORY. */
CLADE_API CLADE_NODISCARD clade_status clade_safetensors_read(clade_safetensors **out,
                                                              const char *path);
CLADE_API void clade_safetensors_free(clade_safetensors **file);
CLADE_API size_t clade_safetensors_count(const clade_safetensors *file);
/* Borrowed from the file, in the order of their data, which is aligned for its dtype; NULL when out
 * of range. */
CLADE_API const clade_array *clade_safetensors_get(const clade_safetensors *file, size_t index);
/* Borrowed; NULL when there is none of that name (without an error). */
CLADE_API const clade_array *clade_safetensors_find(const clade_safetensors *file,
                                                    const char *name);
/* Value of a metadata key, borrowed; NULL when there is none. */
CLADE_API const char *clade_safetensors_metadata(const clade_safetensors *file, const char *key);

/* --- pictures --------------------------------------------------------------------------------- */
/* A grey picture, one byte a pixel, row-major, 0 black. */
typedef struct clade_image {
    int64_t rows, cols;
    uint8_t *data;
} clade_image;

/* Reads a PNG of any colour type as grey (transparency on black). At most 16,384 pixels a side.
 * *out is freed with clade_image_free.
 * Errors: CLADE_ERR_IO, CLADE_ERR_FORMAT, CLADE_ERR_UNSUPPORTED (a build without libpng). */
CLADE_API CLADE_NODISCARD clade_status clade_png_load(clade_image **out, const char *path);
CLADE_API void clade_image_free(clade_image **image);

#ifdef __cplusplus
}
#endif
#endif

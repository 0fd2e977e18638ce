/* What reading and writing safetensors share: 8 bytes of header length (little-endian), a JSON
 * object {"name": {"dtype", "shape", "data_offsets": [begin, end]}, ..., "__metadata__": {...}},
 * then the data. */
#ifndef CLADE_IO_SAFETENSORS_H
#define CLADE_IO_SAFETENSORS_H

#include <clade/tensor.h>

#define SAFETENSORS_LENGTH_SIZE 8
#define SAFETENSORS_MAX_HEADER  100000000
#define SAFETENSORS_METADATA    "__metadata__"

static inline const char *safetensors_dtype_name(clade_dtype dtype)
{
    static const char *const names[CLADE_DTYPE_COUNT] = {
        [CLADE_F32] = "F32", [CLADE_F64] = "F64", [CLADE_I32] = "I32",
        [CLADE_U8] = "U8",   [CLADE_F16] = "F16", [CLADE_BF16] = "BF16"};
    return names[dtype];
}

#endif

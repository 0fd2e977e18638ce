#include <clade/tensor.h>

static const struct {
    const char *name;
    size_t size;
    bool is_float;
} dtypes[CLADE_DTYPE_COUNT] = {
    [CLADE_F32] = {"f32", 4, true},  [CLADE_F64] = {"f64", 8, true},
    [CLADE_I32] = {"i32", 4, false}, [CLADE_U8] = {"u8", 1, false},
    [CLADE_F16] = {"f16", 2, true},  [CLADE_BF16] = {"bf16", 2, true},
};

static bool is_dtype(clade_dtype dtype)
{
    return (int)dtype >= 0 && (int)dtype < CLADE_DTYPE_COUNT;
}

size_t clade_dtype_size(clade_dtype dtype)
{
    return is_dtype(dtype) ? dtypes[dtype].size : 0;
}

const char *clade_dtype_name(clade_dtype dtype)
{
    return is_dtype(dtype) ? dtypes[dtype].name : "?";
}

bool clade_dtype_is_float(clade_dtype dtype)
{
    return is_dtype(dtype) && dtypes[dtype].is_float;
}

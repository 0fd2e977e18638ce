#include "accumulate.h"

clade_status accumulator_create(clade_tensor **out, clade_context *ctx, clade_dtype dtype)
{
    clade_status status = clade_tensor_create(out, ctx, dtype, clade_shape_scalar());
    return status == CLADE_OK ? clade_tensor_fill(*out, 0) : status;
}

clade_status accumulate(clade_tensor *total, clade_tensor *value)
{
    clade_tensor *sum = clade_add(total, value);
    return sum ? clade_tensor_copy(total, sum) : clade_last_error()->status;
}

clade_status accumulator_take(clade_tensor *total, double *out)
{
    clade_status status = clade_tensor_item(total, out);
    return status == CLADE_OK ? clade_tensor_fill(total, 0) : status;
}

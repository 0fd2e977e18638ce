#include "tensor/transfer.h"
#include "tensor/elementwise.h"

#include <clade/precision.h>

#include "base/shape.h"
#include "runtime/record.h"

static const clade_expression copy_expression = {"copy", "a", "a"};
static const clade_expression fill_expression = {"fill", "p0", ""};

clade_status clade_tensor_assign(clade_tensor *dst, const clade_tensor *src)
{
    size_t size = clade_dtype_size(dst->dtype);
    /* A recorded copy is a kernel, so that it can be fused with what made its source. */
    if (!clade_runtime_is_recording(clade_tensor_runtime(dst)) && dst->dtype == src->dtype &&
        dst->numel == src->numel && dst->storage != src->storage &&
        clade_tensor_is_contiguous(dst) && clade_tensor_is_contiguous(src)) {
        clade_tensor_touch(dst);
        return clade_buffer_copy(dst->storage->buffer, (size_t)dst->offset * size,
                                 src->storage->buffer, (size_t)src->offset * size,
                                 (size_t)dst->numel * size);
    }
    clade_tensor *inputs[1] = {(clade_tensor *)src};
    clade_dtype compute =
        dst->dtype == CLADE_F64 || src->dtype == CLADE_F64 ? CLADE_F64 : CLADE_F32;
    return clade_elementwise(&copy_expression, compute, dst, inputs, 1, NULL, 0);
}

clade_tensor *clade_tensor_compact(clade_tensor *t)
{
    if (clade_tensor_is_contiguous(t))
        return clade_tensor_ref(t);
    clade_tensor *copy = clade_tensor_new(t->ctx, t->dtype, &t->shape, "contiguous");
    if (copy && clade_tensor_assign(copy, t) != CLADE_OK) {
        clade_tensor_unref(copy);
        return NULL;
    }
    return copy;
}

/* Views with strides of 0 hold fewer elements than they show: which value would stay is undefined.
 */
static clade_status check_writable(const clade_tensor *t, const char *what)
{
    for (int i = 0; i < t->shape.ndim; i++)
        if (t->numel && t->shape.dim[i] > 1 && t->stride[i] == 0)
            return CLADE_FAIL(CLADE_ERR_ARGUMENT,
                              "%s: the target %s is an expanded view; write to its base", what,
                              clade_shape_str(&t->shape).s);
    return CLADE_OK;
}

static clade_status check_transfer(const clade_tensor *t, const void *data, size_t bytes,
                                   const char *what)
{
    if (!t)
        return clade_error_null(what, "tensor");
    if (!data)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: data is NULL", what);
    size_t expected = (size_t)t->numel * clade_dtype_size(t->dtype);
    if (bytes != expected)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "%s: %zu bytes given, %s of %s has %zu", what, bytes,
                          clade_dtype_name(t->dtype), clade_shape_str(&t->shape).s, expected);
    return CLADE_OK;
}

clade_status clade_tensor_write(clade_tensor *t, const void *data, size_t bytes)
{
    CLADE_TRY(check_transfer(t, data, bytes, "tensor_write"));
    CLADE_TRY(check_writable(t, "tensor_write"));
    if (clade_tensor_is_contiguous(t)) {
        size_t offset = (size_t)t->offset * clade_dtype_size(t->dtype);
        CLADE_TRY(clade_buffer_write(t->storage->buffer, offset, bytes, data));
        clade_tensor_touch(t);
        return CLADE_OK;
    }
    clade_tensor *staging = clade_tensor_new(t->ctx, t->dtype, &t->shape, "tensor_write");
    if (!staging)
        return clade_last_error()->status;
    clade_status status = clade_buffer_write(staging->storage->buffer, 0, bytes, data);
    if (status == CLADE_OK)
        status = clade_tensor_assign(t, staging);
    clade_tensor_unref(staging);
    return status;
}

clade_status clade_tensor_read(const clade_tensor *t, void *data, size_t bytes)
{
    CLADE_TRY(check_transfer(t, data, bytes, "tensor_read"));
    clade_tensor *compact = clade_tensor_compact((clade_tensor *)t);
    if (!compact)
        return clade_last_error()->status;
    clade_status status =
        clade_buffer_read(compact->storage->buffer,
                          (size_t)compact->offset * clade_dtype_size(t->dtype), bytes, data);
    clade_tensor_unref(compact);
    return status;
}

clade_status clade_tensor_item(const clade_tensor *t, double *out)
{
    if (!t)
        return clade_error_null("tensor_item", "tensor");
    if (!out)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "tensor_item: out is NULL");
    if (t->numel != 1)
        return CLADE_FAIL(CLADE_ERR_SHAPE, "tensor_item: %s has %lld elements, not one",
                          clade_shape_str(&t->shape).s, (long long)t->numel);
    double bits;
    CLADE_TRY(clade_tensor_read(t, &bits, clade_dtype_size(t->dtype)));
    *out = clade_dtype_get(t->dtype, &bits, 0);
    return CLADE_OK;
}

/* Whether both use one memory, and element i of dst may lie where another element of src is. */
static bool may_clobber(const clade_tensor *dst, const clade_tensor *src)
{
    if (dst->storage != src->storage)
        return false;
    int64_t stride[CLADE_MAX_DIMS];
    clade_tensor_expanded_strides(src, &dst->shape, stride);
    for (int i = 0; i < dst->shape.ndim; i++)
        if (dst->shape.dim[i] > 1 && stride[i] != dst->stride[i])
            return true;
    return dst->offset != src->offset;
}

clade_status clade_tensor_copy(clade_tensor *dst, const clade_tensor *src)
{
    if (!dst || !src)
        return clade_error_null("tensor_copy", dst ? "src" : "dst");
    if (dst->ctx != src->ctx)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "tensor_copy: the tensors have different contexts");
    if (!clade_shape_expands_to(&src->shape, &dst->shape))
        return CLADE_FAIL(CLADE_ERR_SHAPE, "tensor_copy: %s does not broadcast to %s",
                          clade_shape_str(&src->shape).s, clade_shape_str(&dst->shape).s);
    CLADE_TRY(check_writable(dst, "tensor_copy"));
    if (!may_clobber(dst, src))
        return clade_tensor_assign(dst, src);
    clade_tensor *apart = clade_tensor_new(src->ctx, src->dtype, &src->shape, "tensor_copy");
    if (!apart)
        return clade_last_error()->status;
    clade_status status = clade_tensor_assign(apart, src);
    if (status == CLADE_OK)
        status = clade_tensor_assign(dst, apart);
    clade_tensor_unref(apart);
    return status;
}

clade_status clade_tensor_fill(clade_tensor *t, double value)
{
    if (!t)
        return clade_error_null("tensor_fill", "tensor");
    CLADE_TRY(check_writable(t, "tensor_fill"));
    return clade_elementwise(&fill_expression, t->dtype, t, NULL, 0, &value, 1);
}

#include "tensor/tensor.h"

#include "base/alloc.h"
#include "base/shape.h"

#include <inttypes.h>
#include <string.h>

static void storage_unref(clade_storage *storage)
{
    if (--storage->refs)
        return;
    clade_buffer_free(&storage->buffer);
    clade_free(storage);
}

static clade_storage *storage_new(clade_context *ctx, size_t bytes)
{
    clade_storage *storage = clade_calloc(1, sizeof *storage);
    if (storage && clade_buffer_create(&storage->buffer, ctx->runtime, bytes) != CLADE_OK) {
        clade_free(storage);
        return NULL;
    }
    if (storage)
        storage->refs = 1;
    return storage;
}

static clade_status check_meta(const clade_context *ctx, clade_dtype dtype,
                               const clade_shape *shape, const char *what)
{
    if (!clade_dtype_size(dtype))
        return CLADE_FAIL(CLADE_ERR_DTYPE, "%s: %d is no dtype", what, (int)dtype);
    if (clade_shape_numel(shape) < 0)
        return CLADE_FAIL(CLADE_ERR_SHAPE,
                          "%s: bad shape %s: at most %d dimensions, none negative, fewer than 2^31 "
                          "elements",
                          what, clade_shape_str(shape).s, CLADE_MAX_DIMS);
    const clade_device_info *device = clade_runtime_device(ctx->runtime);
    if (dtype == CLADE_F64 && !device->has_f64)
        return CLADE_FAIL(CLADE_ERR_UNSUPPORTED, "%s: device %s has no f64", what, device->name);
    return CLADE_OK;
}

clade_tensor *clade_tensor_new(clade_context *ctx, clade_dtype dtype, const clade_shape *shape,
                               const char *what)
{
    if (check_meta(ctx, dtype, shape, what) != CLADE_OK)
        return NULL;
    clade_tensor *t = clade_calloc(1, sizeof *t);
    if (!t)
        return NULL;
    *t = (clade_tensor){.ctx = ctx, .refs = 1, .dtype = dtype, .shape = *shape};
    t->numel = clade_shape_numel(shape);
    clade_shape_strides(shape, t->stride);
    t->storage = storage_new(ctx, (size_t)t->numel * clade_dtype_size(dtype));
    if (!t->storage) {
        clade_free(t);
        return NULL;
    }
    return t;
}

clade_tensor *clade_tensor_new_view(const clade_tensor *base, const clade_shape *shape,
                                    const int64_t *stride, int64_t offset)
{
    clade_tensor *t = clade_calloc(1, sizeof *t);
    if (!t)
        return NULL;
    *t = (clade_tensor){.ctx = base->ctx,
                        .refs = 1,
                        .dtype = base->dtype,
                        .shape = *shape,
                        .offset = offset,
                        .numel = clade_shape_numel(shape),
                        .storage = base->storage};
    memcpy(t->stride, stride, (size_t)shape->ndim * sizeof *stride);
    t->storage->refs++;
    return t;
}

void clade_tensor_rebind(clade_tensor *t, const clade_tensor *base)
{
    base->storage->refs++;
    storage_unref(t->storage);
    t->storage = base->storage;
}

clade_tensor *clade_tensor_ref(clade_tensor *t)
{
    t->refs++;
    return t;
}

void clade_tensor_unref(clade_tensor *t)
{
    if (!t || --t->refs)
        return;
    clade_tensor_unref(t->grad);
    while (t->hooks) {
        clade_hook *hook = t->hooks;
        t->hooks = hook->next;
        clade_free(hook);
    }
    storage_unref(t->storage);
    clade_free(t);
}

void clade_tensor_expanded_strides(const clade_tensor *t, const clade_shape *shape, int64_t *stride)
{
    int lead = shape->ndim - t->shape.ndim;
    for (int i = 0; i < shape->ndim; i++)
        stride[i] = i < lead || t->shape.dim[i - lead] == 1 ? 0 : t->stride[i - lead];
}

clade_status clade_tensor_create(clade_tensor **out, clade_context *ctx, clade_dtype dtype,
                                 clade_shape shape)
{
    if (!out || !ctx)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "tensor_create: %s is NULL", out ? "ctx" : "out");
    *out = clade_tensor_new(ctx, dtype, &shape, "tensor_create");
    return *out ? CLADE_OK : clade_last_error()->status;
}

clade_status clade_tensor_from_host(clade_tensor **out, clade_context *ctx, clade_dtype dtype,
                                    clade_shape shape, const void *data)
{
    if (!data)
        return CLADE_FAIL(CLADE_ERR_ARGUMENT, "tensor_from_host: data is NULL");
    CLADE_TRY(clade_tensor_create(out, ctx, dtype, shape));
    clade_status status =
        clade_tensor_write(*out, data, (size_t)(*out)->numel * clade_dtype_size(dtype));
    if (status != CLADE_OK)
        clade_tensor_free(out);
    return status;
}

void clade_tensor_free(clade_tensor **t)
{
    if (!t)
        return;
    clade_tensor_unref(*t);
    *t = NULL;
}

clade_tensor *clade_tensor_retain(clade_tensor *t)
{
    return t ? clade_tensor_ref(t) : NULL;
}

clade_context *clade_tensor_context(const clade_tensor *t)
{
    return t->ctx;
}

clade_dtype clade_tensor_dtype(const clade_tensor *t)
{
    return t->dtype;
}

clade_shape clade_tensor_shape(const clade_tensor *t)
{
    return t->shape;
}

int clade_tensor_ndim(const clade_tensor *t)
{
    return t->shape.ndim;
}

int64_t clade_tensor_dim(const clade_tensor *t, int axis)
{
    axis = clade_shape_axis(&t->shape, axis);
    return axis < 0 ? -1 : t->shape.dim[axis];
}

int64_t clade_tensor_numel(const clade_tensor *t)
{
    return t->numel;
}

int64_t clade_tensor_stride(const clade_tensor *t, int axis)
{
    axis = clade_shape_axis(&t->shape, axis);
    return axis < 0 ? 0 : t->stride[axis];
}

bool clade_tensor_is_contiguous(const clade_tensor *t)
{
    int64_t step = 1;
    for (int i = t->shape.ndim - 1; i >= 0; i--) {
        if (t->shape.dim[i] != 1 && t->stride[i] != step)
            return t->numel == 0;
        step *= t->shape.dim[i];
    }
    return true;
}

/* Bytes between host and device, and on the device. Ranges are checked against the size that was
 * asked for, not the size class, so that a wrong offset above is found here. */
#include "runtime/cl_internal.h"
#include "runtime/record.h"

#include <string.h>

#include "base/alloc.h"

static clade_status check_range(const char *what, const clade_buffer *buffer, size_t offset,
                                size_t bytes)
{
    if (offset <= buffer->size && bytes <= buffer->size - offset)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_INTERNAL, "%s: %zu bytes at offset %zu of a buffer of %zu", what,
                      bytes, offset, buffer->size);
}

/* What the host does between commands, a replay cannot repeat. */
static clade_status check_not_recorded(const char *what, const clade_buffer *buffer)
{
    if (!buffer->rt->recording)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_STATE, "%s: the host cannot take part in a recorded step", what);
}

/* A blocking write waits for all that is queued before it. Small ones go through memory of the
 * runtime's own instead, so that the host may go on. */
#define STAGING_BYTES (64 << 10)

void clade_staging_free(clade_staging *staging)
{
    for (int i = 0; i < CLADE_STAGING_SLOTS; i++) {
        if (staging->event[i])
            clReleaseEvent(staging->event[i]);
        clade_free(staging->data[i]);
    }
}

/* A slot whose last write is over. */
static clade_status take_slot(clade_staging *staging, unsigned *slot)
{
    unsigned i = staging->next;
    if (!staging->data[i])
        staging->data[i] = clade_calloc(STAGING_BYTES, 1);
    if (!staging->data[i])
        return CLADE_ERR_OUT_OF_MEMORY;
    if (staging->event[i]) {
        cl_int code = clWaitForEvents(1, &staging->event[i]);
        clReleaseEvent(staging->event[i]);
        staging->event[i] = NULL;
        if (code != CL_SUCCESS)
            return clade_cl_fail(code, "clWaitForEvents");
    }
    staging->next = (i + 1) % CLADE_STAGING_SLOTS;
    *slot = i;
    return CLADE_OK;
}

static clade_status write_small(clade_buffer *buffer, size_t offset, size_t bytes, const void *data)
{
    clade_staging *staging = &buffer->rt->staging;
    unsigned slot = 0;
    CLADE_TRY(take_slot(staging, &slot));
    memcpy(staging->data[slot], data, bytes);
    cl_int code = clEnqueueWriteBuffer(buffer->rt->queue, buffer->mem, CL_FALSE, offset, bytes,
                                       staging->data[slot], 0, NULL, &staging->event[slot]);
    if (code == CL_SUCCESS)
        return CLADE_OK;
    staging->event[slot] = NULL;
    return clade_cl_fail(code, "clEnqueueWriteBuffer(%zu)", bytes);
}

clade_status clade_buffer_write(clade_buffer *buffer, size_t offset, size_t bytes, const void *data)
{
    CLADE_TRY(check_range("buffer_write", buffer, offset, bytes));
    if (bytes == 0)
        return CLADE_OK;
    CLADE_TRY(check_not_recorded("a write of host memory", buffer));
    if (bytes <= STAGING_BYTES)
        return write_small(buffer, offset, bytes, data);
    cl_int code = clEnqueueWriteBuffer(buffer->rt->queue, buffer->mem, CL_TRUE, offset, bytes, data,
                                       0, NULL, NULL);
    return code == CL_SUCCESS ? CLADE_OK : clade_cl_fail(code, "clEnqueueWriteBuffer(%zu)", bytes);
}

clade_status clade_buffer_read(clade_buffer *buffer, size_t offset, size_t bytes, void *data)
{
    CLADE_TRY(check_range("buffer_read", buffer, offset, bytes));
    if (bytes == 0)
        return CLADE_OK;
    CLADE_TRY(check_not_recorded("a read to host memory", buffer));
    cl_int code = clEnqueueReadBuffer(buffer->rt->queue, buffer->mem, CL_TRUE, offset, bytes, data,
                                      0, NULL, NULL);
    return code == CL_SUCCESS ? CLADE_OK : clade_cl_fail(code, "clEnqueueReadBuffer(%zu)", bytes);
}

clade_status clade_buffer_copy(clade_buffer *dst, size_t dst_offset, clade_buffer *src,
                               size_t src_offset, size_t bytes)
{
    CLADE_TRY(check_range("buffer_copy to", dst, dst_offset, bytes));
    CLADE_TRY(check_range("buffer_copy from", src, src_offset, bytes));
    if (bytes == 0)
        return CLADE_OK;
    if (dst == src && dst_offset < src_offset + bytes && src_offset < dst_offset + bytes)
        return CLADE_FAIL(CLADE_ERR_INTERNAL, "buffer_copy: %zu bytes at %zu and %zu overlap",
                          bytes, src_offset, dst_offset);
    clade_copy_command copy = {dst, src, dst_offset, src_offset, bytes};
    CLADE_TRY(clade_record_copy(dst->rt, &copy));
    if (dst->rt->capture)
        return clade_prepared_add_copy(dst->rt->capture, &copy);
    cl_int code = clEnqueueCopyBuffer(dst->rt->queue, src->mem, dst->mem, src_offset, dst_offset,
                                      bytes, 0, NULL, NULL);
    return code == CL_SUCCESS ? CLADE_OK : clade_cl_fail(code, "clEnqueueCopyBuffer(%zu)", bytes);
}

clade_status clade_buffer_fill(clade_buffer *buffer, size_t offset, size_t bytes,
                               const void *pattern, size_t pattern_size)
{
    CLADE_TRY(check_range("buffer_fill", buffer, offset, bytes));
    if (pattern_size == 0 || pattern_size > 16 || (pattern_size & (pattern_size - 1)) ||
        offset % pattern_size || bytes % pattern_size)
        return CLADE_FAIL(CLADE_ERR_INTERNAL,
                          "buffer_fill: a pattern of %zu bytes for %zu bytes at offset %zu",
                          pattern_size, bytes, offset);
    if (bytes == 0)
        return CLADE_OK;
    clade_fill_command fill = {buffer, offset, bytes, pattern_size, {0}};
    memcpy(fill.pattern, pattern, pattern_size);
    CLADE_TRY(clade_record_fill(buffer->rt, &fill));
    if (buffer->rt->capture)
        return clade_prepared_add_fill(buffer->rt->capture, &fill);
    cl_int code = clEnqueueFillBuffer(buffer->rt->queue, buffer->mem, pattern, pattern_size, offset,
                                      bytes, 0, NULL, NULL);
    return code == CL_SUCCESS ? CLADE_OK : clade_cl_fail(code, "clEnqueueFillBuffer(%zu)", bytes);
}

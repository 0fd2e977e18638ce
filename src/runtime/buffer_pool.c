/* Device memory in size classes, four per power of two: at most a quarter of a buffer is unused,
 * and a freed buffer serves any later request of its class. */
#include "runtime/cl_internal.h"

#include "base/alloc.h"

#define SMALLEST_LOG2 9
#define STEPS_LOG2    2
#define STEPS         (1 << STEPS_LOG2)

/* Class c = STEPS * octave + step holds (STEPS + step) * 2^(octave + SMALLEST_LOG2 - STEPS_LOG2)
 * bytes. -1 when there is none that large. */
static int size_class(size_t bytes, size_t *class_bytes)
{
    size_t unit = (size_t)1 << (SMALLEST_LOG2 - STEPS_LOG2);
    int octave = 0;
    while (bytes > 2 * STEPS * unit && STEPS * octave < CLADE_POOL_CLASSES) {
        unit *= 2;
        octave++;
    }
    size_t units = (bytes + unit - 1) / unit;
    if (units < STEPS)
        units = STEPS;
    int c = STEPS * octave + (int)(units - STEPS);
    if (c >= CLADE_POOL_CLASSES)
        return -1;
    *class_bytes = units * unit;
    return c;
}

static void release(clade_buffer *buffer)
{
    clReleaseMemObject(buffer->mem);
    clade_free(buffer);
}

clade_status clade_runtime_trim(clade_runtime *rt)
{
    clade_pool *pool = &rt->pool;
    if (pool->stats.cached_bytes == 0)
        return CLADE_OK;
    /* A driver keeps the memory of a released buffer while queued kernels use it. */
    CLADE_TRY(clade_runtime_finish(rt));
    for (int c = 0; c < CLADE_POOL_CLASSES; c++) {
        while (pool->free[c]) {
            clade_buffer *buffer = pool->free[c];
            pool->free[c] = buffer->next;
            release(buffer);
        }
    }
    pool->stats.cached_bytes = 0;
    return CLADE_OK;
}

void clade_runtime_memory(const clade_runtime *rt, clade_memory_stats *out)
{
    *out = rt->pool.stats;
}

static clade_status allocate(clade_buffer *buffer)
{
    clade_runtime *rt = buffer->rt;
    cl_int code;
    buffer->mem = clCreateBuffer(rt->context, CL_MEM_READ_WRITE, buffer->capacity, NULL, &code);
    if (!buffer->mem && clade_cl_status(code) == CLADE_ERR_OUT_OF_MEMORY) {
        clade_logger_write(&rt->log, CLADE_LOG_DEBUG,
                           "out of device memory: emptying the cache of %llu bytes",
                           (unsigned long long)rt->pool.stats.cached_bytes);
        CLADE_TRY(clade_runtime_trim(rt));
        buffer->mem = clCreateBuffer(rt->context, CL_MEM_READ_WRITE, buffer->capacity, NULL, &code);
    }
    if (!buffer->mem)
        return clade_cl_fail(code, "clCreateBuffer(%zu bytes, %llu in use)", buffer->capacity,
                             (unsigned long long)rt->pool.stats.live_bytes);
    rt->pool.stats.allocations++;
    clade_logger_write(&rt->log, CLADE_LOG_DEBUG, "new device buffer of %zu bytes",
                       buffer->capacity);
    return CLADE_OK;
}

static clade_status create_new(clade_buffer **out, clade_runtime *rt, size_t capacity, int c)
{
    clade_buffer *buffer = clade_calloc(1, sizeof *buffer);
    if (!buffer)
        return CLADE_ERR_OUT_OF_MEMORY;
    buffer->rt = rt;
    buffer->capacity = capacity;
    buffer->size_class = c;
    clade_status status = allocate(buffer);
    if (status != CLADE_OK) {
        clade_free(buffer);
        return status;
    }
    *out = buffer;
    return CLADE_OK;
}

clade_status clade_buffer_create(clade_buffer **out, clade_runtime *rt, size_t bytes)
{
    clade_pool *pool = &rt->pool;
    uint64_t largest = rt->info.largest_allocation_bytes;
    size_t capacity = 0;
    int c = bytes <= largest ? size_class(bytes, &capacity) : -1;
    if (c < 0)
        return CLADE_FAIL(CLADE_ERR_OUT_OF_MEMORY,
                          "a buffer of %zu bytes: %s allocates at most %llu at once", bytes,
                          rt->info.name, (unsigned long long)largest);
    /* Without the pool a buffer is exactly as long as asked for, so that checkers see its end. */
    if (pool->disabled)
        capacity = bytes ? bytes : 1;
    else if (capacity > largest)
        capacity = (size_t)largest;
    clade_buffer *buffer = pool->free[c];
    if (buffer) {
        pool->free[c] = buffer->next;
        pool->stats.cached_bytes -= buffer->capacity;
    } else {
        CLADE_TRY(create_new(&buffer, rt, capacity, c));
    }
    buffer->size = bytes;
    buffer->refs = 1;
    buffer->is_recorded = false;
    buffer->made_while_recording = rt->recording != NULL;
    buffer->next = NULL;
    pool->live_count++;
    pool->stats.live_bytes += buffer->capacity;
    if (pool->stats.peak_bytes < pool->stats.live_bytes)
        pool->stats.peak_bytes = pool->stats.live_bytes;
    *out = buffer;
    return CLADE_OK;
}

clade_buffer *clade_buffer_ref(clade_buffer *buffer)
{
    buffer->refs++;
    return buffer;
}

size_t clade_buffer_size(const clade_buffer *buffer)
{
    return buffer->size;
}

void clade_buffer_free(clade_buffer **handle)
{
    if (!handle || !*handle)
        return;
    clade_buffer *buffer = *handle;
    clade_pool *pool = &buffer->rt->pool;
    *handle = NULL;
    if (--buffer->refs)
        return;
    pool->live_count--;
    pool->stats.live_bytes -= buffer->capacity;
    if (pool->disabled) {
        release(buffer);
        return;
    }
    pool->stats.cached_bytes += buffer->capacity;
    buffer->next = pool->free[buffer->size_class];
    pool->free[buffer->size_class] = buffer;
}

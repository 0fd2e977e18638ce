#include "base/alloc.h"
#include "base/error.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_long fail_countdown;

void clade_alloc_fail_after(long n)
{
    atomic_store(&fail_countdown, n);
}

static bool injected_failure(void)
{
    return atomic_load(&fail_countdown) > 0 && atomic_fetch_sub(&fail_countdown, 1) == 1;
}

/* Total bytes of a request, at least 1 so that size 0 is a valid pointer; 0 when it must fail. */
static size_t request_bytes(size_t count, size_t size)
{
    if (injected_failure() || (size && count > SIZE_MAX / size))
        return 0;
    return count && size ? count * size : 1;
}

void *clade_realloc(void *p, size_t count, size_t size)
{
    size_t bytes = request_bytes(count, size);
    void *q = bytes ? realloc(p, bytes) : NULL;
    if (!q)
        (void)CLADE_FAIL(CLADE_ERR_OUT_OF_MEMORY, "out of host memory (%zu x %zu bytes)", count,
                         size);
    return q;
}

void *clade_calloc(size_t count, size_t size)
{
    void *p = clade_realloc(NULL, count, size);
    if (p)
        memset(p, 0, count * size);
    return p;
}

char *clade_strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *p = clade_realloc(NULL, n, 1);
    return p ? memcpy(p, s, n) : NULL;
}

void clade_free(void *p)
{
    free(p);
}

bool clade_grow(void **array, size_t *cap, size_t need, size_t size)
{
    if (need <= *cap)
        return true;
    size_t cap2 = *cap ? *cap : 8;
    while (cap2 < need)
        cap2 = cap2 > SIZE_MAX / 2 ? need : cap2 * 2;
    void *p = clade_realloc(*array, cap2, size);
    if (!p)
        return false;
    *array = p;
    *cap = cap2;
    return true;
}

char *clade_asprintf(const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    char *p = clade_realloc(NULL, (size_t)(n < 0 ? 0 : n) + 1, 1);
    if (p && n >= 0)
        vsnprintf(p, (size_t)n + 1, fmt, again);
    else if (p)
        p[0] = '\0';
    va_end(again);
    va_end(ap);
    return p;
}

/* All host memory comes through here, so that tests can fail the N-th allocation. */
#ifndef CLADE_BASE_ALLOC_H
#define CLADE_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed; NULL with the error set when memory is short or count * size overflows. Size 0 yields a
 * valid pointer. Released with clade_free (which accepts NULL). */
void *clade_calloc(size_t count, size_t size);
void *clade_realloc(void *p, size_t count, size_t size);
char *clade_strdup(const char *s);
void clade_free(void *p);

/* Grows *array (elements of `size` bytes, capacity *cap) to hold at least `need`; doubling. On
 * failure false, array untouched. */
bool clade_grow(void **array, size_t *cap, size_t need, size_t size);

/* printf into fresh memory; NULL with the error set. */
char *clade_asprintf(const char *fmt, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 1, 2)))
#endif
    ;

/* Test hook: the n-th allocation from now (1 = the next one) fails, once; 0 turns it off.
 * Process-wide. */
void clade_alloc_fail_after(long n);

#endif

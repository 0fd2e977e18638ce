/* The one error path: every failure in Clade goes through CLADE_FAIL or CLADE_FAIL_CL. */
#ifndef CLADE_BASE_ERROR_H
#define CLADE_BASE_ERROR_H

#include <clade/status.h>

#if defined(__GNUC__)
#define CLADE_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#define CLADE_PRINTF(fmt, first)
#endif

/* Records the failure for this thread and returns `status`. The message is cut at 511 bytes and
 * control characters become '?', so that it stays one line whatever a file's name holds. */
clade_status clade_error_set(clade_status status, int cl_code, const char *fmt, ...)
    CLADE_PRINTF(3, 4);

#define CLADE_FAIL(status, ...)             clade_error_set((status), 0, __VA_ARGS__)
#define CLADE_FAIL_CL(status, cl_code, ...) clade_error_set((status), (cl_code), __VA_ARGS__)

/* Forwards a failure that already set the error. */
#define CLADE_TRY(expr)                                                                            \
    do {                                                                                           \
        clade_status try_status_ = (expr);                                                         \
        if (try_status_ != CLADE_OK)                                                               \
            return try_status_;                                                                    \
    } while (0)

/* For NULL handed to a function that takes a computed tensor: keeps the first cause where there is
 * one, else records "<what>: <which> is NULL". */
clade_status clade_error_null(const char *what, const char *which);

#endif

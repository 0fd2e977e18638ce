/* Where a context's log lines go: the callback that the user gave, or nowhere. */
#ifndef CLADE_BASE_LOG_H
#define CLADE_BASE_LOG_H

#include <stdarg.h>

#include <clade/context.h>

#include "base/error.h"

typedef struct clade_logger {
    clade_log_fn fn; /* NULL: silent */
    void *user;
    clade_log_level level; /* the most detailed level that is reported */
} clade_logger;

/* One line, cut at 1023 bytes, control characters replaced by '?'. */
void clade_logger_write(const clade_logger *log, clade_log_level level, const char *fmt, ...)
    CLADE_PRINTF(3, 4);
void clade_log_va(const clade_logger *log, clade_log_level level, const char *fmt, va_list ap)
    CLADE_PRINTF(3, 0);

#endif

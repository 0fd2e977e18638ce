#include "base/log.h"

#include <stdio.h>

#define LINE_SIZE 1024

void clade_log_va(const clade_logger *log, clade_log_level level, const char *fmt, va_list ap)
{
    if (!log->fn || level > log->level)
        return;
    char line[LINE_SIZE];
    vsnprintf(line, sizeof line, fmt, ap);
    for (char *c = line; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    log->fn(log->user, level, line);
}

void clade_logger_write(const clade_logger *log, clade_log_level level, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    clade_log_va(log, level, fmt, ap);
    va_end(ap);
}

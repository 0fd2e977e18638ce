#include "base/text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

void clade_text_put(clade_text *text, const char *fmt, ...)
{
    bool room = text->used < text->size;
    va_list ap;
    va_start(ap, fmt);
    int n =
        vsnprintf(room ? text->s + text->used : NULL, room ? text->size - text->used : 0, fmt, ap);
    va_end(ap);
    if (n > 0)
        text->used += (size_t)n;
}

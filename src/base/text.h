/* Text that is put together piece by piece. */
#ifndef CLADE_BASE_TEXT_H
#define CLADE_BASE_TEXT_H

#include <stddef.h>

#include "base/error.h"

/* What does not fit is counted and left out, so that a first pass with size 0 measures. */
typedef struct clade_text {
    char *s;
    size_t size, used;
} clade_text;

void clade_text_put(clade_text *text, const char *fmt, ...) CLADE_PRINTF(2, 3);

#endif

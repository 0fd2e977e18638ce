/* The text of every file in cl/, embedded by cl/embed.py. The text has no final 0. */
#ifndef CLADE_RUNTIME_KERNEL_SOURCES_H
#define CLADE_RUNTIME_KERNEL_SOURCES_H

#include <stddef.h>

typedef struct clade_kernel_source {
    const char *name; /* the file's name without extension; "prelude" for prelude.clh */
    const unsigned char *text;
    size_t length;
} clade_kernel_source;

extern const clade_kernel_source clade_kernel_sources[];
extern const size_t clade_kernel_source_count;

/* NULL when there is none of that name. */
const clade_kernel_source *clade_kernel_source_find(const char *name);

#endif

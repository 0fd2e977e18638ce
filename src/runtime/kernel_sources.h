/* The files of cl/, embedded at build time by cl/embed.py. */
#ifndef CLADE_RUNTIME_KERNEL_SOURCES_H
#define CLADE_RUNTIME_KERNEL_SOURCES_H

#include <stddef.h>

typedef struct clade_kernel_source {
    const char *name; /* the file's name without its extension; "prelude" for prelude.clh */
    const unsigned char *text;
    size_t length;
} clade_kernel_source;

extern const clade_kernel_source clade_kernel_sources[];
extern const size_t clade_kernel_source_count;

#endif

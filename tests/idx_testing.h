/* Shared by the tests of training data: IDX files that are made up. */
#ifndef CLADE_TESTS_IDX_TESTING_H
#define CLADE_TESTS_IDX_TESTING_H

#include <clade/data.h>

#include "file_testing.h"

typedef struct content {
    size_t size;
    unsigned char bytes[1 << 16];
} content;

static inline void write_content(const char *to, const content *c)
{
    FILE *f = fopen(to, "wb");
    ck_assert_msg(f != NULL, "cannot write %s", to);
    ck_assert_uint_eq(fwrite(c->bytes, 1, c->size, f), c->size);
    ck_assert_int_eq(fclose(f), 0);
}

static inline void append(content *c, const void *data, size_t size)
{
    ck_assert_uint_le(c->size + size, sizeof c->bytes);
    memcpy(c->bytes + c->size, data, size);
    c->size += size;
}

static inline void append_header(content *c, int ndim, const uint32_t *dims)
{
    const unsigned char magic[4] = {0, 0, 8, (unsigned char)ndim};
    append(c, magic, 4);
    for (int i = 0; i < ndim; i++) {
        const unsigned char dim[4] = {(unsigned char)(dims[i] >> 24),
                                      (unsigned char)(dims[i] >> 16), (unsigned char)(dims[i] >> 8),
                                      (unsigned char)dims[i]};
        append(c, dim, 4);
    }
}

/* A file of dims with the bytes 0, 1, 2... */
static inline content idx_file(int ndim, const uint32_t *dims)
{
    content c = {.size = 0};
    append_header(&c, ndim, dims);
    size_t size = 1;
    for (int i = 0; i < ndim; i++)
        size *= dims[i];
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)i;
        append(&c, &byte, 1);
    }
    return c;
}

#endif

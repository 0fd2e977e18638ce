/* Shared by the tests of files: a temporary folder, and one file in it. */
#ifndef CLADE_TESTS_FILE_TESTING_H
#define CLADE_TESTS_FILE_TESTING_H

#include <fcntl.h>

#include "testing.h"

static char dir[256], path[300];

static inline void setup(void)
{
    make_temporary_dir(dir);
    snprintf(path, sizeof path, "%s/file", dir);
}

static inline void teardown(void)
{
    remove_tree(dir);
}

static inline void write_raw(const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(data, 1, size, f), size);
    ck_assert_int_eq(fclose(f), 0);
}

static inline size_t read_raw(unsigned char *data, size_t size)
{
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(data, 1, size, f);
    ck_assert_int_eq(fclose(f), 0);
    return n;
}

static inline void set_byte(size_t at, unsigned char value)
{
    int fd = open(path, O_WRONLY);
    ck_assert_int_eq(pwrite(fd, &value, 1, (off_t)at), 1);
    close(fd);
}

#endif

/* IDX files: made-up ones and hostile ones. */
#include <sys/stat.h>

#include "base/alloc.h"
#include "idx_testing.h"

#ifdef CLADE_HAVE_ZLIB
#include <zlib.h>
#endif

#ifdef CLADE_HAVE_ZLIB

/* One gzip member with `data` and then `zeros` more bytes, at the end of c. */
static void append_member(content *c, const unsigned char *data, size_t size, size_t zeros)
{
    static const unsigned char zero[1 << 15];
    z_stream z = {0};
    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_out = c->bytes + c->size;
    z.avail_out = (uInt)(sizeof c->bytes - c->size);
    z.next_in = (unsigned char *)data;
    z.avail_in = (uInt)size;
    ck_assert_int_eq(deflate(&z, Z_NO_FLUSH), Z_OK);
    while (zeros) {
        size_t n = zeros < sizeof zero ? zeros : sizeof zero;
        z.next_in = (unsigned char *)zero;
        z.avail_in = (uInt)n;
        ck_assert_int_eq(deflate(&z, Z_NO_FLUSH), Z_OK);
        zeros -= n;
    }
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    c->size = sizeof c->bytes - z.avail_out;
    deflateEnd(&z);
}

#endif

/* Loading must fail, with a message that begins with the file's name and holds `part`. */
static void refuses(const char *what, clade_status expected, const char *part)
{
    clade_idx *idx = (clade_idx *)path;
    clade_error_clear();
    clade_status status = clade_idx_load(&idx, path);
    const char *message = clade_last_error()->message;
    ck_assert_msg(status == expected, "%s: %s: %s", what, clade_status_name(status), message);
    ck_assert_msg(!strncmp(message, path, strlen(path)) && message[strlen(path)] == ':',
                  "%s: \"%s\" does not begin with the file's name", what, message);
    ck_assert_msg(strstr(message, part) != NULL, "%s: \"%s\" lacks \"%s\"", what, message, part);
    ck_assert_ptr_null(idx);
}

/* --- IDX -------------------------------------------------------------------------------------- */

static void expect_idx(int ndim, const uint32_t *dims)
{
    clade_idx *idx;
    ok(clade_idx_load(&idx, path));
    ck_assert_int_eq(idx->ndim, ndim);
    size_t size = 1;
    for (int i = 0; i < ndim; i++) {
        ck_assert_int_eq(idx->dim[i], dims[i]);
        size *= dims[i];
    }
    ck_assert_uint_eq(idx->size, size);
    for (size_t i = 0; i < size; i++)
        ck_assert_uint_eq(idx->data[i], (unsigned char)i);
    clade_idx_free(&idx);
    ck_assert_ptr_null(idx);
}

static const struct {
    int ndim;
    uint32_t dims[4];
} good_shapes[] = {
    {1, {300}},
    {2, {7, 9}},
    {3, {5, 28, 28}},
    {4, {2, 3, 4, 5}},
    {1, {0}},
    {3, {0, 28, 28}},
    {3, {4294967295u, 4294967295u, 0}},
};
#define GOOD_SHAPES (sizeof good_shapes / sizeof *good_shapes)

START_TEST(idx_plain)
{
    for (size_t i = 0; i < GOOD_SHAPES; i++) {
        content c = idx_file(good_shapes[i].ndim, good_shapes[i].dims);
        write_content(path, &c);
        expect_idx(good_shapes[i].ndim, good_shapes[i].dims);
    }
    clade_idx_free(NULL);
}
END_TEST

#define MAGIC(type, ndim) 0, 0, type, ndim

static const struct {
    const char *what;
    size_t size;
    unsigned char bytes[24];
    const char *part;
} hostile[] = {
    {"empty", 0, {0}, "truncated: 0 of 4 bytes"},
    {"half a magic", 3, {0, 0, 8}, "truncated: 3 of 4 bytes"},
    {"text", 8, "P5 28 28", "begins with 50 35, no IDX file"},
    {"first byte", 8, {1, 0, 8, 1, 0, 0, 0, 0}, "begins with 01 00"},
    {"second byte", 8, {0, 1, 8, 1, 0, 0, 0, 0}, "begins with 00 01"},
    {"little-endian magic", 8, {1, 8, 0, 0, 0, 0, 0, 0}, "no IDX file"},
    {"floats", 12, {MAGIC(0x0d, 1), 0, 0, 0, 1}, "type 0x0d, not 0x08"},
    {"no dimensions", 5, {MAGIC(8, 0), 7}, "0 dimensions, not 1 to 4"},
    {"five dimensions", 24, {MAGIC(8, 5)}, "5 dimensions, not 1 to 4"},
    {"255 dimensions", 24, {MAGIC(8, 255)}, "255 dimensions"},
    {"half a dimension", 6, {MAGIC(8, 1), 0, 0}, "truncated: 2 of 4 bytes"},
    {"second dimension missing", 8, {MAGIC(8, 2), 0, 0, 0, 1}, "truncated: 0 of 4 bytes"},
    {"one byte short", 10, {MAGIC(8, 1), 0, 0, 0, 3, 7, 7}, "truncated"},
    {"one byte long", 10, {MAGIC(8, 1), 0, 0, 0, 1, 7, 7}, "holds more than its header declares"},
    {"data for nothing", 9, {MAGIC(8, 1), 0, 0, 0, 0, 7}, "holds more than its header declares"},
    {"4 GiB declared", 9, {MAGIC(8, 1), 255, 255, 255, 255, 7}, "more bytes than the file can"},
    {"2^64 declared", 17, {MAGIC(8, 3), 128, 0, 0, 0, 128, 0, 0, 0, 0, 0, 0, 4}, "the file can"},
    {"2^96 declared",
     16,
     {MAGIC(8, 3), 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255},
     "the file can hold"},
};

START_TEST(idx_hostile)
{
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        content c = {.size = 0};
        append(&c, hostile[i].bytes, hostile[i].size);
        write_content(path, &c);
        refuses(hostile[i].what, CLADE_ERR_FORMAT, hostile[i].part);
    }
}
END_TEST

START_TEST(idx_not_a_file)
{
    clade_idx *idx;
    refuses("absent", CLADE_ERR_IO, "No such file");
    ck_assert_int_eq(mkdir(path, 0700), 0);
    refuses("folder", CLADE_ERR_IO, "is a folder");
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    refuses("pipe", CLADE_ERR_IO, "not a regular file");
    fails(clade_idx_load(NULL, path), CLADE_ERR_ARGUMENT, "out is NULL");
    fails(clade_idx_load(&idx, NULL), CLADE_ERR_ARGUMENT, "path is NULL");
}
END_TEST

#ifdef CLADE_HAVE_ZLIB

static const uint32_t picture[] = {5, 28, 28};

static content gzip_of(const content *c)
{
    content out = {.size = 0};
    append_member(&out, c->bytes, c->size, 0);
    return out;
}

START_TEST(idx_gzip)
{
    for (size_t i = 0; i < GOOD_SHAPES; i++) {
        content plain = idx_file(good_shapes[i].ndim, good_shapes[i].dims);
        content c = gzip_of(&plain);
        write_content(path, &c);
        expect_idx(good_shapes[i].ndim, good_shapes[i].dims);
    }
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        content c = {.size = 0};
        append_member(&c, hostile[i].bytes, hostile[i].size, 0);
        write_content(path, &c);
        refuses(hostile[i].what, CLADE_ERR_FORMAT,
                !strcmp(hostile[i].what, "one byte short") ? "2 of 3 bytes" : hostile[i].part);
    }
}
END_TEST

/* As gunzip does: the members follow each other, wherever the file was cut. */
START_TEST(gzip_members)
{
    content plain = idx_file(3, picture);
    for (size_t cut = 0; cut <= plain.size; cut += cut < 20 ? 1 : 977) {
        content c = {.size = 0};
        append_member(&c, plain.bytes, cut, 0);
        append_member(&c, plain.bytes, 0, 0);
        append_member(&c, plain.bytes + cut, plain.size - cut, 0);
        append_member(&c, plain.bytes, 0, 0);
        write_content(path, &c);
        expect_idx(3, picture);
    }
    content c = gzip_of(&plain);
    append_member(&c, plain.bytes, 1, 0);
    write_content(path, &c);
    refuses("a surplus member", CLADE_ERR_FORMAT, "holds more than its header declares");
}
END_TEST

START_TEST(gzip_garbage)
{
    content plain = idx_file(3, picture), good = gzip_of(&plain);
    static const struct {
        const char *what, *tail;
        size_t size;
        const char *part;
    } rows[] = {
        {"a zero", "\0", 1, "1 bytes of garbage follow the gzip data"},
        {"text", "hello", 5, "5 bytes of garbage follow"},
        {"half a magic", "\x1f", 1, "1 bytes of garbage follow"},
        {"a magic alone", "\x1f\x8b", 2, "truncated: the gzip data ends too early"},
        {"another method", "\x1f\x8b\x07\0\0\0\0\0\0\0", 10, "damaged gzip data"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        content c = good;
        append(&c, rows[i].tail, rows[i].size);
        write_content(path, &c);
        refuses(rows[i].what, CLADE_ERR_FORMAT, rows[i].part);
    }
}
END_TEST

/* Ten bytes declared, 20 MB there. The checksum at the end is wrong: to notice that, all would have
 * to be expanded. */
START_TEST(gzip_bomb)
{
    content head = {.size = 0}, c = {.size = 0};
    const uint32_t ten[] = {10};
    append_header(&head, 1, ten);
    append_member(&c, head.bytes, head.size, 20000000);
    c.bytes[c.size - 6] ^= 1;
    write_content(path, &c);
    refuses("bomb", CLADE_ERR_FORMAT, "holds more than its header declares");
}
END_TEST

START_TEST(gzip_truncated_everywhere)
{
    content plain = idx_file(3, picture), c = gzip_of(&plain);
    write_content(path, &c);
    for (size_t n = c.size; n-- > 0;) {
        char what[32];
        snprintf(what, sizeof what, "%zu bytes", n);
        ck_assert_int_eq(truncate(path, (off_t)n), 0);
        refuses(what, CLADE_ERR_FORMAT, n == 1 ? "truncated: 1 of 4" : "truncated");
    }
}
END_TEST

/* A changed byte is noticed, or lies where gzip keeps a date and the like. */
START_TEST(gzip_damaged_everywhere)
{
    content plain = idx_file(3, picture), c = gzip_of(&plain);
    write_content(path, &c);
    int noticed = 0;
    for (size_t at = 0; at < c.size; at++) {
        int fd = open(path, O_WRONLY);
        unsigned char value = c.bytes[at] ^ 0x10;
        ck_assert_int_eq(pwrite(fd, &value, 1, (off_t)at), 1);
        clade_idx *idx;
        clade_status status = clade_idx_load(&idx, path);
        if (status == CLADE_OK)
            ck_assert_mem_eq(idx->data, plain.bytes + 16, idx->size);
        else
            ck_assert_int_eq(status, CLADE_ERR_FORMAT);
        noticed += status != CLADE_OK;
        clade_idx_free(&idx);
        ck_assert_int_eq(pwrite(fd, &c.bytes[at], 1, (off_t)at), 1);
        close(fd);
    }
    ck_assert_int_ge(noticed, (int)c.size - 7); /* flags that mean nothing, date, origin */
}
END_TEST

#else

START_TEST(gzip_unsupported)
{
    content c = {.size = 4, .bytes = {0x1f, 0x8b, 8, 0}};
    write_content(path, &c);
    refuses("gzip", CLADE_ERR_UNSUPPORTED, "no zlib");
}
END_TEST

#endif

int main(void)
{
    const TTest *const tests[] = {
        idx_plain,
        idx_hostile,
        idx_not_a_file,
#ifdef CLADE_HAVE_ZLIB
        idx_gzip,
        gzip_members,
        gzip_garbage,
        gzip_bomb,
        gzip_truncated_everywhere,
        gzip_damaged_everywhere,
#else
        gzip_unsupported,
#endif
    };
    return run_tests("idx", tests, sizeof tests / sizeof *tests, setup, teardown);
}

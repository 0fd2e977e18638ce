/* IDX files and MNIST folders: made-up ones, hostile ones, and the subset that is shipped. */
#include <fcntl.h>
#include <sys/stat.h>

#include <clade/data.h>

#include "base/alloc.h"
#include "testing.h"

#ifdef CLADE_HAVE_ZLIB
#include <zlib.h>
#endif

static char dir[256], path[300];

static void setup(void)
{
    make_temporary_dir(dir);
    snprintf(path, sizeof path, "%s/file", dir);
}

static void teardown(void)
{
    remove_tree(dir);
}

typedef struct content {
    size_t size;
    unsigned char bytes[1 << 16];
} content;

static void write_content(const char *to, const content *c)
{
    FILE *f = fopen(to, "wb");
    ck_assert_msg(f != NULL, "cannot write %s", to);
    ck_assert_uint_eq(fwrite(c->bytes, 1, c->size, f), c->size);
    ck_assert_int_eq(fclose(f), 0);
}

static void append(content *c, const void *data, size_t size)
{
    ck_assert_uint_le(c->size + size, sizeof c->bytes);
    memcpy(c->bytes + c->size, data, size);
    c->size += size;
}

static void append_header(content *c, int ndim, const uint32_t *dims)
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

/* A file of dims with the bytes 0, 1, 2... */
static content idx_file(int ndim, const uint32_t *dims)
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

/* --- MNIST folders ---------------------------------------------------------------------------- */

static const char *const names[4] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                     "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};

static void put(const char *folder, const char *name, const content *c)
{
    char to[512];
    snprintf(to, sizeof to, "%s/%s", folder, name);
    write_content(to, c);
}

static void put_idx(const char *folder, const char *name, int ndim, uint32_t a, uint32_t b,
                    uint32_t d)
{
    const uint32_t dims[] = {a, b, d};
    content c = idx_file(ndim, dims);
    put(folder, name, &c);
}

/* 6 and 4 images of 3 x 2. */
static void make_folder(const char *folder)
{
    ck_assert(mkdir(folder, 0700) == 0);
    put_idx(folder, names[0], 3, 6, 3, 2);
    put_idx(folder, names[1], 1, 6, 0, 0);
    put_idx(folder, names[2], 3, 4, 3, 2);
    put_idx(folder, names[3], 1, 4, 0, 0);
}

START_TEST(mnist_folder)
{
    make_folder(path);
    char with_slash[310];
    snprintf(with_slash, sizeof with_slash, "%s//", path);
    clade_mnist *m;
    ok(clade_mnist_load(&m, with_slash));
    ck_assert_str_eq(m->name, "file");
    ck_assert_str_eq(m->folder, with_slash);
    ck_assert_int_eq(m->classes, 10);
    ck_assert_int_eq(m->train.count, 6);
    ck_assert_int_eq(m->test.count, 4);
    ck_assert_int_eq(m->train.rows, 3);
    ck_assert_int_eq(m->train.cols, 2);
    ck_assert_int_eq(m->test.rows, 3);
    ck_assert_int_eq(m->test.cols, 2);
    ck_assert_uint_eq(m->train.images[35], 35);
    ck_assert_uint_eq(m->test.labels[3], 3);
    clade_mnist_free(&m);
    ck_assert_ptr_null(m);
    clade_mnist_free(&m);
    clade_mnist_free(NULL);
    fails(clade_mnist_load(NULL, path), CLADE_ERR_ARGUMENT, "out is NULL");
    fails(clade_mnist_load(&m, NULL), CLADE_ERR_ARGUMENT, "folder is NULL");
}
END_TEST

/* Each row replaces one file of a good folder; its own name begins the message. */
static const struct {
    const char *what;
    int file, ndim;
    uint32_t dims[3];
    const char *part;
} misfits[] = {
    {"images of two dimensions", 0, 2, {6, 6, 0}, "2 dimensions; images have 3"},
    {"labels of three dimensions", 1, 3, {6, 1, 1}, "3 dimensions; labels have 1"},
    {"labels in place of images", 2, 1, {4, 0, 0}, "1 dimensions; images have 3"},
    {"no images", 0, 3, {0, 3, 2}, "holds no image"},
    {"images without pixels", 2, 3, {4, 0, 2}, "holds no image"},
    {"a label too many", 1, 1, {7, 0, 0}, "7 labels for 6 images"},
    {"a label too few", 3, 1, {3, 0, 0}, "3 labels for 4 images"},
    {"other images for the test",
     2,
     3,
     {4, 2, 3},
     "images of 2 x 3; those for training have 3 x 2"},
};

static void refuses_folder(const char *what, clade_status expected, const char *prefix,
                           const char *part)
{
    clade_mnist *m = (clade_mnist *)path;
    clade_error_clear();
    clade_status status = clade_mnist_load(&m, path);
    const char *message = clade_last_error()->message;
    ck_assert_msg(status == expected, "%s: %s: %s", what, clade_status_name(status), message);
    ck_assert_msg(!strncmp(message, prefix, strlen(prefix)), "%s: \"%s\" does not begin with %s",
                  what, message, prefix);
    ck_assert_msg(strstr(message, part) != NULL, "%s: \"%s\" lacks \"%s\"", what, message, part);
    ck_assert_ptr_null(m);
}

START_TEST(mnist_misfits)
{
    for (size_t i = 0; i < sizeof misfits / sizeof *misfits; i++) {
        make_folder(path);
        const uint32_t *d = misfits[i].dims;
        const char *name = names[misfits[i].file];
        put_idx(path, name, misfits[i].ndim, d[0], d[1], d[2]);
        char prefix[512];
        snprintf(prefix, sizeof prefix, "%s/%s: ", path, name);
        refuses_folder(misfits[i].what, CLADE_ERR_FORMAT, prefix, misfits[i].part);
        remove_tree(path);
    }
    refuses_folder("absent", CLADE_ERR_IO, path, "No such file");
    make_folder(path);
    content labels = {.size = 0};
    const uint32_t six[] = {6};
    append_header(&labels, 1, six);
    append(&labels, "\0\1\2\x9\xa\3", 6);
    put(path, names[1], &labels);
    char prefix[512];
    snprintf(prefix, sizeof prefix, "%s/%s: ", path, names[1]);
    refuses_folder("label 10", CLADE_ERR_FORMAT, prefix, "label 4 is 10, not below 10");
    for (int i = 0; i < 4; i++) {
        remove_tree(path);
        make_folder(path);
        char file[512];
        snprintf(file, sizeof file, "%s/%s", path, names[i]);
        ck_assert_int_eq(unlink(file), 0);
        snprintf(prefix, sizeof prefix, "holds no %s, plain or with .gz", names[i]);
        refuses_folder("missing", CLADE_ERR_IO, path, prefix);
    }
}
END_TEST

START_TEST(mnist_out_of_memory)
{
    make_folder(path);
    clade_status status = CLADE_ERR_OUT_OF_MEMORY;
    long n = 1;
    for (; n < 200 && status != CLADE_OK; n++) {
        clade_mnist *m;
        clade_alloc_fail_after(n);
        status = clade_mnist_load(&m, path);
        ck_assert_msg(status == CLADE_OK || status == CLADE_ERR_OUT_OF_MEMORY, "%s",
                      clade_last_error()->message);
        ck_assert(!m == (status != CLADE_OK));
        clade_mnist_free(&m);
    }
    clade_alloc_fail_after(0);
    ck_assert_int_gt(n, 15);
}
END_TEST

/* The variables that decide where to look, as they were. */
static char *saved[3];
static const char *const variables[3] = {"CLADE_DATA_DIR", "XDG_DATA_HOME", "HOME"};

static void save_environment(void)
{
    for (int i = 0; i < 3; i++) {
        const char *value = getenv(variables[i]);
        saved[i] = value ? clade_strdup(value) : NULL;
        unsetenv(variables[i]);
    }
}

static void restore_environment(void)
{
    for (int i = 0; i < 3; i++) {
        if (saved[i])
            setenv(variables[i], saved[i], 1);
        else
            unsetenv(variables[i]);
        clade_free(saved[i]);
    }
}

static void finds(const char *folder, const char *expected)
{
    char *found;
    ok(clade_mnist_find(&found, folder));
    ck_assert_str_eq(found, expected);
    clade_data_path_free(&found);
    ck_assert_ptr_null(found);
}

START_TEST(mnist_find_order)
{
    char given[512], set[512], user[512], home[512], base[512];
    snprintf(given, sizeof given, "%s/given", dir);
    snprintf(set, sizeof set, "%s/set", dir);
    snprintf(base, sizeof base, "%s/clade", dir);
    snprintf(user, sizeof user, "%s/clade/mnist", dir);
    save_environment();
    char *found;

    /* Debian's package is there or not; the message names both places. */
    setenv("XDG_DATA_HOME", dir, 1);
    clade_error_clear();
    if (clade_mnist_find(&found, NULL) == CLADE_OK) {
        ck_assert_str_eq(found, "/usr/share/datasets/fashion-mnist");
        clade_data_path_free(&found);
    } else {
        ck_assert_ptr_nonnull(strstr(clade_last_error()->message, user));
        ck_assert_ptr_nonnull(strstr(clade_last_error()->message, "/usr/share/datasets"));
    }
    ck_assert_int_eq(mkdir(base, 0700), 0);
    make_folder(user);
    finds(NULL, user);

    /* Without XDG_DATA_HOME, and with a relative one, which does not count: below HOME. */
    snprintf(home, sizeof home, "%s/.local", dir);
    ck_assert_int_eq(mkdir(home, 0700), 0);
    snprintf(home, sizeof home, "%s/.local/share", dir);
    ck_assert_int_eq(symlink("..", home), 0);
    setenv("HOME", dir, 1);
    snprintf(home, sizeof home, "%s/.local/share/clade/mnist", dir);
    setenv("XDG_DATA_HOME", "relative", 1);
    finds(NULL, home);
    unsetenv("XDG_DATA_HOME");
    finds(NULL, home);

    setenv("CLADE_DATA_DIR", "", 1);
    finds(NULL, home);
    setenv("CLADE_DATA_DIR", set, 1);
    fails(clade_mnist_find(&found, NULL), CLADE_ERR_IO, set);
    ck_assert_ptr_null(found);
    make_folder(set);
    finds(NULL, set);

    fails(clade_mnist_find(&found, given), CLADE_ERR_IO, given);
    make_folder(given);
    finds(given, given);
    char labels[600];
    snprintf(labels, sizeof labels, "%s/%s", given, names[3]);
    ck_assert_int_eq(unlink(labels), 0);
    fails(clade_mnist_find(&found, given), CLADE_ERR_IO, "holds no t10k-labels-idx1-ubyte");
    fails(clade_mnist_find(NULL, given), CLADE_ERR_ARGUMENT, "out is NULL");
    restore_environment();
}
END_TEST

/* --- real data -------------------------------------------------------------------------------- */

static void expect_split(const clade_mnist_split *split, int64_t count, const int64_t *classes)
{
    int64_t seen[10] = {0};
    ck_assert_int_eq(split->count, count);
    ck_assert_int_eq(split->rows, 28);
    ck_assert_int_eq(split->cols, 28);
    for (int64_t i = 0; i < count; i++)
        seen[split->labels[i]]++;
    for (int c = 0; c < 10; c++)
        ck_assert_msg(seen[c] == classes[c], "class %d: %d", c, (int)seen[c]);
}

#ifdef CLADE_HAVE_ZLIB

static double mean(const clade_mnist_split *split)
{
    double sum = 0;
    for (int64_t i = 0; i < split->count * 784; i++)
        sum += split->images[i];
    return sum / (double)(split->count * 784);
}

START_TEST(shipped_subset)
{
    char folder[1024];
    snprintf(folder, sizeof folder, "%s/data/mnist-subset", tests_dir());
    clade_mnist *m;
    ok(clade_mnist_load(&m, folder));
    ck_assert_str_eq(m->name, "MNIST (6,000-image subset)");
    int64_t train[10], test[10];
    for (int c = 0; c < 10; c++) {
        train[c] = 600;
        test[c] = 100;
    }
    expect_split(&m->train, 6000, train);
    expect_split(&m->test, 1000, test);
    ck_assert(mean(&m->train) > 30 && mean(&m->train) < 36);
    clade_mnist_free(&m);
}
END_TEST

#endif

START_TEST(full_set)
{
    const char *folder = getenv("CLADE_DATA_DIR");
    if (!folder || !*folder)
        return; /* only where there is one */
    clade_mnist *m;
    ok(clade_mnist_load(&m, folder));
    if (!strcmp(m->name, "MNIST")) {
        const int64_t train[10] = {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949};
        const int64_t test[10] = {980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009};
        expect_split(&m->train, 60000, train);
        expect_split(&m->test, 10000, test);
    }
    clade_mnist_free(&m);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        idx_plain,
        idx_hostile,
        idx_not_a_file,
        mnist_folder,
        mnist_misfits,
        mnist_out_of_memory,
        mnist_find_order,
        full_set,
#ifdef CLADE_HAVE_ZLIB
        idx_gzip,
        gzip_members,
        gzip_garbage,
        gzip_bomb,
        gzip_truncated_everywhere,
        gzip_damaged_everywhere,
        shipped_subset,
#else
        gzip_unsupported,
#endif
    };
    return run_tests("data", tests, sizeof tests / sizeof *tests, setup, teardown);
}

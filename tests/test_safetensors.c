/* Safetensors: round trips and hostile files. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <clade/io.h>

#include "base/alloc.h"
#include "file_testing.h"

static int files_in_dir(void)
{
    int count = 0;
    DIR *d = opendir(dir);
    ck_assert_ptr_nonnull(d);
    for (struct dirent *e; (e = readdir(d));)
        count += e->d_name[0] != '.';
    closedir(d);
    return count;
}

/* A safetensors file: `declared` as the header's length, the header, `data` zero bytes. */
static size_t make_file(unsigned char *out, uint64_t declared, const char *header, size_t length,
                        size_t data)
{
    for (int i = 0; i < 8; i++)
        out[i] = (unsigned char)(declared >> (8 * i));
    memcpy(out + 8, header, length);
    memset(out + 8 + length, 0, data);
    return 8 + length + data;
}

/* The read must fail, with a message that begins with the file's name and holds `part`. */
static void refuses(const char *what, clade_status expected, const char *part)
{
    clade_safetensors *file = (clade_safetensors *)path;
    clade_error_clear();
    clade_status status = clade_safetensors_read(&file, path);
    const char *message = clade_last_error()->message;
    ck_assert_msg(status == expected, "%s: %s: %s", what, clade_status_name(status), message);
    ck_assert_msg(!strncmp(message, path, strlen(path)) && message[strlen(path)] == ':',
                  "%s: \"%s\" does not begin with the file's name", what, message);
    ck_assert_msg(strstr(message, part) != NULL, "%s: \"%s\" lacks \"%s\"", what, message, part);
    ck_assert_ptr_null(file);
}

/* --- safetensors ------------------------------------------------------------------------------ */

static const float floats[] = {1.5f, -2, 3e38f, 0, 1e-40f, 7};
static const double doubles[] = {-1e300, 0.1};
static const int32_t ints[] = {INT32_MIN, INT32_MAX, 5};
static const uint8_t bytes[] = {0, 255, 9};
static const uint16_t halves[] = {0x3c00, 0x8001, 0x7e01};

static size_t sample(clade_array out[9])
{
    const clade_array arrays[] = {
        {"floats", CLADE_F32, CLADE_SHAPE(2, 3), floats},
        {"bytes", CLADE_U8, CLADE_SHAPE(3), bytes},
        {"doubles", CLADE_F64, CLADE_SHAPE(1, 2, 1), doubles},
        {"\xc3\xa9t\xc3\xa9 \"quoted\"\n", CLADE_I32, CLADE_SHAPE(3), ints},
        {"empty", CLADE_I32, CLADE_SHAPE(4, 0), NULL},
        {"scalar", CLADE_F32, clade_shape_scalar(), floats + 2},
        {"deep", CLADE_U8, CLADE_SHAPE(1, 1, 1, 1, 1, 1, 1, 2), bytes},
        {"half", CLADE_F16, CLADE_SHAPE(3), halves},
        {"brain", CLADE_BF16, CLADE_SHAPE(1, 2), halves},
    };
    memcpy(out, arrays, sizeof arrays);
    return sizeof arrays / sizeof *arrays;
}

static const char *const sample_metadata[] = {"format", "pt", "note", "a \\ b \xe2\x82\xac"};

START_TEST(round_trip)
{
    clade_array in[9];
    size_t count = sample(in);
    ok(clade_safetensors_write(path, in, count, sample_metadata, 2));
    clade_safetensors *file;
    ok(clade_safetensors_read(&file, path));
    ck_assert_uint_eq(clade_safetensors_count(file), count);
    for (size_t i = 0; i < count; i++) {
        const clade_array *a = clade_safetensors_find(file, in[i].name);
        ck_assert_msg(a != NULL, "%s is missing", in[i].name);
        ck_assert_str_eq(a->name, in[i].name);
        ck_assert_int_eq(a->dtype, in[i].dtype);
        ck_assert_msg(clade_shape_equal(&a->shape, &in[i].shape), "%s: shape", in[i].name);
        size_t size = (size_t)clade_shape_numel(&a->shape) * clade_dtype_size(a->dtype);
        ck_assert_msg(!size || !memcmp(a->data, in[i].data, size), "%s: data", in[i].name);
        ck_assert_uint_eq((uintptr_t)a->data % 8, 0);
    }
    ck_assert_str_eq(clade_safetensors_metadata(file, "format"), "pt");
    ck_assert_str_eq(clade_safetensors_metadata(file, "note"), sample_metadata[3]);
    ck_assert_ptr_null(clade_safetensors_metadata(file, "absent"));
    ck_assert_ptr_null(clade_safetensors_find(file, "absent"));
    ck_assert_ptr_null(clade_safetensors_get(file, count));
    clade_safetensors_free(&file);
    ck_assert_ptr_null(file);
    ck_assert_int_eq(files_in_dir(), 1);
}
END_TEST

/* Wide types first, then names; the data starts at a multiple of 8. */
START_TEST(order_and_padding)
{
    clade_array in[9];
    size_t count = sample(in);
    ok(clade_safetensors_write(path, in, count, NULL, 0));
    unsigned char raw[4096];
    size_t size = read_raw(raw, sizeof raw);
    ck_assert_uint_gt(size, 8);
    ck_assert_uint_eq((raw[0] | raw[1] << 8) % 8, 0);
    clade_safetensors *file;
    ok(clade_safetensors_read(&file, path));
    const char *const order[] = {"doubles", "empty", "floats", "scalar", in[3].name,
                                 "brain",   "half",  "bytes",  "deep"};
    for (size_t i = 0; i < count; i++)
        ck_assert_str_eq(clade_safetensors_get(file, i)->name, order[i]);
    ck_assert_ptr_null(clade_safetensors_metadata(file, "format"));
    clade_safetensors_free(&file);
}
END_TEST

START_TEST(no_arrays)
{
    ok(clade_safetensors_write(path, NULL, 0, NULL, 0));
    clade_safetensors *file;
    ok(clade_safetensors_read(&file, path));
    ck_assert_uint_eq(clade_safetensors_count(file), 0);
    ck_assert_ptr_null(clade_safetensors_get(file, 0));
    clade_safetensors_free(&file);
    clade_safetensors_free(&file);
    clade_safetensors_free(NULL);
}
END_TEST

/* Other writers do not align: here an f32 follows three bytes. */
START_TEST(unaligned_data)
{
    const char header[] = "{\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},"
                          "\"f\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[3,7]}}";
    unsigned char raw[512];
    size_t n = make_file(raw, sizeof header - 1, header, sizeof header - 1, 7);
    memcpy(raw + n - 4, floats, 4);
    write_raw(raw, n);
    clade_safetensors *file;
    ok(clade_safetensors_read(&file, path));
    const float *f = clade_safetensors_find(file, "f")->data;
    ck_assert_uint_eq((uintptr_t)f % 4, 0);
    ck_assert(*f == floats[0]);
    clade_safetensors_free(&file);
}
END_TEST

#define X(dtype, shape, from, to)                                                                  \
    "\"x\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"
#define Y(from, to) "\"y\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[" from "," to "]}"

static const struct {
    const char *header;
    size_t data;
    const char *part;
} hostile_headers[] = {
    {"", 0, "does not start with '{'"},
    {"", 8, "does not start with '{'"},
    {"[]", 0, "does not start with '{'"},
    {" {}", 0, "does not start with '{'"},
    {"null", 0, "does not start with '{'"},
    {"{", 0, "header: "},
    {"{} {}", 0, "header: "},
    {"{}x", 0, "header: "},
    {"{\"x\":1}", 0, "tensor \"x\" is not an object"},
    {"{\"x\":[]}", 0, "tensor \"x\" is not an object"},
    {"{\"x\":{}}", 0, "dtype \"\" is none of"},
    {"{\"x\":{\"dtype\":4,\"shape\":[],\"data_offsets\":[0,4]}}", 4, "dtype \"\" is none of"},
    {"{" X("F33", "[1]", "0", "4") "}", 4, "dtype \"F33\" is none of"},
    {"{" X("F8_E4M3", "[2]", "0", "2") "}", 2, "dtype \"F8_E4M3\" is none of"},
    {"{" X("f32", "[1]", "0", "4") "}", 4, "dtype \"f32\" is none of"},
    {"{\"x\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "the shape is not a list"},
    {"{" X("F32", "4", "0", "4") "}", 4, "the shape is not a list"},
    {"{" X("F32", "[1.0]", "0", "4") "}", 4, "dimension 0 is not a size"},
    {"{" X("F32", "[1,\"1\"]", "0", "4") "}", 4, "dimension 1 is not a size"},
    {"{" X("F32", "[-1]", "0", "4") "}", 4, "dimension 0 is not a size"},
    {"{" X("F32", "[1,1,1,1,1,1,1,1,1]", "0", "4") "}", 4, "9 dimensions; at most 8"},
    {"{" X("F32", "[99999999999999999999]", "0", "4") "}", 4, "header: "},
    {"{" X("F32", "[2147483648]", "0", "4") "}", 4, "shape [2147483648] is too large"},
    {"{" X("F32", "[65536,65536]", "0", "0") "}", 0, "is too large"},
    {"{" X("F32", "[4294967296,4294967296]", "0", "0") "}", 0, "is too large"},
    {"{" X("F32", "[9223372036854775807,2]", "0", "4") "}", 4, "is too large"},
    {"{" X("F32", "[0,9223372036854775807]", "0", "0") "}", 0, "is too large"},
    {"{\"x\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "data_offsets is not [begin, end]"},
    {"{\"x\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1, "data_offsets is not"},
    {"{\"x\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,1]}}", 1, "data_offsets is not"},
    {"{" X("F32", "[1]", "0", "4.0") "}", 4, "data_offsets is not"},
    {"{" X("F32", "[1]", "-4", "0") "}", 4, "data_offsets is not"},
    {"{" X("F32", "[1]", "4", "0") "}", 4, "data_offsets is not"},
    {"{" X("F32", "[1]", "0", "8") "}", 8, "f32 of [1] takes 4 bytes, data_offsets hold 8"},
    {"{" X("F32", "[2]", "0", "4") "}", 4, "f32 of [2] takes 8 bytes, data_offsets hold 4"},
    {"{" X("F32", "[1]", "0", "4") "}", 3, "truncated: tensor \"x\" ends at byte 4 of 3"},
    {"{" X("U8", "[1]", "9223372036854775806", "9223372036854775807") "}", 1, "truncated"},
    {"{" X("F32", "[1]", "0", "4") "}", 5, "1 bytes of data belong to no tensor"},
    {"{}", 1, "1 bytes of data belong to no tensor"},
    {"{" X("F32", "[1]", "1", "5") "}", 5, "leaving a gap from 0"},
    {"{" X("U8", "[2]", "0", "2") "," Y("3", "5") "}", 5, "leaving a gap from 2"},
    {"{" X("U8", "[2]", "0", "2") "," Y("1", "3") "}", 3, "overlapping one that ends at 2"},
    {"{" X("U8", "[2]", "0", "2") "," Y("0", "2") "}", 2, "overlapping one that ends at 2"},
    {"{" X("U8", "[0]", "1", "1") "}", 1, "leaving a gap from 0"},
    {"{" X("U8", "[1]", "0", "1") "," X("U8", "[1]", "0", "1") "}", 1, "duplicate"},
    {"{\"x\":{\"dtype\":\"U8\",\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
     "duplicate"},
    {"{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "duplicate"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "duplicate"},
    {"{\"__metadata__\":[]}", 0, "__metadata__ is not an object"},
    {"{\"__metadata__\":{\"a\":1}}", 0, "metadata \"a\" is not a string"},
    {"{\"\xff\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
     "unable to decode byte"},
    {"{\"\xc3\x28\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
     "unable to decode byte"},
    {"{\"a\\u0000\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "header: "},
    {"{\"a\nb\":{}}", 0, "header: "},
};

START_TEST(hostile_header)
{
    unsigned char raw[1024];
    for (size_t i = 0; i < sizeof hostile_headers / sizeof *hostile_headers; i++) {
        const char *header = hostile_headers[i].header;
        size_t length = strlen(header);
        write_raw(raw, make_file(raw, length, header, length, hostile_headers[i].data));
        refuses(header, CLADE_ERR_FORMAT, hostile_headers[i].part);
    }
}
END_TEST

START_TEST(lying_header_length)
{
    static const struct {
        uint64_t declared;
        const char *part;
    } rows[] = {
        {0, "does not start with '{'"},
        {1, "header: "},
        {3, "truncated: header of 3 bytes in a file of 10"},
        {100000000, "truncated: header of 100000000 bytes"},
        {100000001, "header of 100000001 bytes; at most 100000000"},
        {UINT64_MAX, "header of 18446744073709551615 bytes; at most 100000000"},
        {UINT64_MAX - 7, "at most 100000000"},
        {(uint64_t)1 << 63, "at most 100000000"},
    };
    unsigned char raw[64];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char what[32];
        snprintf(what, sizeof what, "%" PRIu64, rows[i].declared);
        write_raw(raw, make_file(raw, rows[i].declared, "{}", 2, 0));
        refuses(what, CLADE_ERR_FORMAT, rows[i].part);
    }
}
END_TEST

START_TEST(truncated_everywhere)
{
    clade_array in[9];
    size_t count = sample(in);
    ok(clade_safetensors_write(path, in, count, sample_metadata, 2));
    unsigned char raw[4096];
    size_t size = read_raw(raw, sizeof raw);
    for (size_t n = size; n-- > 0;) {
        char what[32];
        snprintf(what, sizeof what, "%zu bytes", n);
        ck_assert_int_eq(truncate(path, (off_t)n), 0);
        refuses(what, CLADE_ERR_FORMAT, "truncated");
    }
    write_raw(raw, size + 1);
    refuses("one byte more", CLADE_ERR_FORMAT, "belong to no tensor");
}
END_TEST

/* Every byte of a file replaced: a status or a valid file, never a crash (for the sanitizers). */
START_TEST(damaged_everywhere)
{
    clade_array in[9];
    ok(clade_safetensors_write(path, in, sample(in), sample_metadata, 2));
    unsigned char raw[4096];
    size_t size = read_raw(raw, sizeof raw);
    static const unsigned char values[] = {0, 0xff};
    for (size_t at = 0; at < size; at++) {
        for (size_t v = 0; v < sizeof values; v++) {
            set_byte(at, values[v]);
            clade_safetensors *file;
            clade_status status = clade_safetensors_read(&file, path);
            ck_assert_msg(status == CLADE_OK || status == CLADE_ERR_FORMAT, "byte %zu: %s", at,
                          clade_last_error()->message);
            clade_safetensors_free(&file);
        }
        set_byte(at, raw[at]);
    }
}
END_TEST

START_TEST(not_a_file)
{
    refuses("absent", CLADE_ERR_IO, "No such file");
    ck_assert_int_eq(mkdir(path, 0700), 0);
    refuses("folder", CLADE_ERR_IO, "is a folder");
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    refuses("pipe", CLADE_ERR_IO, "not a regular file");
    clade_safetensors *file = NULL;
    fails(clade_safetensors_read(&file, "/dev/zero"), CLADE_ERR_IO, "/dev/zero: not a regular");
    fails(clade_safetensors_read(NULL, path), CLADE_ERR_ARGUMENT, "out is NULL");
    fails(clade_safetensors_read(&file, NULL), CLADE_ERR_ARGUMENT, "path is NULL");
}
END_TEST

START_TEST(write_arguments)
{
    const clade_array good = {"a", CLADE_U8, CLADE_SHAPE(3), bytes};
    clade_array a[2] = {good, good};
    const char *metadata[4] = {"k", "v", "k", "w"};
    write_raw("old", 3);
#define REFUSED(expected, part)                                                                    \
    fails(clade_safetensors_write(path, a, 2, NULL, 0), expected, part);                           \
    a[0] = a[1] = good
    REFUSED(CLADE_ERR_ARGUMENT, "\"a\" occurs twice");
    a[0].name = NULL;
    REFUSED(CLADE_ERR_ARGUMENT, "array 0 has no name");
    a[1].name = "";
    REFUSED(CLADE_ERR_ARGUMENT, "array 1 has no name");
    a[1].name = "__metadata__";
    REFUSED(CLADE_ERR_ARGUMENT, "\"__metadata__\" is a reserved name");
    a[1].name = "\xff";
    REFUSED(CLADE_ERR_ARGUMENT, "is not UTF-8");
    a[1].dtype = (clade_dtype)9;
    REFUSED(CLADE_ERR_DTYPE, "9 is no dtype");
    a[1].shape = CLADE_SHAPE(65536, 65536);
    REFUSED(CLADE_ERR_SHAPE, "bad shape [65536,65536]");
    a[1].data = NULL;
    REFUSED(CLADE_ERR_ARGUMENT, "data is NULL");
#undef REFUSED
    fails(clade_safetensors_write(NULL, a, 1, NULL, 0), CLADE_ERR_ARGUMENT, "path is NULL");
    fails(clade_safetensors_write(path, NULL, 1, NULL, 0), CLADE_ERR_ARGUMENT, "arrays is NULL");
    fails(clade_safetensors_write(path, a, 1, NULL, 1), CLADE_ERR_ARGUMENT, "metadata is NULL");
    fails(clade_safetensors_write(path, a, 1, metadata, 2), CLADE_ERR_ARGUMENT, "\"k\" occurs");
    metadata[3] = NULL;
    fails(clade_safetensors_write(path, a, 1, metadata, 2), CLADE_ERR_ARGUMENT, "metadata 1");
    metadata[1] = "\xc0";
    fails(clade_safetensors_write(path, a, 1, metadata, 1), CLADE_ERR_ARGUMENT, "not UTF-8");
    unsigned char raw[8];
    ck_assert_uint_eq(read_raw(raw, sizeof raw), 3);
    ck_assert_int_eq(files_in_dir(), 1);
}
END_TEST

static mode_t mode_of(const char *file)
{
    struct stat st;
    ck_assert_int_eq(stat(file, &st), 0);
    return st.st_mode & 07777;
}

START_TEST(replaces_in_one_step)
{
    const clade_array array = {"a", CLADE_U8, CLADE_SHAPE(3), bytes};
    mode_t mask = umask(027);
    ok(clade_safetensors_write(path, &array, 1, NULL, 0));
    umask(mask);
    ck_assert_uint_eq(mode_of(path), 0640);
    ck_assert_int_eq(chmod(path, 0604), 0);
    ok(clade_safetensors_write(path, &array, 1, NULL, 0));
    ck_assert_uint_eq(mode_of(path), 0604);
    ck_assert_int_eq(files_in_dir(), 1);

    char elsewhere[320];
    snprintf(elsewhere, sizeof elsewhere, "%s/none/file", dir);
    fails(clade_safetensors_write(elsewhere, &array, 1, NULL, 0), CLADE_ERR_IO, elsewhere);
    fails(clade_safetensors_write(dir, &array, 1, NULL, 0), CLADE_ERR_IO, "is a folder");
    fails(clade_safetensors_write("/dev/null", &array, 1, NULL, 0), CLADE_ERR_IO,
          "/dev/null: not a regular file");
}
END_TEST

/* A disk that is full: a limit on the size of files stands for it. */
START_TEST(full_disk_leaves_the_old_file)
{
    static uint8_t large[100000];
    const clade_array small = {"a", CLADE_U8, CLADE_SHAPE(3), bytes};
    const clade_array big = {"a", CLADE_U8, CLADE_SHAPE(sizeof large), large};
    ok(clade_safetensors_write(path, &small, 1, NULL, 0));
    unsigned char before[512], after[512];
    size_t size = read_raw(before, sizeof before);

    struct rlimit old, limit;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = 50000;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    clade_status status = clade_safetensors_write(path, &big, 1, NULL, 0);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_DFL);

    ck_assert_int_eq(status, CLADE_ERR_IO);
    ck_assert_ptr_nonnull(strstr(clade_last_error()->message, "cannot write"));
    ck_assert_uint_eq(read_raw(after, sizeof after), size);
    ck_assert_mem_eq(before, after, size);
    ck_assert_int_eq(files_in_dir(), 1);
}
END_TEST

START_TEST(out_of_memory)
{
    clade_array in[9];
    size_t count = sample(in);
    clade_status status = CLADE_ERR_OUT_OF_MEMORY;
    long n = 1;
    for (; n < 100 && status != CLADE_OK; n++) {
        clade_alloc_fail_after(n);
        status = clade_safetensors_write(path, in, count, sample_metadata, 2);
        ck_assert_msg(status == CLADE_OK || status == CLADE_ERR_OUT_OF_MEMORY, "%s",
                      clade_last_error()->message);
        ck_assert_int_eq(files_in_dir(), status == CLADE_OK ? 1 : 0);
    }
    ck_assert_int_gt(n, 3);
    status = CLADE_ERR_OUT_OF_MEMORY;
    for (n = 1; n < 100 && status != CLADE_OK; n++) {
        clade_safetensors *file;
        clade_alloc_fail_after(n);
        status = clade_safetensors_read(&file, path);
        ck_assert_msg(status == CLADE_OK || status == CLADE_ERR_OUT_OF_MEMORY, "%s",
                      clade_last_error()->message);
        clade_safetensors_free(&file);
    }
    ck_assert_int_gt(n, 3);
    clade_alloc_fail_after(0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        round_trip,           order_and_padding,    no_arrays,
        unaligned_data,       hostile_header,       lying_header_length,
        truncated_everywhere, damaged_everywhere,   not_a_file,
        write_arguments,      replaces_in_one_step, full_disk_leaves_the_old_file,
        out_of_memory,
    };
    return run_tests("safetensors", tests, sizeof tests / sizeof *tests, setup, teardown);
}

/* MNIST folders: made-up ones, the subset that is shipped, and the real one. */
#include <sys/stat.h>

#include "base/alloc.h"
#include "idx_testing.h"

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
        mnist_folder,   mnist_misfits, mnist_out_of_memory, mnist_find_order, full_set,
#ifdef CLADE_HAVE_ZLIB
        shipped_subset,
#endif
    };
    return run_tests("mnist", tests, sizeof tests / sizeof *tests, setup, teardown);
}

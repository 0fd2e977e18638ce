/* The disk cache of compiled programs: every fault must end in a build from source. */
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "runtime_testing.h"

/* The file's header, as src/runtime/disk_cache.c writes it. */
#define HEADER_SIZE    72
#define PAYLOAD_HASH   56
#define PAYLOAD_SEED   0x2545f4914f6cdd1du
#define LOADED_MESSAGE "loaded from the cache"
#define BUILT_MESSAGE  "built from source"

static char root[256], cache_dir[300];

static void setup(void)
{
    make_temporary_dir(root);
    snprintf(cache_dir, sizeof cache_dir, "%s/deep/clade", root);
}

static void teardown(void)
{
    remove_tree(root);
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    ck_assert_msg(stat(path, &st) == 0, "%s is missing", path);
    return st.st_mode & 0777;
}

/* The files in the cache; `path` is that of the last one. */
static int list_files(char path[1024])
{
    int count = 0;
    DIR *dir = opendir(cache_dir);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, 1024, "%s/%s", cache_dir, e->d_name);
        count++;
    }
    if (dir)
        closedir(dir);
    return count;
}

static unsigned char *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    unsigned char *data = clade_calloc(1, 1 << 22);
    *size = fread(data, 1, 1 << 22, f);
    fclose(f);
    return data;
}

static void write_file(const char *path, const unsigned char *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(data, 1, size, f), size);
    ck_assert_int_eq(fclose(f), 0);
}

/* Runs the kernel in a fresh runtime: does the result hold, and does the log have `message`? */
static void run_kernel(const char *dir, const char *text, int32_t expected, const char *message)
{
    clade_runtime *rt = open_runtime(dir);
    clade_kernel *kernel;
    clade_buffer *x;
    int32_t got = 0;
    ok(clade_kernel_get(&kernel, rt, KEY("answer", "answer", text)));
    ok(clade_buffer_create(&x, rt, sizeof got));
    clade_grid grid = clade_grid_elements(rt, 1);
    ok(CLADE_LAUNCH(rt, kernel, &grid, clade_arg_buffer(x)));
    ok(clade_buffer_read(x, 0, sizeof got, &got));
    ck_assert_int_eq(got, expected);
    ck_assert_msg(logged(message), "no \"%s\" in\n%s", message, log_text);
    clade_buffer_free(&x);
    clade_runtime_free(&rt);
}

static const char answer42[] = "kernel void answer(global int *x) { x[0] = 42; }\n";
static const char answer43[] = "kernel void answer(global int *x) { x[0] = 43; }\n";

START_TEST(second_run_loads)
{
    char path[1024];
    run_kernel(cache_dir, answer42, 42, BUILT_MESSAGE);
    ck_assert_msg(logged("3 compiling kernels for "), "%s", log_text);
    ck_assert_int_eq(list_files(path), 1);
    ck_assert_int_eq(mode_of(cache_dir), 0700);
    ck_assert_int_eq(mode_of(path), 0600);
    run_kernel(cache_dir, answer42, 42, LOADED_MESSAGE);
    ck_assert(!logged(BUILT_MESSAGE) && !logged("compiling kernels"));
    run_kernel(cache_dir, answer43, 43, BUILT_MESSAGE);
    ck_assert_int_eq(list_files(path), 2);
    run_kernel("", answer42, 42, BUILT_MESSAGE);
    ck_assert_int_eq(list_files(path), 2);
}
END_TEST

/* The file is damaged; the next run builds and repairs it, the one after loads it again. */
static void damaged(const char *path, const unsigned char *data, size_t size)
{
    write_file(path, data, size);
    run_kernel(cache_dir, answer42, 42, BUILT_MESSAGE);
    run_kernel(cache_dir, answer42, 42, LOADED_MESSAGE);
}

START_TEST(damage_falls_back)
{
    char path[1024];
    size_t size;
    run_kernel(cache_dir, answer42, 42, BUILT_MESSAGE);
    ck_assert_int_eq(list_files(path), 1);
    unsigned char *data = read_file(path, &size);
    ck_assert_uint_gt(size, HEADER_SIZE);
    const size_t lengths[] = {0,        1,        HEADER_SIZE - 1, HEADER_SIZE, HEADER_SIZE + 1,
                              size / 2, size - 1, size + 1};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        damaged(path, data, lengths[i]);
    const size_t places[] = {0, 7, 8, 16, 24, 32, 47, 48, 56, 71, HEADER_SIZE, size - 1};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        data[places[i]] ^= 0x10;
        damaged(path, data, size);
        data[places[i]] ^= 0x10;
    }
    clade_free(data);
}
END_TEST

/* A file that is whole but belongs to another program, under this program's name. */
START_TEST(foreign_falls_back)
{
    char path42[1024], path[1024];
    size_t size;
    run_kernel(cache_dir, answer42, 42, BUILT_MESSAGE);
    ck_assert_int_eq(list_files(path42), 1);
    unlink(path42);
    run_kernel(cache_dir, answer43, 43, BUILT_MESSAGE);
    ck_assert_int_eq(list_files(path), 1);
    unsigned char *data = read_file(path, &size);
    damaged(path42, data, size);
    clade_free(data);
}
END_TEST

static bool on_rusticl(void)
{
    clade_runtime *rt = open_runtime("");
    bool rusticl = strcmp(clade_runtime_device(rt)->platform_name, "rusticl") == 0;
    clade_runtime_free(&rt);
    return rusticl;
}

/* Whole and addressed rightly, but the driver cannot use it. Mesa 22.3's rusticl aborts the process
 * on a binary that it does not know, so that there is nothing to see there. */
START_TEST(refused_binary_falls_back)
{
    char path[1024];
    size_t size;
    if (on_rusticl())
        return;
    run_kernel(cache_dir, answer42, 42, BUILT_MESSAGE);
    ck_assert_int_eq(list_files(path), 1);
    unsigned char *data = read_file(path, &size);
    memset(data + HEADER_SIZE, 'x', size - HEADER_SIZE);
    const clade_bytes payload = {data + HEADER_SIZE, size - HEADER_SIZE};
    clade_hash128 hash = clade_hash_parts(&payload, 1, PAYLOAD_SEED);
    memcpy(data + PAYLOAD_HASH, hash.bytes, sizeof hash.bytes);
    write_file(path, data, size);
    run_kernel(cache_dir, answer42, 42, BUILT_MESSAGE);
    ck_assert_msg(logged("cached binary refused"), "%s", log_text);
    run_kernel(cache_dir, answer42, 42, LOADED_MESSAGE);
    clade_free(data);
}
END_TEST

START_TEST(unusable_folders)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/file", root);
    write_file(path, (const unsigned char *)"x", 1);
    run_kernel(path, answer42, 42, "not a folder");
    snprintf(path, sizeof path, "%s/file/below", root);
    run_kernel(path, answer42, 42, "program cache: ");
    ck_assert(logged("2 program cache: "));

    run_kernel(cache_dir, answer42, 42, BUILT_MESSAGE);
    ck_assert_int_eq(chmod(cache_dir, 0777), 0);
    run_kernel(cache_dir, answer42, 42, "writable by everybody");
    ck_assert(!logged(LOADED_MESSAGE));
    ck_assert_int_eq(chmod(cache_dir, 0700), 0);
    if (geteuid() == 0) {
        ck_assert_int_eq(list_files(path), 1);
        ck_assert_int_eq(chown(path, 65534, 65534), 0);
        run_kernel(cache_dir, answer42, 42, "not a file of this user");
        ck_assert_int_eq(chown(cache_dir, 65534, 65534), 0);
        run_kernel(cache_dir, answer42, 42, "belongs to another user");
        ck_assert(!logged(LOADED_MESSAGE));
    } else {
        ck_assert_int_eq(chmod(cache_dir, 0500), 0);
        run_kernel(cache_dir, answer43, 43, BUILT_MESSAGE);
        ck_assert_int_eq(chmod(cache_dir, 0700), 0);
    }
    char *name = clade_calloc(5000, 1);
    memset(name, 'a', 4999);
    run_kernel(name, answer42, 42, "program cache: off");
    clade_free(name);
}
END_TEST

static void restore(const char *name, char *value)
{
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
    clade_free(value);
}

/* $CLADE_CACHE_DIR before $XDG_CACHE_HOME before $HOME; empty or relative ones do not count. */
START_TEST(folder_choice)
{
    static const char *const names[] = {"CLADE_CACHE_DIR", "XDG_CACHE_HOME", "HOME"};
    static const char *const below[] = {"", "/clade", "/.cache/clade"};
    char *before[3], path[1024];
    for (int i = 0; i < 3; i++)
        before[i] = getenv(names[i]) ? clade_strdup(getenv(names[i])) : NULL;
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) {
            snprintf(path, sizeof path, "%s/%d-%s", root, i, names[j]);
            setenv(names[j], j < i ? (j == 0 ? "" : "relative") : path, 1);
        }
        run_kernel(NULL, answer42, 42, BUILT_MESSAGE);
        snprintf(cache_dir, sizeof cache_dir, "%s/%d-%s%s", root, i, names[i], below[i]);
        ck_assert_msg(list_files(path) == 1, "no file in %s", cache_dir);
    }
    for (int i = 0; i < 3; i++)
        unsetenv(names[i]);
    run_kernel(NULL, answer42, 42, "program cache: off");
    for (int i = 0; i < 3; i++)
        restore(names[i], before[i]);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        second_run_loads,          damage_falls_back, foreign_falls_back,
        refused_binary_falls_back, unusable_folders,  folder_choice,
    };
    return run_suite_with("disk_cache", tests, sizeof tests / sizeof *tests, setup, teardown);
}

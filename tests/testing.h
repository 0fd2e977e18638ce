/* Shared by all tests: checks on statuses, temporary folders, and the main of a suite. */
#ifndef CLADE_TESTS_TESTING_H
#define CLADE_TESTS_TESTING_H

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <clade/status.h>

#define ok(expr)                                                                                   \
    do {                                                                                           \
        clade_status status_ = (expr);                                                             \
        ck_assert_msg(status_ == CLADE_OK, "%s: %s: %s", #expr, clade_status_name(status_),        \
                      clade_last_error()->message);                                                \
    } while (0)

#define fails(expr, expected, part)                                                                \
    do {                                                                                           \
        clade_error_clear();                                                                       \
        clade_status status_ = (expr);                                                             \
        ck_assert_msg(status_ == (expected), "%s: %s: %s", #expr, clade_status_name(status_),      \
                      clade_last_error()->message);                                                \
        ck_assert_msg(strstr(clade_last_error()->message, (part)) != NULL,                         \
                      "%s: message \"%s\" lacks \"%s\"", #expr, clade_last_error()->message,       \
                      (part));                                                                     \
    } while (0)

/* The folder of the test sources, with data/ and goldens/. */
static inline const char *tests_dir(void)
{
    const char *dir = getenv("CLADE_TESTS_DIR");
    return dir && *dir ? dir : "tests";
}

/* A new folder; `path` has room for 256 bytes. */
static inline void make_temporary_dir(char path[256])
{
    const char *tmp = getenv("TMPDIR");
    snprintf(path, 256, "%.200s/clade-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(path));
}

static inline void remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char entry[1024];
        snprintf(entry, sizeof entry, "%.700s/%.255s", path, e->d_name);
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && unlink(entry) != 0)
            remove_tree(entry);
    }
    if (dir)
        closedir(dir);
    rmdir(path);
}

/* Both return the process's exit status. */
static inline int run_whole_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static inline int run_tests(const char *name, const TTest *const *tests, size_t count, SFun setup,
                            SFun teardown)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 0);
    tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return run_whole_suite(suite);
}

#endif

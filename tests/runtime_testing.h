/* Shared by the tests that sit directly on the runtime: test_runtime, test_disk_cache, test_gemm.
 */
#ifndef CLADE_TESTS_RUNTIME_TESTING_H
#define CLADE_TESTS_RUNTIME_TESTING_H

#include "base/alloc.h"
#include "compile_once.h"
#include "runtime/runtime.h"
#include "testing.h"

/* --- captured log --- */

static char log_text[1 << 16];

static inline void capture(void *user, clade_log_level level, const char *message)
{
    (void)user;
    size_t used = strlen(log_text);
    snprintf(log_text + used, sizeof log_text - used, "%d %s\n", (int)level, message);
}

static inline bool logged(const char *part)
{
    return strstr(log_text, part) != NULL;
}

static inline clade_runtime *open_runtime(const char *cache_dir)
{
    clade_runtime *rt = NULL;
    const clade_context_params params = {
        .log = capture, .log_level = CLADE_LOG_DEBUG, .cache_dir = cache_dir};
    log_text[0] = '\0';
    ok(clade_runtime_create(&rt, &params));
    return rt;
}

/* --- kernels written in the test --- */

static inline char *generate(const void *user)
{
    return clade_strdup(user);
}

#define KEY(family_, name_, text_)                                                                 \
    (&(clade_kernel_key){.family = (family_),                                                      \
                         .options = "-DT=float",                                                   \
                         .name = (name_),                                                          \
                         .generate = generate,                                                     \
                         .user = (text_)})

/* --- main --- */

/* Says why, as TAP, where the device that CLADE_DEVICE asks for is not there. */
static inline bool skip_without_device(void)
{
    compile_once();
    clade_device_info *list = NULL;
    size_t count = 0, index;
    bool there = clade_device_list(&list, &count) == CLADE_OK &&
                 clade_device_select(list, count, getenv("CLADE_DEVICE"), &index) == CLADE_OK;
    if (!there)
        printf("1..0 # SKIP %s\n", clade_last_error()->message);
    clade_device_list_free(&list);
    return !there;
}

static inline int run_suite_with(const char *name, const TTest *const *tests, size_t count,
                                 SFun setup, SFun teardown)
{
    if (skip_without_device())
        return EXIT_SUCCESS;
    /* PoCL reads its library of built-in functions for the first compilation, 0.3 s, and keeps it
     * as long as any context is open: one stays open under those of the tests. */
    clade_runtime *held = NULL;
    clade_status status = clade_runtime_create(&held, NULL);
    if (status != CLADE_OK)
        fprintf(stderr, "%s: %s\n", name, clade_last_error()->message);
    int result = status == CLADE_OK ? run_tests(name, tests, count, setup, teardown) : EXIT_FAILURE;
    clade_runtime_free(&held);
    return result;
}

static inline int run_suite(const char *name, const TTest *const *tests, size_t count)
{
    return run_suite_with(name, tests, count, NULL, NULL);
}

#endif

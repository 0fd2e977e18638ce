/* What is behind clade_gemm_run: CLBlast and its process-wide state, and what happens when a
 * provider is wrong. */
#include <pthread.h>

#include "gemm_testing.h"
#include "runtime/gemm_provider.h"

static clade_runtime *open_with(const char *provider)
{
    setenv("CLADE_GEMM", provider, 1);
    clade_runtime *rt = open_runtime("");
    unsetenv("CLADE_GEMM");
    return rt;
}

/* CLBlast compiles for seconds per kind of kernel: one kind. */
START_TEST(clblast)
{
    clade_runtime *rt = open_with("clblast");
    check_random(rt, CLADE_F32, 4, 17, 1);
    ck_assert(!logged("set aside"));
    clade_runtime_free(&rt);
}
END_TEST

START_TEST(unknown_provider)
{
    clade_runtime *rt = NULL;
    setenv("CLADE_GEMM", "mkl", 1);
    fails(clade_runtime_create(&rt, NULL), CLADE_ERR_ARGUMENT, "\"mkl\"");
    unsetenv("CLADE_GEMM");
    ck_assert_ptr_null(rt);
}
END_TEST

static clade_status multiply_wrong(clade_runtime *rt, const clade_gemm *g)
{
    clade_gemm wrong = *g;
    wrong.n -= wrong.n > 1; /* its last column stays */
    return clade_gemm_own(rt, &wrong);
}

static clade_status multiply_never(clade_runtime *rt, const clade_gemm *g)
{
    (void)rt, (void)g;
    return CLADE_FAIL(CLADE_ERR_BUILD, "no such compiler");
}

static void check_taken_over(clade_status (*broken)(clade_runtime *, const clade_gemm *),
                             const char *said)
{
    const clade_gemm_provider good = clade_gemm_providers[CLADE_GEMM_CLBLAST];
    clade_gemm_providers[CLADE_GEMM_CLBLAST].run = broken;
    clade_runtime *rt = open_with("clblast");
    check_random(rt, CLADE_F32, 1, 17, 1);
    ck_assert_str_eq(clade_last_error()->message, "");
    clade_runtime_free(&rt);
    clade_gemm_providers[CLADE_GEMM_CLBLAST] = good;
    ck_assert_msg(logged("clblast is set aside") && logged(said), "%s", log_text);
}

START_TEST(broken_provider)
{
    check_taken_over(multiply_wrong, "instead of");
    check_taken_over(multiply_never, "no such compiler");
}
END_TEST

START_TEST(no_provider)
{
    clade_gemm_provider good[CLADE_GEMM_PROVIDERS];
    memcpy(good, clade_gemm_providers, sizeof good);
    for (int i = 0; i < CLADE_GEMM_PROVIDERS; i++)
        clade_gemm_providers[i].run = multiply_never;
    clade_runtime *rt = open_runtime("");
    clade_buffer *x;
    ok(clade_buffer_create(&x, rt, 3 * sizeof(float)));
    const clade_gemm g = {.m = 1,
                          .n = 1,
                          .k = 1,
                          .batch = 1,
                          .alpha = 1,
                          .a = x,
                          .b = x,
                          .c = x,
                          .dtype = CLADE_F32,
                          .a_offset = 1,
                          .b_offset = 2,
                          .lda = 1,
                          .ldb = 1,
                          .ldc = 1};
    fails(clade_gemm_run(rt, &g), CLADE_ERR_BLAS, "no provider");
    clade_buffer_free(&x);
    clade_runtime_free(&rt);
    memcpy(clade_gemm_providers, good, sizeof good);
}
END_TEST

/* --- what `clade tune` wrote ------------------------------------------------------------------ */

static int clblast_calls;

static clade_status count_clblast(clade_runtime *rt, const clade_gemm *g)
{
    clblast_calls++;
    return clade_gemm_own(rt, g);
}

/* Whether CLBlast multiplies [m,n,k] in a runtime that finds this text as its file. %s in the text
 * is the device's name. */
static bool clblast_chosen(const char *text, int m, int n, int k)
{
    char dir[256], path[4096];
    make_temporary_dir(dir);
    clade_runtime *rt = open_runtime(dir);
    snprintf(path, sizeof path, "%s", clade_runtime_tuning_path(rt));
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    const char *name = strstr(text, "%s");
    if (name)
        fprintf(file, "%.*s%s%s", (int)(name - text), text, clade_runtime_device(rt)->name,
                name + 2);
    else
        fputs(text, file);
    fclose(file);
    clade_runtime_free(&rt);

    rt = open_runtime(dir);
    clade_buffer *x;
    ok(clade_buffer_create(&x, rt, 3 * 4096 * sizeof(float)));
    const clade_gemm g = {.dtype = CLADE_F32,
                          .m = m,
                          .n = n,
                          .k = k,
                          .batch = 1,
                          .alpha = 1,
                          .a = x,
                          .b = x,
                          .c = x,
                          .b_offset = 4096,
                          .c_offset = 8192,
                          .lda = k,
                          .ldb = n,
                          .ldc = n};
    ok(clade_gemm_run(rt, &g)); /* the self-check calls too */
    clblast_calls = 0;
    ok(clade_gemm_run(rt, &g));
    clade_buffer_free(&x);
    clade_runtime_free(&rt);
    remove_tree(dir);
    return clblast_calls == 1;
}

#define TUNED(version, device, classes)                                                            \
    "{\"version\": " version ", \"device\": \"" device "\", \"classes\": [" classes "]}"
#define CLASS(m, n, k, provider)                                                                   \
    "{\"m\": " #m ", \"n\": " #n ", \"k\": " #k ", \"provider\": \"" provider "\"}"

static void check_refused(const char *text, const char *said)
{
    ck_assert(!clblast_chosen(text, 8, 8, 8));
    ck_assert_msg(logged(said) && logged("; not used"), "%s", log_text);
}

START_TEST(tuned)
{
    const clade_gemm_provider good = clade_gemm_providers[CLADE_GEMM_CLBLAST];
    clade_gemm_providers[CLADE_GEMM_CLBLAST].run = count_clblast;
    const char *text = TUNED("1", "%s", CLASS(3, 4, 5, "clblast") "," CLASS(3, 3, 3, "clade"));
    ck_assert(clblast_chosen(text, 8, 16, 32));
    ck_assert(clblast_chosen(text, 15, 31, 63));
    ck_assert(!clblast_chosen(text, 16, 16, 32));
    ck_assert(!clblast_chosen(text, 8, 8, 8));
    check_refused("", "expected");
    check_refused("[1]", "version 1");
    check_refused(TUNED("2", "%s", CLASS(3, 3, 3, "clblast")), "version 1");
    check_refused(TUNED("1", "another", CLASS(3, 3, 3, "clblast")), "another device");
    check_refused(TUNED("1", "%s", CLASS(3, 3, 3, "clblast") "," CLASS(3, 3, 16, "clblast")),
                  "without m, n or k");
    check_refused(TUNED("1", "%s", CLASS(3, 3, 3, "clblast") "," CLASS(3, 3, -1, "clblast")),
                  "without m, n or k");
    check_refused(TUNED("1", "%s", CLASS(3, 3, 3, "clblast") "," CLASS(3, 3, 4, "mkl")),
                  "unknown provider");
    clade_gemm_providers[CLADE_GEMM_CLBLAST] = good;
}
END_TEST

/* CLBlast's process-wide cache: a runtime that goes must not spoil the next, or another's. */
START_TEST(runtimes_come_and_go)
{
    clade_runtime *stays = open_with("clblast");
    for (int i = 0; i < 3; i++) {
        clade_runtime *rt = open_with("clblast");
        check_random(rt, CLADE_F32, 2, 12, 1);
        check_random(stays, CLADE_F32, 2, 12, 1);
        clade_runtime_free(&rt);
    }
    clade_runtime_free(&stays);
}
END_TEST

static void *multiply_in_thread(void *arg)
{
    float *sum = arg;
    clade_runtime *rt = NULL;
    clade_buffer *x = NULL;
    const clade_context_params params = {.cache_dir = ""};
    const float one = 1;
    if (clade_runtime_create(&rt, &params) == CLADE_OK &&
        clade_buffer_create(&x, rt, 2 * 64 * sizeof one) == CLADE_OK &&
        clade_buffer_fill(x, 0, 2 * 64 * sizeof one, &one, sizeof one) == CLADE_OK) {
        const clade_gemm g = {.dtype = CLADE_F32,
                              .m = 8,
                              .n = 8,
                              .k = 8,
                              .batch = 1,
                              .alpha = 1,
                              .beta = 1,
                              .a = x,
                              .b = x,
                              .c = x,
                              .lda = 8,
                              .ldb = 8,
                              .ldc = 8,
                              .c_offset = 64};
        for (int i = 0; i < 20; i++)
            if (clade_gemm_run(rt, &g) != CLADE_OK)
                break;
        (void)clade_buffer_read(x, 127 * sizeof one, sizeof one, sum);
    }
    clade_buffer_free(&x);
    clade_runtime_free(&rt);
    return NULL;
}

START_TEST(threads)
{
    pthread_t ids[3];
    float sums[3] = {0, 0, 0};
    setenv("CLADE_GEMM", "clblast", 1);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&ids[i], NULL, multiply_in_thread, &sums[i]), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(ids[i], NULL);
    unsetenv("CLADE_GEMM");
    for (int i = 0; i < 3; i++)
        ck_assert_msg(sums[i] == 161, "thread %d: %g", i, (double)sums[i]);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        clblast, unknown_provider,     broken_provider, no_provider,
        tuned,   runtimes_come_and_go, threads,
    };
    return run_suite("gemm_providers", tests, sizeof tests / sizeof *tests);
}

/* Shared by the tests of single ops beside op_cases: a context with an open scope, and errors. */
#ifndef CLADE_TESTS_TENSOR_TESTING_H
#define CLADE_TESTS_TENSOR_TESTING_H

#include "runtime_testing.h"

#include <clade/clade.h>

static clade_context *ctx;

static inline void setup(void)
{
    ok(clade_context_create(&ctx, NULL));
    ok(clade_scope_begin(ctx));
}

static inline void teardown(void)
{
    ok(clade_scope_end(ctx));
    clade_context_free(&ctx);
}

/* A tensor of the open scope. */
static inline clade_tensor *lent(clade_dtype dtype, clade_shape shape, const void *data)
{
    clade_tensor *t;
    ok(clade_tensor_from_host(&t, ctx, dtype, shape, data));
    clade_tensor *view = clade_reshape(t, shape);
    clade_tensor_free(&t);
    ck_assert_msg(view != NULL, "%s", clade_last_error()->message);
    return view;
}

static inline void null_with(const clade_tensor *t, clade_status status, const char *part)
{
    ck_assert_ptr_null(t);
    ck_assert_msg(clade_last_error()->status == status, "%s", clade_last_error()->message);
    ck_assert_msg(strstr(clade_last_error()->message, part), "\"%s\" lacks \"%s\"",
                  clade_last_error()->message, part);
    clade_error_clear();
}

#define RUN(name, ...)                                                                             \
    run_suite_with(name, (const TTest *[]){__VA_ARGS__},                                           \
                   sizeof((const TTest *[]){__VA_ARGS__}) / sizeof(TTest *), setup, teardown)

#endif

/* Shared by the tests of autograd beside test_tape: a tape over two leaves. */
#ifndef CLADE_TESTS_AUTOGRAD_TESTING_H
#define CLADE_TESTS_AUTOGRAD_TESTING_H

#include "tensor_testing.h"

static clade_tensor *x, *y; /* [2,2]: 1 2 3 4 and 5 6 7 8 */

static inline clade_tensor *leaf(clade_shape shape, const float *data)
{
    clade_tensor *t;
    ok(clade_tensor_from_host(&t, ctx, CLADE_F32, shape, data));
    ok(clade_tensor_set_requires_grad(t, true));
    return t;
}

static inline void open_tape(void)
{
    setup();
    x = leaf(CLADE_SHAPE(2, 2), (const float[]){1, 2, 3, 4});
    y = leaf(CLADE_SHAPE(2, 2), (const float[]){5, 6, 7, 8});
    ok(clade_tape_begin(ctx));
}

static inline void close_tape(void)
{
    ok(clade_tape_end(ctx));
    clade_tensor_free(&x);
    clade_tensor_free(&y);
    teardown();
}

static inline void check(const clade_tensor *t, int count, const float *expected)
{
    float got[32];
    ck_assert_msg(t != NULL, "%s", clade_last_error()->message);
    ok(clade_tensor_read(t, got, (size_t)count * sizeof *got));
    for (int i = 0; i < count; i++)
        ck_assert_float_eq_tol(got[i], expected[i], 1e-4f);
}

#define CHECK(t, ...)                                                                              \
    check((t), (int)(sizeof((const float[]){__VA_ARGS__}) / sizeof(float)),                        \
          (const float[]){__VA_ARGS__})

static inline clade_tensor *total(clade_tensor *t)
{
    return clade_sum(t, NULL, 0, false);
}

#endif

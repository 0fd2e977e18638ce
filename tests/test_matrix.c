/* What matmul and linear ask of the device: one GEMM wherever strides allow, and no copies. The
 * values are in op_cases. */
#include "tensor_testing.h"

#include "runtime/record.h"
#include "tensor/context.h"

static clade_recording *recording;

static void start(void)
{
    ok(clade_recording_begin(&recording, ctx->runtime));
}

/* Checks the commands since start, "g" a GEMM, "e" elementwise, "c" a copy, and returns the first
 * GEMM. */
static clade_gemm stop(const clade_tensor *result, const char *expected)
{
    char kinds[16] = "";
    clade_gemm first = {0};
    clade_recording_end(recording);
    ck_assert_msg(result != NULL, "%s", clade_last_error()->message);
    ck_assert(recording->count < sizeof kinds);
    for (size_t i = recording->count; i-- > 0;) {
        const clade_command *command = &recording->commands[i];
        kinds[i] = command->kind == CLADE_COMMAND_GEMM          ? 'g'
                   : command->kind == CLADE_COMMAND_ELEMENTWISE ? 'e'
                   : command->kind == CLADE_COMMAND_COPY        ? 'c'
                                                                : '?';
        if (kinds[i] == 'g')
            first = command->as.gemm.gemm;
    }
    ck_assert_str_eq(kinds, expected);
    clade_recording_free(&recording);
    return first;
}

/* Of any content, so that nothing is enqueued. */
static clade_tensor *blank(clade_shape shape)
{
    clade_tensor *t;
    ok(clade_tensor_create(&t, ctx, CLADE_F32, shape));
    clade_tensor *view = clade_reshape(t, shape);
    clade_tensor_free(&t);
    ck_assert_msg(view != NULL, "%s", clade_last_error()->message);
    return view;
}

#define RECORD(call, kinds) (start(), stop((call), (kinds)))

START_TEST(views_are_taken_as_they_are)
{
    clade_tensor *a = blank(CLADE_SHAPE(6, 8)), *b = blank(CLADE_SHAPE(8, 5));
    clade_gemm g = RECORD(clade_matmul(a, b), "g");
    ck_assert(!g.trans_a && !g.trans_b && g.m == 6 && g.n == 5 && g.k == 8 && g.batch == 1);
    g = RECORD(clade_matmul(clade_transpose(b, 0, 1), clade_transpose(a, 0, 1)), "g");
    ck_assert(g.trans_a && g.trans_b && g.lda == 5 && g.ldb == 8);
    /* rows and columns of a matrix, every second row */
    g = RECORD(clade_matmul(clade_slice(clade_slice(a, 1, 3, 8, 1), 0, 0, 6, 2),
                            clade_slice(b, 0, 0, 5, 1)),
               "g");
    ck_assert(g.m == 3 && g.k == 5 && g.lda == 16 && g.a_offset == 3);
    /* one column, one row */
    RECORD(clade_matmul(clade_slice(a, 1, 2, 3, 1), clade_slice(b, 0, 2, 3, 1)), "g");
    RECORD(clade_matmul(clade_transpose(clade_slice(a, 1, 2, 3, 1), 0, 1), a), "g");
    /* every second column of every row: no GEMM reads that */
    RECORD(clade_matmul(clade_slice(a, 1, 0, 8, 2), clade_slice(b, 0, 0, 4, 1)), "eg");
    RECORD(clade_matmul(clade_expand(blank(CLADE_SHAPE(1, 8)), CLADE_SHAPE(6, 8)), b), "eg");
}
END_TEST

START_TEST(batches_are_one_gemm)
{
    clade_tensor *a = blank(CLADE_SHAPE(2, 3, 4, 5)), *b = blank(CLADE_SHAPE(2, 3, 5, 6));
    clade_gemm g = RECORD(clade_matmul(a, b), "g");
    ck_assert(g.batch == 6 && g.m == 4 && g.a_stride == 20 && g.b_stride == 30 && g.c_stride == 24);
    g = RECORD(clade_matmul(a, clade_transpose(blank(CLADE_SHAPE(2, 3, 6, 5)), -1, -2)), "g");
    ck_assert(g.batch == 6 && g.trans_b);
    /* one b: its rows are one tall matrix */
    g = RECORD(clade_matmul(a, blank(CLADE_SHAPE(5, 6))), "g");
    ck_assert(g.batch == 1 && g.m == 24);
    g = RECORD(clade_matmul(clade_slice(a, 2, 0, 1, 1), blank(CLADE_SHAPE(5, 6))), "g");
    ck_assert(g.batch == 1 && g.m == 6 && g.lda == 20);
    g = RECORD(clade_matmul(blank(CLADE_SHAPE(4, 5)), b), "g");
    ck_assert(g.batch == 6 && g.a_stride == 0);
    /* dimensions that do not step as one: as many as the outer one counts */
    g = RECORD(clade_matmul(a, blank(CLADE_SHAPE(3, 5, 6))), "gg");
    ck_assert(g.batch == 3);
    g = RECORD(clade_matmul(clade_permute(a, (const int[]){1, 0, 2, 3}),
                            clade_permute(b, (const int[]){1, 0, 2, 3})),
               "ggg");
    ck_assert(g.batch == 2 && g.a_stride == 60 && g.c_stride == 24);
}
END_TEST

START_TEST(linear_is_one_gemm_and_the_bias)
{
    clade_tensor *w = blank(CLADE_SHAPE(7, 4)), *bias = blank(CLADE_SHAPE(7));
    clade_tensor *x = blank(CLADE_SHAPE(2, 3, 4));
    clade_gemm g = RECORD(clade_linear(x, w, bias), "ge");
    ck_assert(g.m == 6 && g.n == 7 && g.k == 4 && g.trans_b && !g.trans_a && g.batch == 1);
    g = RECORD(clade_linear_no_bias(clade_transpose(blank(CLADE_SHAPE(4, 5)), 0, 1), w), "g");
    ck_assert(g.m == 5 && g.trans_a && g.lda == 5);
    /* the first two of three rows, twice: not one matrix */
    RECORD(clade_linear_no_bias(clade_slice(x, 1, 0, 2, 1), w), "eg");
}
END_TEST

START_TEST(linear_goes_back_in_two_gemms)
{
    clade_tensor *leaf[3];
    const clade_shape shapes[3] = {CLADE_SHAPE(2, 3, 4), CLADE_SHAPE(7, 4), CLADE_SHAPE(7)};
    ok(clade_tape_begin(ctx));
    for (int i = 0; i < 3; i++) {
        ok(clade_tensor_create(&leaf[i], ctx, CLADE_F32, shapes[i]));
        ok(clade_tensor_fill(leaf[i], 1));
        ok(clade_tensor_set_requires_grad(leaf[i], true));
    }
    clade_tensor *y = clade_linear(leaf[0], leaf[1], leaf[2]), *up = blank(CLADE_SHAPE(2, 3, 7));
    start();
    ok(clade_backward_from(y, up));
    int gemms = 0;
    clade_recording_end(recording);
    for (size_t i = 0; i < recording->count; i++)
        gemms += recording->commands[i].kind == CLADE_COMMAND_GEMM;
    clade_recording_free(&recording);
    ck_assert_int_eq(gemms, 2);
    ok(clade_tape_end(ctx));
    for (int i = 0; i < 3; i++)
        clade_tensor_free(&leaf[i]);
}
END_TEST

START_TEST(errors_name_the_shapes)
{
    const int32_t integers[4] = {0};
    clade_tensor *a = blank(CLADE_SHAPE(2, 3)), *v = blank(CLADE_SHAPE(3));
    clade_tensor *i = lent(CLADE_I32, CLADE_SHAPE(2, 2), integers);
    null_with(clade_matmul(a, a), CLADE_ERR_SHAPE,
              "matmul: inner dimensions differ: [2,3] x [2,3]");
    null_with(clade_matmul(a, v), CLADE_ERR_SHAPE, "matmul: both need two dimensions: [2,3] x [3]");
    null_with(clade_matmul(blank(CLADE_SHAPE(2, 2, 3)), blank(CLADE_SHAPE(3, 3, 1))),
              CLADE_ERR_SHAPE, "leading dimensions do not broadcast: [2,2,3] x [3,3,1]");
    null_with(clade_matmul(i, i), CLADE_ERR_DTYPE, "matmul: input 0 is i32");
    null_with(clade_matmul(a, i), CLADE_ERR_DTYPE, "matmul: inputs differ in dtype");
    null_with(clade_linear(a, blank(CLADE_SHAPE(5, 4)), v), CLADE_ERR_SHAPE,
              "linear: x [2,3] does not fit weight [5,4]");
    null_with(clade_linear(a, blank(CLADE_SHAPE(5, 3)), v), CLADE_ERR_SHAPE,
              "linear: bias [3] does not fit weight [5,3]");
    null_with(clade_linear(a, blank(CLADE_SHAPE(5, 3)), NULL), CLADE_ERR_ARGUMENT,
              "linear: an input is NULL");
    null_with(clade_linear_no_bias(a, v), CLADE_ERR_SHAPE, "linear_no_bias: x [2,3]");
}
END_TEST

int main(void)
{
    return RUN("matrix", views_are_taken_as_they_are, batches_are_one_gemm,
               linear_is_one_gemm_and_the_bias, linear_goes_back_in_two_gemms,
               errors_name_the_shapes);
}

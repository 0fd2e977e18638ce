/* Every row of op_cases.h in a step: what the function yields, what its recording yields, and what
 * the replays yield is the same to the bit.
 *
 *     test_replay [OP ...]     runs all rows, or those of the ops named */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "op_host.h"
#include "tensor/context.h"
#include "tensor/tensor.h"

#include "testing.h"

static clade_context *ctx;

typedef struct trial {
    const op_case *row;
    clade_dtype dtype;
    int count;
    host_array in[OP_INPUTS];
    clade_tensor *tensor[OP_INPUTS];
    clade_tensor *result; /* of the latest call; owned */
} trial;

static void must(const trial *t, clade_status status, const char *what)
{
    ck_assert_msg(status == CLADE_OK, "%s%s%s: %s: %s: %s", t->row->op, t->row->variant ? ", " : "",
                  t->row->variant ? t->row->variant : "", what, clade_status_name(status),
                  clade_last_error()->message);
}

static clade_status build(void *user, clade_tensor *const *inputs, int count)
{
    trial *t = user;
    const op_args args = {.ctx = ctx, .dtype = t->dtype, .in = t->tensor};
    (void)inputs, (void)count;
    clade_status status = clade_scope_begin(ctx);
    if (status != CLADE_OK)
        return status;
    clade_tensor *out = t->row->build(t->row, &args);
    if (!out)
        return clade_last_error()->status;
    clade_tensor_free(&t->result);
    t->result = clade_tensor_retain(out);
    return clade_scope_end(ctx);
}

/* Whether the result shows an input's memory, as views do. */
static bool is_view(const trial *t)
{
    for (int i = 0; i < t->count; i++)
        if (t->tensor[i]->storage == t->result->storage)
            return true;
    return false;
}

static void *read_result(const trial *t, size_t *bytes)
{
    *bytes =
        (size_t)clade_tensor_numel(t->result) * clade_dtype_size(clade_tensor_dtype(t->result));
    void *data = calloc(*bytes + 1, 1);
    ck_assert_ptr_nonnull(data);
    must(t, clade_tensor_read(t->result, data, *bytes), "reading");
    return data;
}

/* The first call, the recorded one, and two replays, which find other numbers in the result. */
static void compare_runs(trial *t)
{
    enum { CALL, RECORDED, RUNS = 4 };
    clade_step *step;
    void *first = NULL;
    must(t, clade_step_create(&step, ctx, build, t, NULL), "step_create");
    for (int run = CALL; run < RUNS; run++) {
        size_t bytes;
        if (run > RECORDED && !is_view(t))
            must(t, clade_tensor_fill(t->result, 77), "fill");
        must(t, clade_manual_seed(ctx, ctx->seed), "manual_seed");
        must(t, clade_step_run(step, NULL, 0), run == RECORDED ? "recording" : "step_run");
        void *data = read_result(t, &bytes);
        ck_assert_msg(!first || !memcmp(first, data, bytes), "%s%s%s: run %d differs", t->row->op,
                      t->row->variant ? ", " : "", t->row->variant ? t->row->variant : "", run);
        if (run == CALL)
            first = data;
        else
            free(data);
    }
    free(first);
    clade_step_free(&step);
}

static clade_dtype dtype_of(const op_case *row)
{
    for (clade_dtype d = CLADE_F32; d < CLADE_DTYPE_COUNT; d++)
        if (row->dtypes & 1u << d)
            return d;
    return CLADE_F32;
}

static void run_row(int index)
{
    clade_shape shape[OP_INPUTS];
    trial t = {.row = op_case_at((size_t)index)};
    t.dtype = dtype_of(t.row);
    t.count = parse_shapes(t.row->shapes[0], shape);
    ck_assert_int_ge(t.count, 0);
    for (int i = 0; i < t.count; i++) {
        draw_input(&t.in[i], t.row, i, t.dtype, shape[i], CONTIGUOUS);
        t.tensor[i] = place(ctx, &t.in[i], CONTIGUOUS);
        if (!t.tensor[i])
            must(&t, clade_last_error()->status, "making an input");
    }
    compare_runs(&t);
    clade_tensor_free(&t.result);
    for (int i = 0; i < t.count; i++) {
        array_free(&t.in[i]);
        clade_tensor_free(&t.tensor[i]);
    }
}

static void clean_up(void)
{
    while (clade_scope_end(ctx) == CLADE_OK)
        continue;
}

int main(int argc, char **argv)
{
    static TTest tests[1024];
    static char names[1024][128];
    clade_status status = clade_context_create(&ctx, NULL);
    (void)argc;
    if (status == CLADE_ERR_NO_DEVICE) {
        printf("1..0 # SKIP %s\n", clade_last_error()->message);
        return EXIT_SUCCESS;
    }
    if (status != CLADE_OK) {
        fprintf(stderr, "test_replay: %s\n", clade_last_error()->message);
        return EXIT_FAILURE;
    }
    Suite *suite = suite_create("replay");
    TCase *tcase = tcase_create("replay");
    tcase_set_timeout(tcase, 0);
    tcase_add_checked_fixture(tcase, clean_up, NULL);
    const op_case *row;
    for (int i = 0; i < 1024 && (row = op_case_at((size_t)i)); i++) {
        if (!op_case_wanted(row, argv + 1))
            continue;
        snprintf(names[i], sizeof names[i], "%s%s%s", row->op, row->variant ? " " : "",
                 row->variant ? row->variant : "");
        tests[i] = (TTest){names[i], run_row, "replay", 1};
        tcase_add_loop_test(tcase, &tests[i], i, i + 1);
    }
    suite_add_tcase(suite, tcase);
    int code = run_whole_suite(suite);
    clade_context_free(&ctx);
    return code;
}

/* Every row of op_cases.h in every mode that applies to it, one TAP line each.
 *
 *     test_ops [OP ...]     runs all rows, or those of the ops named
 *
 * What the rows claim is printed by op_table. */
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile_once.h"
#include "op_host.h"
#include "tape/op.h"
#include "testing.h"

typedef enum mode {
    FORWARD_F32,
    FORWARD_F64,
    FORWARD_I32,
    FORWARD_U8,
    FORWARD_F16,
    FORWARD_BF16,
    VIEWS,
    GRADCHECK,
    GRADGRADCHECK,
    BACKWARD,
    BACKWARD_BF16,
    MODE_COUNT
} mode;

static const char *const mode_names[MODE_COUNT] = {
    "forward f32",         "forward f64",   "forward i32",        "forward u8",
    "forward f16",         "forward bf16",  "forward from views", "gradient check, f64",
    "gradgrad check, f64", "backward, f32", "backward, bf16"};
static const clade_dtype mode_dtypes[MODE_COUNT] = {CLADE_F32, CLADE_F64,  CLADE_I32, CLADE_U8,
                                                    CLADE_F16, CLADE_BF16, CLADE_F32, CLADE_F64,
                                                    CLADE_F64, CLADE_F32,  CLADE_BF16};

static clade_context *ctx;

/* One way of running a row. */
typedef struct trial {
    const op_case *row;
    mode mode;
    clade_dtype dtype;
    const char *shapes;
    layout kind;
    int which; /* the input that is laid out so; -1: all that can be */

    int count;
    host_array in[OP_INPUTS];
    clade_tensor *tensor[OP_INPUTS];
    bool leaf[OP_INPUTS]; /* gradients flow to it */
} trial;

static void complain(const trial *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void complain(const trial *t, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    char which[24] = "all inputs";
    if (t->which >= 0)
        snprintf(which, sizeof which, "input %d", t->which);
    ck_abort_msg("%s%s%s: %s (%s) on %s, %s %s: %s", t->row->op, t->row->variant ? ", " : "",
                 t->row->variant ? t->row->variant : "", mode_names[t->mode],
                 clade_dtype_name(t->dtype), t->shapes, which, layout_names[t->kind], text);
}

static void must(const trial *t, clade_status status, const char *what)
{
    if (status != CLADE_OK)
        complain(t, "%s: %s: %s", what, clade_status_name(status), clade_last_error()->message);
}

/* --- setting up --------------------------------------------------------------------------------
 */

static void open_trial(trial *t, bool gradients)
{
    clade_shape shape[OP_INPUTS];
    t->count = parse_shapes(t->shapes, shape);
    if (t->count < 0)
        complain(t, "this is no list of shapes");
    for (int i = 0; i < t->count; i++) {
        bool applies = (t->which < 0 || t->which == i) && layout_applies(t->kind, &shape[i]);
        layout kind = applies ? t->kind : CONTIGUOUS;
        draw_input(&t->in[i], t->row, i, t->dtype, shape[i], kind);
        t->tensor[i] = place(ctx, &t->in[i], kind);
        if (!t->tensor[i])
            must(t, clade_last_error()->status, "making an input");
        t->leaf[i] = gradients && t->row->inputs[i].kind == LIKE_ROW && !t->row->inputs[i].constant;
        if (t->leaf[i])
            must(t, clade_tensor_set_requires_grad(t->tensor[i], true), "set_requires_grad");
    }
}

static void close_trial(trial *t)
{
    for (int i = 0; i < t->count; i++) {
        array_free(&t->in[i]);
        clade_tensor_free(&t->tensor[i]);
    }
}

static clade_tensor *build(const trial *t)
{
    const op_args args = {.ctx = ctx, .dtype = t->dtype, .in = t->tensor};
    clade_tensor *out = t->row->build(t->row, &args);
    if (!out)
        must(t, clade_last_error()->status, "building");
    return out;
}

/* --- forward -----------------------------------------------------------------------------------
 */

static clade_dtype out_dtype(const trial *t)
{
    static const clade_dtype fixed[] = {
        [OUT_I32] = CLADE_I32, [OUT_U8] = CLADE_U8, [OUT_F32] = CLADE_F32, [OUT_F64] = CLADE_F64};
    return t->row->out == OUT_LIKE_ROW ? t->dtype : fixed[t->row->out];
}

/* Of the dtype that is computed with. */
static double epsilon(clade_dtype dtype)
{
    return dtype == CLADE_F64 ? DBL_EPSILON : clade_dtype_is_float(dtype) ? FLT_EPSILON : 0;
}

/* What `count` roundings of numbers of that size may do in a dtype that is only stored. */
static double rounding(clade_dtype dtype, double count, double size)
{
    if (dtype != CLADE_F16 && dtype != CLADE_BF16)
        return 0;
    bool half = dtype == CLADE_F16;
    return count / 2 * fmax(size * (half ? 0x1p-10 : 0x1p-7), half ? 0x1p-24 : 0x1p-133);
}

static bool agrees(const trial *t, clade_dtype dtype, double got, double reference)
{
    double expected = rounded(dtype, reference);
    if (got == expected || (isnan(got) && isnan(expected)))
        return true;
    double size = fmax(fabs(reference), t->row->scale);
    double roundings = t->row->roundings > 0 ? rounding(dtype, t->row->roundings, size)
                                             : rounding(dtype, 1, fabs(reference));
    return fabs(got - reference) <= t->row->ulp * epsilon(dtype) * size + roundings;
}

static void check_values(const trial *t, const host_array *got)
{
    host_array expected;
    evaluate_reference(t->row, t->in, t->count, &expected);
    if (!clade_shape_equal(&got->shape, &expected.shape))
        complain(t, "the result has %d dimensions and %lld elements, not %d and %lld",
                 got->shape.ndim, (long long)got->numel, expected.shape.ndim,
                 (long long)expected.numel);
    for (int64_t i = 0; i < got->numel; i++)
        if (!agrees(t, got->dtype, got->value[i], expected.value[i]))
            complain(t, "element %lld is %.17g, not %.17g", (long long)i, got->value[i],
                     rounded(got->dtype, expected.value[i]));
    array_free(&expected);
}

static void run_forward(trial t)
{
    open_trial(&t, false);
    must(&t, clade_scope_begin(ctx), "scope_begin");
    clade_tensor *out = build(&t);
    host_array got;
    must(&t, array_read(&got, out), "reading the result");
    if (got.dtype != out_dtype(&t))
        complain(&t, "the result is %s, not %s", clade_dtype_name(got.dtype),
                 clade_dtype_name(out_dtype(&t)));
    if (t.row->verify) {
        const char *complaint = t.row->verify(t.row, t.in, &got);
        if (complaint)
            complain(&t, "%s", complaint);
    } else {
        check_values(&t, &got);
    }
    array_free(&got);
    must(&t, clade_scope_end(ctx), "scope_end");
    close_trial(&t);
}

/* --- gradients ---------------------------------------------------------------------------------
 */

static clade_tensor *build_for_gradcheck(void *user, clade_tensor *const *inputs, int count)
{
    (void)inputs, (void)count;
    const trial *t = user;
    const op_args args = {.ctx = ctx, .dtype = t->dtype, .in = t->tensor};
    return t->row->build(t->row, &args);
}

static int leaves_of(const trial *t, clade_tensor **leaves)
{
    int count = 0;
    for (int i = 0; i < t->count; i++)
        if (t->leaf[i])
            leaves[count++] = t->tensor[i];
    return count;
}

static void run_gradcheck(trial t)
{
    clade_tensor *leaves[OP_INPUTS];
    open_trial(&t, true);
    int count = leaves_of(&t, leaves);
    must(&t, clade_gradcheck(build_for_gradcheck, &t, leaves, count, NULL, NULL), "gradcheck");
    close_trial(&t);
}

static void run_gradgradcheck(trial t)
{
    const clade_gradcheck_params few = {.directions = 2, .elements = 2};
    clade_tensor *leaves[OP_INPUTS];
    open_trial(&t, true);
    int count = leaves_of(&t, leaves);
    clade_status status = clade_gradgradcheck(build_for_gradcheck, &t, leaves, count, &few, NULL);
    if (!t.row->no_grad2)
        must(&t, status, "gradgradcheck");
    else if (status != CLADE_ERR_NO_GRADIENT)
        complain(&t, "gradgradcheck: %s, and the row says: %s", clade_status_name(status),
                 t.row->no_grad2);
    close_trial(&t);
}

/* A gradient that arrives: of both signs, never 0, exact in f32. */
static double arriving(int64_t i)
{
    return ((double)((i * 37 + 11) % 22) - 10.5) / 8;
}

static double weighted_reference(const trial *t)
{
    host_array out;
    evaluate_reference(t->row, t->in, t->count, &out);
    double sum = 0;
    for (int64_t i = 0; i < out.numel; i++)
        sum += arriving(i) * out.value[i];
    array_free(&out);
    return sum;
}

/* Central difference of the reference itself: on the host, in double, without the library. */
static double reference_gradient(const trial *t, int input, int64_t element)
{
    const double h = 1e-5, x = t->in[input].value[element];
    t->in[input].value[element] = x + h;
    double ahead = weighted_reference(t);
    t->in[input].value[element] = x - h;
    double behind = weighted_reference(t);
    t->in[input].value[element] = x;
    return (ahead - behind) / (2 * h);
}

#define ELEMENTS_CHECKED 24

static void check_gradient(const trial *t, int input)
{
    clade_tensor *grad = clade_tensor_grad(t->tensor[input]);
    if (!grad)
        complain(t, "input %d got no gradient", input);
    host_array got;
    must(t, array_read(&got, grad), "reading a gradient");
    double ulp = t->row->grad_ulp > 0 ? t->row->grad_ulp : 4 * t->row->ulp + 16;
    double scale = t->row->grad_scale > 0 ? t->row->grad_scale : 1;
    int64_t step = got.numel / ELEMENTS_CHECKED + 1;
    for (int64_t i = 0; i < got.numel; i += step) {
        double expected = reference_gradient(t, input, i);
        double size = fmax(fabs(expected), scale);
        double allowed =
            ulp * FLT_EPSILON * size + rounding(t->dtype, fmax(4, 2 * t->row->roundings), size);
        if (!(fabs(got.value[i] - expected) <= allowed))
            complain(t, "gradient of input %d, element %lld: %.9g, not %.9g", input, (long long)i,
                     got.value[i], expected);
    }
    array_free(&got);
}

static void run_backward(trial t)
{
    open_trial(&t, true);
    must(&t, clade_tape_begin(ctx), "tape_begin");
    clade_tensor *out = build(&t);
    host_array up = {0};
    array_init(&up, clade_tensor_shape(out));
    up.dtype = clade_tensor_dtype(out);
    for (int64_t i = 0; i < up.numel; i++)
        up.value[i] = arriving(i);
    clade_tensor *grad = place(ctx, &up, CONTIGUOUS);
    array_free(&up);
    if (!grad)
        must(&t, clade_last_error()->status, "making a gradient");
    clade_status status = clade_backward_from(out, grad);
    clade_tensor_free(&grad);
    must(&t, status, "backward");
    must(&t, clade_tape_end(ctx), "tape_end");
    for (int i = 0; i < t.count; i++)
        if (t.leaf[i])
            check_gradient(&t, i);
    close_trial(&t);
}

/* --- modes -------------------------------------------------------------------------------------
 */

static bool applies(const op_case *row, mode m)
{
    bool has_f64 = !ctx || clade_context_device(ctx)->has_f64;
    if (row->out == OUT_F64 && !has_f64)
        return false;
    switch (m) {
    case VIEWS:
        return *row->shapes[0] != '\0';
    case GRADCHECK:
        return has_f64 && op_case_differentiates(row);
    case GRADGRADCHECK: /* made of ops that are tested in either kernel shape by themselves */
        return has_f64 && op_case_differentiates(row) && !getenv("CLADE_KERNEL_SHAPE");
    case FORWARD_F16: /* on the slowest device bf16 shows enough */
        return (row->dtypes & 1u << CLADE_F16) && !getenv("CLADE_TEST_SMALL");
    case BACKWARD:
    case BACKWARD_BF16:
        return row->gradient && (row->dtypes & 1u << mode_dtypes[m]) && row->out != OUT_I32 &&
               row->out != OUT_U8;
    case FORWARD_F64:
        return (row->dtypes & F64) && has_f64;
    default:
        return row->dtypes & 1u << mode_dtypes[m];
    }
}

static bool is_empty(const char *shapes)
{
    clade_shape shape[OP_INPUTS];
    int count = parse_shapes(shapes, shape);
    for (int i = 0; i < count; i++)
        if (clade_shape_numel(&shape[i]) == 0)
            return true;
    return false;
}

/* The first `sets` shapes as they are, then the first with views up to layout `last`: of each input
 * alone, or of all at once. */
static void run_all(trial t, void (*run)(trial), int sets, bool one_by_one, layout last)
{
    clade_shape shape[OP_INPUTS];
    t.which = -1;
    t.kind = CONTIGUOUS;
    for (int s = 0; s < sets && t.row->shapes[s]; s++) {
        t.shapes = t.row->shapes[s];
        run(t);
    }
    t.shapes = t.row->shapes[0];
    if (t.row->views_like) {
        one_by_one = false;
        last = t.mode == VIEWS ? TRANSPOSED : CONTIGUOUS;
    }
    int count = parse_shapes(t.shapes, shape);
    for (int i = 0; i < (one_by_one ? count : 1); i++) {
        for (layout kind = TRANSPOSED; kind <= last; kind++) {
            t.which = one_by_one ? i : -1;
            t.kind = kind;
            if (layout_applies(kind, &shape[i]))
                run(t);
        }
    }
}

static clade_dtype views_dtype(const op_case *row)
{
    for (clade_dtype d = CLADE_F32; d < CLADE_DTYPE_COUNT; d++)
        if (row->dtypes & 1u << d)
            return d;
    return CLADE_F32;
}

static void run_mode(const op_case *row, mode m)
{
    trial t = {.row = row, .mode = m, .dtype = mode_dtypes[m]};
    switch (m) {
    case VIEWS:
        t.dtype = views_dtype(row);
        run_all(t, run_forward, 0, true, EXPANDED);
        break;
    case GRADCHECK:
        /* an expanded leaf cannot be written to; its backward is checked in f32 */
        run_all(t, run_gradcheck, OP_SHAPES, false, SLICED);
        break;
    case GRADGRADCHECK: /* shapes and views are the business of the ops that it is made of */
        run_all(t, run_gradgradcheck, 1, false, CONTIGUOUS);
        break;
    case BACKWARD:
        run_all(t, run_backward, OP_SHAPES, true, EXPANDED);
        break;
    case BACKWARD_BF16:
        run_all(t, run_backward, 1, false, CONTIGUOUS);
        break;
    case FORWARD_F16:
    case FORWARD_BF16:
        run_all(t, run_forward, 1, false, CONTIGUOUS);
        break;
    case FORWARD_F32:
        run_all(t, run_forward, OP_SHAPES, false, CONTIGUOUS);
        break;
    default: /* what depends on shapes does not depend on the dtype; programs take time to compile
              */
        run_all(t, run_forward, row->dtypes & F32 ? 2 : OP_SHAPES, false, CONTIGUOUS);
    }
}

/* --- the registry against the rows -------------------------------------------------------------
 */

static const op_case *row_of(const char *op)
{
    const op_case *row;
    for (size_t i = 0; (row = op_case_at(i)); i++)
        if (!strcmp(row->op, op))
            return row;
    return NULL;
}

static void every_op_has_a_row(int unused)
{
    (void)unused;
    const clade_op *op;
    for (size_t i = 0; (op = clade_op_at(i)); i++) {
        const op_case *row = row_of(op->gradient_of ? op->gradient_of : op->name);
        if (op->gradient_of)
            ck_assert_msg(row && row->gradient,
                          "%s computes the gradient of %s, whose gradient no row tests", op->name,
                          op->gradient_of);
        else
            ck_assert_msg(row, "op %s has no row: see tests/op_cases.h", op->name);
    }
}

/* A composed op has those of its parts, which end in floats. */
static bool has_gradient(const clade_op *op, const op_case *row)
{
    return op->backward || (op->compose && row->out != OUT_I32 && row->out != OUT_U8);
}

static void every_row_has_an_op(int unused)
{
    (void)unused;
    const op_case *row;
    for (size_t i = 0; (row = op_case_at(i)); i++) {
        const clade_op *op = clade_op_find(row->op);
        ck_assert_msg(op, "a row of tests/op_cases*.c is for %s, which is no op", row->op);
        ck_assert_msg(row->gradient == has_gradient(op, row), "%s: the row says %s gradient",
                      row->op, row->gradient ? "there is a" : "there is no");
        ck_assert_msg(row->dtypes && row->shapes[0], "%s: a row without dtypes or shapes", row->op);
        const op_case *like = row->views_like ? row_of(row->views_like) : row;
        ck_assert_msg(like && like->gradient >= row->gradient && (like == row || !like->views_like),
                      "%s: %s shows no views for it", row->op, row->views_like);
        ck_assert_msg(!!row->element + !!row->reference + !!row->verify == 1,
                      "%s: a row needs one of element, reference, verify", row->op);
    }
}

static void every_op_runs_empty(int unused)
{
    (void)unused;
    const op_case *row, *other;
    for (size_t i = 0; (row = op_case_at(i)); i++) {
        bool empty = false;
        for (size_t k = 0; (other = op_case_at(k)); k++)
            for (int s = 0; s < OP_SHAPES && other->shapes[s]; s++)
                empty = empty || (!strcmp(row->op, other->op) &&
                                  (other->no_empty || is_empty(other->shapes[s])));
        ck_assert_msg(empty, "%s: no row has an empty shape, and none says why", row->op);
    }
}

/* --- main --------------------------------------------------------------------------------------
 */

typedef struct test_entry {
    TTest test;
    const op_case *row;
    mode mode;
} test_entry;

static test_entry *entries;
static size_t entry_count;

static void run_entry(int i)
{
    run_mode(entries[i].row, entries[i].mode);
}

/* What a failed test left open; every leak of tensors is the process's end. */
static void clean_up(void)
{
    while (clade_no_grad_end(ctx) == CLADE_OK)
        continue;
    while (clade_scope_end(ctx) == CLADE_OK || clade_tape_end(ctx) == CLADE_OK)
        continue;
}

static char *entry_name(const op_case *row, mode m)
{
    const char *variant = row->variant ? row->variant : "";
    size_t size = strlen(row->op) + strlen(variant) + strlen(mode_names[m]) + 8;
    char *name = calloc(size, 1);
    if (name)
        snprintf(name, size, "%s%s%s, %s", row->op, *variant ? " " : "", variant, mode_names[m]);
    return name;
}

static bool make_entries(char *const *ops)
{
    size_t rows = 0;
    while (op_case_at(rows))
        rows++;
    entries = calloc(rows * MODE_COUNT + 1, sizeof *entries);
    for (size_t i = 0; entries && i < rows; i++) {
        for (mode m = FORWARD_F32; m < MODE_COUNT; m++) {
            const op_case *row = op_case_at(i);
            if (!op_case_wanted(row, ops) || !applies(row, m))
                continue;
            entries[entry_count] = (test_entry){
                .test = {entry_name(row, m), run_entry, "ops", 1}, .row = row, .mode = m};
            if (!entries[entry_count++].test.name)
                return false;
        }
    }
    return entries != NULL;
}

static int run_rows(bool all)
{
    static const TTest registry[] = {
        {"every op has a row", every_op_has_a_row, "ops", 1},
        {"every row has an op", every_row_has_an_op, "ops", 1},
        {"every op runs on empty tensors", every_op_runs_empty, "ops", 1}};
    Suite *suite = suite_create("ops");
    TCase *tcase = tcase_create("ops");
    setvbuf(stdout, NULL, _IOLBF, 0);
    tcase_set_timeout(tcase, 0);
    tcase_add_checked_fixture(tcase, clean_up, NULL);
    for (size_t i = 0; all && i < sizeof registry / sizeof registry[0]; i++)
        tcase_add_test(tcase, &registry[i]);
    for (size_t i = 0; i < entry_count; i++)
        tcase_add_loop_test(tcase, &entries[i].test, (int)i, (int)i + 1);
    suite_add_tcase(suite, tcase);
    return run_whole_suite(suite);
}

int main(int argc, char **argv)
{
    compile_once();
    clade_status status = clade_context_create(&ctx, NULL);
    if (status == CLADE_ERR_NO_DEVICE) {
        printf("1..0 # SKIP %s\n", clade_last_error()->message);
        return EXIT_SUCCESS;
    }
    if (status != CLADE_OK || !make_entries(argv + 1)) {
        fprintf(stderr, "test_ops: %s\n", clade_last_error()->message);
        return EXIT_FAILURE;
    }
    if (!clade_context_device(ctx)->has_f64)
        printf("# f64 is left out: device %s has none\n", clade_context_device(ctx)->name);
    int result = run_rows(argc == 1);
    fflush(stdout);
    for (size_t i = 0; i < entry_count; i++)
        free((char *)entries[i].test.name);
    free(entries);
    clade_context_free(&ctx);
    return result;
}

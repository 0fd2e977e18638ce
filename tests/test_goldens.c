/* Every op against PyTorch: the cases of goldens/ops.safetensors, each built by its row of
 * golden_rows.inc. Integers agree exactly; floats within |got - golden| <= atol + rtol * |golden|
 * with rtol 1e-5, atol 1e-6 in f32 and 1e-12, 1e-13 in f64. Gradients likewise. */
#include <math.h>

#include "tensor_testing.h"

#define OVER(...)                                                                                  \
    (const int[]){__VA_ARGS__}, (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

typedef clade_tensor *(*golden_fn)(clade_tensor *const *in, int count);

typedef struct golden_row {
    const char *names; /* separated by spaces */
    golden_fn build;
} golden_row;

static clade_tensor *split_times_first(clade_tensor *x)
{
    clade_tensor *parts[3];
    ok(clade_split(x, 1, 2, parts, 3));
    return clade_mul(parts[2], clade_slice(parts[0], 1, 0, 1, 1));
}

static clade_tensor *second_chunk(clade_tensor *x)
{
    clade_tensor *parts[3];
    ok(clade_chunk(x, 0, parts, 3));
    return parts[1];
}

static clade_tensor *places_of_topk(clade_tensor *x)
{
    clade_tensor *places;
    ck_assert_ptr_nonnull(clade_topk(x, 1, 2, true, &places));
    return places;
}

#define ONE(id, ...) ROW(id, #id, __VA_ARGS__)
#define ROW(id, names, ...)                                                                        \
    static clade_tensor *golden_##id(clade_tensor *const *in, int count)                           \
    {                                                                                              \
        (void)count;                                                                               \
        return __VA_ARGS__;                                                                        \
    }
#include "golden_rows.inc"
#undef ROW
#define ROW(id, names, ...) {names, golden_##id},
static const golden_row rows[] = {
#include "golden_rows.inc"
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

static clade_safetensors *file;

#define MAX_CASES  1024
#define MAX_INPUTS 4

typedef struct golden_case {
    char name[64];
    TTest test;
} golden_case;

static golden_case cases[MAX_CASES];
static int case_count;

static const clade_array *part(const char *name, const char *suffix, int number)
{
    char key[128];
    if (number < 0)
        snprintf(key, sizeof key, "%s/%s", name, suffix);
    else
        snprintf(key, sizeof key, "%s/%s%d", name, suffix, number);
    return clade_safetensors_find(file, key);
}

static bool names_it(const char *names, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = names; (at = strstr(at, name)); at += n)
        if ((at == names || at[-1] == ' ') && (at[n] == ' ' || !at[n]))
            return true;
    return false;
}

static const golden_row *row_of(const char *name)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (names_it(rows[i].names, name))
            return &rows[i];
    return NULL;
}

/* --- comparing ---------------------------------------------------------------------------------
 */

static double element(clade_dtype dtype, const void *data, int64_t i)
{
    switch (dtype) {
    case CLADE_F32:
        return ((const float *)data)[i];
    case CLADE_F64:
        return ((const double *)data)[i];
    case CLADE_I32:
        return ((const int32_t *)data)[i];
    default:
        return ((const uint8_t *)data)[i];
    }
}

static bool agrees(clade_dtype dtype, double got, double golden)
{
    if (got == golden || (isnan(got) && isnan(golden)))
        return true;
    if (!clade_dtype_is_float(dtype) || isinf(golden))
        return false;
    double rtol = dtype == CLADE_F64 ? 1e-12 : 1e-5, atol = dtype == CLADE_F64 ? 1e-13 : 1e-6;
    return fabs(got - golden) <= atol + rtol * fabs(golden);
}

static void compare(const char *name, const char *what, const clade_tensor *got,
                    const clade_array *golden)
{
    clade_shape shape = clade_tensor_shape(got);
    ck_assert_msg(clade_tensor_dtype(got) == golden->dtype, "%s: %s is %s, not %s", name, what,
                  clade_dtype_name(clade_tensor_dtype(got)), clade_dtype_name(golden->dtype));
    ck_assert_msg(clade_shape_equal(&shape, &golden->shape), "%s: %s has the wrong shape", name,
                  what);
    int64_t numel = clade_tensor_numel(got);
    size_t bytes = (size_t)numel * clade_dtype_size(golden->dtype);
    void *data = malloc(bytes + 1);
    ck_assert_ptr_nonnull(data);
    ok(clade_tensor_read(got, data, bytes));
    for (int64_t i = 0; i < numel; i++) {
        double ours = element(golden->dtype, data, i);
        double theirs = element(golden->dtype, golden->data, i);
        ck_assert_msg(agrees(golden->dtype, ours, theirs),
                      "%s: %s, element %lld: %.9g, PyTorch has %.9g", name, what, (long long)i,
                      ours, theirs);
    }
    free(data);
}

/* --- one case ----------------------------------------------------------------------------------
 */

static clade_tensor *upload(const clade_array *array)
{
    clade_tensor *t;
    ok(clade_tensor_from_host(&t, ctx, array->dtype, array->shape, array->data));
    return t;
}

static void run_case(int index)
{
    const char *name = cases[index].name;
    const clade_array *up = part(name, "up", -1), *array;
    clade_tensor *in[MAX_INPUTS];
    int count = 0;
    for (; count < MAX_INPUTS && (array = part(name, "in", count)); count++) {
        in[count] = upload(array);
        if (part(name, "grad", count))
            ok(clade_tensor_set_requires_grad(in[count], true));
    }
    ok(clade_tape_begin(ctx));
    clade_tensor *out = row_of(name)->build(in, count);
    ck_assert_msg(out, "%s: %s", name, clade_last_error()->message);
    compare(name, "the result", out, part(name, "out", -1));
    if (up) {
        clade_tensor *grad = upload(up);
        ok(clade_backward_from(out, grad));
        clade_tensor_free(&grad);
    }
    for (int i = 0; i < count; i++) {
        const clade_array *golden = part(name, "grad", i);
        char what[32];
        snprintf(what, sizeof what, "the gradient of input %d", i);
        if (golden) {
            ck_assert_msg(clade_tensor_grad(in[i]), "%s: there is no gradient of input %d", name,
                          i);
            compare(name, what, clade_tensor_grad(in[i]), golden);
        }
    }
    ok(clade_tape_end(ctx));
    for (int i = 0; i < count; i++)
        clade_tensor_free(&in[i]);
}

/* --- rows against cases ------------------------------------------------------------------------
 */

static void every_case_has_a_row(int unused)
{
    (void)unused;
    const char *end;
    for (size_t i = 0; i < clade_safetensors_count(file); i++) {
        const char *key = clade_safetensors_get(file, i)->name;
        char name[64];
        if ((end = strrchr(key, '/')) && !strcmp(end, "/out")) {
            snprintf(name, sizeof name, "%.*s", (int)(end - key), key);
            ck_assert_msg(row_of(name), "golden case %s has no row in golden_rows.inc", name);
        }
    }
}

static void every_row_has_its_cases(int unused)
{
    (void)unused;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        char names[512], *save = NULL;
        snprintf(names, sizeof names, "%s", rows[i].names);
        for (char *n = strtok_r(names, " ", &save); n; n = strtok_r(NULL, " ", &save)) {
            ck_assert_msg(part(n, "out", -1), "golden_rows.inc names %s, which is no case", n);
            ck_assert_msg(row_of(n) == &rows[i], "golden_rows.inc has %s twice", n);
        }
    }
}

/* --- main --------------------------------------------------------------------------------------
 */

static bool has_f64_parts(const char *name)
{
    static const char *const parts[] = {"in0", "in1", "out"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const clade_array *array = part(name, parts[i], -1);
        if (array && array->dtype == CLADE_F64)
            return true;
    }
    return false;
}

/* Returns how many cases the device cannot run. */
static int collect_cases(bool f64)
{
    int left_out = 0;
    for (size_t i = 0; i < clade_safetensors_count(file) && case_count < MAX_CASES; i++) {
        golden_case *c = &cases[case_count];
        const char *key = clade_safetensors_get(file, i)->name, *end = strrchr(key, '/');
        if (!end || strcmp(end, "/out") != 0)
            continue;
        snprintf(c->name, sizeof c->name, "%.*s", (int)(end - key), key);
        c->test = (TTest){c->name, run_case, "goldens", 1};
        if (!row_of(c->name))
            continue;
        if (has_f64_parts(c->name) && !f64)
            left_out++;
        else
            case_count++;
    }
    return left_out;
}

static void close_everything(void)
{
    while (clade_scope_end(ctx) == CLADE_OK || clade_tape_end(ctx) == CLADE_OK)
        continue;
}

static int run_cases(void)
{
    static const TTest rules[] = {
        {"every case has a row", every_case_has_a_row, "goldens", 1},
        {"every row has its cases", every_row_has_its_cases, "goldens", 1}};
    Suite *suite = suite_create("goldens");
    TCase *tcase = tcase_create("goldens");
    tcase_set_timeout(tcase, 0);
    tcase_add_checked_fixture(tcase, close_everything, NULL);
    tcase_add_test(tcase, &rules[0]);
    tcase_add_test(tcase, &rules[1]);
    for (int i = 0; i < case_count; i++)
        tcase_add_loop_test(tcase, &cases[i].test, i, i + 1);
    suite_add_tcase(suite, tcase);
    return run_whole_suite(suite);
}

int main(void)
{
    compile_once();
    clade_status status = clade_context_create(&ctx, NULL);
    if (status == CLADE_ERR_NO_DEVICE) {
        printf("1..0 # SKIP %s\n", clade_last_error()->message);
        return 77;
    }
    char path[1024];
    snprintf(path, sizeof path, "%s/goldens/ops.safetensors", tests_dir());
    if (status != CLADE_OK || clade_safetensors_read(&file, path) != CLADE_OK) {
        fprintf(stderr, "test_goldens: %s\n", clade_last_error()->message);
        return EXIT_FAILURE;
    }
    const clade_device_info *device = clade_context_device(ctx);
    int left_out = collect_cases(device->has_f64);
    if (left_out)
        printf("# %d cases in f64 are left out: device %s has none\n", left_out, device->name);
    int result = run_cases();
    clade_safetensors_free(&file);
    clade_context_free(&ctx);
    return result;
}

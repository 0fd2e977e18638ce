/* Parameters: one flat buffer, its views, how they start, and files. */
#include <math.h>

#include "golden_file.h"
#include "tensor_testing.h"

static clade_params *params;
static char dir[256], path[300];

static void setup_params(void)
{
    setup();
    ok(clade_params_create(&params, ctx));
    make_temporary_dir(dir);
    snprintf(path, sizeof path, "%s/weights.safetensors", dir);
}

static void teardown_params(void)
{
    clade_params_free(&params);
    remove_tree(dir);
    teardown();
}

static void read_floats(const clade_tensor *t, float *out)
{
    ok(clade_tensor_read(t, out, (size_t)clade_tensor_numel(t) * sizeof *out));
}

/* Writes first, first + 1, ... */
static void count_up(clade_tensor *t, float first)
{
    float values[64];
    int64_t n = clade_tensor_numel(t);
    ck_assert_int_le(n, 64);
    for (int64_t i = 0; i < n; i++)
        values[i] = first + (float)i;
    ok(clade_tensor_write(t, values, (size_t)n * sizeof *values));
}

static void expect_count_up(const clade_tensor *t, float first)
{
    float values[64];
    read_floats(t, values);
    for (int64_t i = 0; i < clade_tensor_numel(t); i++)
        ck_assert_msg(values[i] == first + (float)i, "[%d] = %g, not %g", (int)i, (double)values[i],
                      (double)(first + (float)i));
}

static clade_tensor *added(const char *name, clade_shape shape, clade_init init)
{
    clade_tensor *t = clade_param(params, name, shape, init);
    ck_assert_msg(t != NULL, "%s", clade_last_error()->message);
    return t;
}

START_TEST(views_of_the_flat_buffer)
{
    ck_assert_ptr_null(clade_params_flat(params));
    ck_assert_ptr_null(clade_params_flat_grad(params));
    ok(clade_params_zero_grad(params));
    clade_tensor *a = added("a", CLADE_SHAPE(2, 3), clade_init_constant(1));
    clade_tensor *b = added("b.c", CLADE_SHAPE(20), clade_init_constant(2));
    clade_tensor *s = added("scalar", clade_shape_scalar(), clade_init_constant(3));
    ck_assert_uint_eq(clade_params_count(params), 3);
    ck_assert_int_eq(clade_params_numel(params), 27);
    ck_assert_ptr_eq(clade_params_get(params, 0), a);
    ck_assert_ptr_eq(clade_params_get(params, 1), b);
    ck_assert_ptr_eq(clade_params_find(params, "scalar"), s);
    ck_assert_str_eq(clade_params_name(params, 1), "b.c");
    ck_assert_ptr_null(clade_params_get(params, 3));
    ck_assert_ptr_null(clade_params_name(params, 3));
    ck_assert_ptr_null(clade_params_find(params, "b"));
    ck_assert(clade_tensor_requires_grad(a));

    clade_tensor *flat = clade_params_flat(params), *grad = clade_params_flat_grad(params);
    ck_assert_int_eq(clade_tensor_numel(flat), clade_tensor_numel(grad));
    float values[128];
    ck_assert_int_le(clade_tensor_numel(flat), 128);
    read_floats(flat, values);
    int seen[4] = {0};
    for (int64_t i = 0; i < clade_tensor_numel(flat); i++)
        seen[(int)values[i]]++;
    ck_assert_int_eq(seen[1], 6);
    ck_assert_int_eq(seen[2], 20);
    ck_assert_int_eq(seen[3], 1);

    ok(clade_tensor_fill(flat, 7));
    double item;
    ok(clade_tensor_item(s, &item));
    ck_assert(item == 7);
    ok(clade_tensor_fill(grad, 5));
    read_floats(clade_tensor_grad(b), values);
    for (int i = 0; i < 20; i++)
        ck_assert(values[i] == 5);
    ok(clade_params_zero_grad(params));
    read_floats(clade_tensor_grad(b), values);
    for (int i = 0; i < 20; i++)
        ck_assert(values[i] == 0);
}
END_TEST

/* The flat buffers move when a parameter is added; tensors, values and gradients stay. */
START_TEST(growth)
{
    clade_tensor *a = added("a", CLADE_SHAPE(3, 7), clade_init_zeros());
    count_up(a, 10);
    count_up(clade_tensor_grad(a), 50);
    clade_tensor *b = added("b", CLADE_SHAPE(5), clade_init_zeros());
    ck_assert_ptr_eq(clade_params_find(params, "a"), a);
    expect_count_up(a, 10);
    expect_count_up(clade_tensor_grad(a), 50);
    count_up(b, 100);
    count_up(clade_tensor_grad(b), 200);
    for (int i = 0; i < 20; i++) {
        char name[16];
        snprintf(name, sizeof name, "more%d", i);
        added(name, CLADE_SHAPE(i), clade_init_constant(i));
    }
    expect_count_up(a, 10);
    expect_count_up(clade_tensor_grad(a), 50);
    expect_count_up(b, 100);
    expect_count_up(clade_tensor_grad(b), 200);
    ok(clade_tensor_fill(clade_params_flat(params), 3));
    float values[64];
    read_floats(a, values);
    ck_assert(values[20] == 3);
}
END_TEST

START_TEST(gradients_accumulate_in_the_flat_buffer)
{
    clade_tensor *a = added("a", CLADE_SHAPE(4), clade_init_constant(2));
    clade_tensor *b = added("b", CLADE_SHAPE(4), clade_init_constant(3));
    clade_tensor *a_grad = clade_tensor_grad(a);
    for (int round = 1; round <= 2; round++) {
        ok(clade_tape_begin(ctx));
        clade_tensor *product = clade_mul(a, b);
        clade_tensor *one = clade_full(ctx, CLADE_F32, CLADE_SHAPE(4), 1);
        ok(clade_backward_from(product, one));
        ok(clade_tape_end(ctx));
        ck_assert_ptr_eq(clade_tensor_grad(a), a_grad);
        float values[64];
        read_floats(clade_params_flat_grad(params), values);
        int threes = 0, twos = 0, zeros = 0;
        int64_t n = clade_tensor_numel(clade_params_flat_grad(params));
        for (int64_t i = 0; i < n; i++) {
            threes += values[i] == 3.0f * (float)round;
            twos += values[i] == 2.0f * (float)round;
            zeros += values[i] == 0;
        }
        ck_assert_int_eq(threes, 4);
        ck_assert_int_eq(twos, 4);
        ck_assert_int_eq(zeros, n - 8);
    }
}
END_TEST

/* --- how they start --------------------------------------------------------------------------- */

static void expect_same(const clade_tensor *found, const clade_tensor *expected)
{
    float a[4096], b[4096];
    ck_assert_msg(expected != NULL, "%s", clade_last_error()->message);
    ck_assert_int_eq(clade_tensor_numel(found), clade_tensor_numel(expected));
    read_floats(found, a);
    read_floats(expected, b);
    ck_assert_mem_eq(a, b, (size_t)clade_tensor_numel(found) * sizeof *a);
}

/* The numbers of the context's generator, in the order of creation. */
START_TEST(random_starts)
{
    const clade_shape shape = CLADE_SHAPE(8, 4, 5);
    ok(clade_manual_seed(ctx, 7));
    added("u", shape, clade_init_uniform(-2, 3));
    added("z", shape, clade_init_zeros());
    added("n", shape, clade_init_normal(1, 0.5));
    added("k", shape, clade_init_kaiming_uniform(0));
    added("leaky", shape, clade_init_kaiming_uniform(0.5));
    ok(clade_manual_seed(ctx, 7));
    expect_same(clade_params_find(params, "u"), clade_uniform(ctx, CLADE_F32, shape, -2, 3));
    expect_same(clade_params_find(params, "n"), clade_normal(ctx, CLADE_F32, shape, 1, 0.5));
    double b = sqrt(6.0 / 20), leaky = sqrt(6.0 / (1.25 * 20));
    expect_same(clade_params_find(params, "k"), clade_uniform(ctx, CLADE_F32, shape, -b, b));
    expect_same(clade_params_find(params, "leaky"),
                clade_uniform(ctx, CLADE_F32, shape, -leaky, leaky));
    expect_same(clade_params_find(params, "z"), clade_full(ctx, CLADE_F32, shape, 0));
}
END_TEST

static double largest(const clade_tensor *t)
{
    float values[4096];
    double most = 0;
    read_floats(t, values);
    for (int64_t i = 0; i < clade_tensor_numel(t); i++)
        most = fmax(most, fabs((double)values[i]));
    return most;
}

START_TEST(linear)
{
    clade_tensor *w, *b, *only;
    ok(clade_linear_params(params, "fc1", 64, 48, &w, &b));
    ok(clade_linear_params(params, "fc2", 3, 2, &only, NULL));
    ck_assert_uint_eq(clade_params_count(params), 3);
    ck_assert_ptr_eq(clade_params_find(params, "fc1.weight"), w);
    ck_assert_ptr_eq(clade_params_find(params, "fc1.bias"), b);
    ck_assert_ptr_eq(clade_params_find(params, "fc2.weight"), only);
    clade_shape shape = clade_tensor_shape(w), expected = CLADE_SHAPE(48, 64);
    ck_assert(clade_shape_equal(&shape, &expected));
    ck_assert_int_eq(clade_tensor_numel(b), 48);
    ck_assert(largest(w) <= 0.125 && largest(w) > 0.124);
    ck_assert(largest(b) <= 0.125 && largest(b) > 0.1);

    fails(clade_linear_params(params, "fc1", 64, 48, &w, &b), CLADE_ERR_ARGUMENT,
          "linear_params: \"fc1.weight\" is there already");
    added("fc3.bias", CLADE_SHAPE(1), clade_init_zeros());
    fails(clade_linear_params(params, "fc3", 1, 1, &w, &b), CLADE_ERR_ARGUMENT, "fc3.bias");
    ck_assert_ptr_null(clade_params_find(params, "fc3.weight"));
    fails(clade_linear_params(params, "fc4", 0, 1, &w, &b), CLADE_ERR_SHAPE, "0 inputs");
    fails(clade_linear_params(params, "fc4", 1, -1, &w, &b), CLADE_ERR_SHAPE, "-1 outputs");
    fails(clade_linear_params(NULL, "fc4", 1, 1, &w, &b), CLADE_ERR_ARGUMENT, "params is NULL");
    fails(clade_linear_params(params, NULL, 1, 1, &w, &b), CLADE_ERR_ARGUMENT, "name is NULL");
    fails(clade_linear_params(params, "fc4", 1, 1, NULL, &b), CLADE_ERR_ARGUMENT, "weight is NULL");
    ck_assert_uint_eq(clade_params_count(params), 4);
}
END_TEST

START_TEST(bad_parameters)
{
    const clade_shape shape = CLADE_SHAPE(2, 2);
    const clade_init zeros = clade_init_zeros();
    added("a", shape, zeros);
    clade_tensor *flat = clade_params_flat(params);
#define REFUSED(name, shape, init, status, part)                                                   \
    null_with(clade_param(params, name, shape, init), status, part)
    null_with(clade_param(NULL, "b", shape, zeros), CLADE_ERR_ARGUMENT, "params is NULL");
    REFUSED(NULL, shape, zeros, CLADE_ERR_ARGUMENT, "no name");
    REFUSED("", shape, zeros, CLADE_ERR_ARGUMENT, "no name");
    REFUSED("a", shape, zeros, CLADE_ERR_ARGUMENT, "param: \"a\" is there already");
    REFUSED("a\n", shape, zeros, CLADE_ERR_ARGUMENT, "printable");
    REFUSED("\xc3\xa9", shape, zeros, CLADE_ERR_ARGUMENT, "printable");
    REFUSED("__metadata__", shape, zeros, CLADE_ERR_ARGUMENT, "__metadata__");
    REFUSED("b", CLADE_SHAPE(2, -1), zeros, CLADE_ERR_SHAPE, "b: bad shape [2,-1]");
    REFUSED("b", CLADE_SHAPE(3), clade_init_kaiming_uniform(0), CLADE_ERR_SHAPE,
            "[3] has no fan_in");
    REFUSED("b", shape, clade_init_kaiming_uniform(NAN), CLADE_ERR_ARGUMENT, "slope nan");
    REFUSED("b", shape, clade_init_uniform(2, 1), CLADE_ERR_ARGUMENT, "[2,1)");
    REFUSED("b", shape, clade_init_normal(0, -1), CLADE_ERR_ARGUMENT, "std -1");
    REFUSED("b", shape, ((clade_init){.kind = (clade_init_kind)9}), CLADE_ERR_ARGUMENT,
            "b: 9 is no kind");
    REFUSED("b", CLADE_SHAPE(2147483647), zeros, CLADE_ERR_SHAPE, "param: ");
#undef REFUSED
    ok(clade_tape_begin(ctx));
    null_with(clade_param(params, "b", shape, zeros), CLADE_ERR_STATE, "a tape is open");
    ok(clade_tape_end(ctx));
    ck_assert_uint_eq(clade_params_count(params), 1);
    ck_assert_ptr_eq(clade_params_flat(params), flat);
    clade_params *none;
    fails(clade_params_create(&none, NULL), CLADE_ERR_ARGUMENT, "ctx is NULL");
    fails(clade_params_create(NULL, ctx), CLADE_ERR_ARGUMENT, "out is NULL");
    fails(clade_params_zero_grad(NULL), CLADE_ERR_ARGUMENT, "params is NULL");
    clade_params_free(NULL);
}
END_TEST

START_TEST(empty_parameter)
{
    clade_tensor *none = added("none", CLADE_SHAPE(0, 5), clade_init_kaiming_uniform(1));
    ck_assert_int_eq(clade_tensor_numel(none), 0);
    ck_assert_int_eq(clade_params_numel(params), 0);
    ok(clade_params_zero_grad(params));
    ok(clade_params_save(params, path));
    ok(clade_params_load(params, path));
    added("some", CLADE_SHAPE(3), clade_init_constant(4));
    ok(clade_params_save(params, path));
}
END_TEST

/* Whichever allocation fails: the set is as it was, or the parameter is in it. */
START_TEST(out_of_memory)
{
    count_up(added("a", CLADE_SHAPE(6), clade_init_zeros()), 1);
    long n = 1, failures = 0;
    for (clade_tensor *w = NULL, *b; !w && n < 400; n++) {
        clade_alloc_fail_after(n);
        clade_status status = clade_linear_params(params, "fc", 3, 4, &w, &b);
        clade_alloc_fail_after(0);
        ck_assert_msg(status == CLADE_OK || status == CLADE_ERR_OUT_OF_MEMORY, "%s",
                      clade_last_error()->message);
        failures += status != CLADE_OK;
        ck_assert_uint_eq(clade_params_count(params), status == CLADE_OK ? 3 : 1);
        expect_count_up(clade_params_get(params, 0), 1);
    }
    ck_assert_int_gt(failures, 8);
}
END_TEST

/* --- files ------------------------------------------------------------------------------------ */

START_TEST(save_and_load)
{
    clade_tensor *w, *b;
    ok(clade_linear_params(params, "fc", 5, 3, &w, &b));
    count_up(w, 1);
    count_up(b, 100);
    ok(clade_params_save(params, path));

    clade_safetensors *file;
    ok(clade_safetensors_read(&file, path));
    ck_assert_uint_eq(clade_safetensors_count(file), 2);
    const clade_array *array = clade_safetensors_find(file, "fc.weight");
    const clade_shape expected = CLADE_SHAPE(3, 5);
    ck_assert(clade_shape_equal(&array->shape, &expected));
    ck_assert_int_eq(array->dtype, CLADE_F32);
    ck_assert(((const float *)array->data)[14] == 15);
    ck_assert_str_eq(clade_safetensors_metadata(file, "format"), "pt");
    clade_safetensors_free(&file);

    ok(clade_tensor_fill(clade_params_flat(params), 0));
    ok(clade_params_load(params, path));
    expect_count_up(w, 1);
    expect_count_up(b, 100);
    float flat[64], sum = 0;
    read_floats(clade_params_flat(params), flat);
    for (int64_t i = 0; i < clade_tensor_numel(clade_params_flat(params)); i++)
        sum += flat[i];
    ck_assert(sum == 120 + 303); /* the padding is still zero */
    fails(clade_params_save(params, dir), CLADE_ERR_IO, dir);
    fails(clade_params_save(NULL, path), CLADE_ERR_ARGUMENT, "params is NULL");
    fails(clade_params_save(params, NULL), CLADE_ERR_ARGUMENT, "path is NULL");
}
END_TEST

/* Files that do not fit change nothing. */
START_TEST(misfits)
{
    clade_tensor *w, *b;
    ok(clade_linear_params(params, "fc", 2, 3, &w, &b));
    count_up(w, 1);
    count_up(b, 10);
    static const double numbers[8] = {0};
    const clade_array weight = {"fc.weight", CLADE_F32, CLADE_SHAPE(3, 2), numbers};
    const clade_array bias = {"fc.bias", CLADE_F32, CLADE_SHAPE(3), numbers};
    const clade_array extra = {"fc2.bias", CLADE_F32, CLADE_SHAPE(3), numbers};
    const clade_array turned = {"fc.weight", CLADE_F32, CLADE_SHAPE(2, 3), numbers};
    const clade_array wide = {"fc.bias", CLADE_F64, CLADE_SHAPE(3), numbers};
    const struct {
        clade_array arrays[3];
        size_t count;
        clade_status status;
        const char *part;
    } rows[] = {
        {{weight}, 1, CLADE_ERR_FORMAT, "holds no tensor \"fc.bias\""},
        {{bias}, 1, CLADE_ERR_FORMAT, "holds no tensor \"fc.weight\""},
        {{weight, bias, extra}, 3, CLADE_ERR_FORMAT, "tensor \"fc2.bias\" is no parameter"},
        {{turned, bias}, 2, CLADE_ERR_SHAPE, "\"fc.weight\" is [2,3], the parameter [3,2]"},
        {{weight, wide}, 2, CLADE_ERR_DTYPE, "\"fc.bias\" is f64, not f32"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ok(clade_safetensors_write(path, rows[i].arrays, rows[i].count, NULL, 0));
        fails(clade_params_load(params, path), rows[i].status, rows[i].part);
        ck_assert(!strncmp(clade_last_error()->message, path, strlen(path)));
        expect_count_up(w, 1);
        expect_count_up(b, 10);
    }
    fails(clade_params_load(params, dir), CLADE_ERR_IO, "is a folder");
    fails(clade_params_load(NULL, path), CLADE_ERR_ARGUMENT, "params is NULL");
    fails(clade_params_load(params, NULL), CLADE_ERR_ARGUMENT, "path is NULL");
    ok(clade_safetensors_write(path, (clade_array[]){weight, bias}, 2, NULL, 0));
    ok(clade_params_load(params, path));
    ck_assert(largest(w) == 0 && largest(b) == 0);
}
END_TEST

START_TEST(empty_set)
{
    ok(clade_params_save(params, path));
    ok(clade_params_load(params, path));
    ck_assert_uint_eq(clade_params_count(NULL), 0);
    ck_assert_int_eq(clade_params_numel(NULL), 0);
}
END_TEST

/* Not learned, but in the files. */
START_TEST(buffers)
{
    char folder[256], path[300];
    make_temporary_dir(folder);
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    clade_params *params;
    ok(clade_params_create(&params, ctx));
    ck_assert_ptr_null(clade_params_buffers(params));
    ck_assert_ptr_nonnull(clade_param(params, "weight", CLADE_SHAPE(3), clade_init_constant(1)));
    clade_tensor *mean = clade_param_buffer(params, "mean", CLADE_SHAPE(2), clade_init_constant(5));
    ck_assert_ptr_nonnull(mean);
    ck_assert(!clade_tensor_requires_grad(mean));
    ck_assert_uint_eq(clade_params_count(params), 1);
    ck_assert_ptr_eq(clade_params_find(clade_params_buffers(params), "mean"), mean);
    ck_assert_ptr_null(clade_param_buffer(params, "weight", CLADE_SHAPE(2), clade_init_zeros()));
    ck_assert_ptr_null(clade_param_buffer(params, "mean", CLADE_SHAPE(2), clade_init_zeros()));
    ck_assert_ptr_null(clade_param(params, "mean", CLADE_SHAPE(2), clade_init_zeros()));
    ck_assert_ptr_null(clade_param_buffer(NULL, "x", CLADE_SHAPE(2), clade_init_zeros()));
    ok(clade_params_save(params, path));
    ok(clade_tensor_fill(mean, 0));
    ok(clade_params_load(params, path));
    float found[2];
    ok(clade_tensor_read(mean, found, sizeof found));
    ck_assert(found[0] == 5 && found[1] == 5);
    ok(clade_checkpoint_save(&(clade_checkpoint){.params = params}, path));
    ok(clade_tensor_fill(mean, 0));
    ok(clade_checkpoint_load(&(clade_checkpoint){.params = params}, path));
    ok(clade_tensor_read(mean, found, sizeof found));
    ck_assert(found[0] == 5 && found[1] == 5);
    clade_params_free(&params);
    remove_tree(folder);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        views_of_the_flat_buffer,
        growth,
        gradients_accumulate_in_the_flat_buffer,
        random_starts,
        linear,
        bad_parameters,
        empty_parameter,
        out_of_memory,
        save_and_load,
        misfits,
        empty_set,
        buffers,
    };
    return run_suite_with("params", tests, sizeof tests / sizeof *tests, setup_params,
                          teardown_params);
}

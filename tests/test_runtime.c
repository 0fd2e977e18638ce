/* The OpenCL layer: devices, buffers, kernels and launches. */
#include <pthread.h>

#include "runtime_testing.h"

/* --- devices --- */

static const clade_device_info fabricated[] = {
    {.index = 0,
     .platform = 0,
     .number = 0,
     .type = CLADE_DEVICE_CPU,
     .compute_units = 64,
     .host_unified = true,
     .name = "Slow Processor",
     .platform_name = "Alpha"},
    {.index = 1,
     .platform = 0,
     .number = 1,
     .type = CLADE_DEVICE_ACCELERATOR,
     .compute_units = 4,
     .name = "Board",
     .platform_name = "Alpha"},
    {.index = 2,
     .platform = 1,
     .number = 0,
     .type = CLADE_DEVICE_GPU,
     .compute_units = 96,
     .host_unified = true,
     .name = "Integrated 7",
     .platform_name = "Beta"},
    {.index = 3,
     .platform = 2,
     .number = 0,
     .type = CLADE_DEVICE_GPU,
     .compute_units = 20,
     .name = "Radiant 9",
     .platform_name = "Gamma"},
    {.index = 4,
     .platform = 2,
     .number = 1,
     .type = CLADE_DEVICE_GPU,
     .compute_units = 40,
     .name = "Radiant 11",
     .platform_name = "Gamma"},
    {.index = 5,
     .platform = 2,
     .number = 3,
     .type = CLADE_DEVICE_GPU,
     .compute_units = 40,
     .name = "Radiant 12",
     .platform_name = "Gamma"},
};

static const struct {
    const char *selector;
    size_t count; /* of fabricated */
    int expected; /* -1: no device */
} selections[] = {
    {NULL, 6, 4},
    {"", 6, 4},
    {NULL, 4, 3},
    {NULL, 3, 2},
    {NULL, 2, 1},
    {NULL, 1, 0},
    {"gpu", 6, 4},
    {"GPU", 3, 2},
    {"cpu", 6, 0},
    {"2", 6, 2},
    {"accelerator", 6, 1},
    {"5", 6, 5},
    {"6", 6, -1},
    {"2:0", 6, 3},
    {"2:3", 6, 5},
    {"2:2", 6, -1},
    {"3:0", 6, -1},
    {"radiant", 6, 4},
    {"RADIANT 9", 6, 3},
    {"alpha", 6, 1},
    {"slow", 6, 0},
    {"beta", 6, 2},
    {"nothing", 6, -1},
    {"gpu", 2, -1},
    {"1:", 6, -1},
    {"12", 6, -1},
    {"99999999999999999999", 6, -1},
    {NULL, 0, -1},
};

START_TEST(device_selection)
{
    for (size_t i = 0; i < sizeof selections / sizeof *selections; i++) {
        size_t index = 999;
        clade_status status =
            clade_device_select(fabricated, selections[i].count, selections[i].selector, &index);
        const char *name = selections[i].selector ? selections[i].selector : "NULL";
        if (selections[i].expected < 0)
            ck_assert_msg(status == CLADE_ERR_NO_DEVICE && index == 999, "selector %s", name);
        else
            ck_assert_msg(status == CLADE_OK && index == (size_t)selections[i].expected,
                          "selector %s: status %d, index %zu", name, (int)status, index);
    }
    size_t index;
    fails(clade_device_select(fabricated, 6, "nothing", &index), CLADE_ERR_NO_DEVICE,
          "\"nothing\"");
    for (size_t i = 0; i < 4; i++)
        ck_assert_ptr_nonnull(strstr(clade_last_error()->message, fabricated[i].name));
    fails(clade_device_select(NULL, 0, "gpu", &index), CLADE_ERR_NO_DEVICE, "no OpenCL device");
    fails(clade_device_select(NULL, 1, NULL, &index), CLADE_ERR_ARGUMENT, "NULL");
    fails(clade_device_select(fabricated, 6, NULL, NULL), CLADE_ERR_ARGUMENT, "NULL");
}
END_TEST

START_TEST(device_listing)
{
    clade_device_info *list = NULL;
    size_t count = 0;
    ok(clade_device_list(&list, &count));
    ck_assert_uint_gt(count, 0);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(list[i].index, (int)i);
        ck_assert(list[i].name[0] && list[i].platform_name[0] && list[i].compute_units > 0);
        ck_assert_uint_gt(list[i].largest_allocation_bytes, 0);
        char selector[32];
        size_t index;
        snprintf(selector, sizeof selector, "%d:%d", list[i].platform, list[i].number);
        ok(clade_device_select(list, count, selector, &index));
        ck_assert_uint_eq(index, i);
    }
    clade_device_list_free(&list);
    ck_assert_ptr_null(list);
    clade_device_list_free(&list);
    clade_device_list_free(NULL);
    fails(clade_device_list(NULL, &count), CLADE_ERR_ARGUMENT, "NULL");
}
END_TEST

START_TEST(device_choice)
{
    clade_runtime *rt = open_runtime("");
    ck_assert_msg(logged(clade_runtime_device(rt)->name), "%s", log_text);
    clade_runtime_free(&rt);
    ck_assert_ptr_null(rt);
    clade_runtime_free(&rt);
    const clade_context_params nothing = {.device = "no such device"};
    fails(clade_runtime_create(&rt, &nothing), CLADE_ERR_NO_DEVICE, "no such device");
    ck_assert_ptr_null(rt);
}
END_TEST

/* --- buffers --- */

START_TEST(pool_reuses)
{
    clade_runtime *rt = open_runtime("");
    clade_memory_stats s;
    clade_buffer *a, *b;
    ok(clade_buffer_create(&a, rt, 1000));
    clade_runtime_memory(rt, &s);
    ck_assert_uint_ge(s.live_bytes, 1000);
    ck_assert_uint_le(s.live_bytes, 1250);
    ck_assert_uint_eq(s.allocations, 1);
    clade_buffer_free(&a);
    ck_assert_ptr_null(a);
    clade_buffer_free(&a);
    clade_runtime_memory(rt, &s);
    ck_assert_uint_eq(s.live_bytes, 0);
    ck_assert_uint_ge(s.cached_bytes, 1000);
    ok(clade_buffer_create(&a, rt, 1001)); /* the same class */
    ok(clade_buffer_create(&b, rt, 1001)); /* a second of it */
    clade_runtime_memory(rt, &s);
    ck_assert_uint_eq(s.allocations, 2);
    ck_assert_uint_eq(s.cached_bytes, 0);
    ck_assert_uint_eq(s.peak_bytes, s.live_bytes);
    clade_buffer_free(&a);
    clade_buffer_free(&b);
    ok(clade_runtime_trim(rt));
    clade_runtime_memory(rt, &s);
    ck_assert_uint_eq(s.cached_bytes, 0);
    ck_assert_uint_ge(s.peak_bytes, 2000);
    ok(clade_buffer_create(&a, rt, 0));
    clade_buffer_free(&a);
    clade_runtime_free(&rt);
    ck_assert(!logged("not freed"));
}
END_TEST

START_TEST(pool_classes)
{
    clade_runtime *rt = open_runtime("");
    for (size_t bytes = 1; bytes < ((size_t)1 << 22); bytes += 1 + bytes / 7) {
        clade_memory_stats s;
        clade_buffer *a;
        ok(clade_buffer_create(&a, rt, bytes));
        clade_runtime_memory(rt, &s);
        ck_assert_msg(s.live_bytes >= bytes &&
                          (s.live_bytes <= 512 || s.live_bytes <= bytes + bytes / 4 + 1),
                      "%zu bytes take %llu", bytes, (unsigned long long)s.live_bytes);
        clade_buffer_free(&a);
        ok(clade_runtime_trim(rt));
    }
    clade_runtime_free(&rt);
}
END_TEST

START_TEST(pool_refuses)
{
    clade_runtime *rt = open_runtime("");
    clade_buffer *a = NULL;
    uint64_t largest = clade_runtime_device(rt)->largest_allocation_bytes;
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)largest);
    fails(clade_buffer_create(&a, rt, (size_t)largest + 1), CLADE_ERR_OUT_OF_MEMORY, text);
    snprintf(text, sizeof text, "%llu bytes", (unsigned long long)largest + 1);
    ck_assert_ptr_nonnull(strstr(clade_last_error()->message, text));
    fails(clade_buffer_create(&a, rt, SIZE_MAX), CLADE_ERR_OUT_OF_MEMORY, "at most");
    ck_assert_ptr_null(a);
    clade_runtime_free(&rt);
}
END_TEST

START_TEST(pool_off)
{
    clade_runtime *rt = NULL;
    const clade_context_params params = {.no_memory_pool = true, .cache_dir = ""};
    ok(clade_runtime_create(&rt, &params));
    clade_memory_stats s;
    clade_buffer *a;
    for (int i = 1; i <= 3; i++) {
        ok(clade_buffer_create(&a, rt, 1001));
        clade_runtime_memory(rt, &s);
        ck_assert_uint_eq(s.live_bytes, 1001);
        ck_assert_uint_eq(s.allocations, (uint64_t)i);
        clade_buffer_free(&a);
    }
    clade_runtime_memory(rt, &s);
    ck_assert_uint_eq(s.live_bytes + s.cached_bytes, 0);
    clade_runtime_free(&rt);
}
END_TEST

START_TEST(transfers)
{
    clade_runtime *rt = open_runtime("");
    clade_buffer *a, *b;
    unsigned char in[300], out[300], pattern[16];
    for (int i = 0; i < 300; i++)
        in[i] = (unsigned char)(i * 7 + 1);
    memcpy(pattern, in + 100, sizeof pattern);
    ok(clade_buffer_create(&a, rt, 300));
    ok(clade_buffer_create(&b, rt, 300));
    ok(clade_buffer_write(a, 0, 300, in));
    ok(clade_buffer_copy(b, 0, a, 0, 300));
    ok(clade_buffer_write(b, 13, 5, in));
    ok(clade_buffer_copy(b, 50, a, 7, 41));
    ok(clade_buffer_copy(b, 200, b, 0, 20));
    memcpy(out, in, 300);
    memcpy(out + 13, in, 5);
    memcpy(out + 50, in + 7, 41);
    memcpy(out + 200, out, 20);
    for (size_t size = 1; size <= 16; size *= 2) {
        ok(clade_buffer_fill(b, 112, 2 * size, pattern, size));
        memcpy(out + 112, pattern, size);
        memcpy(out + 112 + size, pattern, size);
    }
    unsigned char back[300];
    ok(clade_buffer_read(b, 0, 300, back));
    ck_assert_mem_eq(back, out, 300);
    ok(clade_buffer_read(b, 50, 41, back));
    ck_assert_mem_eq(back, in + 7, 41);
    ok(clade_buffer_write(a, 300, 0, NULL));
    ok(clade_buffer_read(a, 300, 0, NULL));
    fails(clade_buffer_write(a, 290, 11, in), CLADE_ERR_INTERNAL, "offset 290");
    fails(clade_buffer_read(a, SIZE_MAX, 2, back), CLADE_ERR_INTERNAL, "buffer_read");
    fails(clade_buffer_copy(a, 0, b, 1, 300), CLADE_ERR_INTERNAL, "copy from");
    fails(clade_buffer_copy(a, 0, a, 10, 20), CLADE_ERR_INTERNAL, "overlap");
    fails(clade_buffer_fill(a, 0, 12, pattern, 3), CLADE_ERR_INTERNAL, "pattern");
    fails(clade_buffer_fill(a, 2, 8, pattern, 4), CLADE_ERR_INTERNAL, "pattern");
    clade_buffer_free(&a);
    clade_buffer_free(&b);
    clade_runtime_free(&rt);
}
END_TEST

/* --- kernels --- */

static char *generate_nothing(const void *user)
{
    (void)user;
    return NULL;
}

static const char args_source[] = "kernel void args(global int *out, int a, uint b, T r, int8 v, "
                                  "local int *s, global int *none)\n"
                                  "{\n"
                                  "    int i = (int)get_global_id(0);\n"
                                  "    if (i != 0) return;\n"
                                  "    s[3] = a; s[0] = s[3];\n"
                                  "    out[0] = s[0]; out[1] = (int)b; out[2] = (int)(r * 4);\n"
                                  "    vstore8(v, 0, out + 3);\n"
                                  "    out[11] = none == 0;\n"
                                  "}\n";

START_TEST(kernel_arguments)
{
    clade_runtime *rt = open_runtime("");
    clade_kernel *kernel, *again;
    clade_buffer *out;
    ok(clade_kernel_get(&kernel, rt, KEY("args", "args", args_source)));
    ok(clade_kernel_get(&again, rt, KEY("args", "args", NULL)));
    ck_assert_ptr_eq(kernel, again);
    ok(clade_buffer_create(&out, rt, 12 * sizeof(int32_t)));
    clade_grid grid = clade_grid_elements(rt, 1);
    const int64_t dims[] = {5, -6, 7};
    ok(CLADE_LAUNCH(
        rt, kernel, &grid, clade_arg_buffer(out), clade_arg_i32(-3), clade_arg_u32(4000000000u),
        clade_arg_real(CLADE_F32, 2.25), clade_arg_int8(dims, 3, 9),
        (clade_arg){.kind = CLADE_ARG_LOCAL, .as.local_bytes = 64}, clade_arg_buffer(NULL)));
    int32_t got[12];
    const int32_t expected[12] = {-3, (int32_t)4000000000u, 9, 5, -6, 7, 9, 9, 9, 9, 9, 1};
    ok(clade_buffer_read(out, 0, sizeof got, got));
    ck_assert_mem_eq(got, expected, sizeof got);
    fails(CLADE_LAUNCH(rt, kernel, &grid, clade_arg_buffer(out), clade_arg_real(CLADE_F64, 1)),
          CLADE_ERR_OPENCL, "clSetKernelArg(args, 1): CL_INVALID_ARG_SIZE (-51)");
    ck_assert_int_eq(clade_last_error()->cl_code, -51);
    clade_buffer_free(&out);
    clade_runtime_free(&rt);
}
END_TEST

START_TEST(kernel_errors)
{
    clade_runtime *rt = open_runtime("");
    clade_kernel *kernel = NULL;
    fails(clade_kernel_get(
              &kernel, rt,
              KEY("broken", "k", "kernel void k(global float *x)\n{\n    x[0] = no_such;\n}\n")),
          CLADE_ERR_BUILD, "broken.cl:3");
    ck_assert_ptr_nonnull(strstr(clade_last_error()->message, "no_such"));
    fails(clade_kernel_get(&kernel, rt, KEY("args", "other", args_source)), CLADE_ERR_INTERNAL,
          "\"other\"");
    clade_kernel_key unknown = {.family = "no_family", .options = "", .name = "k"};
    fails(clade_kernel_get(&kernel, rt, &unknown), CLADE_ERR_INTERNAL, "\"no_family\"");
    unknown.generate = generate_nothing;
    fails(clade_kernel_get(&kernel, rt, &unknown), CLADE_ERR_ARGUMENT, "no_family");
    ck_assert_ptr_null(kernel);
    ok(clade_kernel_get(&kernel, rt,
                        KEY("fixed", "fixed",
                            "__attribute__((reqd_work_group_size(3, 1, 1)))\n"
                            "kernel void fixed(global int *x) { x[0] = 1; }\n")));
    clade_buffer *x;
    ok(clade_buffer_create(&x, rt, 4));
    clade_grid grid = {.dims = 1, .global = {8, 1, 1}, .local = {2, 1, 1}};
    fails(CLADE_LAUNCH(rt, kernel, &grid, clade_arg_buffer(x)), CLADE_ERR_OPENCL,
          "clEnqueueNDRangeKernel(fixed): CL_INVALID_WORK_GROUP_SIZE (-54)");
    clade_buffer_free(&x);
    clade_runtime_free(&rt);
}
END_TEST

/* Counts how often each element is visited, so that a gap and a repeat both show. */
static const char visit_source[] =
    "kernel void visit(global int *out, int nx, int ny, int nz)\n"
    "{\n"
    "    int x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);\n"
    "    if (x < nx && y < ny && z < nz) out[(z * ny + y) * nx + x] += 1;\n"
    "}\n"
    "kernel void rows(global const int *in, global int *out, int rows, int n, local int *part)\n"
    "{\n"
    "    int sum = 0;\n"
    "    if (ROW < rows) for (int i = LANE; i < n; i += LANES) sum += in[ROW * n + i];\n"
    "#if LANES > 1\n"
    "    part[LANE] = sum;\n"
    "    barrier(CLK_LOCAL_MEM_FENCE);\n"
    "    sum = 0;\n"
    "    for (int i = 0; i < LANES; i++) sum += part[i];\n"
    "#endif\n"
    "    if (ROW < rows && LANE == 0) out[ROW] = sum;\n"
    "}\n";
/* Functions that Clade declares itself on PoCL, by overloads and through macros, and two that it
 * leaves to the header (dot, atomic_add). */
START_TEST(built_in_functions)
{
    static const char declared[] =
        "#define N 4\n"
        "kernel void k(global int *x) {\n"
        "    x[0] = convert_int_sat(3e9f);\n"
        "    x[1] = CAT(convert_int, N)((float4)(2.5f)).s1 + max((int2)(1, 2), 3).s0;\n"
        "    x[2] = select((uchar)1, (uchar)2, (uchar)1) + (int)clz((ushort)1);\n"
        "    x[3] = (int)(upsample((uint)1, (uint)5) >> 30) + (int)any((int2)(0, -1));\n"
        "}\n";
    static const char undeclared[] = "kernel void k(global int *x) {\n"
                                     "    x[0] = (int)dot((float4)(2), (float4)(3));\n"
                                     "    x[1] = atomic_add(x, 1);\n"
                                     "    x[2] = x[3] = x[0];\n"
                                     "}\n";
    static const int32_t expected[2][4] = {{INT32_MAX, 5, 17, 5}, {25, 24, 25, 25}};
    clade_runtime *rt = open_runtime("");
    clade_buffer *x;
    ok(clade_buffer_create(&x, rt, 16));
    for (int i = 0; i < 2; i++) {
        clade_kernel *kernel;
        ok(clade_kernel_get(
            &kernel, rt, i ? KEY("undeclared", "k", undeclared) : KEY("declared", "k", declared)));
        ok(CLADE_LAUNCH(rt, kernel,
                        &((clade_grid){.dims = 1, .global = {1, 1, 1}, .local = {1, 1, 1}}),
                        clade_arg_buffer(x)));
        int32_t got[4];
        ok(clade_buffer_read(x, 0, sizeof got, got));
        ck_assert_mem_eq(got, expected[i], sizeof got);
    }
    clade_buffer_free(&x);
    clade_runtime_free(&rt);
}
END_TEST

static void visit_box(clade_runtime *rt, clade_grid grid, int nx, int ny, int nz)
{
    clade_kernel *kernel;
    clade_buffer *out;
    int n = nx * ny * nz;
    const int32_t z = 0;
    ok(clade_kernel_get(&kernel, rt, KEY("visit", "visit", visit_source)));
    ok(clade_buffer_create(&out, rt, (size_t)n * 4));
    ok(clade_buffer_fill(out, 0, (size_t)n * 4, &z, 4));
    ok(CLADE_LAUNCH(rt, kernel, &grid, clade_arg_buffer(out), clade_arg_i32(nx), clade_arg_i32(ny),
                    clade_arg_i32(nz)));
    int32_t *got = clade_calloc((size_t)n, 4);
    ok(clade_buffer_read(out, 0, (size_t)n * 4, got));
    for (int i = 0; i < n; i++)
        ck_assert_msg(got[i] == 1, "%dx%dx%d: element %d visited %d times", nx, ny, nz, i, got[i]);
    clade_free(got);
    clade_buffer_free(&out);
}

START_TEST(grids)
{
    clade_runtime *rt = open_runtime("");
    static const int n[] = {1, 255, 256, 257, 5000};
    static const int b[][3] = {{1, 1, 1}, {63, 5, 2}, {64, 4, 1}, {200, 3, 3}, {10, 33, 1}};
    for (int i = 0; i < 5; i++) {
        visit_box(rt, clade_grid_elements(rt, n[i]), n[i], 1, 1);
        visit_box(rt, clade_grid_box(rt, b[i][0], b[i][1], b[i][2]), b[i][0], b[i][1], b[i][2]);
    }
    /* Larger than any device allows: shrinks. */
    clade_grid huge = {.dims = 3, .global = {300, 5, 2}, .local = {1 << 20, 1 << 10, 64}};
    visit_box(rt, huge, 300, 5, 2);
    clade_kernel *kernel;
    ok(clade_kernel_get(&kernel, rt, KEY("visit", "visit", visit_source)));
    clade_grid none[] = {clade_grid_elements(rt, 0), clade_grid_box(rt, 3, 0, 1),
                         clade_grid_rows(rt, 0)};
    for (int i = 0; i < 3; i++)
        ok(clade_launch(rt, kernel, &none[i], NULL, 0));
    clade_runtime_free(&rt);
}
END_TEST

static void sum_rows(clade_runtime *rt, int rows, int n)
{
    clade_kernel *kernel;
    clade_buffer *in, *out;
    int32_t *host = clade_calloc((size_t)(rows * n), 4);
    for (int i = 0; i < rows * n; i++)
        host[i] = i % 101;
    ok(clade_kernel_get(&kernel, rt, KEY("visit", "rows", visit_source)));
    ok(clade_buffer_create(&in, rt, (size_t)(rows * n) * 4));
    ok(clade_buffer_create(&out, rt, (size_t)rows * 4));
    ok(clade_buffer_write(in, 0, (size_t)(rows * n) * 4, host));
    clade_grid grid = clade_grid_rows(rt, rows);
    ok(CLADE_LAUNCH(rt, kernel, &grid, clade_arg_buffer(in), clade_arg_buffer(out),
                    clade_arg_i32(rows), clade_arg_i32(n),
                    (clade_arg){.kind = CLADE_ARG_LOCAL, .as.local_bytes = 64 * 4}));
    for (int r = 0; r < rows; r++) {
        int32_t got, expected = 0;
        for (int i = 0; i < n; i++)
            expected += host[r * n + i];
        ok(clade_buffer_read(out, (size_t)r * 4, 4, &got));
        ck_assert_int_eq(got, expected);
    }
    clade_free(host);
    clade_buffer_free(&in);
    clade_buffer_free(&out);
}

START_TEST(kernel_shapes)
{
    const char *set = getenv("CLADE_KERNEL_SHAPE");
    char *before = set ? clade_strdup(set) : NULL;
    for (int gpu = 0; gpu < 2; gpu++) {
        setenv("CLADE_KERNEL_SHAPE", gpu ? "gpu" : "cpu", 1);
        clade_runtime *rt = open_runtime("");
        clade_kernel_shape shape = clade_runtime_kernel_shape(rt);
        ck_assert_int_eq(shape.lanes, gpu ? 64 : 1);
        ck_assert(gpu ? shape.vector_width == 4
                      : shape.vector_width == 8 || shape.vector_width == 16);
        sum_rows(rt, 1, 1000);
        sum_rows(rt, 37, 13);
        clade_runtime_free(&rt);
    }
    setenv("CLADE_KERNEL_SHAPE", "round", 1);
    clade_runtime *rt = NULL;
    fails(clade_runtime_create(&rt, NULL), CLADE_ERR_ARGUMENT, "\"round\"");
    if (before)
        setenv("CLADE_KERNEL_SHAPE", before, 1);
    else
        unsetenv("CLADE_KERNEL_SHAPE");
    clade_free(before);
}
END_TEST

static void *use_a_runtime(void *arg)
{
    const char **problem = arg;
    clade_runtime *rt = NULL;
    const clade_context_params params = {.cache_dir = ""};
    clade_buffer *x = NULL;
    clade_kernel *kernel;
    int32_t value = 0;
    *problem = "failed";
    if (clade_runtime_create(&rt, &params) == CLADE_OK &&
        clade_buffer_create(&x, rt, 4) == CLADE_OK &&
        clade_buffer_write(x, 0, 4, &value) == CLADE_OK &&
        clade_kernel_get(&kernel, rt, KEY("visit", "visit", visit_source)) == CLADE_OK) {
        clade_grid grid = clade_grid_elements(rt, 1);
        clade_status status = CLADE_OK;
        for (int i = 0; i < 100 && status == CLADE_OK; i++)
            status = CLADE_LAUNCH(rt, kernel, &grid, clade_arg_buffer(x), clade_arg_i32(1),
                                  clade_arg_i32(1), clade_arg_i32(1));
        if (status == CLADE_OK && clade_buffer_read(x, 0, 4, &value) == CLADE_OK)
            *problem = value == 100 ? NULL : "wrong sum";
    }
    clade_buffer_free(&x);
    clade_runtime_free(&rt);
    return NULL;
}

START_TEST(threads)
{
    pthread_t ids[3];
    const char *problems[3];
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&ids[i], NULL, use_a_runtime, &problems[i]), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(ids[i], NULL);
    for (int i = 0; i < 3; i++)
        ck_assert_msg(problems[i] == NULL, "thread %d: %s", i, problems[i]);
}
END_TEST

/* Every host allocation of these calls fails once; the status says so and nothing leaks. */
START_TEST(host_memory)
{
    const clade_context_params params = {.cache_dir = ""};
    clade_runtime *rt = NULL;
    clade_kernel *kernel = NULL;
    clade_buffer *buffer = NULL;
    long n = 1;
    for (; !rt; n++) {
        clade_alloc_fail_after(n);
        clade_status status = clade_runtime_create(&rt, &params);
        ck_assert_int_eq(status, rt ? CLADE_OK : CLADE_ERR_OUT_OF_MEMORY);
    }
    ck_assert_int_gt(n, 3);
    for (n = 1; !kernel; n++) {
        clade_alloc_fail_after(n);
        clade_status status = clade_kernel_get(&kernel, rt, KEY("visit", "visit", visit_source));
        ck_assert_int_eq(status, kernel ? CLADE_OK : CLADE_ERR_OUT_OF_MEMORY);
    }
    ck_assert_int_gt(n, 5);
    clade_alloc_fail_after(1);
    ck_assert_int_eq(clade_buffer_create(&buffer, rt, 8), CLADE_ERR_OUT_OF_MEMORY);
    clade_alloc_fail_after(0);
    ck_assert_ptr_null(buffer);
    clade_runtime_free(&rt);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        device_selection, device_listing, device_choice,
        pool_reuses,      pool_classes,   pool_refuses,
        pool_off,         transfers,      kernel_arguments,
        kernel_errors,    grids,          kernel_shapes,
        threads,          host_memory,    built_in_functions,
    };
    return run_suite("runtime", tests, sizeof tests / sizeof *tests);
}

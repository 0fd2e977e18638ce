#include "bench.h"

#include <stdlib.h>

#include "../common/cli.h"
#include "../common/devices.h"
#include "bench_command.h"

enum { IMAGES = 60000, QUICK_IMAGES = 2048, SIDE = 28, CLASSES = 10 };

static int upload_files(bench *b)
{
    clade_mnist *mnist = dataset_load(b->o->data);
    if (!mnist)
        return EXIT_FAILED;
    clade_status status = dataset_upload(&b->train, b->ctx, &mnist->train);
    int code = status == CLADE_OK ? EXIT_OK : cli_fail_library();
    if (code == EXIT_OK && mnist->train.rows * mnist->train.cols != SIDE * SIDE)
        code = cli_fail("%s: the images are not of %d pixels", mnist->folder, SIDE * SIDE);
    clade_mnist_free(&mnist);
    return code;
}

static int upload_random(bench *b)
{
    const int64_t count = b->o->quick ? QUICK_IMAGES : IMAGES, pixels = count * SIDE * SIDE;
    uint8_t *bytes = malloc((size_t)(pixels + count));
    if (!bytes)
        return cli_fail("out of memory for random images");
    uint32_t state = 1;
    for (int64_t i = 0; i < pixels + count; i++) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(i < pixels ? state >> 24 : (state >> 16) % CLASSES);
    }
    const clade_mnist_split random = {
        .images = bytes, .labels = bytes + pixels, .count = count, .rows = SIDE, .cols = SIDE};
    clade_status status = dataset_upload(&b->train, b->ctx, &random);
    free(bytes);
    return status == CLADE_OK ? EXIT_OK : cli_fail_library();
}

const dataset_split *bench_data(bench *b)
{
    if (b->train.count == 0 && (b->o->data ? upload_files : upload_random)(b) != EXIT_OK)
        return NULL;
    return &b->train;
}

static int run_workloads(bench *b)
{
    static int (*const run[WORKLOADS])(bench * b) = {
        [MLP] = bench_mlp,         [MLP1024] = bench_mlp1024,         [CNN] = bench_cnn,
        [INFER] = bench_infer,     [TRANSFORMER] = bench_transformer, [GEMM] = bench_gemm,
        [KERNELS] = bench_kernels, [LAUNCH] = bench_launch,
    };
    for (int i = 0; i < WORKLOADS; i++) {
        if (!(b->o->workloads & 1u << i))
            continue;
        int code = run[i](b);
        if (code != EXIT_OK)
            return code;
    }
    return EXIT_OK;
}

int bench_command(int argc, char **argv)
{
    bench_options o;
    int code = bench_options_parse(&o, argc, argv);
    if (code >= 0)
        return code;
    bench b = {.o = &o, .ctx = device_open(o.device, CLADE_LOG_INFO, 0)};
    if (!b.ctx)
        return EXIT_FAILED;
    b.cpu = clade_context_device(b.ctx)->type == CLADE_DEVICE_CPU;
    code = run_workloads(&b);
    if (code == EXIT_OK && (!o.json || o.json_path))
        bench_print(&b);
    if (code == EXIT_OK && o.json)
        code = json_finish(bench_json(&b), o.json_path);
    free(b.rows);
    dataset_free(&b.train);
    clade_context_free(&b.ctx);
    return code;
}

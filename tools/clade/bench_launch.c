/* What it costs to have the device do next to nothing. */
#include "../common/cli.h"
#include "bench.h"

enum { ELEMENTS = 256, NODES = 64 };

typedef struct trifle {
    clade_context *ctx;
    clade_tensor *t;
    clade_step *step;
} trifle;

static clade_status fill(void *user)
{
    trifle *f = user;
    return clade_tensor_fill(f->t, 1);
}

static clade_status eager_op(void *user)
{
    trifle *f = user;
    clade_status status = clade_scope_begin(f->ctx);
    if (status != CLADE_OK)
        return status;
    status = clade_relu(f->t) ? CLADE_OK : clade_last_error()->status;
    clade_status ended = clade_scope_end(f->ctx);
    return status == CLADE_OK ? ended : status;
}

static clade_status fill_and_read(void *user)
{
    trifle *f = user;
    float values[ELEMENTS];
    clade_status status = clade_tensor_fill(f->t, 1);
    return status == CLADE_OK ? clade_tensor_read(f->t, values, sizeof values) : status;
}

/* A chain: each node needs the one before. */
static clade_status chain(void *user, clade_tensor *const *inputs, int count)
{
    trifle *f = user;
    (void)inputs;
    (void)count;
    clade_status status = clade_scope_begin(f->ctx);
    if (status != CLADE_OK)
        return status;
    clade_tensor *x = f->t;
    for (int i = 0; i < NODES; i++)
        x = clade_relu(x);
    status = x ? clade_tensor_copy(f->t, x) : clade_last_error()->status;
    clade_status ended = clade_scope_end(f->ctx);
    return status == CLADE_OK ? ended : status;
}

static clade_status replay(void *user)
{
    trifle *f = user;
    return clade_step_run(f->step, NULL, 0);
}

static int measure(bench *b, trifle *f)
{
    const struct {
        const char *metric;
        clade_status (*work)(void *user);
        double amount;
    } costs[] = {
        {"a launch (fill), us", fill, 1},
        {"an eager op, us", eager_op, 1},
        {"a replayed node, us", replay, NODES + 1},
        {"a launch and a blocking read, us", fill_and_read, 1},
    };
    for (size_t i = 0; i < sizeof costs / sizeof costs[0]; i++) {
        bench_queue queue = {b->ctx, costs[i].work, f};
        const bench_side clade = {"Clade", bench_queue_block, &queue, costs[i].amount};
        int code = bench_measure(b, &(bench_metric){"launch", costs[i].metric, BENCH_MICROSECONDS},
                                 &clade, NULL);
        if (code != EXIT_OK)
            return code;
    }
    return EXIT_OK;
}

int bench_launch(bench *b)
{
    trifle f = {.ctx = b->ctx};
    int code = EXIT_OK;
    if (clade_tensor_create(&f.t, b->ctx, CLADE_F32, CLADE_SHAPE(ELEMENTS)) != CLADE_OK ||
        clade_tensor_fill(f.t, 0) != CLADE_OK ||
        clade_step_create(&f.step, b->ctx, chain, &f, &(clade_step_params){.no_fusion = true}) !=
            CLADE_OK)
        code = cli_fail_library();
    if (code == EXIT_OK)
        code = measure(b, &f);
    clade_step_free(&f.step);
    clade_tensor_free(&f.t);
    return code;
}

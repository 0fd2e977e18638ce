/* Kernels that are bound by memory, in GB/s read and written, beside a copy. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/cli.h"
#include "bench.h"

enum { FLOATS = 1 << 24, QUICK_FLOATS = 1 << 16, ROW = 1024, MOST_THREADS = 64 };

typedef struct operands {
    clade_context *ctx;
    clade_tensor *x, *y, *z, *square; /* [rows, ROW] f32; square is not negative */
    const struct kernel *kernel;
    clade_tensor *result;
    clade_step *step;
} operands;

/* One of the two is given. */
typedef struct kernel {
    const char *metric;
    clade_tensor *(*op)(const operands *o);
    clade_status (*update)(const operands *o);
    int passes; /* arrays that must be read or written */
} kernel;

/* --- the kernels ------------------------------------------------------------------------------ */
static clade_tensor *add(const operands *o)
{
    return clade_add(o->x, o->y);
}

static clade_tensor *relu(const operands *o)
{
    return clade_relu(o->x);
}

static clade_tensor *sum(const operands *o)
{
    return clade_sum(o->x, NULL, 0, false);
}

static clade_tensor *softmax(const operands *o)
{
    return clade_softmax(o->x, 1);
}

/* (x - mean) / sqrt(variance + 1e-5) of each row, out of several kernels. */
static clade_tensor *normalise(const operands *o)
{
    const int last = 1;
    clade_tensor *centred = clade_sub(o->x, clade_mean(o->x, &last, 1, true));
    clade_tensor *variance = clade_mean(clade_square(centred), &last, 1, true);
    return clade_mul(centred, clade_pow_scalar(clade_add_scalar(variance, 1e-5), -0.5));
}

static clade_tensor *layer_norm(const operands *o)
{
    return clade_layer_norm(o->x, NULL, NULL, 1, 1e-5);
}

static clade_status sgd(const operands *o)
{
    static const clade_sgd_params settings = {.lr = 1e-6, .momentum = 0.9};
    return clade_sgd_update(o->x, o->y, o->z, &settings, false);
}

static clade_status adam(const operands *o)
{
    static const clade_adam_params settings = {.lr = 1e-6};
    return clade_adam_update(o->x, o->y, o->z, o->square, &settings, 1);
}

static const kernel kernels[] = {
    {"add, GB/s", add, NULL, 3},
    {"relu, GB/s", relu, NULL, 2},
    {"sum, GB/s", sum, NULL, 1},
    {"softmax of rows, GB/s", softmax, NULL, 2},
    {"layer norm of rows, GB/s", layer_norm, NULL, 2},
    {"normalised rows (a chain), GB/s", normalise, NULL, 2},
    {"SGD with momentum, GB/s", NULL, sgd, 5},
    {"Adam, GB/s", NULL, adam, 7},
};

enum { KERNELS_COUNT = sizeof kernels / sizeof kernels[0] };

static clade_status compute(void *user, clade_tensor *const *inputs, int count)
{
    operands *o = user;
    (void)inputs;
    (void)count;
    if (o->kernel->update)
        return o->kernel->update(o);
    clade_status status = clade_scope_begin(o->ctx);
    if (status != CLADE_OK)
        return status;
    clade_tensor_free(&o->result);
    o->result = clade_tensor_retain(o->kernel->op(o));
    status = o->result ? CLADE_OK : clade_last_error()->status;
    clade_status ended = clade_scope_end(o->ctx);
    return status == CLADE_OK ? ended : status;
}

static clade_status run_step(void *user)
{
    operands *o = user;
    return clade_step_run(o->step, NULL, 0);
}

/* --- the copies ------------------------------------------------------------------------------- */
typedef struct host_copy {
    char *from, *to;
    size_t bytes;
    int threads;
    char name[64];
} host_copy;

typedef struct part {
    const host_copy *copy;
    size_t begin, bytes;
    int64_t count;
    pthread_t thread;
} part;

static void *copy_part(void *user)
{
    const part *p = user;
    for (int64_t i = 0; i < p->count; i++)
        memcpy(p->copy->to + p->begin, p->copy->from + p->begin, p->bytes);
    return NULL;
}

static double host_copy_block(void *user, int64_t count)
{
    const host_copy *c = user;
    part parts[MOST_THREADS];
    const size_t share = c->bytes / (size_t)c->threads;
    double start = cli_seconds();
    int started = 0;
    for (; started < c->threads - 1; started++) {
        parts[started] = (part){c, (size_t)started * share, share, count, 0};
        if (pthread_create(&parts[started].thread, NULL, copy_part, &parts[started]) != 0)
            break;
    }
    /* This thread takes what is left, and the shares of threads that could not be had. */
    parts[started] =
        (part){c, (size_t)started * share, c->bytes - (size_t)started * share, count, 0};
    copy_part(&parts[started]);
    for (int i = 0; i < started; i++)
        pthread_join(parts[i].thread, NULL);
    return cli_seconds() - start;
}

static clade_status device_copy(void *user)
{
    operands *o = user;
    return clade_tensor_copy(o->z, o->x);
}

/* --- the rows --------------------------------------------------------------------------------- */
static int measure(bench *b, operands *o, int i, const bench_side *copy)
{
    const int64_t bytes = clade_tensor_numel(o->x) * (int64_t)sizeof(float);
    o->kernel = &kernels[i];
    if (clade_step_create(&o->step, b->ctx, compute, o, NULL) != CLADE_OK)
        return cli_fail_library();
    bench_queue queue = {b->ctx, run_step, o};
    const bench_side clade = {"Clade", bench_queue_block, &queue,
                              (double)bytes * kernels[i].passes};
    int code =
        bench_measure(b, &(bench_metric){"kernels", kernels[i].metric, BENCH_GIGA}, &clade, copy);
    clade_step_free(&o->step);
    clade_tensor_free(&o->result);
    return code;
}

static int open_operands(operands *o, bench *b, int64_t floats)
{
    clade_tensor **const all[] = {&o->x, &o->y, &o->z, &o->square};
    *o = (operands){.ctx = b->ctx};
    clade_status status = clade_scope_begin(b->ctx);
    for (int i = 0; i < 4 && status == CLADE_OK; i++) {
        clade_shape shape = CLADE_SHAPE(floats / ROW, ROW);
        *all[i] = clade_tensor_retain(clade_uniform(b->ctx, CLADE_F32, shape, i < 3 ? -1 : 0, 1));
        status = *all[i] ? CLADE_OK : clade_last_error()->status;
    }
    clade_status ended = clade_scope_end(b->ctx);
    return status == CLADE_OK && ended == CLADE_OK ? EXIT_OK : cli_fail_library();
}

static int open_host_copy(host_copy *c, size_t bytes)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    *c = (host_copy){malloc(bytes), malloc(bytes), bytes, 1, ""};
    if (processors > 1)
        c->threads = processors < MOST_THREADS ? (int)processors : MOST_THREADS;
    snprintf(c->name, sizeof c->name, "memcpy, %d threads, read + write", c->threads);
    if (!c->from || !c->to)
        return cli_fail("out of memory for a copy");
    memset(c->from, 1, bytes);
    memset(c->to, 2, bytes);
    return EXIT_OK;
}

int bench_kernels(bench *b)
{
    const int64_t floats = b->o->quick ? QUICK_FLOATS : FLOATS;
    const double bytes = (double)floats * sizeof(float);
    operands o;
    host_copy host;
    int code = open_operands(&o, b, floats), opened = open_host_copy(&host, (size_t)bytes);
    bench_queue queue = {b->ctx, device_copy, &o};
    bench_side copy = {host.name, host_copy_block, &host, 2 * bytes};
    if (!b->cpu)
        copy = (bench_side){"device ceiling", bench_queue_block, &queue, 2 * bytes};
    if (code == EXIT_OK)
        code = opened;
    for (int i = 0; i < KERNELS_COUNT && code == EXIT_OK; i++)
        code = measure(b, &o, i, b->o->vs == VS_NONE ? NULL : &copy);
    free(host.from);
    free(host.to);
    clade_tensor_free(&o.x);
    clade_tensor_free(&o.y);
    clade_tensor_free(&o.z);
    clade_tensor_free(&o.square);
    return code;
}

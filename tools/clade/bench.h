/* `clade bench`: what Clade does in which time, beside others in the same run.
 *
 * A side is something that can repeat its work: Clade on its device, or a peer. bench_measure lets
 * two sides take turns in blocks of repetitions, never call by call: the threads of one spin for a
 * while after their work and would slow the other. */
#ifndef CLADE_BENCH_H
#define CLADE_BENCH_H

#include <clade/clade.h>

#include "../common/json.h"
#include "../mnist/dataset.h"
#include "bench_options.h"

typedef struct bench_row {
    const char *workload;
    char metric[64];
    double clade, peer; /* in the metric's unit; NaN without a peer */
    char peer_name[96];
    double ratio, ratio_min, ratio_max; /* Clade's time over the peer's, for the same work */
    int rounds;
} bench_row;

typedef struct bench {
    const bench_options *o;
    clade_context *ctx;
    bool cpu;            /* the device is the host's own processor */
    dataset_split train; /* empty until bench_data */
    bench_row *rows;
    int count;
} bench;

/* Training images, from --data or random; NULL after a line on stderr. */
const dataset_split *bench_data(bench *b);

/* --- sides ------------------------------------------------------------------------------------ */
typedef struct bench_side {
    const char *name;
    /* Repeats the work and returns the seconds it took, or NaN after a line on stderr. */
    double (*block)(void *user, int64_t count);
    void *user;
    double amount; /* of work in one repetition: flops, bytes, images; steps for a time per step */
} bench_side;

/* Clade: `work` queues one repetition for the device. */
typedef struct bench_queue {
    clade_context *ctx;
    clade_status (*work)(void *user);
    void *user;
} bench_queue;

/* A block of a bench_queue, until the device has done all. */
double bench_queue_block(void *queue, int64_t count);

typedef enum bench_unit {
    BENCH_MICROSECONDS, /* per amount */
    BENCH_PER_SECOND,   /* amount per second */
    BENCH_GIGA          /* 1e9 of it per second */
} bench_unit;

typedef struct bench_metric {
    const char *workload;
    const char *name;
    bench_unit unit;
} bench_metric;

/* Measures, adds a row and says so on stderr. peer may be NULL. Returns the exit code. */
int bench_measure(bench *b, const bench_metric *metric, const bench_side *clade,
                  const bench_side *peer);

/* --- results ---------------------------------------------------------------------------------- */
json_t *bench_json(const bench *b);
void bench_print(const bench *b);

/* --- workloads: each returns the exit code ---------------------------------------------------- */
int bench_mlp(bench *b);
int bench_mlp1024(bench *b);
int bench_cnn(bench *b);
int bench_infer(bench *b);
int bench_transformer(bench *b);
int bench_gemm(bench *b);
int bench_kernels(bench *b);
int bench_launch(bench *b);

#endif

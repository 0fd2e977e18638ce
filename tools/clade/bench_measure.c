#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../common/cli.h"
#include "bench.h"

double bench_queue_block(void *queue, int64_t count)
{
    bench_queue *q = queue;
    clade_status status = clade_context_finish(q->ctx);
    double start = cli_seconds();
    for (int64_t i = 0; i < count && status == CLADE_OK; i++)
        status = q->work(q->user);
    if (status == CLADE_OK)
        status = clade_context_finish(q->ctx);
    double seconds = cli_seconds() - start;
    if (status == CLADE_OK)
        return seconds;
    cli_fail_library();
    return NAN;
}

/* Repetitions that fill a block. The first ones compile kernels and record steps, so the count
 * grows until a good part of a block is full. Returns 0 after a failure. */
static int64_t calibrate(const bench *b, const bench_side *side)
{
    for (int64_t count = 4;; count *= 4) {
        double seconds = side->block(side->user, count);
        if (isnan(seconds))
            return 0;
        if (seconds >= b->o->block_seconds / 4) {
            if (count == 4)
                seconds = side->block(side->user, count);
            double fitting = ceil((double)count * b->o->block_seconds / fmax(seconds, 1e-9));
            return isnan(seconds) ? 0 : (int64_t)fmax(1, fmin(fitting, 1e9));
        }
    }
}

/* Seconds per unit of work. A few repetitions before the clock starts wake the threads. */
static double run_block(const bench *b, const bench_side *side, int64_t count)
{
    struct timespec pause = {.tv_nsec = (long)(1e9 * b->o->settle_seconds)};
    nanosleep(&pause, NULL);
    if (isnan(side->block(side->user, (count + 15) / 16)))
        return NAN;
    return side->block(side->user, count) / ((double)count * side->amount);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double sorted_median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, ascending);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static double in_unit(bench_unit unit, double seconds)
{
    switch (unit) {
    case BENCH_MICROSECONDS:
        return 1e6 * seconds;
    case BENCH_PER_SECOND:
        return 1 / seconds;
    case BENCH_GIGA:
        return 1e-9 / seconds;
    }
    return NAN;
}

static int add_row(bench *b, const bench_metric *metric, double *clade, double *peer, double *ratio,
                   const char *peer_name)
{
    bench_row *rows = realloc(b->rows, (size_t)(b->count + 1) * sizeof *rows);
    if (!rows)
        return cli_fail("out of memory for a row");
    b->rows = rows;
    int rounds = (int)b->o->rounds;
    bench_row *row = &rows[b->count++];
    *row = (bench_row){.workload = metric->workload,
                       .clade = in_unit(metric->unit, sorted_median(clade, rounds)),
                       .peer = NAN,
                       .ratio = NAN,
                       .ratio_min = NAN,
                       .ratio_max = NAN,
                       .rounds = rounds};
    snprintf(row->metric, sizeof row->metric, "%s", metric->name);
    if (peer_name) {
        row->peer = in_unit(metric->unit, sorted_median(peer, rounds));
        row->ratio = sorted_median(ratio, rounds);
        row->ratio_min = ratio[0];
        row->ratio_max = ratio[rounds - 1];
        snprintf(row->peer_name, sizeof row->peer_name, "%s", peer_name);
        cli_note("%s, %s: %.4g, ratio %.2f", row->workload, row->metric, row->clade, row->ratio);
    } else {
        cli_note("%s, %s: %.4g", row->workload, row->metric, row->clade);
    }
    return EXIT_OK;
}

int bench_measure(bench *b, const bench_metric *metric, const bench_side *clade,
                  const bench_side *peer)
{
    enum { MOST_ROUNDS = 1000 };
    static double clade_times[MOST_ROUNDS], peer_times[MOST_ROUNDS], ratios[MOST_ROUNDS];
    int64_t clade_count = calibrate(b, clade);
    int64_t peer_count = clade_count && peer ? calibrate(b, peer) : 1;
    if (clade_count == 0 || peer_count == 0)
        return EXIT_FAILED;
    for (int64_t i = 0; i < b->o->rounds; i++) {
        clade_times[i] = run_block(b, clade, clade_count);
        peer_times[i] = peer ? run_block(b, peer, peer_count) : 1;
        ratios[i] = clade_times[i] / peer_times[i];
        if (isnan(ratios[i]))
            return EXIT_FAILED;
    }
    return add_row(b, metric, clade_times, peer_times, ratios, peer ? peer->name : NULL);
}

/* What `clade bench` was asked to do. */
#ifndef CLADE_BENCH_OPTIONS_H
#define CLADE_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* The peers; AUTO: OpenBLAS for gemm where there is one. */
typedef enum bench_vs { VS_AUTO, VS_TORCH, VS_OPENBLAS, VS_NONE } bench_vs;

enum { MLP, MLP1024, CNN, INFER, TRANSFORMER, GEMM, KERNELS, LAUNCH, WORKLOADS };

extern const char *const bench_workload_names[WORKLOADS];

typedef struct bench_options {
    unsigned workloads; /* one bit each */
    bench_vs vs;
    bool json, quick;
    const char *json_path; /* NULL: stdout */
    const char *python, *device, *data;
    int64_t rounds;
    double block_seconds, settle_seconds; /* length of a block, and the pause before it */
} bench_options;

/* argv[0] is "bench". Returns -1 to go on, or the exit code. */
int bench_options_parse(bench_options *o, int argc, char **argv);

#endif

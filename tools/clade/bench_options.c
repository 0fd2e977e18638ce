#include "bench_options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "../common/cli.h"

static const char help[] =
    "NAME\n"
    "    clade bench - measure Clade on a device, beside others in the same run\n"
    "\n"
    "SYNOPSIS\n"
    "    clade bench [--workload NAME,...] [--vs torch|openblas|none] [--json [FILE]] [OPTIONS]\n"
    "\n"
    "WORKLOADS\n"
    "    mlp       training 784-128-10, batch 128, SGD with momentum; images stay on the device\n"
    "    mlp1024   training 784-1024-1024-10, batch 256\n"
    "    cnn       training clade-mnist --model cnn, batch 128, Adam\n"
    "    infer     784-128-10 forward: one image from the host and back, and 1024 at a time\n"
    "    transformer  training a GPT on characters: 4 layers, width 256, 4 heads, context 256,\n"
    "              batch 8, AdamW\n"
    "    gemm      matrix products\n"
    "    kernels   memory traffic of pointwise, reduction and update kernels, beside a copy\n"
    "    launch    what one launch, one operation, one replayed kernel cost\n"
    "\n"
    "OPTIONS\n"
    "    --workload NAME   one or several, separated by commas; may be repeated [all]\n"
    "    --vs PEER         torch: PyTorch in its fastest thread setting, a process of its own;\n"
    "                      openblas: gemm only, loaded when present; none\n"
    "                      [openblas on CPU devices, else the device's own ceiling]\n"
    "    --python PATH     a Python that can import torch [python3, then /usr/bin/python3]\n"
    "    --rounds N        blocks per side; medians and the spread of their ratios count [5]\n"
    "    --data DIR        MNIST files [random pixels]\n"
    "    --device D        as in clade --help\n"
    "    --json [FILE]     one array of rows, to FILE or in place of the table\n"
    "    --quick           small sizes, one short round: a trial, not a measurement\n"
    "\n"
    "    A ratio is Clade's time over the peer's for the same work: below 1 Clade is faster.\n";

const char *const bench_workload_names[WORKLOADS] = {"mlp",         "mlp1024", "cnn",     "infer",
                                                     "transformer", "gemm",    "kernels", "launch"};
static const char *const peer_names[] = {
    [VS_AUTO] = "", [VS_TORCH] = "torch", [VS_OPENBLAS] = "openblas", [VS_NONE] = "none"};

/* Returns the place of the text's first `length` characters in the list, or -1. */
static int find(const char *const *names, int count, const char *text, size_t length)
{
    for (int i = 0; i < count; i++)
        if (strlen(names[i]) == length && memcmp(names[i], text, length) == 0)
            return i;
    return -1;
}

static int parse_workloads(bench_options *o, const char *text)
{
    for (;; text++) {
        size_t length = strcspn(text, ",");
        int i = find(bench_workload_names, WORKLOADS, text, length);
        if (i < 0)
            return cli_usage(
                "--workload: '%.*s' is none of mlp, mlp1024, cnn, infer, transformer, gemm, "
                "kernels, launch",
                (int)length, text);
        o->workloads |= 1u << i;
        text += length;
        if (!*text)
            return -1;
    }
}

static int parse_peer(bench_options *o, const char *text)
{
    int i = find(peer_names, 4, text, strlen(text));
    if (i <= VS_AUTO)
        return cli_usage("--vs: '%s' is none of torch, openblas, none", text);
    o->vs = (bench_vs)i;
    return -1;
}

enum { WORKLOAD = 256 /* no character */, VS, PYTHON, ROUNDS, DATA, DEVICE, JSON, QUICK, HELP };

/* Returns -1 or the exit code. */
static int apply(void *user, int option, const char *value)
{
    bench_options *o = user;
    switch (option) {
    case WORKLOAD:
        return parse_workloads(o, value);
    case VS:
        return parse_peer(o, value);
    case PYTHON:
        o->python = value;
        return -1;
    case ROUNDS:
        if (!cli_parse_int(value, 1, 1000, &o->rounds))
            return cli_usage("--rounds: '%s' is not a whole number from 1 to 1000", value);
        return -1;
    case DATA:
        o->data = value;
        return -1;
    case DEVICE:
        o->device = value;
        return -1;
    case JSON:
        o->json = true;
        o->json_path = value;
        return -1;
    case QUICK:
        o->quick = true;
        return -1;
    default:
        fputs(help, stdout);
        return EXIT_OK;
    }
}

static void set_defaults(bench_options *o)
{
    if (!o->workloads)
        o->workloads = (1u << WORKLOADS) - 1;
    if (!o->rounds)
        o->rounds = o->quick ? 1 : 5;
    o->block_seconds = o->quick ? 0.002 : 0.2;
    o->settle_seconds = o->quick ? 0 : 0.08;
}

int bench_options_parse(bench_options *o, int argc, char **argv)
{
    static const struct option options[] = {{"workload", required_argument, NULL, WORKLOAD},
                                            {"vs", required_argument, NULL, VS},
                                            {"python", required_argument, NULL, PYTHON},
                                            {"rounds", required_argument, NULL, ROUNDS},
                                            {"data", required_argument, NULL, DATA},
                                            {"device", required_argument, NULL, DEVICE},
                                            {"json", optional_argument, NULL, JSON},
                                            {"quick", no_argument, NULL, QUICK},
                                            {"help", no_argument, NULL, HELP},
                                            {0}};
    *o = (bench_options){0};
    int code = cli_options(argc, argv, options, WORKLOAD, apply, o);
    if (code >= 0)
        return code;
    if (optind < argc)
        return cli_usage("'%s': one argument too many", argv[optind]);
    set_defaults(o);
    return -1;
}

/* Our own GEMM: cl/gemm_cpu.cl where work-items are threads, cl/gemm_small.cl where they are lanes.
 */
#include "runtime/cl_internal.h"

#include <stdio.h>
#include <string.h>

#include "runtime/gemm_provider.h"

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How the CPU kernel cuts the product: a register tile of `rows` x `vectors * width` results, and
 * blocks of so many of each dimension. A work-group makes a block of C. */
typedef struct cpu_plan {
    int rows, vectors, width;
    int64_t block_m, block_n, block_k;
    size_t local_a, local_b; /* bytes */
} cpu_plan;

/* The tallest tile that wastes least: its last row of tiles computes rows that nobody stores. */
static int tile_rows(int64_t m, const int *choices)
{
    int best = choices[0];
    if (m >= 4 * best)
        return best;
    for (const int *rows = choices; *rows; rows++)
        if (ceil_div(m, *rows) * *rows < ceil_div(m, best) * best)
            best = *rows;
    return best;
}

/* 16 or 32 registers hold the tile, a row of B and an element of A. */
static void choose_tile(cpu_plan *p, const clade_runtime *rt, const clade_gemm *g)
{
    static const int tall[] = {12, 8, 4, 2, 1, 0}, narrow[] = {6, 5, 4, 2, 1, 0},
                     wide[] = {8, 6, 5, 4, 2, 1, 0};
    p->width = rt->shape.vector_width / (g->dtype == CLADE_F64 ? 2 : 1);
    p->vectors = g->n <= p->width ? 1 : 2;
    p->rows = tile_rows(g->m, p->vectors == 1 ? tall : rt->shape.vector_width < 16 ? narrow : wide);
}

/* B's block shares the second-level cache with what passes through; a transposed A is packed too.
 */
#define DEPTH       256
#define LOCAL_BYTES (256 << 10)

static void choose_blocks(cpu_plan *p, const clade_runtime *rt, const clade_gemm *g)
{
    const int64_t size = (int64_t)clade_dtype_size(g->dtype), columns = p->vectors * p->width;
    int64_t local = smaller((int64_t)rt->info.local_memory_bytes, 2 * LOCAL_BYTES);
    if (g->trans_a)
        local /= 2;
    p->block_k = smaller(DEPTH, local / (size * columns));
    p->block_k = ceil_div(g->k, ceil_div(g->k, p->block_k));
    int64_t most = smaller(local, LOCAL_BYTES) / (size * p->block_k);
    int64_t tiles_m = ceil_div(g->m, p->rows), tiles_n = ceil_div(g->n, columns);
    int64_t groups_m = ceil_div(tiles_m, most / p->rows ? most / p->rows : 1);
    int64_t groups_n = ceil_div(tiles_n, most / columns ? most / columns : 1);
    int64_t wanted = 4 * rt->info.compute_units;
    while (groups_m * groups_n * g->batch < wanted && (groups_m < tiles_m || groups_n < tiles_n)) {
        bool split_n = groups_n < tiles_n &&
                       (!g->trans_a || g->n / groups_n >= g->m / groups_m || groups_m == tiles_m);
        *(split_n ? &groups_n : &groups_m) += 1;
    }
    p->block_m = ceil_div(tiles_m, groups_m) * p->rows;
    p->block_n = ceil_div(tiles_n, groups_n) * columns;
    p->local_b = (size_t)(p->block_k * p->block_n * size);
    p->local_a = (size_t)(p->block_k * p->block_m * size);
}

/* The arguments that both kernels start with. Returns how many. */
static int common_args(clade_arg *args, const clade_gemm *g)
{
    const clade_arg common[] = {
        clade_arg_i32(g->m),
        clade_arg_i32(g->n),
        clade_arg_i32(g->k),
        clade_arg_i32(g->k),
        clade_arg_real(g->dtype, g->alpha),
        clade_arg_real(g->dtype, g->beta),
        clade_arg_buffer(g->a),
        clade_arg_i32(g->a_offset),
        clade_arg_i32(g->lda),
        clade_arg_i32(g->a_stride),
        clade_arg_buffer(g->b),
        clade_arg_i32(g->b_offset),
        clade_arg_i32(g->ldb),
        clade_arg_i32(g->b_stride),
        clade_arg_buffer(g->c),
        clade_arg_i32(g->c_offset),
        clade_arg_i32(g->ldc),
        clade_arg_i32(g->c_stride),
    };
    memcpy(args, common, sizeof common);
    return (int)(sizeof common / sizeof *common);
}

static clade_arg local_arg(size_t bytes)
{
    return (clade_arg){.kind = CLADE_ARG_LOCAL, .as.local_bytes = bytes};
}

static clade_status run_cpu(clade_runtime *rt, const clade_gemm *g)
{
    cpu_plan p;
    choose_tile(&p, rt, g);
    choose_blocks(&p, rt, g);
    char options[96];
    snprintf(options, sizeof options, "-DT=%s -DV=%d -DMR=%d -DNV=%d -DTA=%d -DTB=%d",
             g->dtype == CLADE_F64 ? "double" : "float", p.width, p.rows, p.vectors, g->trans_a,
             g->trans_b);
    clade_kernel *kernel;
    CLADE_TRY(clade_kernel_get(
        &kernel, rt,
        &(clade_kernel_key){.family = "gemm_cpu", .options = options, .name = "gemm"}));
    clade_grid grid = {.dims = 3,
                       .global = {(size_t)ceil_div(g->n, p.block_n),
                                  (size_t)ceil_div(g->m, p.block_m), (size_t)g->batch},
                       .local = {1, 1, 1}};
    clade_arg args[32];
    int n = common_args(args, g);
    args[n++] = clade_arg_i32(p.block_m);
    args[n++] = clade_arg_i32(p.block_n);
    args[n++] = clade_arg_i32(p.block_k);
    args[n++] = local_arg(p.local_b);
    if (g->trans_a)
        args[n++] = local_arg(p.local_a);
    return clade_launch(rt, kernel, &grid, args, n);
}

static clade_status run_small(clade_runtime *rt, const clade_gemm *g)
{
    int side = rt->info.largest_work_group >= 256 ? 16 : rt->info.largest_work_group >= 64 ? 8 : 1;
    int results = g->m >= 128 && g->n >= 128 ? 4 : 1;
    char options[64];
    snprintf(options, sizeof options, "-DT=%s -DG=%d -DR=%d -DTA=%d -DTB=%d",
             g->dtype == CLADE_F64 ? "double" : "float", side, results, g->trans_a, g->trans_b);
    clade_kernel *kernel;
    CLADE_TRY(clade_kernel_get(
        &kernel, rt,
        &(clade_kernel_key){.family = "gemm_small", .options = options, .name = "gemm"}));
    size_t group = (size_t)side;
    clade_grid grid = {.dims = 3,
                       .global = {(size_t)ceil_div(g->n, side * results) * group,
                                  (size_t)ceil_div(g->m, side * results) * group, (size_t)g->batch},
                       .local = {group, group, 1},
                       .whole_group = true};
    clade_arg args[32];
    int n = common_args(args, g);
    return clade_launch(rt, kernel, &grid, args, n);
}

clade_status clade_gemm_own(clade_runtime *rt, const clade_gemm *gemm)
{
    return rt->shape.lanes == 1 ? run_cpu(rt, gemm) : run_small(rt, gemm);
}

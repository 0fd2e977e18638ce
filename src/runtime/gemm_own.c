/* Our own GEMM: cl/gemm_cpu.cl and cl/gemm_dot.cl where work-items are threads, cl/gemm_small.cl
 * where they are lanes. */
#include "runtime/cl_internal.h"

#include <stdio.h>
#include <string.h>

#include "runtime/elementwise.h"
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
    size_t local_a, local_b;   /* bytes */
    size_t lines, places;      /* bytes, of what is behind a window */
    int64_t pieces, rows_seen; /* of the window's columns in a block, at most */
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

/* The same where m is the channels of a convolution, a few tens: some waste is worth a taller tile,
 * which loads less per product. */
static int tile_rows_of_channels(int64_t m, const int *choices)
{
    int best = choices[0];
    double least = 0;
    for (const int *rows = choices; *rows; rows++) {
        double cost = (double)(ceil_div(m, *rows) * *rows) * (1 + 0.3 / *rows);
        if (least == 0 || cost < least) {
            least = cost;
            best = *rows;
        }
    }
    return best;
}

static int register_width(const clade_runtime *rt, const clade_gemm *g)
{
    return rt->shape.vector_width / (g->dtype == CLADE_F64 ? 2 : 1);
}

/* 16 or 32 registers hold the tile, a row of B and an element of A. */
static void choose_tile(cpu_plan *p, const clade_runtime *rt, const clade_gemm *g)
{
    static const int tall[] = {12, 8, 4, 2, 1, 0}, narrow[] = {6, 5, 4, 2, 1, 0},
                     wide[] = {8, 6, 5, 4, 2, 1, 0};
    p->width = register_width(rt, g);
    p->vectors = g->n <= p->width ? 1 : 2;
    const int *choices = p->vectors == 1 ? tall : rt->shape.vector_width < 16 ? narrow : wide;
    p->rows = g->window.use ? tile_rows_of_channels(g->m, choices) : tile_rows(g->m, choices);
}

/* What one group costs in the kernel's own steps: its tiles, and the packing that the groups beside
 * or below it repeat. */
static double group_cost(const cpu_plan *p, const clade_gemm *g, int64_t tiles_m, int64_t tiles_n)
{
    double results = (double)(p->rows * p->vectors), k = (double)g->k;
    double tile = results * k + 60;
    double pack_b = (double)(p->vectors * p->width) * k * (g->trans_b ? 0.8 : 0.5);
    double pack_a = g->trans_a ? (double)p->rows * k : 0;
    return (double)(tiles_m * tiles_n) * tile + (double)tiles_n * pack_b +
           (double)tiles_m * pack_a + 4000;
}

/* Cuts C into groups so that the last compute unit is done soonest. */
static void choose_groups(cpu_plan *p, const clade_runtime *rt, const clade_gemm *g, int64_t most_n)
{
    const int64_t columns = (int64_t)p->vectors * p->width, units = rt->info.compute_units;
    const int64_t tiles_m = ceil_div(g->m, p->rows), tiles_n = ceil_div(g->n, columns);
    const int64_t least = ceil_div(tiles_n, most_n), limit = 4 * units;
    double best = 0;
    for (int64_t by_m = 1; by_m == 1 || (by_m <= tiles_m && by_m * least * g->batch <= limit);
         by_m++) {
        for (int64_t by_n = least;
             by_n == least || (by_n <= tiles_n && by_m * by_n * g->batch <= limit); by_n++) {
            int64_t m = ceil_div(tiles_m, by_m), n = ceil_div(tiles_n, by_n);
            int64_t groups = ceil_div(tiles_m, m) * ceil_div(tiles_n, n) * g->batch;
            double cost = (double)ceil_div(groups, units) * group_cost(p, g, m, n);
            if (best == 0 || cost < best) {
                best = cost;
                p->block_m = m * p->rows;
                p->block_n = n * columns;
            }
        }
    }
}

#define PACKED_ROWS 8 /* as cl/gemm_cpu.cl has it */

#define RUN 16 /* as cl/gemm_cpu.cl has it */

/* Rows of places that so many of the window's columns see, at most. */
static int64_t window_rows(const clade_window *w, int64_t columns)
{
    const clade_window_dim *h = &w->dim[1], *v = &w->dim[2];
    const int64_t slices = ceil_div(columns - 1, h->out * v->out) + 1;
    const int64_t spread = (h->taps - 1) * (h->reach < 0 ? -h->reach : h->reach);
    return ceil_div(columns - 1, v->out) * h->step + slices * (spread + 1);
}

static int64_t row_width(const clade_window *w)
{
    const clade_window_dim *v = &w->dim[2];
    return (v->out - 1) * v->step + (v->taps - 1) * (v->reach < 0 ? -v->reach : v->reach) + 1;
}

/* Sets what a window takes beside `panels` of B. Returns all of it in bytes. */
static int64_t window_bytes(cpu_plan *p, const clade_gemm *g, int64_t panels)
{
    const clade_window *w = &g->window;
    const int64_t size = (int64_t)clade_dtype_size(g->dtype);
    const int64_t columns = w->use == CLADE_WINDOW_A ? p->block_k : panels * p->vectors * p->width;
    if (!w->use)
        return 0;
    const int64_t area = w->dim[1].out * w->dim[2].out;
    const int64_t cut = w->use == CLADE_WINDOW_A ? RUN : smaller(RUN, p->vectors * p->width);
    p->pieces = ceil_div(columns - 1, w->dim[2].out) + ceil_div(columns - 1, area) +
                ceil_div(columns, cut) + 2;
    p->pieces = smaller(p->pieces, columns);
    p->rows_seen = window_rows(w, columns);
    p->lines = w->use == CLADE_WINDOW_A ? (size_t)(p->rows * (columns + RUN) * size) : 4;
    p->places = (size_t)((p->rows_seen * row_width(w) + RUN) * size);
    return (int64_t)(p->lines + p->places) +
           (3 * p->pieces + p->rows_seen) * (int64_t)sizeof(int32_t) +
           (w->use == CLADE_WINDOW_B ? panels * RUN * size : 0);
}

/* Panels of B that local memory of this size holds beside what a window takes; 0: not even one. */
static int64_t most_panels(cpu_plan *p, const clade_gemm *g, int64_t bytes, int64_t local)
{
    const int64_t panel = (int64_t)clade_dtype_size(g->dtype) * p->block_k * p->vectors * p->width;
    int64_t panels = bytes / panel;
    for (panels = panels > 1 ? panels : 1; panels > 0; panels--)
        if (!g->window.use || window_bytes(p, g, panels) + panels * panel <= local)
            return panels;
    return 0;
}

/* The panels of B share the second-level cache with what passes through. Deep blocks spare passes
 * over C; with a transposed A wide ones spare packing. Local memory holds both and some slack: PoCL
 * aborts when alignment makes it overflow. False when a window shows too much for it. */
static bool choose_blocks(cpu_plan *p, const clade_runtime *rt, const clade_gemm *g)
{
    const int64_t size = (int64_t)clade_dtype_size(g->dtype);
    const int64_t columns = (int64_t)p->vectors * p->width;
    const int64_t rows_a = g->trans_a ? (int64_t)PACKED_ROWS * p->rows : 0;
    const int64_t local = (int64_t)rt->info.local_memory_bytes - 2048;
    int64_t depth = smaller(g->trans_a ? 256 : 512, local / (size * (columns + rows_a)));
    depth = depth > 4 ? depth : 4;
    p->block_k = ceil_div(g->k, ceil_div(g->k, depth));
    if (p->block_k > 4 && p->block_k < g->k)
        p->block_k = ceil_div(p->block_k, 4) * 4;
    int64_t bytes = smaller((g->trans_a ? 256 : 128) << 10, local - rows_a * size * p->block_k);
    int64_t panels = most_panels(p, g, bytes, local);
    if (panels == 0)
        return false;
    choose_groups(p, rt, g, panels);
    p->local_b = (size_t)(p->block_k * p->block_n * size);
    if (g->window.use == CLADE_WINDOW_B)
        p->local_b += (size_t)(ceil_div(p->block_n, columns) * RUN * size);
    p->local_a = (size_t)(p->block_k * rows_a * size);
    return true;
}

/* The arguments that the kernels start with. Returns how many. */
static int common_args(clade_arg *args, const clade_gemm *g)
{
    const clade_arg common[] = {
        clade_arg_i32(g->m),
        clade_arg_i32(g->n),
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

#define MOST_DOT_ROWS 4 /* for cl/gemm_dot.cl; with more, packing pays */

static clade_arg local_arg(size_t bytes)
{
    return (clade_arg){.kind = CLADE_ARG_LOCAL, .as.local_bytes = bytes};
}

typedef struct own_kernel {
    const char *source; /* cl/SOURCE.cl */
    const clade_gemm *gemm;
} own_kernel;

static char *generate(const void *user)
{
    const own_kernel *own = user;
    return clade_elementwise_epilogue_text(own->gemm->epilogue, own->source);
}

/* The kernel of cl/SOURCE.cl with these options, and with the epilogue where there is one. */
static clade_status get_kernel(clade_kernel **out, clade_runtime *rt, const own_kernel *own,
                               const char *options)
{
    const clade_gemm *g = own->gemm;
    if (!g->epilogue)
        return clade_kernel_get(
            out, rt,
            &(clade_kernel_key){.family = own->source, .options = options, .name = "gemm"});
    char family[640], all_options[1280];
    int f = snprintf(family, sizeof family, "%s:", own->source);
    int o = snprintf(all_options, sizeof all_options, "%s ", options);
    if (!clade_elementwise_epilogue_name(g->epilogue, family + f, sizeof family - (size_t)f,
                                         all_options + o, sizeof all_options - (size_t)o))
        return CLADE_FAIL(CLADE_ERR_INTERNAL, "gemm: an epilogue of %d stages is too long a name",
                          g->epilogue->stages);
    return clade_kernel_get(out, rt,
                            &(clade_kernel_key){.family = family,
                                                .options = all_options,
                                                .name = "gemm",
                                                .generate = generate,
                                                .user = own});
}

/* Room for all that a kernel of ours takes. */
#define MOST_ARGS (32 + CLADE_ELEMENTWISE_ARGS)

static clade_status launch(clade_runtime *rt, clade_kernel *kernel, const clade_grid *grid,
                           const clade_gemm *g, clade_arg *args, int count)
{
    if (g->epilogue)
        count += clade_elementwise_epilogue_args(args + count, g->epilogue);
    return clade_launch(rt, kernel, grid, args, count);
}

/* The product as the CPU kernel's blocks are cut from it: behind a window B's columns are those of
 * all images of a group, and sums have one result per part. */
static clade_gemm as_cut(const clade_gemm *g)
{
    clade_gemm cut = *g;
    if (g->window.use == CLADE_WINDOW_B) {
        cut.batch = g->window.groups;
        cut.n = g->n * (g->batch / cut.batch);
    } else {
        cut.batch = clade_gemm_results(g);
    }
    return cut;
}

static clade_arg dim_arg(const clade_window_dim *v)
{
    const int64_t values[] = {v->in, v->out, v->taps, v->step, v->reach, v->shift, v->div};
    return clade_arg_int8(values, 7, 0);
}

static int window_args(clade_arg *args, const clade_gemm *g)
{
    const clade_window *w = &g->window;
    if (!w->use)
        return 0;
    for (int d = 0; d < 3; d++)
        args[d] = dim_arg(&w->dim[d]);
    args[3] = clade_arg_i32(g->batch / w->groups);
    args[4] = clade_arg_i32(w->groups);
    args[5] = clade_arg_i32(w->summed);
    return 6;
}

static const char *window_option(const clade_gemm *g)
{
    static const char *const options[] = {[CLADE_WINDOW_NONE] = "",
                                          [CLADE_WINDOW_A] = " -DWINDOW_A",
                                          [CLADE_WINDOW_B] = " -DWINDOW_B"};
    return options[g->window.use];
}

static clade_status run_cpu(clade_runtime *rt, const clade_gemm *g, const clade_gemm *cut,
                            const cpu_plan *p)
{
    char options[128];
    snprintf(options, sizeof options, "-DT=%s -DV=%d -DMR=%d -DNV=%d -DTRANS_A=%d -DTRANS_B=%d%s",
             g->dtype == CLADE_F64 ? "double" : "float", p->width, p->rows, p->vectors, g->trans_a,
             g->trans_b, window_option(g));
    clade_kernel *kernel;
    CLADE_TRY(get_kernel(&kernel, rt, &(own_kernel){"gemm_cpu", g}, options));
    clade_grid grid = {.dims = 3,
                       .global = {(size_t)ceil_div(cut->n, p->block_n),
                                  (size_t)ceil_div(cut->m, p->block_m), (size_t)cut->batch},
                       .local = {1, 1, 1}};
    clade_arg args[MOST_ARGS];
    int n = common_args(args, g);
    args[n++] = clade_arg_i32(p->block_m);
    args[n++] = clade_arg_i32(p->block_n);
    args[n++] = clade_arg_i32(p->block_k);
    args[n++] = local_arg(p->local_b);
    if (g->trans_a)
        args[n++] = local_arg(p->local_a);
    if (g->window.use) {
        args[n++] = local_arg(p->lines);
        args[n++] = local_arg(p->places);
        args[n++] = local_arg((size_t)(3 * p->pieces + p->rows_seen) * sizeof(int32_t));
        args[n++] = clade_arg_i32(p->pieces);
    }
    n += window_args(args + n, g);
    return launch(rt, kernel, &grid, g, args, n);
}

/* Few rows times a transposed B: a register of each sum, and as many sums as hide what an addition
 * takes. A group is worth its launch from some thousands of products on. */
static clade_status run_dot(clade_runtime *rt, const clade_gemm *g)
{
    static const int columns[MOST_DOT_ROWS + 1] = {0, 8, 4, 4, 2};
    const int at_once = columns[g->m];
    const int64_t units = rt->info.compute_units, most = ceil_div(g->n, at_once);
    const int64_t worth = 1 + (int64_t)((double)g->m * (double)g->n * (double)g->k / 16384);
    const int64_t groups = smaller(smaller(worth, 2 * units), most);
    const int64_t block_n = ceil_div(most, groups) * at_once;
    char options[80];
    snprintf(options, sizeof options, "-DT=%s -DV=%d -DM=%d -DCOLUMNS=%d",
             g->dtype == CLADE_F64 ? "double" : "float", register_width(rt, g), (int)g->m, at_once);
    clade_kernel *kernel;
    CLADE_TRY(get_kernel(&kernel, rt, &(own_kernel){"gemm_dot", g}, options));
    clade_grid grid = {.dims = 3,
                       .global = {(size_t)ceil_div(g->n, block_n), 1, (size_t)g->batch},
                       .local = {1, 1, 1}};
    clade_arg args[MOST_ARGS];
    int n = common_args(args, g);
    args[n++] = clade_arg_i32(block_n);
    return launch(rt, kernel, &grid, g, args + 1, n - 1); /* m is an option there */
}

static clade_status run_small(clade_runtime *rt, const clade_gemm *g)
{
    int side = rt->info.largest_work_group >= 256 ? 16 : rt->info.largest_work_group >= 64 ? 8 : 1;
    int results = g->m >= 128 && g->n >= 128 ? 4 : 1;
    char options[96];
    snprintf(options, sizeof options, "-DT=%s -DG=%d -DR=%d -DTRANS_A=%d -DTRANS_B=%d%s",
             g->dtype == CLADE_F64 ? "double" : "float", side, results, g->trans_a, g->trans_b,
             window_option(g));
    clade_kernel *kernel;
    CLADE_TRY(get_kernel(&kernel, rt, &(own_kernel){"gemm_small", g}, options));
    size_t group = (size_t)side;
    clade_grid grid = {.dims = 3,
                       .global = {(size_t)ceil_div(g->n, side * results) * group,
                                  (size_t)ceil_div(g->m, side * results) * group,
                                  (size_t)clade_gemm_results(g)},
                       .local = {group, group, 1},
                       .whole_group = true};
    clade_arg args[MOST_ARGS];
    int n = common_args(args, g);
    n += window_args(args + n, g);
    return launch(rt, kernel, &grid, g, args, n);
}

clade_status clade_gemm_own(clade_runtime *rt, const clade_gemm *gemm)
{
    if (rt->shape.lanes > 1)
        return run_small(rt, gemm);
    if (gemm->m <= MOST_DOT_ROWS && !gemm->trans_a && gemm->trans_b && !gemm->window.use)
        return run_dot(rt, gemm);
    const clade_gemm cut = as_cut(gemm);
    cpu_plan p = {0};
    choose_tile(&p, rt, &cut);
    if (!choose_blocks(&p, rt, &cut))
        return run_small(rt, gemm);
    return run_cpu(rt, gemm, &cut, &p);
}

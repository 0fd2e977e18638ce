#include "tensor/reduce.h"
#include "tensor/transfer.h"

#include "base/shape.h"

#include <stdio.h>

/* Cutting rows, or blocks of columns, into smaller parts does not pay. */
#define MIN_CHUNK       4096
#define MIN_BLOCK_CHUNK 32768
/* What cl/reduce.cl and clade_grid_rows do on a CPU. */
#define CPU_COLUMNS   512 /* of a work-item */
#define ROWS_IN_GROUP 16

/* Some of a tensor's dimensions, merged outermost first as far as the strides allow. */
typedef struct dim_group {
    int ndim;
    int64_t dim[CLADE_MAX_DIMS], stride[CLADE_MAX_DIMS];
    int64_t numel;
} dim_group;

static dim_group group_of(const clade_tensor *t, unsigned mask)
{
    dim_group g = {.numel = 1};
    for (int i = 0; i < t->shape.ndim; i++) {
        if (!(mask >> i & 1))
            continue;
        int64_t dim = t->shape.dim[i];
        g.numel *= dim;
        if (dim == 1)
            continue;
        int last = g.ndim - 1;
        if (g.ndim && g.stride[last] == t->stride[i] * dim) {
            g.dim[last] *= dim;
            g.stride[last] = t->stride[i];
        } else {
            g.dim[g.ndim] = dim;
            g.stride[g.ndim++] = t->stride[i];
        }
    }
    return g;
}

/* One launch: reduces `length` elements that lie `step` apart for each of outers * columns results,
 * by whole rows (step 1, columns 1) or by columns (columns lie 1 apart). */
typedef struct pass {
    bool by_rows;
    int64_t outers, outer_stride, columns, length, step;
} pass;

static bool plan(pass *p, const clade_tensor *in, unsigned mask)
{
    unsigned all = (1u << in->shape.ndim) - 1u;
    dim_group kept = group_of(in, all & ~mask), reduced = group_of(in, mask);
    int64_t step = reduced.ndim ? reduced.stride[0] : 1;
    if (reduced.ndim > 1)
        return false;
    if (step == 1 && kept.ndim <= 1) {
        *p = (pass){.by_rows = true,
                    .outers = kept.numel,
                    .outer_stride = kept.ndim ? kept.stride[0] : 0,
                    .columns = 1,
                    .length = reduced.numel,
                    .step = 1};
        return true;
    }
    if (kept.ndim < 1 || kept.ndim > 2 || kept.stride[kept.ndim - 1] != 1)
        return false;
    *p = (pass){.by_rows = false,
                .outers = kept.ndim == 2 ? kept.dim[0] : 1,
                .outer_stride = kept.ndim == 2 ? kept.stride[0] : 0,
                .columns = kept.dim[kept.ndim - 1],
                .length = reduced.numel,
                .step = step};
    return true;
}

static clade_status get_kernel(clade_kernel **out, clade_runtime *rt, clade_dtype dtype,
                               clade_reduce_kind kind, bool by_rows)
{
    static const char *const kinds[] = {"-DOP_SUM", "-DOP_MAX", "-DOP_MIN", "-DOP_SUM -DSQUARES",
                                        "-DOP_PROD"};
    static const char *const types[CLADE_DTYPE_COUNT] = {[CLADE_F32] = "",
                                                         [CLADE_F64] = " -DT=double -DA=double",
                                                         [CLADE_I32] = " -DT=int -DA=int",
                                                         [CLADE_U8] = " -DT=uchar -DA=int",
                                                         [CLADE_F16] = " -DSTORE_F16 -DS=f16",
                                                         [CLADE_BF16] = " -DSTORE_BF16 -DS=bf16"};
    char options[64];
    snprintf(options, sizeof options, "%s%s", kinds[kind], types[dtype]);
    return clade_kernel_get(
        out, rt,
        &(clade_kernel_key){.family = "reduce",
                            .options = options,
                            .name = by_rows ? "reduce_rows" : "reduce_columns"});
}

static clade_arg scale_arg(clade_dtype dtype, double scale)
{
    if (!clade_dtype_is_float(dtype))
        return clade_arg_i32((int64_t)scale);
    return clade_arg_real(dtype, scale);
}

/* How many work-items share the columns: COLS of cl/reduce.cl each. */
static int64_t column_items(const clade_runtime *rt, const pass *p)
{
    clade_kernel_shape shape = clade_runtime_kernel_shape(rt);
    int64_t per_item = shape.lanes > 1 ? 1 : CPU_COLUMNS;
    return (p->columns + per_item - 1) / per_item;
}

/* dst[outer, chunk, column] from `chunks` equal parts of the length. */
static clade_status run(const pass *p, clade_kernel *kernel, const clade_tensor *src,
                        const clade_tensor *dst, int64_t chunks, double scale)
{
    clade_runtime *rt = clade_tensor_runtime(src);
    int64_t chunk_size = (p->length + chunks - 1) / chunks;
    clade_arg scale_value = scale_arg(src->dtype, scale);
    if (p->by_rows) {
        clade_grid grid = clade_grid_rows(rt, p->outers * chunks);
        return CLADE_LAUNCH(rt, kernel, &grid, CLADE_ARG_TENSOR(src),
                            clade_arg_i32(p->outer_stride), clade_arg_i32(p->outers),
                            clade_arg_i32(p->length), clade_arg_i32(chunk_size),
                            clade_arg_i32(chunks), CLADE_ARG_TENSOR(dst), scale_value);
    }
    clade_grid grid = clade_grid_box(rt, column_items(rt, p), p->outers * chunks, 1);
    if (clade_runtime_kernel_shape(rt).lanes == 1) /* few work-items, with much to do */
        grid.local[0] = grid.local[1] = 1;
    return CLADE_LAUNCH(rt, kernel, &grid, CLADE_ARG_TENSOR(src), clade_arg_i32(p->outer_stride),
                        clade_arg_i32(p->outers), clade_arg_i32(p->step), clade_arg_i32(p->columns),
                        clade_arg_i32(p->length), clade_arg_i32(chunk_size), clade_arg_i32(chunks),
                        CLADE_ARG_TENSOR(dst), scale_value);
}

/* How many parts the length is cut into so that the device has enough work-groups; every part is
 * non-empty. */
static int64_t chunks_for(const clade_runtime *rt, const pass *p)
{
    bool cpu = clade_runtime_kernel_shape(rt).lanes == 1;
    int64_t wanted = (int64_t)clade_runtime_device(rt)->compute_units * (cpu ? 4 : 16);
    if (cpu && p->by_rows)
        wanted *= ROWS_IN_GROUP;
    int64_t items = p->by_rows ? 1 : column_items(rt, p), width = p->columns / items;
    int64_t chunks = wanted / (p->outers * items);
    const int64_t least = cpu && !p->by_rows ? MIN_BLOCK_CHUNK : MIN_CHUNK;
    if (chunks > p->length * width / least)
        chunks = p->length * width / least;
    if (chunks <= 1)
        return 1;
    int64_t chunk_size = (p->length + chunks - 1) / chunks;
    return (p->length + chunk_size - 1) / chunk_size;
}

static clade_status reduce_in_two(const pass *p, clade_kernel *kernel, clade_tensor *out,
                                  clade_tensor *in, clade_reduce_kind kind, int64_t chunks,
                                  double scale)
{
    clade_shape shape = CLADE_SHAPE(p->outers, chunks, p->columns);
    clade_tensor *partial = clade_tensor_new(in->ctx, out->dtype, &shape, "reduce");
    if (!partial)
        return clade_last_error()->status;
    clade_status status = run(p, kernel, in, partial, chunks, 1);
    if (kind == CLADE_REDUCE_SUM_OF_SQUARES)
        kind = CLADE_REDUCE_SUM;
    if (status == CLADE_OK)
        status = clade_reduce(out, partial, 1u << 1, kind, scale);
    clade_tensor_unref(partial);
    return status;
}

/* A contiguous copy with the kept dimensions before the reduced ones. */
static clade_status reduce_copy(clade_tensor *out, clade_tensor *in, unsigned mask,
                                clade_reduce_kind kind, double scale)
{
    clade_shape shape = {0};
    int64_t stride[CLADE_MAX_DIMS];
    int kept = 0;
    for (int want_reduced = 0; want_reduced < 2; want_reduced++) {
        for (int i = 0; i < in->shape.ndim; i++) {
            if ((int)(mask >> i & 1) != want_reduced)
                continue;
            stride[shape.ndim] = in->stride[i];
            shape.dim[shape.ndim++] = in->shape.dim[i];
            kept += !want_reduced;
        }
    }
    clade_tensor *view = clade_tensor_new_view(in, &shape, stride, in->offset);
    clade_tensor *copy = view ? clade_tensor_new(in->ctx, in->dtype, &shape, "reduce") : NULL;
    clade_status status = copy ? clade_tensor_assign(copy, view) : clade_last_error()->status;
    if (status == CLADE_OK)
        status =
            clade_reduce(out, copy, ((1u << shape.ndim) - 1u) & ~((1u << kept) - 1u), kind, scale);
    clade_tensor_unref(copy);
    clade_tensor_unref(view);
    return status;
}

/* Kernels write results as they compute them. */
static clade_status reduce_and_round(clade_tensor *out, clade_tensor *in, unsigned mask,
                                     clade_reduce_kind kind, double scale)
{
    clade_tensor *exact = clade_tensor_new(in->ctx, CLADE_F32, &out->shape, "reduce");
    if (!exact)
        return clade_last_error()->status;
    clade_status status = clade_reduce(exact, in, mask, kind, scale);
    if (status == CLADE_OK)
        status = clade_tensor_assign(out, exact);
    clade_tensor_unref(exact);
    return status;
}

clade_status clade_reduce(clade_tensor *out, clade_tensor *in, unsigned mask,
                          clade_reduce_kind kind, double scale)
{
    if (!out->numel)
        return CLADE_OK;
    if (clade_kernel_storage(out->dtype))
        return reduce_and_round(out, in, mask, kind, scale);
    if (!in->numel && kind == CLADE_REDUCE_PRODUCT)
        return clade_tensor_fill(out, 1);
    if (!in->numel)
        return clade_tensor_fill(out, clade_dtype_is_float(in->dtype) ? 0 * scale : 0);
    pass p;
    if (!plan(&p, in, mask))
        return reduce_copy(out, in, mask, kind, scale);
    clade_kernel *kernel;
    CLADE_TRY(get_kernel(&kernel, clade_tensor_runtime(in), in->dtype, kind, p.by_rows));
    int64_t chunks = chunks_for(clade_tensor_runtime(in), &p);
    if (chunks > 1)
        return reduce_in_two(&p, kernel, out, in, kind, chunks, scale);
    clade_tensor_touch(out);
    return run(&p, kernel, in, out, 1, scale);
}

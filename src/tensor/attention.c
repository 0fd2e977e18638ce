#include "tensor/attention.h"
#include "tensor/reduce.h"

#include <stdio.h>

/* The most rows of k and q in a block, and the room that blocks may take: the second-level cache
 * holds them. Below MIN_QUERIES a group spends its time on packing keys. */
#define FORWARD_KEYS  256
#define BACKWARD_KEYS 128
#define MOST_QUERIES  192
#define BACKWARD_ROWS 48
#define MIN_QUERIES   48
#define ROOM          ((int64_t)256 << 10)

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static int64_t padded(int64_t n, int64_t to)
{
    return ceil_div(n, to) * to;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* --- how a CPU cuts the work ------------------------------------------------------------------ */
typedef struct cpu_plan {
    int width, tile; /* V and MR of the kernel; NR is 2 * width */
    int64_t keys, queries;
    int64_t elements; /* of local memory */
} cpu_plan;

static int64_t forward_elements(const cpu_plan *p, int64_t d, int64_t e)
{
    int64_t wide = padded(e, 2 * p->width);
    return p->keys * (d + wide + p->tile) + p->tile * d + p->queries * (wide + 2);
}

static int64_t backward_elements(const cpu_plan *p, int64_t d, int64_t e)
{
    int64_t deep = padded(d, 2 * p->width), wide = padded(e, 2 * p->width);
    return p->keys * (d + e + deep) + (p->keys + p->tile) * (deep + wide) +
           p->queries * (2 * deep + wide + 2 * p->keys) + 2 * p->tile;
}

/* Halves the blocks until they fit; false where the smallest do not. */
static bool shrink(cpu_plan *p, const clade_runtime *rt, clade_dtype dtype, int64_t d, int64_t e,
                   int64_t (*elements)(const cpu_plan *p, int64_t d, int64_t e))
{
    const int64_t local = (int64_t)clade_runtime_device(rt)->local_memory_bytes - 2048;
    const int64_t room = smaller(ROOM, local) / (int64_t)clade_dtype_size(dtype);
    const int64_t columns = 2 * (int64_t)p->width;
    while ((p->elements = elements(p, d, e)) > room) {
        bool keys = p->keys > columns && (p->keys >= p->queries || p->queries <= p->tile);
        if (keys)
            p->keys = padded(p->keys / 2, columns);
        else if (p->queries > p->tile)
            p->queries = padded(p->queries / 2, p->tile);
        else
            return false;
    }
    return true;
}

static cpu_plan start_plan(const clade_runtime *rt, clade_dtype dtype)
{
    int width = clade_runtime_kernel_shape(rt).vector_width;
    return (cpu_plan){.width = dtype == CLADE_F64 ? width / 2 : width, .tile = width < 16 ? 6 : 8};
}

static bool plan_forward(cpu_plan *p, const clade_runtime *rt, const clade_attention_call *c)
{
    const int64_t *q = c->q->shape.dim, *v = c->v->shape.dim;
    const int64_t groups = 2 * (int64_t)clade_runtime_device(rt)->compute_units;
    int64_t rows = ceil_div(q[2], ceil_div(groups, q[0] * q[1]));
    rows = smaller(rows > MIN_QUERIES ? rows : MIN_QUERIES, smaller(q[2], MOST_QUERIES));
    *p = start_plan(rt, c->q->dtype);
    p->keys = padded(smaller(v[2], FORWARD_KEYS), 2 * (int64_t)p->width);
    p->queries = padded(rows, p->tile);
    return shrink(p, rt, c->q->dtype, q[3], v[3], forward_elements);
}

static bool plan_backward(cpu_plan *p, const clade_runtime *rt, const clade_attention_call *c)
{
    const int64_t *q = c->q->shape.dim, *v = c->v->shape.dim;
    *p = start_plan(rt, c->q->dtype);
    p->keys = padded(smaller(v[2], BACKWARD_KEYS), 2 * (int64_t)p->width);
    p->queries = padded(smaller(q[2], BACKWARD_ROWS), p->tile);
    return shrink(p, rt, c->q->dtype, q[3], v[3], backward_elements);
}

/* --- how a GPU does --------------------------------------------------------------------------- */
#define STEP      4 /* as cl/attention_lanes.cl has it */
#define MOST_TILE 32

/* The tallest tile of rows that leaves local memory for a second group; 0 where none does. */
static int64_t tile_rows(const clade_runtime *rt, clade_dtype dtype, int64_t d, int64_t e)
{
    const int64_t local = (int64_t)clade_runtime_device(rt)->local_memory_bytes / 2;
    const int64_t rows = local / ((d + e + 2) * (int64_t)clade_dtype_size(dtype));
    return smaller(rows, MOST_TILE) / STEP * STEP;
}

clade_status clade_attention_check(const clade_runtime *rt, clade_dtype dtype, int64_t d, int64_t e,
                                   const char *what)
{
    bool fits;
    if (clade_runtime_kernel_shape(rt).lanes > 1) {
        fits = tile_rows(rt, dtype, d, e) > 0;
    } else {
        cpu_plan p = start_plan(rt, dtype);
        p.keys = 2 * p.width;
        p.queries = p.tile;
        fits = shrink(&p, rt, dtype, d, e, forward_elements) &&
               shrink(&p, rt, dtype, d, e, backward_elements);
    }
    if (fits)
        return CLADE_OK;
    return CLADE_FAIL(CLADE_ERR_UNSUPPORTED,
                      "%s: rows of %lld and %lld elements are too long for the device's %llu bytes "
                      "of local memory",
                      what, (long long)d, (long long)e,
                      (unsigned long long)clade_runtime_device(rt)->local_memory_bytes);
}

/* --- launching -------------------------------------------------------------------------------- */
#define MOST_ARGS 56

typedef struct launching {
    const clade_attention_call *call;
    clade_arg args[MOST_ARGS];
    int count;
} launching;

static void add_tensor(launching *l, const clade_tensor *t)
{
    l->args[l->count++] = clade_arg_buffer(t->storage->buffer);
    l->args[l->count++] = clade_arg_i32(t->offset);
}

static void add_window(launching *l, const clade_tensor *t)
{
    add_tensor(l, t);
    l->args[l->count++] = clade_arg_int8(t->stride, t->shape.ndim, 0);
}

static void add_int(launching *l, int64_t value)
{
    l->args[l->count++] = clade_arg_i32(value);
}

/* What all kernels start with. Where there is no mask or key, something stands in for it that no
 * kernel reads. */
static void add_inputs(launching *l)
{
    const clade_attention_call *c = l->call;
    add_window(l, c->q);
    add_window(l, c->k);
    add_window(l, c->v);
    add_window(l, c->mask ? c->mask : c->q);
    add_tensor(l, c->key ? c->key : c->q);
    add_window(l, c->out);
    add_tensor(l, c->lse);
}

static void add_sizes(launching *l)
{
    const clade_attention_call *c = l->call;
    add_int(l, c->q->shape.dim[1]);
    add_int(l, c->q->shape.dim[2]);
    add_int(l, c->k->shape.dim[2]);
}

static void add_options(launching *l)
{
    const clade_attention_call *c = l->call;
    l->args[l->count++] = clade_arg_real(c->q->dtype, c->scale);
    add_int(l, c->causal);
    add_int(l, c->mask != NULL);
    l->args[l->count++] = clade_arg_real(c->q->dtype, c->key ? c->dropout : 0);
}

static clade_status launch(launching *l, const char *family, const char *options, const char *name,
                           int64_t groups, size_t lanes)
{
    const clade_attention_call *c = l->call;
    clade_runtime *rt = clade_tensor_runtime(c->q);
    const clade_kernel_key key = {.family = family, .options = options, .name = name};
    clade_kernel *kernel;
    CLADE_TRY(clade_kernel_get(&kernel, rt, &key));
    const int64_t batch = c->q->shape.dim[0] * c->q->shape.dim[1];
    clade_grid grid = {.dims = 2,
                       .global = {(size_t)groups * lanes, (size_t)batch},
                       .local = {lanes, 1},
                       .whole_group = true};
    return clade_launch(rt, kernel, &grid, l->args, l->count);
}

/* --- CPUs ------------------------------------------------------------------------------------- */
static clade_status launch_cpu(launching *l, const cpu_plan *p, const char *name, int64_t groups)
{
    const clade_dtype dtype = l->call->q->dtype;
    char options[80];
    snprintf(options, sizeof options, "-DPHILOX -DT=%s -DV=%d -DMR=%d", clade_kernel_type(dtype),
             p->width, p->tile);
    size_t bytes = (size_t)p->elements * clade_dtype_size(dtype);
    l->args[l->count++] = (clade_arg){.kind = CLADE_ARG_LOCAL, .as.local_bytes = bytes};
    return launch(l, "attention_cpu", options, name, groups, 1);
}

static void add_columns(launching *l)
{
    add_int(l, l->call->q->shape.dim[3]);
    add_int(l, l->call->v->shape.dim[3]);
}

static clade_status run_cpu(const clade_attention_call *c)
{
    cpu_plan p;
    if (!plan_forward(&p, clade_tensor_runtime(c->q), c))
        return CLADE_FAIL(CLADE_ERR_INTERNAL, "attention: no blocks fit");
    launching l = {.call = c};
    add_inputs(&l);
    add_sizes(&l);
    add_columns(&l);
    add_options(&l);
    add_int(&l, p.queries);
    add_int(&l, p.keys);
    return launch_cpu(&l, &p, "attention", ceil_div(c->q->shape.dim[2], p.queries));
}

/* One launch. dq: of the first part of the keys, those of others dq_part further each. */
static clade_status run_parts(const clade_attention_call *c, const cpu_plan *p,
                              const clade_tensor *g, clade_tensor *dq, clade_tensor *dk,
                              clade_tensor *dv, int64_t part_keys, int64_t dq_part)
{
    launching l = {.call = c};
    add_window(&l, g);
    add_inputs(&l);
    add_window(&l, dq);
    add_window(&l, dk);
    add_window(&l, dv);
    add_sizes(&l);
    add_columns(&l);
    add_options(&l);
    add_int(&l, p->queries);
    add_int(&l, p->keys);
    add_int(&l, part_keys);
    add_int(&l, dq_part);
    return launch_cpu(&l, p, "attention_grad", ceil_div(c->k->shape.dim[2], part_keys));
}

/* Each part of the keys makes a dq of its own: they are summed up in a fixed order. */
static clade_status run_and_sum(const clade_attention_call *c, const cpu_plan *p,
                                const clade_tensor *g, clade_tensor *dq, clade_tensor *dk,
                                clade_tensor *dv, int64_t part_keys, int64_t parts)
{
    const clade_shape shape = CLADE_SHAPE(parts, dq->numel), flat = CLADE_SHAPE(dq->numel);
    const int64_t step = 1;
    clade_tensor *partial = clade_tensor_new(dq->ctx, dq->dtype, &shape, "attention");
    clade_tensor *first =
        partial ? clade_tensor_new_view(partial, &dq->shape, dq->stride, 0) : NULL;
    clade_tensor *sum = clade_tensor_new_view(dq, &flat, &step, dq->offset);
    clade_status status = first && sum ? run_parts(c, p, g, first, dk, dv, part_keys, dq->numel)
                                       : clade_last_error()->status;
    if (status == CLADE_OK)
        status = clade_reduce(sum, partial, 1u << 0, CLADE_REDUCE_SUM, 1);
    clade_tensor_unref(sum);
    clade_tensor_unref(first);
    clade_tensor_unref(partial);
    return status;
}

static clade_status grad_run_cpu(const clade_attention_call *c, const clade_tensor *g,
                                 clade_tensor *dq, clade_tensor *dk, clade_tensor *dv)
{
    clade_runtime *rt = clade_tensor_runtime(c->q);
    cpu_plan p;
    if (!plan_backward(&p, rt, c))
        return CLADE_FAIL(CLADE_ERR_INTERNAL, "attention: no blocks fit");
    const int64_t batch = c->q->shape.dim[0] * c->q->shape.dim[1];
    const int64_t blocks = ceil_div(c->k->shape.dim[2], p.keys);
    const int64_t wanted = ceil_div(2 * (int64_t)clade_runtime_device(rt)->compute_units, batch);
    const int64_t part_keys = ceil_div(blocks, smaller(wanted, blocks)) * p.keys;
    const int64_t parts = ceil_div(c->k->shape.dim[2], part_keys);
    return parts > 1 ? run_and_sum(c, &p, g, dq, dk, dv, part_keys, parts)
                     : run_parts(c, &p, g, dq, dk, dv, part_keys, 0);
}

/* --- GPUs ------------------------------------------------------------------------------------- */
static clade_status launch_lanes(launching *l, const char *name, int64_t rows)
{
    const clade_attention_call *c = l->call;
    clade_runtime *rt = clade_tensor_runtime(c->q);
    const int lanes = clade_runtime_kernel_shape(rt).lanes;
    const int64_t d = c->q->shape.dim[3], e = c->v->shape.dim[3];
    char options[96];
    snprintf(options, sizeof options, "-DPHILOX -DT=%s -DD=%d -DDV=%d -DTILE=%d",
             clade_kernel_type(c->q->dtype), (int)d, (int)e, (int)tile_rows(rt, c->q->dtype, d, e));
    return launch(l, "attention_lanes", options, name, ceil_div(rows, lanes), (size_t)lanes);
}

static clade_status run_lanes(const clade_attention_call *c)
{
    launching l = {.call = c};
    add_inputs(&l);
    add_sizes(&l);
    add_options(&l);
    return launch_lanes(&l, "attention", c->q->shape.dim[2]);
}

static clade_status grad_run_lanes(const clade_attention_call *c, const clade_tensor *g,
                                   clade_tensor *dq, clade_tensor *dk, clade_tensor *dv)
{
    launching l = {.call = c};
    add_window(&l, g);
    add_inputs(&l);
    launching by_key = l;
    add_window(&l, dq);
    add_sizes(&l);
    add_options(&l);
    CLADE_TRY(launch_lanes(&l, "attention_grad_query", c->q->shape.dim[2]));
    add_window(&by_key, dk);
    add_window(&by_key, dv);
    add_sizes(&by_key);
    add_options(&by_key);
    return launch_lanes(&by_key, "attention_grad_key", c->k->shape.dim[2]);
}

clade_status clade_attention_run(const clade_attention_call *c)
{
    clade_tensor_touch(c->out);
    clade_tensor_touch(c->lse);
    return clade_runtime_kernel_shape(clade_tensor_runtime(c->q)).lanes > 1 ? run_lanes(c)
                                                                            : run_cpu(c);
}

clade_status clade_attention_grad_run(const clade_attention_call *c, const clade_tensor *g,
                                      clade_tensor *dq, clade_tensor *dk, clade_tensor *dv)
{
    clade_tensor_touch(dq);
    clade_tensor_touch(dk);
    clade_tensor_touch(dv);
    return clade_runtime_kernel_shape(clade_tensor_runtime(c->q)).lanes > 1
               ? grad_run_lanes(c, g, dq, dk, dv)
               : grad_run_cpu(c, g, dq, dk, dv);
}

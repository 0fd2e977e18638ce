#include "tensor/multiply.h"
#include "tensor/transfer.h"

/* Matrices of a tensor as GEMM takes them: row-major, or stored transposed, rows ld apart. */
typedef struct operand {
    clade_tensor *t; /* owned: the tensor itself or a copy */
    bool trans;
    int64_t ld;
    int64_t stride[CLADE_MAX_DIMS]; /* of the output's leading dimensions */
} operand;

/* The output's leading dimensions, innermost first, merged where all three step as through one. */
typedef struct batches {
    int ndim;
    int64_t dim[CLADE_MAX_DIMS];
    int64_t a[CLADE_MAX_DIMS], b[CLADE_MAX_DIMS], c[CLADE_MAX_DIMS];
} batches;

static int64_t at_least_one(int64_t n)
{
    return n > 1 ? n : 1;
}

static bool set_layout(operand *o)
{
    const clade_tensor *t = o->t;
    int last = t->shape.ndim - 1;
    int64_t rows = t->shape.dim[last - 1], cols = t->shape.dim[last];
    int64_t row_step = t->stride[last - 1], col_step = t->stride[last];
    if ((cols <= 1 || col_step == 1) && (rows <= 1 || row_step >= cols)) {
        o->trans = false;
        o->ld = at_least_one(rows > 1 ? row_step : cols);
        return true;
    }
    if ((rows <= 1 || row_step == 1) && col_step >= rows) {
        o->trans = true;
        o->ld = col_step;
        return true;
    }
    return false;
}

static clade_status operand_of(operand *o, clade_tensor *t, const clade_tensor *out)
{
    o->t = clade_tensor_ref(t);
    if (!set_layout(o)) {
        clade_tensor_unref(o->t);
        o->t = clade_tensor_compact(t);
        if (!o->t)
            return clade_last_error()->status;
        (void)set_layout(o);
    }
    clade_shape shape = out->shape;
    for (int i = 1; i <= 2; i++)
        shape.dim[shape.ndim - i] = t->shape.dim[t->shape.ndim - i];
    clade_tensor_expanded_strides(o->t, &shape, o->stride);
    return CLADE_OK;
}

static batches batches_of(const clade_tensor *out, const operand *a, const operand *b)
{
    batches n = {0};
    for (int i = out->shape.ndim - 3; i >= 0; i--) {
        int64_t dim = out->shape.dim[i];
        int in = n.ndim - 1;
        if (dim == 1)
            continue;
        if (n.ndim && a->stride[i] == n.a[in] * n.dim[in] && b->stride[i] == n.b[in] * n.dim[in]) {
            n.dim[in] *= dim;
            continue;
        }
        n.dim[n.ndim] = dim;
        n.a[n.ndim] = a->stride[i];
        n.b[n.ndim] = b->stride[i];
        n.c[n.ndim++] = out->stride[i];
    }
    return n;
}

/* One b for all batches, and a's rows in steps of one length through all of them: one taller
 * matrix. */
static void fold_into_rows(clade_gemm *g, batches *n)
{
    if (!n->ndim || n->b[0] != 0 || g->trans_a)
        return;
    if (g->m == 1 ? n->a[0] < g->k : n->a[0] != g->m * g->lda)
        return;
    if (g->m == 1)
        g->lda = at_least_one(n->a[0]);
    g->m *= n->dim[0];
    n->ndim--;
    for (int i = 0; i < n->ndim; i++) {
        n->dim[i] = n->dim[i + 1];
        n->a[i] = n->a[i + 1];
        n->b[i] = n->b[i + 1];
        n->c[i] = n->c[i + 1];
    }
}

/* The innermost batch dimension goes to GEMM, the others are counted through here. */
static clade_status run(clade_runtime *rt, clade_gemm g, const batches *n)
{
    int64_t outer = 1;
    g.batch = 1;
    if (n->ndim) {
        g.batch = n->dim[0];
        g.a_stride = n->a[0];
        g.b_stride = n->b[0];
        g.c_stride = n->c[0];
    }
    for (int i = 1; i < n->ndim; i++)
        outer *= n->dim[i];
    for (int64_t z = 0; z < outer; z++) {
        clade_gemm one = g;
        int64_t rest = z;
        for (int i = 1; i < n->ndim; i++) {
            int64_t at = rest % n->dim[i];
            rest /= n->dim[i];
            one.a_offset += at * n->a[i];
            one.b_offset += at * n->b[i];
            one.c_offset += at * n->c[i];
        }
        CLADE_TRY(clade_gemm_run(rt, &one));
    }
    return CLADE_OK;
}

static clade_status multiply(clade_tensor *out, const operand *a, const operand *b)
{
    int last = out->shape.ndim - 1;
    clade_gemm g = {.dtype = out->dtype,
                    .trans_a = a->trans,
                    .trans_b = b->trans,
                    .m = out->shape.dim[last - 1],
                    .n = out->shape.dim[last],
                    .k = a->t->shape.dim[a->t->shape.ndim - 1],
                    .alpha = 1,
                    .a = a->t->storage->buffer,
                    .b = b->t->storage->buffer,
                    .c = out->storage->buffer,
                    .a_offset = a->t->offset,
                    .b_offset = b->t->offset,
                    .c_offset = out->offset,
                    .lda = a->ld,
                    .ldb = b->ld,
                    .ldc = at_least_one(out->shape.dim[last])};
    batches n = batches_of(out, a, b);
    fold_into_rows(&g, &n);
    clade_tensor_touch(out);
    return run(clade_tensor_runtime(out), g, &n);
}

clade_status clade_multiply(clade_tensor *out, clade_tensor *a, clade_tensor *b)
{
    operand left = {0}, right = {0};
    if (!out->numel)
        return CLADE_OK;
    clade_status status = operand_of(&left, a, out);
    if (status == CLADE_OK)
        status = operand_of(&right, b, out);
    if (status == CLADE_OK)
        status = multiply(out, &left, &right);
    clade_tensor_unref(left.t);
    clade_tensor_unref(right.t);
    return status;
}

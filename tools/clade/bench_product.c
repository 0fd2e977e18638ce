#include "bench_product.h"

double product_flops(const product_shape *s)
{
    return 2.0 * s->batch * s->m * s->n * s->k;
}

static clade_status random_matrix(clade_tensor **out, product *p, int batch, int rows, int cols,
                                  bool transpose)
{
    clade_shape shape = transpose ? CLADE_SHAPE(batch, cols, rows) : CLADE_SHAPE(batch, rows, cols);
    clade_tensor *t = clade_uniform(p->ctx, CLADE_F32, shape, -1, 1);
    *out = clade_tensor_retain(transpose ? clade_transpose(t, 1, 2) : t);
    return *out ? CLADE_OK : clade_last_error()->status;
}

static clade_status multiply(void *user, clade_tensor *const *inputs, int count)
{
    product *p = user;
    (void)inputs;
    (void)count;
    clade_status status = clade_scope_begin(p->ctx);
    for (int i = 0; i < p->repeats && status == CLADE_OK; i++) {
        clade_tensor_free(&p->c[i]);
        p->c[i] = clade_tensor_retain(clade_matmul(p->a, p->b));
        status = p->c[i] ? CLADE_OK : clade_last_error()->status;
    }
    clade_status ended = clade_scope_end(p->ctx);
    return status == CLADE_OK ? ended : status;
}

clade_status product_open(product *p, clade_context *ctx, const product_shape *s)
{
    const double enough = 5e7 / product_flops(s); /* flops that hide what a replay costs */
    *p = (product){.ctx = ctx, .repeats = enough > 1 ? (int)enough : 1};
    if (enough > PRODUCT_MOST_REPEATS)
        p->repeats = PRODUCT_MOST_REPEATS;
    clade_status status = clade_scope_begin(ctx);
    if (status != CLADE_OK)
        return status;
    status = random_matrix(&p->a, p, s->batch, s->m, s->k, s->transpose_a);
    if (status == CLADE_OK)
        status = random_matrix(&p->b, p, s->batch, s->k, s->n, s->transpose_b);
    clade_status ended = clade_scope_end(ctx);
    if (status != CLADE_OK || ended != CLADE_OK)
        return status != CLADE_OK ? status : ended;
    return clade_step_create(&p->step, ctx, multiply, p, NULL);
}

void product_close(product *p)
{
    clade_step_free(&p->step);
    clade_tensor_free(&p->a);
    clade_tensor_free(&p->b);
    for (int i = 0; i < PRODUCT_MOST_REPEATS; i++)
        clade_tensor_free(&p->c[i]);
}

clade_status product_run(void *user)
{
    product *p = user;
    return clade_step_run(p->step, NULL, 0);
}

/* Clade inside a C program: a small network learns XOR.
 * cc embed_mlp.c $(pkg-config --cflags --libs clade) */
#include <stdio.h>

#include <clade/clade.h>

typedef struct net {
    clade_params *params;
    clade_optimizer *opt;
    clade_tensor *w1, *b1, *w2, *b2; /* borrowed from params */
    clade_tensor *x, *y;
} net;

static clade_status create(net *n, clade_context *ctx)
{
    static const float x[4][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}}, y[4] = {0, 1, 1, 0};
    const clade_sgd_params sgd = {.lr = 0.1, .momentum = 0.9};
    clade_status st = clade_params_create(&n->params, ctx);
    if (st == CLADE_OK)
        st = clade_linear_params(n->params, "fc1", 2, 16, &n->w1, &n->b1);
    if (st == CLADE_OK)
        st = clade_linear_params(n->params, "fc2", 16, 1, &n->w2, &n->b2);
    if (st == CLADE_OK)
        st = clade_sgd_create(&n->opt, n->params, &sgd);
    if (st == CLADE_OK)
        st = clade_tensor_from_host(&n->x, ctx, CLADE_F32, CLADE_SHAPE(4, 2), x);
    if (st == CLADE_OK)
        st = clade_tensor_from_host(&n->y, ctx, CLADE_F32, CLADE_SHAPE(4, 1), y);
    return st;
}

/* NULL in, NULL out: whatever fails on the way, one check at the end of the chain is enough. */
static clade_tensor *forward(net *n)
{
    return clade_linear(clade_tanh(clade_linear(n->x, n->w1, n->b1)), n->w2, n->b2);
}

static clade_status train(net *n, clade_context *ctx, int steps)
{
    clade_status st = CLADE_OK;
    for (int i = 0; i < steps && st == CLADE_OK; i++) {
        st = clade_tape_begin(ctx);
        if (st == CLADE_OK)
            st = clade_optimizer_zero_grad(n->opt);
        if (st == CLADE_OK)
            st = clade_backward(clade_mse_loss(forward(n), n->y, CLADE_REDUCTION_MEAN));
        if (st == CLADE_OK)
            st = clade_optimizer_step(n->opt);
        clade_tape_end(ctx); /* every temporary of this step is gone */
    }
    return st;
}

static clade_status print(net *n, clade_context *ctx)
{
    float out[4];
    clade_status st = clade_scope_begin(ctx);
    if (st != CLADE_OK)
        return st;
    clade_tensor *y = forward(n);
    st = y ? clade_tensor_read(y, out, sizeof out) : clade_last_error()->status;
    if (st == CLADE_OK)
        printf("0^0 %.2f\n0^1 %.2f\n1^0 %.2f\n1^1 %.2f\n", out[0], out[1], out[2], out[3]);
    clade_scope_end(ctx);
    return st;
}

int main(void)
{
    clade_context *ctx;
    net n = {0};
    clade_status st = clade_context_create(&ctx, NULL); /* the best device, or $CLADE_DEVICE */
    if (st == CLADE_OK)
        st = create(&n, ctx);
    if (st == CLADE_OK)
        st = train(&n, ctx, 500);
    if (st == CLADE_OK)
        st = print(&n, ctx);
    if (st != CLADE_OK)
        fprintf(stderr, "%s\n", clade_last_error()->message);
    clade_tensor_free(&n.x);
    clade_tensor_free(&n.y);
    clade_optimizer_free(&n.opt);
    clade_params_free(&n.params);
    clade_context_free(&ctx);
    return st == CLADE_OK ? 0 : 1;
}

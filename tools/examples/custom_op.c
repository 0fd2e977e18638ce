/* An op of your own, with its kernels: a leaky integrator y[i] = x[i] + decay * y[i - 1] along each
 * row, which no formula per element can say. Its gradient is checked, then used.
 * cc custom_op.c $(pkg-config --cflags --libs clade) */
#include <stdio.h>

#include <clade/clade.h>

static const char source[] =
    "kernel void leaky(global T *y, int y0, int8 yd, const global T *x, int x0, int8 xd, int "
    "rows,\n"
    "                  T decay)\n"
    "{\n"
    "    int row = get_global_id(0), n = yd.s0;\n"
    "    T sum = 0;\n"
    "    for (int i = 0; i < n && row < rows; i++)\n"
    "        y[y0 + row * n + i] = sum = x[x0 + row * n + i] + decay * sum;\n"
    "}\n"
    "kernel void leaky_back(global T *gx, int gx0, int8 gxd, const global T *g, int g0, int8 gd,\n"
    "                       const global T *x, int x0, int8 xd, const global T *y, int y0, int8 "
    "yd,\n"
    "                       int rows, T decay)\n"
    "{\n"
    "    int row = get_global_id(0), n = gxd.s0;\n"
    "    T sum = 0;\n"
    "    for (int i = n - 1; i >= 0 && row < rows; i--)\n"
    "        gx[gx0 + row * n + i] = sum = g[g0 + row * n + i] + decay * sum;\n"
    "}\n";

static clade_tensor *leaky(void *op, clade_tensor *const *inputs, int count)
{
    return clade_custom(op, inputs, count, &(clade_custom_attrs){.real = {0.5}});
}

static clade_status check(clade_context *ctx, clade_custom_op *op)
{
    const double values[] = {0.5, -1, 2, 0.25, 3, -0.75};
    clade_gradcheck_result result;
    clade_tensor *x;
    clade_status st = clade_tensor_from_host(&x, ctx, CLADE_F64, CLADE_SHAPE(2, 3), values);
    if (st == CLADE_OK)
        st = clade_tensor_set_requires_grad(x, true);
    if (st == CLADE_OK)
        st = clade_gradcheck(leaky, op, &x, 1, NULL, &result);
    if (st == CLADE_OK)
        printf("gradient checked\n");
    clade_tensor_free(&x);
    return st;
}

static clade_status use(clade_context *ctx, clade_custom_op *op)
{
    const float values[] = {1, 0, 0, 0, 2, 2};
    float y[6], gradient[6];
    clade_tensor *x, *out;
    clade_status st = clade_tensor_from_host(&x, ctx, CLADE_F32, CLADE_SHAPE(2, 3), values);
    if (st == CLADE_OK)
        st = clade_tensor_set_requires_grad(x, true);
    if (st == CLADE_OK)
        st = clade_tape_begin(ctx);
    if (st == CLADE_OK) {
        out = leaky(op, &x, 1);
        st = clade_backward(clade_sum(out, NULL, 0, false));
        if (st == CLADE_OK)
            st = clade_tensor_read(out, y, sizeof y);
        if (st == CLADE_OK)
            st = clade_tensor_read(clade_tensor_grad(x), gradient, sizeof gradient);
        clade_tape_end(ctx);
    }
    for (int row = 0; row < 2 && st == CLADE_OK; row++)
        printf("y %.2f %.2f %.2f, gradient %.2f %.2f %.2f\n", (double)y[3 * row],
               (double)y[3 * row + 1], (double)y[3 * row + 2], (double)gradient[3 * row],
               (double)gradient[3 * row + 1], (double)gradient[3 * row + 2]);
    clade_tensor_free(&x);
    return st;
}

int main(void)
{
    const clade_custom_params params = {.name = "leaky",
                                        .source = source,
                                        .inputs = 1,
                                        .reals = 1,
                                        .item_dims = 1,
                                        .forward = "leaky",
                                        .backward = {"leaky_back"}};
    clade_context *ctx;
    clade_custom_op *op = NULL;
    clade_status st = clade_context_create(&ctx, NULL);
    if (st == CLADE_OK)
        st = clade_custom_create(&op, ctx, &params);
    if (st == CLADE_OK && clade_context_device(ctx)->has_f64) /* gradients are checked in double */
        st = check(ctx, op);
    if (st == CLADE_OK)
        st = use(ctx, op);
    if (st != CLADE_OK)
        fprintf(stderr, "%s\n", clade_last_error()->message);
    clade_custom_free(&op);
    clade_context_free(&ctx);
    return st == CLADE_OK ? 0 : 1;
}

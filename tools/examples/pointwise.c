/* A formula of your own as an op: Clade writes its kernel and derives its gradients.
 * cc pointwise.c $(pkg-config --cflags --libs clade) */
#include <stdio.h>

#include <clade/clade.h>

/* The energy of a spring that hardens with its length, k*x^2/2 + h*x^4/4. */
static clade_tensor *energy(clade_tensor *x, double k, double h)
{
    const double constants[] = {k, h};
    return clade_pointwise("k*x*x/2 + h*pow(x, 4)/4", "x k h", &x, 1, constants, 2);
}

/* Force and stiffness are the energy's first and second derivative. */
static clade_status derive(clade_tensor *x, float force[3], float stiffness[3])
{
    const clade_grad_params create = {.create_graph = true};
    clade_tensor *total = clade_sum(energy(x, 2, 0.5), NULL, 0, false), *first, *second;
    clade_status st = clade_grad(&first, &total, NULL, 1, &x, 1, &create);
    if (st != CLADE_OK)
        return st;
    total = clade_sum(first, NULL, 0, false);
    st = clade_grad(&second, &total, NULL, 1, &x, 1, NULL);
    if (st == CLADE_OK)
        st = clade_tensor_read(first, force, 3 * sizeof *force);
    if (st == CLADE_OK)
        st = clade_tensor_read(second, stiffness, 3 * sizeof *stiffness);
    return st;
}

static clade_status run(clade_context *ctx)
{
    const float length[] = {0.5F, 1, 2};
    float force[3], stiffness[3];
    clade_tensor *x;
    clade_status st = clade_tensor_from_host(&x, ctx, CLADE_F32, CLADE_SHAPE(3), length);
    if (st == CLADE_OK)
        st = clade_tensor_set_requires_grad(x, true);
    if (st == CLADE_OK)
        st = clade_tape_begin(ctx);
    if (st == CLADE_OK) {
        st = derive(x, force, stiffness);
        clade_tape_end(ctx);
    }
    for (int i = 0; i < 3 && st == CLADE_OK; i++)
        printf("length %.1f: force %.3f, stiffness %.3f\n", (double)length[i], (double)force[i],
               (double)stiffness[i]);
    clade_tensor_free(&x);
    return st;
}

int main(void)
{
    clade_context *ctx;
    clade_status st = clade_context_create(&ctx, NULL);
    if (st == CLADE_OK)
        st = run(ctx);
    if (st != CLADE_OK)
        fprintf(stderr, "%s\n", clade_last_error()->message);
    clade_context_free(&ctx);
    return st == CLADE_OK ? 0 : 1;
}

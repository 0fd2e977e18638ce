/* A network described by plain data: a GRU learns to tell whether a row of bits ends as it began.
 * cc modules.c $(pkg-config --cflags --libs clade) */
#include <stdio.h>

#include <clade/clade.h>

enum { BITS = 6, ROWS = 1 << BITS };

static const clade_layer layers[] = {
    {.kind = CLADE_LAYER_RECURRENT, .recurrent = {.kind = CLADE_RECURRENT_GRU, .hidden = 16}},
    {.kind = CLADE_LAYER_FLATTEN},
    {.kind = CLADE_LAYER_LINEAR, .outputs = 2},
};
static const clade_layer network = {.layers = layers, .count = 3};

typedef struct trainer {
    clade_context *ctx;
    clade_params *params;
    clade_module *net;
    clade_optimizer *opt;
    clade_step *step;
    clade_tensor *x, *y; /* every row of bits [ROWS,BITS,1], and the answer [ROWS] */
} trainer;

/* The step that is recorded: called twice, then replayed. */
static clade_status learn(void *user, clade_tensor *const *inputs, int count)
{
    trainer *t = user;
    (void)count;
    clade_status st = clade_optimizer_zero_grad(t->opt);
    if (st == CLADE_OK)
        st = clade_tape_begin(t->ctx);
    if (st == CLADE_OK)
        st = clade_backward(
            clade_cross_entropy(clade_module_forward(t->net, inputs[0]), inputs[1], NULL));
    if (st == CLADE_OK)
        st = clade_optimizer_step(t->opt);
    return st == CLADE_OK ? clade_tape_end(t->ctx) : st;
}

static clade_status create(trainer *t)
{
    float bits[ROWS][BITS];
    int alike[ROWS];
    for (int i = 0; i < ROWS; i++) {
        for (int b = 0; b < BITS; b++)
            bits[i][b] = (float)(i >> b & 1);
        alike[i] = bits[i][0] == bits[i][BITS - 1];
    }
    clade_status st = clade_context_create(&t->ctx, NULL);
    if (st == CLADE_OK)
        st = clade_tensor_from_host(&t->x, t->ctx, CLADE_F32, CLADE_SHAPE(ROWS, BITS, 1), bits);
    if (st == CLADE_OK)
        st = clade_tensor_from_host(&t->y, t->ctx, CLADE_I32, CLADE_SHAPE(ROWS), alike);
    if (st == CLADE_OK)
        st = clade_params_create(&t->params, t->ctx);
    if (st == CLADE_OK)
        st = clade_module_create(&t->net, t->params, "", &network, CLADE_F32, CLADE_SHAPE(BITS, 1));
    if (st == CLADE_OK)
        st = clade_adam_create(&t->opt, t->params, &(clade_adam_params){.lr = 0.03});
    return st == CLADE_OK ? clade_step_create(&t->step, t->ctx, learn, t, NULL) : st;
}

static clade_status print(trainer *t)
{
    char *summary;
    double right = 0;
    clade_status st = clade_module_summary(t->net, &summary);
    if (st != CLADE_OK)
        return st;
    fputs(summary, stdout);
    clade_string_free(&summary);
    st = clade_scope_begin(t->ctx);
    if (st != CLADE_OK)
        return st;
    clade_tensor *answers = clade_argmax(clade_module_forward(t->net, t->x), 1, false);
    clade_tensor *hits = clade_cast(clade_eq(answers, t->y), CLADE_F32);
    clade_tensor *share = clade_mean(hits, NULL, 0, false);
    st = share ? clade_tensor_item(share, &right) : clade_last_error()->status;
    if (st == CLADE_OK)
        printf("right: %.0f %%\n", 100 * right);
    clade_status ended = clade_scope_end(t->ctx);
    return st == CLADE_OK ? ended : st;
}

int main(void)
{
    trainer t = {0};
    clade_status st = create(&t);
    for (int i = 0; i < 200 && st == CLADE_OK; i++)
        st = clade_step_run(t.step, (clade_tensor *[]){t.x, t.y}, 2);
    if (st == CLADE_OK)
        st = print(&t);
    if (st != CLADE_OK)
        fprintf(stderr, "%s\n", clade_last_error()->message);
    clade_step_free(&t.step);
    clade_optimizer_free(&t.opt);
    clade_module_free(&t.net);
    clade_params_free(&t.params);
    clade_tensor_free(&t.x);
    clade_tensor_free(&t.y);
    clade_context_free(&t.ctx);
    return st == CLADE_OK ? 0 : 1;
}

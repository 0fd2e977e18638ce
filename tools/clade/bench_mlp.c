/* Training steps, and what the host has to do for one. */
#include <math.h>

#include "../common/cli.h"
#include "../mnist/accumulate.h"
#include "bench_network.h"
#include "bench_peer.h"

typedef struct trainee {
    network net; /* first: a trainee is a network */
    clade_optimizer *optimizer;
    clade_tensor *loss; /* summed on the device */
} trainee;

static clade_status learn(trainee *t, clade_tensor *which)
{
    clade_tensor *x = network_batch(&t->net, which);
    clade_tensor *y = clade_index_select(t->net.data->labels, 0, which);
    clade_tensor *loss = clade_cross_entropy(model_logits(&t->net.model, x), y, NULL);
    clade_status status = clade_optimizer_zero_grad(t->optimizer);
    if (status == CLADE_OK)
        status = clade_backward(loss);
    if (status == CLADE_OK)
        status = clade_optimizer_step(t->optimizer);
    return status == CLADE_OK ? accumulate(t->loss, loss) : status;
}

static clade_status step(void *user, clade_tensor *const *inputs, int count)
{
    trainee *t = user;
    (void)count;
    clade_status status = clade_tape_begin(t->net.ctx);
    if (status != CLADE_OK)
        return status;
    status = learn(t, inputs[0]);
    clade_status ended = clade_tape_end(t->net.ctx);
    return status == CLADE_OK ? ended : status;
}

/* The time until the host has queued a step. The device is waited for off the clock, which takes
 * many times as long: one step stands for 16. */
static double host_block(void *user, int64_t count)
{
    network *n = user;
    double seconds = 0;
    clade_status status = CLADE_OK;
    const int64_t runs = (count + 15) / 16;
    for (int64_t i = 0; i < runs && status == CLADE_OK; i++) {
        double start = cli_seconds();
        status = network_run(n);
        seconds += cli_seconds() - start;
        if (status == CLADE_OK)
            status = clade_context_finish(n->ctx);
    }
    if (status == CLADE_OK)
        return seconds / (double)runs * (double)count;
    cli_fail_library();
    return NAN;
}

static int measure(bench *b, const char *workload, trainee *t)
{
    char work[64];
    torch_peer *torch;
    const bool cnn = t->net.model.layout.cnn;
    const double amount = cnn ? (double)t->net.batch : 1;
    const bench_metric metric = {workload, cnn ? "images/s" : "us per step",
                                 cnn ? BENCH_PER_SECOND : BENCH_MICROSECONDS};
    network_work(work, sizeof work, cnn ? "cnn" : "train", &t->net);
    int code = torch_open(&torch, b, work);
    if (code != EXIT_OK)
        return code;
    bench_queue queue = {b->ctx, network_run, t};
    const bench_side clade = {"Clade", bench_queue_block, &queue, amount};
    const bench_side host = {"Clade's host", host_block, t, 1};
    const bench_side whole = {"the whole step", bench_queue_block, &queue, 1};
    bench_side peer = {0};
    if (torch)
        peer = (bench_side){torch_name(torch), torch_block, torch, amount};
    code = bench_measure(b, &metric, &clade, torch ? &peer : NULL);
    torch_close(&torch);
    if (code != EXIT_OK)
        return code;
    return bench_measure(b,
                         &(bench_metric){workload, "us of the host per step", BENCH_MICROSECONDS},
                         &host, b->o->vs == VS_NONE ? NULL : &whole);
}

static clade_status create_optimizer(trainee *t)
{
    const clade_sgd_params sgd = {.lr = 0.01, .momentum = 0.9};
    if (t->net.model.layout.cnn)
        return clade_adam_create(&t->optimizer, t->net.model.params,
                                 &(clade_adam_params){.lr = 0.001});
    return clade_sgd_create(&t->optimizer, t->net.model.params, &sgd);
}

static int run(bench *b, const char *workload, const layout *l, int64_t batch)
{
    trainee t = {0};
    int code = network_open(&t.net, b, l, batch, step);
    if (code == EXIT_OK && (create_optimizer(&t) != CLADE_OK ||
                            accumulator_create(&t.loss, b->ctx, CLADE_F32) != CLADE_OK))
        code = cli_fail_library();
    if (code == EXIT_OK)
        code = measure(b, workload, &t);
    network_close(&t.net);
    clade_optimizer_free(&t.optimizer);
    clade_tensor_free(&t.loss);
    return code;
}

int bench_mlp(bench *b)
{
    return run(b, "mlp", &(layout){.count = 2, .size = {784, 128, 10}}, 128);
}

int bench_mlp1024(bench *b)
{
    int64_t hidden = b->o->quick ? 64 : 1024, batch = b->o->quick ? 32 : 256;
    return run(b, "mlp1024", &(layout){.count = 3, .size = {784, hidden, hidden, 10}}, batch);
}

int bench_cnn(bench *b)
{
    const layout l = layout_of_cnn(28, 28, 128, 10);
    return run(b, "cnn", &l, b->o->quick ? 16 : 128);
}

/* The forward pass of 784-128-10, until the host has its results. */
#include "../common/cli.h"
#include "bench_network.h"
#include "bench_peer.h"

enum { PIXELS = 784, CLASSES = 10, LARGEST = 1024 };

typedef struct predictor {
    network net; /* first: a predictor is a network */
    clade_tensor *image, *logits;
    float pixels[PIXELS], results[LARGEST * CLASSES];
} predictor;

static clade_status forward(predictor *p, clade_tensor *x)
{
    clade_status status = clade_scope_begin(p->net.ctx);
    if (status != CLADE_OK)
        return status;
    clade_tensor *logits = model_logits(&p->net.model, x);
    status = logits ? clade_tensor_copy(p->logits, logits) : clade_last_error()->status;
    clade_status ended = clade_scope_end(p->net.ctx);
    return status == CLADE_OK ? ended : status;
}

static clade_status step_one(void *user, clade_tensor *const *inputs, int count)
{
    predictor *p = user;
    (void)inputs;
    (void)count;
    return forward(p, p->image);
}

static clade_status step_many(void *user, clade_tensor *const *inputs, int count)
{
    predictor *p = user;
    (void)count;
    clade_status status = clade_scope_begin(p->net.ctx);
    if (status != CLADE_OK)
        return status;
    status = forward(p, network_batch(&p->net, inputs[0]));
    clade_status ended = clade_scope_end(p->net.ctx);
    return status == CLADE_OK ? ended : status;
}

static clade_status read_logits(predictor *p)
{
    size_t bytes = (size_t)p->net.batch * CLASSES * sizeof *p->results;
    return clade_tensor_read(p->logits, p->results, bytes);
}

/* An image from the host, its logits to the host. */
static clade_status predict_one(void *user)
{
    predictor *p = user;
    clade_status status = clade_tensor_write(p->image, p->pixels, sizeof p->pixels);
    if (status == CLADE_OK)
        status = clade_step_run(p->net.step, NULL, 0);
    return status == CLADE_OK ? read_logits(p) : status;
}

/* Images that lie on the device, their logits to the host. */
static clade_status predict_many(void *user)
{
    predictor *p = user;
    clade_status status = network_run(&p->net);
    return status == CLADE_OK ? read_logits(p) : status;
}

static int measure(bench *b, predictor *p)
{
    char work[64];
    network_work(work, sizeof work, "infer", &p->net);
    bool one = p->net.batch == 1;
    torch_peer *torch;
    int code = torch_open(&torch, b, work);
    if (code != EXIT_OK)
        return code;
    bench_queue queue = {b->ctx, one ? predict_one : predict_many, p};
    const bench_side clade = {"Clade", bench_queue_block, &queue, (double)p->net.batch};
    bench_side peer = {0};
    if (torch)
        peer = (bench_side){torch_name(torch), torch_block, torch, (double)p->net.batch};
    const bench_metric metric = {"infer", one ? "batch 1, us" : "batch 1024, images/s",
                                 one ? BENCH_MICROSECONDS : BENCH_PER_SECOND};
    code = bench_measure(b, &metric, &clade, torch ? &peer : NULL);
    torch_close(&torch);
    return code;
}

static int run(bench *b, int64_t batch)
{
    static predictor p;
    p = (predictor){0};
    int code = network_open(&p.net, b, &(layout){.count = 2, .size = {PIXELS, 128, CLASSES}}, batch,
                            batch == 1 ? step_one : step_many);
    if (code == EXIT_OK && (clade_tensor_from_host(&p.image, b->ctx, CLADE_F32,
                                                   CLADE_SHAPE(1, PIXELS), p.pixels) != CLADE_OK ||
                            clade_tensor_create(&p.logits, b->ctx, CLADE_F32,
                                                CLADE_SHAPE(batch, CLASSES)) != CLADE_OK))
        code = cli_fail_library();
    if (code == EXIT_OK)
        code = measure(b, &p);
    network_close(&p.net);
    clade_tensor_free(&p.image);
    clade_tensor_free(&p.logits);
    return code;
}

int bench_infer(bench *b)
{
    int code = run(b, 1);
    return code == EXIT_OK ? run(b, LARGEST) : code;
}

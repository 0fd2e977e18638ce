/* Training steps of a character-level GPT on random symbols. */
#include <stdio.h>
#include <stdlib.h>

#include "../common/cli.h"
#include "../common/gpt.h"
#include "../mnist/accumulate.h"
#include "bench_peer.h"

enum { SYMBOLS = 96, LENGTH = 1 << 16, MOST_BATCH = 8 };

typedef struct trainee {
    clade_context *ctx;
    gpt model;
    clade_optimizer *optimizer;
    clade_step *step;
    clade_tensor *text, *loss;
    int64_t batch;
    uint32_t random;
} trainee;

static uint32_t next_random(trainee *t)
{
    t->random = t->random * 1664525u + 1013904223u;
    return t->random >> 8;
}

static clade_status learn(trainee *t, clade_tensor *starts)
{
    clade_tensor *loss = gpt_loss(&t->model, t->text, starts);
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
    clade_status status = clade_tape_begin(t->ctx);
    if (status != CLADE_OK)
        return status;
    status = learn(t, inputs[0]);
    clade_status ended = clade_tape_end(t->ctx);
    return status == CLADE_OK ? ended : status;
}

static clade_status run(void *user)
{
    trainee *t = user;
    int32_t starts[MOST_BATCH];
    for (int64_t i = 0; i < t->batch; i++)
        starts[i] = (int32_t)(next_random(t) % (LENGTH - t->model.size.context));
    clade_tensor *input = NULL;
    clade_status status =
        clade_tensor_from_host(&input, t->ctx, CLADE_I32, CLADE_SHAPE(t->batch), starts);
    if (status == CLADE_OK)
        status = clade_step_run(t->step, &input, 1);
    clade_tensor_free(&input);
    return status;
}

static clade_status upload_text(trainee *t)
{
    int32_t *symbols = malloc(LENGTH * sizeof *symbols);
    if (!symbols)
        return CLADE_ERR_OUT_OF_MEMORY;
    for (int i = 0; i < LENGTH; i++)
        symbols[i] = (int32_t)(next_random(t) % SYMBOLS);
    clade_status status =
        clade_tensor_from_host(&t->text, t->ctx, CLADE_I32, CLADE_SHAPE(LENGTH), symbols);
    free(symbols);
    return status;
}

static clade_status create(trainee *t, const gpt_sizes *size)
{
    const clade_adam_params adamw = {.lr = 1e-3, .weight_decay = 0.01, .decoupled = true};
    clade_status status = gpt_create(&t->model, t->ctx, size);
    if (status == CLADE_OK)
        status = clade_adam_create(&t->optimizer, t->model.params, &adamw);
    if (status == CLADE_OK)
        status = upload_text(t);
    if (status == CLADE_OK)
        status = accumulator_create(&t->loss, t->ctx, CLADE_F32);
    if (status == CLADE_OK)
        status = clade_step_create(&t->step, t->ctx, step, t, NULL);
    return status;
}

static int measure(bench *b, trainee *t)
{
    const gpt_sizes *s = &t->model.size;
    char work[96];
    snprintf(work, sizeof work, "gpt %d %d %d %d %d %d", (int)t->batch, (int)s->context,
             (int)s->width, (int)s->layers, (int)s->heads, SYMBOLS);
    torch_peer *torch;
    int code = torch_open(&torch, b, work);
    if (code != EXIT_OK)
        return code;
    bench_queue queue = {b->ctx, run, t};
    const bench_side clade = {"Clade", bench_queue_block, &queue, 1};
    bench_side peer = {0};
    if (torch)
        peer = (bench_side){torch_name(torch), torch_block, torch, 1};
    code = bench_measure(b, &(bench_metric){"transformer", "us per step", BENCH_MICROSECONDS},
                         &clade, torch ? &peer : NULL);
    torch_close(&torch);
    return code;
}

int bench_transformer(bench *b)
{
    const gpt_sizes whole = {SYMBOLS, 256, 256, 4, 4}, quick = {SYMBOLS, 16, 32, 1, 2};
    trainee t = {.ctx = b->ctx, .batch = b->o->quick ? 2 : MOST_BATCH, .random = 1};
    clade_status status = create(&t, b->o->quick ? &quick : &whole);
    int code = status == CLADE_OK ? measure(b, &t) : cli_fail_library();
    clade_step_free(&t.step);
    clade_optimizer_free(&t.optimizer);
    clade_tensor_free(&t.text);
    clade_tensor_free(&t.loss);
    gpt_free(&t.model);
    return code;
}

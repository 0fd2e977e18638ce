/* Trains a character-level GPT on a text and lets it write.
 *
 *     char_transformer TEXT [--steps 1000] [--batch 16] [--context 128] [--width 128] [--layers 4]
 *         [--heads 4] [--rate 1000] [--warmup 100] [--seed 1] [--sample 500] [--start FILE]
 *
 * --rate is the learning rate in millionths; half a cosine wave takes it down to a tenth. --start
 * writes the weights that training begins with, as safetensors: tests/char_transformer_peer.py
 * trains the same model from them in PyTorch, on the same pieces of the text. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/gpt.h"

/* --- the command line --------------------------------------------------------------------------
 */
typedef struct settings {
    const char *text, *start;
    int64_t steps, batch, context, width, layers, heads, rate, warmup, seed, sample;
} settings;

static bool parse_number(const char *text, int64_t *out)
{
    char *end;
    long long value = strtoll(text, &end, 10);
    *out = value;
    return end != text && !*end && value >= 0 && value <= 1000000000;
}

static bool parse(settings *s, int argc, char **argv)
{
    *s = (settings){.steps = 1000,
                    .batch = 16,
                    .context = 128,
                    .width = 128,
                    .layers = 4,
                    .heads = 4,
                    .rate = 1000,
                    .warmup = 100,
                    .seed = 1,
                    .sample = 500};
    const struct {
        const char *name;
        int64_t *value;
    } numbers[] = {{"--steps", &s->steps},  {"--batch", &s->batch},   {"--context", &s->context},
                   {"--width", &s->width},  {"--layers", &s->layers}, {"--heads", &s->heads},
                   {"--rate", &s->rate},    {"--warmup", &s->warmup}, {"--seed", &s->seed},
                   {"--sample", &s->sample}};
    for (int i = 1; i < argc; i++) {
        bool known = false;
        if (strncmp(argv[i], "--", 2) != 0 && !s->text) {
            s->text = argv[i];
            continue;
        }
        if (!strcmp(argv[i], "--start") && i + 1 < argc) {
            s->start = argv[++i];
            continue;
        }
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers && !known; k++)
            if (!strcmp(argv[i], numbers[k].name))
                known = i + 1 < argc && parse_number(argv[i + 1], numbers[k].value);
        if (!known)
            return false;
        i++;
    }
    return s->text && s->steps > 0 && s->batch > 0 && s->context > 0 && s->width > 0 &&
           s->layers > 0 && s->layers <= GPT_MOST_LAYERS && s->heads > 0;
}

/* --- the text ----------------------------------------------------------------------------------
 */
typedef struct corpus {
    int32_t *symbols; /* owned: positions in `alphabet` */
    int64_t length;
    unsigned char alphabet[256]; /* the bytes that occur, in order */
    int count;
} corpus;

static unsigned char *read_file(const char *path, int64_t *length)
{
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = NULL;
    if (file && !fseek(file, 0, SEEK_END) && (*length = ftell(file)) >= 0 &&
        !fseek(file, 0, SEEK_SET) && (bytes = malloc((size_t)*length + 1)) &&
        fread(bytes, 1, (size_t)*length, file) != (size_t)*length) {
        free(bytes);
        bytes = NULL;
    }
    if (file)
        fclose(file);
    return bytes;
}

static bool corpus_read(corpus *c, const char *path, int64_t context)
{
    int place[256] = {0};
    unsigned char *bytes = read_file(path, &c->length);
    if (bytes && c->length > context && c->length < INT32_MAX)
        c->symbols = malloc((size_t)c->length * sizeof *c->symbols);
    if (!c->symbols) {
        fprintf(stderr, "%s: cannot be read, or holds no %lld bytes\n", path,
                (long long)context + 1);
        free(bytes);
        return false;
    }
    for (int64_t i = 0; i < c->length; i++)
        place[bytes[i]] = 1;
    for (int b = 0; b < 256; b++) {
        if (!place[b])
            continue;
        place[b] = c->count;
        c->alphabet[c->count++] = (unsigned char)b;
    }
    for (int64_t i = 0; i < c->length; i++)
        c->symbols[i] = place[bytes[i]];
    free(bytes);
    return true;
}

/* --- random numbers of our own: Knuth's MMIX generator, so that a peer can follow ---------------
 */
static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* --- training ----------------------------------------------------------------------------------
 */
typedef struct trainer {
    clade_context *ctx;
    gpt model;
    clade_optimizer *optimizer;
    clade_step *step;
    clade_tensor *text; /* i32, on the device */
    clade_tensor *loss; /* summed there since it was last read */
    uint64_t random;
} trainer;

static clade_status learn(trainer *t, clade_tensor *starts)
{
    clade_tensor *loss = gpt_loss(&t->model, t->text, starts);
    clade_status st = clade_backward(loss);
    if (st == CLADE_OK)
        st = clade_params_clip_grad_norm(t->model.params, 1, NULL);
    if (st == CLADE_OK)
        st = clade_optimizer_step(t->optimizer);
    if (st == CLADE_OK)
        st = clade_tensor_copy(t->loss, clade_add(t->loss, loss));
    return st;
}

static clade_status train_step(void *user, clade_tensor *const *inputs, int count)
{
    trainer *t = user;
    (void)count;
    clade_status st = clade_optimizer_zero_grad(t->optimizer);
    if (st == CLADE_OK)
        st = clade_tape_begin(t->ctx);
    if (st != CLADE_OK)
        return st;
    st = learn(t, inputs[0]);
    clade_status ended = clade_tape_end(t->ctx);
    return st == CLADE_OK ? ended : st;
}

static clade_status open_trainer(trainer *t, const settings *s, const corpus *c)
{
    const gpt_sizes size = {c->count, s->context, s->width, s->layers, s->heads};
    const clade_adam_params adamw = {
        .lr = (double)s->rate * 1e-6, .beta2 = 0.99, .weight_decay = 0.1, .decoupled = true};
    const clade_context_params params = {.seed = (uint64_t)s->seed};
    clade_status st = clade_context_create(&t->ctx, &params);
    if (st == CLADE_OK)
        st = gpt_create(&t->model, t->ctx, &size);
    if (st == CLADE_OK && s->start)
        st = clade_params_save(t->model.params, s->start);
    if (st == CLADE_OK)
        st = clade_adam_create(&t->optimizer, t->model.params, &adamw);
    if (st == CLADE_OK)
        st =
            clade_tensor_from_host(&t->text, t->ctx, CLADE_I32, CLADE_SHAPE(c->length), c->symbols);
    if (st == CLADE_OK)
        st = clade_tensor_create(&t->loss, t->ctx, CLADE_F32, clade_shape_scalar());
    if (st == CLADE_OK)
        st = clade_tensor_fill(t->loss, 0);
    if (st == CLADE_OK)
        st = clade_step_create(&t->step, t->ctx, train_step, t, NULL);
    t->random = (uint64_t)s->seed;
    return st;
}

static void close_trainer(trainer *t)
{
    clade_step_free(&t->step);
    clade_optimizer_free(&t->optimizer);
    clade_tensor_free(&t->text);
    clade_tensor_free(&t->loss);
    gpt_free(&t->model);
    clade_context_free(&t->ctx);
}

/* One step on pieces that begin anywhere. */
static clade_status advance(trainer *t, const settings *s, const corpus *c, int32_t *starts)
{
    for (int64_t i = 0; i < s->batch; i++)
        starts[i] = (int32_t)(next_random(&t->random) % (c->length - s->context));
    clade_tensor *input = NULL;
    clade_status st =
        clade_tensor_from_host(&input, t->ctx, CLADE_I32, CLADE_SHAPE(s->batch), starts);
    if (st == CLADE_OK)
        st = clade_step_run(t->step, &input, 1);
    clade_tensor_free(&input);
    return st;
}

/* The mean loss since the last line. */
static clade_status report(trainer *t, int64_t step, int64_t steps)
{
    double sum;
    clade_status st = clade_tensor_item(t->loss, &sum);
    if (st == CLADE_OK)
        st = clade_tensor_fill(t->loss, 0);
    if (st == CLADE_OK)
        printf("step %lld: loss %.4f\n", (long long)step, sum / (double)steps);
    fflush(stdout);
    return st;
}

static clade_status train(trainer *t, const settings *s, const corpus *c)
{
    const double top = (double)s->rate * 1e-6;
    int64_t every = s->steps >= 10 ? s->steps / 10 : 1, reported = 0;
    int32_t *starts = malloc((size_t)s->batch * sizeof *starts);
    clade_status st = starts ? CLADE_OK : CLADE_ERR_OUT_OF_MEMORY;
    for (int64_t i = 0; i < s->steps && st == CLADE_OK; i++) {
        double rate = clade_lr_cosine(i, s->steps, s->warmup, top, top / 10);
        st = clade_optimizer_set_lr(t->optimizer, rate);
        if (st == CLADE_OK)
            st = advance(t, s, c, starts);
        if (st == CLADE_OK && ((i + 1) % every == 0 || i + 1 == s->steps)) {
            st = report(t, i + 1, i + 1 - reported);
            reported = i + 1;
        }
    }
    free(starts);
    return st;
}

/* --- writing -----------------------------------------------------------------------------------
 */
/* The logits of what follows place `at` of the symbols. */
static clade_status predict(trainer *t, const int32_t *symbols, int64_t at, float *logits)
{
    const gpt_sizes *size = &t->model.size;
    clade_tensor *input = NULL;
    clade_status st =
        clade_tensor_from_host(&input, t->ctx, CLADE_I32, CLADE_SHAPE(size->context), symbols);
    if (st == CLADE_OK)
        st = clade_scope_begin(t->ctx);
    if (st == CLADE_OK) {
        clade_tensor *y = clade_slice(gpt_logits(&t->model, input), 0, at, at + 1, 1);
        st = y ? clade_tensor_read(y, logits, (size_t)size->symbols * sizeof *logits)
               : clade_last_error()->status;
        clade_scope_end(t->ctx);
    }
    clade_tensor_free(&input);
    return st;
}

/* Drawn with the probabilities of softmax(logits / 0.8). */
static int draw(const float *logits, int64_t count, uint64_t *random)
{
    double weight[256], most = logits[0], total = 0;
    for (int64_t i = 1; i < count; i++)
        most = fmax(most, logits[i]);
    for (int64_t i = 0; i < count; i++)
        total += weight[i] = exp((logits[i] - most) / 0.8);
    double left = total * next_random(random) / 2147483648.0;
    for (int64_t i = 0; i < count; i++)
        if ((left -= weight[i]) < 0)
            return (int)i;
    return (int)count - 1;
}

/* Goes on from a first symbol; what is behind the last one attention does not see. */
static clade_status write_sample(trainer *t, const settings *s, const corpus *c)
{
    float logits[256];
    int32_t *window = calloc((size_t)s->context, sizeof *window);
    clade_status st = window ? CLADE_OK : CLADE_ERR_OUT_OF_MEMORY;
    int64_t filled = 1;
    if (window)
        window[0] = c->symbols[0];
    for (int64_t i = 0; i < s->sample && st == CLADE_OK; i++) {
        st = predict(t, window, filled - 1, logits);
        if (st != CLADE_OK)
            break;
        int next = draw(logits, c->count, &t->random);
        putchar(c->alphabet[next]);
        if (filled == s->context) {
            memmove(window, window + 1, (size_t)(s->context - 1) * sizeof *window);
            filled--;
        }
        window[filled++] = next;
    }
    putchar('\n');
    free(window);
    return st;
}

int main(int argc, char **argv)
{
    settings s;
    corpus c = {0};
    trainer t = {0};
    if (!parse(&s, argc, argv)) {
        fprintf(stderr, "usage: %s TEXT [--OPTION N]... (its source has them all)\n", argv[0]);
        return 2;
    }
    if (!corpus_read(&c, s.text, s.context))
        return 1;
    clade_status st = open_trainer(&t, &s, &c);
    if (st == CLADE_OK)
        printf("%lld characters, %d different; %lld weights\n", (long long)c.length, c.count,
               (long long)clade_params_numel(t.model.params));
    if (st == CLADE_OK)
        st = train(&t, &s, &c);
    if (st == CLADE_OK)
        st = write_sample(&t, &s, &c);
    if (st != CLADE_OK)
        fprintf(stderr, "%s\n", clade_last_error()->message);
    close_trainer(&t);
    free(c.symbols);
    return st == CLADE_OK ? 0 : 1;
}

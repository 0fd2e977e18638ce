/* Gradient checkpoints: a part of a computation whose insides are not kept for backward, but
 * computed anew when it gets there. */
#include "tape/tape.h"

#include <clade/autograd.h>

#include "base/alloc.h"
#include "base/shape.h"
#include "runtime/record.h"

/* Where the random numbers stood, so that the second time draws those of the first. */
typedef struct random_state {
    clade_context *ctx;
    uint64_t seed, draws;
    uint64_t kept_seed, kept_draws; /* those of the present, during the second time */
} random_state;

typedef struct segment {
    clade_segment_fn fn;
    void *user;
    int count;            /* the first inputs of the node are fn's; the others it brought itself */
    random_state random;  /* of a node that no step records */
    random_state *replay; /* of one that is recorded: the recording's; else NULL */
    clade_dtype autocast; /* the region's */
} segment;

/* --- random numbers: what happens here, a replay does too ------------------------------------- */
static void note_random(void *user)
{
    random_state *r = user;
    r->seed = r->ctx->seed;
    r->draws = r->ctx->draws;
}

static void go_back_to_noted(void *user)
{
    random_state *r = user;
    r->kept_seed = r->ctx->seed;
    r->kept_draws = r->ctx->draws;
    r->ctx->seed = r->seed;
    r->ctx->draws = r->draws;
}

static void return_to_present(void *user)
{
    random_state *r = user;
    r->ctx->seed = r->kept_seed;
    r->ctx->draws = r->kept_draws;
}

static clade_status note(segment *s, clade_context *ctx)
{
    s->random.ctx = ctx;
    note_random(&s->random);
    if (!clade_runtime_is_recording(ctx->runtime))
        return CLADE_OK;
    random_state *replay = clade_calloc(1, sizeof *replay);
    if (!replay)
        return CLADE_ERR_OUT_OF_MEMORY;
    *replay = s->random;
    clade_status status = clade_recording_add_hook(ctx->runtime, note_random, replay, true);
    if (status == CLADE_OK)
        s->replay = replay;
    else
        clade_free(replay);
    return status;
}

static clade_status at_noted(segment *s, void (*run)(void *user))
{
    run(&s->random);
    return s->replay ? clade_recording_add_hook(s->random.ctx->runtime, run, s->replay, false)
                     : CLADE_OK;
}

/* --- running fn ------------------------------------------------------------------------------- */
/* fn's result, the caller's; scopes that fn left open are closed. NULL with the error set. */
static clade_tensor *call(const segment *s, clade_context *ctx, clade_tensor *const *inputs)
{
    if (clade_scope_push(ctx) != CLADE_OK)
        return NULL;
    size_t scopes = ctx->scope_count;
    clade_tensor *out = s->fn(s->user, inputs, s->count);
    if (!out)
        (void)clade_error_null("gradient_checkpoint", "the function's result");
    clade_tensor_retain(out);
    while (ctx->scope_count >= scopes)
        clade_scope_pop(ctx);
    return out;
}

static clade_tensor *compute_again(const clade_node *node)
{
    segment *s = node->owned;
    clade_status status = at_noted(s, go_back_to_noted);
    clade_dtype autocast = node->ctx->autocast;
    node->ctx->autocast = s->autocast;
    clade_tensor *out = status == CLADE_OK ? call(s, node->ctx, node->inputs) : NULL;
    node->ctx->autocast = autocast;
    status = at_noted(s, return_to_present);
    if (status != CLADE_OK) {
        clade_tensor_unref(out);
        return NULL;
    }
    return clade_scope_adopt(node->ctx, out);
}

static const clade_op op_segment = {
    .name = "gradient_checkpoint", .saves = CLADE_SAVES_INPUTS, .recompute = compute_again};

/* --- the node --------------------------------------------------------------------------------- */
typedef struct tensor_list {
    clade_tensor **item;
    size_t count, capacity;
} tensor_list;

static clade_status add(tensor_list *list, clade_tensor *t)
{
    if (!clade_grow((void **)&list->item, &list->capacity, list->count + 1, sizeof *list->item))
        return CLADE_ERR_OUT_OF_MEMORY;
    list->item[list->count++] = t;
    return CLADE_OK;
}

/* Where gradients of the nodes from `from` on would leave them, each once. */
static clade_status add_entries(tensor_list *list, const clade_tape *tape, size_t from)
{
    for (size_t k = from; k < tape->count; k++) {
        const clade_node *node = tape->nodes[k];
        for (int i = 0; i < node->count; i++) {
            clade_tensor *t = node->inputs[i];
            bool known = !t->requires_grad;
            for (size_t j = from; j < k && !known; j++)
                known = tape->nodes[j] == t->node;
            for (size_t j = 0; j < list->count && !known; j++)
                known = list->item[j] == t;
            if (!known)
                CLADE_TRY(add(list, t));
        }
    }
    return CLADE_OK;
}

static bool is_recorded_from(const clade_tape *tape, size_t from, const clade_tensor *t)
{
    for (size_t k = from; k < tape->count; k++)
        if (tape->nodes[k] == t->node)
            return true;
    return false;
}

/* Puts one node in the place of those from `from` on, which computed `out`. */
static clade_status replace(clade_tape *tape, size_t from, const segment *s,
                            clade_tensor *const *inputs, clade_tensor *out)
{
    tensor_list list = {0};
    clade_status status = CLADE_OK;
    for (int i = 0; i < s->count && status == CLADE_OK; i++)
        status = add(&list, inputs[i]);
    if (status == CLADE_OK)
        status = add_entries(&list, tape, from);
    segment *owned = status == CLADE_OK ? clade_calloc(1, sizeof *owned) : NULL;
    if (owned) {
        *owned = *s;
        clade_tape_truncate(tape, from);
        const clade_node node = {.op = &op_segment,
                                 .ctx = tape->ctx,
                                 .count = (int)list.count,
                                 .inputs = list.item,
                                 .output = out,
                                 .owned = owned};
        status = clade_tape_record(tape, &node);
        if (status != CLADE_OK)
            clade_free(owned);
    } else {
        status = CLADE_ERR_OUT_OF_MEMORY;
    }
    clade_free(list.item);
    return status;
}

static clade_tensor *run(segment *s, clade_context *ctx, clade_tensor *const *inputs)
{
    clade_tape *tape = ctx->tape;
    size_t from = tape ? tape->count : 0;
    if (note(s, ctx) != CLADE_OK)
        return NULL;
    clade_tensor *out = call(s, ctx, inputs);
    if (!tape)
        return out;
    clade_status status = CLADE_OK;
    if (out && out->node && is_recorded_from(tape, from, out))
        status = replace(tape, from, s, inputs, out);
    else
        clade_tape_truncate(tape, from);
    if (status != CLADE_OK) {
        clade_tape_truncate(tape, from);
        clade_tensor_unref(out);
        return NULL;
    }
    return out;
}

clade_tensor *clade_gradient_checkpoint(clade_segment_fn fn, void *user,
                                        clade_tensor *const *inputs, int count)
{
    if (!fn || !inputs || count < 1) {
        (void)CLADE_FAIL(CLADE_ERR_ARGUMENT, "gradient_checkpoint: %s",
                         fn ? "there are no inputs" : "fn is NULL");
        return NULL;
    }
    for (int i = 0; i < count; i++) {
        if (!inputs[i]) {
            (void)clade_error_null("gradient_checkpoint", "an input");
            return NULL;
        }
    }
    clade_context *ctx = inputs[0]->ctx;
    segment s = {.fn = fn, .user = user, .count = count, .autocast = ctx->autocast};
    if (clade_scope_require(ctx, "gradient_checkpoint") != CLADE_OK)
        return NULL;
    return clade_scope_adopt(ctx, run(&s, ctx, inputs));
}

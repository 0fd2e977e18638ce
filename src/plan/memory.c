#include "plan/plan.h"

#include "base/alloc.h"

/* A block of shared memory, as long as its largest tenant. */
typedef struct block {
    size_t size;
    bool taken;
} block;

/* One per recorded buffer; block -1: not a temporary, or never used. */
typedef struct lifetime {
    size_t first, last;
    int block;
    bool used;
} lifetime;

typedef struct sharing {
    clade_recording *recording;
    lifetime *lives;
    block *blocks;
    size_t count, capacity;
} sharing;

static void find_lifetimes(sharing *s)
{
    for (size_t i = 0; i < s->recording->count; i++) {
        clade_use uses[CLADE_COMMAND_USES];
        int n = clade_command_uses(&s->recording->commands[i], uses);
        for (int u = 0; u < n; u++) {
            lifetime *life = &s->lives[clade_recording_index(*uses[u].buffer)];
            if (!life->used)
                life->first = i;
            life->last = i;
            life->used = true;
        }
    }
}

/* The free block that fits best: the smallest that is large enough, else the largest, which grows.
 */
static clade_status take_block(sharing *s, lifetime *life, size_t size)
{
    int best = -1;
    for (size_t b = 0; b < s->count; b++) {
        if (s->blocks[b].taken)
            continue;
        if (best < 0) {
            best = (int)b;
            continue;
        }
        size_t have = s->blocks[b].size, had = s->blocks[best].size;
        if (have >= size ? had < size || have < had : have > had)
            best = (int)b;
    }
    if (best < 0) {
        if (!clade_grow((void **)&s->blocks, &s->capacity, s->count + 1, sizeof *s->blocks))
            return CLADE_ERR_OUT_OF_MEMORY;
        best = (int)s->count++;
        s->blocks[best] = (block){0};
    }
    block *chosen = &s->blocks[best];
    chosen->taken = true;
    if (chosen->size < size)
        chosen->size = size;
    life->block = best;
    return CLADE_OK;
}

static clade_status assign_blocks(sharing *s)
{
    clade_buffer **buffers = s->recording->buffers;
    for (size_t i = 0; i < s->recording->count; i++) {
        clade_use uses[CLADE_COMMAND_USES];
        int n = clade_command_uses(&s->recording->commands[i], uses);
        for (int u = 0; u < n; u++) {
            size_t index = clade_recording_index(*uses[u].buffer);
            lifetime *life = &s->lives[index];
            if (life->first == i && life->block < 0 && clade_recording_is_temporary(buffers[index]))
                CLADE_TRY(take_block(s, life, clade_buffer_size(buffers[index])));
        }
        for (int u = 0; u < n; u++) {
            lifetime *life = &s->lives[clade_recording_index(*uses[u].buffer)];
            if (life->last == i && life->block >= 0)
                s->blocks[life->block].taken = false;
        }
    }
    return CLADE_OK;
}

/* Points the commands at the blocks. Must not look at a temporary's content afterwards. */
static void replace(sharing *s, clade_buffer **memory)
{
    for (size_t i = 0; i < s->recording->count; i++) {
        clade_use uses[CLADE_COMMAND_USES];
        int n = clade_command_uses(&s->recording->commands[i], uses);
        for (int u = 0; u < n; u++) {
            int b = s->lives[clade_recording_index(*uses[u].buffer)].block;
            if (b >= 0)
                *uses[u].buffer = memory[b];
        }
    }
}

static clade_status allocate(sharing *s, clade_buffer **memory)
{
    for (size_t b = 0; b < s->count; b++)
        CLADE_TRY(clade_buffer_create(&memory[b], s->recording->rt, s->blocks[b].size));
    return CLADE_OK;
}

/* The temporaries go back to the pool only now that nothing names them. */
static void drop_temporaries(clade_recording *recording)
{
    size_t kept = 0;
    for (size_t i = 0; i < recording->buffer_count; i++) {
        if (clade_recording_is_temporary(recording->buffers[i]))
            clade_buffer_free(&recording->buffers[i]);
        else
            recording->buffers[kept++] = recording->buffers[i];
    }
    recording->buffer_count = kept;
}

static clade_status share(sharing *s, clade_buffer ***memory, size_t *count)
{
    find_lifetimes(s);
    CLADE_TRY(assign_blocks(s));
    *memory = clade_calloc(s->count, sizeof **memory);
    if (!*memory)
        return CLADE_ERR_OUT_OF_MEMORY;
    *count = s->count;
    CLADE_TRY(allocate(s, *memory));
    replace(s, *memory);
    drop_temporaries(s->recording);
    return CLADE_OK;
}

clade_status clade_plan_share_memory(clade_recording *recording, clade_buffer ***memory,
                                     size_t *count)
{
    sharing s = {.recording = recording};
    s.lives = clade_calloc(recording->buffer_count, sizeof *s.lives);
    if (!s.lives)
        return CLADE_ERR_OUT_OF_MEMORY;
    for (size_t i = 0; i < recording->buffer_count; i++)
        s.lives[i].block = -1;
    clade_status status = share(&s, memory, count);
    clade_free(s.lives);
    clade_free(s.blocks);
    return status;
}

#include "shuffle.h"

shuffle shuffle_seeded(uint64_t seed)
{
    return (shuffle){seed};
}

static uint64_t next(shuffle *s)
{
    uint64_t z = s->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Uniform in 0..bound-1: numbers above the last whole multiple of bound are drawn again. */
static uint64_t below(shuffle *s, uint64_t bound)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    uint64_t value;
    do
        value = next(s);
    while (value >= limit);
    return value % bound;
}

void shuffle_order(shuffle *s, int32_t *order, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        order[i] = (int32_t)i;
    for (int64_t i = count - 1; i > 0; i--) {
        int64_t j = (int64_t)below(s, (uint64_t)i + 1);
        int32_t swapped = order[i];
        order[i] = order[j];
        order[j] = swapped;
    }
}

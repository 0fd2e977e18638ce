#include "timing.h"

#include <math.h>
#include <stdlib.h>

void timing_add(timing *t, double seconds, int64_t steps)
{
    if (t->count == t->capacity) {
        int64_t capacity = t->capacity ? 2 * t->capacity : 64;
        stretch *grown = realloc(t->stretches, (size_t)capacity * sizeof *grown);
        if (!grown)
            return;
        t->stretches = grown;
        t->capacity = capacity;
    }
    t->stretches[t->count++] = (stretch){1e6 * seconds / (double)steps, steps};
}

static int by_time(const void *a, const void *b)
{
    double x = ((const stretch *)a)->us_per_step, y = ((const stretch *)b)->us_per_step;
    return (x > y) - (x < y);
}

double timing_median_us(timing *t)
{
    if (t->count == 0)
        return NAN;
    qsort(t->stretches, (size_t)t->count, sizeof *t->stretches, by_time);
    int64_t steps = 0, passed = 0, i = 0;
    for (int64_t k = 0; k < t->count; k++)
        steps += t->stretches[k].steps;
    while (i < t->count - 1 && 2 * (passed + t->stretches[i].steps) < steps)
        passed += t->stretches[i++].steps;
    return t->stretches[i].us_per_step;
}

void timing_free(timing *t)
{
    free(t->stretches);
    *t = (timing){0};
}

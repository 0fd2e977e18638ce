#include "torch_random.h"

#include <math.h>

#define MIDDLE 397 /* MT19937's recurrence: word i from the words i, i+1 and i+397 */

void torch_random_seed(torch_random *r, uint64_t seed)
{
    r->state[0] = (uint32_t)seed;
    for (uint32_t i = 1; i < TORCH_RANDOM_WORDS; i++) {
        uint32_t before = r->state[i - 1];
        r->state[i] = 1812433253u * (before ^ (before >> 30)) + i;
    }
    r->used = TORCH_RANDOM_WORDS;
}

static void renew(torch_random *r)
{
    for (int i = 0; i < TORCH_RANDOM_WORDS; i++) {
        uint32_t following = r->state[(i + 1) % TORCH_RANDOM_WORDS];
        uint32_t mixed = (r->state[i] & 0x80000000u) | (following & 0x7fffffffu);
        r->state[i] = r->state[(i + MIDDLE) % TORCH_RANDOM_WORDS] ^ (mixed >> 1) ^
                      (following & 1 ? 0x9908b0dfu : 0);
    }
    r->used = 0;
}

static uint32_t next(torch_random *r)
{
    if (r->used == TORCH_RANDOM_WORDS)
        renew(r);
    uint32_t y = r->state[r->used++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

/* at::uniform_real_distribution<float>: 24 bits of each word give x * (to - from) + from. PyTorch's
 * kernels for AVX2 and later fuse that multiplication and addition; fmaf does so on every host. */
void torch_random_uniform(torch_random *r, float *out, int64_t count, double from, double to)
{
    float low = (float)from, width = (float)to - low;
    for (int64_t i = 0; i < count; i++) {
        float x = (float)(next(r) & 0xffffffu) * 0x1p-24f;
        out[i] = fmaf(x, width, low);
    }
}

/* randperm_cpu of ATen: Fisher-Yates from the front, with the small bias of the remainder. */
void torch_random_permutation(torch_random *r, int32_t *order, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        order[i] = (int32_t)i;
    for (int64_t i = 0; i < count - 1; i++) {
        int64_t j = i + (int64_t)(next(r) % (uint64_t)(count - i));
        int32_t swapped = order[i];
        order[i] = order[j];
        order[j] = swapped;
    }
}

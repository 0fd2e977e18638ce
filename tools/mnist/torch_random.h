/* PyTorch's random numbers on the CPU: after the same seed, the same calls give the same bits as
 * torch.manual_seed, Tensor.uniform_ and torch.randperm, so that a run can be compared with
 * PyTorch's seed by seed. Checked against PyTorch 1.13 (tests/goldens/seed_goldens.py). */
#ifndef CLADE_MNIST_TORCH_RANDOM_H
#define CLADE_MNIST_TORCH_RANDOM_H

#include <stdint.h>

#define TORCH_RANDOM_WORDS 624

/* MT19937 (Matsumoto, Nishimura: Mersenne Twister, 1998), as at::mt19937. */
typedef struct torch_random {
    uint32_t state[TORCH_RANDOM_WORDS];
    int used; /* words of the state that were given out */
} torch_random;

/* Only the seed's low 32 bits count, as in PyTorch. */
void torch_random_seed(torch_random *r, uint64_t seed);

/* f32 Tensor.uniform_(from, to) of `count` elements. */
void torch_random_uniform(torch_random *r, float *out, int64_t count, double from, double to);

/* torch.randperm(count): fills order with a permutation of 0..count-1. */
void torch_random_permutation(torch_random *r, int32_t *order, int64_t count);

#endif

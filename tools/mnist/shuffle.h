/* The order of the images: a new permutation for each epoch, from the seed alone. */
#ifndef CLADE_MNIST_SHUFFLE_H
#define CLADE_MNIST_SHUFFLE_H

#include <stdint.h>

/* SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). */
typedef struct shuffle {
    uint64_t state;
} shuffle;

shuffle shuffle_seeded(uint64_t seed);

/* Fills order with a permutation of 0..count-1, each equally likely (Fisher-Yates). */
void shuffle_order(shuffle *s, int32_t *order, int64_t count);

#endif

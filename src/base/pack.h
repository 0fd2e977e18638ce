/* Three small numbers, one per dimension, in one attribute of an op. */
#ifndef CLADE_BASE_PACK_H
#define CLADE_BASE_PACK_H

#include <stdint.h>

#define CLADE_PACK_BITS 21
#define CLADE_PACK_MOST ((INT64_C(1) << CLADE_PACK_BITS) - 1)

/* Each of 0 to CLADE_PACK_MOST. */
static inline int64_t clade_pack(const int64_t *values, int count)
{
    int64_t packed = 0;
    for (int i = 0; i < count; i++)
        packed |= values[i] << CLADE_PACK_BITS * i;
    return packed;
}

static inline int64_t clade_unpack(int64_t packed, int i)
{
    return packed >> CLADE_PACK_BITS * i & CLADE_PACK_MOST;
}

#endif

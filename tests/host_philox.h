/* Philox4x32-10 on the host, and the numbers that Clade makes of its words. */
#ifndef CLADE_TESTS_HOST_PHILOX_H
#define CLADE_TESTS_HOST_PHILOX_H

#include <clade/clade.h>

#include <string.h>

static inline void host_philox(const uint32_t *counter, uint64_t seed, uint32_t *out)
{
    uint32_t x[4], key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    memcpy(x, counter, sizeof x);
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xD2511F53u * x[0], b = (uint64_t)0xCD9E8D57u * x[2];
        uint32_t next[4] = {(uint32_t)(b >> 32) ^ x[1] ^ key[0], (uint32_t)b,
                            (uint32_t)(a >> 32) ^ x[3] ^ key[1], (uint32_t)a};
        memcpy(x, next, sizeof x);
        key[0] += 0x9E3779B9u;
        key[1] += 0xBB67AE85u;
    }
    memcpy(out, x, sizeof x);
}

/* Word i of a call. */
static inline uint32_t host_word(int64_t i, uint64_t call, uint64_t seed)
{
    uint32_t w[4];
    host_philox((const uint32_t[]){(uint32_t)(i / 4), 0, (uint32_t)call, (uint32_t)(call >> 32)},
                seed, w);
    return w[i % 4];
}

/* Number i of a call, in [0,1). */
static inline double host_unit(clade_dtype dtype, int i, uint64_t call, uint64_t seed)
{
    int per = dtype == CLADE_F64 ? 2 : 4;
    uint32_t w[4];
    host_philox((const uint32_t[]){(uint32_t)(i / per), 0, (uint32_t)call, (uint32_t)(call >> 32)},
                seed, w);
    if (per == 4)
        return (w[i % 4] >> 8) * 0x1p-24;
    return (double)(((uint64_t)w[i % 2 * 2] << 32 | w[i % 2 * 2 + 1]) >> 11) * 0x1p-53;
}

#endif

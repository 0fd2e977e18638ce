/* Non-cryptographic hashes (xxHash): for look-ups and for noticing damage, not for defence. */
#ifndef CLADE_BASE_HASH_H
#define CLADE_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct clade_bytes {
    const void *data;
    size_t size;
} clade_bytes;

typedef struct clade_hash128 {
    uint8_t bytes[16]; /* big-endian, so that the hex form is the canonical one */
} clade_hash128;

/* Chain strings through the seed: hash(b, hash(a, 0)). */
uint64_t clade_hash_str(const char *s, uint64_t seed);

/* Over the parts and their lengths: {"ab","c"} and {"a","bc"} differ. */
clade_hash128 clade_hash_parts(const clade_bytes *parts, size_t count, uint64_t seed);

#endif

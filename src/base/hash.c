#include "base/hash.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t clade_hash_str(const char *s, uint64_t seed)
{
    return XXH3_64bits_withSeed(s, strlen(s), seed);
}

clade_hash128 clade_hash_parts(const clade_bytes *parts, size_t count, uint64_t seed)
{
    XXH3_state_t state;
    XXH3_INITSTATE(&state);
    (void)XXH3_128bits_reset_withSeed(&state, seed);
    for (size_t i = 0; i < count; i++) {
        uint64_t size = parts[i].size;
        (void)XXH3_128bits_update(&state, &size, sizeof size);
        if (size)
            (void)XXH3_128bits_update(&state, parts[i].data, parts[i].size);
    }
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state));
    clade_hash128 hash;
    memcpy(hash.bytes, canonical.digest, sizeof hash.bytes);
    return hash;
}

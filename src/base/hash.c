#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t tn_hash_bytes(const void *data, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, size, seed);
}

_Static_assert(sizeof(tn_hasher) >= sizeof(XXH3_state_t), "a hasher holds XXH3's state");
_Static_assert(_Alignof(tn_hasher) >= _Alignof(XXH3_state_t),
               "a hasher is aligned as XXH3's state");

void tn_hasher_init(tn_hasher *hasher)
{
    (void)XXH3_64bits_reset((XXH3_state_t *)(void *)hasher->state);
}

void tn_hasher_add(tn_hasher *hasher, const void *data, size_t size)
{
    (void)XXH3_64bits_update((XXH3_state_t *)(void *)hasher->state, data, size);
}

uint64_t tn_hasher_value(const tn_hasher *hasher)
{
    return XXH3_64bits_digest((const XXH3_state_t *)(const void *)hasher->state);
}

/*
 * hash.h - the hashes that tables, partitions and spill files agree on.
 *
 * The same at every CPU level and in every process, since a spilled partition is found again by its
 * hash.  Use tn_hash_u64 for keys of up to 8 bytes, tn_hash_bytes (XXH3) for longer ones, and
 * tn_hash_mix to combine columns.  Partition bits come from the top, directory bits from the
 * bottom, the salt from between (decision 8).  Floats are made canonical first: kernel/order.h.
 */
#ifndef TN_BASE_HASH_H
#define TN_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The finaliser of MurmurHash3 (Appleby), which spreads integers well enough for linear probing. */
static inline uint64_t tn_hash_u64(uint64_t value)
{
    value ^= value >> 33;
    value *= UINT64_C(0xff51afd7ed558ccd);
    value ^= value >> 33;
    value *= UINT64_C(0xc4ceb9fe1a85ec53);
    value ^= value >> 33;
    return value;
}

static inline uint64_t tn_hash_mix(uint64_t hash, uint64_t next)
{
    return tn_hash_u64(hash ^ (next + UINT64_C(0x9e3779b97f4a7c15) + (hash << 6) + (hash >> 2)));
}

uint64_t tn_hash_bytes(const void *data, size_t size, uint64_t seed);

/* The same hash (seed 0) of bytes that come in pieces.  576 bytes of XXH3's, kept as they are. */
typedef struct tn_hasher {
    _Alignas(64) unsigned char state[576];
} tn_hasher;
void tn_hasher_init(tn_hasher *hasher);
void tn_hasher_add(tn_hasher *hasher, const void *data, size_t size);
uint64_t tn_hasher_value(const tn_hasher *hasher);

/* A null of any type. */
#define TN_HASH_NULL UINT64_C(0x7f4a7c159e3779b9)

#endif

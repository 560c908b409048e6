/* Template: entries of one size by position.  Included by lookup.c with T, the type whose copy is
 * an entry's copy, and LANE, its size. */
static void TN_FN(gather)(const void *from, const uint32_t *restrict at, size_t count,
                          const uint16_t *restrict positions, void *to)
{
    const T *restrict table = from;
    T *restrict values = to;
    if (positions == NULL) {
        for (size_t i = 0; i < count; i++) {
            values[i] = table[at[i]];
        }
    } else {
        for (size_t i = 0; i < count; i++) {
            values[positions[i]] = table[at[i]];
        }
    }
}

#undef T
#undef LANE

/*
 * Template: moves values of one size between columns and rows, and compares them.  Included by
 * transfer.c with T, the type whose copy is a value's copy, and LANE, its size.
 */
static void TN_FN(scatter)(const void *from, const uint16_t *which, size_t count,
                           uint8_t *const *restrict rows, size_t offset)
{
    const T *restrict values = from;
    if (which == NULL) {
        for (size_t i = 0; i < count; i++) {
            *(T *)(void *)(rows[i] + offset) = values[i];
        }
    } else {
        for (size_t i = 0; i < count; i++) {
            *(T *)(void *)(rows[i] + offset) = values[which[i]];
        }
    }
}

static void TN_FN(gather)(uint8_t *const *restrict rows, size_t offset, size_t count,
                          const uint16_t *positions, void *to)
{
    T *restrict values = to;
    if (positions == NULL) {
        for (size_t i = 0; i < count; i++) {
            values[i] = *(const T *)(const void *)(rows[i] + offset);
        }
    } else {
        for (size_t i = 0; i < count; i++) {
            values[positions[i]] = *(const T *)(const void *)(rows[i] + offset);
        }
    }
}

/* differs[i] |= row i is unlike value which[i] */
static void TN_FN(differ)(const void *from, const uint16_t *restrict which, size_t count,
                          uint8_t *const *restrict rows, size_t offset, uint8_t *restrict differs)
{
    const T *restrict values = from;
    for (size_t i = 0; i < count; i++) {
        const T *value = &values[which == NULL ? i : which[i]];
        differs[i] |= memcmp(value, rows[i] + offset, sizeof(T)) != 0;
    }
}

#undef T
#undef LANE

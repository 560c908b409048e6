/* Reading and writing for one width of integers: T, U (unsigned), LANE. */
#define FN_(name, lane) name##_##lane
#define FN2(name, lane) FN_(name, lane)
#define FN(name)        FN2(name, LANE)

/* Sums up `count` deltas that lie unpacked in `deltas`. */
static U FN(sum_up)(const U *restrict deltas, size_t count, U last, U least, T *restrict to)
{
    for (size_t i = 0; i < count; i++) {
        last += deltas[i] + least;
        to[i] = (T)last;
    }
    return last;
}

static void FN(unpack_some)(const tn_delta *delta, size_t count, U *to)
{
    const tn_bits *const bits = tn_bits_table();
    const size_t offset = delta->mini_taken / 8 * delta->width;
    const uint8_t *const from = delta->mini + offset;
    const size_t size = (size_t)(delta->end - from);
    if (sizeof(T) == 8) {
        bits->unpack_u64(from, size, delta->width, count, (uint64_t *)(void *)to);
    } else if (delta->width <= 32) {
        bits->unpack_u32(from, size, delta->width, count, (uint32_t *)(void *)to);
    } else { /* more bits than a value has: only the low ones count */
        uint64_t wide[UNPACK_MAX];
        bits->unpack_u64(from, size, delta->width, count, wide);
        for (size_t i = 0; i < count; i++) {
            to[i] = (U)wide[i];
        }
    }
}

TN_FALLIBLE FN(tn_delta_read)(tn_delta *delta, size_t count, T *to, tarn_error *err)
{
    U unpacked[UNPACK_MAX];
    if (count > delta->left) {
        return ends_early(err);
    }
    delta->left -= count;
    if (count > 0 && delta->first) {
        delta->first = false;
        *to++ = (T)delta->last;
        count--;
    }
    while (count > 0) {
        if (delta->stage_at < delta->stage_count) {
            const size_t there = delta->stage_count - delta->stage_at;
            const size_t some = there < count ? there : count;
            for (size_t i = 0; i < some; i++) {
                *to++ = (T)(delta->last += delta->stage[delta->stage_at++] + delta->least);
            }
            count -= some;
            continue;
        }
        if (delta->mini_left == 0) {
            TN_RETURN_IF_ERROR(next_miniblock(delta, err));
        }
        size_t some = count < delta->mini_left ? count : delta->mini_left;
        some = some < UNPACK_MAX ? some : UNPACK_MAX;
        if (some < 8) {
            FN(unpack_some)(delta, 8, unpacked);
            for (size_t i = 0; i < 8; i++) {
                delta->stage[i] = unpacked[i];
            }
            delta->stage_at = 0;
            delta->stage_count = 8;
            some = 8;
        } else {
            some &= ~(size_t)7;
            FN(unpack_some)(delta, some, unpacked);
            delta->last = FN(sum_up)(unpacked, some, (U)delta->last, (U)delta->least, to);
            to += some;
            count -= some;
        }
        delta->mini_taken += some;
        delta->mini_left -= some;
    }
    return TARN_OK;
}

/* One block's differences, less the smallest of them; answers that. */
static T FN(differences)(const T *restrict from, size_t count, U *restrict to)
{
    T least = (T)((U)from[0] - (U)from[-1]);
    for (size_t i = 0; i < count; i++) {
        const T difference = (T)((U)from[i] - (U)from[(ptrdiff_t)i - 1]);
        to[i] = (U)difference;
        least = difference < least ? difference : least;
    }
    for (size_t i = 0; i < count; i++) {
        to[i] -= (U)least;
    }
    for (size_t i = count; i < BLOCK_SIZE; i++) {
        to[i] = 0;
    }
    return least;
}

size_t FN(tn_delta_write)(const T *from, size_t count, uint8_t *to)
{
    uint8_t *const start = to;
    U deltas[BLOCK_SIZE];
    to = put_varint(to, BLOCK_SIZE);
    to = put_varint(to, BLOCK_MINIS);
    to = put_varint(to, count);
    to = put_zigzag(to, count > 0 ? (int64_t)from[0] : 0);
    for (size_t at = 1; at < count; at += BLOCK_SIZE) {
        const size_t some = count - at < BLOCK_SIZE ? count - at : BLOCK_SIZE;
        const size_t minis = (some + MINI_SIZE - 1) / MINI_SIZE;
        to = put_zigzag(to, (int64_t)FN(differences)(from + at, some, deltas));
        uint8_t *const widths = to;
        to += BLOCK_MINIS;
        for (size_t mini = 0; mini < BLOCK_MINIS; mini++) {
            const U *const values = deltas + mini * MINI_SIZE;
            U any = 0;
            for (size_t i = 0; i < MINI_SIZE; i++) {
                any |= values[i];
            }
            widths[mini] = (uint8_t)tn_bit_width(any);
            if (mini < minis) {
                if (sizeof(T) == 8) {
                    tn_bits_table()->pack_u64((const uint64_t *)(const void *)values, widths[mini],
                                              MINI_SIZE, to);
                } else {
                    tn_bits_table()->pack_u32((const uint32_t *)(const void *)values, widths[mini],
                                              MINI_SIZE, to);
                }
                to += (size_t)widths[mini] * MINI_SIZE / 8;
            }
        }
    }
    return (size_t)(to - start);
}

#undef FN
#undef FN2
#undef FN_
#undef T
#undef U
#undef LANE

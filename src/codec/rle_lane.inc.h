/* Reading and writing for one lane of codes: T, LANE (u16, u32). */
#define FN_(name, lane) name##_##lane
#define FN2(name, lane) FN_(name, lane)
#define FN(name)        FN2(name, LANE)

/* Packed values from any position: up to 7 to reach a whole group, then groups. */
static void FN(take_packed)(tn_rle *rle, size_t count, T *to)
{
    const tn_bits *const bits = tn_bits_table();
    const size_t head = rle->taken % 8;
    /* What may be read, beyond what is meant: so the last groups of a run are unpacked like others.
     */
    const size_t size = (size_t)(rle->end - rle->run);
    if (head > 0) {
        T group[8];
        const size_t offset = rle->taken / 8 * rle->width;
        const size_t some = 8 - head < count ? 8 - head : count;
        FN(bits->unpack)(rle->run + offset, size - offset, rle->width, head + some, group);
        memcpy(to, group + head, some * sizeof(*to));
        rle->taken += some;
        rle->left -= some;
        to += some;
        count -= some;
    }
    if (count > 0) {
        const size_t offset = rle->taken / 8 * rle->width;
        FN(bits->unpack)(rle->run + offset, size - offset, rle->width, count, to);
        rle->taken += count;
        rle->left -= count;
    }
}

TN_FALLIBLE FN(tn_rle_read)(tn_rle *rle, size_t count, T *to, tarn_error *err)
{
    while (count > 0) {
        if (rle->left == 0) {
            TN_RETURN_IF_ERROR(next_run(rle, err));
        }
        const size_t some = rle->left < count ? rle->left : count;
        if (rle->run != NULL) {
            FN(take_packed)(rle, some, to);
        } else {
            const T value = (T)rle->value;
            for (size_t i = 0; i < some; i++) {
                to[i] = value;
            }
            rle->left -= some;
        }
        to += some;
        count -= some;
    }
    return TARN_OK;
}

/* How many values from `from` on equal the first. */
static size_t FN(run_length)(const T *from, size_t count)
{
    size_t length = 1;
    const T value = from[0];
    while (length + 8 <= count) {
        T differs = 0;
        for (size_t i = 0; i < 8; i++) {
            differs |= (T)(from[length + i] ^ value);
        }
        if (differs != 0) {
            break;
        }
        length += 8;
    }
    while (length < count && from[length] == value) {
        length++;
    }
    return length;
}

static uint8_t *FN(put_packed)(const T *from, size_t count, unsigned width, uint8_t *to)
{
    const size_t groups = (count + 7) / 8;
    to = put_varint(to, groups << 1 | 1);
    memset(to + tn_packed_size(count, width), 0, groups * width - tn_packed_size(count, width));
    FN(tn_bits_table()->pack)(from, width, count, to);
    return to + groups * width;
}

/*
 * Runs pay where they are longer than the bytes they take; between them whole groups are packed.
 * A run is looked for only at group ends, so the scan costs one compare of eight values a group.
 */
size_t FN(tn_rle_write)(const T *from, size_t count, unsigned width, uint8_t *to)
{
    uint8_t *const start = to;
    size_t packed = 0; /* first value of the groups not written yet */
    size_t at = 0;
    if (width == 0) {
        return 0;
    }
    const size_t worth = 8 + 8 * (32 / width); /* bits that a run's head and a new group's cost */
    while (at < count) {
        const size_t length = FN(run_length)(from + at, count - at);
        if (length >= worth || (at == packed && length == count - at)) {
            if (at > packed) {
                to = FN(put_packed)(from + packed, at - packed, width, to);
            }
            to = put_varint(to, length << 1);
            const uint32_t value = (uint32_t)from[at];
            memcpy(to, &value, 4);
            to += (width + 7) / 8;
            at += length;
            packed = at;
        } else {
            at += 8;
        }
    }
    if (packed < count) {
        to = FN(put_packed)(from + packed, count - packed, width, to);
    }
    return (size_t)(to - start);
}

#undef FN
#undef FN2
#undef FN_
#undef T
#undef LANE

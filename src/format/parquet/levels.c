/* Definition and repetition levels of a page. */
#include "format/parquet/leaf_internal.h"

#include "codec/bits.h"

static tarn_code levels_cut(tarn_error *err)
{
    return tn_fail(err, TARN_E_CORRUPT, "the levels of a page end early");
}

TN_FALLIBLE tn_levels__open(tn_levels *levels, unsigned max, int encoding, size_t count,
                            const uint8_t **body, size_t *size, tarn_error *err)
{
    *levels = (tn_levels){.width = tn_bit_width(max)};
    if (max == 0) {
        return TARN_OK;
    }
    if (encoding == TN_PAGE_BIT_PACKED) {
        levels->packed = *body;
        levels->packed_size = tn_unpack_levels_size(count, levels->width);
        if (levels->packed_size > *size) {
            return levels_cut(err);
        }
        *body += levels->packed_size;
        *size -= levels->packed_size;
        return TARN_OK;
    }
    if (encoding != TN_PAGE_RLE) {
        return tn_fail(err, TARN_E_UNSUPPORTED, "cannot read levels that are encoded as %s (%d)",
                       tn_page_encoding_name((tn_page_encoding)encoding), encoding);
    }
    uint32_t bytes;
    if (*size < 4) {
        return levels_cut(err);
    }
    memcpy(&bytes, *body, 4);
    if (bytes > *size - 4) {
        return levels_cut(err);
    }
    levels->is_runs = true;
    tn_rle_init(&levels->rle, *body + 4, bytes, levels->width);
    *body += 4 + (size_t)bytes;
    *size -= 4 + (size_t)bytes;
    return TARN_OK;
}

TN_FALLIBLE tn_levels__read(tn_levels *levels, size_t count, uint16_t *to, tarn_error *err)
{
    if (levels->width == 0) {
        memset(to, 0, count * sizeof(*to));
        return TARN_OK;
    }
    if (levels->is_runs) {
        return tn_rle_read_u16(&levels->rle, count, to, err);
    }
    /* Few files have these; from the front each time, since positions are bits. */
    for (size_t i = 0; i < count; i++) {
        unsigned value = 0;
        const size_t first = (levels->packed_at + i) * levels->width;
        if (first + levels->width > levels->packed_size * 8) {
            return levels_cut(err);
        }
        for (size_t bit = first; bit < first + levels->width; bit++) {
            value = value << 1 | ((levels->packed[bit / 8] >> (7 - bit % 8)) & 1u);
        }
        to[i] = (uint16_t)value;
    }
    levels->packed_at += count;
    return TARN_OK;
}

TN_FALLIBLE tn_levels__check(const tn_leaf_reader *reader, size_t count, tarn_error *err)
{
    const uint16_t *const restrict reps = reader->pending_reps;
    const uint16_t *const defs = reader->pending_defs;
    const uint16_t *const before = defs - 1;
    uint16_t def_most = 0;
    uint16_t rep_most = 0;
    for (size_t i = 0; i < count; i++) {
        def_most = defs[i] > def_most ? defs[i] : def_most;
        rep_most = reps[i] > rep_most ? reps[i] : rep_most;
    }
    if (def_most > reader->leaf->def_max || rep_most > reader->leaf->rep_max) {
        return tn_fail(err, TARN_E_CORRUPT, "a level is above the schema's");
    }
    for (uint16_t rep = 1; rep <= rep_most; rep++) {
        const uint16_t element = reader->has_element[rep];
        uint16_t wrong = 0;
        for (size_t i = 0; i < count; i++) {
            const uint16_t least = defs[i] < before[i] ? defs[i] : before[i];
            wrong |= (uint16_t)((reps[i] == rep) & (least < element));
        }
        if (wrong != 0) {
            return tn_fail(err, TARN_E_CORRUPT,
                           "the levels of a page continue a list that is empty or NULL");
        }
    }
    return TARN_OK;
}

void tn_levels__elements(const tn_footer *footer, uint32_t leaf, uint16_t *out)
{
    const tn_node *node = footer->columns;
    while (node->leaf_end <= leaf) {
        node++;
    }
    while (node->kind != TN_NODE_LEAF) {
        if (node->kind == TN_NODE_LIST || node->kind == TN_NODE_MAP) {
            out[node->rep] = node->def_element;
        }
        node = node->children;
        while (node->leaf_end <= leaf) {
            node++;
        }
    }
}

/* The page index: where a chunk's pages lie, and what bounds they have. */
#include "format/parquet/source_internal.h"
#include "format/parquet/thrift_internal.h"

static tarn_code damaged(tarn_error *err)
{
    return tn_fail(err, TARN_E_CORRUPT, "a page index is damaged");
}

static void read_place(tn_thrift *t, tn_page_place *out)
{
    int id = 0;
    int type;
    while ((type = tn_thrift__field(t, &id)) != TN_THRIFT_STOP) {
        switch (id) {
        case 1:
            out->offset = (uint64_t)tn_thrift__int(t, type);
            break;
        case 2:
            out->size = (uint64_t)tn_thrift__int(t, type);
            break;
        case 3:
            out->first_row = (uint64_t)tn_thrift__int(t, type);
            break;
        default:
            tn_thrift__skip(t, type);
        }
    }
}

static TN_FALLIBLE read_places(tn_thrift *t, uint64_t rows, tn_arena *arena, tn_page_index *out,
                               tarn_error *err)
{
    int id = 0;
    int type;
    while ((type = tn_thrift__field(t, &id)) != TN_THRIFT_STOP) {
        int element;
        if (id != 1 || out->places != NULL) {
            tn_thrift__skip(t, type);
            continue;
        }
        out->count = tn_thrift__list(t, type, &element);
        if (out->count > 0 && element != TN_THRIFT_STRUCT) {
            return damaged(err);
        }
        TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_page_place, out->count, &out->places, err));
        for (size_t i = 0; i < out->count; i++) {
            read_place(t, &out->places[i]);
        }
    }
    for (size_t i = 0; i < out->count; i++) {
        const tn_page_place *const place = &out->places[i];
        const bool follows = i == 0 ? place->first_row == 0
                                    : place->first_row >= place[-1].first_row &&
                                          place->offset >= place[-1].offset + place[-1].size;
        if (t->failed || !follows || place->first_row >= rows || place->size > INT32_MAX ||
            place->offset > INT64_MAX) {
            return damaged(err);
        }
    }
    return t->failed ? damaged(err) : TARN_OK;
}

/* One list of the column index to one field of each page's statistics. */
static bool read_list(tn_thrift *t, int id, int type, tn_page_index *out)
{
    int element;
    const size_t count = tn_thrift__list(t, type, &element);
    if (count != out->count || t->failed) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        tn_chunk_statistics *const page = &out->bounds[i];
        if (id == 1) {
            out->only_nulls[i] = tn_thrift__element_bool(t);
        } else if (id == 2) {
            page->min = tn_thrift__binary(t, element);
        } else if (id == 3) {
            page->max = tn_thrift__binary(t, element);
        } else {
            page->null_count = (uint64_t)tn_thrift__int(t, element);
            page->has_null_count = page->null_count <= INT64_MAX;
        }
    }
    return !t->failed;
}

TN_FALLIBLE tn_page_index__read(const uint8_t *offsets, size_t offsets_size, const uint8_t *bounds,
                                size_t bounds_size, uint64_t rows, tn_arena *arena,
                                tn_page_index *out, tarn_error *err)
{
    *out = (tn_page_index){0};
    if (offsets_size == 0) {
        return TARN_OK;
    }
    tn_thrift reader = tn_thrift__over(offsets, offsets_size);
    TN_RETURN_IF_ERROR(read_places(&reader, rows, arena, out, err));
    if (bounds_size == 0) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_chunk_statistics, out->count, &out->bounds, err));
    TN_RETURN_IF_ERROR(tn_arena_array(arena, uint8_t, out->count, &out->only_nulls, err));
    reader = tn_thrift__over(bounds, bounds_size);
    int id = 0;
    int type;
    unsigned seen = 0;
    while ((type = tn_thrift__field(&reader, &id)) != TN_THRIFT_STOP) {
        if (id < 1 || id > 5 || id == 4) {
            tn_thrift__skip(&reader, type);
            continue;
        }
        if (!read_list(&reader, id, type, out)) {
            break;
        }
        seen |= 1u << id;
    }
    if (reader.failed || (seen & 14) != 14) { /* of no use, but no reason not to read the file */
        out->bounds = NULL;
        return TARN_OK;
    }
    for (size_t i = 0; i < out->count; i++) {
        if (out->only_nulls[i] != 0) { /* their bounds are empty, which is no bound */
            out->bounds[i].min = out->bounds[i].max = TN_STR_NONE;
        }
    }
    return TARN_OK;
}

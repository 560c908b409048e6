/*
 * What statistics of chunks and pages may be used for.
 *
 * Writers have erred in every way: signed order for strings, NaN as a bound, flags that are not
 * there.  Whatever is not certain to hold is left unknown.
 */
#include "format/parquet/leaf_internal.h"
#include "format/parquet/source_internal.h"

#include "base/size.h"

#include <math.h>

static bool to_float(tn_str bytes, tn_physical physical, double *out)
{
    float narrow;
    if (physical == TN_PHYSICAL_FLOAT && bytes.size == 4) {
        memcpy(&narrow, bytes.data, 4);
        *out = (double)narrow;
    } else if (physical == TN_PHYSICAL_DOUBLE && bytes.size == 8) {
        memcpy(out, bytes.data, 8);
    } else {
        return false;
    }
    return !isnan(*out);
}

static bool to_int(tn_str bytes, tn_physical physical, int64_t *out)
{
    int32_t narrow;
    if (physical == TN_PHYSICAL_INT32 && bytes.size == 4) {
        memcpy(&narrow, bytes.data, 4);
        *out = narrow;
    } else if (physical == TN_PHYSICAL_INT64 && bytes.size == 8) {
        memcpy(out, bytes.data, 8);
    } else if (physical == TN_PHYSICAL_BOOLEAN && bytes.size == 1) {
        *out = bytes.data[0] != 0;
    } else {
        return false;
    }
    return true;
}

static bool to_time(const tn_element *element, const tn_type *type, int64_t *value)
{
    if (element->unit == TN_UNIT_MILLIS && __builtin_mul_overflow(*value, 1000, value)) {
        return false;
    }
    if (element->unit == TN_UNIT_NANOS && type != TN_TIMESTAMP_NS) {
        *value = *value / 1000 - (*value % 1000 < 0);
    }
    /* values that are read as other times of the day have bounds that say nothing */
    return type->kind != TN_KIND_TIME || !element->is_utc ||
           (*value >= 0 && *value <= INT64_C(86400000000));
}

static bool to_decimal(tn_str bytes, const tn_element *element, const tn_type *type, tn_value *out)
{
    int64_t narrow = 0;
    if (element->physical == TN_PHYSICAL_BYTES || element->physical == TN_PHYSICAL_FIXED) {
        return bytes.size > 0 && tn_convert__decimal((const uint8_t *)bytes.data, bytes.size,
                                                     type->lane, &out->i64, NULL) == TARN_OK;
    }
    if (!to_int(bytes, element->physical, &narrow)) {
        return false;
    }
    if (type->lane == TN_LANE_i64) {
        out->i64 = narrow;
    } else if (type->lane == TN_LANE_i128) {
        out->i128 = narrow;
    } else {
        const uint64_t sign = narrow < 0 ? UINT64_MAX : 0;
        out->i256 = (tn_i256){{(uint64_t)narrow, sign, sign, sign}};
    }
    return true;
}

static bool to_value(tn_str bytes, const tn_element *element, const tn_type *type, tn_value *out)
{
    int64_t value = 0;
    *out = (tn_value){.type = type};
    switch (type->kind) {
    case TN_KIND_REAL:
    case TN_KIND_DOUBLE:
        return to_float(bytes, element->physical, &out->f64);
    case TN_KIND_DECIMAL:
        return to_decimal(bytes, element, type, out);
    case TN_KIND_VARCHAR:
    case TN_KIND_BLOB:
        out->str = bytes;
        return element->logical != TN_LOGICAL_UUID || type == TN_BLOB;
    case TN_KIND_BOOLEAN:
        if (!to_int(bytes, element->physical, &value)) {
            return false;
        }
        out->boolean = value != 0;
        return true;
    case TN_KIND_UTINYINT:
    case TN_KIND_USMALLINT:
    case TN_KIND_UINTEGER:
    case TN_KIND_UBIGINT:
        if (!to_int(bytes, element->physical, &value)) {
            return false;
        }
        out->u64 = element->physical == TN_PHYSICAL_INT32 ? (uint32_t)value : (uint64_t)value;
        return true;
    case TN_KIND_TINYINT:
    case TN_KIND_SMALLINT:
    case TN_KIND_INTEGER:
    case TN_KIND_BIGINT:
    case TN_KIND_DATE:
        return to_int(bytes, element->physical, &out->i64);
    case TN_KIND_TIME:
    case TN_KIND_TIMESTAMP:
    case TN_KIND_TIMESTAMP_NS:
    case TN_KIND_TIMESTAMPTZ:
        return to_int(bytes, element->physical, &out->i64) && to_time(element, type, &out->i64);
    case TN_KIND_NULL:
    case TN_KIND_INTERVAL:
    case TN_KIND_LIST:
    case TN_KIND_STRUCT:
    case TN_KIND_MAP:
    case TN_KIND_COUNT:
        break;
    }
    return false;
}

/* Was the order by which the bounds were found ours? */
static bool order_holds(const tn_footer *footer, uint32_t leaf,
                        const tn_chunk_statistics *statistics)
{
    const tn_type *const type = footer->leaves[leaf].type;
    const tn_physical physical = footer->elements[footer->leaves[leaf].element].physical;
    const bool is_signed = type->kind == TN_KIND_BOOLEAN ||
                           (physical <= TN_PHYSICAL_DOUBLE && physical != TN_PHYSICAL_INT96 &&
                            !(type->kind >= TN_KIND_UTINYINT && type->kind <= TN_KIND_UBIGINT));
    if (statistics->is_legacy || footer->order_count == 0) {
        return is_signed; /* the old fields know no other order */
    }
    const unsigned order = leaf < footer->order_count ? footer->orders[leaf] : TN_ORDER_NONE;
    return order == TN_ORDER_TYPE || (order == TN_ORDER_IEEE && tn_type_is_float(type));
}

/* Zero has two signs and the bounds may have dropped either; NaN is in no bound of a writer's. */
static void widen_floats(const tn_chunk_statistics *statistics, tn_column_statistics *out)
{
    if (!statistics->has_nan_count || statistics->nan_count > 0) {
        out->max.f64 = NAN;
        out->bounds = TN_ESTIMATE;
    }
}

void tn_bounds__read(const tn_footer *footer, uint32_t leaf, const tn_chunk_statistics *statistics,
                     tn_column_statistics *out)
{
    const tn_leaf *const of = &footer->leaves[leaf];
    const tn_element *const element = &footer->elements[of->element];
    *out = (tn_column_statistics){.bounds = TN_UNKNOWN};
    if (of->def_max == 0) {
        out->nulls = TN_EXACT;
    } else if (footer->ignore_statistics) {
        return;
    } else if (statistics->has_null_count) {
        out->nulls = TN_EXACT;
        out->null_count = statistics->null_count;
    }
    if (footer->ignore_statistics) {
        return;
    }
    if (statistics->has_distinct) {
        out->distinct = TN_ESTIMATE;
        out->distinct_count = statistics->distinct_count;
    }
    if (statistics->min.data == NULL || statistics->max.data == NULL ||
        !order_holds(footer, leaf, statistics) ||
        !to_value(statistics->min, element, of->type, &out->min) ||
        !to_value(statistics->max, element, of->type, &out->max) ||
        tn_value_compare(&out->min, &out->max) > 0) {
        return;
    }
    out->bounds = statistics->min_exact && statistics->max_exact ? TN_EXACT : TN_ESTIMATE;
    if (tn_type_is_float(of->type)) {
        widen_floats(statistics, out);
    }
}

bool tn_group__excluded(const tn_parquet_source *source, uint32_t group,
                        const tn_conjunct *conjunct)
{
    const tn_footer *const footer = &source->footer;
    const uint32_t leaf = conjunct->field < footer->schema.count
                              ? tn_footer__flat_leaf(footer, conjunct->field)
                              : UINT32_MAX;
    tn_chunk_meta chunk;
    tn_column_statistics statistics;
    if (leaf == UINT32_MAX ||
        tn_footer__chunk(footer, group, leaf, source->file_size, &chunk, NULL) != TARN_OK) {
        return false;
    }
    tn_bounds__read(footer, leaf, &chunk.statistics, &statistics);
    return tn_conjunct_excludes(conjunct, &statistics, footer->groups[group].rows);
}

/* ---- for the planner ------------------------------------------------------------------------- */

static void merge(tn_column_statistics *all, const tn_column_statistics *one, uint64_t rows,
                  bool is_first)
{
    const bool only_nulls = one->nulls == TN_EXACT && one->null_count == rows;
    if (is_first) {
        *all = *one;
        all->distinct = TN_UNKNOWN;
        all->min.is_null = all->max.is_null = one->bounds == TN_UNKNOWN && only_nulls;
        if (all->min.is_null) { /* no bounds yet, but none are missing either */
            all->bounds = TN_EXACT;
        }
        return;
    }
    all->nulls = all->nulls < one->nulls ? all->nulls : one->nulls;
    all->null_count += one->null_count;
    if (only_nulls || all->bounds == TN_UNKNOWN) {
        return;
    }
    if (one->bounds == TN_UNKNOWN) {
        all->bounds = TN_UNKNOWN;
        return;
    }
    if (all->min.is_null) {
        all->min = one->min;
        all->max = one->max;
        all->bounds = one->bounds;
        return;
    }
    all->bounds = all->bounds < one->bounds ? all->bounds : one->bounds;
    if (tn_value_compare(&one->min, &all->min) < 0) {
        all->min = one->min;
    }
    if (tn_value_compare(&one->max, &all->max) > 0) {
        all->max = one->max;
    }
}

/* What MIN and MAX may be answered with: bounds that are said to be exact, in files of our own.
 * Others are believed as far as pruning goes, where they may be wide, but never for a value. */
static bool answers_with_bounds(const tn_footer *footer)
{
    return tn_str_starts(footer->created_by, TN_STR("tarn version "));
}

TN_FALLIBLE tn_parquet__statistics(tn_source *base, const tn_conjunct *conjuncts, uint32_t count,
                                   tn_arena *arena, tn_statistics *out, tarn_error *err)
{
    tn_parquet_source *const source = (tn_parquet_source *)base;
    const tn_footer *const footer = &source->footer;
    tn_column_statistics *columns;
    bool is_first = true;

    *out = (tn_statistics){.rows_known = count == 0 ? TN_EXACT : TN_ESTIMATE,
                           .bytes_known = TN_ESTIMATE};
    TN_RETURN_IF_ERROR(
        tn_arena_array(arena, tn_column_statistics, footer->schema.count, &columns, err));
    for (uint32_t group = 0; group < footer->group_count; group++) {
        const uint64_t rows = footer->groups[group].rows;
        bool excluded = rows == 0;
        for (uint32_t i = 0; i < count && !excluded; i++) {
            excluded = tn_group__excluded(source, group, &conjuncts[i]);
        }
        if (excluded) {
            continue;
        }
        out->rows += rows;
        out->bytes += footer->groups[group].raw_size;
        for (uint32_t i = 0; i < footer->schema.count; i++) {
            const uint32_t leaf = tn_footer__flat_leaf(footer, i);
            tn_chunk_meta chunk;
            tn_column_statistics one = {.bounds = TN_UNKNOWN};
            if (leaf != UINT32_MAX &&
                tn_footer__chunk(footer, group, leaf, source->file_size, &chunk, NULL) == TARN_OK) {
                tn_bounds__read(footer, leaf, &chunk.statistics, &one);
            }
            merge(&columns[i], &one, rows, is_first);
        }
        is_first = false;
    }
    for (uint32_t i = 0; i < footer->schema.count; i++) {
        const uint32_t leaf = tn_footer__flat_leaf(footer, i);
        if (columns[i].min.is_null) {
            columns[i].bounds = TN_UNKNOWN;
        }
        if (columns[i].bounds == TN_EXACT && !answers_with_bounds(footer)) {
            columns[i].bounds = TN_ESTIMATE;
        }
        /* What a footer says of nulls prunes groups, but is no answer to count(column). */
        if (columns[i].nulls == TN_EXACT && leaf != UINT32_MAX &&
            footer->leaves[leaf].def_max > 0) {
            columns[i].nulls = TN_ESTIMATE;
        }
    }
    out->columns = columns;
    return TARN_OK;
}

/* Fields as values: the kernels take the plain ones, the rest go one by one. */
#include "format/csv/cells_internal.h"
#include "kernel/calendar.h"

#include <assert.h>

tarn_code tn__csv_cells_init(tn__csv_cells *cells, const tn_type *type, uint32_t field,
                             uint32_t rows, tn_pool *pool, tarn_error *err)
{
    const size_t width = tn_lane_size(type->lane);
    void *memory;
    cells->type = type;
    cells->field = field;
    cells->rows_max = rows;
    if (tn_type_is_nested(type)) {
        const tarn_code code =
            tn_fail(err, TARN_E_UNSUPPORTED, "CSV cannot be read as %.*s", TN_STR_ARGS(type->name));
        tn_hint(err, "read the column as VARCHAR");
        return code;
    }
    /* vectors are written whole, so a little beyond the last row */
    cells->values_size = (width == 0 ? rows / 8 : rows * width) + 64;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, cells->values_size, &cells->values, err));
    if (tn_type_is_integer(type) && width < 8) {
        TN_RETURN_IF_ERROR(tn_pool_alloc(pool, (size_t)rows * 8 + 64, &memory, err));
        cells->wide = memory;
    }
    TN_RETURN_IF_ERROR(tn_pool_alloc(pool, rows / 8, &memory, err));
    cells->validity = memory;
    TN_RETURN_IF_ERROR(tn_pool_alloc(pool, rows / 8, &memory, err));
    cells->odd = memory;
    return TARN_OK;
}

void tn__csv_cells_deinit(tn__csv_cells *cells, tn_pool *pool)
{
    tn_pool_free(pool, cells->values, cells->values_size);
    tn_pool_free(pool, cells->wide, (size_t)cells->rows_max * 8 + 64);
    tn_pool_free(pool, cells->validity, cells->rows_max / 8);
    tn_pool_free(pool, cells->odd, cells->rows_max / 8);
}

/* ---- one cell ---------------------------------------------------------------------------------
 */

static tn_reason read_timestamp(tn_str text, const tn_type *type, int64_t *out)
{
    return tn_text_parse_timestamp(
        text, type->kind == TN_KIND_TIMESTAMP_NS ? TN_NS_PER_SECOND : TN_US_PER_SECOND, out);
}

static tn_reason read_boolean(tn_str text, uint64_t *bits, uint32_t row)
{
    bool value = false;
    const tn_reason why = tn_text_parse_boolean(text, &value);
    tn_bit_put(bits, row, value);
    return why;
}

static tn_reason read_integer(tn_str text, const tn_type *type, void *values, uint32_t row)
{
    int64_t value = 0;
    const tn_reason why = tn_text_parse_integer(text, type, &value);
    const size_t width = tn_lane_size(type->lane);
    memcpy((char *)values + row * width, &value, width); /* little-endian: the low bytes */
    return why;
}

static tn_reason read_decimal(tn_str text, const tn_type *type, void *values, uint32_t row)
{
    if (type->scale == 0 && tn_text_has_fraction(text)) { /* as of an integer (decision 21) */
        return "it is no whole number";
    }
    return type->lane == TN_LANE_i128
               ? tn_text_parse_decimal128(text, type, &((tn_i128 *)values)[row])
           : type->lane == TN_LANE_i256
               ? tn_text_parse_decimal256(text, type, &((tn_i256 *)values)[row])
               : tn_text_parse_decimal(text, type, &((int64_t *)values)[row]);
}

/* Binary is read in place: its text is never shorter than its bytes. */
static tn_reason read_blob(tn__csv_parser *p, tn_str text, tn_view *out, tarn_error *err)
{
    tn_text bytes;
    tn_text_init(&bytes, p->base.pool, text.size);
    const tn_reason why = tn_text_parse_blob(text, &bytes);
    if (why == NULL && bytes.failed == TARN_OK) {
        char *place = p->base.text + (text.data - p->base.text);
        if (bytes.size > 0) {
            memcpy(place, bytes.data, bytes.size);
        }
        *out = tn_view_of(place, bytes.size);
    }
    const tarn_code code = tn_text_status(&bytes, err);
    tn_text_deinit(&bytes);
    return code != TARN_OK ? "there is no memory for it" : why;
}

static tn_reason read_cell(tn__csv_parser *p, tn__csv_cells *cells, uint32_t row, tn_str text,
                           tarn_error *err)
{
    const tn_type *type = cells->type;
    void *values = cells->values;
    switch (type->kind) {
    case TN_KIND_BOOLEAN:
        return read_boolean(text, values, row);
    case TN_KIND_TINYINT:
    case TN_KIND_SMALLINT:
    case TN_KIND_INTEGER:
    case TN_KIND_BIGINT:
    case TN_KIND_UTINYINT:
    case TN_KIND_USMALLINT:
    case TN_KIND_UINTEGER:
    case TN_KIND_UBIGINT:
        return read_integer(text, type, values, row);
    case TN_KIND_REAL:
        return tn_text_parse_real(text, &((float *)values)[row]);
    case TN_KIND_DOUBLE:
        return tn_text_parse_double(text, &((double *)values)[row]);
    case TN_KIND_DECIMAL:
        return read_decimal(text, type, values, row);
    case TN_KIND_DATE:
        return tn_text_parse_date(text, &((int32_t *)values)[row]);
    case TN_KIND_TIME:
        return tn_text_parse_time(text, &((int64_t *)values)[row]);
    case TN_KIND_TIMESTAMP:
    case TN_KIND_TIMESTAMP_NS:
    case TN_KIND_TIMESTAMPTZ:
        return read_timestamp(text, type, &((int64_t *)values)[row]);
    case TN_KIND_INTERVAL:
        return tn_text_parse_interval(text, &((tn_interval *)values)[row]);
    case TN_KIND_VARCHAR:
        ((tn_view *)values)[row] = tn_view_of(text.data, text.size);
        return NULL;
    case TN_KIND_BLOB:
        return read_blob(p, text, &((tn_view *)values)[row], err);
    case TN_KIND_NULL:
    case TN_KIND_LIST:
    case TN_KIND_STRUCT:
    case TN_KIND_MAP:
    case TN_KIND_COUNT:
        break;
    }
    return "text is not read as this type";
}

static void put_null(tn__csv_cells *cells, size_t rows, uint32_t row)
{
    const size_t width = tn_lane_size(cells->type->lane);
    if (!cells->has_nulls) {
        memset(cells->validity, 0xff, tn_bitmap_words(rows) * 8);
        cells->has_nulls = true;
    }
    tn_bit_clear(cells->validity, row);
    if (width == 0) {
        tn_bit_clear(cells->values, row);
    } else {
        memset((char *)cells->values + row * width, 0, width);
    }
}

static bool is_blank(tn_str text)
{
    size_t i = 0;
    while (i < text.size && (text.data[i] == ' ' || text.data[i] == '\t')) {
        i++;
    }
    return i == text.size;
}

/* A field's inside without escapes, in room of the batch: the record stays as it was written, for
 * it may be shown, or set aside. */
static TN_FALLIBLE unescape(tn__csv_parser *p, tn_str *text, tarn_error *err)
{
    const tn__csv_dialect *dialect = &p->source->dialect;
    tn_str copy;
    if (dialect->escape == 0 || text->size == 0 ||
        memchr(text->data, dialect->escape, text->size) == NULL) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_copy(&p->unescaped, *text, &copy, err));
    *text = (tn_str){copy.data, tn__csv_fold(dialect, (char *)(uintptr_t)copy.data, copy.size)};
    return TARN_OK;
}

/* A cell that no kernel took. */
static tarn_code read_odd(tn__csv_parser *p, tn__csv_cells *cells, const tn_csv_fields *fields,
                          uint32_t row, tarn_error *err)
{
    const tn__csv_source *source = p->source;
    const bool string = tn_type_is_string(cells->type);
    bool quoted;
    tn_str text = tn_csv_field(fields, row, &quoted);
    if (!quoted && (string ? text.size == 0 && source->empty_is_null : is_blank(text))) {
        put_null(cells, fields->rows, row);
        return TARN_OK;
    }
    if (!quoted && source->null_count > 0 && tn__csv_is_null_text(source, text)) {
        put_null(cells, fields->rows, row);
        return TARN_OK;
    }
    const tn_str written = text;
    if (quoted) {
        cells->is_quoted = true;
        TN_RETURN_IF_ERROR(unescape(p, &text, err));
        if (!string && is_blank(text)) {
            put_null(cells, fields->rows, row);
            return TARN_OK;
        }
    }
    tn_reason why = read_cell(p, cells, row, text, err);
    if (why == NULL && !source->asked[cells->field] &&
        !(tn_type_is_timestamp(cells->type) && tn__text_is_plain_time(text))) {
        why = tn__text_loses(cells->type, cells->values, row, text);
    }
    if (why == NULL) {
        return TARN_OK;
    }
    put_null(cells, fields->rows, row);
    return tn__csv_add_bad_cell(p, row, cells->field, written, cells->type, why, err);
}

static tarn_code read_marked(tn__csv_parser *p, tn__csv_cells *cells, const tn_csv_fields *fields,
                             tarn_error *err)
{
    for (size_t word = 0; word < tn_bitmap_words(fields->rows); word++) {
        for (uint64_t bits = cells->odd[word]; bits != 0; bits &= bits - 1) {
            const uint32_t row = (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(bits);
            TN_RETURN_IF_ERROR(read_odd(p, cells, fields, row, err));
        }
    }
    return TARN_OK;
}

/* ---- columns ----------------------------------------------------------------------------------
 */

/* Rows that do not fit the narrow lane are odd: the careful road says why. */
#define NARROW(T)                                 \
    do {                                          \
        T *restrict to = cells->values;           \
        for (size_t row = 0; row < rows; row++) { \
            to[row] = (T)from[row];               \
            if ((int64_t)to[row] != from[row]) {  \
                tn_bit_set(cells->odd, row);      \
            }                                     \
        }                                         \
    } while (0)

static void narrow(tn__csv_cells *cells, size_t rows)
{
    const int64_t *restrict from = cells->wide;
    switch (cells->type->lane) {
    case TN_LANE_i8:
        NARROW(int8_t);
        break;
    case TN_LANE_i16:
        NARROW(int16_t);
        break;
    case TN_LANE_i32:
        NARROW(int32_t);
        break;
    case TN_LANE_u8:
        NARROW(uint8_t);
        break;
    case TN_LANE_u16:
        NARROW(uint16_t);
        break;
    default:
        assert(cells->type->lane == TN_LANE_u32);
        NARROW(uint32_t);
        break;
    }
}

/* Eight digits may be more than the precision allows. */
static void check_precision(tn__csv_cells *cells, size_t rows)
{
    static const int64_t most[8] = {0, 9, 99, 999, 9999, 99999, 999999, 9999999};
    const int64_t *values = cells->values;
    for (size_t row = 0; row < rows; row++) {
        const int64_t bound = most[cells->type->precision];
        if (values[row] > bound || values[row] < -bound) {
            tn_bit_set(cells->odd, row);
        }
    }
}

static void run_kernel(tn__csv_parser *p, tn__csv_cells *cells, const tn_csv_fields *fields)
{
    const tn_csv_kernels *kernels = p->kernels;
    const tn_type *type = cells->type;
    if (tn_type_is_integer(type) && cells->wide != NULL) {
        kernels->integers(fields, cells->wide, cells->odd);
        narrow(cells, fields->rows);
    } else if (type->kind == TN_KIND_BIGINT) {
        kernels->integers(fields, cells->values, cells->odd);
    } else if (type->kind == TN_KIND_DECIMAL && type->lane == TN_LANE_i64 && type->scale < 8) {
        if (type->scale == 0) {
            kernels->integers(fields, cells->values, cells->odd);
        } else {
            kernels->decimals(fields, type->scale, cells->values, cells->odd);
        }
        if (type->precision < 8) {
            check_precision(cells, fields->rows);
        }
    } else if (type->kind == TN_KIND_DOUBLE) {
        kernels->doubles(fields, cells->values, cells->odd);
    } else if (type->kind == TN_KIND_DATE) {
        kernels->dates(fields, cells->values, cells->odd);
    } else if (type->kind == TN_KIND_VARCHAR) {
        kernels->views(fields, cells->values, cells->odd);
    } else {
        memset(cells->odd, 0xff, tn_bitmap_words(fields->rows) * 8);
        cells->odd[tn_bitmap_words(fields->rows) - 1] = tn_bitmap_tail(fields->rows);
    }
}

/*
 * A column without quotes in a block that has some: the kernels that look for none are faster, and
 * a quote is no digit, so the numbers in quotes show as odd, and tell it for the batches to come.
 */
static void run_without_quotes(tn__csv_parser *p, tn__csv_cells *cells, const tn_csv_fields *fields)
{
    tn_csv_fields plain = *fields;
    plain.quote = 0;
    run_kernel(p, cells, &plain);
    if (cells->type->kind == TN_KIND_VARCHAR) {
        const tn_view *views = cells->values;
        for (size_t row = 0; row < fields->rows; row++) {
            const bool begins = views[row].prefix[0] == fields->quote;
            cells->odd[row / 64] |= (uint64_t)begins << row % 64;
        }
    }
}

/* The careful road tells whether a number that large is one that a DOUBLE would round. */
static void mark_long(tn__csv_cells *cells, size_t rows)
{
    const double *values = cells->values;
    for (size_t word = 0; word < tn_bitmap_words(rows); word++) {
        const size_t end = rows < 64 * (word + 1) ? rows : 64 * (word + 1);
        bool any = false;
        for (size_t row = 64 * word; row < end; row++) {
            any |= tn__double_is_long(values[row]);
        }
        for (size_t row = 64 * word; any && row < end; row++) {
            cells->odd[word] |= (uint64_t)tn__double_is_long(values[row]) << row % 64;
        }
    }
}

/* Texts that mean NULL, where it is not only the empty one. */
static void mark_nulls(tn__csv_parser *p, tn__csv_cells *cells, const tn_csv_fields *fields)
{
    for (uint32_t row = 0; row < fields->rows; row++) {
        bool quoted;
        const tn_str text = tn_csv_field(fields, row, &quoted);
        if (!quoted && tn__csv_is_null_text(p->source, text)) {
            tn_bit_set(cells->odd, row);
        }
    }
}

tarn_code tn__csv_cells_read(tn__csv_parser *p, tn__csv_cells *cells, const tn_csv_fields *fields,
                             tn_column *out, tarn_error *err)
{
    cells->has_nulls = false;
    if (fields->quote != 0 && !cells->is_quoted) {
        run_without_quotes(p, cells, fields);
    } else {
        run_kernel(p, cells, fields);
    }
    if (cells->type->kind == TN_KIND_DOUBLE && !p->source->asked[cells->field]) {
        mark_long(cells, fields->rows);
    }
    if (p->source->null_count > 0) {
        mark_nulls(p, cells, fields);
    }
    TN_RETURN_IF_ERROR(read_marked(p, cells, fields, err));
    *out = (tn_column){.type = cells->type,
                       .lane = (uint8_t)cells->type->lane,
                       .rows = (uint32_t)fields->rows,
                       .values = cells->values,
                       .validity = cells->has_nulls ? cells->validity : NULL};
    return TARN_OK;
}

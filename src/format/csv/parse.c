/* Blocks of CSV to columns. */
#include "base/utf8.h"
#include "format/csv/cells_internal.h"

#include <assert.h>

/* ---- made and ended ---------------------------------------------------------------------------
 */

static void destroy(tn__text_parser *base)
{
    tn__csv_parser *p = (tn__csv_parser *)base;
    for (uint32_t i = 0; p->cells != NULL && i < p->field_count; i++) {
        tn__csv_cells_deinit(&p->cells[i], p->base.pool);
    }
    tn_pool *pool = p->base.pool;
    tn_pool_free(pool, p->cells, p->field_count * sizeof(*p->cells));
    tn_pool_free(pool, p->columns, p->field_count * sizeof(*p->columns));
    tn_pool_free(pool, p->ends_memory, p->ends_size);
    tn_pool_free(pool, p->pairs, p->pairs_capacity * sizeof(*p->pairs));
    tn_pool_free(pool, p->records, p->records_capacity * sizeof(*p->records));
    tn_pool_free(pool, p->base.bad, p->base.bad_capacity * sizeof(*p->base.bad));
    tn_pool_free(pool, p->places, sizeof(*p->places));
    tn_arena_deinit(&p->unescaped);
    tn_pool_free(pool, p, sizeof(*p));
}

static uint32_t batch_rows(const tn_schema *schema, const uint32_t *fields, uint32_t count)
{
    size_t width = 0;
    for (uint32_t i = 0; i < count; i++) {
        width += tn_lane_size(schema->fields[fields[i]].type->lane);
    }
    return tn_batch_rows(width);
}

static tarn_code create(const tn__text_source *base, const uint32_t *fields, uint32_t field_count,
                        tn_pool *pool, tn__text_parser **out, tarn_error *err)
{
    const tn__csv_source *source = (const tn__csv_source *)base;
    tarn_code code = TARN_OK;
    void *memory;

    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(tn__csv_parser), &memory, err));
    tn__csv_parser *p = memory;
    p->base.ops = &tn__csv_ops;
    p->base.source = base;
    p->base.pool = pool;
    tn_arena_init(&p->unescaped, pool);
    p->source = source;
    p->kernels = tn_csv_kernels_table();
    p->width = base->base.schema.count;
    p->field_count = field_count;
    TN_TRY(tn_pool_alloc(pool, sizeof(*p->places), &memory, err));
    p->places = memory;
    p->base.ordinals = p->places->ordinals;
    p->base.starts = p->places->starts;
    if (field_count > 0) {
        TN_TRY(tn_pool_alloc_zeroed(pool, field_count * sizeof(*p->cells), &memory, err));
        p->cells = memory;
        TN_TRY(tn_pool_alloc_zeroed(pool, field_count * sizeof(*p->columns), &memory, err));
        p->columns = memory;
        p->base.columns = p->columns;
    }
    p->rows_max = batch_rows(&base->base.schema, fields, field_count);
    for (uint32_t i = 0; i < field_count; i++) {
        const tn_type *type = base->base.schema.fields[fields[i]].type;
        TN_TRY(tn__csv_cells_init(&p->cells[i], type, fields[i], p->rows_max, pool, err));
        p->cells[i].same_as = i;
        for (uint32_t j = 0; j < i; j++) {
            if (fields[j] == fields[i]) {
                p->cells[i].same_as = j;
                break;
            }
        }
    }
    *out = &p->base;
    p = NULL;
done:
    if (p != NULL) {
        destroy(&p->base);
    }
    return code;
}

/* ---- rows of a block that is not plain ---------------------------------------------------------
 */

static tarn_code add_bad_record(tn__csv_parser *p, size_t record, size_t start, size_t end,
                                tn_reason why, size_t found, tarn_error *err)
{
    const tn__bad bad = {.row = UINT32_MAX,
                         .record = (uint32_t)record,
                         .start = (uint32_t)start,
                         .end = (uint32_t)end,
                         .column = -1,
                         .code = TARN_E_INVALID,
                         .why = why,
                         .expected = found == 0 ? 0 : p->width,
                         .found = (uint32_t)found};
    return tn__text_add_bad(&p->base, &bad, err);
}

/* The rest of the block, from `start` on, has a quote in `field` (from 0) that nothing closes. */
static tarn_code add_unclosed(tn__csv_parser *p, size_t start, size_t end, size_t field,
                              size_t field_start, tarn_error *err)
{
    const tn__bad bad = {.row = UINT32_MAX,
                         .record = (uint32_t)p->base.records++,
                         .start = (uint32_t)start,
                         .end = (uint32_t)end,
                         .field_start = (uint32_t)field_start,
                         .column = field < p->width ? (int32_t)field : -1,
                         .code = TARN_E_INVALID,
                         .why = "a quote is opened and never closed"};
    return tn__text_add_bad(&p->base, &bad, err);
}

static tarn_code add_behind(tn__csv_parser *p, size_t record, size_t start, size_t end,
                            const tn__csv_quotes *quotes, tarn_error *err)
{
    const tn__bad bad = {.row = UINT32_MAX,
                         .record = (uint32_t)record,
                         .start = (uint32_t)start,
                         .end = (uint32_t)end,
                         .field_start = quotes->span.start,
                         .field_size = quotes->span.end - quotes->span.start,
                         .column = quotes->field < p->width ? (int32_t)quotes->field : -1,
                         .code = TARN_E_INVALID,
                         .why = TN__CSV_BEHIND,
                         .is_shown = true};
    return tn__text_add_bad(&p->base, &bad, err);
}

/* Bytes that are no UTF-8, in the field that has the first of them. */
static tarn_code add_bad_bytes(tn__csv_parser *p, size_t record, uint32_t start, uint32_t end,
                               const uint32_t *pairs, size_t found, tarn_error *err)
{
    const size_t at = start + tn_utf8_check(p->base.text + start, end - start);
    tn__bad bad = {.row = UINT32_MAX,
                   .record = (uint32_t)record,
                   .start = start,
                   .end = end,
                   .column = -1,
                   .code = TARN_E_INVALID,
                   .why = TN__NO_UTF8};
    for (uint32_t i = 0; i < found && i < p->width; i++) {
        const uint32_t first = pairs[2 * i] + 1; /* behind the end of the field before */
        if (first <= at && at < pairs[2 * i + 1]) {
            bad.column = (int32_t)i;
            bad.field_start = first;
            bad.field_size = pairs[2 * i + 1] - first;
        }
    }
    return tn__text_add_bad(&p->base, &bad, err);
}

static tarn_code reserve_row(tn__csv_parser *p, tarn_error *err)
{
    const size_t count = p->rows * 2 * p->width;
    TN_RETURN_IF_ERROR(tn_vec_grow(p->base.pool, (void **)&p->pairs, &p->pairs_capacity, count,
                                   2 * (size_t)p->width, sizeof(*p->pairs), err));
    return tn_vec_grow(p->base.pool, (void **)&p->records, &p->records_capacity, p->rows, 1,
                       sizeof(*p->records), err);
}

/* One record of `found` fields, the first of them in the row that was reserved.  `quotes`: NULL
 * where they were found to stand as they should. */
static tarn_code take_record(tn__csv_parser *p, const char *text, uint32_t start, uint32_t end,
                             size_t found, const tn__csv_quotes *quotes, tarn_error *err)
{
    uint32_t *pairs = p->pairs + p->rows * 2 * p->width;
    if (found == 1 && start == end && p->width > 1) {
        return TARN_OK; /* a blank line */
    }
    const size_t record = p->base.records++;
    if (p->check_utf8 && !tn_utf8_valid(text + start, end - start)) {
        return add_bad_bytes(p, record, start, end, pairs, found, err);
    }
    if (quotes != NULL && quotes->behind) {
        return add_behind(p, record, start, end, quotes, err);
    }
    if (found > p->width || (found < p->width && !p->source->null_padding)) {
        return add_bad_record(p, record, start, end,
                              found > p->width ? "too many fields" : "too few fields", found, err);
    }
    for (size_t i = found; i < p->width; i++) {
        pairs[2 * i] = end - 1;
        pairs[2 * i + 1] = end;
    }
    p->records[p->rows++] = (uint32_t)record;
    return TARN_OK;
}

static void use_pairs(tn__csv_parser *p)
{
    p->table = p->pairs;
    p->stride = 2 * (size_t)p->width;
    p->step = 2;
    p->first = 1;
    p->has_ordinals = true;
    p->trim_return = false;
}

/* From the ends that the index found. */
static tarn_code regroup(tn__csv_parser *p, const char *text, size_t count, size_t limit,
                         size_t *used, tarn_error *err)
{
    const char newline = p->source->dialect.newline;
    const uint32_t *ends = p->ends;
    size_t i = 0;
    p->rows = p->base.records = 0;
    *used = 0;
    while (i < count && (size_t)(uint32_t)(ends[(ptrdiff_t)i - 1] + 1) < limit) {
        const uint32_t start = ends[(ptrdiff_t)i - 1] + 1;
        size_t found = 0;
        size_t last = i;
        TN_RETURN_IF_ERROR(reserve_row(p, err));
        uint32_t *pairs = p->pairs + p->rows * 2 * p->width;
        while (last < count && text[ends[last]] != newline) {
            last++;
        }
        if (last == count) {
            break; /* not whole */
        }
        found = last - i + 1;
        const uint32_t at = ends[last];
        const uint32_t end = at - (at > start && text[at - 1] == '\r');
        for (size_t k = 0; k < found && k < p->width; k++) {
            pairs[2 * k] = ends[(ptrdiff_t)(i + k) - 1];
            pairs[2 * k + 1] = i + k == last ? end : ends[i + k];
        }
        TN_RETURN_IF_ERROR(take_record(p, text, start, end, found, NULL, err));
        *used = (size_t)at + 1;
        i = last + 1;
    }
    use_pairs(p);
    return TARN_OK;
}

/* From the text, byte by byte. */
static tarn_code split(tn__csv_parser *p, const char *text, size_t size, size_t limit, bool is_last,
                       size_t *used, tarn_error *err)
{
    size_t at = 0;
    p->rows = p->base.records = 0;
    *used = 0;
    while (at < size && at < limit) {
        const size_t start = at;
        size_t found = 0;
        tn__csv_quotes quotes;
        TN_RETURN_IF_ERROR(reserve_row(p, err));
        tn__csv_span *spans = (tn__csv_span *)(void *)(p->pairs + p->rows * 2 * p->width);
        const tn__csv_split answer = tn__csv_split_record(&p->source->dialect, text, size, is_last,
                                                          &at, spans, p->width, &found, &quotes);
        if (answer == TN__CSV_INCOMPLETE) {
            break;
        }
        if (answer == TN__CSV_UNCLOSED) {
            TN_RETURN_IF_ERROR(add_unclosed(p, start, size, found - 1, at, err));
            at = size;
        } else if (answer == TN__CSV_RECORD) {
            const size_t kept = found < p->width ? found : p->width;
            const uint32_t end = found <= p->width ? spans[kept - 1].end : (uint32_t)at;
            for (size_t i = 0; i < kept; i++) {
                spans[i].start--; /* as the index has it */
            }
            TN_RETURN_IF_ERROR(take_record(p, text, (uint32_t)start, end, found, &quotes, err));
        }
        *used = at;
    }
    use_pairs(p);
    return TARN_OK;
}

/* ---- the index --------------------------------------------------------------------------------
 */

static tarn_code reserve_ends(tn__csv_parser *p, size_t size, tarn_error *err)
{
    /* the entry before the first opens the first field */
    const size_t bytes = (size + 2 * TN_CSV_ENDS_SLACK) * sizeof(uint32_t);
    void *memory;
    if (p->ends_size >= bytes) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_pool_alloc(p->base.pool, bytes, &memory, err));
    tn_pool_free(p->base.pool, p->ends_memory, p->ends_size);
    p->ends_memory = memory;
    p->ends_size = bytes;
    p->ends = p->ends_memory + 16;
    p->ends[-1] = UINT32_MAX;
    return TARN_OK;
}

/* Every width-th end is a line end, and there are no others. */
static bool is_plain(tn__csv_parser *p, const char *text, size_t count, size_t records)
{
    const char newline = p->source->dialect.newline;
    const uint32_t *end = p->ends + p->width - 1;
    unsigned wrong = 0;
    unsigned returns = 0;
    if (count / p->width != records) {
        return false;
    }
    for (size_t row = 0; row < records; row++, end += p->width) {
        wrong |= (unsigned)(text[*end] ^ newline);
        returns |= text[*end - (*end > 0)] == '\r'; /* an empty line may begin the text */
    }
    p->trim_return = returns != 0;
    return wrong == 0;
}

static tarn_code index_simple(tn__csv_parser *p, char *text, size_t size, size_t limit,
                              bool is_last, size_t *used, tarn_error *err)
{
    const tn__csv_dialect *d = &p->source->dialect;
    tn_csv_scan scan = {.delimiter = d->delimiter[0],
                        .quote = d->quote == 0 ? d->newline : d->quote,
                        .newline = d->newline};
    size_t whole = size;
    TN_RETURN_IF_ERROR(reserve_ends(p, size + 1, err));
    if (is_last && text[size - 1] != d->newline) {
        text[size] = d->newline;
        whole++;
    }
    const size_t count = p->kernels->index(text, whole, p->ends, &scan);
    p->has_quotes = scan.quotes;
    p->check_utf8 = scan.non_ascii && !p->kernels->utf8(text, size);
    if (p->check_utf8 && !is_last) {
        /* the block may end in the middle of a letter */
        size_t end = size;
        while (end > 0 && size - end < 4 && (text[end - 1] & 0xc0) == 0x80) {
            end--;
        }
        end -= end > 0 && (text[end - 1] & 0x80) != 0;
        p->check_utf8 = !p->kernels->utf8(text, end);
    }
    if (scan.odd) {
        return split(p, text, size, limit, is_last, used, err);
    }
    p->newlines_all = scan.newlines - (whole - size);
    if (!p->check_utf8 && is_plain(p, text, count, scan.records)) {
        size_t rows = scan.records;
        while (rows > 0 &&
               (size_t)(uint32_t)(p->ends[(ptrdiff_t)((rows - 1) * p->width) - 1] + 1) >= limit) {
            rows--;
        }
        p->rows = p->base.records = rows;
        p->table = p->ends;
        p->stride = p->width;
        p->step = 1;
        p->first = 0;
        p->has_ordinals = false;
        *used = rows == 0 ? 0 : (size_t)p->ends[rows * p->width - 1] + 1;
    } else {
        TN_RETURN_IF_ERROR(regroup(p, text, count, limit, used, err));
    }
    if (is_last && scan.in_quotes && *used < size && *used < limit) {
        size_t at = *used;
        size_t found = 1;
        tn__csv_quotes quotes;
        (void)tn__csv_split_record(d, text, size, true, &at, NULL, 0, &found, &quotes);
        TN_RETURN_IF_ERROR(add_unclosed(p, *used, size, found - 1, at, err));
        *used = size;
    }
    return TARN_OK;
}

static tarn_code index_block(tn__text_parser *base, char *text, size_t size, size_t limit,
                             bool is_last, size_t *used, tarn_error *err)
{
    tn__csv_parser *p = (tn__csv_parser *)base;
    tarn_code code;
    p->base.text = text;
    p->base.rows = 0;
    p->row = 0;
    p->newlines_all = SIZE_MAX;
    if (tn__csv_is_simple(&p->source->dialect)) {
        code = index_simple(p, text, size, limit, is_last, used, err);
    } else {
        p->has_quotes = true;
        p->check_utf8 = !tn_utf8_is_ascii(text, size);
        code = split(p, text, size, limit, is_last, used, err);
    }
    if (*used > size) {
        *used = size;
    }
    const char newline = '\n';
    p->base.newlines =
        p->newlines_all == SIZE_MAX
            ? p->kernels->count(text, *used, newline)
            : p->newlines_all - p->kernels->count(text + *used, size - *used, newline);
    if (p->source->dialect.newline != newline) {
        p->base.newlines = p->kernels->count(text, *used, newline);
    }
    return code;
}

static size_t first_record(tn__text_parser *base, const char *text, size_t size)
{
    const tn__csv_parser *p = (const tn__csv_parser *)base;
    const char *found = size == 0 ? NULL : memchr(text, p->source->dialect.newline, size);
    return found == NULL ? SIZE_MAX : (size_t)(found - text) + 1;
}

/* ---- batches ----------------------------------------------------------------------------------
 */

static uint32_t start_of(const tn__csv_parser *p, size_t row)
{
    return (p->table + row * p->stride + p->first)[-1] + 1;
}

static uint32_t end_of(const tn__csv_parser *p, size_t row)
{
    return p->table[row * p->stride + p->first + (size_t)(p->width - 1) * p->step];
}

tarn_code tn__csv_add_bad_cell(tn__csv_parser *p, uint32_t row, uint32_t column, tn_str field,
                               const tn_type *type, tn_reason why, tarn_error *err)
{
    const size_t at = p->row + row;
    const tn__bad bad = {.row = row,
                         .record = p->has_ordinals ? p->records[at] : (uint32_t)at,
                         .start = start_of(p, at),
                         .end = end_of(p, at),
                         .field_start = (uint32_t)(field.data - p->base.text),
                         .field_size = (uint32_t)field.size,
                         .column = (int32_t)column,
                         .code = TARN_E_INVALID,
                         .why = why,
                         .type = type};
    return tn__text_add_bad(&p->base, &bad, err);
}

static tarn_code parse(tn__text_parser *base, tarn_error *err)
{
    tn__csv_parser *p = (tn__csv_parser *)base;
    size_t rows = p->rows - (p->row += p->base.rows);
    rows = rows < p->rows_max ? rows : p->rows_max;
    while (rows > 1 && end_of(p, p->row + rows - 1) - start_of(p, p->row) > TN_BATCH_HEAP) {
        rows /= 2;
    }
    p->base.rows = (uint32_t)rows;
    tn_arena_reset(&p->unescaped);
    for (size_t i = 0; i < rows; i++) {
        p->places->ordinals[i] = p->has_ordinals ? p->records[p->row + i] : (uint32_t)(p->row + i);
        p->places->starts[i] = start_of(p, p->row + i);
    }
    for (uint32_t i = 0; rows > 0 && i < p->field_count; i++) {
        tn__csv_cells *cells = &p->cells[i];
        if (cells->same_as != i) {
            p->columns[i] = p->columns[cells->same_as];
            continue;
        }
        const tn_csv_fields fields = {
            .text = p->base.text,
            .end = p->table + p->row * p->stride + p->first + (size_t)cells->field * p->step,
            .stride = p->stride,
            .rows = rows,
            .quote = p->has_quotes ? p->source->dialect.quote : 0,
            .trim_return = p->trim_return && cells->field == p->width - 1};
        TN_RETURN_IF_ERROR(tn__csv_cells_read(p, cells, &fields, &p->columns[i], err));
    }
    return TARN_OK;
}

/* What to do, in the words of SQL or of a pipeline's file. */
static void hint(const tn__text_source *source, const tn__bad *bad, tarn_error *err)
{
    const char *leave_out = source->is_pipeline
                                ? "on_bad_record = \"quarantine\" sets such records aside"
                                : "ignore_errors => true leaves such records out";
    const char *no_quotes = source->is_pipeline ? "format = { quote = \"\" }" : "quote => ''";
    if (bad->type != NULL) {
        const tn_str name = source->base.schema.fields[bad->column].name;
        const int size = (int)(name.size < 64 ? name.size : 64);
        if (source->is_pipeline) {
            tn_hint(err,
                    "read it as text with columns = { %.*s = \"VARCHAR\" }, name what means NULL "
                    "with format = { null = \"...\" }; %s",
                    size, name.data, leave_out);
        } else {
            tn_hint(err,
                    "read it as text with types => {'%.*s': 'VARCHAR'}, name what means NULL with "
                    "nullstr => '...', or leave such records out with ignore_errors => true",
                    size, name.data);
        }
    } else if (bad->expected > bad->found) {
        tn_hint(err, "null_padding => true makes missing fields NULL; %s", leave_out);
    } else if (bad->is_shown) {
        tn_hint(err, TN__CSV_BEHIND_HINT ", or read quotes as text with %s; %s", no_quotes,
                leave_out);
    } else if (strcmp(bad->why, TN__NO_UTF8) == 0) {
        tn_hint(err, "write the file as UTF-8; %s", leave_out);
    } else if (bad->field_start > 0 || bad->column >= 0) {
        tn_hint(err, "close it, or read quotes as text with %s; %s", no_quotes, leave_out);
    } else {
        tn_hint(err, "%s", leave_out);
    }
}

const tn__text_ops tn__csv_ops = {
    .kind = "csv",
    .source_size = sizeof(tn__csv_source),
    .parser_create = create,
    .parser_destroy = destroy,
    .first_record = first_record,
    .index = index_block,
    .parse = parse,
    .hint = hint,
};

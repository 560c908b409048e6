/* Blocks of JSON to columns. */
#include "base/utf8.h"
#include "format/json/json_internal.h"

static void destroy(tn__text_parser *base)
{
    tn__json_parser *p = (tn__json_parser *)base;
    tn_pool *pool = p->base.pool;
    tn__json_nodes_deinit(&p->nodes);
    tn_vec_free(&p->records);
    tn_pool_free(pool, p->places, 2 * TN_BATCH_ROWS * sizeof(uint32_t));
    tn_pool_free(pool, p->fields, p->field_count * sizeof(uint32_t));
    tn_pool_free(pool, p->base.bad, p->base.bad_capacity * sizeof(*p->base.bad));
    tn_pool_free(pool, p, sizeof(*p));
}

static tarn_code create(const tn__text_source *base, const uint32_t *fields, uint32_t field_count,
                        tn_pool *pool, tn__text_parser **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    void *memory;
    const tn_type **types = NULL;

    *out = NULL;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(pool, sizeof(tn__json_parser), &memory, err));
    tn__json_parser *p = memory;
    p->base.ops = &tn__json_ops;
    p->base.source = base;
    p->base.pool = pool;
    p->source = (const tn__json_source *)base;
    p->kernels = tn_csv_kernels_table();
    p->records.pool = pool;
    p->nodes.pool = pool;
    TN_TRY(tn_pool_alloc(pool, 2 * TN_BATCH_ROWS * sizeof(uint32_t), &memory, err));
    p->places = memory;
    p->base.ordinals = p->places;
    p->base.starts = p->places + TN_BATCH_ROWS;
    if (field_count > 0) {
        TN_TRY(tn_pool_alloc(pool, field_count * sizeof(uint32_t), &memory, err));
        p->fields = memory;
        p->field_count = field_count;
        memcpy(p->fields, fields, field_count * sizeof(uint32_t));
        TN_TRY(tn_pool_alloc(pool, field_count * sizeof(*types), &memory, err));
        types = memory;
        p->names_are_plain = true;
        for (uint32_t i = 0; i < field_count; i++) {
            const tn_str name = base->base.schema.fields[fields[i]].name;
            types[i] = base->base.schema.fields[fields[i]].type;
            p->names_are_plain = p->names_are_plain && tn_str_find(name, '"') == SIZE_MAX &&
                                 tn_str_find(name, '\\') == SIZE_MAX;
        }
        TN_TRY(tn__json_nodes_init(&p->nodes, types, field_count, pool, err));
    }
    *out = &p->base;
    p = NULL;
done:
    tn_pool_free(pool, (void *)(uintptr_t)types, field_count * sizeof(*types));
    if (p != NULL) {
        destroy(&p->base);
    }
    return code;
}

/* ---- records ----------------------------------------------------------------------------------
 */

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static tarn_code add_bad(tn__json_parser *p, uint32_t row, const tn__json_record *record,
                         tn_reason why, tn_str field, const tn_type *type, int32_t column,
                         tarn_error *err)
{
    const tn__bad bad = {.row = row,
                         .record = record->ordinal,
                         .start = record->start,
                         .end = record->end,
                         .field_start = (uint32_t)(field.data - p->base.text),
                         .field_size = (uint32_t)field.size,
                         .column = column,
                         .code = TARN_E_INVALID,
                         .why = why,
                         .type = type,
                         .fails = why == p->unknown};
    return tn__text_add_bad(&p->base, &bad, err);
}

static tarn_code add_record(tn__json_parser *p, size_t start, size_t end, bool check_utf8,
                            tarn_error *err)
{
    const tn__json_record record = {(uint32_t)start, (uint32_t)end, (uint32_t)p->base.records++};
    if (check_utf8 && !tn_utf8_valid(p->base.text + start, end - start)) {
        const size_t at = start + tn_utf8_check(p->base.text + start, end - start);
        const size_t from = at - start > 20 ? at - 20 : start;
        return add_bad(p, UINT32_MAX, &record, TN__NO_UTF8,
                       (tn_str){p->base.text + from, end - from}, NULL, -1, err);
    }
    return tn_vec_push(&p->records, record, err);
}

static tarn_code index_lines(tn__json_parser *p, const char *text, size_t size, size_t limit,
                             bool is_last, bool check_utf8, size_t *used, tarn_error *err)
{
    size_t at = 0;
    while (at < size && at < limit) {
        const char *stop = memchr(text + at, '\n', size - at);
        if (stop == NULL && !is_last) {
            break;
        }
        const size_t next = stop == NULL ? size : (size_t)(stop - text) + 1;
        size_t end = stop == NULL ? size : (size_t)(stop - text);
        while (at < end && is_space(text[at])) {
            at++;
        }
        while (end > at && is_space(text[end - 1])) {
            end--;
        }
        if (end > at) {
            TN_RETURN_IF_ERROR(add_record(p, at, end, check_utf8, err));
        }
        at = next;
        *used = at;
    }
    return TARN_OK;
}

/* Records by their brackets; commas, and the end of an array, stand between. */
static tarn_code index_values(tn__json_parser *p, const char *text, size_t size, size_t limit,
                              bool is_last, bool check_utf8, size_t *used, tarn_error *err)
{
    size_t at = 0;
    while (at < size && at < limit) {
        while (at < size && (is_space(text[at]) ||
                             (p->source->in_array && (text[at] == ',' || text[at] == ']')))) {
            at++;
        }
        *used = at;
        if (at == size) {
            break;
        }
        const size_t end = tn__json_skip(text, size, at);
        if (end == SIZE_MAX ||
            (end == size && !is_last && text[end - 1] != '}' && text[end - 1] != ']')) {
            if (is_last || text[at] == '}' || text[at] == ']') {
                const tn__json_record record = {(uint32_t)at, (uint32_t)size,
                                                (uint32_t)p->base.records++};
                *used = size;
                return add_bad(p, UINT32_MAX, &record,
                               is_last ? "the text ends within a record" : "it is no valid JSON",
                               (tn_str){text, 0}, NULL, -1, err);
            }
            break;
        }
        TN_RETURN_IF_ERROR(add_record(p, at, end, check_utf8, err));
        at = end;
        *used = at;
    }
    return TARN_OK;
}

static tarn_code index_block(tn__text_parser *base, char *text, size_t size, size_t limit,
                             bool is_last, size_t *used, tarn_error *err)
{
    tn__json_parser *p = (tn__json_parser *)base;
    p->base.text = text;
    p->base.rows = 0;
    p->base.records = 0;
    p->records.count = 0;
    p->record = 0;
    *used = 0;
    const bool check_utf8 = !tn_utf8_is_ascii(text, size) && !p->kernels->utf8(text, size);
    const tarn_code code = p->source->by_lines
                               ? index_lines(p, text, size, limit, is_last, check_utf8, used, err)
                               : index_values(p, text, size, limit, is_last, check_utf8, used, err);
    p->base.newlines = p->kernels->count(text, *used, '\n');
    return code;
}

static size_t first_record(tn__text_parser *base, const char *text, size_t size)
{
    const char *found = size == 0 ? NULL : memchr(text, '\n', size);
    (void)base;
    return found == NULL ? SIZE_MAX : (size_t)(found - text) + 1;
}

/* ---- batches ----------------------------------------------------------------------------------
 */

static tarn_code parse(tn__text_parser *base, tarn_error *err)
{
    tn__json_parser *p = (tn__json_parser *)base;
    uint32_t *ordinals = p->places;
    uint32_t *starts = p->places + TN_BATCH_ROWS;
    uint32_t rows = 0;
    size_t heap = 0;

    tn__json_nodes_clear(&p->nodes);
    p->record += p->base.rows;
    while (p->record + rows < p->records.count && rows < TN_BATCH_ROWS && heap < TN_BATCH_HEAP) {
        const tn__json_record *record = &p->records.items[p->record + rows];
        tn_reason why = NULL;
        tn_str field;
        const tn_type *type;
        TN_RETURN_IF_ERROR(tn__json_shred(p, p->base.text + record->start,
                                          record->end - record->start, rows, &why, &field, &type,
                                          err));
        if (why != NULL) {
            const int32_t column =
                p->top == UINT32_MAX || type == NULL ? -1 : (int32_t)p->fields[p->top];
            TN_RETURN_IF_ERROR(add_bad(p, rows, record, why, field, type, column, err));
        }
        ordinals[rows] = record->ordinal;
        starts[rows] = record->start;
        heap += record->end - record->start;
        rows++;
    }
    TN_RETURN_IF_ERROR(tn__json_nodes_finish(&p->nodes, p->field_count, rows, err));
    p->base.columns = p->nodes.columns;
    p->base.rows = rows;
    return TARN_OK;
}

/* What to do, in the words of SQL or of a pipeline's file. */
static void hint(const tn__text_source *source, const tn__bad *bad, tarn_error *err)
{
    const char *leave_out = source->is_pipeline
                                ? "on_bad_record = \"quarantine\" sets such records aside"
                                : "ignore_errors => true leaves such records out";
    if (bad->fails) {
        const bool of_many = ((const tn__json_source *)source)->of_many;
        tn_hint(
            err,
            source->is_pipeline ? "on_new_column = \"ignore\" leaves it out"
            : of_many
                ? "union_by_name => true with sample_size => -1 takes the fields of all files; "
                  "on_new_column => 'ignore' leaves such fields out"
                : "sample_size => -1 looks at all records; on_new_column => 'ignore' leaves such "
                  "fields out");
    } else if (bad->column >= 0) {
        const tn_str name = source->base.schema.fields[bad->column].name;
        tn_hint(err,
                source->is_pipeline ? "read it as text with columns = { %.*s = \"VARCHAR\" }; %s"
                                    : "read it as text with types => {'%.*s': 'VARCHAR'}; %s",
                (int)(name.size < 64 ? name.size : 64), name.data, leave_out);
    } else {
        tn_hint(err, "%s", leave_out);
    }
}

const tn__text_ops tn__json_ops = {
    .kind = "json",
    .source_size = sizeof(tn__json_source),
    .parser_create = create,
    .parser_destroy = destroy,
    .first_record = first_record,
    .index = index_block,
    .parse = parse,
    .hint = hint,
};

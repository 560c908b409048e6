/* Records that cannot be taken: an error, a reject, or nothing. */
#include "format/text/scan_internal.h"

#include "base/size.h"
#include "base/utf8.h"

#include <stdio.h>

int64_t tn__text_line_of(const tn__text_task *task, uint32_t start)
{
    const char *text = task->blocks.parser->text;
    int64_t line = (int64_t)(task->base_lines + task->lines) + 1;
    for (uint32_t i = 0; i < start; i++) {
        line += text[i] == '\n';
    }
    return line;
}

int64_t tn__text_row_of(const tn__text_task *task, uint32_t record)
{
    return (int64_t)(task->base_rows + task->rows + record) + 1;
}

static bool is_bytes(const tn__bad *bad)
{
    return strcmp(bad->why, TN__NO_UTF8) == 0;
}

enum { SHOWN = 60, SHOWN_ROOM = 4 * SHOWN + sizeof("…") };

/* The beginning of a text on one line; bytes that are no character of one as \xNN. */
static const char *excerpt(tn_str text, char *room)
{
    size_t used = 0;
    size_t at = 0;
    while (at < text.size && at < SHOWN) {
        const size_t left = tn_min_size(text.size - at, 4);
        const uint8_t byte = (uint8_t)text.data[at];
        size_t size = 1;
        while (size < left && byte >= 0xc0 && !tn_utf8_valid(text.data + at, size)) {
            size++;
        }
        if (byte < ' ' || byte == 0x7f || !tn_utf8_valid(text.data + at, size)) {
            used += (size_t)snprintf(room + used, SHOWN_ROOM - used, "\\x%02X", byte);
            at++;
            continue;
        }
        memcpy(room + used, text.data + at, size);
        used += size;
        at += size;
    }
    (void)snprintf(room + used, SHOWN_ROOM - used, "%s", at < text.size ? "…" : "");
    return room;
}

static tn_str record_text(const char *text, const tn__bad *bad)
{
    tn_str record = {text + bad->start, bad->end - bad->start};
    while (record.size > 0 &&
           (record.data[record.size - 1] == '\n' || record.data[record.size - 1] == '\r')) {
        record.size--;
    }
    return record;
}

/* Why, in words: the innermost part of the message.  `alone`: the record is not kept beside it. */
static tarn_code describe(const tn__text_task *task, const tn__bad *bad, bool alone,
                          tarn_error *err)
{
    const char *text = task->blocks.parser->text;
    const tn_str field = {text + bad->field_start, bad->field_size};
    char room[SHOWN_ROOM];
    tarn_code code;
    if (bad->expected != 0) {
        code = tn_fail(err, bad->code, "%s: %u field%s where %u are expected%s%s%s", bad->why,
                       bad->found, bad->found == 1 ? "" : "s", bad->expected, alone ? ": '" : "",
                       alone ? excerpt(record_text(text, bad), room) : "", alone ? "'" : "");
    } else if (is_bytes(bad) && bad->field_size > 0 && alone) {
        code = tn_fail(err, bad->code, "'%s': %s", excerpt(field, room), bad->why);
    } else if (bad->type != NULL) {
        code = tn_text_fail(field, bad->type, bad->why, err);
    } else if (bad->is_shown) {
        code = tn_text_fail(field, NULL, bad->why, err);
    } else {
        code = tn_fail(err, bad->code, "%s", bad->why);
    }
    return code;
}

static tn_str column_name(const tn__text_task *task, const tn__bad *bad)
{
    return bad->column < 0 ? TN_STR_NONE : task->scan->source->base.schema.fields[bad->column].name;
}

/* A place whose line is known, so that a block of bad records is not counted from its start for
 * each. */
typedef struct known_line {
    uint32_t at;
    int64_t line; /* 0: none is known */
} known_line;

/* The record's line; of a field that never ends, its own. */
static int64_t place_of(const tn__text_task *task, const tn__bad *bad, known_line *known)
{
    const bool is_open = bad->type == NULL && !is_bytes(bad) && bad->field_start > bad->start;
    const uint32_t at = is_open ? bad->field_start : bad->start;
    if (known->line == 0 || at < known->at) {
        known->line = tn__text_line_of(task, at);
    } else {
        for (uint32_t i = known->at; i < at; i++) {
            known->line += task->blocks.parser->text[i] == '\n';
        }
    }
    known->at = at;
    return known->line;
}

static tarn_code fail(const tn__text_task *task, const tn__bad *bad, tarn_error *err)
{
    const tn__text_source *source = task->scan->source;
    const char *uri = tn_object_uri(source->object);
    known_line known = {0, 0};
    const int64_t line = place_of(task, bad, &known);
    const tn_str name = column_name(task, bad);
    const tarn_code code = describe(task, bad, true, err);
    if (name.size > 0) {
        tn_explain(err, "'%s', line %lld, column '%.*s'", uri, (long long)line,
                   (int)(name.size < 64 ? name.size : 64), name.data);
    } else {
        tn_explain(err, "'%s', line %lld", uri, (long long)line);
    }
    tn_subject(err, uri);
    tn_locate(err, line, 0, tn__text_row_of(task, bad->record));
    source->ops->hint(source, bad, err);
    return code;
}

static tarn_code reject(const tn__text_task *task, const tn__bad *bad, known_line *known,
                        tarn_error *err)
{
    tn_reject_edge *edge = task->scan->request.rejects;
    const char *text = task->blocks.parser->text;
    const char *uri = tn_object_uri(task->scan->source->object);
    tarn_error why = TARN_ERROR_INIT;
    const tarn_code code = describe(task, bad, false, &why);
    const tn_reject row = {
        .file = tn_str_of(uri),
        .row = tn__text_row_of(task, bad->record),
        .line = place_of(task, bad, known),
        .column = column_name(task, bad),
        .code = code,
        .reason = tn_str_of(why.message),
        .raw = {text + bad->start, bad->end - bad->start},
    };
    return edge->reject(edge, &row, err);
}

/* By record, then by column. */
static bool comes_before(const tn__bad *a, const tn__bad *b)
{
    return a->record != b->record ? a->record < b->record : a->column < b->column;
}

/* A heap sort: the list is a batch's at most, and mostly a few. */
static void sift(tn__bad *bad, size_t root, size_t count)
{
    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        child += child + 1 < count && comes_before(&bad[child], &bad[child + 1]);
        if (!comes_before(&bad[root], &bad[child])) {
            return;
        }
        const tn__bad moved = bad[root];
        bad[root] = bad[child];
        bad[child] = moved;
        root = child;
    }
}

static void sort_bad(tn__bad *bad, size_t count)
{
    for (size_t i = count / 2; i > 0; i--) {
        sift(bad, i - 1, count);
    }
    for (size_t end = count; end > 1; end--) {
        const tn__bad last = bad[end - 1];
        bad[end - 1] = bad[0];
        bad[0] = last;
        sift(bad, 0, end - 1);
    }
}

tarn_code tn__text_take_bad(tn__text_task *task, uint32_t *dropped, tarn_error *err)
{
    tn__text_parser *parser = task->blocks.parser;
    const bool edge = task->scan->request.rejects != NULL;
    uint32_t previous = UINT32_MAX;
    uint32_t outside = 0;
    known_line known = {0, 0};

    *dropped = 0;
    sort_bad(parser->bad, parser->bad_count);
    for (size_t i = 0; i < parser->bad_count; i++) {
        const tn__bad *bad = &parser->bad[i];
        if (bad->fails || (!edge && !task->scan->source->drops_bad)) {
            return fail(task, bad, err);
        }
        if (bad->row != UINT32_MAX) {
            tn_bit_set(task->dropped, bad->row);
        }
        if (bad->record == previous) {
            continue; /* one reject a record, for its first column */
        }
        previous = bad->record;
        (*dropped)++;
        outside += bad->row == UINT32_MAX;
        if (edge) {
            TN_RETURN_IF_ERROR(reject(task, bad, &known, err));
        }
    }
    parser->bad_count = 0;
    atomic_fetch_add_explicit(&task->scan->rows_rejected, *dropped, memory_order_relaxed);
    atomic_fetch_add_explicit(&task->scan->rows_read, outside, memory_order_relaxed);
    return TARN_OK;
}

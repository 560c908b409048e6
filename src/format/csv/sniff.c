/*
 * Looking at the first rows: delimiter and quote by the number of fields that most lines agree on,
 * then the header, then types.
 */
#include "base/utf8.h"
#include "format/csv/csv_internal.h"

#include <assert.h>
#include <stdio.h>

enum { SAMPLE_ROWS = 20480, DIALECT_ROWS = 1000, FIELDS_MAX = 10000, COLUMNS_MAX = 100000 };

typedef struct row {
    uint32_t first, count; /* of the spans */
    uint32_t start;        /* in the text */
    bool behind;           /* text follows a closing quote: no record, and no witness of types */
} row;

typedef struct sniffer {
    tn__csv_source *source;
    const tn_csv_options *options;
    tn_pool *pool;
    tn_types *types;
    char *text;
    size_t size;
    bool whole;
    size_t start; /* behind the byte order mark and the lines to be skipped */
    /* the rows of the sample under the dialect that is being tried */
    TN_VEC(tn__csv_span) spans;
    TN_VEC(row) rows;
    /* seen: quotes in fields; one that never closes; line ends in quotes; quoted fields */
    bool odd, unclosed, breaks, quoted;
    size_t rows_end; /* behind the last whole record */
    tn_field *fields;
    bool *asked;     /* its type was */
    tn_field *found; /* the same, but NULL's type where no value was seen */
    uint32_t width;
    size_t data_row; /* the first that is no header */
    bool has_header;
} sniffer;

/* ---- rows under a dialect ---------------------------------------------------------------------
 */

static bool is_blank_line(const sniffer *s, const row *r)
{
    return r->count == 1 && s->spans.items[r->first].start == s->spans.items[r->first].end;
}

static tarn_code split_rows(sniffer *s, const tn__csv_dialect *dialect, size_t rows_max,
                            tarn_error *err)
{
    size_t at = s->start;
    s->spans.count = s->rows.count = 0;
    s->rows_end = at;
    s->odd = s->unclosed = s->breaks = s->quoted = false;
    while (at < s->size && s->rows.count < rows_max) {
        const size_t start = at;
        size_t room = 64;
        size_t count = 0;
        tn__csv_quotes quotes;
        tn__csv_split answer;
        for (;;) {
            at = start;
            TN_RETURN_IF_ERROR(tn_vec_reserve(&s->spans, room, err));
            answer = tn__csv_split_record(dialect, s->text, s->size, s->whole, &at,
                                          s->spans.items + s->spans.count, room, &count, &quotes);
            if (count <= room || count > COLUMNS_MAX) {
                break;
            }
            room = count;
        }
        if (answer == TN__CSV_INCOMPLETE) {
            break;
        }
        s->unclosed |= answer == TN__CSV_UNCLOSED;
        if (answer != TN__CSV_RECORD) {
            s->rows_end = answer == TN__CSV_UNCLOSED ? start : at;
            at = answer == TN__CSV_UNCLOSED ? s->size : at;
            continue;
        }
        s->rows_end = at;
        if (count > COLUMNS_MAX) {
            return tn_fail(err, TARN_E_LIMIT, "a line has more than %d fields", COLUMNS_MAX);
        }
        const row r = {(uint32_t)s->spans.count, (uint32_t)count, (uint32_t)start, quotes.behind};
        s->odd |= quotes.odd;
        for (size_t i = 0; i < count; i++) {
            const tn__csv_span *span = &s->spans.items[r.first + i];
            s->quoted |= span->end > span->start + 1 && s->text[span->start] == dialect->quote &&
                         s->text[span->end - 1] == dialect->quote;
        }
        s->breaks |=
            at > start + 1 && memchr(s->text + start, dialect->newline, at - 1 - start) != NULL;
        s->spans.count += count;
        if (!is_blank_line(s, &r)) {
            TN_RETURN_IF_ERROR(tn_vec_push(&s->rows, r, err));
        } else {
            s->spans.count -= count;
        }
    }
    return TARN_OK;
}

/* How well the lines agree: most rows of one width, wide ones first. */
typedef struct score {
    uint32_t width;
    size_t agreeing, rows;
    double value;
} score;

static score rate(const sniffer *s)
{
    score best = {0, 0, s->rows.count, -1};
    /* the width of most rows; files have few different ones, so look at those of the first */
    for (size_t i = 0; i < s->rows.count && i < 32; i++) {
        const uint32_t width = s->rows.items[i].count;
        size_t agreeing = 0;
        if (width == best.width) {
            continue;
        }
        for (size_t j = 0; j < s->rows.count; j++) {
            agreeing += s->rows.items[j].count == width;
        }
        if (agreeing > best.agreeing || (agreeing == best.agreeing && width > best.width)) {
            best.width = width;
            best.agreeing = agreeing;
        }
    }
    if (best.agreeing > 0) {
        const double share = (double)best.agreeing / (double)best.rows;
        best.value = share * (best.width > 1 ? 2 + 0.01 * (best.width < 50 ? best.width : 50) : 1);
        best.value -= (s->odd ? 0.3 : 0) + (s->unclosed ? 1 : 0);
    } else if (s->unclosed) {
        best.value = 0.8; /* rather that than one column with quotes in its middle */
    }
    return best;
}

static tarn_code find_dialect(sniffer *s, tarn_error *err)
{
    static const char delimiters[] = {',', ';', '\t', '|'};
    static const char quotes[] = {'"', '\''};
    const tn_csv_options *o = s->options;
    tn__csv_dialect *dialect = &s->source->dialect;
    tn__csv_dialect best = *dialect;
    double best_value = -100;
    const size_t delimiter_count = o->delimiter.size > 0 ? 1 : sizeof(delimiters);
    const size_t quote_count = o->quote != TN_CSV_AUTO ? 1 : sizeof(quotes);

    for (size_t i = 0; i < delimiter_count; i++) {
        for (size_t j = 0; j < quote_count; j++) {
            tn__csv_dialect tried = *dialect;
            if (o->delimiter.size == 0) {
                tried.delimiter[0] = delimiters[i];
                tried.delimiter_size = 1;
            }
            if (o->quote == TN_CSV_AUTO) {
                tried.quote = quotes[j];
                tried.escape = o->escape == TN_CSV_AUTO ? tried.quote : tried.escape;
            }
            if (delimiter_count * quote_count == 1) {
                best = tried;
                continue;
            }
            TN_RETURN_IF_ERROR(split_rows(s, &tried, DIALECT_ROWS, err));
            if (j > 0 && !s->quoted) {
                continue; /* nothing is quoted so */
            }
            /* the first candidate wins among equals */
            const double value = rate(s).value - 0.001 * (double)j;
            if (value > best_value + 1e-9) {
                best_value = value;
                best = tried;
            }
        }
    }
    *dialect = best;
    return TARN_OK;
}

/* ---- types ------------------------------------------------------------------------------------
 */

/* What a column's values may still be, the strictest first. */
enum {
    MAY_BOOLEAN = 1,
    MAY_BIGINT = 2,
    MAY_DOUBLE = 4,
    MAY_TIME = 8,
    MAY_DATE = 16,
    MAY_TIMESTAMP = 32,
    MAY_WIDE = 64, /* a whole number of up to 38 digits */
    MAY_ALL = 127,
    SEEN = 128,
    ZONED = 256 /* a timestamp with its zone came */
};

static bool is_boolean_word(tn_str text)
{
    return tn_str_equal_fold(text, TN_STR("true")) || tn_str_equal_fold(text, TN_STR("false"));
}

/* A date alone: what a DATE column takes may have a time behind it. */
static bool is_date(tn_str text)
{
    int32_t days;
    return text.size >= 8 && text.size <= 13 && tn_str_find(text, ':') == SIZE_MAX &&
           tn_text_parse_date(text, &days) == NULL;
}

static bool begins_with_zero(tn_str text)
{
    const size_t sign = text.size > 0 && (text.data[0] == '-' || text.data[0] == '+');
    return text.size > sign + 1 && text.data[sign] == '0' && text.data[sign + 1] >= '0' &&
           text.data[sign + 1] <= '9';
}

/* Digits, a point, digits: a DOUBLE, to be seen without reading it. */
static bool is_plain_double(tn_str text)
{
    enum { SHORT = 64 }; /* nowhere near what overflows */
    size_t at = text.size > 0 && text.data[0] == '-';
    const size_t whole = at;
    if (text.size > SHORT) {
        return false;
    }
    while (at < text.size && text.data[at] >= '0' && text.data[at] <= '9') {
        at++;
    }
    const size_t point = at;
    if (at == whole || at == text.size || text.data[at++] != '.') {
        return false;
    }
    while (at < text.size && text.data[at] >= '0' && text.data[at] <= '9') {
        at++;
    }
    return at == text.size && at > point + 1;
}

/* A whole number is never rounded (decision 21): DOUBLE only where it holds this very one. */
static unsigned narrow_number(unsigned may, tn_str text)
{
    bool in_double;
    double real;
    if ((may & MAY_DOUBLE) != 0 && is_plain_double(text)) {
        return may & ~(unsigned)(MAY_BIGINT | MAY_WIDE);
    }
    const tn_whole whole = tn_text_whole(text, &in_double);
    if (whole == TN_WHOLE_NONE) {
        may &= ~(unsigned)(MAY_BIGINT | MAY_WIDE);
        in_double = (may & MAY_DOUBLE) != 0 && tn_text_parse_double(text, &real) == NULL;
    } else if (whole != TN_WHOLE_64) {
        may &= ~(unsigned)(whole == TN_WHOLE_128 ? MAY_BIGINT : MAY_BIGINT | MAY_WIDE);
    }
    return in_double ? may : may & ~(unsigned)MAY_DOUBLE;
}

static unsigned narrow_down(unsigned may, tn_str text)
{
    int64_t number;
    if ((may & MAY_BOOLEAN) != 0 && !is_boolean_word(text)) {
        may &= ~(unsigned)MAY_BOOLEAN;
    }
    if (begins_with_zero(text)) { /* a code, whose zeros would be lost */
        may &= ~(unsigned)(MAY_BIGINT | MAY_WIDE | MAY_DOUBLE);
    }
    if ((may & (MAY_BIGINT | MAY_WIDE | MAY_DOUBLE)) != 0) {
        may = narrow_number(may, text);
    }
    if ((may & MAY_TIME) != 0 &&
        (tn_text_parse_time(text, &number) != NULL || tn__text_is_fine(text))) {
        may &= ~(unsigned)MAY_TIME;
    }
    if ((may & MAY_DATE) != 0 && !is_date(text)) {
        may &= ~(unsigned)MAY_DATE;
    }
    if ((may & (MAY_DATE | MAY_TIMESTAMP)) == MAY_TIMESTAMP &&
        (tn_text_parse_timestamp(text, 1000000, &number) != NULL || tn__text_is_fine(text))) {
        may &= ~(unsigned)MAY_TIMESTAMP;
    }
    if ((may & MAY_ALL) == MAY_TIMESTAMP && tn_text_has_zone(text)) {
        may |= ZONED;
    }
    return may | SEEN;
}

static const tn_type *type_of(unsigned may, const tn_type *wide)
{
    return (may & SEEN) == 0            ? TN_VARCHAR
           : (may & MAY_BOOLEAN) != 0   ? TN_BOOLEAN
           : (may & MAY_BIGINT) != 0    ? TN_BIGINT
           : (may & MAY_WIDE) != 0      ? wide
           : (may & MAY_DOUBLE) != 0    ? TN_DOUBLE
           : (may & MAY_TIME) != 0      ? TN_TIME
           : (may & MAY_DATE) != 0      ? TN_DATE
           : (may & MAY_TIMESTAMP) == 0 ? TN_VARCHAR
           : (may & ZONED) != 0         ? TN_TIMESTAMPTZ
                                        : TN_TIMESTAMP;
}

/* The inside of a field, and whether it means NULL. */
static tn_str field_text(const sniffer *s, const tn__csv_span *span, bool *null)
{
    const char quote = s->source->dialect.quote;
    tn_str text = {s->text + span->start, span->end - span->start};
    *null = text.size == 0 || tn__csv_is_null_text(s->source, text);
    if (quote != 0 && text.size >= 2 && text.data[0] == quote &&
        text.data[text.size - 1] == quote) {
        text = tn_str_slice(text, 1, text.size - 1);
    }
    return text;
}

static void see_row(const sniffer *s, const row *r, unsigned *may)
{
    for (uint32_t i = 0; i < r->count && i < s->width; i++) {
        bool null;
        const tn_str text = field_text(s, &s->spans.items[r->first + i], &null);
        if (!null && (may[i] & MAY_ALL) != 0) {
            may[i] = narrow_down(may[i], text);
        } else if (!null) {
            may[i] |= SEEN;
        }
    }
}

/* ---- header -----------------------------------------------------------------------------------
 */

/* No header is a first row whose values have the types of those below, where these are not all
 * text. */
static bool first_is_header(const sniffer *s, const row *first, const unsigned *below)
{
    bool all_text = true;
    bool fits = true;
    bool any = false;
    for (uint32_t i = 0; i < s->width; i++) {
        bool null = true;
        double real;
        tn_str text = TN_STR_NONE;
        const bool seen = (below[i] & SEEN) != 0;
        if (i < first->count) {
            text = field_text(s, &s->spans.items[first->first + i], &null);
        }
        all_text = all_text && (!seen || (below[i] & MAY_ALL) == 0);
        if (!null) {
            any = true;
            const bool number = (below[i] & (MAY_BIGINT | MAY_WIDE | MAY_DOUBLE)) != 0 &&
                                !begins_with_zero(text) &&
                                tn_text_parse_double(text, &real) == NULL;
            fits = fits && (!seen || (narrow_down(below[i], text) & MAY_ALL) != 0 ||
                            (below[i] & MAY_ALL) == 0 || number);
        }
    }
    return any && (all_text || !fits);
}

/* One row: a header where nothing in it is anything but text. */
static bool lone_row_is_header(const sniffer *s, const row *only, const unsigned *may)
{
    for (uint32_t i = 0; i < s->width; i++) {
        if ((may[i] & SEEN) != 0 && (may[i] & MAY_ALL) != 0) {
            return false;
        }
    }
    return only->count == s->width;
}

/* Rows above the first of the common width are no part of the table: see check_left_out. */
static size_t first_common_row(const sniffer *s, uint32_t width)
{
    size_t i = 0;
    while (i < s->rows.count && s->rows.items[i].count != width) {
        i++;
    }
    return i == s->rows.count ? 0 : i;
}

static tarn_code name_columns(sniffer *s, const row *header, tarn_error *err)
{
    tn_arena *arena = &s->source->text.arena;
    for (uint32_t i = 0; i < s->width; i++) {
        tn_str name = TN_STR_NONE;
        bool null = true;
        if (header != NULL && i < header->count) {
            const tn_str text = field_text(s, &s->spans.items[header->first + i], &null);
            TN_RETURN_IF_ERROR(tn_arena_copy(arena, text, &name, err));
            if (text.size > 0 && tn_str_find(text, s->source->dialect.quote) != SIZE_MAX &&
                s->source->dialect.quote != 0) {
                void *memory;
                TN_RETURN_IF_ERROR(tn_arena_alloc(arena, text.size, &memory, err));
                memcpy(memory, text.data, text.size);
                name = (tn_str){memory, tn__csv_fold(&s->source->dialect, memory, text.size)};
            }
            if (!tn_utf8_valid(name.data, name.size)) {
                (void)tn_fail(err, TARN_E_INVALID, "the header has bytes that are no UTF-8");
                tn_hint(err, "text must be UTF-8: convert the file first");
                return TARN_E_INVALID;
            }
        }
        if (name.size == 0) {
            TN_RETURN_IF_ERROR(
                tn_arena_print(arena, &name, err, s->width > 10 ? "column%02u" : "column%u", i));
        }
        s->fields[i] = (tn_field){.name = name, .type = TN_VARCHAR, .nullable = true};
    }
    for (uint32_t i = 0; i < s->options->name_count && i < s->width; i++) {
        TN_RETURN_IF_ERROR(tn_arena_copy(arena, s->options->names[i], &s->fields[i].name, err));
    }
    /* names that come twice get a number behind them */
    for (uint32_t i = 1; i < s->width && s->width <= FIELDS_MAX; i++) {
        const tn_schema before = {i, s->fields};
        const tn_str name = s->fields[i].name;
        bool ambiguous;
        for (unsigned number = 1;
             tn_schema_find(&before, s->fields[i].name, &ambiguous) != UINT32_MAX || ambiguous;
             number++) {
            TN_RETURN_IF_ERROR(tn_arena_print(arena, &s->fields[i].name, err, "%.*s_%u",
                                              TN_STR_ARGS(name), number));
        }
    }
    return TARN_OK;
}

static tarn_code no_column(const tn_csv_options *o, tn_str name, tarn_error *err)
{
    static const char *const said[][2] = {
        [TN_CSV_DECLARED] = {"a type is given for", "but there is no such column"},
        [TN_CSV_OTHER_FILES] = {"there is no column", "which the first of the files has"},
        [TN_CSV_LEDGER] = {"there is no column", "which the files of earlier runs had"}};
    const tarn_code code = tn_fail(err, TARN_E_NOT_FOUND, "%s '%.*s', %s", said[o->origin][0],
                                   TN_STR_ARGS(name), said[o->origin][1]);
    if (o->origin != TN_CSV_DECLARED) {
        tn_hint(err, o->is_pipeline ? "union_by_name = true in 'format' takes NULLs for it"
                                    : "union_by_name => true takes NULLs for it");
    } else {
        tn_hint(err, "is it spelled as in the header?  Where there is none, %s names the columns",
                o->is_pipeline ? "names = [...] in 'format'" : "names => [...]");
    }
    return code;
}

static tarn_code apply_types(sniffer *s, tarn_error *err)
{
    const tn_csv_options *o = s->options;
    const tn_schema schema = {s->width, s->fields};
    for (uint32_t i = 0; i < o->type_count; i++) {
        bool ambiguous;
        const uint32_t at = tn_schema_find(&schema, o->types[i].name, &ambiguous);
        if (at != UINT32_MAX) {
            s->fields[at].type = s->found[at].type = o->types[i].type;
            s->asked[at] = o->origin == TN_CSV_DECLARED;
        } else if (!o->types_may_lack) {
            return no_column(o, o->types[i].name, err);
        }
    }
    return TARN_OK;
}

/* ---- all of it --------------------------------------------------------------------------------
 */

static int64_t line_of(const sniffer *s, size_t at)
{
    int64_t line = 1;
    for (size_t i = 0; i < at; i++) {
        line += s->text[i] == '\n';
    }
    return line;
}

/* Not even a header: its quote stays open, or it is very long. */
static tarn_code no_whole_record(const sniffer *s, tarn_error *err)
{
    const int64_t line = line_of(s, s->rows_end);
    tarn_code code;
    if (s->unclosed) {
        code = tn_fail(err, TARN_E_INVALID, "line %lld: a quote is opened and never closed",
                       (long long)line);
        tn_hint(err, "close it, or read quotes as text with quote => ''");
    } else {
        code = tn_fail(err, TARN_E_INVALID,
                       "line %lld is longer than %d bytes, or a quote in it is never closed",
                       (long long)line, TN__SAMPLE_SIZE);
        tn_hint(err, "name the columns: columns => {'name': 'TYPE', ...}");
    }
    tn_locate(err, line, 0, 0);
    return code;
}

/* How many lines stand above the row, the first ones that `skip` passes over among them. */
static uint64_t lines_above(const sniffer *s, const row *r)
{
    uint64_t lines = s->options->skip;
    for (size_t at = s->start; at < r->start; at++) {
        lines += s->text[at] == s->source->dialect.newline;
    }
    return lines;
}

/*
 * Lines above the table may be titles, data or a header: they are not left out unasked.  Without a
 * header they are bad records like any other; under a header they can only be passed over, which
 * ignore_errors asks for, but not where a pipeline accounts for each record.
 */
static tarn_code check_left_out(const sniffer *s, size_t first, tarn_error *err)
{
    const tn_csv_options *o = s->options;
    if (first == 0 || (o->ignore_errors && !o->is_pipeline)) {
        return TARN_OK;
    }
    const row *above = &s->rows.items[0];
    const int64_t line = line_of(s, above->start);
    const uint64_t skip = lines_above(s, &s->rows.items[first]);
    const tarn_code code =
        tn_fail(err, TARN_E_INVALID, "line %lld: %u field%s, where most lines below it have %u",
                (long long)line, above->count, above->count == 1 ? "" : "s", s->width);
    tn_locate(err, line, 0, 0);
    const char *pads = above->count < 2 ? ""
                       : o->is_pipeline ? "null_padding = true in 'format' fills short lines; "
                                        : "null_padding => true fills short lines; ";
    const char *notes = s->text[above->start] != '#' ? ""
                        : o->is_pipeline             ? "; comment = \"#\" passes over such lines"
                                                     : "; comment => '#' passes over such lines";
    tn_hint(err,
            o->is_pipeline ? "%sskip = %llu in 'format' leaves out what is above the table%s"
                           : "%sskip => %llu leaves out what is above the table%s",
            pads, (unsigned long long)skip, notes);
    return code;
}

/* The names are not to be had from it. */
static tarn_code bad_header(const sniffer *s, const row *header, tarn_error *err)
{
    tn__csv_quotes quotes;
    size_t at = header->start;
    size_t count;
    (void)tn__csv_split_record(&s->source->dialect, s->text, s->size, s->whole, &at, NULL, 0,
                               &count, &quotes);
    const int64_t line = line_of(s, quotes.span.start);
    const tarn_code code =
        tn_text_fail(tn_str_slice((tn_str){s->text, s->size}, quotes.span.start, quotes.span.end),
                     NULL, TN__CSV_BEHIND, err);
    tn_explain(err, "line %lld, field %u of the header", (long long)line, quotes.field + 1);
    tn_locate(err, line, 0, 0);
    tn_hint(err,
            TN__CSV_BEHIND_HINT ", read quotes as text with %s, or say with %s that there is no "
                                "header",
            s->options->is_pipeline ? "format = { quote = \"\" }" : "quote => ''",
            s->options->is_pipeline ? "header = false" : "header => false");
    return code;
}

/* A file without a byte has the columns that are said, and no rows. */
static tarn_code take_said(sniffer *s, tarn_error *err)
{
    tn_arena *arena = &s->source->text.arena;
    const tn_csv_options *o = s->options;
    s->width = o->name_count > 0 ? o->name_count : o->type_count;
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_field, s->width, &s->fields, err));
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_field, s->width, &s->found, err));
    TN_RETURN_IF_ERROR(tn_arena_array(arena, bool, s->width, &s->asked, err));
    for (uint32_t i = 0; i < s->width; i++) {
        const tn_str name = o->name_count > 0 ? o->names[i] : o->types[i].name;
        s->fields[i] = (tn_field){.type = TN_VARCHAR, .nullable = true};
        TN_RETURN_IF_ERROR(tn_arena_copy(arena, name, &s->fields[i].name, err));
        s->found[i] = s->fields[i];
    }
    return apply_types(s, err);
}

static tarn_code find_columns(sniffer *s, tarn_error *err)
{
    tn_arena *arena = &s->source->text.arena;
    const tn_csv_options *o = s->options;
    const score common = rate(s);
    unsigned *may;
    s->width = o->column_count > 0 ? o->column_count : common.width;
    size_t first = o->column_count > 0 ? 0 : first_common_row(s, common.width);
    if (o->null_padding && o->column_count == 0 && s->rows.count > 0 &&
        s->rows.items[0].count > 1) { /* short lines are lines, a wide one is a header */
        first = 0;
        s->width = s->rows.items[0].count > s->width ? s->rows.items[0].count : s->width;
    }
    if (s->rows.count == 0 && s->width == 0 && s->rows_end < s->size) {
        return no_whole_record(s, err);
    }
    if (s->rows.count == 0 && s->width == 0 && s->whole && o->may_be_empty &&
        o->name_count + o->type_count > 0) {
        return take_said(s, err);
    }
    if (s->rows.count == 0 && s->width == 0) {
        const tarn_code code = tn_fail(err, TARN_E_INVALID, "it is empty: there are no columns");
        tn_hint(err, o->is_pipeline ? "say what they are: columns = { id = \"BIGINT\", ... }"
                                    : "give them with columns => {'name': 'TYPE', ...}");
        return code;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_field, s->width, &s->fields, err));
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_field, s->width, &s->found, err));
    TN_RETURN_IF_ERROR(tn_arena_array(arena, bool, s->width, &s->asked, err));
    TN_RETURN_IF_ERROR(tn_arena_array(arena, unsigned, s->width, &may, err));
    for (uint32_t i = 0; i < s->width; i++) {
        may[i] = MAY_ALL;
    }
    const bool many = s->rows.count > first + 1;
    for (size_t i = first + many; i < s->rows.count; i++) {
        if (!s->rows.items[i].behind && (s->rows.items[i].count == s->width ||
                                         (o->null_padding && s->rows.items[i].count < s->width))) {
            see_row(s, &s->rows.items[i], may);
        }
    }
    const row *top = s->rows.count > first ? &s->rows.items[first] : NULL;
    s->has_header = o->header != TN_CSV_AUTO ? o->header != 0
                    : top == NULL            ? false
                    : many                   ? first_is_header(s, top, may)
                                             : lone_row_is_header(s, top, may);
    const bool as_records = first > 0 && !s->has_header && o->ignore_errors;
    s->data_row = as_records ? 0 : first + (s->has_header && top != NULL);
    if (!as_records) {
        TN_RETURN_IF_ERROR(check_left_out(s, first, err));
    }
    if (s->has_header && top != NULL && top->behind && o->column_count == 0) {
        return bad_header(s, top, err);
    }
    TN_RETURN_IF_ERROR(name_columns(s, s->has_header ? top : NULL, err));
    if (!s->has_header && top != NULL) {
        see_row(s, top, may);
    } else if (!many) {
        for (uint32_t i = 0; i < s->width; i++) {
            may[i] = 0;
        }
    }
    const tn_type *wide;
    TN_RETURN_IF_ERROR(tn_types_decimal(s->types, 38, 0, &wide, err));
    for (uint32_t i = 0; i < s->width; i++) {
        s->fields[i].type = o->all_text ? TN_VARCHAR : type_of(may[i], wide);
    }
    if (o->column_count > 0) {
        for (uint32_t i = 0; i < s->width; i++) {
            s->fields[i].type = o->columns[i].type;
            s->asked[i] = true;
            TN_RETURN_IF_ERROR(tn_arena_copy(arena, o->columns[i].name, &s->fields[i].name, err));
        }
    }
    for (uint32_t i = 0; i < s->width; i++) {
        const bool guessed = o->column_count == 0 && !o->all_text && (may[i] & SEEN) == 0;
        s->found[i] = s->fields[i];
        s->found[i].type = guessed ? TN_TYPE_NULL : s->fields[i].type;
    }
    return apply_types(s, err);
}

static void set_place(sniffer *s)
{
    tn__text_source *text = &s->source->text;
    const size_t start =
        s->data_row < s->rows.count ? s->rows.items[s->data_row].start : s->rows_end;
    text->data_start = start;
    text->header_lines = 0;
    for (size_t i = 0; i < start; i++) {
        text->header_lines += s->text[i] == '\n';
    }
    if (s->rows.count > s->data_row) {
        text->row_bytes = (double)(s->size - start) / (double)(s->rows.count - s->data_row);
    }
    text->base.schema = (tn_schema){s->width, s->fields};
    s->source->asked = s->asked;
    for (uint32_t i = 0; i < s->width; i++) {
        if (s->found[i].type != s->fields[i].type) {
            text->base.found = (tn_schema){s->width, s->found};
        }
    }
}

static tarn_code skip_lines(sniffer *s, tarn_error *err)
{
    if (s->size >= 3 && memcmp(s->text, "\xef\xbb\xbf", 3) == 0) {
        s->start = 3;
    } else {
        TN_RETURN_IF_ERROR(tn__text_refuse_binary((tn_str){s->text, s->size}, err));
    }
    for (uint64_t i = 0; i < s->options->skip; i++) {
        const char *end =
            s->start < s->size
                ? memchr(s->text + s->start, s->source->dialect.newline, s->size - s->start)
                : NULL;
        if (end == NULL) {
            s->start = s->size;
            break;
        }
        s->start = (size_t)(end - s->text) + 1;
    }
    return TARN_OK;
}

static void choose_newline(sniffer *s)
{
    const bool feed = s->size > 0 && memchr(s->text, '\n', s->size) != NULL;
    const bool only_return = !feed && s->size > 0 && memchr(s->text, '\r', s->size) != NULL;
    s->source->dialect.newline = only_return ? '\r' : '\n';
}

tarn_code tn__csv_sniff(tn__csv_source *source, const tn_csv_options *options,
                        tn__text_sample *sample, tn_types *types, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_pool *pool = source->text.pool;
    sniffer s = {.source = source,
                 .options = options,
                 .pool = pool,
                 .types = types,
                 .text = sample->text,
                 .size = sample->size,
                 .whole = sample->whole,
                 .spans = TN_VEC_INIT(pool),
                 .rows = TN_VEC_INIT(pool)};
    choose_newline(&s);
    TN_TRY(skip_lines(&s, err));
    TN_TRY(find_dialect(&s, err));
    TN_TRY(split_rows(&s, &source->dialect,
                      options->sample_rows != 0 ? options->sample_rows : SAMPLE_ROWS, err));
    TN_TRY(find_columns(&s, err));
    set_place(&s);
    source->sampled = s.rows.count;
    source->text.line_ends_in_records = s.breaks || options->new_line_in_values;
    /* where a quote may stand in the middle of a field, its parity says nothing */
    source->text.one_morsel = options->one_task || !tn__csv_is_simple(&source->dialect) || s.odd;
done:
    tn_vec_free(&s.spans);
    tn_vec_free(&s.rows);
    return code;
}

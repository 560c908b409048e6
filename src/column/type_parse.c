/* Types as SQL writes them, read without recursion: nesting is kept on an explicit stack. */
#include "column/column_internal.h"

typedef struct name {
    tn_str text;
    const tn_type *type;
} name;

#define OWN(id, text_, lane) {{(text_), sizeof(text_) - 1}, &tn_type_##id},
#define ALSO(text_, id)      {{(text_), sizeof(text_) - 1}, &tn_type_##id},
static const name names[] = {
    TN_SIMPLE_TYPES(OWN) ALSO("BOOL", BOOLEAN) ALSO("LOGICAL", BOOLEAN) ALSO("INT1", TINYINT) ALSO(
        "INT2", SMALLINT) ALSO("SHORT", SMALLINT) ALSO("INT", INTEGER) ALSO("INT4", INTEGER)
        ALSO("SIGNED", INTEGER) ALSO("INT8", BIGINT) ALSO("LONG", BIGINT) ALSO("FLOAT4", REAL)
            ALSO("FLOAT", REAL) ALSO("FLOAT8", DOUBLE) ALSO("DOUBLE PRECISION", DOUBLE)
                ALSO("TEXT", VARCHAR) ALSO("STRING", VARCHAR) ALSO("CHAR", VARCHAR) ALSO(
                    "CHARACTER", VARCHAR) ALSO("CHARACTER VARYING", VARCHAR) ALSO("BPCHAR", VARCHAR)
                    ALSO("BYTEA", BLOB) ALSO("BINARY", BLOB) ALSO("VARBINARY", BLOB)
                        ALSO("DATETIME", TIMESTAMP) ALSO("TIMESTAMP WITHOUT TIME ZONE", TIMESTAMP)
                            ALSO("TIMESTAMPTZ", TIMESTAMPTZ) ALSO("TIME WITHOUT TIME ZONE", TIME)
                                ALSO("TINYINT UNSIGNED", UTINYINT) ALSO("UINT8", UTINYINT)
                                    ALSO("UINT16", USMALLINT) ALSO("UINT32", UINTEGER)
                                        ALSO("UINT64", UBIGINT)};
enum { NAME_COUNT = sizeof(names) / sizeof(names[0]), FIELDS_MAX = 1024 };

typedef enum frame_kind { FRAME_ROOT, FRAME_STRUCT, FRAME_MAP, FRAME_LIST } frame_kind;

/* A type that is open: what its parts so far are. */
typedef struct frame {
    frame_kind kind;
    uint32_t first_field;
} frame;

typedef struct reader {
    tn_types *types;
    tn_str text;
    size_t at;
    frame frames[TN_TYPE_DEPTH_MAX + 1];
    uint32_t depth;
    tn_field fields[FIELDS_MAX]; /* of all open frames */
    uint32_t field_count;
    const tn_type *made; /* the last whole type */
} reader;

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static void skip_blanks(reader *r)
{
    while (r->at < r->text.size && (r->text.data[r->at] == ' ' || r->text.data[r->at] == '\t' ||
                                    r->text.data[r->at] == '\n')) {
        r->at++;
    }
}

static bool take(reader *r, char c)
{
    skip_blanks(r);
    const bool there = r->at < r->text.size && r->text.data[r->at] == c;
    r->at += there;
    return there;
}

static tn_str word(reader *r)
{
    skip_blanks(r);
    const size_t from = r->at;
    while (r->at < r->text.size && is_word(r->text.data[r->at])) {
        r->at++;
    }
    return tn_str_slice(r->text, from, r->at);
}

static TN_FALLIBLE bad(const reader *r, tarn_error *err, const char *wanted)
{
    return tn_fail(err, TARN_E_INVALID, "'%.*s' is no type: expected %s at character %zu",
                   TN_STR_ARGS(r->text), wanted, r->at + 1);
}

/* A number of at most three digits; false where there is none. */
static bool number(reader *r, unsigned *out)
{
    const tn_str digits = word(r);
    *out = 0;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9' || *out > 99999999) {
            return false;
        }
        *out = 10 * *out + (unsigned)(digits.data[i] - '0');
    }
    return digits.size > 0;
}

static TN_FALLIBLE decimal(reader *r, tarn_error *err)
{
    unsigned precision = 18;
    unsigned scale = 3;
    if (take(r, '(')) {
        scale = 0;
        if (!number(r, &precision) || (take(r, ',') && !number(r, &scale)) || !take(r, ')')) {
            return bad(r, err, "DECIMAL(digits, digits behind the point)");
        }
    }
    return tn_types_decimal(r->types, precision, scale, &r->made, err);
}

static TN_FALLIBLE simple(reader *r, tn_str first, tarn_error *err)
{
    tn_str known[NAME_COUNT];
    const name *found = NULL;
    size_t longest = 0;

    /* The longest name that stands here: "TIMESTAMP WITH TIME ZONE" before "TIMESTAMP". */
    const size_t from = (size_t)(first.data - r->text.data);
    for (size_t i = 0; i < NAME_COUNT; i++) {
        const size_t size = names[i].text.size;
        known[i] = names[i].text;
        if (size > longest && from + size <= r->text.size &&
            tn_str_equal_fold(tn_str_slice(r->text, from, from + size), names[i].text) &&
            (from + size == r->text.size || !is_word(r->text.data[from + size]))) {
            found = &names[i];
            longest = size;
        }
    }
    if (found == NULL) {
        const tn_str near = tn_str_nearest(first, known, NAME_COUNT);
        (void)tn_fail(err, TARN_E_INVALID, "no type named '%.*s'", TN_STR_ARGS(first));
        if (near.data != NULL) {
            tn_hint(err, "did you mean '%.*s'?", TN_STR_ARGS(near));
        }
        return TARN_E_INVALID;
    }
    r->at = from + longest;
    r->made = found->type;
    if (tn_type_is_string(found->type) || found->type->kind == TN_KIND_TIMESTAMP ||
        found->type->kind == TN_KIND_TIME) { /* VARCHAR(10), TIMESTAMP(6): lengths bind nothing */
        unsigned ignored;
        if (take(r, '(') && (!number(r, &ignored) || !take(r, ')'))) {
            return bad(r, err, "a length");
        }
    }
    return TARN_OK;
}

static TN_FALLIBLE open_frame(reader *r, frame_kind kind, tarn_error *err)
{
    if (r->depth >= TN_TYPE_DEPTH_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "types may be nested %d deep", TN_TYPE_DEPTH_MAX);
    }
    r->frames[r->depth++] = (frame){kind, r->field_count};
    return TARN_OK;
}

static TN_FALLIBLE field_name(reader *r, tarn_error *err)
{
    tn_str text;
    if (take(r, '"')) {
        const size_t from = r->at;
        while (r->at < r->text.size && r->text.data[r->at] != '"') {
            r->at++;
        }
        text = tn_str_slice(r->text, from, r->at);
        if (!take(r, '"')) {
            return bad(r, err, "the end of a quoted name");
        }
    } else {
        text = word(r);
    }
    if (text.size == 0) {
        return bad(r, err, "a field's name");
    }
    if (r->field_count == FIELDS_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "a type may have %d fields", FIELDS_MAX);
    }
    (void)take(r, ':');
    r->fields[r->field_count++] = (tn_field){text, NULL, true};
    return TARN_OK;
}

/* Closes what `made` completes; *whole where nothing is open any more. */
static TN_FALLIBLE close_frames(reader *r, bool *whole, tarn_error *err)
{
    for (;;) {
        while (take(r, '[')) {
            unsigned ignored;
            if (!take(r, ']') && (!number(r, &ignored) || !take(r, ']'))) {
                return bad(r, err, "']'");
            }
            TN_RETURN_IF_ERROR(tn_types_list(r->types, r->made, &r->made, err));
        }
        frame *top = &r->frames[r->depth - 1];
        *whole = top->kind == FRAME_ROOT;
        if (*whole) {
            return TARN_OK;
        }
        r->fields[r->field_count - 1].type = r->made;
        if (take(r, ',')) {
            if (top->kind == FRAME_STRUCT) {
                return field_name(r, err);
            }
            if (top->kind != FRAME_MAP || r->field_count - top->first_field != 1) {
                return bad(r, err, "')'");
            }
            r->fields[r->field_count++] = (tn_field){TN_STR("value"), NULL, true};
            return TARN_OK;
        }
        if (!take(r, ')') && !take(r, '>')) {
            return bad(r, err, "',' or ')'");
        }
        const tn_field *fields = &r->fields[top->first_field];
        const uint32_t count = r->field_count - top->first_field;
        if (top->kind == FRAME_MAP && count != 2) {
            return bad(r, err, "MAP(key type, value type)");
        }
        TN_RETURN_IF_ERROR(
            top->kind == FRAME_STRUCT ? tn_types_struct(r->types, fields, count, &r->made, err)
            : top->kind == FRAME_MAP
                ? tn_types_map(r->types, fields[0].type, fields[1].type, &r->made, err)
                : tn_types_list(r->types, fields[0].type, &r->made, err));
        r->field_count = top->first_field;
        r->depth--;
    }
}

static TN_FALLIBLE opening(reader *r, frame_kind kind, tarn_error *err)
{
    if (!take(r, '(') && !take(r, '<')) {
        return bad(r, err, "'('");
    }
    TN_RETURN_IF_ERROR(open_frame(r, kind, err));
    if (kind == FRAME_STRUCT) {
        return field_name(r, err);
    }
    if (r->field_count == FIELDS_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "a type may have %d fields", FIELDS_MAX);
    }
    r->fields[r->field_count++] =
        (tn_field){kind == FRAME_MAP ? TN_STR("key") : TN_STR("element"), NULL, true};
    return TARN_OK;
}

static TN_FALLIBLE read_type(reader *r, tarn_error *err)
{
    bool whole = false;
    while (!whole) {
        const tn_str first = word(r);
        if (first.size == 0) {
            return bad(r, err, "a type's name");
        }
        const bool is_struct =
            tn_str_equal_fold(first, TN_STR("STRUCT")) || tn_str_equal_fold(first, TN_STR("ROW"));
        const bool is_list =
            tn_str_equal_fold(first, TN_STR("ARRAY")) || tn_str_equal_fold(first, TN_STR("LIST"));
        if (is_struct || is_list || tn_str_equal_fold(first, TN_STR("MAP"))) {
            TN_RETURN_IF_ERROR(opening(r,
                                       is_struct ? FRAME_STRUCT
                                       : is_list ? FRAME_LIST
                                                 : FRAME_MAP,
                                       err));
            continue;
        }
        if (tn_str_equal_fold(first, TN_STR("DECIMAL")) ||
            tn_str_equal_fold(first, TN_STR("NUMERIC")) ||
            tn_str_equal_fold(first, TN_STR("DEC"))) {
            TN_RETURN_IF_ERROR(decimal(r, err));
        } else {
            TN_RETURN_IF_ERROR(simple(r, first, err));
        }
        TN_RETURN_IF_ERROR(close_frames(r, &whole, err));
    }
    skip_blanks(r);
    return r->at == r->text.size ? TARN_OK : bad(r, err, "its end");
}

tarn_code tn_types_parse(tn_types *types, tn_str text, const tn_type **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    void *memory = NULL;
    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(tn_types__pool(types), sizeof(reader), &memory, err));
    reader *r = memory;
    r->types = types;
    r->text = text;
    r->frames[0].kind = FRAME_ROOT;
    r->depth = 1;
    TN_TRY(read_type(r, err));
    *out = r->made;
done:
    if (memory != NULL) {
        tn_pool_free(tn_types__pool(types), memory, sizeof(reader));
    }
    return code;
}

/* Types from the first records: a tree of what was seen, then the type that holds it. */
#include "base/json.h"
#include "format/json/json_internal.h"

enum { SAMPLE_ROWS = 20480, FIELDS_MAX = 10000 };

enum {
    SAW_BOOLEAN = 1,
    SAW_INTEGER = 2,
    SAW_DOUBLE = 4,
    SAW_TEXT = 8,
    SAW_LIST = 16,
    SAW_OBJECT = 32,
    /* what all texts so far may be */
    NOT_DATE = 64,
    NOT_TIME = 128,
    NOT_TIMESTAMP = 256,
    TOO_MANY = 512, /* fields: it is no struct, but a map in disguise */
    /* of whole numbers: beyond BIGINT, beyond 38 digits, rounded by DOUBLE */
    IS_WIDE = 1024,
    IS_LONGER = 2048,
    IS_ROUNDED = 4096,
    IS_ZONED = 8192 /* a timestamp with its zone */
};

typedef struct seen {
    tn_str name;
    unsigned saw;
    uint32_t count;             /* of fields */
    struct seen *fields, *last; /* of objects, in the order in which they came */
    struct seen *guess;         /* the field that probably comes next */
    struct seen *element;       /* of lists */
    struct seen *next;          /* field of the same object */
    struct seen *made_before;   /* all of them, newest first: children before their parents */
    const tn_type *type;
    const tn_type *found; /* the same, but NULL's where there was no value */
} seen;

typedef struct inferrer {
    tn_arena *keep; /* the tree's, and the schema's */
    tn_types *types;
    const tn_type *wide; /* whole numbers beyond BIGINT */
    seen *newest;
    bool all_text;
    tn_str fault; /* of the first bad record, and its line */
    int64_t fault_line;
} inferrer;

static tarn_code new_seen(inferrer *in, tn_str name, seen **out, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_arena_new(in->keep, seen, out, err));
    TN_RETURN_IF_ERROR(tn_arena_copy(in->keep, name, &(*out)->name, err));
    (*out)->made_before = in->newest;
    in->newest = *out;
    return TARN_OK;
}

static tarn_code field_of(inferrer *in, seen *object, tn_str name, seen **out, tarn_error *err)
{
    seen *start = object->guess != NULL ? object->guess : object->fields;
    seen *it = start;
    while (it != NULL) {
        if (tn_str_equal(it->name, name)) {
            object->guess = it->next;
            *out = it;
            return TARN_OK;
        }
        it = it->next != NULL ? it->next : object->fields;
        if (it == start) {
            break;
        }
    }
    *out = NULL;
    if (object->count == FIELDS_MAX) {
        object->saw |= TOO_MANY;
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(new_seen(in, name, out, err));
    if (object->last == NULL) {
        object->fields = *out;
    } else {
        object->last->next = *out;
    }
    object->last = *out;
    object->count++;
    return TARN_OK;
}

static unsigned see_text(tn_str text)
{
    int32_t days;
    int64_t number;
    unsigned saw = SAW_TEXT;
    const bool short_enough = text.size >= 5 && text.size <= 40;
    const bool date = short_enough && text.size <= 10 && tn_text_parse_date(text, &days) == NULL;
    saw |= date ? 0 : NOT_DATE;
    const bool exact = short_enough && !tn__text_is_fine(text);
    saw |= exact && tn_text_parse_time(text, &number) == NULL ? 0 : NOT_TIME;
    if (!exact || tn_text_parse_timestamp(text, 1000000, &number) != NULL) {
        saw |= NOT_TIMESTAMP;
    } else if (tn_text_has_zone(text)) {
        saw |= IS_ZONED;
    }
    return saw;
}

/* A whole number is never rounded (decision 21). */
static unsigned see_number(tn_str text)
{
    bool in_double;
    const tn_whole whole = tn_text_whole(text, &in_double);
    const unsigned rounded = in_double ? 0 : IS_ROUNDED;
    return whole == TN_WHOLE_NONE  ? SAW_DOUBLE
           : whole == TN_WHOLE_64  ? SAW_INTEGER | rounded
           : whole == TN_WHOLE_128 ? SAW_INTEGER | IS_WIDE | rounded
                                   : SAW_INTEGER | IS_LONGER | rounded;
}

static unsigned see_scalar(const tn_json *value)
{
    switch ((tn_json_kind)value->kind) {
    case TN_JSON_TRUE:
    case TN_JSON_FALSE:
        return SAW_BOOLEAN;
    case TN_JSON_NUMBER:
        return see_number(value->text);
    case TN_JSON_STRING:
        return see_text(value->text);
    case TN_JSON_ARRAY:
        return SAW_LIST;
    case TN_JSON_OBJECT:
        return SAW_OBJECT;
    case TN_JSON_NULL:
        break;
    }
    return 0;
}

/* One value and all beneath it; deeper than types may be it is text. */
static tarn_code see(inferrer *in, seen *root, const tn_json *value, tarn_error *err)
{
    struct {
        seen *into;
        const tn_json *next; /* the next member or element */
    } stack[TN_TYPE_DEPTH_MAX];
    size_t depth = 0;
    seen *into = root;
    for (;;) {
        into->saw |= see_scalar(value);
        if (value->child != NULL) {
            if (depth == TN_TYPE_DEPTH_MAX - 2) {
                into->saw |= SAW_TEXT | NOT_DATE | NOT_TIME | NOT_TIMESTAMP;
            } else {
                stack[depth].into = into;
                stack[depth++].next = value->child;
            }
        }
        for (into = NULL; into == NULL;) {
            while (depth > 0 && stack[depth - 1].next == NULL) {
                depth--;
            }
            if (depth == 0) {
                return TARN_OK;
            }
            seen *parent = stack[depth - 1].into;
            value = stack[depth - 1].next;
            stack[depth - 1].next = value->next;
            if (value->name.data != NULL && (parent->saw & SAW_OBJECT) != 0 &&
                (parent->saw & SAW_LIST) == 0) {
                TN_RETURN_IF_ERROR(field_of(in, parent, value->name, &into, err));
            } else if ((parent->saw & SAW_OBJECT) == 0) {
                if (parent->element == NULL) {
                    TN_RETURN_IF_ERROR(new_seen(in, TN_STR_NONE, &parent->element, err));
                }
                into = parent->element;
            } /* lists and objects in one place are text: no use in looking further */
        }
    }
}

static const tn_type *scalar_type(const inferrer *in, unsigned saw)
{
    if (in->all_text) {
        return TN_VARCHAR;
    }
    switch (saw & (SAW_BOOLEAN | SAW_INTEGER | SAW_DOUBLE | SAW_TEXT | SAW_LIST | SAW_OBJECT)) {
    case SAW_BOOLEAN:
        return TN_BOOLEAN;
    case SAW_INTEGER:
        return (saw & IS_LONGER) != 0 ? TN_VARCHAR : (saw & IS_WIDE) != 0 ? in->wide : TN_BIGINT;
    case SAW_DOUBLE:
        return TN_DOUBLE;
    case SAW_DOUBLE | SAW_INTEGER:
        return (saw & IS_ROUNDED) != 0 ? TN_VARCHAR : TN_DOUBLE;
    case SAW_TEXT:
        return (saw & NOT_DATE) == 0        ? TN_DATE
               : (saw & NOT_TIME) == 0      ? TN_TIME
               : (saw & NOT_TIMESTAMP) != 0 ? TN_VARCHAR
               : (saw & IS_ZONED) != 0      ? TN_TIMESTAMPTZ
                                            : TN_TIMESTAMP;
    default:
        return TN_VARCHAR; /* nothing but null, or things of different kinds: the JSON itself */
    }
}

static tarn_code decide(inferrer *in, seen *it, tarn_error *err)
{
    const unsigned kinds =
        it->saw & (SAW_BOOLEAN | SAW_INTEGER | SAW_DOUBLE | SAW_TEXT | SAW_LIST | SAW_OBJECT);
    if (kinds == SAW_LIST) {
        const tn_type *element = it->element != NULL ? it->element->type : TN_VARCHAR;
        const tn_type *found = it->element != NULL ? it->element->found : TN_TYPE_NULL;
        TN_RETURN_IF_ERROR(tn_types_list(in->types, found, &it->found, err));
        return tn_types_list(in->types, element, &it->type, err);
    }
    if (kinds == SAW_OBJECT && it->count > 0 && (it->saw & TOO_MANY) == 0) {
        tn_field *fields;
        uint32_t i = 0;
        TN_RETURN_IF_ERROR(tn_arena_array(in->keep, tn_field, it->count, &fields, err));
        for (const seen *field = it->fields; field != NULL; field = field->next) {
            fields[i++] = (tn_field){field->name, field->found, true};
        }
        TN_RETURN_IF_ERROR(tn_types_struct(in->types, fields, it->count, &it->found, err));
        i = 0;
        for (const seen *field = it->fields; field != NULL; field = field->next) {
            fields[i++].type = field->type;
        }
        return tn_types_struct(in->types, fields, it->count, &it->type, err);
    }
    it->type = scalar_type(in, it->saw);
    const bool empty = kinds == SAW_OBJECT && it->count == 0; /* objects without a field */
    it->found = (kinds == 0 || empty) && !in->all_text ? TN_TYPE_NULL : it->type;
    return TARN_OK;
}

/* ---- the file's form ----------------------------------------------------------------------------
 */

static size_t skip_space(tn_str text, size_t at)
{
    while (at < text.size && (text.data[at] == ' ' || text.data[at] == '\n' ||
                              text.data[at] == '\r' || text.data[at] == '\t')) {
        at++;
    }
    return at;
}

/* Is the first line no beginning of a value, while the next one is a whole object? */
static bool is_bad_line(tn_str text, size_t start, tn_arena *scratch)
{
    const size_t line = tn_str_find(tn_str_slice(text, start, text.size), '\n');
    const size_t next = line == SIZE_MAX ? text.size : skip_space(text, start + line);
    const size_t end = next < text.size ? tn__json_skip(text.data, text.size, next) : SIZE_MAX;
    const tn_json *value;
    tarn_error why = TARN_ERROR_INIT;
    if (end == SIZE_MAX || text.data[next] != '{' ||
        (skip_space(text, end) < text.size &&
         tn_str_find(tn_str_slice(text, end, skip_space(text, end)), '\n') == SIZE_MAX) ||
        tn_json_parse(scratch, tn_str_slice(text, next, end), &value, NULL) != TARN_OK) {
        return false;
    }
    /* with the object's bracket behind it: is what is wrong in it, or the bracket itself? */
    return tn_json_parse(scratch, tn_str_slice(text, start, next + 1), &value, &why) ==
               TARN_E_INVALID &&
           (why.line == 1 || why.column == 1);
}

static void find_form(tn__json_source *source, tn_str text)
{
    const size_t bom = tn_str_starts(text, TN_STR("\xef\xbb\xbf")) ? 3 : 0;
    const size_t start = skip_space(text, bom);
    const size_t end = start < text.size ? tn__json_skip(text.data, text.size, start) : SIZE_MAX;
    const size_t line =
        start < text.size ? tn_str_find(tn_str_slice(text, start, text.size), '\n') : SIZE_MAX;
    /* the first value is the first line, and there is more, or it is no array */
    const bool alone = end != SIZE_MAX && skip_space(text, end) == text.size;
    const bool one_line = end != SIZE_MAX && (line == SIZE_MAX || end <= start + line) &&
                          (skip_space(text, end) > (line == SIZE_MAX ? 0 : start + line) || alone);
    const bool array = start < text.size && text.data[start] == '[' && (alone || !one_line);
    tn_arena scratch;
    tn_arena_init(&scratch, source->text.pool);
    const bool bad = !one_line && start < text.size && text.data[start] == '{' &&
                     is_bad_line(text, start, &scratch);
    tn_arena_deinit(&scratch);
    source->by_lines = (one_line || bad) && !array;
    source->in_array = array;
    source->text.data_start = array ? start + 1 : bom;
}

/* The first record that is none, in the words of who read it, at its place in the file. */
static tarn_code keep_fault(inferrer *in, tn_str text, size_t at, size_t end, tn_arena *scratch,
                            tarn_error *err)
{
    tarn_error why = TARN_ERROR_INIT;
    const tn_json *value;
    int64_t line = 1;
    for (size_t i = 0; i < at; i++) {
        line += text.data[i] == '\n';
    }
    const size_t start = tn_str_find_last(tn_str_slice(text, 0, at), '\n');
    if (tn_json_parse(scratch, tn_str_slice(text, at, end), &value, &why) != TARN_E_INVALID) {
        return tn_fail(err, TARN_E_NOMEM, "no memory to look at a record");
    }
    const tn_str message = tn_str_of(why.message);
    const size_t colon = tn_str_find(message, ':'); /* behind "JSON, line 1, column 8" */
    const int64_t column =
        why.column + (why.line <= 1 ? (int64_t)(at - (start == SIZE_MAX ? 0 : start + 1)) : 0);
    in->fault_line = line + (why.line > 0 ? why.line - 1 : 0);
    return tn_arena_print(in->keep, &in->fault, err, "line %lld, column %lld%s",
                          (long long)in->fault_line, (long long)column,
                          colon == SIZE_MAX ? "" : message.data + colon);
}

static tarn_code see_records(inferrer *in, seen *root, tn__json_source *source, tn_str text,
                             bool whole, uint64_t rows_max, tarn_error *err)
{
    size_t at = (size_t)source->text.data_start;
    uint64_t rows = 0;
    tarn_code code = TARN_OK;
    tn_arena scratch;

    tn_arena_init(&scratch, in->keep->pool);
    while (rows < rows_max) {
        const tn_json *value;
        at = skip_space(text, at);
        while (source->in_array && at < text.size && text.data[at] == ',') {
            at = skip_space(text, at + 1);
        }
        if (at >= text.size || (source->in_array && text.data[at] == ']')) {
            break;
        }
        size_t end = tn__json_skip(text.data, text.size, at);
        if (source->by_lines) {
            const size_t line = tn_str_find(tn_str_slice(text, at, text.size), '\n');
            end = line != SIZE_MAX ? at + line : whole ? text.size : SIZE_MAX;
        }
        if (end == SIZE_MAX && !whole) {
            break;
        }
        end = end == SIZE_MAX ? text.size : end;
        tn_arena_reset(&scratch);
        code = tn_json_parse(&scratch, tn_str_slice(text, at, end), &value, NULL);
        if (code == TARN_E_NOMEM) {
            code = tn_pool_fail(scratch.pool, 0, "looking at a record", err);
            goto done;
        }
        if (code == TARN_OK) { /* a bad record is the reader's to report */
            TN_TRY(see(in, root, value, err));
        } else if (rows == 0 && !source->by_lines) {
            code = tn_json_parse(&scratch, tn_str_slice(text, at, end), &value, err);
            goto done;
        } else if (in->fault.size == 0) {
            TN_TRY(keep_fault(in, text, at, end, &scratch, err));
        }
        code = TARN_OK;
        rows++;
        at = end;
    }
    source->sampled = rows;
    source->sampled_all = whole && rows < rows_max;
    if (rows > 0) {
        source->text.row_bytes = (double)at / (double)rows;
    }
done:
    tn_arena_deinit(&scratch);
    return code;
}

/* ---- the schema -------------------------------------------------------------------------------
 */

/* Are its records objects?  Lines that are none are bad records then. */
static bool has_objects(const tn__json_source *source, const seen *root)
{
    const unsigned kinds =
        root->saw & (SAW_OBJECT | SAW_LIST | SAW_TEXT | SAW_INTEGER | SAW_DOUBLE | SAW_BOOLEAN);
    return kinds == SAW_OBJECT ||
           (source->by_lines && (kinds & SAW_OBJECT) != 0 && root->count > 0);
}

static tarn_code no_record(const tn__json_source *source, const inferrer *in, tarn_error *err)
{
    if (in->fault.size > 0) { /* there are lines, but not one is a record */
        const tarn_code code = tn_fail(err, TARN_E_INVALID, "%.*s", TN_STR_ARGS(in->fault));
        tn_locate(err, in->fault_line, 0, 0);
        return code;
    }
    (void)tn_fail(err, TARN_E_INVALID, "there is no record to take columns from");
    tn_hint(err, source->text.is_pipeline ? "say what they are: columns = { id = \"BIGINT\", ... }"
                                          : "give them with columns => {'name': 'TYPE', ...}");
    return TARN_E_INVALID;
}

static tarn_code set_schema(tn__json_source *source, const tn_json_options *options,
                            const inferrer *in, const seen *root, bool have_types, bool whole,
                            tarn_error *err)
{
    tn_field *fields;
    tn_field *found;
    bool guessed = false;
    uint32_t count = 0;
    const bool object = has_objects(source, root);
    if (root->saw == 0 && !whole) {
        const tarn_code code =
            tn_fail(err, TARN_E_LIMIT, "the first record is longer than %zu bytes",
                    source->text.record_size_max);
        tn_hint(err, "max_line_size = N allows longer ones");
        return code;
    }
    const bool empty = root->saw == 0 && !have_types;
    if (empty && (!options->may_be_empty || in->fault.size > 0)) {
        return no_record(source, in, err);
    }
    if ((root->saw & TOO_MANY) != 0) {
        return tn_fail(err, TARN_E_LIMIT, "its records have more than %d different fields",
                       FIELDS_MAX);
    }
    source->is_values = !have_types && !empty && (!object || root->count == 0);
    TN_RETURN_IF_ERROR(
        tn_arena_array(&source->text.arena, tn_field, root->count + 1, &fields, err));
    TN_RETURN_IF_ERROR(tn_arena_array(&source->text.arena, tn_field, root->count + 1, &found, err));
    for (const seen *field = root->fields; !source->is_values && !empty && field != NULL;
         field = field->next) {
        found[count] = (tn_field){field->name, field->found, true};
        guessed = guessed || field->found != field->type;
        fields[count++] = (tn_field){field->name, field->type, true};
    }
    if (source->is_values) {
        fields[count++] = (tn_field){TN_STR("json"), root->type, true};
    } else if (guessed) {
        source->text.base.found = (tn_schema){count, found};
    }
    source->text.base.schema = (tn_schema){count, fields};
    return TARN_OK;
}

static tarn_code declared(tn__json_source *source, const tn_json_options *options, tarn_error *err)
{
    const tn_schema given = {options->column_count, options->columns};
    return tn_schema_copy(&source->text.arena, &given, &source->text.base.schema, err);
}

static tarn_code apply_types(tn__json_source *source, const tn_json_options *options,
                             tarn_error *err)
{
    tn_schema copy;
    tn_field *fields;
    TN_RETURN_IF_ERROR(tn_arena_array(&source->text.arena, tn_field,
                                      source->text.base.schema.count + options->type_count + 1,
                                      &fields, err));
    if (source->text.base.schema.count > 0) {
        memcpy(fields, source->text.base.schema.fields,
               source->text.base.schema.count * sizeof(*fields));
    }
    if (options->type_count >
        0) { /* some are no guesses then, and files of one set had their say */
        source->text.base.found = (tn_schema){0};
    }
    copy = (tn_schema){source->text.base.schema.count, fields};
    for (uint32_t i = 0; i < options->type_count; i++) {
        bool ambiguous;
        const uint32_t at = tn_schema_find(&copy, options->types[i].name, &ambiguous);
        if (at == UINT32_MAX && !options->fill_missing &&
            (!options->may_be_empty || source->text.base.schema.count > 0)) {
            return tn_fail(err, TARN_E_NOT_FOUND,
                           "a type is given for '%.*s', but there is no such field",
                           TN_STR_ARGS(options->types[i].name));
        }
        if (at == UINT32_MAX) { /* a field that the sample lacks: optional, as all are */
            tn_str name;
            TN_RETURN_IF_ERROR(
                tn_arena_copy(&source->text.arena, options->types[i].name, &name, err));
            fields[copy.count++] = (tn_field){name, options->types[i].type, true};
            continue;
        }
        fields[at].type = options->types[i].type;
    }
    source->text.base.schema = copy;
    return TARN_OK;
}

tarn_code tn__json_infer(tn__json_source *source, const tn_json_options *options,
                         const tn__text_sample *sample, tn_types *types, tarn_error *err)
{
    const tn_str text = {sample->text, sample->size};
    inferrer in = {.keep = &source->text.arena, .types = types, .all_text = options->all_text};
    seen *root;

    TN_RETURN_IF_ERROR(tn_types_decimal(types, 38, 0, &in.wide, err));
    TN_RETURN_IF_ERROR(tn__text_refuse_binary(text, err));
    find_form(source, text);
    source->text.one_morsel = !source->by_lines || options->one_task;
    for (size_t i = 0; i < source->text.data_start; i++) {
        source->text.header_lines += text.data[i] == '\n';
    }
    if (options->column_count > 0) {
        return declared(source, options, err);
    }
    TN_RETURN_IF_ERROR(new_seen(&in, TN_STR_NONE, &root, err));
    TN_RETURN_IF_ERROR(see_records(&in, root, source, text, sample->whole,
                                   options->sample_rows != 0 ? options->sample_rows : SAMPLE_ROWS,
                                   err));
    for (seen *it = in.newest; it != NULL; it = it->made_before) {
        if (it != root) {
            TN_RETURN_IF_ERROR(decide(&in, it, err));
        }
    }
    const bool object = has_objects(source, root);
    const bool have_types = options->fill_missing && options->type_count > 0 &&
                            !tn_str_equal(options->types[0].name, TN_STR("json"));
    if (!object) {
        TN_RETURN_IF_ERROR(decide(&in, root, err));
    } else {
        root->type = TN_VARCHAR; /* of records without fields */
    }
    TN_RETURN_IF_ERROR(set_schema(source, options, &in, root, have_types, sample->whole, err));
    return apply_types(source, options, err);
}

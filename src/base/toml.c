/* Tables, keys and containers of TOML, on a stack of fixed depth. */
#include "base/toml.h"

#include "base/toml_internal.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- mistakes ---------------------------------------------------------------------------------*/

void tn_toml__locate(tn_toml_reader *r, size_t at, uint32_t *line, uint32_t *column)
{
    at = at > r->text.size ? r->text.size : at;
    if (at < r->seen || r->seen_line == 0) {
        r->seen = r->seen_start = 0;
        r->seen_line = 1;
    }
    for (; r->seen < at; r->seen++) {
        if (r->text.data[r->seen] == '\n') {
            r->seen_line++;
            r->seen_start = r->seen + 1;
        }
    }
    *line = r->seen_line;
    *column = (uint32_t)tn_utf8_length(r->text.data + r->seen_start, at - r->seen_start) + 1;
}

tarn_code tn_toml__fault(tn_toml_reader *r, size_t at, tarn_error *err, const char *format, ...)
{
    char message[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    if (r->fault_count < TN_TOML_FAULTS_MAX) {
        tn_toml_fault *fault = &r->faults[r->fault_count];
        TN_RETURN_IF_ERROR(tn_arena_copy(r->arena, tn_str_of(message), &fault->message, err));
        tn_toml__locate(r, at, &fault->line, &fault->column);
        r->fault_count++;
    }
    return TARN_E_INVALID;
}

/* ---- blanks -----------------------------------------------------------------------------------*/

static char peek(const tn_toml_reader *r)
{
    return r->at < r->text.size ? r->text.data[r->at] : '\0';
}

static char peek_at(const tn_toml_reader *r, size_t at)
{
    return at < r->text.size ? r->text.data[at] : '\0';
}

static void skip_blanks(tn_toml_reader *r)
{
    while (r->at < r->text.size && (peek(r) == ' ' || peek(r) == '\t')) {
        r->at++;
    }
}

static void skip_comment(tn_toml_reader *r)
{
    if (peek(r) == '#') {
        while (r->at < r->text.size && peek(r) != '\n') {
            r->at++;
        }
    }
}

/* Blanks, line ends and comments. */
static void skip_lines(tn_toml_reader *r)
{
    while (r->at < r->text.size) {
        skip_blanks(r);
        skip_comment(r);
        if (peek(r) == '\r' && r->at + 1 < r->text.size && r->text.data[r->at + 1] == '\n') {
            r->at++;
        }
        if (peek(r) != '\n' || r->at >= r->text.size) {
            return;
        }
        r->at++;
    }
}

static bool is_bare(char c)
{
    const char lower = tn_ascii_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* A header, or "key =", on a line of which only blanks were read. */
static bool begins_item(const tn_toml_reader *r)
{
    const bool header = peek(r) == '[';
    size_t at = r->at + (header ? 1 : 0);
    at += header && at < r->text.size && r->text.data[at] == '[';
    const size_t word = at;
    while (at < r->text.size && (is_bare(r->text.data[at]) || r->text.data[at] == '.')) {
        at++;
    }
    const bool named = at > word;
    while (at < r->text.size && r->text.data[at] == ' ') {
        at++;
    }
    return named && at < r->text.size && r->text.data[at] == (header ? ']' : '=');
}

/* After a mistake: the next line that begins like a header or like "key =". */
static void resume(tn_toml_reader *r)
{
    while (r->at < r->text.size) {
        while (r->at < r->text.size && peek(r) != '\n') {
            r->at++;
        }
        r->at += r->at < r->text.size;
        const size_t line = r->at;
        skip_blanks(r);
        const bool found = begins_item(r);
        r->at = line;
        if (found) {
            return;
        }
    }
}

/* Within an array whose ']' was forgotten: [1] and [true] on a line of their own are elements. */
static bool is_behind_array(const tn_toml_reader *r, size_t line_end)
{
    size_t at = r->at;
    while (at < r->text.size && r->text.data[at] == '[') {
        at++;
    }
    const tn_str word = tn_str_slice(r->text, at, r->text.size);
    return r->at > line_end && begins_item(r) &&
           (at == r->at ||
            (tn_ascii_lower(peek_at(r, at)) >= 'a' && tn_ascii_lower(peek_at(r, at)) <= 'z' &&
             !tn_str_starts(word, TN_STR("true]")) && !tn_str_starts(word, TN_STR("false]")) &&
             !tn_str_starts(word, TN_STR("inf]")) && !tn_str_starts(word, TN_STR("nan]"))));
}

/* ---- nodes ------------------------------------------------------------------------------------*/

static TN_FALLIBLE add_node(tn_toml_reader *r, tn_toml *parent, tn_str key, tn_toml **out,
                            tarn_error *err)
{
    tn_toml *node;
    TN_RETURN_IF_ERROR(tn_arena_new(r->arena, tn_toml, &node, err));
    node->key = key;
    if (parent->last == NULL) {
        parent->child = node;
    } else {
        parent->last->next = node;
    }
    parent->last = node;
    parent->count++;
    *out = node;
    return TARN_OK;
}

static tn_toml *member(const tn_toml *table, tn_str key)
{
    for (tn_toml *each = table->child; each != NULL; each = each->next) {
        if (tn_str_equal(each->key, key)) {
            return each;
        }
    }
    return NULL;
}

/* ---- keys -------------------------------------------------------------------------------------*/

static TN_FALLIBLE read_key_part(tn_toml_reader *r, tn_str *out, tarn_error *err)
{
    const size_t start = r->at;
    if (peek(r) == '"' || peek(r) == '\'') {
        return tn_toml__string(r, false, out, err);
    }
    while (r->at < r->text.size && is_bare(peek(r))) {
        r->at++;
    }
    *out = tn_str_slice(r->text, start, r->at);
    return out->size > 0 ? TARN_OK : tn_toml__fault(r, start, err, "a key is missing");
}

static bool another_part(tn_toml_reader *r)
{
    skip_blanks(r);
    if (peek(r) != '.') {
        return false;
    }
    r->at++;
    skip_blanks(r);
    return true;
}

/* The table that a dotted key's part names below `table`; made where there is none. */
static TN_FALLIBLE enter_dotted(tn_toml_reader *r, tn_toml *table, tn_str key, size_t place,
                                tn_toml **out, tarn_error *err)
{
    tn_toml *found = member(table, key);
    if (found == NULL) {
        TN_RETURN_IF_ERROR(add_node(r, table, key, &found, err));
        found->is_dotted = true;
        tn_toml__locate(r, place, &found->line, &found->column);
        found->key_line = found->line;
        found->key_column = found->column;
        found->offset = place;
    } else if (found->kind != TN_TOML_TABLE || !found->is_dotted) {
        return tn_toml__fault(r, place, err, "'%.*s' has a value already, on line %u",
                              TN_STR_ARGS(key), found->line);
    }
    *out = found;
    return TARN_OK;
}

/* `key =`, dotted or not: the node that will get the value. */
static TN_FALLIBLE read_key(tn_toml_reader *r, tn_toml *table, tn_toml **out, tarn_error *err)
{
    tn_str key;
    size_t place = r->at;
    TN_RETURN_IF_ERROR(read_key_part(r, &key, err));
    while (another_part(r)) {
        TN_RETURN_IF_ERROR(enter_dotted(r, table, key, place, &table, err));
        place = r->at;
        TN_RETURN_IF_ERROR(read_key_part(r, &key, err));
    }
    if (peek(r) != '=') {
        return tn_toml__fault(r, r->at, err, "'=' is missing after the key '%.*s'",
                              TN_STR_ARGS(key));
    }
    r->at++;
    skip_blanks(r);
    const tn_toml *there = member(table, key);
    if (there != NULL) {
        return tn_toml__fault(r, place, err, "'%.*s' has a value already, on line %u",
                              TN_STR_ARGS(key), there->line);
    }
    TN_RETURN_IF_ERROR(add_node(r, table, key, out, err));
    tn_toml__locate(r, place, &(*out)->key_line, &(*out)->key_column);
    return TARN_OK;
}

/* ---- values -----------------------------------------------------------------------------------*/

/* A value at r->at into `node`; a container is opened and pushed. */
static TN_FALLIBLE begin_value(tn_toml_reader *r, tn_toml *node, tarn_error *err)
{
    node->offset = r->at;
    tn_toml__locate(r, r->at, &node->line, &node->column);
    if (node->key_line == 0) {
        node->key_line = node->line;
        node->key_column = node->column;
    }
    switch (peek(r)) {
    case '[':
    case '{':
        if (r->depth == TN_TOML_DEPTH_MAX) {
            return tn_toml__fault(r, r->at, err, "values are nested more than %d deep",
                                  TN_TOML_DEPTH_MAX);
        }
        node->kind = peek(r) == '[' ? TN_TOML_ARRAY : TN_TOML_TABLE;
        node->is_closed = true;
        r->stack[r->depth++] = node;
        r->at++;
        return TARN_OK;
    case '"':
    case '\'':
        node->kind = TN_TOML_STRING;
        return tn_toml__string(r, true, &node->text, err);
    default:
        return tn_toml__scalar(r, node, err);
    }
}

/* What follows in the innermost open container: `*next` is the node that gets a value, or NULL
 * where the container was closed. */
static TN_FALLIBLE next_item(tn_toml_reader *r, bool is_first, tn_toml **next, tarn_error *err)
{
    tn_toml *open = r->stack[r->depth - 1];
    const bool is_array = open->kind == TN_TOML_ARRAY;
    const char closing = is_array ? ']' : '}';
    bool comma = false;

    *next = NULL;
    for (;;) {
        if (is_array) {
            skip_blanks(r);
            const size_t before = r->at;
            skip_lines(r);
            if (before < r->at && is_behind_array(r, before)) {
                r->at = before; /* what stands there is read */
                return tn_toml__fault(r, open->offset, err,
                                      "the array that begins here has no end: ']' is missing");
            }
        } else {
            skip_blanks(r);
        }
        if (peek(r) != ',' || is_first || comma) {
            break;
        }
        comma = true;
        r->at++;
    }
    if (peek(r) == closing && (is_array || !comma)) {
        r->at++;
        r->depth--;
        open->size = r->at - open->offset;
        return TARN_OK;
    }
    if (r->at >= r->text.size) {
        return tn_toml__fault(r, open->offset, err,
                              is_array ? "the array that begins here has no end: ']' is missing"
                                       : "the table that begins here has no end: '}' is missing");
    }
    if (!is_first && !comma) {
        return tn_toml__fault(r, r->at, err, "',' or '%c' is missing", closing);
    }
    if (is_array) {
        return add_node(r, open, TN_STR_NONE, next, err);
    }
    if (peek(r) == '\n' || peek(r) == '\r') {
        return tn_toml__fault(r, r->at, err, "a table in braces stands on one line");
    }
    return read_key(r, open, next, err);
}

/* A dotted key within braces makes tables that must be closed with them. */
static TN_FALLIBLE read_value(tn_toml_reader *r, tn_toml *node, tarn_error *err)
{
    r->depth = 0;
    for (;;) {
        const size_t depth = r->depth;
        TN_RETURN_IF_ERROR(begin_value(r, node, err));
        bool is_first = r->depth > depth;
        if (!is_first) {
            node->size = r->at - node->offset;
        }
        node = NULL;
        while (node == NULL) {
            if (r->depth == 0) {
                return TARN_OK;
            }
            TN_RETURN_IF_ERROR(next_item(r, is_first, &node, err));
            is_first = false;
        }
    }
}

/* ---- lines ------------------------------------------------------------------------------------*/

static TN_FALLIBLE end_line(tn_toml_reader *r, tarn_error *err)
{
    skip_blanks(r);
    const size_t comment = r->at;
    skip_comment(r);
    for (size_t i = comment; i < r->at; i++) {
        const unsigned char c = (unsigned char)r->text.data[i];
        if ((c < 0x20 && c != '\t' && !(c == '\r' && i + 1 == r->at)) || c == 0x7f) {
            return tn_toml__fault(r, i, err, "a control character in a comment");
        }
    }
    if (peek(r) == '\r' && r->at + 1 < r->text.size && r->text.data[r->at + 1] == '\n') {
        r->at++;
    }
    if (r->at < r->text.size && peek(r) != '\n') {
        return tn_toml__fault(r, r->at, err, "something stands behind the end of the value");
    }
    return TARN_OK;
}

/* [a.b]'s "a": the table, or the last of an array of tables. */
static TN_FALLIBLE enter_header(tn_toml_reader *r, tn_toml *table, tn_str key, size_t place,
                                tn_toml **out, tarn_error *err)
{
    tn_toml *found = member(table, key);
    if (found == NULL) {
        TN_RETURN_IF_ERROR(add_node(r, table, key, &found, err));
        tn_toml__locate(r, place, &found->line, &found->column);
        found->key_line = found->line;
        found->key_column = found->column;
    }
    if (found->kind == TN_TOML_ARRAY && !found->is_closed) {
        found = found->last;
    }
    if (found->kind != TN_TOML_TABLE || found->is_closed) {
        return tn_toml__fault(r, place, err, "'%.*s' has a value already, on line %u",
                              TN_STR_ARGS(key), found->line);
    }
    *out = found;
    return TARN_OK;
}

static TN_FALLIBLE open_table(tn_toml_reader *r, tn_toml *parent, tn_str key, size_t place,
                              tarn_error *err)
{
    tn_toml *found = member(parent, key);
    if (found != NULL && (found->kind != TN_TOML_TABLE || found->from_header || found->is_dotted ||
                          found->is_closed)) {
        return tn_toml__fault(r, place, err, "the table '%.*s' is there already, on line %u",
                              TN_STR_ARGS(key), found->line);
    }
    if (found == NULL) {
        TN_RETURN_IF_ERROR(add_node(r, parent, key, &found, err));
    }
    found->from_header = true;
    tn_toml__locate(r, place, &found->line, &found->column);
    found->key_line = found->line;
    found->key_column = found->column;
    found->offset = place;
    r->table = found;
    return TARN_OK;
}

static TN_FALLIBLE open_element(tn_toml_reader *r, tn_toml *parent, tn_str key, size_t place,
                                tarn_error *err)
{
    tn_toml *array = member(parent, key);
    tn_toml *element;
    if (array != NULL && (array->kind != TN_TOML_ARRAY || array->is_closed)) {
        return tn_toml__fault(r, place, err, "'%.*s' is no list of tables: see line %u",
                              TN_STR_ARGS(key), array->line);
    }
    if (array == NULL) {
        TN_RETURN_IF_ERROR(add_node(r, parent, key, &array, err));
        array->kind = TN_TOML_ARRAY;
        tn_toml__locate(r, place, &array->line, &array->column);
        array->key_line = array->line;
        array->key_column = array->column;
    }
    TN_RETURN_IF_ERROR(add_node(r, array, TN_STR_NONE, &element, err));
    element->from_header = true;
    tn_toml__locate(r, place, &element->line, &element->column);
    element->key_line = element->line;
    element->key_column = element->column;
    element->offset = place;
    r->table = element;
    return TARN_OK;
}

static TN_FALLIBLE read_header(tn_toml_reader *r, tarn_error *err)
{
    tn_toml *parent = r->root;
    tn_str key;
    r->at++;
    const bool is_element = peek(r) == '[';
    r->at += is_element;
    skip_blanks(r);
    size_t place = r->at;
    TN_RETURN_IF_ERROR(read_key_part(r, &key, err));
    while (another_part(r)) {
        TN_RETURN_IF_ERROR(enter_header(r, parent, key, place, &parent, err));
        place = r->at;
        TN_RETURN_IF_ERROR(read_key_part(r, &key, err));
    }
    for (int i = 0; i < 1 + is_element; i++) {
        if (peek(r) != ']') {
            return tn_toml__fault(r, r->at, err, "the header lacks its '%s'",
                                  is_element ? "]]" : "]");
        }
        r->at++;
    }
    TN_RETURN_IF_ERROR(end_line(r, err));
    return is_element ? open_element(r, parent, key, place, err)
                      : open_table(r, parent, key, place, err);
}

static TN_FALLIBLE read_pair(tn_toml_reader *r, tarn_error *err)
{
    tn_toml *node;
    TN_RETURN_IF_ERROR(read_key(r, r->table, &node, err));
    TN_RETURN_IF_ERROR(read_value(r, node, err));
    return end_line(r, err);
}

/* ---- documents --------------------------------------------------------------------------------*/

static TN_FALLIBLE read_all(tn_toml_reader *r, tarn_error *err)
{
    tn_toml *lost; /* keys behind a broken header go where nobody looks */
    TN_RETURN_IF_ERROR(tn_arena_new(r->arena, tn_toml, &lost, err));
    const size_t valid = tn_utf8_check(r->text.data, r->text.size);
    if (valid < r->text.size) {
        const tarn_code code = tn_toml__fault(r, valid, err, "this byte is no UTF-8");
        return code == TARN_E_INVALID ? TARN_OK : code;
    }
    if (tn_str_starts(r->text, TN_STR("\xef\xbb\xbf"))) {
        r->at = 3;
    }
    for (;;) {
        skip_lines(r);
        if (r->at >= r->text.size) {
            return TARN_OK;
        }
        const bool header = peek(r) == '[';
        const tarn_code code = header ? read_header(r, err) : read_pair(r, err);
        if (code == TARN_E_NOMEM) {
            return code;
        }
        if (code != TARN_OK) {
            r->table = header ? lost : r->table;
            resume(r);
        }
    }
}

tarn_code tn_toml_read(tn_arena *arena, tn_str document, tn_toml_document *out, tarn_error *err)
{
    tn_toml_reader *r;
    *out = (tn_toml_document){0};
    TN_RETURN_IF_ERROR(tn_arena_new(arena, tn_toml_reader, &r, err));
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_toml_fault, TN_TOML_FAULTS_MAX, &r->faults, err));
    TN_RETURN_IF_ERROR(tn_arena_new(arena, tn_toml, &r->root, err));
    r->arena = arena;
    r->text = document;
    r->table = r->root;
    r->root->line = r->root->column = 1;
    TN_RETURN_IF_ERROR(read_all(r, err));
    *out = (tn_toml_document){r->root, r->faults, r->fault_count};
    return TARN_OK;
}

tarn_code tn_toml_parse(tn_arena *arena, tn_str document, const tn_toml **out, tarn_error *err)
{
    tn_toml_document read;
    *out = NULL;
    TN_RETURN_IF_ERROR(tn_toml_read(arena, document, &read, err));
    if (read.fault_count > 0) {
        (void)tn_fail(err, TARN_E_INVALID, "%.*s", TN_STR_ARGS(read.faults[0].message));
        tn_locate(err, read.faults[0].line, read.faults[0].column, 0);
        return TARN_E_INVALID;
    }
    *out = read.root;
    return TARN_OK;
}

const tn_toml *tn_toml_find(const tn_toml *table, tn_str name)
{
    return table == NULL || table->kind != TN_TOML_TABLE ? NULL : member(table, name);
}

const tn_toml *tn_toml_get(const tn_toml *table, const char *name)
{
    return tn_toml_find(table, tn_str_of(name));
}

const char *tn_toml_kind_name(tn_toml_kind kind)
{
    static const char *const names[] = {
        "a table",       "a list", "a text", "a whole number",  "a number",
        "true or false", "a date", "a time", "a date and time", "a date and time with its zone"};
    return names[kind];
}

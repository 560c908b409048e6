/* One record's text straight into columns, on a stack as deep as types may be. */
#include "base/json.h"
#include "base/number.h"
#include "base/size.h"
#include "base/utf8.h"
#include "format/json/json_internal.h"
#include "kernel/calendar.h"

#include <stdio.h>

static const char no_json[] = "it is no valid JSON";
static const char no_memory[] = "";

typedef struct cursor {
    char *text;
    size_t at, size;
} cursor;

static inline void skip_space(cursor *c)
{
    while (c->at < c->size && (c->text[c->at] == ' ' || c->text[c->at] == '\t' ||
                               c->text[c->at] == '\n' || c->text[c->at] == '\r')) {
        c->at++;
    }
}

static inline char peek(cursor *c)
{
    skip_space(c);
    return c->at < c->size ? c->text[c->at] : '\0';
}

static inline bool take(cursor *c, char wanted)
{
    if (peek(c) == wanted) {
        c->at++;
        return true;
    }
    return false;
}

/* ---- strings ----------------------------------------------------------------------------------
 */

/* Index of the next quote, backslash or control character. */
static inline size_t string_stop(const char *text, size_t size, size_t at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    while (at + 8 <= size) {
        uint64_t word;
        memcpy(&word, text + at, 8);
        const uint64_t quote = word ^ ones * '"';
        const uint64_t slash = word ^ ones * '\\';
        const uint64_t odd = (((quote - ones) & ~quote) | ((slash - ones) & ~slash) |
                              ((word - ones * 0x20) & ~word)) &
                             ones * 0x80;
        if (odd != 0) {
            return at + (size_t)__builtin_ctzll(odd) / 8; /* the lowest one is exact */
        }
        at += 8;
    }
    while (at < size && text[at] != '"' && text[at] != '\\' && (unsigned char)text[at] >= 0x20) {
        at++;
    }
    return at;
}

/* The escape behind a backslash at *at; writes what it stands for, which is never longer. */
static bool unescape_one(const char *text, size_t size, size_t *at, char **to)
{
    static const char from[] = "\"\\/bfnrt";
    static const char into[] = "\"\\/\b\f\n\r\t";
    uint32_t point;
    if (*at + 1 >= size) {
        return false;
    }
    const char escape = text[*at + 1];
    *at += 2;
    if (escape != 'u') {
        const char *known = memchr(from, escape, sizeof(from) - 1);
        if (known == NULL) {
            return false;
        }
        *(*to)++ = into[known - from];
        return true;
    }
    if (tn_json_read_point((tn_str){text, size}, at, &point) != NULL) {
        return false;
    }
    *to += tn_utf8_encode(point, *to);
    return true;
}

/* At the opening quote; ends behind the closing one.  Escapes are taken out in place. */
static bool take_string(cursor *c, tn_str *out)
{
    const size_t start = c->at + 1;
    size_t at = string_stop(c->text, c->size, start);
    char *to = c->text + at;
    while (at < c->size && c->text[at] != '"') {
        if (c->text[at] != '\\' || !unescape_one(c->text, c->size, &at, &to)) {
            return false;
        }
        const size_t stop = string_stop(c->text, c->size, at);
        memmove(to, c->text + at, stop - at);
        to += stop - at;
        at = stop;
    }
    *out = (tn_str){c->text + start, (size_t)(to - c->text) - start};
    c->at = at + 1;
    return at < c->size;
}

size_t tn__json_skip(const char *text, size_t size, size_t at)
{
    size_t depth = 0;
    for (;;) {
        if (at >= size) {
            return SIZE_MAX;
        }
        const char c = text[at];
        if (c == '"') {
            at++;
            while ((at = string_stop(text, size, at)) < size && text[at] != '"') {
                at += text[at] == '\\' ? 2 : 1;
            }
            if (at >= size) {
                return SIZE_MAX;
            }
            at++;
        } else if (c == '{' || c == '[') {
            depth++;
            at++;
            continue;
        } else if (c == '}' || c == ']') {
            if (depth == 0) {
                return SIZE_MAX;
            }
            depth--;
            at++;
        } else if (depth > 0) {
            at++;
            continue;
        } else { /* a number or a word */
            const size_t start = at;
            while (at < size && text[at] != ',' && text[at] != '}' && text[at] != ']' &&
                   text[at] != ' ' && text[at] != '\n' && text[at] != '\r' && text[at] != '\t') {
                at++;
            }
            return at > start ? at : SIZE_MAX;
        }
        if (depth == 0) {
            return at;
        }
    }
}

/* ---- scalars ----------------------------------------------------------------------------------
 */

/* JSON's numbers are fewer than those the value readers take: "+1", ".5", "nan" are none. */
static bool is_json_number(tn_str text)
{
    const char *p = text.data;
    const char *end = p + text.size;
    p += p < end && *p == '-';
    if (p == end || *p < '0' || *p > '9' ||
        (*p == '0' && p + 1 < end && p[1] >= '0' && p[1] <= '9')) {
        return false;
    }
    while (p < end && *p >= '0' && *p <= '9') {
        p++;
    }
    if (p < end && *p == '.') {
        const char *digits = ++p;
        while (p < end && *p >= '0' && *p <= '9') {
            p++;
        }
        if (p == digits) {
            return false;
        }
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        p += p < end && (*p == '-' || *p == '+');
        const char *digits = p;
        while (p < end && *p >= '0' && *p <= '9') {
            p++;
        }
        if (p == digits) {
            return false;
        }
    }
    return p == end;
}

static int base64_digit(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+' || c == '-' ? 62
           : c == '/' || c == '_' ? 63
                                  : -1;
}

static tn_reason read_base64(char *text, size_t size, tn_view *out)
{
    uint32_t group = 0;
    size_t count = 0;
    size_t to = 0;
    while (size > 0 && text[size - 1] == '=') {
        size--;
    }
    for (size_t i = 0; i < size; i++) {
        const int digit = base64_digit(text[i]);
        if (digit < 0) {
            return "binary is written in base64";
        }
        group = group << 6 | (uint32_t)digit;
        if (++count % 4 != 1) {
            text[to++] = (char)(group >> (6 - 2 * ((count - 1) % 4)) & 0xff);
        }
    }
    *out = tn_view_of(text, to);
    return size % 4 == 1 ? "binary is written in base64" : NULL;
}

static tn_reason put_text(const tn_type *type, void *values, uint32_t row, char *data, size_t size,
                          bool string)
{
    const tn_str text = {data, size};
    const size_t width = tn_lane_size(type->lane);
    int64_t wide = 0;
    tn_reason why;
    switch (type->kind) {
    case TN_KIND_VARCHAR:
        ((tn_view *)values)[row] = tn_view_of(data, size);
        return NULL;
    case TN_KIND_BLOB:
        return string ? read_base64(data, size, &((tn_view *)values)[row])
                      : "binary is written in base64";
    case TN_KIND_REAL:
        return tn_text_parse_real(text, &((float *)values)[row]);
    case TN_KIND_DOUBLE:
        return tn_text_parse_double(text, &((double *)values)[row]);
    case TN_KIND_DATE:
        return tn_text_parse_date(text, &((int32_t *)values)[row]);
    case TN_KIND_TIME:
        return tn_text_parse_time(text, &((int64_t *)values)[row]);
    case TN_KIND_TIMESTAMP:
    case TN_KIND_TIMESTAMPTZ:
        return tn_text_parse_timestamp(text, TN_US_PER_SECOND, &((int64_t *)values)[row]);
    case TN_KIND_TIMESTAMP_NS:
        return tn_text_parse_timestamp(text, TN_NS_PER_SECOND, &((int64_t *)values)[row]);
    case TN_KIND_INTERVAL:
        return tn_text_parse_interval(text, &((tn_interval *)values)[row]);
    case TN_KIND_DECIMAL:
        if (type->scale == 0 && tn_text_has_fraction(text)) { /* as of an integer (decision 21) */
            return "it is no whole number";
        }
        return type->lane == TN_LANE_i128
                   ? tn_text_parse_decimal128(text, type, &((tn_i128 *)values)[row])
               : type->lane == TN_LANE_i256
                   ? tn_text_parse_decimal256(text, type, &((tn_i256 *)values)[row])
                   : tn_text_parse_decimal(text, type, &((int64_t *)values)[row]);
    case TN_KIND_BOOLEAN: {
        bool value = false;
        why = tn_text_parse_boolean(text, &value);
        tn_bit_put(values, row, value);
        return why;
    }
    case TN_KIND_TINYINT:
    case TN_KIND_SMALLINT:
    case TN_KIND_INTEGER:
    case TN_KIND_BIGINT:
    case TN_KIND_UTINYINT:
    case TN_KIND_USMALLINT:
    case TN_KIND_UINTEGER:
    case TN_KIND_UBIGINT:
        why = tn_text_parse_integer(text, type, &wide);
        memcpy((char *)values + row * width, &wide, width);
        return why;
    case TN_KIND_NULL:
    case TN_KIND_LIST:
    case TN_KIND_STRUCT:
    case TN_KIND_MAP:
    case TN_KIND_COUNT:
        break;
    }
    return "text is not read as this type";
}

/* A scalar node's value: anything but null. */
static tn_reason put_scalar(cursor *c, tn__json_node *node, uint32_t row, bool may_round,
                            tn_str *field)
{
    const tn_type *type = node->type;
    const char first = c->text[c->at];
    const size_t start = c->at;
    tn_reason why;
    if (first == '"') {
        if (!take_string(c, field)) {
            return no_json;
        }
        why =
            put_text(type, node->values, row, c->text + (field->data - c->text), field->size, true);
    } else {
        const size_t end = tn__json_skip(c->text, c->size, c->at);
        if (end == SIZE_MAX) {
            return no_json;
        }
        *field = (tn_str){c->text + start, end - start};
        c->at = end;
        const bool container = first == '{' || first == '[';
        const bool word =
            tn_str_equal(*field, TN_STR("true")) || tn_str_equal(*field, TN_STR("false"));
        if (!container && !word && !is_json_number(*field)) {
            return no_json;
        }
        if (type->kind == TN_KIND_BOOLEAN && !word) {
            return "a boolean is true or false";
        }
        why = put_text(type, node->values, row, c->text + start, end - start, false);
    }
    if (why == NULL && !may_round &&
        !(tn_type_is_timestamp(type) && tn__text_is_plain_time(*field))) {
        why = tn__text_loses(type, node->values, row, *field);
    }
    if (why == NULL) {
        tn_bit_set(node->validity, row);
    }
    return why;
}

/* ---- the walk ---------------------------------------------------------------------------------
 */

/* A struct's field by name; its child node, or UINT32_MAX. */
static uint32_t find_field(tn__json_node *node, tn_str name)
{
    const uint32_t count = node->type->field_count;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t at = node->guess + i < count ? node->guess + i : node->guess + i - count;
        if (tn_str_equal(node->type->fields[at].name, name)) {
            node->guess = at + 1 < count ? at + 1 : 0;
            return node->first_child + at;
        }
    }
    return UINT32_MAX;
}

static inline tn_str column_name(const tn__json_parser *p, uint32_t wanted)
{
    return p->base.source->base.schema.fields[p->fields[wanted]].name;
}

/* In other letters, as columns of CSV files are found; not where it is another column's name. */
static uint32_t find_folded(tn__json_parser *p, tn_str name)
{
    const tn_schema *schema = &p->source->text.base.schema;
    for (uint32_t i = 0; i < p->field_count; i++) {
        if (column_name(p, i).size == name.size && tn_str_equal_fold(column_name(p, i), name)) {
            for (uint32_t j = 0; j < schema->count; j++) {
                if (tn_str_equal(schema->fields[j].name, name)) {
                    return UINT32_MAX;
                }
            }
            return i;
        }
    }
    return UINT32_MAX;
}

/* The same among the wanted columns, which are the record's own fields. */
static uint32_t find_column(tn__json_parser *p, tn_str name)
{
    for (uint32_t i = 0; i < p->field_count; i++) {
        const uint32_t at =
            p->guess + i < p->field_count ? p->guess + i : p->guess + i - p->field_count;
        if (tn_str_equal(column_name(p, at), name)) {
            p->guess = at + 1 < p->field_count ? at + 1 : 0;
            return at;
        }
    }
    return p->field_count == 0 ? UINT32_MAX : find_folded(p, name);
}

/* The name that is expected, with its quotes and colon, as most records have it. */
static inline bool take_expected(cursor *c, tn_str name)
{
    const char *at = c->text + c->at;
    if (c->size - c->at < name.size + 3 || at[0] != '"' || at[name.size + 1] != '"' ||
        at[name.size + 2] != ':' || memcmp(at + 1, name.data, name.size) != 0) {
        return false;
    }
    c->at += name.size + 3;
    return true;
}

/* Has the file a column of that name, though nobody reads it? */
static bool is_known(tn__json_parser *p, tn_str name)
{
    const tn_schema *schema = &p->source->text.base.schema;
    for (uint32_t i = 0; i < schema->count; i++) {
        const uint32_t at =
            p->known + i < schema->count ? p->known + i : p->known + i - schema->count;
        if (tn_str_equal_fold(schema->fields[at].name, name)) {
            p->known = at + 1 < schema->count ? at + 1 : 0;
            return true;
        }
    }
    return false;
}

typedef struct walk {
    tn__json_parser *p;
    cursor c;
    size_t depth;
    tn_str *field;
    const tn_type **type;
    tarn_code code;
    tarn_error *err;
    tn_str unknown;        /* the first field that no column takes */
    uint32_t unknown_node; /* ... and the struct that has it */
} walk;

static bool grow(walk *w, uint32_t node, uint32_t row)
{
    if (row < w->p->nodes.nodes[node].capacity) {
        return true;
    }
    w->code = tn__json_node_grow(&w->p->nodes, node, row, w->err);
    return w->code == TARN_OK;
}

/* A value into a node: scalars whole, of containers the opening. */
static tn_reason put_value(walk *w, uint32_t index, uint32_t row)
{
    cursor *c = &w->c;
    const char first = peek(c);
    if (!grow(w, index, row)) {
        return no_memory;
    }
    tn__json_node *node = &w->p->nodes.nodes[index];
    if (c->size - c->at >= 4 && memcmp(c->text + c->at, "null", 4) == 0) {
        c->at += 4;
        tn_bit_clear(node->validity, row);
        return NULL;
    }
    if (first == '\0') {
        return no_json;
    }
    if (!tn_type_is_nested(node->type)) {
        const tn_reason why = put_scalar(c, node, row, w->p->source->may_round, w->field);
        *w->type = node->type;
        return why;
    }
    const bool list = node->type->kind == TN_KIND_LIST;
    if (first != (list ? '[' : '{')) {
        const size_t end = tn__json_skip(c->text, c->size, c->at);
        *w->field = (tn_str){c->text + c->at, end == SIZE_MAX ? 0 : end - c->at};
        *w->type = node->type;
        return end == SIZE_MAX ? no_json : list ? "an array is expected" : "an object is expected";
    }
    c->at++;
    tn_bit_set(node->validity, row);
    if (node->type->kind != TN_KIND_STRUCT) {
        ((tn_list *)node->values)[row] = (tn_list){w->p->nodes.nodes[node->first_child].rows, 0};
    }
    w->p->stack[w->depth++] = (tn__json_level){index, row, list};
    return NULL;
}

static tn_reason skip_value(walk *w)
{
    cursor *c = &w->c;
    skip_space(c);
    const size_t end = tn__json_skip(c->text, c->size, c->at);
    if (end == SIZE_MAX) {
        return no_json;
    }
    c->at = end;
    return NULL;
}

/* A field that no column takes: told of once the record has proved to be one. */
static tn_reason pass_over(walk *w, uint32_t node, tn_str name)
{
    if (w->p->source->refuses_new && w->unknown.data == NULL &&
        (node != UINT32_MAX || !is_known(w->p, name))) {
        w->unknown = name;
        w->unknown_node = node;
    }
    return skip_value(w);
}

/* "items[].price" */
static tn_reason name_unknown(const walk *w)
{
    tn__json_parser *p = w->p;
    uint32_t path[TN_TYPE_DEPTH_MAX + 1];
    size_t depth = 0;
    size_t size = 0;
    for (uint32_t node = w->unknown_node; node != UINT32_MAX && depth < TN_TYPE_DEPTH_MAX;
         node = p->nodes.nodes[node].parent) {
        path[depth++] = node;
    }
    size += (size_t)snprintf(p->unknown, sizeof(p->unknown), "it has a field '");
    for (; depth > 0 && size < 128; depth--) {
        const uint32_t node = path[depth - 1];
        const uint32_t above = p->nodes.nodes[node].parent;
        const tn__json_node *parent = above == UINT32_MAX ? NULL : &p->nodes.nodes[above];
        const bool is_field = parent == NULL || parent->type->kind == TN_KIND_STRUCT;
        const tn_str name = parent == NULL ? column_name(p, node)
                            : is_field     ? parent->type->fields[node - parent->first_child].name
                                           : TN_STR("[]");
        size += (size_t)snprintf(p->unknown + size, sizeof(p->unknown) - size, "%s%.*s",
                                 parent == NULL || !is_field ? "" : ".",
                                 (int)tn_min_size(name.size, 48), name.data);
    }
    (void)snprintf(p->unknown + size, sizeof(p->unknown) - size, "%s%.*s' that %s",
                   w->unknown_node == UINT32_MAX ? "" : ".", (int)tn_min_size(w->unknown.size, 48),
                   w->unknown.data,
                   p->source->text.is_pipeline
                       ? "the source did not have before"
                       : "none of the records had from which types were inferred");
    return p->unknown;
}

/* One element more of a list, or entry of a map. */
static uint32_t append(walk *w, const tn__json_level *level)
{
    const uint32_t child = w->p->nodes.nodes[level->node].first_child;
    tn__json_node *node = &w->p->nodes.nodes[level->node];
    ((tn_list *)node->values)[level->row].length++;
    return w->p->nodes.nodes[child].rows++;
}

static tn_reason map_entry(walk *w, const tn__json_level *level, tn_str name)
{
    const uint32_t child = w->p->nodes.nodes[level->node].first_child;
    const uint32_t row = append(w, level);
    w->p->nodes.nodes[child + 1].rows = row + 1;
    if (!grow(w, child, row)) {
        return no_memory;
    }
    tn__json_node *key = &w->p->nodes.nodes[child];
    *w->field = name;
    *w->type = key->type;
    const tn_reason why =
        put_text(key->type, key->values, row, w->c.text + (name.data - w->c.text), name.size, true);
    if (why != NULL) {
        return why;
    }
    tn_bit_set(key->validity, row);
    return put_value(w, child + 1, row);
}

/* What comes next in the container on top; it may close. */
static tn_reason step(walk *w, bool *opened)
{
    const tn__json_level level = w->p->stack[w->depth - 1];
    const bool top = level.node == UINT32_MAX;
    cursor *c = &w->c;
    tn_str name;
    if (take(c, level.is_list ? ']' : '}')) {
        w->depth--;
        *opened = false;
        return NULL;
    }
    if (!*opened && !take(c, ',')) {
        return no_json;
    }
    *opened = false;
    const size_t depth = w->depth;
    tn_reason why;
    if (level.is_list) {
        const uint32_t row = append(w, &level);
        why = put_value(w, w->p->nodes.nodes[level.node].first_child, row);
    } else {
        (void)peek(c);
        if (top && w->p->names_are_plain && take_expected(c, column_name(w->p, w->p->guess))) {
            w->p->top = w->p->guess;
            w->p->guess = w->p->guess + 1 < w->p->field_count ? w->p->guess + 1 : 0;
            why = put_value(w, w->p->top, level.row);
            *opened = w->depth > depth;
            return why;
        }
        if (peek(c) != '"' || !take_string(c, &name) || !take(c, ':')) {
            return no_json;
        }
        if (top) {
            w->p->top = find_column(w->p, name);
            why = w->p->top == UINT32_MAX ? pass_over(w, UINT32_MAX, name)
                                          : put_value(w, w->p->top, level.row);
        } else if (w->p->nodes.nodes[level.node].type->kind == TN_KIND_MAP) {
            why = map_entry(w, &level, name);
        } else {
            const uint32_t field = find_field(&w->p->nodes.nodes[level.node], name);
            why = field == UINT32_MAX ? pass_over(w, level.node, name)
                                      : put_value(w, field, level.row);
        }
    }
    *opened = w->depth > depth;
    return why;
}

tarn_code tn__json_shred(tn__json_parser *p, char *text, size_t size, uint32_t row, tn_reason *why,
                         tn_str *field, const tn_type **type, tarn_error *err)
{
    walk w = {
        .p = p, .c = {text, 0, size}, .field = field, .type = type, .code = TARN_OK, .err = err};
    bool opened = true;
    *field = (tn_str){text, size};
    *type = NULL;
    p->top = UINT32_MAX;
    if (p->source->is_values) {
        p->top = 0;
        *why = p->field_count > 0 ? put_value(&w, 0, row) : skip_value(&w);
        opened = w.depth > 0;
    } else if (!take(&w.c, '{')) {
        *why = "a record is an object";
    } else {
        p->stack[w.depth++] = (tn__json_level){UINT32_MAX, row, false};
        *why = NULL;
    }
    while (*why == NULL && w.depth > 0) {
        *why = step(&w, &opened);
        if (*why == NULL && w.depth == 1) {
            p->top = UINT32_MAX;
        }
    }
    skip_space(&w.c);
    if (*why == NULL && w.c.at < w.c.size) {
        *why = "something follows the record";
        *type = NULL;
    }
    if (*why == no_json) {
        *type = NULL;
    }
    if (*why == NULL && w.unknown.data != NULL) {
        *why = name_unknown(&w);
        *type = NULL;
    }
    return w.code;
}

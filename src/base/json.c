/* Reading JSON, without recursion: open containers stand on a stack of fixed depth. */
#include "base/json.h"

#include "base/hash.h"
#include "base/number.h"
#include "base/utf8.h"

#include <assert.h>

typedef struct open_container {
    tn_json *node, *last;
} open_container;

typedef struct parser {
    tn_arena *arena;
    tn_str text;
    size_t at;
    tn_json *slab; /* nodes not used yet */
    size_t slab_room, slab_size;
    size_t depth;
    open_container stack[TN_JSON_DEPTH_MAX];
} parser;

/* ---- failing ----------------------------------------------------------------------------------
 */

static void locate(const parser *p, size_t at, tarn_error *err)
{
    int64_t line = 1;
    size_t start = 0;
    for (size_t i = 0; i < at; i++) {
        if (p->text.data[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    const size_t column = tn_utf8_length(p->text.data + start, at - start) + 1;
    tn_explain(err, "JSON, line %lld, column %zu", (long long)line, column);
    tn_locate(err, line, (int64_t)column, 0);
}

static tarn_code fail_at(const parser *p, size_t at, const char *what, tarn_error *err)
{
    const tarn_code code = tn_fail(err, TARN_E_INVALID, "%s", what);
    locate(p, at, err);
    return code;
}

static tarn_code fail_expected(const parser *p, const char *expected, tarn_error *err)
{
    tarn_code code;
    if (p->at >= p->text.size) {
        code = tn_fail(err, TARN_E_INVALID, "the text ends where %s should follow", expected);
    } else {
        const unsigned char c = (unsigned char)p->text.data[p->at];
        code =
            c >= 0x20 && c < 0x7f
                ? tn_fail(err, TARN_E_INVALID, "'%c' where %s should follow", c, expected)
                : tn_fail(err, TARN_E_INVALID, "byte 0x%02x where %s should follow", c, expected);
    }
    locate(p, p->at, err);
    return code;
}

/* ---- strings ----------------------------------------------------------------------------------
 */

static inline uint64_t zero_bytes(uint64_t word)
{
    return (word - UINT64_C(0x0101010101010101)) & ~word & UINT64_C(0x8080808080808080);
}

/* Index of the first byte from `at` that is a quote, a backslash, a control character or no ASCII.
 */
static size_t plain_end(tn_str text, size_t at)
{
    while (at + 8 <= text.size) {
        uint64_t word;
        memcpy(&word, text.data + at, 8);
        const uint64_t odd = zero_bytes(word ^ UINT64_C(0x2222222222222222)) |
                             zero_bytes(word ^ UINT64_C(0x5c5c5c5c5c5c5c5c)) |
                             ((word - UINT64_C(0x2020202020202020)) & ~word) | word;
        if ((odd & UINT64_C(0x8080808080808080)) != 0) {
            break;
        }
        at += 8;
    }
    while (at < text.size) {
        const unsigned char c = (unsigned char)text.data[at];
        if (c == '"' || c == '\\' || c < 0x20 || c >= 0x80) {
            break;
        }
        at++;
    }
    return at;
}

static bool read_hex4(tn_str text, size_t at, uint32_t *out)
{
    *out = 0;
    for (size_t end = at + 4; at < end; at++) {
        const int digit = at < text.size ? tn_hex_digit(text.data[at]) : -1;
        if (digit < 0) {
            return false;
        }
        *out = *out << 4 | (uint32_t)digit;
    }
    return true;
}

const char *tn_json_read_point(tn_str text, size_t *at, uint32_t *out)
{
    uint32_t low;
    if (!read_hex4(text, *at, out)) {
        return "'\\u' needs four hexadecimal digits";
    }
    *at += 4;
    if (*out < 0xd800 || *out >= 0xe000) {
        return NULL;
    }
    if (*out >= 0xdc00 || text.size - *at < 6 || memcmp(text.data + *at, "\\u", 2) != 0 ||
        !read_hex4(text, *at + 2, &low) || low < 0xdc00 || low >= 0xe000) {
        return "an unpaired surrogate, which no text can hold";
    }
    *at += 6;
    *out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
    return NULL;
}

/* Copies the string from its first escape on; `end` is its closing quote. */
static tarn_code unescape(parser *p, size_t start, size_t first, size_t end, tn_str *out,
                          tarn_error *err)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    char *copy;
    size_t size = first - start;

    TN_RETURN_IF_ERROR(tn_arena_alloc(p->arena, end - start + 1, (void **)&copy, err));
    memcpy(copy, p->text.data + start, size);
    for (size_t at = first; at < end;) {
        const char c = p->text.data[at++];
        if (c != '\\') {
            copy[size++] = c;
            continue;
        }
        const char escape = p->text.data[at++];
        const char *known = memchr(from, escape, sizeof(from) - 1);
        if (escape == 'u') {
            uint32_t point;
            const size_t backslash = at - 2;
            const char *why = tn_json_read_point(p->text, &at, &point);
            if (why != NULL) {
                return fail_at(p, backslash, why, err);
            }
            size += tn_utf8_encode(point, copy + size);
        } else if (known != NULL) {
            copy[size++] = to[known - from];
        } else {
            return fail_at(p, at - 2, "an escape that JSON does not have", err);
        }
    }
    *out = (tn_str){copy, size};
    return TARN_OK;
}

/* At the opening quote; ends behind the closing one. */
static tarn_code parse_string(parser *p, tn_str *out, tarn_error *err)
{
    const size_t start = p->at + 1;
    size_t at = start;
    size_t escape = SIZE_MAX;
    bool ascii = true;

    for (;;) {
        at = plain_end(p->text, at);
        if (at >= p->text.size) {
            return fail_at(p, start - 1, "this string has no closing quote", err);
        }
        const unsigned char c = (unsigned char)p->text.data[at];
        if (c == '"') {
            break;
        }
        if (c < 0x20) {
            return fail_at(p, at, "a control character in a string must be written as an escape",
                           err);
        }
        if (c == '\\') {
            escape = escape == SIZE_MAX ? at : escape;
            if (at + 1 >= p->text.size) {
                return fail_at(p, start - 1, "this string has no closing quote", err);
            }
            at += (unsigned char)p->text.data[at + 1] < 0x80 ? 2 : 1;
        } else {
            ascii = false;
            at++;
        }
    }
    if (!ascii) {
        const size_t bad = tn_utf8_check(p->text.data + start, at - start);
        if (bad < at - start) {
            return fail_at(p, start + bad, "bytes that are no UTF-8", err);
        }
    }
    p->at = at + 1;
    if (escape == SIZE_MAX) {
        *out = tn_str_slice(p->text, start, at);
        return TARN_OK;
    }
    return unescape(p, start, escape, at, out, err);
}

/* ---- numbers and words ------------------------------------------------------------------------
 */

static size_t skip_digits(const parser *p, size_t at)
{
    while (at < p->text.size && p->text.data[at] >= '0' && p->text.data[at] <= '9') {
        at++;
    }
    return at;
}

static tarn_code parse_number(parser *p, tn_json *node, tarn_error *err)
{
    const size_t start = p->at;
    size_t at = start + (p->text.data[start] == '-');
    const size_t whole = at;
    bool integer = true;

    at = skip_digits(p, at);
    if (at == whole) {
        p->at = at;
        return fail_expected(p, "a digit", err);
    }
    if (p->text.data[whole] == '0' && at > whole + 1) {
        return fail_at(p, start, "a number must not begin with 0", err);
    }
    if (at < p->text.size && p->text.data[at] == '.') {
        const size_t fraction = at + 1;
        integer = false;
        p->at = at = skip_digits(p, fraction);
        if (at == fraction) {
            return fail_expected(p, "a digit", err);
        }
    }
    if (at < p->text.size && (p->text.data[at] == 'e' || p->text.data[at] == 'E')) {
        size_t digits = at + 1;
        integer = false;
        digits +=
            digits < p->text.size && (p->text.data[digits] == '-' || p->text.data[digits] == '+');
        p->at = at = skip_digits(p, digits);
        if (at == digits) {
            return fail_expected(p, "a digit", err);
        }
    }
    p->at = at;
    node->kind = TN_JSON_NUMBER;
    node->text = tn_str_slice(p->text, start, at);
    node->is_integer =
        integer && tn_parse_i64(node->text.data, node->text.size, &node->integer) == TN_PARSED;
    return TARN_OK;
}

static tarn_code parse_word(parser *p, tn_json *node, tarn_error *err)
{
    static const struct {
        const char *word;
        tn_json_kind kind;
    } words[] = {{"null", TN_JSON_NULL}, {"true", TN_JSON_TRUE}, {"false", TN_JSON_FALSE}};

    const tn_str rest = tn_str_slice(p->text, p->at, p->text.size);
    for (size_t i = 0; i < 3; i++) {
        if (tn_str_starts(rest, tn_str_of(words[i].word))) {
            node->kind = (uint8_t)words[i].kind;
            p->at += strlen(words[i].word);
            return TARN_OK;
        }
    }
    return fail_expected(p, "a value", err);
}

/* ---- containers -------------------------------------------------------------------------------
 */

enum { SLAB_FIRST = 8, SLAB_MOST = 512, FEW_MEMBERS = 16, GONE = 255 };

static tarn_code new_node(parser *p, tn_json **out, tarn_error *err)
{
    if (p->slab_room == 0) {
        p->slab_size = p->slab_size == 0          ? SLAB_FIRST
                       : p->slab_size < SLAB_MOST ? 2 * p->slab_size
                                                  : SLAB_MOST;
        TN_RETURN_IF_ERROR(tn_arena_array(p->arena, tn_json, p->slab_size, &p->slab, err));
        p->slab_room = p->slab_size;
    }
    p->slab_room--;
    *out = p->slab++;
    return TARN_OK;
}

/* Marks members whose name comes again later; true where there are any. */
static tarn_code mark_repeated(parser *p, tn_json **members, size_t count, bool *any,
                               tarn_error *err)
{
    *any = false;
    if (count <= FEW_MEMBERS) {
        for (size_t i = 0; i < count; i++) {
            for (size_t j = i + 1; j < count && members[i]->kind != GONE; j++) {
                if (tn_str_equal(members[i]->name, members[j]->name)) {
                    members[i]->kind = GONE;
                    *any = true;
                }
            }
        }
        return TARN_OK;
    }
    size_t slots = 64;
    while (slots < 2 * count) {
        slots *= 2;
    }
    tn_json **table;
    TN_RETURN_IF_ERROR(tn_arena_array(p->arena, tn_json *, slots, &table, err));
    for (size_t i = 0; i < count; i++) {
        const tn_str name = members[i]->name;
        size_t slot = (size_t)tn_hash_bytes(name.data, name.size, 0) & (slots - 1);
        while (table[slot] != NULL && !tn_str_equal(table[slot]->name, name)) {
            slot = (slot + 1) & (slots - 1);
        }
        if (table[slot] != NULL) {
            table[slot]->kind = GONE;
            *any = true;
        }
        table[slot] = members[i];
    }
    return TARN_OK;
}

/* The last member of a name counts. */
static tarn_code drop_repeated(parser *p, tn_json *object, tn_json *first, tarn_error *err)
{
    tn_json *few[FEW_MEMBERS];
    tn_json **members = few;
    size_t count = 0;
    bool any;

    if (object->count > FEW_MEMBERS) {
        TN_RETURN_IF_ERROR(tn_arena_array(p->arena, tn_json *, object->count, &members, err));
    }
    /* the nodes are this parser's own: const is for those who look at the tree */
    for (const tn_json *it = first; it != NULL; it = it->next) {
        union {
            const tn_json *from;
            tn_json *to;
        } own = {.from = it};
        members[count++] = own.to;
    }
    TN_RETURN_IF_ERROR(mark_repeated(p, members, count, &any, err));
    if (any) {
        const tn_json *next = NULL;
        object->count = 0;
        for (size_t i = count; i > 0; i--) {
            if (members[i - 1]->kind != GONE) {
                members[i - 1]->next = next;
                next = members[i - 1];
                object->count++;
            }
        }
        object->child = next;
    }
    return TARN_OK;
}

static void skip_space(parser *p)
{
    while (p->at < p->text.size) {
        const char c = p->text.data[p->at];
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
            break;
        }
        p->at++;
    }
}

static bool take(parser *p, char c)
{
    skip_space(p);
    if (p->at < p->text.size && p->text.data[p->at] == c) {
        p->at++;
        return true;
    }
    return false;
}

/* The name of a member with its colon. */
static tarn_code parse_name(parser *p, tn_str *out, tarn_error *err)
{
    skip_space(p);
    if (p->at >= p->text.size || p->text.data[p->at] != '"') {
        return fail_expected(p, "a member's name in quotes", err);
    }
    TN_RETURN_IF_ERROR(parse_string(p, out, err));
    return take(p, ':') ? TARN_OK : fail_expected(p, "':'", err);
}

/* A value, or the opening of one; *opened tells. */
static tarn_code parse_start(parser *p, tn_json *node, bool *opened, tarn_error *err)
{
    skip_space(p);
    *opened = false;
    node->offset = p->at;
    const char c = p->at < p->text.size ? p->text.data[p->at] : '\0';
    if (c == '{' || c == '[') {
        if (p->depth == TN_JSON_DEPTH_MAX) {
            const tarn_code code =
                tn_fail(err, TARN_E_LIMIT, "more than %d levels of nesting", TN_JSON_DEPTH_MAX);
            locate(p, p->at, err);
            return code;
        }
        node->kind = c == '{' ? TN_JSON_OBJECT : TN_JSON_ARRAY;
        p->stack[p->depth++] = (open_container){node, NULL};
        p->at++;
        *opened = true;
        return TARN_OK;
    }
    if (c == '"') {
        node->kind = TN_JSON_STRING;
        return parse_string(p, &node->text, err);
    }
    return c == '-' || (c >= '0' && c <= '9') ? parse_number(p, node, err)
                                              : parse_word(p, node, err);
}

/* Behind a value, or an opening: closes what ends here; *more says that a value follows. */
static tarn_code parse_follow(parser *p, bool opened, bool *more, tarn_error *err)
{
    *more = false;
    while (p->depth > 0) {
        const open_container top = p->stack[p->depth - 1];
        const bool object = top.node->kind == TN_JSON_OBJECT;
        if (take(p, object ? '}' : ']')) {
            p->depth--;
            top.node->size = p->at - top.node->offset;
            if (object && top.node->count > 1) {
                union {
                    const tn_json *from;
                    tn_json *to;
                } own = {.from = top.node->child};
                TN_RETURN_IF_ERROR(drop_repeated(p, top.node, own.to, err));
            }
            opened = false;
            continue;
        }
        if (!opened && !take(p, ',')) {
            return fail_expected(p, object ? "',' or '}'" : "',' or ']'", err);
        }
        *more = true;
        return TARN_OK;
    }
    return TARN_OK;
}

static tarn_code parse_tree(parser *p, const tn_json **out, tarn_error *err)
{
    tn_json *root = NULL;
    bool more = true;

    while (more) {
        tn_json *node;
        bool opened;
        TN_RETURN_IF_ERROR(new_node(p, &node, err));
        if (p->depth > 0) {
            open_container *parent = &p->stack[p->depth - 1];
            if (parent->node->kind == TN_JSON_OBJECT) {
                TN_RETURN_IF_ERROR(parse_name(p, &node->name, err));
            }
            if (parent->last == NULL) {
                parent->node->child = node;
            } else {
                parent->last->next = node;
            }
            parent->last = node;
            parent->node->count++;
        } else {
            root = node;
        }
        TN_RETURN_IF_ERROR(parse_start(p, node, &opened, err));
        if (!opened) {
            node->size = p->at - node->offset;
        }
        TN_RETURN_IF_ERROR(parse_follow(p, opened, &more, err));
    }
    *out = root;
    return TARN_OK;
}

tarn_code tn_json_parse_prefix(tn_arena *arena, tn_str text, const tn_json **out, size_t *end,
                               tarn_error *err)
{
    parser p;
    p.arena = arena;
    p.text = text;
    p.at = p.slab_room = p.slab_size = p.depth = 0;
    p.slab = NULL;
    *out = NULL;
    *end = 0;
    if (tn_str_starts(text, TN_STR("\xef\xbb\xbf"))) {
        p.at = 3;
    }
    TN_RETURN_IF_ERROR(parse_tree(&p, out, err));
    *end = p.at;
    return TARN_OK;
}

tarn_code tn_json_parse(tn_arena *arena, tn_str document, const tn_json **out, tarn_error *err)
{
    size_t end;
    TN_RETURN_IF_ERROR(tn_json_parse_prefix(arena, document, out, &end, err));
    parser p;
    p.text = document;
    p.at = end;
    skip_space(&p);
    if (p.at < document.size) {
        *out = NULL;
        return fail_expected(&p, "the end", err);
    }
    return TARN_OK;
}

/* ---- looking ----------------------------------------------------------------------------------
 */

const tn_json *tn_json_find(const tn_json *object, tn_str name)
{
    if (object == NULL || object->kind != TN_JSON_OBJECT) {
        return NULL;
    }
    const tn_json *it = object->child;
    while (it != NULL && !tn_str_equal(it->name, name)) {
        it = it->next;
    }
    return it;
}

const tn_json *tn_json_get(const tn_json *object, const char *name)
{
    const tn_json *found = tn_json_find(object, tn_str_of(name));
    return found == NULL || found->kind == TN_JSON_NULL ? NULL : found;
}

tn_str tn_json_get_text(const tn_json *object, const char *name, tn_str otherwise)
{
    const tn_json *found = tn_json_get(object, name);
    return tn_json_is(found, TN_JSON_STRING) ? found->text : otherwise;
}

int64_t tn_json_get_integer(const tn_json *object, const char *name, int64_t otherwise)
{
    const tn_json *found = tn_json_get(object, name);
    return found != NULL && found->is_integer ? found->integer : otherwise;
}

bool tn_json_get_bool(const tn_json *object, const char *name, bool otherwise)
{
    const tn_json *found = tn_json_get(object, name);
    return tn_json_is(found, TN_JSON_TRUE) || (!tn_json_is(found, TN_JSON_FALSE) && otherwise);
}

double tn_json_double(const tn_json *number)
{
    double value = 0;
    if (tn_parse_f64(number->text.data, number->text.size, &value) == TN_PARSED_NOTHING) {
        assert(false && "a number's text is a number");
    }
    return value;
}

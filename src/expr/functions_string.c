/* Functions of text.  Positions count code points from 1, as SQL has them. */
#include "base/digest.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "expr/expr_internal.h"
#include "kernel/ascii.h"
#include "kernel/find.h"

#include <utf8proc.h>

enum { TEXT_MAX = 1 << 28 }; /* bytes of one text that a function makes */

static void put_slice(tn_call *call, uint32_t row, tn_str text)
{
    TN_OUT(call, tn_view, row) = tn_view_of(text.data, text.size);
}

/* ---- case ---- */

static tarn_code map_case(tn_call *call, bool upper, tarn_error *err)
{
    TN_EACH (call, row) {
        const tn_str text = tn_call_str(call, 0, row);
        const bool ascii = tn_utf8_is_ascii(text.data, text.size);
        const size_t room =
            ascii ? text.size : text.size * 3 + 4; /* a letter may take more bytes */
        char *out = NULL;
        size_t size = 0;
        TN_RETURN_IF_ERROR(tn_heap_take(call->heap, room, &out, err));
        if (ascii) {
            size = text.size;
            tn_ascii_map(text.data, size, upper ? 'a' : 'A', out);
        } else {
            for (size_t at = 0; at < text.size;) {
                const utf8proc_int32_t point =
                    (utf8proc_int32_t)tn_utf8_next(text.data, text.size, &at);
                const utf8proc_int32_t mapped =
                    upper ? utf8proc_toupper(point) : utf8proc_tolower(point);
                size += tn_utf8_encode((uint32_t)mapped, out + size);
            }
        }
        tn_heap_give_back(call->heap, room - size);
        put_slice(call, row, (tn_str){out, size});
    }
    return TARN_OK;
}
static tarn_code run_lower(tn_call *call, tarn_error *err)
{
    return map_case(call, false, err);
}
static tarn_code run_upper(tn_call *call, tarn_error *err)
{
    return map_case(call, true, err);
}

static tarn_code run_initcap(tn_call *call, tarn_error *err)
{
    TN_EACH (call, row) {
        const tn_str text = tn_call_str(call, 0, row);
        const size_t room = text.size * 3 + 4;
        char *out = NULL;
        size_t size = 0;
        bool inside = false;
        TN_RETURN_IF_ERROR(tn_heap_take(call->heap, room, &out, err));
        for (size_t at = 0; at < text.size;) {
            const utf8proc_int32_t point =
                (utf8proc_int32_t)tn_utf8_next(text.data, text.size, &at);
            const utf8proc_category_t kind = utf8proc_category(point);
            const bool word = kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_NO;
            const utf8proc_int32_t mapped =
                inside ? utf8proc_tolower(point) : utf8proc_toupper(point);
            size += tn_utf8_encode((uint32_t)mapped, out + size);
            inside = word;
        }
        tn_heap_give_back(call->heap, room - size);
        put_slice(call, row, (tn_str){out, size});
    }
    return TARN_OK;
}

/* ---- trimming ---- */

static bool is_in(tn_str set, tn_str text, size_t at, size_t size)
{
    for (size_t i = 0; i < set.size;) {
        const size_t start = i;
        (void)tn_utf8_next(set.data, set.size, &i);
        if (i - start == size && memcmp(set.data + start, text.data + at, size) == 0) {
            return true;
        }
    }
    return false;
}

static tn_str trim(tn_str text, tn_str set, bool left, bool right)
{
    size_t from = 0;
    size_t to = text.size;
    while (left && from < to) {
        size_t next = from;
        (void)tn_utf8_next(text.data, to, &next);
        if (!is_in(set, text, from, next - from)) {
            break;
        }
        from = next;
    }
    while (right && to > from) {
        size_t start = to - 1;
        while (start > from && (text.data[start] & 0xc0) == 0x80) {
            start--;
        }
        if (!is_in(set, text, start, to - start)) {
            break;
        }
        to = start;
    }
    return tn_str_slice(text, from, to);
}

static tarn_code trim_rows(tn_call *call, bool left, bool right)
{
    TN_EACH (call, row) {
        const tn_str set = call->in_count > 1 ? tn_call_str(call, 1, row) : TN_STR(" ");
        put_slice(call, row, trim(tn_call_str(call, 0, row), set, left, right));
    }
    return TARN_OK;
}
static tarn_code run_trim(tn_call *call, tarn_error *err)
{
    (void)err;
    return trim_rows(call, true, true);
}
static tarn_code run_ltrim(tn_call *call, tarn_error *err)
{
    (void)err;
    return trim_rows(call, true, false);
}
static tarn_code run_rtrim(tn_call *call, tarn_error *err)
{
    (void)err;
    return trim_rows(call, false, true);
}

/* ---- lengths and positions ---- */

static int64_t length_of(tn_str text)
{
    return (int64_t)tn_utf8_length(text.data, text.size);
}

static tarn_code run_length(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        TN_OUT(call, int64_t, row) = length_of(tn_call_str(call, 0, row));
    }
    return TARN_OK;
}
static tarn_code run_octet_length(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        TN_OUT(call, int64_t, row) = TN_IN(call, 0, tn_view, row).size;
    }
    return TARN_OK;
}
static tarn_code run_bit_length(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        TN_OUT(call, int64_t, row) = 8 * (int64_t)TN_IN(call, 0, tn_view, row).size;
    }
    return TARN_OK;
}

static int64_t position(tn_str text, tn_str part)
{
    const size_t at = tn_find(text, part, 0);
    return at == SIZE_MAX ? 0 : 1 + (int64_t)tn_utf8_length(text.data, at);
}
static tarn_code run_strpos(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        TN_OUT(call, int64_t, row) = position(tn_call_str(call, 0, row), tn_call_str(call, 1, row));
    }
    return TARN_OK;
}
static tarn_code run_position(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        TN_OUT(call, int64_t, row) = position(tn_call_str(call, 1, row), tn_call_str(call, 0, row));
    }
    return TARN_OK;
}

static tarn_code run_contains(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        tn_call_put_bool(call, row,
                         tn_find(tn_call_str(call, 0, row), tn_call_str(call, 1, row), 0) !=
                             SIZE_MAX);
    }
    return TARN_OK;
}
static tarn_code run_starts_with(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        tn_call_put_bool(call, row,
                         tn_str_starts(tn_call_str(call, 0, row), tn_call_str(call, 1, row)));
    }
    return TARN_OK;
}
static tarn_code run_ends_with(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        tn_call_put_bool(call, row,
                         tn_str_ends(tn_call_str(call, 0, row), tn_call_str(call, 1, row)));
    }
    return TARN_OK;
}

/* ---- pieces ---- */

/* Code points `from` (from 0) to `to`, cut to what there is. */
static tn_str slice(tn_str text, int64_t from, int64_t to)
{
    from = from < 0 ? 0 : from;
    if (to <= from || from > (int64_t)text.size) {
        return (tn_str){text.data, 0};
    }
    if (tn_utf8_is_ascii(text.data, text.size)) {
        const size_t end = to > (int64_t)text.size ? text.size : (size_t)to;
        return (size_t)from >= end ? (tn_str){text.data, 0} : tn_str_slice(text, (size_t)from, end);
    }
    const size_t start = tn_utf8_skip(text.data, text.size, (size_t)from);
    const size_t count = (size_t)(to - from);
    const size_t length = tn_utf8_skip(text.data + start, text.size - start, count);
    return tn_str_slice(text, start, start + length);
}

static tarn_code run_substr(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        const tn_str text = tn_call_str(call, 0, row);
        const int64_t start = TN_IN(call, 1, int64_t, row);
        int64_t end = INT64_MAX;
        if (call->in_count > 2) {
            const int64_t count = TN_IN(call, 2, int64_t, row);
            if (count < 0) {
                tn_call_fault(call, row);
                continue;
            }
            if (__builtin_add_overflow(start, count, &end)) {
                end = start > 0 ? INT64_MAX : INT64_MIN + 1;
            }
        }
        put_slice(
            call, row,
            slice(text, start > INT64_MIN ? start - 1 : start, end == INT64_MAX ? end : end - 1));
    }
    return TARN_OK;
}
static tarn_code describe_substr(const tn_bound_call *bound, const tn_value *arguments,
                                 tarn_error *err)
{
    (void)bound;
    return tn_fail(err, TARN_E_INVALID, "substring: a length of %lld is below 0",
                   (long long)arguments[2].i64);
}

static tarn_code run_left(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        const tn_str text = tn_call_str(call, 0, row);
        const int64_t count = TN_IN(call, 1, int64_t, row);
        const int64_t end = count >= 0 ? count : length_of(text) + count;
        put_slice(call, row, slice(text, 0, count == INT64_MIN ? 0 : end));
    }
    return TARN_OK;
}
static tarn_code run_right(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        const tn_str text = tn_call_str(call, 0, row);
        const int64_t count = TN_IN(call, 1, int64_t, row);
        const int64_t length = length_of(text);
        const int64_t from = count == INT64_MIN ? length
                             : count >= 0       ? (count > length ? 0 : length - count)
                                                : -count;
        put_slice(call, row, slice(text, from, length));
    }
    return TARN_OK;
}

static tarn_code run_split_part(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        const tn_str text = tn_call_str(call, 0, row);
        const tn_str by = tn_call_str(call, 1, row);
        int64_t wanted = TN_IN(call, 2, int64_t, row);
        int64_t parts = 1;
        if (wanted == 0) {
            tn_call_fault(call, row);
            continue;
        }
        if (wanted < 0) { /* from the end: they are counted first */
            for (size_t at = 0; by.size > 0 && (at = tn_find(text, by, at)) != SIZE_MAX;
                 at += by.size) {
                parts++;
            }
            wanted = wanted < -parts ? INT64_MAX : parts + 1 + wanted;
        }
        size_t from = 0;
        size_t to = by.size == 0 ? text.size : tn_find(text, by, 0);
        for (int64_t part = 1; part < wanted && from != SIZE_MAX; part++) {
            from = to == SIZE_MAX || by.size == 0 ? SIZE_MAX : to + by.size;
            to = from == SIZE_MAX ? SIZE_MAX : tn_find(text, by, from);
        }
        put_slice(call, row,
                  from == SIZE_MAX ? (tn_str){text.data, 0}
                                   : tn_str_slice(text, from, to == SIZE_MAX ? text.size : to));
    }
    return TARN_OK;
}
static tarn_code describe_split_part(const tn_bound_call *bound, const tn_value *arguments,
                                     tarn_error *err)
{
    (void)bound;
    (void)arguments;
    return tn_fail(err, TARN_E_INVALID,
                   "split_part: parts are counted from 1, or from -1 at the end");
}

/* ---- making text ---- */

static TN_FALLIBLE too_long(tn_call *call, uint32_t row, size_t size, char **out, tarn_error *err)
{
    *out = NULL;
    if (size > TEXT_MAX) {
        tn_call_fault(call, row);
        TN_OUT(call, tn_view, row) = tn_view_of(NULL, 0);
        return TARN_OK;
    }
    return tn_heap_take(call->heap, size, out, err);
}
static tarn_code describe_too_long(const tn_bound_call *bound, const tn_value *arguments,
                                   tarn_error *err)
{
    (void)arguments;
    return tn_fail(err, TARN_E_LIMIT, "%s: the text would pass %d bytes", bound->function->name,
                   TEXT_MAX);
}

static tarn_code run_join(tn_call *call, tarn_error *err)
{
    TN_EACH (call, row) {
        size_t size = 0;
        char *out = NULL;
        for (uint32_t k = 0; k < call->in_count; k++) {
            size += tn_call_is_null(call, k, row) ? 0 : TN_IN(call, k, tn_view, row).size;
        }
        TN_RETURN_IF_ERROR(too_long(call, row, size, &out, err));
        if (out == NULL) {
            continue;
        }
        size_t at = 0;
        for (uint32_t k = 0; k < call->in_count; k++) {
            if (!tn_call_is_null(call, k, row)) {
                const tn_str part = tn_call_str(call, k, row);
                memcpy(out + at, part.data, part.size);
                at += part.size;
            }
        }
        put_slice(call, row, (tn_str){out, size});
    }
    return TARN_OK;
}

/* a || b: lists are put one behind the other, too. */
static tarn_code resolve_join(tn_binder *binder, tarn_error *err)
{
    if (binder->count == 2 && (binder->children[0]->type->kind == TN_KIND_LIST ||
                               binder->children[1]->type->kind == TN_KIND_LIST)) {
        return tn_expr_call(binder->context, TN_STR("list_concat"), binder->children, 2,
                            binder->span, &binder->replaced, err);
    }
    return tn_coerce__resolve(binder, err);
}

static tarn_code run_concat_ws(tn_call *call, tarn_error *err)
{
    TN_EACH (call, row) {
        size_t size = 0;
        char *out = NULL;
        bool first = true;
        if (tn_call_is_null(call, 0, row)) {
            tn_call_null(call, row);
            continue;
        }
        const tn_str between = tn_call_str(call, 0, row);
        for (uint32_t k = 1; k < call->in_count; k++) {
            size += tn_call_is_null(call, k, row)
                        ? 0
                        : TN_IN(call, k, tn_view, row).size + between.size;
        }
        TN_RETURN_IF_ERROR(too_long(call, row, size, &out, err));
        if (out == NULL) {
            continue;
        }
        size_t at = 0;
        for (uint32_t k = 1; k < call->in_count; k++) {
            if (tn_call_is_null(call, k, row)) {
                continue;
            }
            const tn_str part = tn_call_str(call, k, row);
            if (!first) {
                memcpy(out + at, between.data, between.size);
                at += between.size;
            }
            first = false;
            memcpy(out + at, part.data, part.size);
            at += part.size;
        }
        put_slice(call, row, (tn_str){out, at});
    }
    return TARN_OK;
}

static tarn_code run_repeat(tn_call *call, tarn_error *err)
{
    TN_EACH (call, row) {
        const tn_str text = tn_call_str(call, 0, row);
        const int64_t times = TN_IN(call, 1, int64_t, row);
        size_t size = 0;
        char *out = NULL;
        if (times > 0 && __builtin_mul_overflow((size_t)times, text.size, &size)) {
            size = SIZE_MAX;
        }
        TN_RETURN_IF_ERROR(too_long(call, row, size, &out, err));
        if (out == NULL) {
            continue;
        }
        for (size_t at = 0; at < size; at += text.size) {
            memcpy(out + at, text.data, text.size);
        }
        put_slice(call, row, (tn_str){out, size});
    }
    return TARN_OK;
}

static tarn_code pad(tn_call *call, bool left, tarn_error *err)
{
    TN_EACH (call, row) {
        const tn_str text = tn_call_str(call, 0, row);
        const int64_t wanted = TN_IN(call, 1, int64_t, row);
        const tn_str fill = call->in_count > 2 ? tn_call_str(call, 2, row) : TN_STR(" ");
        const int64_t length = length_of(text);
        char *out = NULL;
        if (wanted <= length || fill.size == 0) {
            put_slice(call, row, slice(text, 0, wanted));
            continue;
        }
        const int64_t missing = wanted - length;
        const int64_t fill_length = length_of(fill);
        const int64_t whole = missing / fill_length;
        const tn_str rest = slice(fill, 0, missing % fill_length);
        size_t size = 0;
        if (__builtin_mul_overflow((size_t)whole, fill.size, &size) || size > TEXT_MAX) {
            size = TEXT_MAX;
        }
        const size_t filled = size + rest.size;
        TN_RETURN_IF_ERROR(
            too_long(call, row, size == TEXT_MAX ? SIZE_MAX : filled + text.size, &out, err));
        if (out == NULL) {
            continue;
        }
        char *at = left ? out : out + text.size;
        memcpy(left ? out + filled : out, text.data, text.size);
        for (int64_t i = 0; i < whole; i++, at += fill.size) {
            memcpy(at, fill.data, fill.size);
        }
        memcpy(at, rest.data, rest.size);
        put_slice(call, row, (tn_str){out, filled + text.size});
    }
    return TARN_OK;
}
static tarn_code run_lpad(tn_call *call, tarn_error *err)
{
    return pad(call, true, err);
}
static tarn_code run_rpad(tn_call *call, tarn_error *err)
{
    return pad(call, false, err);
}

static tarn_code run_reverse(tn_call *call, tarn_error *err)
{
    TN_EACH (call, row) {
        const tn_str text = tn_call_str(call, 0, row);
        char *out = NULL;
        TN_RETURN_IF_ERROR(tn_heap_take(call->heap, text.size, &out, err));
        for (size_t at = 0; at < text.size;) {
            const size_t from = at;
            (void)tn_utf8_next(text.data, text.size, &at);
            memcpy(out + text.size - at, text.data + from, at - from);
        }
        put_slice(call, row, (tn_str){out, text.size});
    }
    return TARN_OK;
}

static tarn_code run_replace(tn_call *call, tarn_error *err)
{
    TN_EACH (call, row) {
        const tn_str text = tn_call_str(call, 0, row);
        const tn_str from = tn_call_str(call, 1, row);
        const tn_str to = tn_call_str(call, 2, row);
        size_t count = 0;
        char *out = NULL;
        for (size_t at = 0; from.size > 0 && (at = tn_find(text, from, at)) != SIZE_MAX;
             at += from.size) {
            count++;
        }
        if (count == 0) {
            put_slice(call, row, text);
            continue;
        }
        const size_t size = text.size - count * from.size + count * to.size;
        TN_RETURN_IF_ERROR(too_long(call, row, size, &out, err));
        if (out == NULL) {
            continue;
        }
        size_t read = 0;
        size_t wrote = 0;
        for (size_t i = 0; i < count; i++) {
            const size_t at = tn_find(text, from, read);
            memcpy(out + wrote, text.data + read, at - read);
            wrote += at - read;
            memcpy(out + wrote, to.data, to.size);
            wrote += to.size;
            read = at + from.size;
        }
        memcpy(out + wrote, text.data + read, text.size - read);
        put_slice(call, row, (tn_str){out, size});
    }
    return TARN_OK;
}

static tarn_code run_translate(tn_call *call, tarn_error *err)
{
    TN_EACH (call, row) {
        const tn_str text = tn_call_str(call, 0, row);
        const tn_str from = tn_call_str(call, 1, row);
        const tn_str to = tn_call_str(call, 2, row);
        const size_t room = text.size * TN_UTF8_MAX;
        char *out = NULL;
        size_t size = 0;
        TN_RETURN_IF_ERROR(too_long(call, row, room, &out, err));
        for (size_t at = 0; out != NULL && at < text.size;) {
            const uint32_t point = tn_utf8_next(text.data, text.size, &at);
            size_t a = 0;
            size_t b = 0;
            uint32_t mapped = point;
            bool found = false;
            bool dropped = false;
            while (a < from.size && !found) {
                const bool more = b < to.size;
                const uint32_t by = more ? tn_utf8_next(to.data, to.size, &b) : 0;
                found = tn_utf8_next(from.data, from.size, &a) == point;
                mapped = found ? by : point;
                dropped = found && !more;
            }
            size += dropped ? 0 : tn_utf8_encode(mapped, out + size);
        }
        if (out != NULL) {
            tn_heap_give_back(call->heap, room - size);
            put_slice(call, row, (tn_str){out, size});
        }
    }
    return TARN_OK;
}

static tarn_code run_chr(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        const int64_t point = TN_IN(call, 0, int64_t, row);
        char out[TN_UTF8_MAX];
        if (point <= 0 || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
            tn_call_fault(call, row);
            continue;
        }
        put_slice(call, row, (tn_str){out, tn_utf8_encode((uint32_t)point, out)});
    }
    return TARN_OK;
}
static tarn_code run_ascii(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        const tn_str text = tn_call_str(call, 0, row);
        size_t at = 0;
        TN_OUT(call, int32_t, row) =
            text.size == 0 ? 0 : (int32_t)tn_utf8_next(text.data, text.size, &at);
    }
    return TARN_OK;
}

/* ---- digests ---- */

static tarn_code run_md5(tn_call *call, tarn_error *err)
{
    TN_EACH (call, row) {
        uint8_t digest[TN_MD5_SIZE];
        char text[2 * TN_MD5_SIZE + 1];
        tn_md5_of(tn_call_str(call, 0, row), digest);
        tn_hex(digest, sizeof(digest), text);
        TN_RETURN_IF_ERROR(tn_call_put_str(call, row, (tn_str){text, sizeof(text) - 1}, err));
    }
    return TARN_OK;
}
static tarn_code run_sha256(tn_call *call, tarn_error *err)
{
    TN_EACH (call, row) {
        uint8_t digest[TN_SHA256_SIZE];
        char text[2 * TN_SHA256_SIZE + 1];
        tn_sha256_of(tn_call_str(call, 0, row), digest);
        tn_hex(digest, sizeof(digest), text);
        TN_RETURN_IF_ERROR(tn_call_put_str(call, row, (tn_str){text, sizeof(text) - 1}, err));
    }
    return TARN_OK;
}

#define KERNEL(name)          .run = run_##name
#define FALLIBLE(name, about) .run = run_##name, .can_fail = true, .describe = (about)

#define STRING(name_, signature_, doc_, example_, result_)                           \
    .name = (name_), .category = "string", .signature = (signature_), .doc = (doc_), \
    .example = (example_), .example_result = (result_)

static const tn_function functions[] = {
    {STRING("lower", "lower(text VARCHAR) -> VARCHAR", "In small letters.", "lower('Tarn')",
            "tarn"),
     .aliases = TN_ALIASES("lcase"), .cost = 3,
     .binding = TN_OVERLOADS({"s", 's', {KERNEL(lower)}})},
    {STRING("upper", "upper(text VARCHAR) -> VARCHAR", "In capitals.", "upper('Tarn')", "TARN"),
     .aliases = TN_ALIASES("ucase"), .cost = 3,
     .binding = TN_OVERLOADS({"s", 's', {KERNEL(upper)}})},
    {STRING("initcap", "initcap(text VARCHAR) -> VARCHAR", "Each word with a capital first.",
            "initcap('gulls and TERNS')", "Gulls And Terns"),
     .cost = 4, .binding = TN_OVERLOADS({"s", 's', {KERNEL(initcap)}})},
    {STRING("trim", "trim(text VARCHAR [, letters VARCHAR]) -> VARCHAR",
            "Without spaces, or any of the letters, at both ends.", "trim('  a b ')", "a b"),
     .aliases = TN_ALIASES("btrim"), .cost = 2,
     .binding = TN_OVERLOADS({"s", 's', {KERNEL(trim)}}, {"ss", 's', {KERNEL(trim)}})},
    {STRING("ltrim", "ltrim(text VARCHAR [, letters VARCHAR]) -> VARCHAR",
            "Without spaces, or any of the letters, at the start.", "ltrim('xxaxx', 'x')", "axx"),
     .cost = 2, .binding = TN_OVERLOADS({"s", 's', {KERNEL(ltrim)}}, {"ss", 's', {KERNEL(ltrim)}})},
    {STRING("rtrim", "rtrim(text VARCHAR [, letters VARCHAR]) -> VARCHAR",
            "Without spaces, or any of the letters, at the end.", "rtrim('xxaxx', 'x')", "xxa"),
     .cost = 2, .binding = TN_OVERLOADS({"s", 's', {KERNEL(rtrim)}}, {"ss", 's', {KERNEL(rtrim)}})},
    {STRING("length", "length(text VARCHAR) -> BIGINT", "How many characters (of BLOB: bytes).",
            "length('žlutý')", "5"),
     .aliases = TN_ALIASES("char_length", "character_length"), .cost = 2,
     .binding = TN_OVERLOADS({"s", 'l', {KERNEL(length)}}, {"x", 'l', {KERNEL(octet_length)}})},
    {STRING("octet_length", "octet_length(text VARCHAR) -> BIGINT", "How many bytes.",
            "octet_length('ž')", "2"),
     .aliases = TN_ALIASES("strlen"), .cost = 1,
     .binding =
         TN_OVERLOADS({"s", 'l', {KERNEL(octet_length)}}, {"x", 'l', {KERNEL(octet_length)}})},
    {STRING("bit_length", "bit_length(text VARCHAR) -> BIGINT", "How many bits.",
            "bit_length('ab')", "16"),
     .cost = 1, .binding = TN_OVERLOADS({"s", 'l', {KERNEL(bit_length)}})},
    {STRING("strpos", "strpos(text VARCHAR, part VARCHAR) -> BIGINT",
            "Where the part begins, from 1; 0 where it is not there.", "strpos('tern', 'r')", "3"),
     .aliases = TN_ALIASES("instr"), .cost = 3,
     .binding = TN_OVERLOADS({"ss", 'l', {KERNEL(strpos)}})},
    {STRING("position", "position(part VARCHAR, text VARCHAR) -> BIGINT, POSITION(part IN text)",
            "Where the part begins, from 1; 0 where it is not there.", "position('r', 'tern')",
            "3"),
     .cost = 3, .binding = TN_OVERLOADS({"ss", 'l', {KERNEL(position)}})},
    {STRING("contains", "contains(text VARCHAR, part VARCHAR) -> BOOLEAN", "Is the part in it?",
            "contains('tern', 'er')", "true"),
     .cost = 3, .binding = TN_OVERLOADS({"ss", 'b', {KERNEL(contains)}})},
    {STRING("starts_with", "starts_with(text VARCHAR, part VARCHAR) -> BOOLEAN",
            "Does it begin with the part?", "starts_with('tern', 'te')", "true"),
     .aliases = TN_ALIASES("prefix"), .cost = 2,
     .binding = TN_OVERLOADS({"ss", 'b', {KERNEL(starts_with)}})},
    {STRING("ends_with", "ends_with(text VARCHAR, part VARCHAR) -> BOOLEAN",
            "Does it end with the part?", "ends_with('tern', 'te')", "false"),
     .aliases = TN_ALIASES("suffix"), .cost = 2,
     .binding = TN_OVERLOADS({"ss", 'b', {KERNEL(ends_with)}})},
    {STRING("substr", "substr(text VARCHAR, start BIGINT [, count BIGINT]) -> VARCHAR",
            "`count` characters from `start`, which counts from 1.", "substr('kittiwake', 3, 4)",
            "ttiw"),
     .aliases = TN_ALIASES("substring"), .cost = 2, .can_fail = true,
     .binding = TN_OVERLOADS({"sl", 's', {KERNEL(substr)}},
                             {"sll", 's', {FALLIBLE(substr, describe_substr)}})},
    {STRING("left", "left(text VARCHAR, count BIGINT) -> VARCHAR",
            "The first characters; below 0: all but the last ones.", "left('tern', 2)", "te"),
     .cost = 2, .binding = TN_OVERLOADS({"sl", 's', {KERNEL(left)}})},
    {STRING("right", "right(text VARCHAR, count BIGINT) -> VARCHAR",
            "The last characters; below 0: all but the first ones.", "right('tern', 3)", "ern"),
     .cost = 2, .binding = TN_OVERLOADS({"sl", 's', {KERNEL(right)}})},
    {STRING("split_part", "split_part(text VARCHAR, by VARCHAR, n BIGINT) -> VARCHAR",
            "The n-th part between separators; below 0 from the end; '' where there are fewer.",
            "split_part('a,b,c', ',', 2)", "b"),
     .cost = 4, .can_fail = true,
     .binding = TN_OVERLOADS({"ssl", 's', {FALLIBLE(split_part, describe_split_part)}})},
    {STRING("replace", "replace(text VARCHAR, from VARCHAR, to VARCHAR) -> VARCHAR",
            "Every `from` becomes `to`.", "replace('a-b-c', '-', '+')", "a+b+c"),
     .cost = 5, .can_fail = true,
     .binding = TN_OVERLOADS({"sss", 's', {FALLIBLE(replace, describe_too_long)}})},
    {STRING("translate", "translate(text VARCHAR, from VARCHAR, to VARCHAR) -> VARCHAR",
            "Each letter of `from` becomes the one at its place in `to`.",
            "translate('12345', '143', 'ax')", "a2x5"),
     .cost = 6, .can_fail = true,
     .binding = TN_OVERLOADS({"sss", 's', {FALLIBLE(translate, describe_too_long)}})},
    {STRING("||", "a || b -> VARCHAR", "One text behind the other.", "'a' || 1", "a1"), .cost = 3,
     .can_fail = true,
     .binding =
         &(const tn_function_binding){
             .resolve = resolve_join,
             .overloads = (const tn_overload[]){{"SS", 's', {FALLIBLE(join, describe_too_long)}},
                                                TN_NO_MORE}}},
    {STRING("concat", "concat(value, ...) -> VARCHAR", "All as one text, NULLs left out.",
            "concat('a', NULL, 1)", "a1"),
     .cost = 3, .can_fail = true, .sees_null = true,
     .binding = TN_OVERLOADS({"S*", 's', {FALLIBLE(join, describe_too_long), .sees_null = true}})},
    {STRING("concat_ws", "concat_ws(between VARCHAR, value, ...) -> VARCHAR",
            "All as one text with a separator between, NULLs left out.",
            "concat_ws(', ', 'a', NULL, 'b')", "a, b"),
     .cost = 3, .can_fail = true, .sees_null = true,
     .binding =
         TN_OVERLOADS({"sS*", 's', {FALLIBLE(concat_ws, describe_too_long), .sees_null = true}})},
    {STRING("repeat", "repeat(text VARCHAR, count BIGINT) -> VARCHAR", "The text that many times.",
            "repeat('ab', 3)", "ababab"),
     .cost = 4, .can_fail = true,
     .binding = TN_OVERLOADS({"sl", 's', {FALLIBLE(repeat, describe_too_long)}})},
    {STRING("lpad", "lpad(text VARCHAR, length BIGINT [, fill VARCHAR]) -> VARCHAR",
            "Filled at the start, or cut, to a length.", "lpad('7', 3, '0')", "007"),
     .cost = 3, .can_fail = true,
     .binding = TN_OVERLOADS({"sl", 's', {FALLIBLE(lpad, describe_too_long)}},
                             {"sls", 's', {FALLIBLE(lpad, describe_too_long)}})},
    {STRING("rpad", "rpad(text VARCHAR, length BIGINT [, fill VARCHAR]) -> VARCHAR",
            "Filled at the end, or cut, to a length.", "rpad('ab', 4, '.')", "ab.."),
     .cost = 3, .can_fail = true,
     .binding = TN_OVERLOADS({"sl", 's', {FALLIBLE(rpad, describe_too_long)}},
                             {"sls", 's', {FALLIBLE(rpad, describe_too_long)}})},
    {STRING("reverse", "reverse(text VARCHAR) -> VARCHAR",
            "The characters from the last to the first.", "reverse('tern')", "nret"),
     .cost = 3, .binding = TN_OVERLOADS({"s", 's', {KERNEL(reverse)}})},
    {STRING("chr", "chr(point BIGINT) -> VARCHAR", "The character with a code point.", "chr(65)",
            "A"),
     .cost = 1, .can_fail = true,
     .binding = TN_OVERLOADS({"l", 's', {.run = run_chr, .can_fail = true}})},
    {STRING("ascii", "ascii(text VARCHAR) -> INTEGER", "The first character's code point.",
            "ascii('A')", "65"),
     .aliases = TN_ALIASES("unicode", "ord"), .cost = 1,
     .binding = TN_OVERLOADS({"s", 'i', {KERNEL(ascii)}})},
    {STRING("md5", "md5(text VARCHAR) -> VARCHAR", "The MD5 digest as hexadecimal digits.",
            "md5('a')", "0cc175b9c0f1b6a831c399e269772661"),
     .cost = 8, .binding = TN_OVERLOADS({"s", 's', {KERNEL(md5)}}, {"x", 's', {KERNEL(md5)}})},
    {STRING("sha256", "sha256(text VARCHAR) -> VARCHAR",
            "The SHA-256 digest as hexadecimal digits.", "left(sha256('a'), 8)", "ca978112"),
     .cost = 9,
     .binding = TN_OVERLOADS({"s", 's', {KERNEL(sha256)}}, {"x", 's', {KERNEL(sha256)}})},
};

const tn_function_list tn__string_functions = {functions, sizeof(functions) / sizeof(*functions),
                                               NULL};

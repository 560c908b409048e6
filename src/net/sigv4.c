#include "net/sigv4.h"

#include "base/digest.h"
#include "base/sort.h"
#include "net/date.h"

#include <stdio.h>

enum { TEXT_MAX = 1 << 20, PAIRS_MAX = 64 };

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

void tn_uri_encode(tn_text *out, tn_str bytes, bool keep_slashes)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < bytes.size; i++) {
        const char c = bytes.data[i];
        if (is_unreserved(c) || (c == '/' && keep_slashes)) {
            tn_text_putc(out, c);
        } else {
            const char code[3] = {'%', digits[(uint8_t)c >> 4], digits[(uint8_t)c & 15]};
            tn_text_append(out, (tn_str){code, 3});
        }
    }
}

tarn_code tn_uri_decode(tn_arena *arena, tn_str text, bool plus, tn_str *out, tarn_error *err)
{
    void *memory;
    *out = TN_STR_NONE;
    TN_RETURN_IF_ERROR(tn_arena_alloc(arena, text.size + 1, &memory, err));
    char *bytes = memory;
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t code;
        char c = text.data[i];
        if (c == '%' && text.size - i > 2 &&
            tn_hex_parse(tn_str_slice(text, i + 1, i + 3), &code, 1)) {
            c = (char)code;
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        bytes[size++] = c;
    }
    *out = (tn_str){bytes, size};
    return TARN_OK;
}

void tn_sigv4_date(int64_t time_s, char out[TN_SIGV4_DATE_SIZE])
{
    const tn_date date = tn_date_of(time_s);
    const unsigned parts[] = {(unsigned)date.year % 10000, (unsigned)date.month % 100,
                              (unsigned)date.day % 100,    (unsigned)date.hour % 100,
                              (unsigned)date.minute % 100, (unsigned)date.second % 100};
    (void)snprintf(out, TN_SIGV4_DATE_SIZE, "%04u%02u%02uT%02u%02u%02uZ", parts[0], parts[1],
                   parts[2], parts[3], parts[4], parts[5]);
}

/* RFC 3986, 5.2.4, and doubled slashes once; `path` starts with one. */
static void normalise(tn_text *out, tn_str path)
{
    size_t at = 0;
    while (at < path.size) {
        while (at < path.size && path.data[at] == '/') {
            at++;
        }
        size_t end = at;
        while (end < path.size && path.data[end] != '/') {
            end++;
        }
        const tn_str part = tn_str_slice(path, at, end);
        if (tn_str_equal(part, TN_STR(".."))) {
            const size_t above = tn_str_find_last(tn_text_str(out), '/');
            out->size = above == SIZE_MAX ? 0 : above;
        } else if (part.size > 0 && !tn_str_equal(part, TN_STR("."))) {
            tn_text_putc(out, '/');
            tn_text_append(out, part);
        }
        at = end;
    }
    if (out->size == 0 || path.data[path.size - 1] == '/') {
        tn_text_putc(out, '/');
    }
}

static int compare_pairs(const void *a, const void *b, void *context)
{
    const tn_pair *x = a;
    const tn_pair *y = b;
    (void)context;
    const int order = tn_str_compare(x->name, y->name);
    return order != 0 ? order : tn_str_compare(x->value, y->value);
}

static TN_FALLIBLE encode_pair(const tn_pair *raw, tn_arena *arena, tn_text *scratch, tn_pair *out,
                               tarn_error *err)
{
    tn_text_clear(scratch);
    tn_uri_encode(scratch, raw->name, false);
    TN_RETURN_IF_ERROR(tn_text_status(scratch, err));
    TN_RETURN_IF_ERROR(tn_arena_copy(arena, tn_text_str(scratch), &out->name, err));
    tn_text_clear(scratch);
    tn_uri_encode(scratch, raw->value, false);
    TN_RETURN_IF_ERROR(tn_text_status(scratch, err));
    return tn_arena_copy(arena, tn_text_str(scratch), &out->value, err);
}

static TN_FALLIBLE put_query(tn_text *out, const tn_sigv4 *request, tn_arena *arena,
                             tn_text *scratch, tarn_error *err)
{
    tn_pair pairs[PAIRS_MAX];
    if (request->query_count > PAIRS_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "%zu parameters in a query", request->query_count);
    }
    for (size_t i = 0; i < request->query_count; i++) {
        TN_RETURN_IF_ERROR(encode_pair(&request->query[i], arena, scratch, &pairs[i], err));
    }
    tn_sort(pairs, request->query_count, sizeof(pairs[0]), compare_pairs, NULL);
    for (size_t i = 0; i < request->query_count; i++) {
        tn_text_puts(out, i > 0 ? "&" : "");
        tn_text_append(out, pairs[i].name);
        tn_text_putc(out, '=');
        tn_text_append(out, pairs[i].value);
    }
    return TARN_OK;
}

/* Without spaces at the ends, runs of them as one. */
static void put_trimmed(tn_text *out, tn_str value)
{
    bool gap = false;
    bool any = false;
    for (size_t i = 0; i < value.size; i++) {
        const char c = value.data[i];
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            gap = true;
            continue;
        }
        if (gap && any) {
            tn_text_putc(out, ' ');
        }
        tn_text_putc(out, c);
        gap = false;
        any = true;
    }
}

/* Position breaks ties, since values of one name keep their order. */
typedef struct ranked {
    tn_str name; /* lower case */
    size_t rank;
} ranked;

static int compare_ranked(const void *a, const void *b, void *context)
{
    const ranked *x = a;
    const ranked *y = b;
    (void)context;
    const int order = tn_str_compare(x->name, y->name);
    return order != 0 ? order : (x->rank > y->rank) - (x->rank < y->rank);
}

static TN_FALLIBLE put_headers(tn_text *out, tn_text *names, const tn_sigv4 *request,
                               tn_arena *arena, tarn_error *err)
{
    ranked all[PAIRS_MAX];
    if (request->header_count > PAIRS_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "%zu headers in a request", request->header_count);
    }
    for (size_t i = 0; i < request->header_count; i++) {
        const tn_str name = request->headers[i].name;
        void *memory;
        TN_RETURN_IF_ERROR(tn_arena_alloc(arena, name.size + 1, &memory, err));
        for (size_t c = 0; c < name.size; c++) {
            ((char *)memory)[c] = tn_ascii_lower(name.data[c]);
        }
        all[i] = (ranked){{memory, name.size}, i};
    }
    tn_sort(all, request->header_count, sizeof(all[0]), compare_ranked, NULL);
    for (size_t i = 0; i < request->header_count; i++) {
        const bool again = i > 0 && tn_str_equal(all[i].name, all[i - 1].name);
        if (!again) {
            tn_text_puts(out, i > 0 ? "\n" : "");
            tn_text_append(out, all[i].name);
            tn_text_puts(names, i > 0 ? ";" : "");
            tn_text_append(names, all[i].name);
        }
        tn_text_putc(out, again ? ',' : ':');
        put_trimmed(out, request->headers[all[i].rank].value);
    }
    tn_text_putc(out, '\n');
    return TARN_OK;
}

static TN_FALLIBLE canonical_request(const tn_sigv4 *request, tn_arena *arena, tn_signature *out,
                                     tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_text text;
    tn_text names;
    tn_text scratch;

    tn_text_init(&text, arena->pool, TEXT_MAX);
    tn_text_init(&names, arena->pool, TEXT_MAX);
    tn_text_init(&scratch, arena->pool, TEXT_MAX);
    tn_text_append(&text, request->method);
    tn_text_putc(&text, '\n');
    if (request->normalise_path) {
        normalise(&scratch, request->path);
        TN_TRY(tn_text_status(&scratch, err));
        tn_uri_encode(&text, tn_text_str(&scratch), true);
    } else {
        tn_uri_encode(&text, request->path, true);
    }
    tn_text_putc(&text, '\n');
    TN_TRY(put_query(&text, request, arena, &scratch, err));
    tn_text_putc(&text, '\n');
    TN_TRY(put_headers(&text, &names, request, arena, err));
    tn_text_putc(&text, '\n');
    tn_text_append(&text, tn_text_str(&names));
    tn_text_putc(&text, '\n');
    tn_text_append(&text, request->payload);
    TN_TRY(tn_text_status(&text, err));
    TN_TRY(tn_text_status(&names, err));
    TN_TRY(tn_arena_copy(arena, tn_text_str(&text), &out->canonical, err));
    TN_TRY(tn_arena_copy(arena, tn_text_str(&names), &out->signed_names, err));
done:
    tn_text_deinit(&text);
    tn_text_deinit(&names);
    tn_text_deinit(&scratch);
    return code;
}

tarn_code tn_sigv4_sign(const tn_sigv4 *request, tn_arena *arena, tn_signature *out,
                        tarn_error *err)
{
    char date[TN_SIGV4_DATE_SIZE];
    uint8_t hash[TN_SHA256_SIZE];
    char hex[2 * TN_SHA256_SIZE + 1];
    tn_str first;
    tn_str to_sign;

    tn_sigv4_date(request->time_s, date);
    TN_RETURN_IF_ERROR(canonical_request(request, arena, out, err));
    TN_RETURN_IF_ERROR(tn_arena_print(arena, &out->scope, err, "%.8s/%.*s/%.*s/aws4_request", date,
                                      TN_STR_ARGS(request->region), TN_STR_ARGS(request->service)));
    tn_sha256_of(out->canonical, hash);
    tn_hex(hash, sizeof(hash), hex);
    TN_RETURN_IF_ERROR(tn_arena_print(arena, &to_sign, err, "AWS4-HMAC-SHA256\n%s\n%.*s\n%s", date,
                                      TN_STR_ARGS(out->scope), hex));
    TN_RETURN_IF_ERROR(
        tn_arena_print(arena, &first, err, "AWS4%.*s", TN_STR_ARGS(request->secret_key)));

    const tn_str steps[] = {
        {date, 8}, request->region, request->service, TN_STR("aws4_request"), to_sign};
    tn_str key = first;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        uint8_t next[TN_SHA256_SIZE];
        tn_hmac_sha256(key, steps[i], next);
        memcpy(hash, next, sizeof(hash));
        key = (tn_str){(const char *)hash, sizeof(hash)};
    }
    tn_hex(hash, sizeof(hash), out->hex);
    return TARN_OK;
}

tarn_code tn_sigv4_authorise(const tn_sigv4 *request, tn_arena *arena, tn_str *out, tarn_error *err)
{
    tn_signature signature;
    *out = TN_STR_NONE;
    TN_RETURN_IF_ERROR(tn_sigv4_sign(request, arena, &signature, err));
    return tn_arena_print(arena, out, err,
                          "AWS4-HMAC-SHA256 Credential=%.*s/%.*s, SignedHeaders=%.*s, "
                          "Signature=%s",
                          TN_STR_ARGS(request->access_key), TN_STR_ARGS(signature.scope),
                          TN_STR_ARGS(signature.signed_names), signature.hex);
}

tarn_code tn_sigv4_presign(const tn_sigv4 *request, uint32_t expires_s, tn_arena *arena,
                           tn_str *query, tn_signature *out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_pair pairs[PAIRS_MAX];
    tn_sigv4 with = *request;
    char date[TN_SIGV4_DATE_SIZE];
    tn_str credential;
    tn_str expires;
    tn_text names;
    tn_text text;

    *query = TN_STR_NONE;
    tn_text_init(&names, arena->pool, TEXT_MAX);
    tn_text_init(&text, arena->pool, TEXT_MAX);
    size_t count = request->query_count;
    if (count + 7 > PAIRS_MAX) {
        code = tn_fail(err, TARN_E_LIMIT, "%zu parameters in a query", count);
        goto done;
    }
    tn_sigv4_date(request->time_s, date);
    TN_TRY(tn_arena_print(arena, &credential, err, "%.*s/%.8s/%.*s/%.*s/aws4_request",
                          TN_STR_ARGS(request->access_key), date, TN_STR_ARGS(request->region),
                          TN_STR_ARGS(request->service)));
    TN_TRY(tn_arena_print(arena, &expires, err, "%u", expires_s));
    TN_TRY(put_headers(&text, &names, request, arena, err));
    TN_TRY(tn_text_status(&names, err));
    for (size_t i = 0; i < count; i++) {
        pairs[i] = request->query[i];
    }
    pairs[count++] = (tn_pair){TN_STR("X-Amz-Algorithm"), TN_STR("AWS4-HMAC-SHA256")};
    pairs[count++] = (tn_pair){TN_STR("X-Amz-Credential"), credential};
    pairs[count++] = (tn_pair){TN_STR("X-Amz-Date"), {date, TN_SIGV4_DATE_SIZE - 1}};
    pairs[count++] = (tn_pair){TN_STR("X-Amz-Expires"), expires};
    pairs[count++] = (tn_pair){TN_STR("X-Amz-SignedHeaders"), tn_text_str(&names)};
    const tn_pair token = {TN_STR("X-Amz-Security-Token"), request->session_token};
    if (token.value.size > 0 && !request->omit_token) {
        pairs[count++] = token;
    }
    with.query = pairs;
    with.query_count = count;
    TN_TRY(tn_sigv4_sign(&with, arena, out, err));
    if (token.value.size > 0 && request->omit_token) {
        pairs[count++] = token;
    }
    with.query_count = count;
    tn_text_clear(&text);
    tn_text_clear(&names); /* scratch now; its bytes were copied into the arena */
    pairs[request->query_count + 4].value = out->signed_names;
    TN_TRY(put_query(&text, &with, arena, &names, err));
    tn_text_puts(&text, "&X-Amz-Signature=");
    tn_text_puts(&text, out->hex);
    TN_TRY(tn_text_status(&text, err));
    TN_TRY(tn_arena_copy(arena, tn_text_str(&text), query, err));
done:
    tn_text_deinit(&names);
    tn_text_deinit(&text);
    return code;
}

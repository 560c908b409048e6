/* Signatures against the published vectors; heads, dates, retries. */
#include "base/digest.h"
#include "net/date.h"
#include "net/http.h"
#include "net/retry.h"
#include "net/sigv4.h"
#include "support/check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the AWS signing test suite ---------------------------------------------------------------
 */

enum { FILE_MAX = 16384 };

static bool slurp(const char *folder, const char *name, const char *file, char out[FILE_MAX])
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s/%s", folder, name, file);
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        return false;
    }
    const size_t size = fread(out, 1, FILE_MAX - 1, stream);
    (void)fclose(stream);
    size_t kept = 0;
    for (size_t i = 0; i < size; i++) {
        if (out[i] != '\r') {
            out[kept++] = out[i];
        }
    }
    out[kept] = '\0';
    return true;
}

static tn_str json_text(const char *json, const char *name)
{
    char key[64];
    (void)snprintf(key, sizeof(key), "\"%s\": \"", name);
    const char *at = strstr(json, key);
    if (at == NULL) {
        return TN_STR_NONE;
    }
    at += strlen(key);
    return (tn_str){at, strcspn(at, "\"")};
}

typedef struct vector {
    char request[FILE_MAX];
    char context[FILE_MAX];
    tn_pair headers[16];
    tn_pair query[16];
    char hash[65];
    tn_sigv4 sign;
} vector;

static tn_str decoded(tn_str text, tn_arena *arena)
{
    tn_str out;
    return tn_uri_decode(arena, text, false, &out, NULL) == TARN_OK ? out : TN_STR_NONE;
}

/* Fills everything but the headers that the two ways of signing add. */
static void parse_vector(vector *v, tn_arena *arena)
{
    char *body = strstr(v->request, "\n\n");
    uint8_t digest[TN_SHA256_SIZE];
    tn_sigv4 *sign = &v->sign;
    *sign = (tn_sigv4){.query = v->query, .headers = v->headers, .time_s = 1440938160};
    if (body != NULL) {
        *body = '\0';
        body += 2;
    }
    tn_sha256_of(tn_str_of(body == NULL ? "" : body), digest);
    tn_hex(digest, sizeof(digest), v->hash);
    sign->payload = tn_str_of(v->hash);
    sign->access_key = json_text(v->context, "access_key_id");
    sign->secret_key = json_text(v->context, "secret_access_key");
    sign->session_token = json_text(v->context, "token");
    sign->region = json_text(v->context, "region");
    sign->service = json_text(v->context, "service");
    sign->normalise_path = strstr(v->context, "\"normalize\": true") != NULL;
    sign->omit_token = strstr(v->context, "\"omit_session_token\": true") != NULL;

    char *line = v->request;
    const size_t first = strcspn(line, "\n");
    const tn_str start = {line, first - strlen(" HTTP/1.1")};
    const size_t space = tn_str_find(start, ' ');
    sign->method = tn_str_slice(start, 0, space);
    const tn_str target = tn_str_slice(start, space + 1, start.size);
    const size_t mark = tn_str_find(target, '?');
    sign->path = decoded(tn_str_slice(target, 0, mark == SIZE_MAX ? target.size : mark), arena);
    tn_str rest = mark == SIZE_MAX ? TN_STR_NONE : tn_str_slice(target, mark + 1, target.size);
    while (rest.size > 0) {
        size_t end = tn_str_find(rest, '&');
        end = end == SIZE_MAX ? rest.size : end;
        const tn_str pair = tn_str_slice(rest, 0, end);
        const size_t equals = tn_str_find(pair, '=');
        v->query[sign->query_count++] =
            (tn_pair){decoded(tn_str_slice(pair, 0, equals), arena),
                      decoded(tn_str_slice(pair, equals + 1, pair.size), arena)};
        rest = tn_str_slice(rest, end + (end < rest.size), rest.size);
    }
    for (line += first; *line == '\n';) {
        line++;
        const size_t size = strcspn(line, "\n");
        if (*line == ' ' || *line == '\t') { /* the line before goes on */
            tn_str *value = &v->headers[sign->header_count - 1].value;
            value->size = (size_t)(line + size - value->data);
        } else if (size > 0) {
            const tn_str header = {line, size};
            const size_t colon = tn_str_find(header, ':');
            v->headers[sign->header_count++] =
                (tn_pair){tn_str_slice(header, 0, colon), tn_str_slice(header, colon + 1, size)};
        }
        line += size;
    }
}

static bool same_but_last_newline(tn_str got, const char *want)
{
    size_t size = strlen(want);
    while (size > 0 && want[size - 1] == '\n') {
        size--;
    }
    return got.size == size && memcmp(got.data, want, size) == 0;
}

static bool check_headers(vector *v, const char *folder, const char *name, tn_arena *arena)
{
    static char want[FILE_MAX];
    char date[TN_SIGV4_DATE_SIZE];
    tn_signature signature;
    const size_t before = v->sign.header_count;
    tn_sigv4_date(v->sign.time_s, date);
    v->headers[v->sign.header_count++] = (tn_pair){TN_STR("X-Amz-Date"), tn_str_of(date)};
    if (v->sign.session_token.size > 0 && !v->sign.omit_token) {
        v->headers[v->sign.header_count++] =
            (tn_pair){TN_STR("X-Amz-Security-Token"), v->sign.session_token};
    }
    if (strstr(v->context, "\"sign_body\": true") != NULL) {
        v->headers[v->sign.header_count++] =
            (tn_pair){TN_STR("x-amz-content-sha256"), v->sign.payload};
    }
    bool same = tn_sigv4_sign(&v->sign, arena, &signature, NULL) == TARN_OK &&
                slurp(folder, name, "header-canonical-request.txt", want) &&
                same_but_last_newline(signature.canonical, want);
    same = same && slurp(folder, name, "header-signature.txt", want) &&
           same_but_last_newline((tn_str){signature.hex, 64}, want);
    v->sign.header_count = before;
    return same;
}

static bool check_query(vector *v, const char *folder, const char *name, tn_arena *arena)
{
    static char want[FILE_MAX];
    tn_signature signature;
    tn_str query;
    return tn_sigv4_presign(&v->sign, 3600, arena, &query, &signature, NULL) == TARN_OK &&
           slurp(folder, name, "query-canonical-request.txt", want) &&
           same_but_last_newline(signature.canonical, want) &&
           slurp(folder, name, "query-signature.txt", want) &&
           same_but_last_newline((tn_str){signature.hex, 64}, want) &&
           memcmp(query.data + query.size - 64, signature.hex, 64) == 0;
}

TEST(signs_all_vectors_of_the_suite)
{
    static vector v;
    char folder[512];
    const char *shared = getenv("TARN_SHARED");
    int count = 0;
    (void)snprintf(folder, sizeof(folder), "%s/corpora/store/sigv4/v4",
                   shared != NULL ? shared : "../shared");
    DIR *cases = opendir(folder);
    if (cases == NULL) {
        printf("SKIPPED: no signing vectors in %s\n", folder);
        return;
    }
    int bad = 0;
    for (const struct dirent *entry; (entry = readdir(cases)) != NULL;) {
        tn_arena arena;
        if (entry->d_name[0] == '.' || !slurp(folder, entry->d_name, "request.txt", v.request) ||
            !slurp(folder, entry->d_name, "context.json", v.context)) {
            continue;
        }
        tn_arena_init(&arena, pool);
        parse_vector(&v, &arena);
        const bool headers = check_headers(&v, folder, entry->d_name, &arena);
        const bool query = check_query(&v, folder, entry->d_name, &arena);
        if (!headers || !query) {
            printf("%s: %s %s\n", entry->d_name, headers ? "" : "headers", query ? "" : "query");
            bad++;
        }
        count++;
        tn_arena_deinit(&arena);
    }
    (void)closedir(cases);
    CHECK_EQ(bad, 0);
    CHECK_EQ(count, 38);
}

TEST(encodes_and_decodes_keys)
{
    tn_text text;
    tn_arena arena;
    tn_str back;
    char all[255];
    tn_arena_init(&arena, pool);
    tn_text_init(&text, pool, 4096);
    for (size_t i = 0; i < sizeof(all); i++) {
        all[i] = (char)(i + 1);
    }
    tn_uri_encode(&text, (tn_str){all, sizeof(all)}, true);
    CHECK(tn_str_find(tn_text_str(&text), '/') != SIZE_MAX);
    CHECK_EQ(tn_uri_decode(&arena, tn_text_str(&text), false, &back, NULL), TARN_OK);
    CHECK(tn_str_equal(back, (tn_str){all, sizeof(all)}));
    CHECK_EQ(tn_uri_decode(&arena, TN_STR("a+b%2Bc%zz%4"), true, &back, NULL), TARN_OK);
    CHECK(tn_str_equal(back, TN_STR("a b+c%zz%4")));
    tn_text_deinit(&text);
    tn_arena_deinit(&arena);
}

/* ---- heads and dates --------------------------------------------------------------------------
 */

TEST(reads_the_head_it_needs_and_nothing_else)
{
    tn_http_head head;
    tn_http_head_line(&head, TN_STR("HTTP/1.1 100 Continue\r\n"));
    tn_http_head_line(&head, TN_STR("Content-Length: 7\r\n"));
    tn_http_head_line(&head, TN_STR("HTTP/1.1 206 Partial Content\r\n"));
    CHECK_EQ(head.status, 206);
    CHECK(!head.has_length);
    tn_http_head_line(&head, TN_STR("content-LENGTH:  10 \r\n"));
    tn_http_head_line(&head, TN_STR("Content-Range: bytes 5-14/100\r\n"));
    tn_http_head_line(&head, TN_STR("ETag: \"abc\"\r\n"));
    tn_http_head_line(&head, TN_STR("Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
    tn_http_head_line(&head, TN_STR("Retry-After: 3\r\n"));
    CHECK_U64(head.length, 10);
    CHECK(head.has_range && head.range_first == 5 && head.range_last == 14);
    CHECK_U64(head.range_total, 100);
    CHECK_STR(head.etag, "\"abc\"");
    CHECK_EQ(head.modified_s, 784111777);
    CHECK_EQ(head.retry_after_s, 3);
}

TEST(takes_no_nonsense_for_a_range)
{
    static const char *const bad[] = {"bytes 5-4/100", "bytes 5-100/100",
                                      "bytes -4/100",  "bytes 5-",
                                      "bytes",         "bytes 99999999999999999999-1/2",
                                      "items 0-1/2",   "bytes 1-2",
                                      "bytes 1-2/x",   "bytes */10"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char line[100];
        tn_http_head head;
        tn_http_head_line(&head, TN_STR("HTTP/1.1 206 x"));
        (void)snprintf(line, sizeof(line), "Content-Range: %s", bad[i]);
        tn_http_head_line(&head, tn_str_of(line));
        CHECK(!head.has_range);
    }
}

TEST(dates_go_there_and_back)
{
    static const int64_t times[] = {0, 951782399, 951782400, 1440938160, 4102444800, -1, -86401};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        const tn_date date = tn_date_of(times[i]);
        char text[96];
        int64_t back;
        (void)snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.250Z", date.year,
                       date.month, date.day, date.hour, date.minute, date.second);
        CHECK(tn_date_parse_iso(tn_str_of(text), &back));
        CHECK_EQ(back, times[i] * 1000000 + 250000);
    }
    int64_t ignored;
    CHECK_EQ(tn_date_of(784111777).weekday, 0);
    CHECK(!tn_date_parse_http(TN_STR("Sun, 06 Noo 1994 08:49:37 GMT"), &ignored));
    CHECK(!tn_date_parse_iso(TN_STR("2009-13-12T17:50:30Z"), &ignored));
    CHECK(!tn_date_parse_iso(TN_STR("2009-1"), &ignored));
}

TEST(retries_stay_within_their_budget_and_progress_renews_it)
{
    tn_retry retry = TN_RETRY_DEFAULT;
    uint64_t wait;
    uint64_t now = 5;
    unsigned count = 0;
    tn_retry_begin(&retry, now);
    while (tn_retry_again(&retry, now, 0, UINT64_MAX, &wait)) {
        CHECK(wait <= retry.cap_ns);
        now += wait;
        count++;
        CHECK(count < 100);
    }
    CHECK_EQ(count, 9);
    tn_retry_progress(&retry, now);
    CHECK(tn_retry_again(&retry, now, 7, 0, &wait));
    CHECK_U64(wait, UINT64_C(7000000000));
    CHECK(!tn_retry_again(&retry, now, 3600, 0, &wait)); /* longer than we may wait */
}

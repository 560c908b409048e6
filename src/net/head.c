/* The lines of an answer's head, from a stranger. */
#include "net/date.h"
#include "net/http.h"

static tn_str trim(tn_str text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text = tn_str_slice(text, 1, text.size);
    }
    while (text.size > 0 && (uint8_t)text.data[text.size - 1] <= ' ') {
        text.size--;
    }
    return text;
}

/* Digits only, up to the first that is none; false where there are none or too many. */
static bool number(tn_str text, size_t *at, uint64_t *out)
{
    const size_t first = *at;
    uint64_t value = 0;
    while (*at < text.size && text.data[*at] >= '0' && text.data[*at] <= '9') {
        if (*at - first >= 18) {
            return false;
        }
        value = value * 10 + (uint64_t)(text.data[*at] - '0');
        (*at)++;
    }
    *out = value;
    return *at > first;
}

/* Cut where it is too long: such a tag matches nothing, which is safe. */
static void keep(char *out, size_t out_size, tn_str value)
{
    size_t size = value.size < out_size - 1 ? value.size : out_size - 1;
    for (size_t i = 0; i < size; i++) {
        const char c = value.data[i];
        out[i] = (uint8_t)c < ' ' || c == 0x7F ? '?' : c;
    }
    out[size] = '\0';
}

static bool whole_number(tn_str text, uint64_t *out)
{
    size_t at = 0;
    return number(text, &at, out) && at == text.size;
}

/* "bytes 0-9/10", "bytes 0-9/" with a star, "bytes * /0" */
static void content_range(tn_http_head *head, tn_str text)
{
    uint64_t first = 0;
    uint64_t last = 0;
    uint64_t total = UINT64_MAX;
    size_t at = strlen("bytes ");
    if (!tn_str_starts(text, TN_STR("bytes ")) || text.size <= at) {
        return;
    }
    const bool none = text.data[at] == '*';
    if (none) {
        at++;
    } else if (!number(text, &at, &first) || at >= text.size || text.data[at++] != '-' ||
               !number(text, &at, &last) || last < first) {
        return;
    }
    if (at >= text.size || text.data[at++] != '/' || at >= text.size) {
        return;
    }
    if (text.data[at] != '*' && (!number(text, &at, &total) || at != text.size)) {
        return;
    }
    head->range_total = total;
    if (!none && last < total) {
        head->has_range = true;
        head->range_first = first;
        head->range_last = last;
    }
}

static void status_line(tn_http_head *head, tn_str line)
{
    const size_t space = tn_str_find(line, ' ');
    uint64_t status;
    *head = (tn_http_head){.range_total = UINT64_MAX};
    if (space == SIZE_MAX || line.size - space < 4 ||
        !whole_number(tn_str_slice(line, space + 1, space + 4), &status)) {
        return;
    }
    head->status = (int)status;
}

void tn_http_head_line(tn_http_head *head, tn_str line)
{
    if (tn_str_starts(line, TN_STR("HTTP/"))) {
        status_line(head, line);
        return;
    }
    const size_t colon = tn_str_find(line, ':');
    if (colon == SIZE_MAX) {
        return;
    }
    const tn_str name = tn_str_slice(line, 0, colon);
    const tn_str value = trim(tn_str_slice(line, colon + 1, line.size));
    uint64_t seconds;
    if (tn_str_equal_fold(name, TN_STR("content-length"))) {
        head->has_length = whole_number(value, &head->length);
    } else if (tn_str_equal_fold(name, TN_STR("content-range"))) {
        content_range(head, value);
    } else if (tn_str_equal_fold(name, TN_STR("etag"))) {
        keep(head->etag, sizeof(head->etag), value);
    } else if (tn_str_equal_fold(name, TN_STR("x-amz-bucket-region"))) {
        keep(head->region, sizeof(head->region), value);
    } else if (tn_str_equal_fold(name, TN_STR("x-amz-request-id"))) {
        keep(head->request_id, sizeof(head->request_id), value);
    } else if (tn_str_equal_fold(name, TN_STR("date"))) {
        head->has_date = tn_date_parse_http(value, &head->date_s);
    } else if (tn_str_equal_fold(name, TN_STR("last-modified"))) {
        head->has_modified = tn_date_parse_http(value, &head->modified_s);
    } else if (tn_str_equal_fold(name, TN_STR("retry-after")) && whole_number(value, &seconds)) {
        head->has_retry_after = true;
        head->retry_after_s = seconds < 3600 ? (uint32_t)seconds : 3600;
    }
}

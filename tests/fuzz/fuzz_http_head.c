/* The head of an HTTP answer, dates, and the files of ~/.aws. */
#include "net/date.h"
#include "net/http.h"
#include "store/s3_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tn_http_head head = {.status = 0};
    const tn_str all = {(const char *)data, size};
    tn_str rest = all;
    tn_str value;
    int64_t time;

    while (rest.size > 0) {
        size_t end = tn_str_find(rest, '\n');
        end = end == SIZE_MAX ? rest.size : end + 1;
        tn_http_head_line(&head, tn_str_slice(rest, 0, end));
        rest = tn_str_slice(rest, end, rest.size);
    }
    if (head.has_range &&
        (head.range_last < head.range_first || head.range_last >= head.range_total)) {
        __builtin_trap();
    }
    (void)tn_date_parse_http(all, &time);
    (void)tn_date_parse_iso(all, &time);
    (void)tn_s3__ini_value(all, TN_STR("default"), TN_STR("region"), &value);
    return 0;
}

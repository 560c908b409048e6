/* LIKE patterns, formats of time and their texts: any bytes, cut in two at a byte of the input. */
#include "kernel/like.h"
#include "kernel/strtime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tn_pool pool;
    tn_text out;
    tn_like *like = NULL;
    int64_t day = 0;
    int64_t nanos = 0;
    if (size < 2) {
        return 0;
    }
    const size_t cut = 1 + data[0] % (size - 1);
    const tn_str pattern = {(const char *)data + 1, cut - 1};
    const tn_str text = {(const char *)data + cut, size - cut};
    tn_pool_init(&pool, NULL, "fuzz", 64 << 20);
    if (tn_like_create(&pool, pattern, TN_STR("\\"), &like, NULL) == TARN_OK) {
        (void)tn_like_match(like, text);
        tn_like_destroy(like);
    }
    if (tn_strtime_check(pattern, true) == NULL &&
        tn_strtime_parse(text, pattern, &day, &nanos) == NULL &&
        tn_strtime_check(pattern, false) == NULL) {
        tn_text_init(&out, &pool, 1 << 16);
        tn_strtime_print(pattern, day, nanos, &out);
        tn_text_deinit(&out);
    }
    tn_pool_deinit(&pool);
    return 0;
}

/* Numbers from text agree with the C library, and print as text that reads back the same. */
#include "base/number.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[4096];
    char out[TN_NUMBER_SIZE];
    double value;
    double back;
    int64_t whole;
    if (size >= sizeof(text)) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    const tn_parsed parsed = tn_parse_f64(text, size, &value);
    if (parsed != TN_PARSED_NOTHING) {
        const double want = strtod(text, NULL);
        if (memcmp(&want, &value, 8) != 0 && value == value) {
            abort();
        }
    }
    if (parsed == TN_PARSED && (tn_parse_f64(out, tn_print_f64(out, value), &back) != TN_PARSED ||
                                (memcmp(&back, &value, 8) != 0 && value == value))) {
        abort();
    }
    if (tn_parse_i64(text, size, &whole) == TN_PARSED && whole != strtoll(text, NULL, 10)) {
        abort();
    }
    if (size >= 8) {
        memcpy(&value, data, 8);
        if (tn_parse_f64(out, tn_print_f64(out, value), &back) == TN_PARSED_NOTHING ||
            (memcmp(&back, &value, 8) != 0 && value == value)) {
            abort();
        }
    }
    return 0;
}

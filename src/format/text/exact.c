/* Values that a type takes, but not whole. */
#include "format/text/text_internal.h"
#include "kernel/calendar.h"

bool tn__text_is_fine(tn_str text)
{
    enum { MICROSECONDS = 6 };
    bool fine = false;
    size_t at = text.size;
    while (at > 0 && text.data[at - 1] != '.' && text.data[at - 1] != ',') {
        at--;
    }
    for (size_t i = at; at > 0 && i < text.size && text.data[i] >= '0' && text.data[i] <= '9';
         i++) {
        fine = fine || (i - at >= MICROSECONDS && text.data[i] != '0');
    }
    return fine;
}

tn_reason tn__text_loses(const tn_type *type, const void *values, uint32_t row, tn_str text)
{
    bool in_double;
    int64_t micros;
    if (type->kind == TN_KIND_DOUBLE) {
        return tn__double_is_long(((const double *)values)[row]) &&
                       tn_text_whole(text, &in_double) != TN_WHOLE_NONE && !in_double
                   ? "a DOUBLE would round this whole number"
                   : NULL;
    }
    if (type->kind == TN_KIND_DATE && tn_str_find(text, ':') != SIZE_MAX &&
        tn_text_parse_timestamp(text, TN_US_PER_SECOND, &micros) == NULL &&
        micros != ((const int32_t *)values)[row] * TN_US_PER_DAY) {
        return "it has a time of day, which a DATE would lose";
    }
    if ((type->kind == TN_KIND_TIME || tn_type_is_timestamp(type)) && type != TN_TIMESTAMP_NS &&
        tn__text_is_fine(text)) {
        return "it has digits behind the microseconds, which would be lost";
    }
    return NULL;
}

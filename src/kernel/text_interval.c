/* Intervals from text: PostgreSQL's words and ISO 8601's letters. */
#include "base/number.h"
#include "kernel/calendar.h"
#include "kernel/text_internal.h"

#include <math.h>

/* One unit: so many months, days and nanoseconds. */
typedef struct unit {
    const char *names; /* separated by spaces; a plural 's' is understood */
    int32_t months, days;
    int64_t nanos;
} unit;

static const unit words[] = {
    {"year yr y", 12, 0, 0},
    {"month mon", 1, 0, 0},
    {"week w", 0, 7, 0},
    {"day d", 0, 1, 0},
    {"hour hr h", 0, 0, 3600 * TN_NS_PER_SECOND},
    {"minute min m", 0, 0, 60 * TN_NS_PER_SECOND},
    {"second sec s", 0, 0, TN_NS_PER_SECOND},
    {"millisecond msec ms", 0, 0, 1000000},
    {"microsecond usec us", 0, 0, 1000},
    {"nanosecond nsec ns", 0, 0, 1},
    {"quarter", 3, 0, 0},
    {"decade", 120, 0, 0},
    {"century centurie c", 1200, 0, 0},
    {"millennium millennia millenium mil", 12000, 0, 0},
};

static const unit letters_date[] = {
    {"Y", 12, 0, 0}, {"M", 1, 0, 0}, {"W", 0, 7, 0}, {"D", 0, 1, 0}};
static const unit letters_time[] = {{"H", 0, 0, 3600 * TN_NS_PER_SECOND},
                                    {"M", 0, 0, 60 * TN_NS_PER_SECOND},
                                    {"S", 0, 0, TN_NS_PER_SECOND}};

static bool has_name(const char *names, tn_str word)
{
    for (const char *at = names; *at != '\0';) {
        const size_t size = strcspn(at, " ");
        if (tn_str_equal_fold((tn_str){at, size}, word)) {
            return true;
        }
        at += size + (at[size] == ' ');
    }
    return false;
}

static const unit *unit_of(const unit *units, size_t count, tn_str word)
{
    for (size_t i = 0; i < count; i++) {
        if (has_name(units[i].names, word)) {
            return &units[i];
        }
    }
    if (word.size > 1 && tn_ascii_lower(word.data[word.size - 1]) == 's' && units == words) {
        return unit_of(units, count, (tn_str){word.data, word.size - 1});
    }
    return NULL;
}

static bool add32(int32_t *sum, int64_t value)
{
    return value >= INT32_MIN && value <= INT32_MAX &&
           !__builtin_add_overflow(*sum, (int32_t)value, sum);
}

static bool add_double(int64_t *sum, double value)
{
    return value > -9.2e18 && value < 9.2e18 &&
           !__builtin_add_overflow(*sum, (int64_t)(value < 0 ? value - 0.5 : value + 0.5), sum);
}

/* whole.fraction units; what is less than a month becomes days, less than a day time. */
static bool add(tn_interval *sum, const unit *u, int64_t whole, double fraction)
{
    int64_t product;
    if (__builtin_mul_overflow(whole, (int64_t)u->months, &product) ||
        !add32(&sum->months, product) ||
        __builtin_mul_overflow(whole, (int64_t)u->days, &product) || !add32(&sum->days, product) ||
        __builtin_mul_overflow(whole, u->nanos, &product) ||
        __builtin_add_overflow(sum->nanos, product, &sum->nanos)) {
        return false;
    }
    const double months = fraction * u->months;
    double days = fraction * u->days;
    if (u->months == 1) {
        days = months * 30;
    } else if (!add32(&sum->months, (int64_t)(months < 0 ? months - 0.5 : months + 0.5))) {
        return false;
    }
    const int64_t whole_days = (int64_t)days;
    return add32(&sum->days, whole_days) &&
           add_double(&sum->nanos, (days - (double)whole_days) * (double)TN_NS_PER_DAY +
                                       fraction * (double)u->nanos);
}

/* [sign] digits [. digits]; the sign belongs to the fraction, too. */
static bool parse_amount(tn_str text, size_t *at, int64_t *whole, double *fraction)
{
    const size_t start = *at;
    size_t end = start;
    bool negative = false;
    if (end < text.size && (text.data[end] == '-' || text.data[end] == '+')) {
        negative = text.data[end] == '-';
        end++;
    }
    const size_t digits = end;
    while (end < text.size && tn_text__is_digit(text.data[end])) {
        end++;
    }
    *whole = 0;
    *fraction = 0;
    if (end > digits && tn_parse_i64(text.data + start, end - start, whole) != TN_PARSED) {
        return false;
    }
    const size_t point = end;
    if (end < text.size && text.data[end] == '.') {
        end++;
        while (end < text.size && tn_text__is_digit(text.data[end])) {
            end++;
        }
        if (end > point + 1 &&
            tn_parse_f64(text.data + point, end - point, fraction) != TN_PARSED) {
            return false;
        }
        *fraction = negative ? -*fraction : *fraction;
    }
    *at = end;
    return end > digits && !(end == point + 1 && point == digits);
}

static tn_reason parse_iso(tn_str text, size_t at, tn_interval *out)
{
    bool time = false;
    bool any = false;
    while (at < text.size) {
        int64_t whole;
        double fraction;
        if (!time && tn_ascii_lower(text.data[at]) == 't') {
            time = true;
            at++;
            continue;
        }
        if (!parse_amount(text, &at, &whole, &fraction) || at == text.size) {
            return "an interval looks like P1Y2M3DT4H5M6S";
        }
        const tn_str letter = {text.data + at, 1};
        const unit *u = time ? unit_of(letters_time, 3, letter) : unit_of(letters_date, 4, letter);
        if (u == NULL) {
            return "an interval looks like P1Y2M3DT4H5M6S";
        }
        if (!add(out, u, whole, fraction)) {
            return "no interval is so long";
        }
        at++;
        any = true;
    }
    return any ? NULL : "an interval looks like P1Y2M3DT4H5M6S";
}

static void skip_spaces(tn_str text, size_t *at)
{
    while (*at < text.size && text.data[*at] == ' ') {
        (*at)++;
    }
}

static bool is_letter(char c)
{
    const char lower = tn_ascii_lower(c);
    return lower >= 'a' && lower <= 'z';
}

/* HH:MM:SS with a sign; tells by `*is_clock` whether it stands there at all. */
static tn_reason parse_clock(tn_str text, size_t *at, bool *is_clock, tn_interval *out)
{
    size_t end = *at;
    const bool negative = text.data[end] == '-';
    end += negative || text.data[end] == '+';
    const size_t digits = end;
    while (end < text.size && tn_text__is_digit(text.data[end])) {
        end++;
    }
    *is_clock = end > digits && end < text.size && text.data[end] == ':';
    if (!*is_clock) {
        return NULL;
    }
    int64_t nanos;
    *at = digits;
    const tn_reason why = tn_text__parse_clock(text, at, 2562047, &nanos);
    if (why != NULL) {
        return why;
    }
    return __builtin_add_overflow(out->nanos, negative ? -nanos : nanos, &out->nanos)
               ? "no interval is so long"
               : NULL;
}

static bool negate(tn_interval *value)
{
    return !__builtin_sub_overflow(0, value->months, &value->months) &&
           !__builtin_sub_overflow(0, value->days, &value->days) &&
           !__builtin_sub_overflow(0, value->nanos, &value->nanos);
}

static tn_reason parse_words(tn_str text, size_t at, tn_interval *out)
{
    static const char form[] = "an interval looks like '1 year 2 months 3 days 04:05:06'";
    bool any = false;
    for (skip_spaces(text, &at); at < text.size; skip_spaces(text, &at)) {
        int64_t whole;
        double fraction;
        bool is_clock;
        size_t word = at;
        while (word < text.size && is_letter(text.data[word])) {
            word++;
        }
        if (any && tn_str_equal_fold(tn_str_slice(text, at, word), TN_STR("ago"))) {
            at = word;
            skip_spaces(text, &at);
            return at < text.size ? form : negate(out) ? NULL : "no interval is so long";
        }
        const tn_reason why = parse_clock(text, &at, &is_clock, out);
        if (why != NULL) {
            return why;
        }
        any = true;
        if (is_clock) {
            continue;
        }
        if (!parse_amount(text, &at, &whole, &fraction)) {
            return form;
        }
        skip_spaces(text, &at);
        word = at;
        while (at < text.size && is_letter(text.data[at])) {
            at++;
        }
        /* a bare number at the end counts seconds, as PostgreSQL has it */
        const unit *u =
            word == at && at == text.size
                ? &words[6]
                : unit_of(words, sizeof(words) / sizeof(words[0]), tn_str_slice(text, word, at));
        if (u == NULL) {
            return word == at ? form : "there is no such unit of time";
        }
        if (!add(out, u, whole, fraction)) {
            return "no interval is so long";
        }
    }
    return any ? NULL : form;
}

tn_reason tn_text_parse_interval(tn_str text, tn_interval *out)
{
    *out = (tn_interval){0, 0, 0};
    text = tn_text__trim(text);
    if (text.size > 1 && text.data[0] == 'P') {
        return parse_iso(text, 1, out);
    }
    return parse_words(text, text.size > 0 && text.data[0] == '@', out);
}

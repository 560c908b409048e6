#include "kernel/strtime.h"

#include "kernel/calendar.h"

static const char *const month_names[] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};
static const char *const day_names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};

static const char codes_written[] = "YymbhBdejHIpMSfgLnaAuwGVUWszZFTDRxXct%";
static const char codes_read[] = "YymbhBdejHIpMSfgLnaAuwszZFTDRxXct%";

const char *tn_strtime_check(tn_str format, bool reading)
{
    for (size_t i = 0; i < format.size; i++) {
        if (format.data[i] != '%') {
            continue;
        }
        i++;
        if (i < format.size && format.data[i] == '-') {
            i++;
        }
        if (i >= format.size) {
            return "it ends with a %";
        }
        if (format.data[i] == 0 ||
            strchr(reading ? codes_read : codes_written, format.data[i]) == NULL) {
            return "it has an unknown %-code";
        }
    }
    return NULL;
}

/* ---- writing ---- */

typedef struct moment {
    int64_t day, nanos;
    tn_civil civil;
    int64_t hour, minute, second, fraction; /* nanoseconds */
    int64_t day_of_year;                    /* from 1 */
    unsigned weekday;                       /* Sunday 0 */
} moment;

static moment moment_of(int64_t day, int64_t nanos)
{
    moment m = {.day = day, .nanos = nanos, .civil = tn_civil_from_days(day)};
    m.hour = nanos / (3600 * TN_NS_PER_SECOND);
    m.minute = nanos / (60 * TN_NS_PER_SECOND) % 60;
    m.second = nanos / TN_NS_PER_SECOND % 60;
    m.fraction = nanos % TN_NS_PER_SECOND;
    m.day_of_year = day - tn_days_from_civil(m.civil.year, 1, 1) + 1;
    m.weekday = tn_weekday_of_days(day);
    return m;
}

static void put_number(tn_text *out, int64_t value, int width, bool bare)
{
    tn_text_printf(out, "%0*lld", bare ? 1 : width, (long long)value);
}

/* ISO 8601: the week's Thursday says the year. */
static int64_t iso_year(const moment *m)
{
    return tn_civil_from_days(m->day - (m->weekday + 6) % 7 + 3).year;
}
static int64_t iso_week(const moment *m)
{
    const int64_t thursday = m->day - (m->weekday + 6) % 7 + 3;
    return (thursday - tn_days_from_civil(iso_year(m), 1, 1)) / 7 + 1;
}

static void print_code(char code, bool bare, const moment *m, tn_text *out)
{
    const int64_t twelve = m->hour % 12 == 0 ? 12 : m->hour % 12;
    switch (code) {
    case 'Y':
        put_number(out, m->civil.year, 4, bare);
        break;
    case 'y':
        put_number(out, tn_floor_mod(m->civil.year, 100), 2, bare);
        break;
    case 'm':
        put_number(out, m->civil.month, 2, bare);
        break;
    case 'B':
        tn_text_puts(out, month_names[m->civil.month - 1]);
        break;
    case 'b':
    case 'h':
        tn_text_append(out, (tn_str){month_names[m->civil.month - 1], 3});
        break;
    case 'd':
        put_number(out, m->civil.day, 2, bare);
        break;
    case 'e':
        put_number(out, m->civil.day, 1, true);
        break;
    case 'j':
        put_number(out, m->day_of_year, 3, bare);
        break;
    case 'H':
        put_number(out, m->hour, 2, bare);
        break;
    case 'I':
        put_number(out, twelve, 2, bare);
        break;
    case 'p':
        tn_text_puts(out, m->hour < 12 ? "AM" : "PM");
        break;
    case 'M':
        put_number(out, m->minute, 2, bare);
        break;
    case 'S':
        put_number(out, m->second, 2, bare);
        break;
    case 'f':
        put_number(out, m->fraction / 1000, 6, bare);
        break;
    case 'g':
    case 'L':
        put_number(out, m->fraction / 1000000, 3, bare);
        break;
    case 'n':
        put_number(out, m->fraction, 9, bare);
        break;
    case 'A':
        tn_text_puts(out, day_names[m->weekday]);
        break;
    case 'a':
        tn_text_append(out, (tn_str){day_names[m->weekday], 3});
        break;
    case 'u':
        put_number(out, m->weekday == 0 ? 7 : m->weekday, 1, true);
        break;
    case 'w':
        put_number(out, m->weekday, 1, true);
        break;
    case 'G':
        put_number(out, iso_year(m), 4, bare);
        break;
    case 'V':
        put_number(out, iso_week(m), 2, bare);
        break;
    case 'U':
        put_number(out, (m->day_of_year + 6 - m->weekday) / 7, 2, bare);
        break;
    case 'W':
        put_number(out, (m->day_of_year + 6 - (m->weekday + 6) % 7) / 7, 2, bare);
        break;
    case 's':
        tn_text_printf(out, "%lld", (long long)(m->day * 86400 + m->nanos / TN_NS_PER_SECOND));
        break;
    case 'z':
        tn_text_puts(out, "+0000");
        break;
    case 'Z':
        tn_text_puts(out, "UTC");
        break;
    case 't':
        tn_text_putc(out, '\t');
        break;
    default:
        tn_text_putc(out, '%');
        break;
    }
}

/* What codes that stand for several are made of. */
static const char *expansion(char code)
{
    return code == 'F' || code == 'x'   ? "%Y-%m-%d"
           : code == 'T' || code == 'X' ? "%H:%M:%S"
           : code == 'c'                ? "%Y-%m-%d %H:%M:%S"
           : code == 'D'                ? "%m/%d/%y"
           : code == 'R'                ? "%H:%M"
                                        : NULL;
}

static void print_plain(tn_str format, const moment *m, tn_text *out)
{
    for (size_t i = 0; i < format.size; i++) {
        if (format.data[i] != '%' || i + 1 >= format.size) {
            tn_text_putc(out, format.data[i]);
            continue;
        }
        const bool bare = format.data[i + 1] == '-' && i + 2 < format.size;
        i += 1 + bare;
        print_code(format.data[i], bare, m, out);
    }
}

void tn_strtime_print(tn_str format, int64_t day, int64_t nanos, tn_text *out)
{
    const moment m = moment_of(day, nanos);
    size_t from = 0;
    for (size_t i = 0; i + 1 < format.size; i++) {
        if (format.data[i] != '%') {
            continue;
        }
        const char *parts = expansion(format.data[i + 1]);
        if (parts != NULL) {
            print_plain(tn_str_slice(format, from, i), &m, out);
            print_plain(tn_str_of(parts), &m, out);
            from = i + 2;
        }
        i++;
    }
    print_plain(tn_str_slice(format, from, format.size), &m, out);
}

/* ---- reading ---- */

typedef struct reading {
    tn_str text;
    size_t at;
    int64_t year, month, day, hour, minute, second, nanos, day_of_year, offset, epoch;
    bool has_epoch, has_day_of_year, afternoon, has_half;
    bool digits_follow; /* in the format, at once */
} reading;

static bool read_number(reading *r, size_t digits_max, int64_t low, int64_t high, int64_t *out)
{
    const size_t from = r->at;
    int64_t value = 0;
    while (r->at < r->text.size && r->at - from < digits_max && r->text.data[r->at] >= '0' &&
           r->text.data[r->at] <= '9') {
        value = value * 10 + (r->text.data[r->at++] - '0');
    }
    *out = value;
    return r->at > from && value >= low && value <= high;
}

static bool read_name(reading *r, const char *const *names, size_t count, int64_t *out)
{
    const tn_str rest = tn_str_slice(r->text, r->at, r->text.size);
    for (size_t i = 0; i < count; i++) {
        const size_t full = strlen(names[i]);
        for (size_t size = full; size >= 3; size = size == full && full > 3 ? 3 : 0) {
            if (rest.size >= size &&
                tn_str_equal_fold(tn_str_slice(rest, 0, size), (tn_str){names[i], size})) {
                r->at += size;
                *out = (int64_t)i;
                return true;
            }
        }
    }
    return false;
}

static bool read_fraction(reading *r)
{
    const size_t from = r->at;
    int64_t value = 0;
    if (!read_number(r, 9, 0, INT64_MAX, &value)) {
        return false;
    }
    for (size_t i = r->at - from; i < 9; i++) {
        value *= 10;
    }
    r->nanos = value;
    return true;
}

static bool read_offset(reading *r)
{
    int64_t hours = 0;
    int64_t minutes = 0;
    if (r->at < r->text.size && (r->text.data[r->at] == 'Z' || r->text.data[r->at] == 'z')) {
        r->at++;
        return true;
    }
    if (r->at >= r->text.size || (r->text.data[r->at] != '+' && r->text.data[r->at] != '-')) {
        return false;
    }
    const int64_t sign = r->text.data[r->at++] == '-' ? -1 : 1;
    if (!read_number(r, 2, 0, 15, &hours)) {
        return false;
    }
    if (r->at < r->text.size && r->text.data[r->at] == ':') {
        r->at++;
    }
    if (r->at < r->text.size && r->text.data[r->at] >= '0' && r->text.data[r->at] <= '9' &&
        !read_number(r, 2, 0, 59, &minutes)) {
        return false;
    }
    r->offset = sign * (hours * 3600 + minutes * 60);
    return true;
}

static bool read_sign(reading *r)
{
    const bool negative = r->at < r->text.size && r->text.data[r->at] == '-';
    r->at += negative;
    return negative;
}

static bool read_code(reading *r, char code)
{
    int64_t ignored = 0;
    switch (code) {
    case 'Y': {
        const bool negative = read_sign(r);
        const bool fine = read_number(r, r->digits_follow ? 4 : 6, 0, 999999, &r->year);
        r->year = negative ? -r->year : r->year;
        return fine;
    }
    case 'y':
        if (!read_number(r, 2, 0, 99, &r->year)) {
            return false;
        }
        r->year += r->year < 69 ? 2000 : 1900;
        return true;
    case 'm':
        return read_number(r, 2, 1, 12, &r->month);
    case 'b':
    case 'h':
    case 'B':
        if (!read_name(r, month_names, 12, &r->month)) {
            return false;
        }
        r->month++;
        return true;
    case 'd':
        return read_number(r, 2, 1, 31, &r->day);
    case 'e':
        r->at += r->at < r->text.size && r->text.data[r->at] == ' ';
        return read_number(r, 2, 1, 31, &r->day);
    case 'j':
        r->has_day_of_year = true;
        return read_number(r, 3, 1, 366, &r->day_of_year);
    case 'H':
        return read_number(r, 2, 0, 23, &r->hour);
    case 'I':
        return read_number(r, 2, 1, 12, &r->hour);
    case 'p': {
        static const char *const halves[] = {"AM.", "PM."};
        const tn_str rest = tn_str_slice(r->text, r->at, r->text.size);
        for (size_t i = 0; i < 2; i++) {
            if (rest.size >= 2 &&
                tn_str_equal_fold(tn_str_slice(rest, 0, 2), (tn_str){halves[i], 2})) {
                r->has_half = true;
                r->afternoon = i == 1;
                r->at += 2;
                return true;
            }
        }
        return false;
    }
    case 'M':
        return read_number(r, 2, 0, 59, &r->minute);
    case 'S':
        return read_number(r, 2, 0, 60, &r->second);
    case 'f':
    case 'g':
    case 'L':
    case 'n':
        return read_fraction(r);
    case 'a':
    case 'A':
        return read_name(r, day_names, 7, &ignored);
    case 'u':
        return read_number(r, 1, 1, 7, &ignored);
    case 'w':
        return read_number(r, 1, 0, 6, &ignored);
    case 's': {
        const bool negative = read_sign(r);
        const bool fine = read_number(r, 15, 0, INT64_MAX, &r->epoch);
        r->epoch = negative ? -r->epoch : r->epoch;
        r->has_epoch = true;
        return fine;
    }
    case 'z':
        return read_offset(r);
    case 'Z':
        while (r->at < r->text.size &&
               ((r->text.data[r->at] >= 'A' && r->text.data[r->at] <= 'Z') ||
                (r->text.data[r->at] >= 'a' && r->text.data[r->at] <= 'z'))) {
            ignored = ignored * 100 + tn_ascii_lower(r->text.data[r->at++]);
            if (ignored > 100000000) {
                return false;
            }
        }
        /* "utc", "gmt", "z": other zones are not known here */
        return ignored == ('u' * 100 + 't') * 100 + 'c' ||
               ignored == ('g' * 100 + 'm') * 100 + 't' || ignored == 'z';
    case 't':
    case '%': {
        const char wanted = code == 't' ? '\t' : '%';
        return r->at < r->text.size && r->text.data[r->at++] == wanted;
    }
    default:
        return false;
    }
}

/* Is what comes next in the format a number, so that the one before must know its own end? */
static bool begins_with_digits(tn_str format)
{
    if (format.size > 0 && format.data[0] != '%') {
        return format.data[0] >= '0' && format.data[0] <= '9';
    }
    const size_t at = format.size > 2 && format.data[1] == '-' ? 2 : 1;
    return format.size > at && strchr("YymdjHIMSfgLnuws", format.data[at]) != NULL;
}

/* A space in the format is any number of them, none too. */
static bool read_plain(reading *r, tn_str format)
{
    for (size_t i = 0; i < format.size; i++) {
        const char c = format.data[i];
        if (c == '%' && i + 1 < format.size) {
            i += format.data[i + 1] == '-' && i + 2 < format.size ? 2 : 1;
            const char *parts = expansion(format.data[i]);
            r->digits_follow = begins_with_digits(tn_str_slice(format, i + 1, format.size));
            if (parts != NULL) {
                r->digits_follow = false; /* a sign stands behind each part */
                for (size_t j = 0; parts[j] != 0; j++) {
                    if (parts[j] == '%'
                            ? !read_code(r, parts[++j])
                            : !(r->at < r->text.size && r->text.data[r->at++] == parts[j])) {
                        return false;
                    }
                }
            } else if (!read_code(r, format.data[i])) {
                return false;
            }
        } else if (c == ' ') {
            while (r->at < r->text.size && r->text.data[r->at] == ' ') {
                r->at++;
            }
        } else if (r->at >= r->text.size || r->text.data[r->at++] != c) {
            return false;
        }
    }
    return true;
}

const char *tn_strtime_parse(tn_str text, tn_str format, int64_t *day, int64_t *nanos)
{
    reading r = {.text = text, .year = 1900, .month = 1, .day = 1};
    if (!read_plain(&r, format)) {
        return "it does not fit the format";
    }
    while (r.at < text.size && text.data[r.at] == ' ') {
        r.at++;
    }
    if (r.at < text.size) {
        return "it goes on behind the format's end";
    }
    if (r.has_half) {
        r.hour = r.hour % 12 + (r.afternoon ? 12 : 0);
    }
    if (r.day > tn_days_in_month(r.year, (unsigned)r.month)) {
        return "there is no such day";
    }
    *day = tn_days_from_civil(r.year, (unsigned)r.month, (unsigned)r.day);
    if (r.has_day_of_year) {
        *day = tn_days_from_civil(r.year, 1, 1) + r.day_of_year - 1;
    }
    int64_t seconds = r.hour * 3600 + r.minute * 60 + r.second - r.offset;
    if (r.has_epoch) {
        *day = 0;
        seconds = r.epoch;
    }
    *day += tn_floor_div(seconds, 86400);
    *nanos = tn_floor_mod(seconds, 86400) * TN_NS_PER_SECOND + r.nanos;
    return NULL;
}

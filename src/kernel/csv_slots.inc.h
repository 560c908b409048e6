/*
 * Fields to numbers in two steps, for sets of instructions without lanes of eight bytes by the
 * eight.
 *
 * *Slots*: one or two loads that end at the field's end bring its digits, right-aligned, into eight
 * bytes; short and without branches.  *Convert*: eight slots, or as many as the compiler packs,
 * become numbers; whatever is no digit shows there.
 */
enum { STEP = 256 }; /* rows between the two steps: their slots stay in L1 */

#define ZEROS UINT64_C(0x3030303030303030)
#define TOPS  UINT64_C(0x8080808080808080)
#define ONES  UINT64_C(0x0101010101010101)

/* ---- slots ------------------------------------------------------------------------------------
 */

typedef struct slots {
    uint64_t digits[STEP];
    uint8_t size[STEP]; /* of digits; more than 8: this row is odd */
    uint8_t negative[STEP];
    uint8_t behind[STEP]; /* doubles: digits behind the point */
} slots;

TN_INLINE uint8_t clamped(uint32_t size)
{
    return (uint8_t)(size > 255 ? 255 : size);
}

#define EACH_SLOT(plain, body)                                  \
    do {                                                        \
        const uint32_t *at = end;                               \
        for (size_t row = 0; row < rows; row++, at += stride) { \
            const span s = field_span(f, at, plain);            \
            body                                                \
        }                                                       \
    } while (0)
#define EACH(body)                           \
    do {                                     \
        const char *restrict text = f->text; \
        const size_t stride = f->stride;     \
        if (is_plain(f)) {                   \
            EACH_SLOT(true, body);           \
        } else {                             \
            EACH_SLOT(false, body);          \
        }                                    \
    } while (0)

static void integer_slots(const tn_csv_fields *f, const uint32_t *end, size_t rows, slots *out)
{
    EACH({
        const uint32_t negative = text[s.start] == '-';
        out->digits[row] = load64(text + s.end - 8);
        out->size[row] = clamped(s.end - s.start - negative);
        out->negative[row] = (uint8_t)negative;
    });
}

/* iiiiii.ff with the point left out; a field without a point at its place is odd. */
static void decimal_slots(const tn_csv_fields *f, const uint32_t *end, size_t rows, unsigned scale,
                          slots *out)
{
    const uint64_t high = ~UINT64_C(0) << (8 * (8 - scale));
    EACH({
        const uint32_t negative = text[s.start] == '-';
        const uint64_t whole = load64(text + s.end - 9);
        const uint64_t fraction = load64(text + s.end - 8);
        const bool point = (s.end - s.start > scale) & (text[(size_t)s.end - 1 - scale] == '.');
        out->digits[row] = (whole & ~high) | (fraction & high);
        out->size[row] = point ? clamped(s.end - s.start - negative - 1) : 255;
        out->negative[row] = (uint8_t)negative;
    });
}

/* Up to 8 characters with a point anywhere, or none. */
static void double_slots(const tn_csv_fields *f, const uint32_t *end, size_t rows, slots *out)
{
    EACH({
        const uint32_t negative = text[s.start] == '-';
        const uint32_t size = s.end - s.start - negative;
        const uint64_t word = load64(text + s.end - 8);
        const uint64_t live =
            size >= 8 || size == 0 ? ~UINT64_C(0) : ~UINT64_C(0) << (64 - 8 * size);
        const uint64_t unlike = (word ^ (ONES * '.')) | ~live;
        const uint64_t point = (unlike - ONES) & ~unlike & TOPS; /* its lowest bit is exact */
        const unsigned bit = point == 0 ? 63 : (unsigned)__builtin_ctzll(point);
        const uint64_t below = point == 0 ? 0 : (UINT64_C(1) << (bit - 7)) - 1;
        const uint64_t above = point == 0  ? ~UINT64_C(0)
                               : bit == 63 ? 0
                                           : ~UINT64_C(0) << (bit + 1);
        out->digits[row] = (word & below) << 8 | (word & above);
        out->size[row] = clamped(size - (point != 0));
        out->behind[row] = (uint8_t)(point == 0 ? 0 : 7 - bit / 8);
        out->negative[row] = (uint8_t)negative;
        if (size > 8) {
            out->size[row] = 255;
        }
    });
}

/* YYYY-MM-DD -> YYYYMMDD */
static void date_slots(const tn_csv_fields *f, const uint32_t *end, size_t rows, slots *out)
{
    EACH({
        const uint64_t word = load64(text + s.start);
        const uint64_t odd =
            ((word ^ UINT64_C(0x2d00002d00000000)) & UINT64_C(0xff0000ff00000000)) |
            ((s.end - s.start) ^ 10);
        out->digits[row] = (word & UINT64_C(0xffffffff)) |
                           (word >> 8 & UINT64_C(0x0000ffff00000000)) |
                           (uint64_t)load16(text + s.start + 8) << 48;
        out->size[row] = odd == 0 ? 8 : 255;
    });
}

/* ---- convert ----------------------------------------------------------------------------------
 */

/* A number's eight digits, first in the lowest byte; the letters among them in `*letters`. */
TN_INLINE uint64_t eight_digits(uint64_t word, unsigned size, uint64_t *letters)
{
    const uint64_t keep = size - 1 > 7 ? 0 : ~UINT64_C(0) << (64 - 8 * size);
    const uint64_t digits = (word ^ ZEROS) & keep;
    *letters = ((digits + UINT64_C(0x7676767676767676)) | digits) & TOPS;
    const uint64_t pairs = (digits * 10 + (digits >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
    const uint64_t fours = (pairs * 100 + (pairs >> 16)) & UINT64_C(0x0000ffff0000ffff);
    return (fours * 10000 + (fours >> 32)) & UINT64_C(0xffffffff);
}

static void convert_integers(const slots *in, size_t rows, int64_t *out, uint8_t *odd)
{
    memset(odd, 0, (rows + 7) / 8);
    for (size_t row = 0; row < rows; row++) {
        uint64_t letters;
        const uint64_t value = eight_digits(in->digits[row], in->size[row], &letters);
        const int64_t sign = -(int64_t)in->negative[row];
        const bool bad = (letters != 0) | (in->size[row] - 1U > 7);
        out[row] = ((int64_t)value ^ sign) - sign;
        odd[row / 8] = (uint8_t)(odd[row / 8] | (unsigned)bad << row % 8);
    }
}

static void convert_dates(const slots *in, size_t rows, int32_t *out, uint8_t *odd)
{
    memset(odd, 0, (rows + 7) / 8);
    for (size_t row = 0; row < rows; row++) {
        uint64_t letters;
        const uint32_t value = (uint32_t)eight_digits(in->digits[row], 8, &letters);
        const uint32_t day = value % 100;
        const uint32_t month = value / 100 % 100;
        uint32_t year = value / 10000;
        const uint32_t most = month == 2 ? 28 : 30U | (month ^ month >> 3);
        const bool bad = (letters != 0) | (in->size[row] != 8) | (month - 1 > 11) |
                         (day - 1 > most - 1) | (year == 0);
        year -= month < 3;
        const uint32_t from_march = month < 3 ? month + 9 : month - 3;
        const uint32_t centuries = year / 100;
        out[row] = (int32_t)(365 * year + year / 4 - centuries + centuries / 4 +
                             (153 * from_march + 2) / 5 + day) -
                   719469;
        odd[row / 8] = (uint8_t)(odd[row / 8] | (unsigned)bad << row % 8);
    }
}

typedef struct step {
    const uint32_t *end;
    size_t rows;
} step;

TN_INLINE step step_at(const tn_csv_fields *f, size_t from)
{
    return (step){f->end + from * f->stride, f->rows - from < STEP ? f->rows - from : STEP};
}

static void read_integers(const tn_csv_fields *f, int64_t *out, uint64_t *odd)
{
    slots in;
    uint8_t bytes[TN_CSV_ROWS_MAX / 8 + 8];
    for (size_t from = 0; from < f->rows; from += STEP) {
        const step s = step_at(f, from);
        integer_slots(f, s.end, s.rows, &in);
        convert_integers(&in, s.rows, out + from, bytes + from / 8);
    }
    finish_odd(bytes, f->rows, odd);
}

static void read_decimals(const tn_csv_fields *f, unsigned scale, int64_t *out, uint64_t *odd)
{
    slots in;
    uint8_t bytes[TN_CSV_ROWS_MAX / 8 + 8];
    for (size_t from = 0; from < f->rows; from += STEP) {
        const step s = step_at(f, from);
        decimal_slots(f, s.end, s.rows, scale, &in);
        convert_integers(&in, s.rows, out + from, bytes + from / 8);
    }
    finish_odd(bytes, f->rows, odd);
}

static void read_doubles(const tn_csv_fields *f, double *out, uint64_t *odd)
{
    /* by the digits behind the point, and by the sign: a quotient of 0 keeps it */
    static const double powers[16] = {1,  10,  100,  1000,  10000,  100000,  1000000,  10000000,
                                      -1, -10, -100, -1000, -10000, -100000, -1000000, -10000000};
    slots in;
    int64_t whole[STEP];
    double below[STEP];
    uint8_t bytes[TN_CSV_ROWS_MAX / 8 + 8];
    for (size_t from = 0; from < f->rows; from += STEP) {
        const step s = step_at(f, from);
        double_slots(f, s.end, s.rows, &in);
        convert_integers(&in, s.rows, whole, bytes + from / 8);
        for (size_t row = 0; row < s.rows; row++) {
            below[row] = powers[(in.behind[row] & 7U) | (in.negative[row] & 1U) << 3];
        }
        for (size_t row = 0; row < s.rows; row++) { /* both are exact: rounded once */
            const int64_t digits = whole[row] < 0 ? -whole[row] : whole[row];
            out[from + row] = (double)(int32_t)digits / below[row];
        }
    }
    finish_odd(bytes, f->rows, odd);
}

static void read_dates(const tn_csv_fields *f, int32_t *out, uint64_t *odd)
{
    slots in;
    uint8_t bytes[TN_CSV_ROWS_MAX / 8 + 8];
    for (size_t from = 0; from < f->rows; from += STEP) {
        const step s = step_at(f, from);
        date_slots(f, s.end, s.rows, &in);
        convert_dates(&in, s.rows, out + from, bytes + from / 8);
    }
    finish_odd(bytes, f->rows, odd);
}

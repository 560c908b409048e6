/*
 * Fields to numbers, eight rows at a time, with AVX-512.
 *
 * The last eight bytes of each field are a lane, so that its digits are right-aligned: sign, point
 * and digits are told apart by shifts and masks lane by lane, whatever each field's length is.
 * Fields are loaded one by one: a gather is slower here, and far slower on processors that are
 * guarded against its leaks.
 */

#define K(n) _mm512_set1_epi64((long long)(n))
#define EACH_OF(at)                                                              \
    _mm512_set_epi64((long long)(at(7)), (long long)(at(6)), (long long)(at(5)), \
                     (long long)(at(4)), (long long)(at(3)), (long long)(at(2)), \
                     (long long)(at(1)), (long long)(at(0)))

/* Eight fields: the rows from `row` on, and where there are fewer, the first of them again. */
typedef struct eight {
    const char *text;
    uint32_t end[8];
    __m512i size; /* in bytes */
} eight;

/* `plain` is a constant at each call. */
TN_INLINE eight eight_fields(const tn_csv_fields *f, size_t row, bool plain)
{
    eight e = {.text = f->text};
    const uint32_t *const end = f->end + row * f->stride;
    const size_t left = f->rows - row;
    const uint32_t *at[8];
    for (size_t i = 0; i < 8; i++) {
        at[i] = end + (i < left ? i : 0) * f->stride;
    }
    if (plain) { /* the end of the field before, and above it the field's own */
#define ENDS(i) load64((const char *)(at[i] - 1))
        const __m512i ends = EACH_OF(ENDS);
#undef ENDS
        /* the first field of a text follows an end of -1, in 32 bits */
        const __m512i sizes = _mm512_sub_epi32(_mm512_srli_epi64(ends, 32), ends);
        e.size = _mm512_and_si512(_mm512_sub_epi32(sizes, K(1)), K(UINT32_MAX));
        for (size_t i = 0; i < 8; i++) {
            e.end[i] = *at[i];
        }
        return e;
    }
    uint64_t size[8];
    for (size_t i = 0; i < 8; i++) {
        const span s = field_span(f, at[i], false);
        e.end[i] = s.end;
        size[i] = s.end - s.start;
    }
    e.size = _mm512_loadu_si512(size);
    return e;
}

/* The eight bytes that end `behind` bytes before each field's end; a constant at each call. */
TN_INLINE __m512i eight_words(const eight *e, uint32_t behind)
{
#define WORD(i) load64(e->text + e->end[i] - behind - 8)
    return EACH_OF(WORD);
#undef WORD
}

TN_INLINE __mmask8 live_rows(const tn_csv_fields *f, size_t row)
{
    const size_t left = f->rows - row;
    return (__mmask8)(left >= 8 ? 0xff : (1U << left) - 1);
}

/* Which of them begin with a minus.  `words` end `behind` bytes before the fields do; longer fields
 * than they reach are rare. */
TN_INLINE __mmask8 negatives(const eight *e, __m512i words, uint32_t behind)
{
    /* a word that holds nothing of the field, or not its start, is shifted out */
    const __m512i first =
        _mm512_srlv_epi64(words, _mm512_slli_epi64(_mm512_sub_epi64(K(8 + behind), e->size), 3));
    unsigned found = _mm512_cmpeq_epi64_mask(_mm512_and_si512(first, K(0xff)), K('-'));
    unsigned longer = _mm512_cmpeq_epi64_mask(e->size, K(9 + behind)); /* all digits, and a sign? */
    for (; __builtin_expect(longer != 0, 0); longer &= longer - 1) {
        const int i = __builtin_ctz(longer);
        found |= (unsigned)(e->text[e->end[i] - behind - 9] == '-') << i;
    }
    return (__mmask8)found;
}

TN_INLINE __m512i less_one(__m512i value, __mmask8 where)
{
    return _mm512_mask_sub_epi64(value, where, value, K(1));
}

/* Lanes of which some byte of `digits` is none. */
TN_INLINE __mmask8 letters(__m512i digits)
{
    const __mmask64 bytes = _mm512_cmpgt_epu8_mask(digits, _mm512_set1_epi8(9));
    return __builtin_expect(bytes == 0, 1) ? 0
                                           : _mm512_test_epi64_mask(_mm512_movm_epi8(bytes), K(-1));
}

/* The last `size` bytes of each lane to numbers; lanes that are odd show in the mask. */
TN_INLINE __m512i convert_digits(__m512i text, __m512i size, __mmask8 *odd)
{
    const __m512i keep =
        _mm512_sllv_epi64(K(-1), _mm512_sub_epi64(K(64), _mm512_slli_epi64(size, 3)));
    const __m512i digits = _mm512_and_si512(_mm512_sub_epi8(text, _mm512_set1_epi8('0')), keep);
    const __m512i fours = _mm512_madd_epi16(_mm512_maddubs_epi16(digits, _mm512_set1_epi16(0x010a)),
                                            _mm512_set1_epi32(0x00010064));
    *odd = _mm512_cmpgt_epu64_mask(_mm512_sub_epi64(size, K(1)), K(7)) | letters(digits);
    return _mm512_add_epi64(_mm512_mul_epu32(fours, K(10000)), _mm512_srli_epi64(fours, 32));
}

/* YYYYMMDD to days since 1970; year 0 and 29 February are left to the careful road. */
TN_INLINE __m256i convert_days(__m512i text, __mmask8 *odd)
{
    const __m512i digits = _mm512_sub_epi8(text, _mm512_set1_epi8('0'));
    const __m512i pairs = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(0x010a));
    const __m512i day = _mm512_srli_epi64(pairs, 48);
    const __m512i month = _mm512_and_si512(_mm512_srli_epi64(pairs, 32), K(0xffff));
    __m512i year = _mm512_and_si512(_mm512_madd_epi16(pairs, K(0x00010064)), K(UINT32_MAX));
    __m512i most = _mm512_or_si512(K(30), _mm512_xor_si512(month, _mm512_srli_epi64(month, 3)));
    most = _mm512_mask_mov_epi64(most, _mm512_cmpeq_epi64_mask(month, K(2)), K(28));
    *odd = _mm512_cmpgt_epu64_mask(_mm512_sub_epi64(month, K(1)), K(11)) |
           _mm512_cmpgt_epu64_mask(_mm512_sub_epi64(day, K(1)), _mm512_sub_epi64(most, K(1))) |
           _mm512_cmpeq_epi64_mask(year, K(0)) | letters(digits);
    const __mmask8 early = _mm512_cmplt_epi64_mask(month, K(3));
    year = less_one(year, early);
    const __m512i from_march =
        _mm512_mask_add_epi64(_mm512_sub_epi64(month, K(3)), early, month, K(9));
    const __m512i centuries = _mm512_srli_epi64(_mm512_mul_epu32(year, K(5243)), 19);
    const __m512i day_of_year = _mm512_srli_epi64(
        _mm512_mul_epu32(_mm512_add_epi64(_mm512_mul_epu32(from_march, K(153)), K(2)), K(52429)),
        18);
    __m512i days = _mm512_add_epi64(_mm512_mul_epu32(year, K(365)), _mm512_srli_epi64(year, 2));
    days = _mm512_add_epi64(_mm512_sub_epi64(days, centuries), _mm512_srli_epi64(centuries, 2));
    days = _mm512_add_epi64(_mm512_add_epi64(days, day_of_year), _mm512_sub_epi64(day, K(719469)));
    return _mm512_cvtepi64_epi32(days);
}

TN_INLINE __m512i put_sign(__m512i value, __mmask8 negative)
{
    return _mm512_mask_sub_epi64(value, negative, _mm512_setzero_si512(), value);
}

TN_INLINE void integer_rows(const tn_csv_fields *f, int64_t *out, uint8_t *odd, bool plain)
{
    for (size_t row = 0; row < f->rows; row += 8) {
        const eight e = eight_fields(f, row, plain);
        const __m512i words = eight_words(&e, 0);
        const __mmask8 negative = negatives(&e, words, 0);
        __mmask8 bad;
        const __m512i value = convert_digits(words, less_one(e.size, negative), &bad);
        _mm512_mask_storeu_epi64(out + row, live_rows(f, row), put_sign(value, negative));
        odd[row / 8] = (uint8_t)bad;
    }
}

/* iiiiii.ff with the point left out; a field without a point at its place is odd. */
TN_INLINE void decimal_rows(const tn_csv_fields *f, unsigned scale, int64_t *out, uint8_t *odd,
                            bool plain)
{
    const __m512i fraction = K(~UINT64_C(0) << 8 * (8 - scale));
    const __m128i to_point = _mm_cvtsi32_si128((int)(8 * (8 - scale)));
    for (size_t row = 0; row < f->rows; row += 8) {
        const eight e = eight_fields(f, row, plain);
        const __m512i words = eight_words(&e, 0);
        const __m512i before = eight_words(&e, 1); /* its byte `8 - scale` is the point */
        const __mmask8 negative = negatives(&e, before, 1);
        const __mmask8 pointed = /* by a point of its own */
            _mm512_cmpgt_epi64_mask(e.size, K(scale)) &
            _mm512_cmpeq_epi64_mask(_mm512_and_si512(_mm512_srl_epi64(before, to_point), K(0xff)),
                                    K('.'));
        __mmask8 bad;
        const __m512i value =
            convert_digits(_mm512_ternarylogic_epi64(fraction, words, before, 0xca),
                           less_one(_mm512_sub_epi64(e.size, K(1)), negative), &bad);
        _mm512_mask_storeu_epi64(out + row, live_rows(f, row), put_sign(value, negative));
        odd[row / 8] = (uint8_t)(bad | (uint8_t)~pointed);
    }
}

/* Up to eight characters with a point anywhere, or none. */
TN_INLINE void double_rows(const tn_csv_fields *f, double *out, uint8_t *odd, bool plain)
{
    const __m512d powers = _mm512_set_pd(1e7, 1e6, 1e5, 1e4, 1e3, 1e2, 1e1, 1);
    for (size_t row = 0; row < f->rows; row += 8) {
        const eight e = eight_fields(f, row, plain);
        const __m512i words = eight_words(&e, 0);
        const __mmask8 negative = negatives(&e, words, 0);
        const __m512i size = less_one(e.size, negative);
        /* The last point within the field; another one before it is no digit. */
        const __m512i held =
            _mm512_sllv_epi64(K(-1), _mm512_slli_epi64(_mm512_sub_epi64(K(8), size), 3));
        const __m512i points = _mm512_and_si512(
            held, _mm512_movm_epi8(_mm512_cmpeq_epi8_mask(words, _mm512_set1_epi8('.'))));
        const __m512i behind = _mm512_lzcnt_epi64(points); /* bits; 64 without a point */
        const __m512i below = _mm512_srlv_epi64(K(-1), _mm512_add_epi64(behind, K(8)));
        const __m512i digits =
            _mm512_or_si512(_mm512_slli_epi64(_mm512_and_si512(words, below), 8),
                            _mm512_andnot_si512(_mm512_srlv_epi64(K(-1), behind), words));
        __mmask8 bad;
        const __m512i value =
            convert_digits(digits, less_one(size, _mm512_test_epi64_mask(points, points)), &bad);
        /* Both are exact: rounded once.  A point behind 64 bits is one behind none. */
        const __m512d quotient = _mm512_div_pd(
            _mm512_cvtepi64_pd(value), _mm512_permutexvar_pd(_mm512_srli_epi64(behind, 3), powers));
        const __m512d sign = _mm512_castsi512_pd(_mm512_maskz_mov_epi64(negative, K(1ULL << 63)));
        _mm512_mask_storeu_pd(out + row, live_rows(f, row), _mm512_xor_pd(quotient, sign));
        odd[row / 8] = (uint8_t)(bad | _mm512_cmpgt_epu64_mask(size, K(8)));
    }
}

/* YYYY-MM-DD */
TN_INLINE void date_rows(const tn_csv_fields *f, int32_t *out, uint8_t *odd, bool plain)
{
    const __m512i hyphens = K(UINT64_C(0xff0000ff00000000));
    const __m512i months = K(UINT64_C(0x0000ffff00000000));
    for (size_t row = 0; row < f->rows; row += 8) {
        const eight e = eight_fields(f, row, plain);
#define DAY(i) (uint64_t) load16(e.text + e.end[i] - 2) << 48
        const __m512i day = EACH_OF(DAY);
#undef DAY
        const __m512i words = eight_words(&e, 2);
        const __m512i month = _mm512_and_si512(_mm512_srli_epi64(words, 8), months);
        const __m512i year = _mm512_and_si512(words, K(UINT32_MAX));
        __mmask8 bad;
        const __m256i days = convert_days(_mm512_or_si512(_mm512_or_si512(year, month), day), &bad);
        bad |= _mm512_cmpneq_epi64_mask(e.size, K(10)) |
               _mm512_cmpneq_epi64_mask(_mm512_and_si512(words, hyphens),
                                        K(UINT64_C(0x2d00002d00000000)));
        _mm256_mask_storeu_epi32(out + row, live_rows(f, row), days);
        odd[row / 8] = (uint8_t)bad;
    }
}
#undef K
#undef EACH_OF

#define READ(each, ...)                         \
    do {                                        \
        uint8_t bytes[TN_CSV_ROWS_MAX / 8 + 8]; \
        if (is_plain(f)) {                      \
            each(__VA_ARGS__, bytes, true);     \
        } else {                                \
            each(__VA_ARGS__, bytes, false);    \
        }                                       \
        finish_odd(bytes, f->rows, odd);        \
    } while (0)

static void read_integers(const tn_csv_fields *f, int64_t *out, uint64_t *odd)
{
    READ(integer_rows, f, out);
}

static void read_decimals(const tn_csv_fields *f, unsigned scale, int64_t *out, uint64_t *odd)
{
    READ(decimal_rows, f, scale, out);
}

static void read_doubles(const tn_csv_fields *f, double *out, uint64_t *odd)
{
    READ(double_rows, f, out);
}

static void read_dates(const tn_csv_fields *f, int32_t *out, uint64_t *odd)
{
    READ(date_rows, f, out);
}
#undef READ

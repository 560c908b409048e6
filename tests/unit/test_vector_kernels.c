/*
 * Every vector kernel of this CPU level against a plain loop: all lanes, columns and constants on
 * either side, selections of none, some and all rows, lengths 0 to 193, aligned and not.  A kernel
 * that stands in a table and was not run fails the test.  ctest runs this at each level.
 */
#include "base/bitmap.h"
#include "codec/bits.h"
#include "kernel/arithmetic_internal.h"
#include "kernel/compare.h"
#include "kernel/convert.h"
#include "kernel/csv.h"
#include "kernel/hash_column.h"
#include "kernel/lookup.h"
#include "kernel/sieve.h"
#include "kernel/sortkey.h"
#include "os/cpu.h"
#include "support/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { LENGTH = 193, ROOM = LENGTH + 64, WORDS = ROOM / 64 + 1, RAN_MOST = 4096 };

/* ---- what was run ---- */

typedef void any_fn(void);
static any_fn *ran[RAN_MOST];
static size_t ran_count;

static bool was_run(any_fn *kernel)
{
    for (size_t i = 0; i < ran_count; i++) {
        if (ran[i] == kernel) {
            return true;
        }
    }
    return false;
}

static void note(any_fn *kernel)
{
    if (!was_run(kernel) && ran_count < RAN_MOST) {
        ran[ran_count++] = kernel;
    }
}

/* Slots of a table, which holds nothing but pointers to functions, that nobody ran. */
static size_t not_run(const char *name, const void *table, size_t size)
{
    size_t missing = 0;
    for (size_t at = 0; at < size; at += sizeof(any_fn *)) {
        any_fn *kernel = NULL;
        memcpy(&kernel, (const char *)table + at, sizeof(kernel));
        if (kernel != NULL && !was_run(kernel)) {
            fprintf(stderr, "%s: slot %zu was not run\n", name, at / sizeof(any_fn *));
            missing++;
        }
    }
    return missing;
}

/* ---- values of any lane ---- */

typedef union cell {
    tn_i128 whole;
    double real;
} cell;

static bool is_float(tn_lane lane)
{
    return lane == TN_LANE_f32 || lane == TN_LANE_f64;
}

#define LANE_CASES(X) TN_LANES(X) X(i128, tn_i128)

static void store(tn_lane lane, void *values, size_t row, tn_i128 whole, double real)
{
    switch (lane) {
#define STORE(name, type)                                                  \
    case TN_LANE_##name:                                                   \
        ((type *)values)[row] = (type)0.5 != 0 ? (type)real : (type)whole; \
        break;
        LANE_CASES(STORE)
    default:
        break;
    }
}

static cell load(tn_lane lane, const void *values, size_t row)
{
    cell out = {.whole = 0};
    switch (lane) {
#define LOAD(name, type)                                      \
    case TN_LANE_##name:                                      \
        if ((type)0.5 != 0) {                                 \
            out.real = (double)((const type *)values)[row];   \
        } else {                                              \
            out.whole = (tn_i128)((const type *)values)[row]; \
        }                                                     \
        break;
        LANE_CASES(LOAD)
    default:
        break;
    }
    return out;
}

static void limits(tn_lane lane, tn_i128 *min, tn_i128 *max)
{
    const unsigned bits = (unsigned)tn_lane_size(lane) * 8;
    const bool is_unsigned = lane >= TN_LANE_u8 && lane <= TN_LANE_u64;
    const tn_u128 top = bits == 0 || bits > 128 ? 1 : (tn_u128)1 << (bits - 1);
    *min = is_unsigned ? 0 : (tn_i128)(0 - top);
    *max = is_unsigned ? (tn_i128)(2 * top - 1) : (tn_i128)(top - 1);
}

static bool fits(tn_lane lane, tn_i128 value)
{
    tn_i128 min = 0;
    tn_i128 max = 0;
    limits(lane, &min, &max);
    return value >= min && value <= max;
}

/* Values at the edges of the lane; `step` gives each operand a walk of its own. */
static void fill(tn_lane lane, void *values, size_t rows, size_t step)
{
    static const double reals[] = {0.0,  -0.0,  1.0,          -1.0,   0.5,  1.5,   2.5,
                                   -0.5, 127.5, -128.5,       300.25, 1e30, -1e30, 3.0,
                                   1e-3, 65535, 2147483647.0, -7,     9e18, 12.0};
    static const int64_t wholes[] = {0,  1,   2,   -1,    3,     7,      -8,         127, -128,
                                     99, 255, 300, 65535, 32767, -32768, 2147483647, 12,  5};
    tn_i128 min = 0;
    tn_i128 max = 0;
    if (!is_float(lane)) {
        limits(lane, &min, &max);
    }
    for (size_t row = 0; row < rows; row++) {
        const size_t k = row * step + row / 19;
        double real = reals[k % 20];
        real = k % 41 == 7 ? (double)NAN : k % 41 == 9 ? (double)INFINITY : real;
        real = k % 41 == 11 ? -(double)INFINITY : real;
        tn_i128 whole = wholes[k % 18];
        whole = !is_float(lane) && !fits(lane, whole) ? 4 : whole;
        whole = k % 29 == 3 ? min : k % 29 == 5 ? max : whole;
        store(lane, values, row, whole, real);
    }
}

/* -1, 0 or 1 in the order of order.h. */
static int order_of(tn_lane lane, cell a, cell b)
{
    if (!is_float(lane)) {
        return (a.whole > b.whole) - (a.whole < b.whole);
    }
    if (isnan(a.real) || isnan(b.real)) {
        return (isnan(a.real) != 0) - (isnan(b.real) != 0);
    }
    return (a.real > b.real) - (a.real < b.real);
}

/* Two operands, each a column that begins `shift` values into its memory, or 64 copies. */
typedef struct pair {
    tn_lane lane;
    _Alignas(64) char room[2][(ROOM + 8) * 16];
    _Alignas(64) char copies[2][TN_CONSTANT_COPIES * 16];
    const void *values[2];
    size_t mask[2];
} pair;

static void pair_init(pair *p, tn_lane lane)
{
    p->lane = lane;
    fill(lane, p->room[0], ROOM + 8, 7);
    fill(lane, p->room[1], ROOM + 8, 5);
}

/* shape: bit 0 the left is constant, bit 1 the right. */
static void pair_shape(pair *p, int shape, size_t shift, size_t which)
{
    const size_t width = tn_lane_size(p->lane);
    for (size_t k = 0; k < 2; k++) {
        const bool constant = (shape >> k & 1) != 0;
        for (size_t i = 0; i < TN_CONSTANT_COPIES; i++) {
            memcpy(p->copies[k] + i * width, p->room[k] + which * width, width);
        }
        p->values[k] = constant ? p->copies[k] : p->room[k] + shift * width;
        p->mask[k] = constant ? TN_MASK_CONSTANT : TN_MASK_COLUMN;
    }
}

static cell pair_at(const pair *p, size_t k, size_t row)
{
    return load(p->lane, p->values[k], row & p->mask[k]);
}

/* ---- comparisons ---- */

typedef enum selection_kind { SELECT_NONE, SELECT_SOME, SELECT_ALL, SELECTIONS } selection_kind;

static size_t select_rows(selection_kind kind, size_t rows, uint16_t *selection)
{
    size_t count = 0;
    for (size_t row = 0; row < rows && kind != SELECT_NONE; row++) {
        if (kind == SELECT_ALL || row * row % 7 < 3) {
            selection[count++] = (uint16_t)row;
        }
    }
    return count;
}

static bool bits_agree(const uint64_t *bits, const bool *want, size_t rows)
{
    for (size_t row = 0; row < (rows + 63) / 64 * 64; row++) {
        if ((bits[row / 64] >> row % 64 & 1) != (row < rows && want[row])) {
            return false;
        }
    }
    return true;
}

static bool at_agrees(tn_compare_at_fn *kernel, const pair *p, const bool *want, size_t rows)
{
    note((any_fn *)kernel);
    for (selection_kind kind = SELECT_NONE; kind < SELECTIONS; kind++) {
        uint16_t selection[ROOM];
        uint16_t out[ROOM];
        const size_t count = select_rows(kind, rows, selection);
        const uint32_t passed =
            kernel(p->values[0], p->mask[0], p->values[1], p->mask[1], selection, count, out);
        uint32_t expected = 0;
        for (size_t i = 0; i < count; i++) {
            if (want[selection[i]]) {
                if (expected >= passed || out[expected] != selection[i]) {
                    return false;
                }
                expected++;
            }
        }
        /* In place, as a filter calls it. */
        if (expected != passed || kernel(p->values[0], p->mask[0], p->values[1], p->mask[1],
                                         selection, count, selection) != expected) {
            return false;
        }
        if (memcmp(selection, out, expected * sizeof(*out)) != 0) {
            return false;
        }
    }
    return true;
}

static void run_comparisons(void)
{
    const tn_compare *table = tn_compare_table();
    pair p;
    for (tn_lane lane = 0; lane < TN_LANE_COUNT; lane++) {
        pair_init(&p, lane);
        tn_compare_fn *const all[] = {table->eq[lane], table->lt[lane], table->le[lane]};
        tn_compare_at_fn *const at[] = {table->at_eq[lane], table->at_ne[lane], table->at_lt[lane],
                                        table->at_le[lane]};
        for (size_t rows = 0; rows <= LENGTH; rows++) {
            for (int shape = 0; shape < 4; shape++) {
                bool want[4][ROOM];
                uint64_t bits[WORDS];
                pair_shape(&p, shape, rows % 4, rows % 37);
                for (size_t row = 0; row < rows; row++) {
                    const int order = order_of(lane, pair_at(&p, 0, row), pair_at(&p, 1, row));
                    want[0][row] = order == 0;
                    want[1][row] = order < 0;
                    want[2][row] = order <= 0;
                    want[3][row] = order != 0;
                }
                for (size_t k = 0; k < 3; k++) {
                    note((any_fn *)all[k]);
                    all[k](p.values[0], p.mask[0], p.values[1], p.mask[1], rows, bits);
                    CHECK(bits_agree(bits, want[k], rows));
                }
                CHECK(at_agrees(at[0], &p, want[0], rows));
                CHECK(at_agrees(at[1], &p, want[3], rows));
                CHECK(at_agrees(at[2], &p, want[1], rows));
                CHECK(at_agrees(at[3], &p, want[2], rows));
            }
        }
    }
}

/* ---- arithmetic ---- */

/* The exact result, false where the lane cannot hold it; *wrapped: what its low bits are. */
static bool exact(tn_arithmetic_op op, tn_lane lane, tn_i128 a, tn_i128 b, tn_i128 *wrapped)
{
    tn_i128 wide = 0;
    bool good = true;
    switch (op) {
    case TN_ARITHMETIC_ADD:
        good = !__builtin_add_overflow(a, b, &wide);
        *wrapped = (tn_i128)((tn_u128)a + (tn_u128)b);
        break;
    case TN_ARITHMETIC_SUBTRACT:
        good = !__builtin_sub_overflow(a, b, &wide);
        *wrapped = (tn_i128)((tn_u128)a - (tn_u128)b);
        break;
    case TN_ARITHMETIC_MULTIPLY:
        good = !__builtin_mul_overflow(a, b, &wide);
        *wrapped = (tn_i128)((tn_u128)a * (tn_u128)b);
        break;
    case TN_ARITHMETIC_DIVIDE:
    case TN_ARITHMETIC_REMAINDER:
        good = b != 0;
        if (good && b == -1) { /* the least by -1 has no quotient, but a remainder */
            good = op == TN_ARITHMETIC_REMAINDER || !__builtin_sub_overflow((tn_i128)0, a, &wide);
        } else if (good) {
            wide = op == TN_ARITHMETIC_DIVIDE ? a / b : a % b;
        }
        *wrapped = wide;
        break;
    case TN_ARITHMETIC_COUNT:
        break;
    }
    return good && fits(lane, wide);
}

static double real_of(tn_arithmetic_op op, double a, double b)
{
    return op == TN_ARITHMETIC_ADD        ? a + b
           : op == TN_ARITHMETIC_SUBTRACT ? a - b
           : op == TN_ARITHMETIC_MULTIPLY ? a * b
           : op == TN_ARITHMETIC_DIVIDE   ? a / b
                                          : fmod(a, b);
}

static bool plain_agrees(tn_arithmetic_fn *kernel, tn_arithmetic_op op, const pair *p, size_t rows)
{
    _Alignas(64) char out[ROOM * 16];
    const size_t width = tn_lane_size(p->lane);
    note((any_fn *)kernel);
    kernel(p->values[0], p->mask[0], p->values[1], p->mask[1], rows, out);
    for (size_t row = 0; row < rows; row++) {
        const cell a = pair_at(p, 0, row);
        const cell b = pair_at(p, 1, row);
        _Alignas(16) char want[16];
        tn_i128 wrapped = 0;
        if (is_float(p->lane)) {
            store(p->lane, want, 0, 0, real_of(op, a.real, b.real));
            const double left = load(p->lane, out, row).real;
            const double right = load(p->lane, want, 0).real;
            if (!test_same_f64(left, right)) {
                return false;
            }
            continue;
        }
        (void)exact(op, p->lane, a.whole, b.whole, &wrapped);
        if (memcmp(out + row * width, &wrapped, width) != 0) {
            return false;
        }
    }
    return true;
}

static bool checked_agrees(tn_arithmetic_checked_fn *kernel, tn_arithmetic_op op, const pair *p,
                           size_t rows)
{
    _Alignas(64) char out[ROOM * 16];
    uint64_t faults[WORDS];
    bool bad[ROOM];
    bool any = false;
    note((any_fn *)kernel);
    const bool said = kernel(p->values[0], p->mask[0], p->values[1], p->mask[1], rows, out, faults);
    for (size_t row = 0; row < rows; row++) {
        tn_i128 want = 0;
        bad[row] = !exact(op, p->lane, pair_at(p, 0, row).whole, pair_at(p, 1, row).whole, &want);
        any |= bad[row];
        if (!bad[row] && load(p->lane, out, row).whole != want) {
            return false;
        }
    }
    return said == any && bits_agree(faults, bad, rows);
}

static void run_arithmetic(void)
{
    pair p;
    for (tn_lane lane = 0; lane < TN_LANE_ALL; lane++) {
        pair_init(&p, lane);
        for (int op = 0; op < TN_ARITHMETIC_COUNT; op++) {
            tn_arithmetic_fn *plain = tn_arithmetic_plain((tn_arithmetic_op)op, lane);
            tn_arithmetic_checked_fn *checked = tn_arithmetic_checked((tn_arithmetic_op)op, lane);
            for (size_t rows = 0; rows <= LENGTH && (plain != NULL || checked != NULL); rows++) {
                for (int shape = 0; shape < 4; shape++) {
                    pair_shape(&p, shape, rows % 4, rows % 37);
                    CHECK(plain == NULL || plain_agrees(plain, (tn_arithmetic_op)op, &p, rows));
                    CHECK(checked == NULL ||
                          checked_agrees(checked, (tn_arithmetic_op)op, &p, rows));
                }
            }
        }
    }
}

#define ISA(level) extern const tn_arithmetic_isa tn_arithmetic_isa_##level;
TN_CPU_LEVELS(ISA)

static void run_ranges(void)
{
    int64_t values[ROOM];
#define ISA_TABLE(level) &tn_arithmetic_isa_##level,
    static const tn_arithmetic_isa *const tables[] = {TN_CPU_LEVELS(ISA_TABLE)};
    const tn_arithmetic_isa *table = tables[tn_cpu_level()];
    fill(TN_LANE_i64, values, ROOM, 11);
    note((any_fn *)table->range_i64);
    for (size_t shift = 0; shift < 8; shift++) {
        for (size_t rows = 1; rows <= LENGTH; rows++) {
            int64_t min = 0;
            int64_t max = 0;
            int64_t least = INT64_MAX;
            int64_t most = INT64_MIN;
            for (size_t row = 0; row < rows; row++) {
                least = values[shift + row] < least ? values[shift + row] : least;
                most = values[shift + row] > most ? values[shift + row] : most;
            }
            tn_range_i64(values + shift, rows, &min, &max);
            CHECK_EQ(min, least);
            CHECK_EQ(max, most);
        }
    }
    CHECK_EQ(not_run("arithmetic", table, sizeof(*table)), 0);
}

/* ---- conversions ---- */

/* What `from` is in `to`; false where that lane cannot hold it. */
static bool converted(tn_lane from, cell value, tn_lane to, cell *out)
{
    if (!is_float(from)) {
        if (to == TN_LANE_f32) {
            out->real = (double)(float)value.whole;
        } else if (to == TN_LANE_f64) {
            out->real = (double)value.whole;
        } else {
            out->whole = value.whole;
            return fits(to, value.whole);
        }
        return true;
    }
    if (is_float(to)) {
        out->real = to == TN_LANE_f32 ? (double)(float)value.real : value.real;
        return isfinite(out->real) || !isfinite(value.real);
    }
    const double rounded = rint(value.real);
    if (!(rounded > -0x1p126 && rounded < 0x1p126)) {
        return false;
    }
    out->whole = (tn_i128)rounded;
    return fits(to, out->whole);
}

static bool same_cell(tn_lane lane, cell a, cell b)
{
    return is_float(lane) ? test_same_f64(a.real, b.real) : a.whole == b.whole;
}

static void run_conversion(tn_lane from, tn_lane to)
{
    _Alignas(64) char in[(ROOM + 8) * 16];
    _Alignas(64) char safe[(ROOM + 8) * 16];
    _Alignas(64) char out[ROOM * 16];
    tn_convert_fn *plain = tn_convert_plain(from, to);
    tn_convert_checked_fn *checked = tn_convert_checked(from, to);
    const size_t width = tn_lane_size(from);
    cell ignored = {.whole = 0};
    if (plain == NULL && checked == NULL) {
        return;
    }
    CHECK(plain != NULL && checked != NULL);
    note((any_fn *)plain);
    note((any_fn *)checked);
    fill(from, in, ROOM + 8, 7);
    /* A plain conversion is asked only for what fits. */
    for (size_t row = 0; row < ROOM + 8; row++) {
        const bool good = converted(from, load(from, in, row), to, &ignored);
        if (good) {
            memcpy(safe + row * width, in + row * width, width);
        } else {
            store(from, safe, row, 3, 3.0);
        }
    }
    for (size_t rows = 0; rows <= LENGTH; rows++) {
        const size_t shift = rows % 4;
        uint64_t faults[WORDS];
        bool bad[ROOM];
        bool any = false;
        const bool said = checked(in + shift * width, rows, out, faults);
        for (size_t row = 0; row < rows; row++) {
            cell want = {.whole = 0};
            bad[row] = !converted(from, load(from, in, shift + row), to, &want);
            any |= bad[row];
            CHECK(bad[row] || same_cell(to, load(to, out, row), want));
        }
        CHECK_EQ(said, any);
        CHECK(bits_agree(faults, bad, rows));
        plain(safe + shift * width, rows, out);
        for (size_t row = 0; row < rows; row++) {
            cell want = {.whole = 0};
            (void)converted(from, load(from, safe, shift + row), to, &want);
            if (is_float(from) && !is_float(to)) { /* C's cast: towards zero */
                want.whole = (tn_i128)load(from, safe, shift + row).real;
                cell rounded = {.whole = 0};
                (void)converted(from, load(from, safe, shift + row), to, &rounded);
                CHECK(same_cell(to, load(to, out, row), want) ||
                      same_cell(to, load(to, out, row), rounded));
                continue;
            }
            CHECK(same_cell(to, load(to, out, row), want));
        }
    }
}

/* The two pairs that no table of cells holds. */
static void run_wide_conversions(void)
{
    tn_i128 narrow[ROOM];
    tn_i256 wide[ROOM];
    tn_i128 back[ROOM];
    uint64_t faults[WORDS];
    fill(TN_LANE_i128, narrow, ROOM, 7);
    tn_convert_fn *widen = tn_convert_plain(TN_LANE_i128, TN_LANE_i256);
    tn_convert_checked_fn *cut = tn_convert_checked(TN_LANE_i256, TN_LANE_i128);
    note((any_fn *)widen);
    note((any_fn *)cut);
    for (size_t rows = 0; rows <= LENGTH; rows++) {
        bool bad[ROOM];
        widen(narrow, rows, wide);
        for (size_t row = 0; row < rows; row++) {
            const uint64_t sign = narrow[row] < 0 ? UINT64_MAX : 0;
            CHECK_U64(wide[row].words[0], (uint64_t)narrow[row]);
            CHECK_U64(wide[row].words[1], (uint64_t)(narrow[row] >> 64));
            CHECK(wide[row].words[2] == sign && wide[row].words[3] == sign);
            bad[row] = row % 5 == 3;
            wide[row].words[2 + row % 2] ^= bad[row] ? UINT64_C(1) << row % 64 : 0;
        }
        CHECK_EQ(cut(wide, rows, back, faults), rows > 3);
        CHECK(bits_agree(faults, bad, rows));
        for (size_t row = 0; row < rows; row++) {
            CHECK(bad[row] || back[row] == narrow[row]);
        }
    }
}

static void run_conversions(void)
{
    for (tn_lane from = 0; from < TN_LANE_ALL; from++) {
        for (tn_lane to = 0; to < TN_LANE_ALL; to++) {
            if (from != TN_LANE_i256 && to != TN_LANE_i256) {
                run_conversion(from, to);
            }
        }
    }
    run_wide_conversions();
}

/* All that the accessors answer. */
static size_t accessors_not_run(void)
{
    size_t missing = 0;
    for (tn_lane lane = 0; lane < TN_LANE_ALL; lane++) {
        for (int op = 0; op < TN_ARITHMETIC_COUNT; op++) {
            any_fn *const both[] = {(any_fn *)tn_arithmetic_plain((tn_arithmetic_op)op, lane),
                                    (any_fn *)tn_arithmetic_checked((tn_arithmetic_op)op, lane)};
            missing += not_run("arithmetic by accessor", both, sizeof(both));
        }
        for (tn_lane to = 0; to < TN_LANE_ALL; to++) {
            any_fn *const both[] = {(any_fn *)tn_convert_plain(lane, to),
                                    (any_fn *)tn_convert_checked(lane, to)};
            missing += not_run("conversion by accessor", both, sizeof(both));
        }
    }
    return missing;
}

/* ---- bits and selections ---- */

static void run_bits(void)
{
    for (size_t rows = 0; rows <= LENGTH; rows++) {
        uint64_t bits[WORDS] = {0};
        uint64_t back[WORDS] = {0};
        uint16_t selection[ROOM + 8];
        uint16_t out[ROOM + 8];
        for (int density = 0; density < 3; density++) {
            uint32_t count = 0;
            memset(bits, 0, sizeof(bits));
            memset(back, 0, sizeof(back));
            for (size_t i = 0; i < ROOM; i++) {
                if (density == 2 || (density == 1 && i * i % 7 < 3)) {
                    tn_bit_set(bits, i);
                    count += i < rows;
                }
            }
            CHECK_EQ(tn_bits_to_selection(bits, rows, selection), count);
            tn_bits_of_selection(selection, count, back);
            for (size_t i = 0; i < ROOM; i++) {
                CHECK_EQ(tn_bit_get(back, i), i < rows && tn_bit_get(bits, i));
            }
            for (selection_kind kind = SELECT_NONE; kind < SELECTIONS; kind++) {
                const size_t chosen = select_rows(kind, rows, selection);
                const uint32_t kept = tn_bits_filter(bits, selection, chosen, out);
                uint32_t want = 0;
                for (size_t i = 0; i < chosen; i++) {
                    if (tn_bit_get(bits, selection[i])) {
                        CHECK_EQ(out[want], selection[i]);
                        want++;
                    }
                }
                CHECK_EQ(kept, want);
            }
        }
    }
}

/* ---- packed integers ---- */

static uint64_t packed_at(const uint8_t *from, size_t first, unsigned width)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++) {
        value |= (uint64_t)((from[(first + i) / 8] >> ((first + i) % 8)) & 1) << i;
    }
    return value;
}

static void run_packed(const tn_bits *table, unsigned width, size_t count)
{
    uint8_t from[LENGTH * 8 + 16];
    uint8_t packed[3][LENGTH * 8 + 32];
    uint64_t wide[ROOM];
    uint32_t middle[ROOM];
    uint16_t narrow[ROOM];
    const size_t size = tn_packed_size(count, width);
    for (size_t i = 0; i < sizeof(from); i++) {
        from[i] = (uint8_t)(i * 151 + 17 + width + (i >> 3) * 29);
    }
    const bool has_middle = width <= 32;
    table->unpack_u64(from, size, width, count, wide);
    table->pack_u64(wide, width, count, packed[0]);
    if (has_middle) {
        table->unpack_u32(from, size, width, count, middle);
        table->unpack_u16(from, size, width, count, narrow);
        table->pack_u32(middle, width, count, packed[1]);
    }
    if (width <= 16) {
        table->pack_u16(narrow, width, count, packed[2]);
    }
    for (size_t i = 0; i < count; i++) {
        const uint64_t want = packed_at(from, i * width, width);
        CHECK_U64(wide[i], want);
        CHECK_U64(packed_at(packed[0], i * width, width), want);
        CHECK(!has_middle || (middle[i] == (uint32_t)want && narrow[i] == (uint16_t)want));
        CHECK(!has_middle || packed_at(packed[1], i * width, width) == want);
        CHECK(width > 16 || packed_at(packed[2], i * width, width) == want);
    }
}

static void run_streams(const tn_bits *table, size_t count)
{
    uint8_t from[LENGTH * 8];
    uint8_t split[LENGTH * 8 + 8];
    uint8_t back[LENGTH * 8];
    for (size_t i = 0; i < sizeof(from); i++) {
        from[i] = (uint8_t)(i * 37 + (i >> 8));
    }
    for (size_t width = 4; width <= 8; width += 4) {
        (width == 4 ? table->split_4 : table->split_8)(from, count, count, split);
        (width == 4 ? table->join_4 : table->join_8)(split, count, count, back);
        for (size_t i = 0; i < count; i++) {
            for (size_t k = 0; k < width; k++) {
                CHECK_EQ(split[k * count + i], from[i * width + k]);
            }
        }
        CHECK(memcmp(from, back, count * width) == 0);
    }
}

static void run_most(const tn_bits *table, size_t count)
{
    uint16_t narrow[LENGTH + 1];
    uint32_t wide[LENGTH + 1];
    for (size_t at = 0; at < count; at++) { /* the most at each place */
        for (size_t i = 0; i <= count; i++) {
            narrow[i] = (uint16_t)(i == count || i == at ? 65535 - (i == at) : i * 37);
            wide[i] = i == count || i == at ? UINT32_MAX - (i == at) : (uint32_t)i * 77777;
        }
        CHECK_EQ(table->most_u16(narrow, count), 65534);
        CHECK_EQ(table->most_u32(wide, count), UINT32_MAX - 1);
    }
    CHECK(table->most_u16(narrow, 0) == 0 && table->most_u32(wide, 0) == 0);
}

static uint32_t plain_crc32c(uint32_t crc, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ ((crc & 1) != 0 ? UINT32_C(0x82f63b78) : 0);
        }
    }
    return crc;
}

static void run_codec(void)
{
    const tn_bits *table = tn_bits_table();
    uint8_t text[LENGTH + 8];
    any_fn *const all[] = {
        (any_fn *)table->unpack_u16, (any_fn *)table->unpack_u32, (any_fn *)table->unpack_u64,
        (any_fn *)table->pack_u16,   (any_fn *)table->pack_u32,   (any_fn *)table->pack_u64,
        (any_fn *)table->join_4,     (any_fn *)table->join_8,     (any_fn *)table->split_4,
        (any_fn *)table->split_8,    (any_fn *)table->crc32c,     (any_fn *)table->most_u16,
        (any_fn *)table->most_u32};
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (uint8_t)(i * 91 + 3);
    }
    for (size_t count = 0; count <= LENGTH; count++) {
        for (unsigned width = 0; width <= 64; width++) {
            run_packed(table, width, count);
        }
        run_streams(table, count);
        run_most(table, count);
        CHECK_U64(table->crc32c(7, text + count % 8, count),
                  plain_crc32c(7, text + count % 8, count));
    }
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        note(all[i]);
    }
    CHECK_EQ(not_run("bits", table, sizeof(*table)), 0);
}

/* ---- delimited text ---- */

enum { CSV_FIELD = 24 };

typedef struct csv_case {
    char room[TN_BLOCK_PADDING + LENGTH * CSV_FIELD + TN_BLOCK_PADDING];
    uint32_t ends[LENGTH * CSV_FIELD + TN_CSV_ENDS_SLACK + 1]; /* one before the first */
    char field[LENGTH][CSV_FIELD];
    tn_csv_fields fields;
} csv_case;

/* A column of one field a line; made by `make`, indexed by the kernel itself. */
static void csv_make(csv_case *c, size_t rows, const char *(*make)(size_t row))
{
    const tn_csv_kernels *table = tn_csv_kernels_table();
    char *text = c->room + TN_BLOCK_PADDING;
    size_t size = 0;
    memset(c->room, ' ', sizeof(c->room));
    for (size_t row = 0; row < rows; row++) {
        snprintf(c->field[row], CSV_FIELD, "%s", make(row));
        size += (size_t)snprintf(text + size, CSV_FIELD, "%s\n", c->field[row]);
        text[size] = ' ';
    }
    tn_csv_scan scan = {.delimiter = ',', .quote = '\n', .newline = '\n'};
    const size_t found = table->index(text, size, c->ends + 1, &scan);
    c->ends[0] = UINT32_MAX;
    c->fields =
        (tn_csv_fields){.text = text, .end = c->ends + 1, .stride = 1, .rows = rows, .quote = 0};
    if (found != rows || scan.records != rows || scan.newlines != rows || scan.quotes || scan.odd) {
        test_fail(__FILE__, __LINE__, "%zu of %zu lines are found", found, rows);
    }
    size_t at = 0;
    for (size_t row = 0; row < rows; row++) {
        at += strlen(c->field[row]);
        if (c->ends[row + 1] != at) {
            test_fail(__FILE__, __LINE__, "line %zu ends at %u, not %zu", row, c->ends[row + 1],
                      at);
        }
        at++;
    }
}

static const char *make_integer(size_t row)
{
    static const char *const list[] = {"0",      "7",          "-1",         "42",
                                       "100000", "2147483647", "-987654321", "12345678901234"};
    return list[row * 5 % 8];
}
static const char *make_decimal(size_t row)
{
    static const char *const list[] = {"0.00", "7.25", "-1.50", "42.00", "100000.99", "-0.01"};
    return list[row * 5 % 6];
}
static const char *make_double(size_t row)
{
    static const char *const list[] = {"0.5", "7.25", "-1.5", "42", "100000.125", "-0.25", "1e10"};
    return list[row * 5 % 7];
}
static const char *make_date(size_t row)
{
    static const char *const list[] = {"1970-01-01", "2001-02-03", "1969-12-31", "2024-02-29",
                                       "0001-01-01", "2023-02-29", "2000-13-01"};
    return list[row * 5 % 7];
}
static const char *make_text(size_t row)
{
    static const char *const list[] = {"a",   "abc", "twelve bytes", "thirteen byte", "longer text",
                                       "x y", "zz"};
    return list[row * 5 % 7];
}

/* A plain field must be taken; one that is taken must be right. */
static void run_csv_values(csv_case *c, size_t rows)
{
    const tn_csv_kernels *table = tn_csv_kernels_table();
    static const int32_t days[] = {0, 11356, -1, 19782, -719162};
    int64_t wholes[ROOM];
    double reals[ROOM];
    int32_t dates[ROOM];
    tn_view views[ROOM];
    uint64_t odd[WORDS];
    csv_make(c, rows, make_integer);
    table->integers(&c->fields, wholes, odd);
    for (size_t row = 0; row < rows; row++) {
        CHECK(tn_bit_get(odd, row) || wholes[row] == strtoll(c->field[row], NULL, 10));
        CHECK(!tn_bit_get(odd, row) || row * 5 % 8 >= 2);
    }
    csv_make(c, rows, make_decimal);
    table->decimals(&c->fields, 2, wholes, odd);
    for (size_t row = 0; row < rows; row++) {
        CHECK(tn_bit_get(odd, row) || wholes[row] == llrint(strtod(c->field[row], NULL) * 100));
        CHECK(!tn_bit_get(odd, row) || row * 5 % 6 >= 2);
    }
    csv_make(c, rows, make_double);
    table->doubles(&c->fields, reals, odd);
    for (size_t row = 0; row < rows; row++) {
        CHECK(tn_bit_get(odd, row) || test_same_f64(reals[row], strtod(c->field[row], NULL)));
        CHECK(!tn_bit_get(odd, row) || row * 5 % 7 >= 2);
    }
    csv_make(c, rows, make_date);
    table->dates(&c->fields, dates, odd);
    for (size_t row = 0; row < rows; row++) {
        const size_t k = row * 5 % 7;
        CHECK(tn_bit_get(odd, row) || (k < 5 && dates[row] == days[k]));
        CHECK(!tn_bit_get(odd, row) || k >= 3); /* month ends are left to the caller */
    }
    csv_make(c, rows, make_text);
    table->views(&c->fields, views, odd);
    for (size_t row = 0; row < rows; row++) {
        const tn_str got = tn_view_str(&views[row]);
        CHECK(!tn_bit_get(odd, row));
        CHECK(got.size == strlen(c->field[row]) && memcmp(got.data, c->field[row], got.size) == 0);
    }
}

static void run_csv_bytes(const tn_csv_kernels *table, size_t size)
{
    char room[ROOM + 3 * TN_BLOCK_PADDING];
    char *text = room + TN_BLOCK_PADDING;
    memset(room, 'a', sizeof(room));
    size_t want = 0;
    for (size_t i = 0; i < size; i++) {
        text[i] = i % 5 == 3 ? ',' : (char)('b' + i % 20);
        want += text[i] == ',';
    }
    CHECK_EQ(table->count(text, size, ','), want);
    CHECK(table->utf8(text, size));
    for (size_t i = 0; i + 1 < size; i++) {
        const char before = text[i];
        const char behind = text[i + 1];
        text[i] = (char)0xc5;
        CHECK(!table->utf8(text, size));
        text[i + 1] = (char)0xbe;
        CHECK(table->utf8(text, size));
        text[i] = before;
        CHECK(!table->utf8(text, size));
        text[i + 1] = behind;
    }
}

static void run_csv(void)
{
    const tn_csv_kernels *table = tn_csv_kernels_table();
    csv_case *c = malloc(sizeof(*c));
    any_fn *const all[] = {(any_fn *)table->index,    (any_fn *)table->count,
                           (any_fn *)table->utf8,     (any_fn *)table->integers,
                           (any_fn *)table->decimals, (any_fn *)table->doubles,
                           (any_fn *)table->dates,    (any_fn *)table->views};
    for (size_t rows = 0; rows <= LENGTH; rows++) {
        run_csv_values(c, rows);
        run_csv_bytes(table, rows);
    }
    free(c);
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        note(all[i]);
    }
    CHECK_EQ(not_run("csv", table, sizeof(*table)), 0);
}

/* ---- hashes and sort keys ---- */

/* A row hashes and sorts as it does alone; equal values equally, keys in the type's order. */
static void run_keys_of(const tn_type *type)
{
    _Alignas(64) char values[(ROOM + 8) * 16];
    uint64_t hashes[ROOM];
    const size_t width = tn_lane_size(type->lane);
    fill(type->lane, values, ROOM + 8, 7);
    for (size_t rows = 0; rows <= LENGTH; rows++) {
        const char *from = values + rows % 4 * width;
        tn_column column = {.type = type,
                            .lane = (uint8_t)type->lane,
                            .encoding = TN_FLAT,
                            .rows = (uint32_t)rows,
                            .values = from};
        tn_hash_column(&column, (uint32_t)rows, false, hashes);
        for (size_t row = 0; row < rows; row++) {
            uint64_t alone = 0;
            const tn_column one = {.type = type,
                                   .lane = (uint8_t)type->lane,
                                   .encoding = TN_FLAT,
                                   .rows = 1,
                                   .values = from + row * width};
            tn_hash_column(&one, 1, false, &alone);
            CHECK_U64(hashes[row], alone);
            if (row == 0) {
                continue;
            }
            uint8_t keys[2][16];
            tn_sortkey_scalar(&column, row - 1, keys[0]);
            tn_sortkey_scalar(&column, row, keys[1]);
            const int order =
                order_of(type->lane, load(type->lane, from, row - 1), load(type->lane, from, row));
            const int said = memcmp(keys[0], keys[1], tn_sortkey_size(type));
            CHECK_EQ((said > 0) - (said < 0), order);
            CHECK(order != 0 || hashes[row] == hashes[row - 1]);
        }
    }
}

static void run_keys(void)
{
    const tn_type *const types[] = {TN_TINYINT,   TN_SMALLINT, TN_INTEGER, TN_BIGINT, TN_UTINYINT,
                                    TN_USMALLINT, TN_UINTEGER, TN_UBIGINT, TN_REAL,   TN_DOUBLE};
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        run_keys_of(types[i]);
    }
}

/* ---- the sieve ---- */

enum { SIEVE_TEXTS = 300, SIEVE_LONG = 150 };

/* Do both bytes stand as far apart as in the piece, somewhere? */
static bool has_pair(const tn_sieve *sieve, size_t piece, const char *text, size_t size)
{
    const size_t gap = sieve->pieces[piece].gap;
    for (size_t at = 0; at + gap < size; at++) {
        if (text[at] == sieve->pieces[piece].first && text[at + gap] == sieve->pieces[piece].last) {
            return true;
        }
    }
    return false;
}

static void check_sieve(const tn_sieve *sieve, const tn_view *views, const uint16_t *rows,
                        uint32_t count)
{
    uint16_t out[SIEVE_TEXTS];
    uint32_t next = 0;
    const uint32_t kept = tn_sieve_kernel()(sieve, views, UINT32_MAX, rows, count, out);
    for (uint32_t i = 0; i < count; i++) {
        const uint16_t row = rows == NULL ? (uint16_t)i : rows[i];
        const tn_str text = tn_view_str(&views[row]);
        const bool may =
            has_pair(sieve, 0, text.data, text.size) && has_pair(sieve, 1, text.data, text.size);
        const bool stays = next < kept && out[next] == row;
        next += stays;
        CHECK(stays || !may);
        CHECK(!stays || may || text.size < 32 || text.size > 64);
    }
    CHECK_EQ(next, kept);
}

/* Texts of all lengths in blocks of their own, so that a read past either end is seen by ASan. */
TEST(the_sieve_drops_no_text_that_holds_the_pieces)
{
    static char *blocks[SIEVE_TEXTS];
    static tn_view views[SIEVE_TEXTS];
    uint16_t odd[SIEVE_TEXTS / 2];
    uint64_t state = 5;
    (void)pool;
    for (size_t i = 0; i < SIEVE_TEXTS; i++) {
        const size_t size = i % SIEVE_LONG;
        blocks[i] = malloc(size + 1);
        CHECK(blocks[i] != NULL);
        for (size_t b = 0; b < size; b++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            blocks[i][b + 1] = (char)('a' + (state >> 40) % (i < SIEVE_LONG ? 4 : 12));
        }
        views[i] = tn_view_of(blocks[i] + 1, size);
        odd[i / 2] = (uint16_t)(i / 2 * 2 + 1);
    }
    for (uint8_t gap = 0; gap < TN_SIEVE_SIZE_MAX; gap++) {
        const tn_sieve sieve = {
            {{'a', gap == 0 ? 'a' : 'b', gap}, {'c', gap % 3 == 0 ? 'c' : 'd', gap / 3}}};
        check_sieve(&sieve, views, NULL, SIEVE_TEXTS);
        check_sieve(&sieve, views, odd, SIEVE_TEXTS / 2);
        check_sieve(&sieve, views, odd, gap % 3);
    }
    /* A constant: one text for all rows. */
    const tn_sieve one = {{{'z', 'z', 0}, {'z', 'z', 0}}};
    const tn_view same = tn_view_of("azb", 3);
    uint16_t out[7];
    CHECK_EQ(tn_sieve_kernel()(&one, &same, 0, NULL, 7, out), 7);
    for (size_t i = 0; i < SIEVE_TEXTS; i++) {
        free(blocks[i]);
    }
}

TEST(every_vector_kernel_agrees_with_its_plain_loop)
{
    (void)pool;
    ran_count = 0;
    run_comparisons();
    run_arithmetic();
    run_ranges();
    run_conversions();
    run_bits();
    run_codec();
    run_csv();
    run_keys();
    CHECK_EQ(not_run("compare", tn_compare_table(), sizeof(tn_compare)), 0);
    CHECK_EQ(accessors_not_run(), 0);
    CHECK(ran_count > 250 && ran_count < RAN_MOST);
}

/* ---- arrays by key ---- */

enum { LOOKUP_RANGE = 21 };

static void check_positions(tn_lane lane, size_t step, tn_i128 min)
{
    _Alignas(64) char keys[(ROOM + 8) * 8];
    uint32_t at[ROOM];
    fill(lane, keys, ROOM + 8, step);
    for (size_t count = 0; count <= LENGTH; count++) {
        bool missed = false;
        const char *from = keys + count % 4 * tn_lane_size(lane);
        const bool said = tn_lookup_positions(lane, from, count, (uint64_t)min, LOOKUP_RANGE, at);
        for (size_t i = 0; i < count; i++) {
            const tn_i128 key = load(lane, from, i).whole;
            const bool hits = key >= min && key < min + LOOKUP_RANGE;
            CHECK_U64(at[i], hits ? (uint64_t)(key - min) : LOOKUP_RANGE);
            missed = missed || !hits;
        }
        CHECK_EQ(said, missed);
    }
}

TEST(lookup_positions_of_every_lane)
{
    for (tn_lane lane = TN_LANE_i8; lane < TN_LANE_f32; lane++) {
        tn_i128 min = 0;
        tn_i128 max = 0;
        limits(lane, &min, &max);
        for (size_t step = 1; step < 8; step += 3) {
            check_positions(lane, step, 0);
            check_positions(lane, step, 2);
            check_positions(lane, step, min);
            check_positions(lane, step, max - LOOKUP_RANGE + 1);
        }
    }
}

TEST(lookup_gathers_entries_and_bits_to_any_rows)
{
    enum { ENTRIES = 50 };
    char table[ENTRIES * 32];
    uint8_t bytes[ENTRIES];
    char values[ROOM * 2 * 32];
    uint32_t at[ROOM];
    uint16_t positions[ROOM];
    uint64_t bits[WORDS * 2];
    for (size_t i = 0; i < sizeof(table); i++) {
        table[i] = (char)(i * 7 + i / 256);
    }
    for (size_t i = 0; i < ENTRIES; i++) {
        bytes[i] = i % 3 == 1;
    }
    for (size_t i = 0; i < ROOM; i++) {
        at[i] = (uint32_t)(i * 11 % ENTRIES);
        positions[i] = (uint16_t)(2 * i + i % 2);
    }
    for (size_t count = 0; count <= LENGTH; count++) {
        for (int spread = 0; spread < 2; spread++) {
            const uint16_t *to = spread == 0 ? NULL : positions;
            for (size_t width = 1; width <= 32; width *= 2) {
                memset(values, 0x55, sizeof(values));
                tn_lookup_gather(width, table, at, count, to, values);
                for (size_t i = 0; i < count; i++) {
                    const size_t row = spread == 0 ? i : positions[i];
                    CHECK(memcmp(values + row * width, table + at[i] * width, width) == 0);
                }
            }
            for (uint8_t flip = 0; flip < 2; flip++) {
                memset(bits, 0xff, sizeof(bits));
                tn_lookup_bits(bytes, flip, at, count, to, bits);
                for (size_t i = 0; i < count; i++) {
                    CHECK_EQ(tn_bit_get(bits, spread == 0 ? i : positions[i]),
                             bytes[at[i]] != flip);
                }
                CHECK(spread != 0 || tn_bit_get(bits, count));
            }
        }
    }
}

TEST(lookup_keeps_the_rows_whose_entry_is_present)
{
    uint8_t present[30];
    uint32_t at[LENGTH];
    uint16_t rows[LENGTH];
    uint16_t out[LENGTH];
    for (size_t i = 0; i < sizeof(present); i++) {
        present[i] = i % 4 != 2;
    }
    for (uint32_t count = 0; count <= LENGTH; count++) {
        for (int selected = 0; selected < 2; selected++) {
            uint32_t kept = 0;
            for (uint32_t i = 0; i < count; i++) {
                at[i] = i * 13 % 30;
                rows[i] = (uint16_t)(3 * i);
            }
            const uint32_t said =
                tn_lookup_present(present, at, selected == 0 ? NULL : rows, count, out);
            for (uint32_t i = 0; i < count; i++) {
                if (present[i * 13 % 30] != 0) {
                    CHECK_EQ(out[kept], selected == 0 ? i : 3 * i);
                    CHECK_U64(at[kept], i * 13 % 30);
                    kept++;
                }
            }
            CHECK_U64(said, kept);
        }
    }
}

TEST(a_kernel_that_nobody_ran_is_told)
{
    (void)pool;
    ran_count = 0;
    any_fn *const table[] = {(any_fn *)tn_range_i64, NULL};
    CHECK_EQ(not_run("(expected:) a table", table, sizeof(table)), 1);
    note((any_fn *)tn_range_i64);
    CHECK_EQ(not_run("a table", table, sizeof(table)), 0);
}

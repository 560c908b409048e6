/* Arithmetic and functions of numbers. */
#include "base/hash.h"
#include "expr/expr_internal.h"
#include "expr/time_internal.h"
#include "kernel/arithmetic.h"
#include "kernel/operand.h"

#include <math.h>

/* ---- functions of one double ---- */

/* `bad` says which arguments have no value: an error, as PostgreSQL has it. */
#define REAL_FUNCTION(name, bad, value)                         \
    static tarn_code run_##name(tn_call *call, tarn_error *err) \
    {                                                           \
        (void)err;                                              \
        TN_EACH (call, row) {                                   \
            const double x = TN_IN(call, 0, double, row);       \
            TN_OUT(call, double, row) = (value);                \
            if (bad) {                                          \
                tn_call_fault(call, row);                       \
            }                                                   \
        }                                                       \
        return TARN_OK;                                         \
    }
REAL_FUNCTION(floor, false, floor(x))
REAL_FUNCTION(ceil, false, ceil(x))
REAL_FUNCTION(trunc, false, trunc(x))
REAL_FUNCTION(round, false, round(x))
REAL_FUNCTION(abs, false, fabs(x))
REAL_FUNCTION(sign, false, x > 0 ? 1 : x < 0 ? -1 : x)
REAL_FUNCTION(sqrt, x < 0, sqrt(x))
REAL_FUNCTION(cbrt, false, cbrt(x))
REAL_FUNCTION(exp, false, exp(x))
REAL_FUNCTION(ln, x <= 0, log(x))
REAL_FUNCTION(log10, x <= 0, log10(x))
REAL_FUNCTION(log2, x <= 0, log2(x))
REAL_FUNCTION(sin, false, sin(x))
REAL_FUNCTION(cos, false, cos(x))
REAL_FUNCTION(tan, false, tan(x))
REAL_FUNCTION(cot, x == 0, 1 / tan(x))
REAL_FUNCTION(asin, x<-1 || x> 1, asin(x))
REAL_FUNCTION(acos, x<-1 || x> 1, acos(x))
REAL_FUNCTION(atan, false, atan(x))
REAL_FUNCTION(sinh, false, sinh(x))
REAL_FUNCTION(cosh, false, cosh(x))
REAL_FUNCTION(tanh, false, tanh(x))
REAL_FUNCTION(degrees, false, x *(180 / 3.14159265358979323846))
REAL_FUNCTION(radians, false, x *(3.14159265358979323846 / 180))

#define REAL_TEST(name, value)                                  \
    static tarn_code run_##name(tn_call *call, tarn_error *err) \
    {                                                           \
        (void)err;                                              \
        TN_EACH (call, row) {                                   \
            const double x = TN_IN(call, 0, double, row);       \
            tn_call_put_bool(call, row, (value));               \
        }                                                       \
        return TARN_OK;                                         \
    }
REAL_TEST(isnan, x != x)
REAL_TEST(isinf, isinf(x))
REAL_TEST(isfinite, isfinite(x))

#define REAL_FUNCTION_2(name, bad, value)                       \
    static tarn_code run_##name(tn_call *call, tarn_error *err) \
    {                                                           \
        (void)err;                                              \
        TN_EACH (call, row) {                                   \
            const double x = TN_IN(call, 0, double, row);       \
            const double y = TN_IN(call, 1, double, row);       \
            TN_OUT(call, double, row) = (value);                \
            if (bad) {                                          \
                tn_call_fault(call, row);                       \
            }                                                   \
        }                                                       \
        return TARN_OK;                                         \
    }
REAL_FUNCTION_2(power, (x == 0 && y < 0) || (x < 0 && y != trunc(y)), pow(x, y))
REAL_FUNCTION_2(log_base, x <= 0 || y <= 0 || x == 1, log(y) / log(x))
REAL_FUNCTION_2(atan2, false, atan2(x, y))

/* Halves away from zero, on the decimal digits where the power of ten is exact. */
static double round_to(double x, int64_t digits, bool cut)
{
    if (digits > 300 || digits < -300 || x - x != 0) {
        return digits < -300 ? 0 : x;
    }
    const double scale = pow(10, (double)(digits < 0 ? -digits : digits));
    const double scaled = digits < 0 ? x / scale : x * scale;
    if (scaled - scaled != 0 || (digits > 0 && fabs(scaled) >= 0x1p52)) {
        return x; /* it has no digits so far behind the point */
    }
    const double whole = cut ? trunc(scaled) : round(scaled);
    return digits < 0 ? whole * scale : whole / scale;
}
static tarn_code run_round_digits(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        TN_OUT(call, double, row) =
            round_to(TN_IN(call, 0, double, row), TN_IN(call, 1, int64_t, row), false);
    }
    return TARN_OK;
}
static tarn_code run_trunc_digits(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        TN_OUT(call, double, row) =
            round_to(TN_IN(call, 0, double, row), TN_IN(call, 1, int64_t, row), true);
    }
    return TARN_OK;
}

/* ---- integers and decimals in their own type ---- */

static tn_i128 whole_at(const tn_call *call, uint32_t k, uint32_t row)
{
    switch (call->in_types[k]->lane) {
#define LOAD(name, type) \
    case TN_LANE_##name: \
        return (tn_i128)TN_IN(call, k, type, row);
        LOAD(i8, int8_t)
        LOAD(i16, int16_t)
        LOAD(i32, int32_t)
        LOAD(i64, int64_t)
        LOAD(u8, uint8_t)
        LOAD(u16, uint16_t)
        LOAD(u32, uint32_t)
        LOAD(u64, uint64_t)
        LOAD(i128, tn_i128)
#undef LOAD
    default:
        return 0;
    }
}

/* False where the lane cannot hold it. */
static bool put_whole(tn_call *call, uint32_t row, tn_i128 value)
{
    switch (call->type->lane) {
#define STORE(name, type)                      \
    case TN_LANE_##name:                       \
        TN_OUT(call, type, row) = (type)value; \
        return (tn_i128)(type)value == value;
        STORE(i8, int8_t)
        STORE(i16, int16_t)
        STORE(i32, int32_t)
        STORE(i64, int64_t)
        STORE(u8, uint8_t)
        STORE(u16, uint16_t)
        STORE(u32, uint32_t)
        STORE(u64, uint64_t)
        STORE(i128, tn_i128)
#undef STORE
    default:
        return false;
    }
}

enum whole_op { WHOLE_ABS, WHOLE_SIGN, WHOLE_FLOOR, WHOLE_CEIL, WHOLE_TRUNC, WHOLE_ROUND };

static tarn_code run_whole(tn_call *call, tarn_error *err)
{
    (void)err;
    const int op = *(const int *)call->data;
    const tn_i128 one = tn_power_of_ten_i128(
        call->in_types[0]->kind == TN_KIND_DECIMAL ? call->in_types[0]->scale : 0);
    TN_EACH (call, row) {
        const tn_i128 x = whole_at(call, 0, row);
        const tn_i128 rest = x % one;
        tn_i128 value = x / one;
        if (op == WHOLE_ABS) {
            value = x < 0 ? -x : x;
        } else if (op == WHOLE_SIGN) {
            value = x > 0 ? 1 : x < 0 ? -1 : 0;
        } else if (op == WHOLE_FLOOR) {
            value -= rest < 0;
        } else if (op == WHOLE_CEIL) {
            value += rest > 0;
        } else if (op == WHOLE_ROUND) {
            value += rest >= one - rest && rest > 0 ? 1 : -rest >= one + rest && rest < 0 ? -1 : 0;
        }
        if (!put_whole(call, row, value)) {
            tn_call_fault(call, row);
        }
    }
    return TARN_OK;
}

static tarn_code describe_range(const tn_bound_call *bound, const tn_value *arguments,
                                tarn_error *err)
{
    tn_pool pool;
    tn_text text;
    tn_pool_init(&pool, NULL, "message", SIZE_MAX);
    tn_text_init(&text, &pool, 512);
    tn_fail(err, TARN_E_INVALID, "%s(%s) has no value", bound->function->name,
            tn_value__show(&arguments[0], &text));
    tn_text_deinit(&text);
    tn_pool_deinit(&pool);
    return TARN_E_INVALID;
}

static const tn_kernel whole_kernel = {
    .run = run_whole, .can_fail = true, .describe = describe_range};
static TN_FALLIBLE use_whole(tn_binder *binder, int op, const tn_type *type, tarn_error *err)
{
    int *data = NULL;
    TN_RETURN_IF_ERROR(tn_arena_new(binder->context->arena, int, &data, err));
    *data = op;
    binder->bound->kernel = &whole_kernel;
    binder->bound->data = data;
    binder->type = type;
    binder->can_fail = op == WHOLE_ABS;
    return TARN_OK;
}

/* round(x, n) and trunc(x, n) of whole numbers, and of decimals to whole ones. */
typedef struct whole_digits {
    unsigned scale; /* of the argument */
    bool cut;
} whole_digits;

static tarn_code run_whole_digits(tn_call *call, tarn_error *err)
{
    (void)err;
    const whole_digits *how = call->data;
    TN_EACH (call, row) {
        const int64_t digits = TN_IN(call, 1, int64_t, row);
        const tn_i128 x = whole_at(call, 0, row);
        const int64_t away = digits < -38 ? 77 : (int64_t)how->scale - digits;
        tn_i128 value = x;
        if (digits < 0 && away > 38) {
            value = 0;
        } else if (digits < 0) {
            const tn_i128 one = tn_power_of_ten_i128((unsigned)away);
            value = how->cut ? x / one : tn_decimal_round(x, (unsigned)away);
            value *= tn_power_of_ten_i128((unsigned)-digits);
        }
        if (!put_whole(call, row, value)) {
            tn_call_fault(call, row);
        }
    }
    return TARN_OK;
}

static const tn_kernel whole_digits_kernel = {
    .run = run_whole_digits, .can_fail = true, .describe = describe_range};

static TN_FALLIBLE use_whole_digits(tn_binder *binder, bool cut, tarn_error *err)
{
    const tn_type *type = binder->children[0]->type;
    whole_digits *how = NULL;
    TN_RETURN_IF_ERROR(tn_arena_new(binder->context->arena, whole_digits, &how, err));
    *how = (whole_digits){type->kind == TN_KIND_DECIMAL ? type->scale : 0, cut};
    binder->type = type;
    if (type->kind == TN_KIND_DECIMAL) {
        const unsigned whole = (unsigned)type->precision - type->scale + 1;
        TN_RETURN_IF_ERROR(tn_types_decimal(binder->context->types, whole > 38 ? 38 : whole, 0,
                                            &binder->type, err));
    }
    binder->bound->kernel = &whole_digits_kernel;
    binder->bound->data = how;
    binder->can_fail = true;
    return tn_coerce__to(binder->context, binder->children[1], TN_BIGINT, &binder->children[1],
                         err);
}

/* round(x, n) of a decimal keeps n digits: a cast rounds as it should. */
static TN_FALLIBLE round_decimal(tn_binder *binder, tarn_error *err)
{
    const tn_type *type = binder->children[0]->type;
    const tn_expr *digits = binder->children[1];
    const int64_t wanted = digits->value.is_null ? 0 : digits->value.i64;
    const tn_type *to = NULL;
    if (wanted >= type->scale) {
        binder->replaced = binder->children[0];
        return TARN_OK;
    }
    const unsigned whole = (unsigned)type->precision - type->scale + 1;
    TN_RETURN_IF_ERROR(tn_types_decimal(
        binder->context->types, whole + (unsigned)wanted > 76 ? 76 : whole + (unsigned)wanted,
        (unsigned)wanted, &to, err));
    return tn_expr_cast(binder->context, binder->children[0], to, false, false, binder->span,
                        &binder->replaced, err);
}

/* abs, sign, floor, ceil, trunc, round: exact for integers and decimals. */
static tarn_code resolve_whole(tn_binder *binder, tarn_error *err)
{
    const int op = binder->function->binding->op;
    const bool rounds = op != WHOLE_ABS && op != WHOLE_SIGN;
    const tn_type *result = NULL;
    if (binder->count == 0 || binder->count > 2) {
        return tn_coerce__no_overload(binder, err);
    }
    const tn_type *type = binder->children[0]->type;
    const bool exact =
        (tn_type_is_integer(type) || type->kind == TN_KIND_DECIMAL) && type->lane != TN_LANE_i256;
    if (binder->count == 2) {
        const tn_expr *digits = binder->children[1];
        if (exact && op == WHOLE_ROUND && type->kind == TN_KIND_DECIMAL &&
            digits->kind == TN_EXPR_LITERAL && tn_type_is_integer(digits->type) &&
            digits->value.i64 >= 0) {
            return round_decimal(binder, err);
        }
        if (tn_type_is_integer(type) && digits->kind == TN_EXPR_LITERAL &&
            tn_type_is_integer(digits->type) && digits->value.i64 >= 0) {
            binder->replaced = binder->children[0];
            return TARN_OK;
        }
        const bool negative = digits->kind == TN_EXPR_LITERAL && tn_type_is_integer(digits->type) &&
                              digits->value.i64 < 0;
        if (tn_type_is_integer(digits->type) && (tn_type_is_integer(type) || (exact && negative))) {
            return use_whole_digits(binder, op == WHOLE_TRUNC, err);
        }
        return tn_coerce__resolve(binder, err);
    }
    if (!exact) {
        return tn_coerce__resolve(binder, err);
    }
    if (rounds && tn_type_is_integer(type)) {
        binder->replaced = binder->children[0];
        return TARN_OK;
    }
    if (op == WHOLE_SIGN) {
        return use_whole(binder, op, TN_INTEGER, err);
    }
    if (!rounds) {
        return use_whole(binder, op, type, err);
    }
    const unsigned whole = (unsigned)type->precision - type->scale + 1;
    TN_RETURN_IF_ERROR(
        tn_types_decimal(binder->context->types, whole > 38 ? 38 : whole, 0, &result, err));
    return use_whole(binder, op, result, err);
}

/* ---- whole numbers ---- */

static int64_t gcd(int64_t a, int64_t b)
{
    uint64_t x = a < 0 ? (uint64_t)0 - (uint64_t)a : (uint64_t)a;
    uint64_t y = b < 0 ? (uint64_t)0 - (uint64_t)b : (uint64_t)b;
    while (y != 0) {
        const uint64_t rest = x % y;
        x = y;
        y = rest;
    }
    return (int64_t)x;
}
#define WHOLE_FUNCTION_2(name, statement)                       \
    static tarn_code run_##name(tn_call *call, tarn_error *err) \
    {                                                           \
        (void)err;                                              \
        TN_EACH (call, row) {                                   \
            const int64_t x = TN_IN(call, 0, int64_t, row);     \
            const int64_t y = TN_IN(call, 1, int64_t, row);     \
            bool fine = true;                                   \
            int64_t value = 0;                                  \
            statement;                                          \
            TN_OUT(call, int64_t, row) = value;                 \
            if (!fine) {                                        \
                tn_call_fault(call, row);                       \
            }                                                   \
        }                                                       \
        return TARN_OK;                                         \
    }
WHOLE_FUNCTION_2(gcd, value = gcd(x, y); fine = value >= 0)
WHOLE_FUNCTION_2(lcm, const int64_t by = gcd(x, y);
                 fine = by >= 0 && !(by != 0 && __builtin_mul_overflow(x / by, y, &value));
                 fine = fine && value != INT64_MIN; value = fine && value < 0 ? -value : value)
WHOLE_FUNCTION_2(and, value = x & y)
WHOLE_FUNCTION_2(or, value = x | y)
WHOLE_FUNCTION_2(xor, value = x ^ y)
WHOLE_FUNCTION_2(shift_left, fine = y >= 0 && y < 64 && x >= 0 &&
                                    (x == 0 || y <= __builtin_clzll((uint64_t)x) - 1);
                 value = fine ? (int64_t)((uint64_t)x << y) : 0)
WHOLE_FUNCTION_2(shift_right, fine = y >= 0; value = y >= 64 ? (x < 0 ? -1 : 0) : fine ? x >> y : 0)

static tarn_code run_not_bits(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        TN_OUT(call, int64_t, row) = ~TN_IN(call, 0, int64_t, row);
    }
    return TARN_OK;
}
static tarn_code run_factorial(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        const int64_t n = TN_IN(call, 0, int64_t, row);
        int64_t value = 1;
        if (n < 0 || n > 20) {
            tn_call_fault(call, row);
        }
        for (int64_t i = 2; i <= n && n <= 20; i++) {
            value *= i;
        }
        TN_OUT(call, int64_t, row) = value;
    }
    return TARN_OK;
}

/* ---- pi, random, hash ---- */

static tarn_code resolve_pi(tn_binder *binder, tarn_error *err)
{
    const tn_value pi = tn_value_double(3.14159265358979323846);
    if (binder->count != 0) {
        return tn_coerce__no_overload(binder, err);
    }
    return tn_bind__literal(binder->context, &pi, binder->span, &binder->replaced, err);
}

/* A hash of the run's seed, the call, the morsel and the row: the same for any number of threads.
 */
static tarn_code run_random(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        const uint64_t bits = tn_hash_mix(call->seed, call->row_base + row);
        TN_OUT(call, double, row) = (double)(bits >> 11) * 0x1p-53;
    }
    return TARN_OK;
}

static uint64_t hash_value(const tn_value *value);

/* A value's parts; the depth of a type bounds this recursion. */
static uint64_t hash_part(const tn_column *column, uint32_t row)
{
    tn_value value;
    const tn_column *at = tn_column_locate(column, &row);
    if (at == NULL) {
        return TN_HASH_NULL;
    }
    if (!tn_type_is_nested(at->type)) {
        (void)!tn_value_of(at, row, NULL, &value, NULL); /* scalars need no arena */
        return hash_value(&value);
    }
    const bool is_struct = at->type->kind == TN_KIND_STRUCT;
    const tn_list list = is_struct ? (tn_list){row, 1} : ((const tn_list *)at->values)[row];
    uint64_t hash = tn_hash_u64(list.length);
    for (uint32_t i = 0; i < list.length; i++) {
        for (uint32_t field = 0; field < at->type->field_count; field++) {
            hash = tn_hash_mix(hash, hash_part(&at->children[field], list.offset + i));
        }
    }
    return hash;
}

static uint64_t hash_value(const tn_value *value)
{
    if (value->is_null) {
        return TN_HASH_NULL;
    }
    if (tn_type_is_nested(value->type)) {
        return hash_part(value->nested, 0);
    }
    switch (value->type->lane) {
    case TN_LANE_bool:
        return tn_hash_u64((uint64_t)value->boolean + 1);
    case TN_LANE_f32:
    case TN_LANE_f64: {
        uint64_t bits;
        memcpy(&bits, &value->f64, 8);
        return tn_hash_u64(value->f64 != value->f64 ? UINT64_C(0x7ff8000000000000)
                           : value->f64 == 0        ? 0
                                                    : bits);
    }
    case TN_LANE_view:
        return tn_hash_bytes(value->str.data, value->str.size, 0);
    case TN_LANE_i128:
        return tn_hash_mix((uint64_t)value->i128, (uint64_t)(value->i128 >> 64));
    case TN_LANE_i256:
    case TN_LANE_interval:
        return tn_hash_bytes(&value->i256, tn_lane_size(value->type->lane), 0);
    default:
        return tn_hash_u64(value->u64);
    }
}
static tarn_code run_hash(tn_call *call, tarn_error *err)
{
    TN_EACH (call, row) {
        uint64_t hash = 0;
        for (uint32_t k = 0; k < call->in_count; k++) {
            tn_column scratch;
            tn_value value;
            TN_RETURN_IF_ERROR(tn_call_value(call, k, row, &scratch, &value, err));
            hash = tn_hash_mix(hash, hash_value(&value));
        }
        TN_OUT(call, uint64_t, row) = hash;
    }
    return TARN_OK;
}

/* ---- entries ---- */

#define OPERATOR(overloads_, op_)                                               \
    &(const tn_function_binding)                                                \
    {                                                                           \
        .resolve = tn_rules__arithmetic, .overloads = (overloads_), .op = (op_) \
    }
#define WHOLE(op_, ...)                                                           \
    &(const tn_function_binding)                                                  \
    {                                                                             \
        .resolve = resolve_whole, .op = (op_), .overloads = (const tn_overload[]) \
        {                                                                         \
            __VA_ARGS__, TN_NO_MORE                                               \
        }                                                                         \
    }
#define FAILS(run_)                     \
    {                                   \
        .run = (run_), .can_fail = true \
    }
#define ENTRY(name_, signature_, doc_, example_, result_)                          \
    .name = (name_), .category = "math", .signature = (signature_), .doc = (doc_), \
    .example = (example_), .example_result = (result_)
#define REAL(name_, run_, doc_, example_, result_)                       \
    ENTRY(name_, name_ "(x DOUBLE) -> DOUBLE", doc_, example_, result_), \
        .cost = 3, .binding = TN_OVERLOADS({"d", 'd', {.run = (run_)}})
#define REAL_FAILS(name_, run_, doc_, example_, result_)                 \
    ENTRY(name_, name_ "(x DOUBLE) -> DOUBLE", doc_, example_, result_), \
        .cost = 3, .can_fail = true, .binding = TN_OVERLOADS({"d", 'd', FAILS(run_)})
#define BITS(name_, run_, signature_, doc_, example_, result_) \
    ENTRY(name_, signature_, doc_, example_, result_),         \
        .cost = 1, .binding = TN_OVERLOADS({"ll", 'l', {.run = (run_)}})

static const tn_function functions[] = {
    {ENTRY("+", "a + b", "The sum; of a date or timestamp and an interval, too.", "1 + 2", "3"),
     .cost = 1, .can_fail = true, .binding = OPERATOR(tn_time__plus, TN_ARITHMETIC_ADD)},
    {ENTRY("-", "a - b, -a", "The difference; of dates in days, of timestamps an interval.",
           "1 - 2", "-1"),
     .aliases = TN_ALIASES("negate"), .cost = 1, .can_fail = true,
     .binding = OPERATOR(tn_time__minus, TN_ARITHMETIC_SUBTRACT)},
    {ENTRY("*", "a * b", "The product; decimals keep all digits behind the point, 38 at most.",
           "2 * 3", "6"),
     .cost = 1, .can_fail = true, .binding = OPERATOR(tn_time__times, TN_ARITHMETIC_MULTIPLY)},
    {ENTRY("/", "a / b", "The quotient; between integers it is cut towards zero.", "7 / 2", "3"),
     .aliases = TN_ALIASES("//", "div"), .cost = 2, .can_fail = true,
     .binding = OPERATOR(tn_time__by, TN_ARITHMETIC_DIVIDE)},
    {ENTRY("%", "a % b, mod(a, b)", "The rest, with a's sign.", "-7 % 2", "-1"),
     .aliases = TN_ALIASES("mod"), .cost = 2, .can_fail = true,
     .binding = OPERATOR(NULL, TN_ARITHMETIC_REMAINDER)},
    {ENTRY("abs", "abs(x) -> its type", "Without its sign.", "abs(-3)", "3"), .cost = 1,
     .can_fail = true, .binding = WHOLE(WHOLE_ABS, {"d", 'd', {.run = run_abs}})},
    {ENTRY("sign", "sign(x) -> INTEGER or DOUBLE", "-1, 0 or 1.", "sign(-3)", "-1"), .cost = 1,
     .binding = WHOLE(WHOLE_SIGN, {"d", 'd', {.run = run_sign}})},
    {ENTRY("floor", "floor(x) -> whole of its type", "The greatest whole number not above x.",
           "floor(-1.5)", "-2"),
     .cost = 2, .monotonicity = TN_INCREASING,
     .binding = WHOLE(WHOLE_FLOOR, {"d", 'd', {.run = run_floor}})},
    {ENTRY("ceil", "ceil(x) -> whole of its type", "The least whole number not below x.",
           "ceil(-1.5)", "-1"),
     .aliases = TN_ALIASES("ceiling"), .cost = 2, .monotonicity = TN_INCREASING,
     .binding = WHOLE(WHOLE_CEIL, {"d", 'd', {.run = run_ceil}})},
    {ENTRY("trunc", "trunc(x [, digits BIGINT]) -> its type", "Cut towards zero.", "trunc(-1.5)",
           "-1"),
     .cost = 2,
     .binding = WHOLE(WHOLE_TRUNC, {"d", 'd', {.run = run_trunc}},
                      {"dl", 'd', {.run = run_trunc_digits}})},
    {ENTRY("round", "round(x [, digits BIGINT]) -> its type",
           "To a whole number, or so many digits behind the point; halves away from zero.",
           "round(2.345, 2)", "2.35"),
     .cost = 2,
     .binding = WHOLE(WHOLE_ROUND, {"d", 'd', {.run = run_round}},
                      {"dl", 'd', {.run = run_round_digits}})},
    {REAL_FAILS("sqrt", run_sqrt, "The square root.", "sqrt(16)", "4")},
    {REAL("cbrt", run_cbrt, "The cube root.", "cbrt(1)", "1")},
    {REAL("exp", run_exp, "e to the power of x.", "exp(0)", "1")},
    {REAL_FAILS("ln", run_ln, "The natural logarithm.", "ln(1)", "0")},
    {ENTRY("log", "log(x DOUBLE) or log(base DOUBLE, x DOUBLE) -> DOUBLE",
           "The logarithm to base 10 or another.", "log(100)", "2"),
     .cost = 3, .can_fail = true,
     .binding = TN_OVERLOADS({"d", 'd', FAILS(run_log10)}, {"dd", 'd', FAILS(run_log_base)})},
    {REAL_FAILS("log10", run_log10, "The logarithm to base 10.", "log10(1000)", "3")},
    {REAL_FAILS("log2", run_log2, "The logarithm to base 2.", "log2(8)", "3")},
    {ENTRY("power", "power(x DOUBLE, y DOUBLE) -> DOUBLE", "x to the power of y.", "power(2, 10)",
           "1024"),
     .aliases = TN_ALIASES("pow", "**", "^"), .cost = 4, .can_fail = true,
     .binding = TN_OVERLOADS({"dd", 'd', FAILS(run_power)})},
    {REAL("sin", run_sin, "The sine.", "sin(0)", "0")},
    {REAL("cos", run_cos, "The cosine.", "cos(0)", "1")},
    {REAL("tan", run_tan, "The tangent.", "tan(0)", "0")},
    {REAL_FAILS("cot", run_cot, "The cotangent.", "round(cot(1), 4)", "0.6421")},
    {REAL_FAILS("asin", run_asin, "The arc sine.", "asin(0)", "0")},
    {REAL_FAILS("acos", run_acos, "The arc cosine.", "acos(1)", "0")},
    {REAL("atan", run_atan, "The arc tangent.", "atan(0)", "0")},
    {ENTRY("atan2", "atan2(y DOUBLE, x DOUBLE) -> DOUBLE", "The angle of a point.", "atan2(0, 1)",
           "0"),
     .cost = 4, .binding = TN_OVERLOADS({"dd", 'd', {.run = run_atan2}})},
    {REAL("sinh", run_sinh, "The hyperbolic sine.", "sinh(0)", "0")},
    {REAL("cosh", run_cosh, "The hyperbolic cosine.", "cosh(0)", "1")},
    {REAL("tanh", run_tanh, "The hyperbolic tangent.", "tanh(0)", "0")},
    {REAL("degrees", run_degrees, "Radians as degrees.", "degrees(pi())", "180")},
    {REAL("radians", run_radians, "Degrees as radians.", "round(radians(180), 5)", "3.14159")},
    {ENTRY("pi", "pi() -> DOUBLE", "3.14159...", "round(pi(), 5)", "3.14159"), .cost = 1,
     .binding = &(const tn_function_binding){.resolve = resolve_pi}},
    {ENTRY("isnan", "isnan(x DOUBLE) -> BOOLEAN", "Is it no number?",
           "isnan(CAST('NaN' AS DOUBLE))", "true"),
     .cost = 1, .binding = TN_OVERLOADS({"d", 'b', {.run = run_isnan}})},
    {ENTRY("isinf", "isinf(x DOUBLE) -> BOOLEAN", "Is it infinite?", "isinf(1)", "false"),
     .cost = 1, .binding = TN_OVERLOADS({"d", 'b', {.run = run_isinf}})},
    {ENTRY("isfinite", "isfinite(x DOUBLE) -> BOOLEAN", "Is it a finite number?", "isfinite(1)",
           "true"),
     .cost = 1, .binding = TN_OVERLOADS({"d", 'b', {.run = run_isfinite}})},
    {ENTRY("gcd", "gcd(a BIGINT, b BIGINT) -> BIGINT", "The greatest common divisor.",
           "gcd(12, 18)", "6"),
     .cost = 4, .can_fail = true, .binding = TN_OVERLOADS({"ll", 'l', FAILS(run_gcd)})},
    {ENTRY("lcm", "lcm(a BIGINT, b BIGINT) -> BIGINT", "The least common multiple.", "lcm(4, 6)",
           "12"),
     .cost = 4, .can_fail = true, .binding = TN_OVERLOADS({"ll", 'l', FAILS(run_lcm)})},
    {ENTRY("factorial", "factorial(n BIGINT) -> BIGINT", "1 x 2 x ... x n.", "factorial(5)", "120"),
     .cost = 3, .can_fail = true, .binding = TN_OVERLOADS({"l", 'l', FAILS(run_factorial)})},
    {BITS("&", run_and, "a & b -> BIGINT", "Bits that are set in both.", "6 & 3", "2")},
    {BITS("|", run_or, "a | b -> BIGINT", "Bits that are set in one.", "6 | 3", "7")},
    {BITS("xor", run_xor, "xor(a BIGINT, b BIGINT) -> BIGINT", "Bits that are set in only one.",
          "xor(6, 3)", "5")},
    {ENTRY("<<", "a << b -> BIGINT", "Bits moved up.", "1 << 4", "16"), .cost = 1, .can_fail = true,
     .binding = TN_OVERLOADS({"ll", 'l', FAILS(run_shift_left)})},
    {ENTRY(">>", "a >> b -> BIGINT", "Bits moved down.", "16 >> 2", "4"), .cost = 1,
     .can_fail = true, .binding = TN_OVERLOADS({"ll", 'l', FAILS(run_shift_right)})},
    {ENTRY("bit_not", "~a -> BIGINT", "All bits the other way.", "bit_not(0)", "-1"),
     .aliases = TN_ALIASES("~"), .cost = 1,
     .binding = TN_OVERLOADS({"l", 'l', {.run = run_not_bits}})},
    {ENTRY("random", "random() -> DOUBLE",
           "From 0 to below 1: a hash of the run's seed and the row's place.", NULL, NULL),
     .volatility = TN_VOLATILE, .cost = 2, .binding = TN_OVERLOADS({"", 'd', {.run = run_random}})},
    {ENTRY("hash", "hash(value, ...) -> UBIGINT", "A hash: equal values have equal ones.",
           "hash('a') = hash('a')", "true"),
     .cost = 4, .sees_null = true,
     .binding = TN_OVERLOADS({"?*", 'u', {.run = run_hash, .sees_null = true}})},
};

static const tn_kernel *const kernels[] = {&whole_kernel, &whole_digits_kernel, NULL};
const tn_function_list tn__math_functions = {functions, sizeof(functions) / sizeof(*functions),
                                             kernels};

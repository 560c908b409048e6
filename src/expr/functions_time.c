/* Dates, times, timestamps, intervals: their arithmetic and their parts. */
#include "expr/expr_internal.h"
#include "expr/time_internal.h"
#include "kernel/strtime.h"

/* ---- arithmetic: overloads of + - * / (arithmetic_rules.c) ---- */

#define OUT_OR_FAULT(call, row, type, good, value)   \
    do {                                             \
        if (good) {                                  \
            TN_OUT(call, type, row) = (type)(value); \
        } else {                                     \
            tn_call_fault(call, row);                \
        }                                            \
    } while (0)

static tarn_code date_and_days(tn_call *call, uint32_t date, int sign)
{
    TN_EACH (call, row) {
        const int64_t days = TN_IN(call, 1 - date, int64_t, row);
        int64_t sum = 0;
        const bool fine =
            !(sign > 0 ? __builtin_add_overflow(TN_IN(call, date, int32_t, row), days, &sum)
                       : __builtin_sub_overflow(TN_IN(call, date, int32_t, row), days, &sum)) &&
            sum == (int32_t)sum;
        OUT_OR_FAULT(call, row, int32_t, fine, sum);
    }
    return TARN_OK;
}
static tarn_code date_plus_days(tn_call *call, tarn_error *err)
{
    (void)err;
    return date_and_days(call, 0, 1);
}
static tarn_code days_plus_date(tn_call *call, tarn_error *err)
{
    (void)err;
    return date_and_days(call, 1, 1);
}
static tarn_code date_minus_days(tn_call *call, tarn_error *err)
{
    (void)err;
    return date_and_days(call, 0, -1);
}
static tarn_code date_minus_date(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        TN_OUT(call, int64_t, row) =
            (int64_t)TN_IN(call, 0, int32_t, row) - TN_IN(call, 1, int32_t, row);
    }
    return TARN_OK;
}

static tarn_code moment_and_interval(tn_call *call, uint32_t moment, int sign)
{
    const int64_t unit = call->type->kind == TN_KIND_TIMESTAMP_NS ? 1 : 1000;
    TN_EACH (call, row) {
        const tn_interval by = TN_IN(call, 1 - moment, tn_interval, row);
        int64_t sum = 0;
        const bool fine = tn_time__add(TN_IN(call, moment, int64_t, row), unit, by, sign, &sum);
        OUT_OR_FAULT(call, row, int64_t, fine, sum);
    }
    return TARN_OK;
}
static tarn_code moment_plus_interval(tn_call *call, tarn_error *err)
{
    (void)err;
    return moment_and_interval(call, 0, 1);
}
static tarn_code interval_plus_moment(tn_call *call, tarn_error *err)
{
    (void)err;
    return moment_and_interval(call, 1, 1);
}
static tarn_code moment_minus_interval(tn_call *call, tarn_error *err)
{
    (void)err;
    return moment_and_interval(call, 0, -1);
}

static tarn_code time_and_interval(tn_call *call, uint32_t time, int sign)
{
    TN_EACH (call, row) {
        const int64_t us = TN_IN(call, 1 - time, tn_interval, row).nanos / 1000 % TN_US_PER_DAY;
        TN_OUT(call, int64_t, row) =
            tn_floor_mod(TN_IN(call, time, int64_t, row) + sign * us, TN_US_PER_DAY);
    }
    return TARN_OK;
}
static tarn_code time_plus_interval(tn_call *call, tarn_error *err)
{
    (void)err;
    return time_and_interval(call, 0, 1);
}
static tarn_code interval_plus_time(tn_call *call, tarn_error *err)
{
    (void)err;
    return time_and_interval(call, 1, 1);
}
static tarn_code time_minus_interval(tn_call *call, tarn_error *err)
{
    (void)err;
    return time_and_interval(call, 0, -1);
}
static tarn_code time_minus_time(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        const int64_t us = TN_IN(call, 0, int64_t, row) - TN_IN(call, 1, int64_t, row);
        TN_OUT(call, tn_interval, row) = (tn_interval){0, 0, us * 1000};
    }
    return TARN_OK;
}

static tarn_code date_plus_time(tn_call *call, tarn_error *err)
{
    (void)err;
    const uint32_t date = call->in_types[0]->kind == TN_KIND_DATE ? 0 : 1;
    TN_EACH (call, row) {
        int64_t us = 0;
        const bool fine =
            !__builtin_mul_overflow((int64_t)TN_IN(call, date, int32_t, row), TN_US_PER_DAY, &us) &&
            !__builtin_add_overflow(us, TN_IN(call, 1 - date, int64_t, row), &us);
        OUT_OR_FAULT(call, row, int64_t, fine, us);
    }
    return TARN_OK;
}

/* Days and what is left of a day, as PostgreSQL. */
static tarn_code moment_minus_moment(tn_call *call, tarn_error *err)
{
    (void)err;
    const int64_t unit = call->in_types[0]->kind == TN_KIND_TIMESTAMP_NS ? 1 : 1000;
    const int64_t day = TN_NS_PER_DAY / unit;
    TN_EACH (call, row) {
        int64_t gap = 0;
        const bool fine = !__builtin_sub_overflow(TN_IN(call, 0, int64_t, row),
                                                  TN_IN(call, 1, int64_t, row), &gap) &&
                          gap / day == (int32_t)(gap / day);
        const tn_interval interval = {0, (int32_t)(gap / day), gap % day * unit};
        if (fine) {
            TN_OUT(call, tn_interval, row) = interval;
        } else {
            tn_call_fault(call, row);
        }
    }
    return TARN_OK;
}
#undef OUT_OR_FAULT

static tarn_code add_intervals(tn_call *call, int sign)
{
    TN_EACH (call, row) {
        const tn_interval a = TN_IN(call, 0, tn_interval, row);
        const tn_interval b = TN_IN(call, 1, tn_interval, row);
        tn_interval sum = {0, 0, 0};
        const bool bad = sign > 0 ? __builtin_add_overflow(a.months, b.months, &sum.months) ||
                                        __builtin_add_overflow(a.days, b.days, &sum.days) ||
                                        __builtin_add_overflow(a.nanos, b.nanos, &sum.nanos)
                                  : __builtin_sub_overflow(a.months, b.months, &sum.months) ||
                                        __builtin_sub_overflow(a.days, b.days, &sum.days) ||
                                        __builtin_sub_overflow(a.nanos, b.nanos, &sum.nanos);
        TN_OUT(call, tn_interval, row) = sum;
        if (bad) {
            tn_call_fault(call, row);
        }
    }
    return TARN_OK;
}
static tarn_code interval_plus_interval(tn_call *call, tarn_error *err)
{
    (void)err;
    return add_intervals(call, 1);
}
static tarn_code interval_minus_interval(tn_call *call, tarn_error *err)
{
    (void)err;
    return add_intervals(call, -1);
}
static tarn_code interval_negated(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        const tn_interval a = TN_IN(call, 0, tn_interval, row);
        TN_OUT(call, tn_interval, row) = (tn_interval){-a.months, -a.days, -a.nanos};
        if (a.months == INT32_MIN || a.days == INT32_MIN || a.nanos == INT64_MIN) {
            tn_call_fault(call, row);
        }
    }
    return TARN_OK;
}

static tarn_code scale_intervals(tn_call *call, uint32_t interval, bool divide)
{
    TN_EACH (call, row) {
        const tn_interval a = TN_IN(call, interval, tn_interval, row);
        const double factor = TN_IN(call, 1 - interval, double, row);
        if ((divide && factor == 0) ||
            !tn_time__scale(a, divide ? 1 / factor : factor, &TN_OUT(call, tn_interval, row))) {
            tn_call_fault(call, row);
        }
    }
    return TARN_OK;
}
static tarn_code interval_times_number(tn_call *call, tarn_error *err)
{
    (void)err;
    return scale_intervals(call, 0, false);
}
static tarn_code number_times_interval(tn_call *call, tarn_error *err)
{
    (void)err;
    return scale_intervals(call, 1, false);
}
static tarn_code interval_by_number(tn_call *call, tarn_error *err)
{
    (void)err;
    return scale_intervals(call, 0, true);
}

static tarn_code describe_out_of_range(const tn_bound_call *bound, const tn_value *arguments,
                                       tarn_error *err)
{
    (void)arguments;
    return tn_fail(err, TARN_E_INVALID, "%s: the %.*s is out of range", bound->function->name,
                   TN_STR_ARGS(bound->type->name));
}

#define TIME(run_)                                                         \
    {                                                                      \
        .run = (run_), .can_fail = true, .describe = describe_out_of_range \
    }
const tn_overload tn_time__plus[] = {
    {"Dl", 'D', TIME(date_plus_days)},         {"lD", 'D', TIME(days_plus_date)},
    {"Tv", 'T', TIME(moment_plus_interval)},   {"vT", 'T', TIME(interval_plus_moment)},
    {"Zv", 'Z', TIME(moment_plus_interval)},   {"vZ", 'Z', TIME(interval_plus_moment)},
    {"Nv", 'N', TIME(moment_plus_interval)},   {"vN", 'N', TIME(interval_plus_moment)},
    {"tv", 't', TIME(time_plus_interval)},     {"vt", 't', TIME(interval_plus_time)},
    {"vv", 'v', TIME(interval_plus_interval)}, {"Dt", 'T', TIME(date_plus_time)},
    {"tD", 'T', TIME(date_plus_time)},         TN_NO_MORE,
};
const tn_overload tn_time__minus[] = {
    {"DD", 'l', {.run = date_minus_date}},
    {"Dl", 'D', TIME(date_minus_days)},
    {"Tv", 'T', TIME(moment_minus_interval)},
    {"Zv", 'Z', TIME(moment_minus_interval)},
    {"Nv", 'N', TIME(moment_minus_interval)},
    {"tv", 't', TIME(time_minus_interval)},
    {"vv", 'v', TIME(interval_minus_interval)},
    {"TT", 'v', TIME(moment_minus_moment)},
    {"ZZ", 'v', TIME(moment_minus_moment)},
    {"NN", 'v', TIME(moment_minus_moment)},
    {"tt", 'v', {.run = time_minus_time}},
    {"v", 'v', TIME(interval_negated)},
    TN_NO_MORE,
};
const tn_overload tn_time__times[] = {
    {"vd", 'v', TIME(interval_times_number)}, {"dv", 'v', TIME(number_times_interval)}, TN_NO_MORE};
const tn_overload tn_time__by[] = {{"vd", 'v', TIME(interval_by_number)}, TN_NO_MORE};

/* ---- parts ---- */

static int64_t unit_of(const tn_type *type)
{
    return type->kind == TN_KIND_DATE           ? TN_NS_PER_DAY
           : type->kind == TN_KIND_TIMESTAMP_NS ? 1
                                                : 1000;
}
static int64_t value_at(const tn_call *call, uint32_t k, uint32_t row)
{
    return call->in_types[k]->lane == TN_LANE_i32 ? TN_IN(call, k, int32_t, row)
                                                  : TN_IN(call, k, int64_t, row);
}

/* The part to take is in data: a year() has it from its entry, date_part() from its argument. */
static tarn_code run_part(tn_call *call, tarn_error *err)
{
    (void)err;
    const tn_time_part part = *(const tn_time_part *)call->data;
    const uint32_t at = call->in_count - 1;
    const tn_type *type = call->in_types[at];
    const bool real = call->type->kind == TN_KIND_DOUBLE;
    TN_EACH (call, row) {
        double number = 0;
        int64_t whole = 0;
        if (type->kind == TN_KIND_INTERVAL) {
            const tn_interval interval = TN_IN(call, at, tn_interval, row);
            whole = tn_time__interval_part(part, interval, &number);
        } else {
            whole = tn_time__part(part, value_at(call, at, row), unit_of(type), &number);
        }
        if (real) {
            TN_OUT(call, double, row) = number;
        } else {
            TN_OUT(call, int64_t, row) = whole;
        }
    }
    return TARN_OK;
}

static const tn_kernel part_kernel = {.run = run_part};
static tarn_code resolve_part(tn_binder *binder, tarn_error *err)
{
    tn_time_part *part = NULL;
    uint32_t at = 0;
    TN_RETURN_IF_ERROR(tn_arena_new(binder->context->arena, tn_time_part, &part, err));
    if (binder->function->binding->op == TN_PART_NONE) { /* date_part(unit, value) */
        if (binder->count != 2 || !tn_coerce__is_text_literal(binder->children[0])) {
            return tn_coerce__no_overload(binder, err);
        }
        TN_RETURN_IF_ERROR(tn_time__read_part(binder->children[0], part, err));
        at = 1;
    } else {
        *part = (tn_time_part)binder->function->binding->op;
        if (binder->count != 1) {
            return tn_coerce__no_overload(binder, err);
        }
    }
    if (binder->children[at]->type->kind == TN_KIND_NULL ||
        tn_coerce__is_text_literal(binder->children[at])) {
        TN_RETURN_IF_ERROR(tn_coerce__to(binder->context, binder->children[at], TN_TIMESTAMP,
                                         &binder->children[at], err));
    }
    const tn_kind kind = binder->children[at]->type->kind;
    if (kind < TN_KIND_DATE || kind > TN_KIND_INTERVAL) {
        return tn_coerce__no_overload(binder, err);
    }
    binder->bound->kernel = &part_kernel;
    binder->bound->data = part;
    binder->type = *part == TN_PART_EPOCH ? TN_DOUBLE : TN_BIGINT;
    return TARN_OK;
}

static tarn_code run_trunc(tn_call *call, tarn_error *err)
{
    (void)err;
    const tn_time_part part = *(const tn_time_part *)call->data;
    const int64_t unit = unit_of(call->in_types[1]);
    TN_EACH (call, row) {
        TN_OUT(call, int64_t, row) = tn_time__trunc(part, value_at(call, 1, row), unit);
    }
    return TARN_OK;
}

static tarn_code run_trunc_interval(tn_call *call, tarn_error *err)
{
    (void)err;
    const tn_time_part part = *(const tn_time_part *)call->data;
    TN_EACH (call, row) {
        TN_OUT(call, tn_interval, row) =
            tn_time__trunc_interval(part, TN_IN(call, 1, tn_interval, row));
    }
    return TARN_OK;
}

static TN_FALLIBLE part_of_literal(tn_binder *binder, tn_time_part **part, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_arena_new(binder->context->arena, tn_time_part, part, err));
    if (binder->count == 0 || !tn_coerce__is_text_literal(binder->children[0])) {
        tn_bind__fail(err, binder->span, "the unit of %s must be a constant text",
                      binder->function->name);
        return TARN_E_INVALID;
    }
    return tn_time__read_part(binder->children[0], *part, err);
}

static const tn_kernel trunc_interval_kernel = {.run = run_trunc_interval};
static const tn_kernel trunc_kernel = {.run = run_trunc};
static tarn_code resolve_trunc(tn_binder *binder, tarn_error *err)
{
    tn_time_part *part = NULL;
    TN_RETURN_IF_ERROR(part_of_literal(binder, &part, err));
    if (binder->count != 2) {
        return tn_coerce__no_overload(binder, err);
    }
    if (*part == TN_PART_DOW || *part == TN_PART_ISODOW || *part == TN_PART_DOY ||
        *part == TN_PART_EPOCH || *part == TN_PART_JULIAN) {
        tn_bind__fail(err, binder->children[0]->span, "'%.*s' is no unit that time is cut at",
                      TN_STR_ARGS(binder->children[0]->value.str));
        tn_hint(err, "date_part('%.*s', value) gives it as a number",
                TN_STR_ARGS(binder->children[0]->value.str));
        return TARN_E_INVALID;
    }
    const tn_type *type = binder->children[1]->type;
    if (type->kind == TN_KIND_DATE || type->kind == TN_KIND_NULL ||
        tn_coerce__is_text_literal(binder->children[1])) {
        TN_RETURN_IF_ERROR(tn_coerce__to(binder->context, binder->children[1], TN_TIMESTAMP,
                                         &binder->children[1], err));
    } else if (!tn_type_is_timestamp(type) && type->kind != TN_KIND_INTERVAL) {
        return tn_coerce__no_overload(binder, err);
    }
    binder->type = binder->children[1]->type;
    binder->bound->kernel =
        binder->type->kind == TN_KIND_INTERVAL ? &trunc_interval_kernel : &trunc_kernel;
    binder->bound->data = part;
    return TARN_OK;
}

/* ---- differences ---- */

static tarn_code run_diff(tn_call *call, tarn_error *err)
{
    (void)err;
    const tn_time_part part = *(const tn_time_part *)call->data;
    TN_EACH (call, row) {
        TN_OUT(call, int64_t, row) =
            tn_time__diff(part, TN_IN(call, 1, int64_t, row), TN_IN(call, 2, int64_t, row));
    }
    return TARN_OK;
}

static const tn_kernel diff_kernel = {.run = run_diff};
static tarn_code resolve_diff(tn_binder *binder, tarn_error *err)
{
    tn_time_part *part = NULL;
    TN_RETURN_IF_ERROR(part_of_literal(binder, &part, err));
    if (binder->count != 3) {
        return tn_coerce__no_overload(binder, err);
    }
    const bool zone = binder->children[1]->type->kind == TN_KIND_TIMESTAMPTZ ||
                      binder->children[2]->type->kind == TN_KIND_TIMESTAMPTZ;
    for (uint32_t i = 1; i < 3; i++) {
        TN_RETURN_IF_ERROR(tn_coerce__to(binder->context, binder->children[i],
                                         zone ? TN_TIMESTAMPTZ : TN_TIMESTAMP, &binder->children[i],
                                         err));
    }
    binder->bound->kernel = &diff_kernel;
    binder->bound->data = part;
    binder->type = TN_BIGINT;
    return TARN_OK;
}

static tarn_code run_age(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        TN_OUT(call, tn_interval, row) =
            tn_time__age(TN_IN(call, 0, int64_t, row), TN_IN(call, 1, int64_t, row));
    }
    return TARN_OK;
}

static tarn_code resolve_date_add(tn_binder *binder, tarn_error *err)
{
    const tn_str op = binder->function->binding->op == 0 ? TN_STR("+") : TN_STR("-");
    if (binder->count != 2) {
        return tn_coerce__no_overload(binder, err);
    }
    return tn_expr_call(binder->context, op, binder->children, 2, binder->span, &binder->replaced,
                        err);
}

/* ---- making ---- */

static tarn_code run_make_date(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        const int64_t year = TN_IN(call, 0, int64_t, row);
        const int64_t month = TN_IN(call, 1, int64_t, row);
        const int64_t day = TN_IN(call, 2, int64_t, row);
        if (year < -290000 || year > 290000 || month < 1 || month > 12 || day < 1 ||
            day > tn_days_in_month(year, (unsigned)month)) {
            tn_call_fault(call, row);
            continue;
        }
        TN_OUT(call, int32_t, row) =
            (int32_t)tn_days_from_civil(year, (unsigned)month, (unsigned)day);
    }
    return TARN_OK;
}

static tarn_code run_make_timestamp(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        const int64_t year = TN_IN(call, 0, int64_t, row);
        const int64_t month = TN_IN(call, 1, int64_t, row);
        const int64_t day = TN_IN(call, 2, int64_t, row);
        const int64_t hour = TN_IN(call, 3, int64_t, row);
        const int64_t minute = TN_IN(call, 4, int64_t, row);
        const double second = TN_IN(call, 5, double, row);
        if (year < -290000 || year > 290000 || month < 1 || month > 12 || day < 1 ||
            day > tn_days_in_month(year, (unsigned)month) || hour < 0 || hour > 23 || minute < 0 ||
            minute > 59 || !(second >= 0 && second < 60)) {
            tn_call_fault(call, row);
            continue;
        }
        TN_OUT(call, int64_t, row) =
            tn_days_from_civil(year, (unsigned)month, (unsigned)day) * TN_US_PER_DAY +
            hour * TN_US_PER_HOUR + minute * TN_US_PER_MINUTE + (int64_t)(second * 1e6 + 0.5);
    }
    return TARN_OK;
}

static tarn_code run_to_timestamp(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        const double seconds = TN_IN(call, 0, double, row);
        const double us = seconds * 1e6;
        if (!(us > -9.2e18 && us < 9.2e18)) {
            tn_call_fault(call, row);
            continue;
        }
        TN_OUT(call, int64_t, row) = (int64_t)(us < 0 ? us - 0.5 : us + 0.5);
    }
    return TARN_OK;
}

static tarn_code run_epoch_ms(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        if (__builtin_mul_overflow(TN_IN(call, 0, int64_t, row), INT64_C(1000),
                                   &TN_OUT(call, int64_t, row))) {
            tn_call_fault(call, row);
        }
    }
    return TARN_OK;
}
static tarn_code run_ms_of(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        TN_OUT(call, int64_t, row) = tn_floor_div(TN_IN(call, 0, int64_t, row), 1000);
    }
    return TARN_OK;
}

static tarn_code run_last_day(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        const int64_t days = TN_IN(call, 0, int32_t, row);
        const tn_civil civil = tn_civil_from_days(days);
        TN_OUT(call, int32_t, row) =
            (int32_t)(days + tn_days_in_month(civil.year, civil.month) - civil.day);
    }
    return TARN_OK;
}

/* ---- formats ---- */

static tarn_code format_open(const tn_bound_call *bound, const tn_value *const *constants,
                             tn_pool *pool, void **state, tarn_error *err)
{
    (void)pool;
    *state = NULL;
    const bool reading = bound->argument_types[0]->kind == TN_KIND_VARCHAR;
    if (constants[1] != NULL && !constants[1]->is_null) {
        const char *why = tn_strtime_check(constants[1]->str, reading);
        if (why != NULL) {
            return tn_fail(err, TARN_E_INVALID, "the format '%.*s' is wrong: %s",
                           TN_STR_ARGS(constants[1]->str), why);
        }
    }
    return TARN_OK;
}

static tarn_code run_strftime(tn_call *call, tarn_error *err)
{
    enum { PRINTED_MAX = 1 << 20 };
    const int64_t unit = unit_of(call->in_types[0]);
    const int64_t per_day = TN_NS_PER_DAY / unit;
    tn_text out;
    tarn_code code = TARN_OK;
    tn_text_init(&out, call->heap->pool, PRINTED_MAX);
    TN_EACH (call, row) {
        const int64_t value = value_at(call, 0, row);
        const tn_str format = tn_call_str(call, 1, row);
        tn_text_clear(&out);
        tn_strtime_print(format, tn_floor_div(value, per_day), tn_floor_mod(value, per_day) * unit,
                         &out);
        TN_TRY(tn_text_status(&out, err));
        TN_TRY(tn_call_put_str(call, row, out.data == NULL ? TN_STR("") : tn_text_str(&out), err));
    }
done:
    tn_text_deinit(&out);
    return code;
}

static bool parse_moment(tn_call *call, uint32_t row)
{
    int64_t day = 0;
    int64_t nanos = 0;
    int64_t us = 0;
    TN_OUT(call, int64_t, row) = 0;
    if (tn_strtime_parse(tn_call_str(call, 0, row), tn_call_str(call, 1, row), &day, &nanos) !=
            NULL ||
        __builtin_mul_overflow(day, TN_US_PER_DAY, &us) ||
        __builtin_add_overflow(us, nanos / 1000, &us)) {
        return false;
    }
    TN_OUT(call, int64_t, row) = us;
    return true;
}
static tarn_code run_strptime(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        if (!parse_moment(call, row)) {
            tn_call_fault(call, row);
        }
    }
    return TARN_OK;
}
static tarn_code run_try_strptime(tn_call *call, tarn_error *err)
{
    (void)err;
    TN_EACH (call, row) {
        if (!parse_moment(call, row)) {
            tn_call_null(call, row);
        }
    }
    return TARN_OK;
}
static tarn_code describe_strptime(const tn_bound_call *bound, const tn_value *arguments,
                                   tarn_error *err)
{
    (void)bound;
    int64_t day = 0;
    int64_t nanos = 0;
    const char *why = tn_strtime_parse(arguments[0].str, arguments[1].str, &day, &nanos);
    tn_fail(err, TARN_E_INVALID, "strptime: '%.60s' is not read by '%.60s': %s",
            arguments[0].str.size == 0 ? "" : arguments[0].str.data,
            arguments[1].str.size == 0 ? "" : arguments[1].str.data,
            why == NULL ? "it is out of range" : why);
    tn_hint(err, "try_strptime makes it NULL");
    return TARN_E_INVALID;
}

static const char *const month_of_year = "%B";
static const char *const day_of_week = "%A";
static tarn_code run_name(tn_call *call, tarn_error *err)
{
    const int64_t per_day = TN_NS_PER_DAY / unit_of(call->in_types[0]);
    const char *format = call->data;
    tn_text out;
    tarn_code code = TARN_OK;
    tn_text_init(&out, call->heap->pool, 256);
    TN_EACH (call, row) {
        tn_text_clear(&out);
        tn_strtime_print(tn_str_of(format), tn_floor_div(value_at(call, 0, row), per_day), 0, &out);
        TN_TRY(tn_text_status(&out, err));
        TN_TRY(tn_call_put_str(call, row, tn_text_str(&out), err));
    }
done:
    tn_text_deinit(&out);
    return code;
}
static const tn_kernel name_kernel = {.run = run_name};
static tarn_code resolve_name(tn_binder *binder, tarn_error *err)
{
    if (binder->count != 1) {
        return tn_coerce__no_overload(binder, err);
    }
    if (binder->children[0]->type->kind != TN_KIND_DATE) {
        TN_RETURN_IF_ERROR(tn_coerce__to(binder->context, binder->children[0], TN_TIMESTAMP,
                                         &binder->children[0], err));
    }
    binder->bound->kernel = &name_kernel;
    binder->bound->data = binder->function->binding->op == 0 ? day_of_week : month_of_year;
    binder->type = TN_VARCHAR;
    return TARN_OK;
}

/* ---- zones ---- */

/* Only UTC and its names: a timestamp with zone is in UTC already. */
static tarn_code resolve_timezone(tn_binder *binder, tarn_error *err)
{
    static const char *const names[] = {"UTC", "GMT", "Z", "Etc/UTC", "+00", "+00:00"};
    bool known = false;
    if (binder->count != 2 || !tn_coerce__is_text_literal(binder->children[0])) {
        return tn_coerce__no_overload(binder, err);
    }
    const tn_str zone = binder->children[0]->value.str;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        known |= tn_str_equal_fold(zone, tn_str_of(names[i]));
    }
    if (!known) {
        tn_fail(err, TARN_E_UNSUPPORTED, "time zone '%.*s'", TN_STR_ARGS(zone));
        tn_hint(err, "only UTC is known");
        return TARN_E_UNSUPPORTED;
    }
    const tn_type *type = binder->children[1]->type;
    const bool zoned = type->kind == TN_KIND_TIMESTAMPTZ;
    TN_RETURN_IF_ERROR(tn_coerce__to(binder->context, binder->children[1],
                                     zoned ? TN_TIMESTAMPTZ : TN_TIMESTAMP, &binder->children[1],
                                     err));
    return tn_expr_cast(binder->context, binder->children[1], zoned ? TN_TIMESTAMP : TN_TIMESTAMPTZ,
                        false, false, binder->span, &binder->replaced, err);
}

/* ---- the run's moment: fixed before its first read ---- */

static tarn_code resolve_now(tn_binder *binder, tarn_error *err)
{
    const int64_t now = binder->context->now_us;
    tn_value value = {.type = TN_TIMESTAMPTZ, .i64 = now};
    if (binder->count != 0) {
        return tn_coerce__no_overload(binder, err);
    }
    if (binder->function->binding->op == 1) {
        value = (tn_value){.type = TN_DATE, .i64 = tn_floor_div(now, TN_US_PER_DAY)};
    } else if (binder->function->binding->op == 2) {
        value = (tn_value){.type = TN_TIME, .i64 = tn_floor_mod(now, TN_US_PER_DAY)};
    } else if (binder->function->binding->op == 3) {
        value.type = TN_TIMESTAMP;
    }
    return tn_bind__literal(binder->context, &value, binder->span, &binder->replaced, err);
}

#define ENTRY(name_, signature_, doc_, example_, result_)                          \
    .name = (name_), .category = "time", .signature = (signature_), .doc = (doc_), \
    .example = (example_), .example_result = (result_)
#define PART(op_)                                      \
    .cost = 3, .binding = &(const tn_function_binding) \
    {                                                  \
        .resolve = resolve_part, .op = (op_)           \
    }
#define RESOLVE(rule, op_)                  \
    .binding = &(const tn_function_binding) \
    {                                       \
        .resolve = (rule), .op = (op_)      \
    }
#define FORMAT(run_)                       \
    {                                      \
        .run = (run_), .open = format_open \
    }
#define READ(run_)                                                                          \
    {                                                                                       \
        .run = (run_), .open = format_open, .can_fail = true, .describe = describe_strptime \
    }

static const tn_function functions[] = {
    {ENTRY("date_trunc", "date_trunc(unit VARCHAR, value) -> TIMESTAMP or INTERVAL",
           "The start of the value's year, quarter, month, week, day, hour...",
           "date_trunc('month', DATE '2001-02-28')", "2001-02-01 00:00:00"),
     .aliases = TN_ALIASES("datetrunc"), .cost = 4, RESOLVE(resolve_trunc, 0)},
    {ENTRY("date_part", "date_part(unit VARCHAR, value) -> BIGINT, EXTRACT(unit FROM value)",
           "One part of a date, time or interval; of epoch a DOUBLE.",
           "date_part('year', DATE '2001-02-28')", "2001"),
     .aliases = TN_ALIASES("extract", "datepart"), PART(TN_PART_NONE)},
    {ENTRY("year", "year(value) -> BIGINT", "The year.", "year(DATE '2001-02-28')", "2001"),
     .monotonicity = TN_INCREASING, PART(TN_PART_YEAR)},
    {ENTRY("quarter", "quarter(value) -> BIGINT", "The quarter, 1 to 4.",
           "quarter(DATE '2001-05-28')", "2"),
     PART(TN_PART_QUARTER)},
    {ENTRY("month", "month(value) -> BIGINT", "The month, 1 to 12.", "month(DATE '2001-02-28')",
           "2"),
     PART(TN_PART_MONTH)},
    {ENTRY("week", "week(value) -> BIGINT", "The ISO week, 1 to 53.", "week(DATE '2001-02-28')",
           "9"),
     .aliases = TN_ALIASES("weekofyear"), PART(TN_PART_WEEK)},
    {ENTRY("day", "day(value) -> BIGINT", "The day of the month.", "day(DATE '2001-02-28')", "28"),
     .aliases = TN_ALIASES("dayofmonth"), PART(TN_PART_DAY)},
    {ENTRY("dow", "dow(value) -> BIGINT", "The day of the week, Sunday 0 to Saturday 6.",
           "dow(DATE '2001-02-28')", "3"),
     .aliases = TN_ALIASES("dayofweek", "weekday"), PART(TN_PART_DOW)},
    {ENTRY("isodow", "isodow(value) -> BIGINT", "The day of the week, Monday 1 to Sunday 7.",
           "isodow(DATE '2001-03-04')", "7"),
     PART(TN_PART_ISODOW)},
    {ENTRY("doy", "doy(value) -> BIGINT", "The day of the year.", "doy(DATE '2001-02-28')", "59"),
     .aliases = TN_ALIASES("dayofyear"), PART(TN_PART_DOY)},
    {ENTRY("isoyear", "isoyear(value) -> BIGINT", "The year of the ISO week.",
           "isoyear(DATE '2001-12-31')", "2002"),
     PART(TN_PART_ISOYEAR)},
    {ENTRY("hour", "hour(value) -> BIGINT", "The hour.", "hour(TIMESTAMP '2001-02-28 13:05:07')",
           "13"),
     PART(TN_PART_HOUR)},
    {ENTRY("minute", "minute(value) -> BIGINT", "The minute.",
           "minute(TIMESTAMP '2001-02-28 13:05:07')", "5"),
     PART(TN_PART_MINUTE)},
    {ENTRY("second", "second(value) -> BIGINT", "The second.",
           "second(TIMESTAMP '2001-02-28 13:05:07')", "7"),
     PART(TN_PART_SECOND)},
    {ENTRY("millisecond", "millisecond(value) -> BIGINT", "The second in milliseconds.",
           "millisecond(TIMESTAMP '2001-02-28 13:05:07.25')", "7250"),
     PART(TN_PART_MILLISECOND)},
    {ENTRY("microsecond", "microsecond(value) -> BIGINT", "The second in microseconds.",
           "microsecond(TIMESTAMP '2001-02-28 13:05:07.25')", "7250000"),
     PART(TN_PART_MICROSECOND)},
    {ENTRY("epoch", "epoch(value) -> DOUBLE", "Seconds since 1970-01-01, UTC.",
           "epoch(TIMESTAMP '1970-01-02 00:00:00.5')", "86400.5"),
     PART(TN_PART_EPOCH)},
    {ENTRY("date_diff", "date_diff(unit VARCHAR, from, to) -> BIGINT",
           "How many borders of the unit lie between.",
           "date_diff('month', DATE '2001-01-31', DATE '2001-03-01')", "2"),
     .aliases = TN_ALIASES("datediff"), .cost = 4, RESOLVE(resolve_diff, 0)},
    {ENTRY("date_add", "date_add(value, by INTERVAL) -> as value + by", "Later by an interval.",
           "date_add(DATE '2001-01-31', INTERVAL '1 month')", "2001-02-28 00:00:00"),
     .cost = 3, .can_fail = true, RESOLVE(resolve_date_add, 0)},
    {ENTRY("date_sub", "date_sub(value, by INTERVAL) -> as value - by", "Earlier by an interval.",
           "date_sub(DATE '2001-03-31', INTERVAL '1 month')", "2001-02-28 00:00:00"),
     .cost = 3, .can_fail = true, RESOLVE(resolve_date_add, 1)},
    {ENTRY("age", "age(later TIMESTAMP, earlier TIMESTAMP) -> INTERVAL",
           "The time between in years, months, days and less.",
           "age(TIMESTAMP '2001-03-01', TIMESTAMP '2000-01-31')", "1 year 1 mon 1 day"),
     .cost = 4,
     .binding = TN_OVERLOADS({"TT", 'v', {.run = run_age}}, {"ZZ", 'v', {.run = run_age}})},
    {ENTRY("make_date", "make_date(year BIGINT, month BIGINT, day BIGINT) -> DATE",
           "The date of these parts.", "make_date(2001, 2, 28)", "2001-02-28"),
     .cost = 2, .can_fail = true,
     .binding = TN_OVERLOADS({"lll", 'D', {.run = run_make_date, .can_fail = true}})},
    {ENTRY("make_timestamp",
           "make_timestamp(year, month, day, hour, minute BIGINT, second DOUBLE) -> TIMESTAMP",
           "The timestamp of these parts.", "make_timestamp(2001, 2, 28, 13, 5, 7.5)",
           "2001-02-28 13:05:07.5"),
     .cost = 2, .can_fail = true,
     .binding = TN_OVERLOADS({"llllld", 'T', {.run = run_make_timestamp, .can_fail = true}})},
    {ENTRY("to_timestamp", "to_timestamp(seconds DOUBLE) -> TIMESTAMP WITH TIME ZONE",
           "The moment so many seconds after 1970-01-01, UTC.", "to_timestamp(86400)",
           "1970-01-02 00:00:00+00"),
     .cost = 2, .can_fail = true, .monotonicity = TN_INCREASING,
     .binding = TN_OVERLOADS({"d", 'Z', {.run = run_to_timestamp, .can_fail = true}})},
    {ENTRY("epoch_ms", "epoch_ms(milliseconds BIGINT) -> TIMESTAMP, epoch_ms(value) -> BIGINT",
           "Milliseconds since 1970-01-01 as a timestamp, and back.", "epoch_ms(86400000)",
           "1970-01-02 00:00:00"),
     .cost = 2, .can_fail = true, .monotonicity = TN_INCREASING,
     .binding = TN_OVERLOADS({"l", 'T', {.run = run_epoch_ms, .can_fail = true}},
                             {"T", 'l', {.run = run_ms_of}}, {"Z", 'l', {.run = run_ms_of}})},
    {ENTRY("last_day", "last_day(value DATE) -> DATE", "The last day of its month.",
           "last_day(DATE '2000-02-03')", "2000-02-29"),
     .cost = 2, .monotonicity = TN_INCREASING,
     .binding = TN_OVERLOADS({"D", 'D', {.run = run_last_day}})},
    {ENTRY("dayname", "dayname(value) -> VARCHAR", "The weekday's English name.",
           "dayname(DATE '2001-02-28')", "Wednesday"),
     .cost = 4, RESOLVE(resolve_name, 0)},
    {ENTRY("monthname", "monthname(value) -> VARCHAR", "The month's English name.",
           "monthname(DATE '2001-02-28')", "February"),
     .cost = 4, RESOLVE(resolve_name, 1)},
    {ENTRY("strftime", "strftime(value, format VARCHAR) -> VARCHAR",
           "Written by a format: %Y-%m-%d %H:%M:%S and others.",
           "strftime(DATE '2001-02-28', '%d.%m.%Y')", "28.02.2001"),
     .cost = 7,
     .binding = TN_OVERLOADS({"Ds", 's', FORMAT(run_strftime)}, {"Ts", 's', FORMAT(run_strftime)},
                             {"Zs", 's', FORMAT(run_strftime)}, {"Ns", 's', FORMAT(run_strftime)})},
    {ENTRY("strptime", "strptime(text VARCHAR, format VARCHAR) -> TIMESTAMP", "Read by a format.",
           "strptime('28.02.2001', '%d.%m.%Y')", "2001-02-28 00:00:00"),
     .cost = 7, .can_fail = true, .binding = TN_OVERLOADS({"ss", 'T', READ(run_strptime)})},
    {ENTRY("try_strptime", "try_strptime(text VARCHAR, format VARCHAR) -> TIMESTAMP",
           "Read by a format; NULL where it does not fit.", "try_strptime('gull', '%d.%m.%Y')",
           "NULL"),
     .cost = 7, .binding = TN_OVERLOADS({"ss", 'T', FORMAT(run_try_strptime)})},
    {ENTRY("timezone", "timezone(zone VARCHAR, value) or value AT TIME ZONE zone",
           "A timestamp as that zone's, or a zoned one as that zone's clock shows it (UTC only).",
           "timezone('UTC', TIMESTAMP '2001-02-28 13:00:00')", "2001-02-28 13:00:00+00"),
     .cost = 1, RESOLVE(resolve_timezone, 0)},
    {ENTRY("now", "now() -> TIMESTAMP WITH TIME ZONE", "When the statement began.", NULL, NULL),
     .aliases = TN_ALIASES("current_timestamp", "transaction_timestamp", "get_current_timestamp"),
     .volatility = TN_STABLE, .cost = 1, RESOLVE(resolve_now, 0)},
    {ENTRY("current_date", "current_date -> DATE", "The day the statement began, UTC.", NULL, NULL),
     .aliases = TN_ALIASES("today"), .volatility = TN_STABLE, .cost = 1, RESOLVE(resolve_now, 1)},
    {ENTRY("current_time", "current_time -> TIME", "The time the statement began, UTC.", NULL,
           NULL),
     .volatility = TN_STABLE, .cost = 1, RESOLVE(resolve_now, 2)},
    {ENTRY("localtimestamp", "localtimestamp -> TIMESTAMP", "When the statement began, UTC.", NULL,
           NULL),
     .volatility = TN_STABLE, .cost = 1, RESOLVE(resolve_now, 3)},
};

static const tn_kernel *const kernels[] = {&part_kernel, &trunc_kernel, &trunc_interval_kernel,
                                           &diff_kernel, &name_kernel,  NULL};
const tn_function_list tn__time_functions = {functions, sizeof(functions) / sizeof(*functions),
                                             kernels};

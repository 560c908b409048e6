/* The builders of expressions: each is one term. */
#include "api/api_internal.h"

#include "base/utf8.h"
#include "frame/term.h"

static tarn_expr *leaf(const tarn_expr *like)
{
    return tn_term_make(tn_process_pool(), like, NULL, 0);
}

static tarn_expr *bad(const char *message)
{
    return tn_term_error(tn_process_pool(), TARN_E_INVALID, message);
}

static tarn_expr *with(tn_term_kind kind, const char *text, tarn_expr *const *children,
                       size_t count)
{
    const tarn_expr like = {.kind = kind, .text = tn_str_of(text)};
    return tn_term_make(tn_process_pool(), &like, children, count);
}

static tarn_expr *one(const char *name, tarn_expr *child)
{
    return with(TN_TERM_CALL, name, &child, 1);
}

static tarn_expr *two(const char *name, tarn_expr *left, tarn_expr *right)
{
    tarn_expr *const pair[] = {left, right};
    return with(TN_TERM_CALL, name, pair, 2);
}

/* A child is consumed though its parent could not be made. */
static tarn_expr *bad_over(const char *message, tarn_expr *const *children, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tn_term_release(children[i]);
    }
    return bad(message);
}

tarn_expr *tarn_expr_retain(tarn_expr *expr)
{
    return tn_term_retain(expr);
}

void tarn_expr_release(tarn_expr *expr)
{
    tn_term_release(expr);
}

/* ---- columns and literals ---- */

static tarn_expr *column(const char *name, uint8_t side)
{
    if (name == NULL) {
        return bad("the name of a column is NULL");
    }
    return leaf(&(tarn_expr){.kind = TN_TERM_COLUMN, .text = tn_str_of(name), .side = side});
}

tarn_expr *tarn_col(const char *name)
{
    return column(name, 0);
}

tarn_expr *tarn_left(const char *name)
{
    return column(name, 1);
}

tarn_expr *tarn_right(const char *name)
{
    return column(name, 2);
}

tarn_expr *tarn_all(void)
{
    return leaf(&(tarn_expr){.kind = TN_TERM_ALL});
}

static tarn_expr *literal(tn_value value)
{
    return leaf(&(tarn_expr){.kind = TN_TERM_LITERAL, .value = value});
}

tarn_expr *tarn_null(void)
{
    return literal(tn_value_null(TN_TYPE_NULL));
}

tarn_expr *tarn_bool(bool value)
{
    return literal(tn_value_boolean(value));
}

tarn_expr *tarn_i64(int64_t value)
{
    const bool is_small = value >= INT32_MIN && value <= INT32_MAX; /* as SQL reads them */
    return literal((tn_value){.type = is_small ? TN_INTEGER : TN_BIGINT, .i64 = value});
}

tarn_expr *tarn_u64(uint64_t value)
{
    return literal((tn_value){.type = TN_UBIGINT, .u64 = value});
}

tarn_expr *tarn_f64(double value)
{
    return literal(tn_value_double(value));
}

static bool is_utf8(const char *text)
{
    return tn_utf8_valid(text, strlen(text));
}

tarn_expr *tarn_str(const char *text)
{
    return text == NULL     ? bad("a text is NULL; a null value is tarn_null()")
           : !is_utf8(text) ? bad("a text is no UTF-8; bytes are tarn_blob()")
                            : literal(tn_value_varchar(tn_str_of(text)));
}

tarn_expr *tarn_blob(const void *data, size_t size)
{
    if (data == NULL && size > 0) {
        return bad("the bytes of a blob are NULL");
    }
    return literal((tn_value){.type = TN_BLOB, .str = {data, size}});
}

static tarn_expr *typed(const char *text, const char *type)
{
    if (text == NULL) {
        return bad("a text is NULL; a null value is tarn_null()");
    }
    return leaf(&(tarn_expr){.kind = TN_TERM_TYPED,
                             .text = tn_str_of(type),
                             .value = tn_value_varchar(tn_str_of(text))});
}

tarn_expr *tarn_decimal(const char *digits)
{
    return digits == NULL ? bad("the digits of a decimal are NULL")
                          : with(TN_TERM_DECIMAL, digits, NULL, 0);
}

tarn_expr *tarn_date(const char *text)
{
    return typed(text, "DATE");
}

tarn_expr *tarn_time(const char *text)
{
    return typed(text, "TIME");
}

tarn_expr *tarn_timestamp(const char *text)
{
    return typed(text, "TIMESTAMP");
}

tarn_expr *tarn_timestamptz(const char *text)
{
    return typed(text, "TIMESTAMPTZ");
}

tarn_expr *tarn_interval(const char *text)
{
    return typed(text, "INTERVAL");
}

/* ---- comparisons and logic ---- */

tarn_expr *tarn_eq(tarn_expr *left, tarn_expr *right)
{
    return two("=", left, right);
}

tarn_expr *tarn_ne(tarn_expr *left, tarn_expr *right)
{
    return two("<>", left, right);
}

tarn_expr *tarn_lt(tarn_expr *left, tarn_expr *right)
{
    return two("<", left, right);
}

tarn_expr *tarn_le(tarn_expr *left, tarn_expr *right)
{
    return two("<=", left, right);
}

tarn_expr *tarn_gt(tarn_expr *left, tarn_expr *right)
{
    return two(">", left, right);
}

tarn_expr *tarn_ge(tarn_expr *left, tarn_expr *right)
{
    return two(">=", left, right);
}

tarn_expr *tarn_same(tarn_expr *left, tarn_expr *right)
{
    return two("is_not_distinct_from", left, right);
}

tarn_expr *tarn_between(tarn_expr *value, tarn_expr *low, tarn_expr *high)
{
    tarn_expr *again = tn_term_retain(value);
    return tarn_and(tarn_ge(value, low), tarn_le(again, high));
}

static tarn_expr *in(tarn_expr *value, tarn_exprs list, bool negated)
{
    tarn_expr *head = value;
    const tarn_expr like = {.kind = TN_TERM_IN, .flag = negated};
    void *memory;
    if (list.count == 0) {
        return bad_over("a list of IN is empty", &head, 1);
    }
    const size_t size = (list.count + 1) * sizeof(tarn_expr *);
    if (tn_pool_alloc(tn_process_pool(), size, &memory, NULL) != TARN_OK) {
        tn_term_release(value);
        for (size_t i = 0; i < list.count; i++) {
            tn_term_release(list.items[i]);
        }
        return NULL;
    }
    tarn_expr **all = memory;
    all[0] = value;
    memcpy(all + 1, list.items, list.count * sizeof(*all));
    tarn_expr *made = tn_term_make(tn_process_pool(), &like, all, list.count + 1);
    tn_pool_free(tn_process_pool(), memory, size);
    return made;
}

tarn_expr *tarn_in(tarn_expr *value, tarn_exprs list)
{
    return in(value, list, false);
}

tarn_expr *tarn_not_in(tarn_expr *value, tarn_exprs list)
{
    return in(value, list, true);
}

tarn_expr *tarn_like(tarn_expr *text, const char *pattern)
{
    return two("like", text, tarn_str(pattern));
}

tarn_expr *tarn_ilike(tarn_expr *text, const char *pattern)
{
    return two("ilike", text, tarn_str(pattern));
}

tarn_expr *tarn_is_null(tarn_expr *value)
{
    return one("is_null", value);
}

tarn_expr *tarn_is_not_null(tarn_expr *value)
{
    return one("is_not_null", value);
}

tarn_expr *tarn_and(tarn_expr *left, tarn_expr *right)
{
    tarn_expr *const pair[] = {left, right};
    return with(TN_TERM_AND, NULL, pair, 2);
}

tarn_expr *tarn_or(tarn_expr *left, tarn_expr *right)
{
    tarn_expr *const pair[] = {left, right};
    return with(TN_TERM_OR, NULL, pair, 2);
}

tarn_expr *tarn_not(tarn_expr *value)
{
    return one("not", value);
}

/* ---- arithmetic ---- */

tarn_expr *tarn_add(tarn_expr *left, tarn_expr *right)
{
    return two("+", left, right);
}

tarn_expr *tarn_sub(tarn_expr *left, tarn_expr *right)
{
    return two("-", left, right);
}

tarn_expr *tarn_mul(tarn_expr *left, tarn_expr *right)
{
    return two("*", left, right);
}

tarn_expr *tarn_div(tarn_expr *left, tarn_expr *right)
{
    return two("/", left, right);
}

tarn_expr *tarn_mod(tarn_expr *left, tarn_expr *right)
{
    return two("%", left, right);
}

tarn_expr *tarn_neg(tarn_expr *value)
{
    return one("-", value);
}

/* ---- choosing and converting ---- */

static tarn_expr *cast(tarn_expr *value, const char *type, bool may_fail)
{
    const tarn_expr like = {.kind = TN_TERM_CAST, .text = tn_str_of(type), .flag = may_fail};
    return type == NULL ? bad_over("the type of a cast is NULL", &value, 1)
                        : tn_term_make(tn_process_pool(), &like, &value, 1);
}

tarn_expr *tarn_cast(tarn_expr *value, const char *type)
{
    return cast(value, type, false);
}

tarn_expr *tarn_try_cast(tarn_expr *value, const char *type)
{
    return cast(value, type, true);
}

tarn_expr *tarn_if(tarn_expr *condition, tarn_expr *yes, tarn_expr *no)
{
    tarn_expr *const branches[] = {condition, yes, no};
    return with(TN_TERM_CASE, NULL, branches, 3);
}

tarn_expr *tarn_case(tarn_exprs branches)
{
    return branches.count < 2
               ? bad_over("a case needs a when and a then", branches.items, branches.count)
               : with(TN_TERM_CASE, NULL, branches.items, branches.count);
}

tarn_expr *tarn_call(const char *name, tarn_exprs arguments)
{
    return name == NULL
               ? bad_over("the name of a function is NULL", arguments.items, arguments.count)
               : with(TN_TERM_CALL, name, arguments.items, arguments.count);
}

/* ---- aggregates ---- */

static tarn_expr *aggregate(const char *name, tarn_expr *values)
{
    return with(TN_TERM_AGGREGATE, name, &values, 1);
}

tarn_expr *tarn_count_rows(void)
{
    return with(TN_TERM_AGGREGATE, "count", NULL, 0);
}

tarn_expr *tarn_count(tarn_expr *values)
{
    return aggregate("count", values);
}

tarn_expr *tarn_count_distinct(tarn_expr *values)
{
    return aggregate("count_distinct", values);
}

tarn_expr *tarn_sum(tarn_expr *values)
{
    return aggregate("sum", values);
}

tarn_expr *tarn_avg(tarn_expr *values)
{
    return aggregate("avg", values);
}

tarn_expr *tarn_min(tarn_expr *values)
{
    return aggregate("min", values);
}

tarn_expr *tarn_max(tarn_expr *values)
{
    return aggregate("max", values);
}

tarn_expr *tarn_median(tarn_expr *values)
{
    return aggregate("median", values);
}

tarn_expr *tarn_quantile(tarn_expr *values, double share)
{
    tarn_expr *const pair[] = {values, tarn_f64(share)};
    return with(TN_TERM_AGGREGATE, "quantile_cont", pair, 2);
}

tarn_expr *tarn_stddev(tarn_expr *values)
{
    return aggregate("stddev", values);
}

tarn_expr *tarn_first(tarn_expr *values)
{
    return aggregate("first", values);
}

tarn_expr *tarn_last(tarn_expr *values)
{
    return aggregate("last", values);
}

tarn_expr *tarn_aggregate(const char *name, tarn_exprs arguments)
{
    return name == NULL
               ? bad_over("the name of an aggregate is NULL", arguments.items, arguments.count)
               : with(TN_TERM_AGGREGATE, name, arguments.items, arguments.count);
}

tarn_expr *tarn_where(tarn_expr *aggregated, tarn_expr *predicate)
{
    tarn_expr *children[8];
    tarn_expr *const both[] = {aggregated, predicate};
    if (aggregated == NULL || predicate == NULL) {
        tn_term_release(aggregated);
        tn_term_release(predicate);
        return NULL;
    }
    const size_t count = aggregated->child_count;
    if (aggregated->kind != TN_TERM_AGGREGATE || aggregated->flag || count >= 8) {
        return bad_over("tarn_where() stands around an aggregate, once", both, 2);
    }
    const tarn_expr like = {.kind = TN_TERM_AGGREGATE, .text = aggregated->text, .flag = true};
    for (size_t i = 0; i < count; i++) {
        children[i] = tn_term_retain(aggregated->children[i]);
    }
    children[count] = predicate;
    tarn_expr *made = tn_term_make(tn_process_pool(), &like, children, count + 1);
    tn_term_release(aggregated);
    return made;
}

/* ---- names and order ---- */

tarn_expr *tarn_as(tarn_expr *values, const char *name)
{
    return name == NULL || name[0] == '\0' ? bad_over("the name in tarn_as() is empty", &values, 1)
           : !is_utf8(name) ? bad_over("the name in tarn_as() is no UTF-8", &values, 1)
                            : with(TN_TERM_AS, name, &values, 1);
}

static tarn_expr *sorted(tarn_expr *values, bool descending, tn_term_nulls nulls)
{
    const tarn_expr like = {.kind = TN_TERM_SORT, .flag = descending, .nulls = nulls};
    return tn_term_make(tn_process_pool(), &like, &values, 1);
}

tarn_expr *tarn_asc(tarn_expr *values)
{
    return sorted(values, false, TN_NULLS_DEFAULT);
}

tarn_expr *tarn_desc(tarn_expr *values)
{
    return sorted(values, true, TN_NULLS_DEFAULT);
}

tarn_expr *tarn_nulls_first(tarn_expr *order)
{
    return sorted(order, false, TN_NULLS_FIRST);
}

tarn_expr *tarn_nulls_last(tarn_expr *order)
{
    return sorted(order, false, TN_NULLS_LAST);
}

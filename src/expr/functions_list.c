/* Lists put in order, and summed up: list_sort, list_distinct, list_sum... */
#include "base/vec.h"
#include "expr/nested_internal.h"
#include "kernel/arithmetic.h"

/* ---- in order ---- */

typedef struct list_order {
    bool descending, nulls_first;
} list_order;

typedef TN_VEC(uint32_t) places;
enum { SUM_DIGITS = 38, TEXT_MAX = 1 << 28 };

static bool is_null_at(const tn_column *elements, uint32_t at)
{
    return tn_column_locate(elements, &at) == NULL;
}

/* Merges runs of `width` places, equal ones in the order they had. */
static void merge_runs(const tn_column *elements, bool descending, const uint32_t *from,
                       uint32_t *to, size_t count, size_t width)
{
    for (size_t start = 0; start < count; start += 2 * width) {
        const size_t middle = start + width < count ? start + width : count;
        const size_t end = middle + width < count ? middle + width : count;
        size_t left = start;
        size_t right = middle;
        for (size_t out = start; out < end; out++) {
            bool take_right = left == middle;
            if (!take_right && right < end) {
                const int order = tn_column_compare(elements, from[right], elements, from[left]);
                take_right = descending ? order > 0 : order < 0;
            }
            to[out] = take_right ? from[right++] : from[left++];
        }
    }
}

/* The places of the values that are not null, in order; `spare` is of use to the sorting alone. */
static TN_FALLIBLE sorted(const tn_column *elements, tn_list list, bool descending, places *out,
                          places *spare, tarn_error *err)
{
    out->count = 0;
    for (uint32_t i = 0; i < list.length; i++) {
        if (!is_null_at(elements, list.offset + i)) {
            TN_RETURN_IF_ERROR(tn_vec_push(out, list.offset + i, err));
        }
    }
    spare->count = 0;
    TN_RETURN_IF_ERROR(tn_vec_reserve(spare, out->count, err));
    spare->count = out->count;
    for (size_t width = 1; width < out->count; width *= 2) {
        merge_runs(elements, descending, out->items, spare->items, out->count, width);
        const places swap = *out;
        *out = *spare;
        *spare = swap;
    }
    return TARN_OK;
}

static TN_FALLIBLE put_at(tn_call *call, const tn_column *elements, uint32_t at, tarn_error *err)
{
    tn_value value;
    TN_RETURN_IF_ERROR(tn_list__element(call, elements, at, &value, err));
    return tn_gather__put(call, 0, &value, err);
}

static TN_FALLIBLE put_nulls(tn_call *call, const tn_column *elements, size_t count,
                             tarn_error *err)
{
    const tn_value null = tn_value_null(elements->type);
    for (size_t i = 0; i < count; i++) {
        TN_RETURN_IF_ERROR(tn_gather__put(call, 0, &null, err));
    }
    return TARN_OK;
}

static tarn_code run_sort(tn_call *call, tarn_error *err)
{
    tarn_code code = TARN_OK;
    const list_order *order = call->data;
    tn_pool *pool = ((const gathered *)call->state)->pool;
    places found = TN_VEC_INIT(pool);
    places spare = TN_VEC_INIT(pool);
    const tn_column *elements = tn_list__elements(call, 0, 0);
    TN_TRY(tn_gather__begin(call, err));
    TN_EACH (call, row) {
        const tn_list list = tn_list__at(call, 0, row);
        TN_OUT(call, tn_list, row) = (tn_list){tn_gather__count(call), list.length};
        TN_TRY(sorted(elements, list, order->descending, &found, &spare, err));
        const size_t nulls = list.length - found.count;
        TN_TRY(put_nulls(call, elements, order->nulls_first ? nulls : 0, err));
        for (size_t i = 0; i < found.count; i++) {
            TN_TRY(put_at(call, elements, found.items[i], err));
        }
        TN_TRY(put_nulls(call, elements, order->nulls_first ? 0 : nulls, err));
    }
    TN_TRY(tn_gather__end(call, err));
done:
    tn_vec_free(&found);
    tn_vec_free(&spare);
    return code;
}

static TN_FALLIBLE read_order(const tn_binder *binder, uint32_t i, bool *out, const char *yes,
                              const char *no, tarn_error *err)
{
    const tn_expr *word = i < binder->count ? binder->children[i] : NULL;
    if (word == NULL) {
        return TARN_OK;
    }
    if (tn_coerce__is_text_literal(word)) {
        *out = tn_str_equal_fold(word->value.str, tn_str_of(yes));
        if (*out || tn_str_equal_fold(word->value.str, tn_str_of(no))) {
            return TARN_OK;
        }
    }
    return tn_bind__fail(err, word->span, "%s wants '%s' or '%s' here", binder->function->name, no,
                         yes);
}

static const tn_kernel sort_kernel = GATHER(run_sort);
static tarn_code resolve_sort(tn_binder *binder, tarn_error *err)
{
    list_order *order = NULL;
    const bool reverse = binder->function->binding->op == 1;
    if (binder->count == 0 || binder->count > (reverse ? 1U : 3U)) {
        return tn_coerce__no_overload(binder, err);
    }
    TN_RETURN_IF_ERROR(tn_list__need(binder, 0, err));
    TN_RETURN_IF_ERROR(tn_arena_new(binder->context->arena, list_order, &order, err));
    order->descending = reverse;
    TN_RETURN_IF_ERROR(read_order(binder, 1, &order->descending, "DESC", "ASC", err));
    TN_RETURN_IF_ERROR(
        read_order(binder, 2, &order->nulls_first, "NULLS FIRST", "NULLS LAST", err));
    binder->bound->kernel = &sort_kernel; /* the words stay children: for printing, comparing */
    binder->bound->data = order;
    binder->type = binder->children[0]->type;
    return TARN_OK;
}

static tarn_code run_reverse(tn_call *call, tarn_error *err)
{
    const tn_column *elements = tn_list__elements(call, 0, 0);
    TN_RETURN_IF_ERROR(tn_gather__begin(call, err));
    TN_EACH (call, row) {
        const tn_list list = tn_list__at(call, 0, row);
        TN_OUT(call, tn_list, row) = (tn_list){tn_gather__count(call), list.length};
        for (uint32_t i = list.length; i > 0; i--) {
            TN_RETURN_IF_ERROR(put_at(call, elements, list.offset + i - 1, err));
        }
    }
    return tn_gather__end(call, err);
}

/* Equal places are neighbours once they are sorted, the first of them in the list first. */
static size_t drop_equal(const tn_column *elements, places *found)
{
    size_t kept = 0;
    for (size_t i = 0; i < found->count; i++) {
        const uint32_t at = found->items[i];
        if (kept == 0 || tn_column_compare(elements, found->items[kept - 1], elements, at) != 0) {
            found->items[kept++] = at;
        }
    }
    found->count = kept;
    return kept;
}

/* Puts the values whose places are found in the order of the list. */
static TN_FALLIBLE put_marked(tn_call *call, const tn_column *elements, tn_list list,
                              const places *found, places *marks, tarn_error *err)
{
    marks->count = 0;
    TN_RETURN_IF_ERROR(tn_vec_reserve(marks, list.length, err));
    for (uint32_t i = 0; i < list.length; i++) {
        marks->items[i] = 0;
    }
    for (size_t i = 0; i < found->count; i++) {
        marks->items[found->items[i] - list.offset] = 1;
    }
    for (uint32_t i = 0; i < list.length; i++) {
        if (marks->items[i] != 0) {
            TN_RETURN_IF_ERROR(put_at(call, elements, list.offset + i, err));
        }
    }
    return TARN_OK;
}

static tarn_code run_distinct(tn_call *call, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_pool *pool = ((const gathered *)call->state)->pool;
    places found = TN_VEC_INIT(pool);
    places spare = TN_VEC_INIT(pool);
    const tn_column *elements = tn_list__elements(call, 0, 0);
    TN_TRY(tn_gather__begin(call, err));
    TN_EACH (call, row) {
        const tn_list list = tn_list__at(call, 0, row);
        const uint32_t first = tn_gather__count(call);
        TN_TRY(sorted(elements, list, false, &found, &spare, err));
        const size_t kept = drop_equal(elements, &found);
        TN_OUT(call, tn_list, row) = (tn_list){first, (uint32_t)kept};
        TN_TRY(put_marked(call, elements, list, &found, &spare, err));
    }
    TN_TRY(tn_gather__end(call, err));
done:
    tn_vec_free(&found);
    tn_vec_free(&spare);
    return code;
}

static const tn_kernel reverse_kernel = GATHER(run_reverse);
static const tn_kernel distinct_kernel = GATHER(run_distinct);
static tarn_code resolve_same(tn_binder *binder, tarn_error *err)
{
    if (binder->count != 1) {
        return tn_coerce__no_overload(binder, err);
    }
    TN_RETURN_IF_ERROR(tn_list__need(binder, 0, err));
    binder->bound->kernel = binder->function->binding->op == 0 ? &reverse_kernel : &distinct_kernel;
    binder->type = binder->children[0]->type;
    return TARN_OK;
}

/* ---- counts ---- */

static tarn_code run_unique(tn_call *call, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_pool *pool = ((const gathered *)call->state)->pool;
    places found = TN_VEC_INIT(pool);
    places spare = TN_VEC_INIT(pool);
    const tn_column *elements = tn_list__elements(call, 0, 0);
    TN_EACH (call, row) {
        TN_TRY(sorted(elements, tn_list__at(call, 0, row), false, &found, &spare, err));
        TN_OUT(call, int64_t, row) = (int64_t)drop_equal(elements, &found);
    }
done:
    tn_vec_free(&found);
    tn_vec_free(&spare);
    return code;
}

static tarn_code run_count(tn_call *call, tarn_error *err)
{
    const tn_column *elements = tn_list__elements(call, 0, 0);
    (void)err;
    TN_EACH (call, row) {
        const tn_list list = tn_list__at(call, 0, row);
        int64_t known = 0;
        for (uint32_t i = 0; i < list.length; i++) {
            known += !is_null_at(elements, list.offset + i);
        }
        TN_OUT(call, int64_t, row) = known;
    }
    return TARN_OK;
}

static const tn_kernel unique_kernel = GATHER(run_unique);
static const tn_kernel count_kernel = {.run = run_count};
static tarn_code resolve_count(tn_binder *binder, tarn_error *err)
{
    if (binder->count != 1) {
        return tn_coerce__no_overload(binder, err);
    }
    TN_RETURN_IF_ERROR(tn_list__need(binder, 0, err));
    binder->bound->kernel = binder->function->binding->op == 0 ? &count_kernel : &unique_kernel;
    binder->type = TN_BIGINT;
    return TARN_OK;
}

/* ---- the least and the greatest ---- */

static uint32_t extreme_place(const tn_call *call, uint32_t row, bool max)
{
    const tn_column *elements = tn_list__elements(call, 0, 0);
    const tn_list list = tn_list__at(call, 0, row);
    uint32_t best = UINT32_MAX;
    for (uint32_t at = list.offset; at < list.offset + list.length; at++) {
        if (is_null_at(elements, at)) {
            continue;
        }
        const int order = best == UINT32_MAX ? 0 : tn_column_compare(elements, at, elements, best);
        best = best == UINT32_MAX || (max ? order > 0 : order < 0) ? at : best;
    }
    return best;
}
static tarn_code at_least(tn_call *call, uint32_t row, uint32_t *at, tarn_error *err)
{
    (void)err;
    *at = extreme_place(call, row, false);
    return TARN_OK;
}
static tarn_code at_greatest(tn_call *call, uint32_t row, uint32_t *at, tarn_error *err)
{
    (void)err;
    *at = extreme_place(call, row, true);
    return TARN_OK;
}
static tarn_code run_min(tn_call *call, tarn_error *err)
{
    return tn_list__extract(call, 0, at_least, err);
}
static tarn_code run_max(tn_call *call, tarn_error *err)
{
    return tn_list__extract(call, 0, at_greatest, err);
}

static const tn_kernel min_kernel = GATHER(run_min);
static const tn_kernel max_kernel = GATHER(run_max);
static tarn_code resolve_extreme(tn_binder *binder, tarn_error *err)
{
    if (binder->count != 1) {
        return tn_coerce__no_overload(binder, err);
    }
    TN_RETURN_IF_ERROR(tn_list__need(binder, 0, err));
    binder->bound->kernel = binder->function->binding->op == 0 ? &min_kernel : &max_kernel;
    binder->type = binder->children[0]->type->fields[0].type;
    return TARN_OK;
}

/* ---- sums ---- */

static tarn_code run_sum_wide(tn_call *call, tarn_error *err)
{
    const tn_column *elements = tn_list__elements(call, 0, 0);
    const tn_i128 most = tn_power_of_ten_i128(SUM_DIGITS) - 1;
    TN_EACH (call, row) {
        const tn_list list = tn_list__at(call, 0, row);
        tn_i128 sum = 0;
        uint32_t known = 0;
        bool fits = true;
        for (uint32_t i = 0; i < list.length; i++) {
            tn_value value;
            TN_RETURN_IF_ERROR(tn_list__element(call, elements, list.offset + i, &value, err));
            if (!value.is_null) {
                known++;
                fits = fits && !__builtin_add_overflow(sum, value.i128, &sum);
            }
        }
        if (known == 0) {
            tn_call_null(call, row);
        } else if (!fits || sum > most || sum < -most) {
            tn_call_fault(call, row);
        }
        TN_OUT(call, tn_i128, row) = sum;
    }
    return TARN_OK;
}

static tarn_code describe_sum(const tn_bound_call *bound, const tn_value *arguments,
                              tarn_error *err)
{
    (void)bound;
    (void)arguments;
    const tarn_code code =
        tn_fail(err, TARN_E_INVALID, "list_sum: the sum has more than 38 digits");
    tn_hint(err, "cast the list to DOUBLE[]");
    return code;
}

/* Of whole numbers to 32 bits, as BIGINT: no list is so long that their sum passes it. */
static tarn_code run_sum_small(tn_call *call, tarn_error *err)
{
    const tn_column *elements = tn_list__elements(call, 0, 0);
    TN_EACH (call, row) {
        const tn_list list = tn_list__at(call, 0, row);
        uint64_t sum = 0;
        uint32_t known = 0;
        for (uint32_t i = 0; i < list.length; i++) {
            tn_value value;
            TN_RETURN_IF_ERROR(tn_list__element(call, elements, list.offset + i, &value, err));
            sum += value.is_null ? 0 : value.u64;
            known += !value.is_null;
        }
        if (known == 0) {
            tn_call_null(call, row);
        }
        TN_OUT(call, int64_t, row) = (int64_t)sum;
    }
    return TARN_OK;
}

static TN_FALLIBLE sum_floats(tn_call *call, bool mean, tarn_error *err)
{
    const tn_column *elements = tn_list__elements(call, 0, 0);
    TN_EACH (call, row) {
        const tn_list list = tn_list__at(call, 0, row);
        double sum = 0;
        uint32_t known = 0;
        for (uint32_t i = 0; i < list.length; i++) {
            tn_value value;
            TN_RETURN_IF_ERROR(tn_list__element(call, elements, list.offset + i, &value, err));
            sum += value.is_null ? 0 : value.f64;
            known += !value.is_null;
        }
        if (known == 0) {
            tn_call_null(call, row);
        }
        TN_OUT(call, double, row) = mean && known > 0 ? sum / known : sum;
    }
    return TARN_OK;
}
static tarn_code run_sum_float(tn_call *call, tarn_error *err)
{
    return sum_floats(call, false, err);
}
static tarn_code run_avg(tn_call *call, tarn_error *err)
{
    return sum_floats(call, true, err);
}

static TN_FALLIBLE cast_list(tn_binder *binder, const tn_type *element, tarn_error *err)
{
    const tn_type *list = NULL;
    TN_RETURN_IF_ERROR(tn_types_list(binder->context->types, element, &list, err));
    return tn_expr_cast(binder->context, binder->children[0], list, false, false, binder->span,
                        &binder->children[0], err);
}

static const tn_kernel sum_wide_kernel = {
    .run = run_sum_wide, .can_fail = true, .describe = describe_sum};
static const tn_kernel sum_small_kernel = {.run = run_sum_small};
static const tn_kernel sum_float_kernel = {.run = run_sum_float};
static const tn_kernel avg_kernel = {.run = run_avg};
static tarn_code resolve_sum(tn_binder *binder, tarn_error *err)
{
    const bool mean = binder->function->binding->op == 1;
    if (binder->count != 1) {
        return tn_coerce__no_overload(binder, err);
    }
    TN_RETURN_IF_ERROR(tn_list__need(binder, 0, err));
    const tn_type *element = binder->children[0]->type->fields[0].type;
    if (!tn_type_is_numeric(element) && element->kind != TN_KIND_NULL) {
        return tn_coerce__no_overload(binder, err);
    }
    if (mean || tn_type_is_float(element)) {
        binder->type = TN_DOUBLE;
        binder->bound->kernel = mean ? &avg_kernel : &sum_float_kernel;
    } else if (element->kind == TN_KIND_DECIMAL || element->kind == TN_KIND_BIGINT ||
               element->kind == TN_KIND_UBIGINT) {
        const unsigned scale = element->kind == TN_KIND_DECIMAL ? element->scale : 0;
        if (element->precision > SUM_DIGITS) {
            return tn_coerce__no_overload(binder, err);
        }
        TN_RETURN_IF_ERROR(
            tn_types_decimal(binder->context->types, SUM_DIGITS, scale, &binder->type, err));
        binder->bound->kernel = &sum_wide_kernel;
        binder->can_fail = true;
    } else {
        binder->type = TN_BIGINT;
        binder->bound->kernel = &sum_small_kernel;
    }
    return cast_list(binder, binder->type, err);
}

/* ---- as one text ---- */

/* The parts of a row written one after another to `out`; NULL: only counted. */
static TN_FALLIBLE join_row(tn_call *call, uint32_t row, char *out, size_t *size, tarn_error *err)
{
    const tn_column *elements = tn_list__elements(call, 0, 0);
    const tn_list list = tn_list__at(call, 0, row);
    const tn_str between = tn_call_str(call, 1, row);
    bool any = false;
    *size = 0;
    for (uint32_t i = 0; i < list.length; i++) {
        tn_value value;
        TN_RETURN_IF_ERROR(tn_list__element(call, elements, list.offset + i, &value, err));
        if (value.is_null && call->in_count < 3) {
            continue;
        }
        const tn_str part = value.is_null ? tn_call_str(call, 2, row) : value.str;
        if (out != NULL && any && between.size > 0) {
            memcpy(out + *size, between.data, between.size);
        }
        *size += any ? between.size : 0;
        if (out != NULL && part.size > 0) {
            memcpy(out + *size, part.data, part.size);
        }
        *size += part.size;
        any = true;
    }
    return TARN_OK;
}

static tarn_code run_join(tn_call *call, tarn_error *err)
{
    TN_EACH (call, row) {
        char small[TN_VIEW_INLINE];
        char *out = small;
        size_t size = 0;
        TN_RETURN_IF_ERROR(join_row(call, row, NULL, &size, err));
        if (size > TEXT_MAX) {
            tn_call_fault(call, row);
            TN_OUT(call, tn_view, row) = tn_view_of("", 0);
            continue;
        }
        if (size > TN_VIEW_INLINE) {
            TN_RETURN_IF_ERROR(tn_heap_take(call->heap, size, &out, err));
        }
        TN_RETURN_IF_ERROR(join_row(call, row, out, &size, err));
        TN_OUT(call, tn_view, row) = tn_view_of(out, size);
    }
    return TARN_OK;
}

static tarn_code describe_join(const tn_bound_call *bound, const tn_value *arguments,
                               tarn_error *err)
{
    (void)bound;
    (void)arguments;
    return tn_fail(err, TARN_E_LIMIT, "array_to_string: the text would pass %d bytes", TEXT_MAX);
}

static const tn_kernel join_kernel = {.run = run_join, .can_fail = true, .describe = describe_join};
static tarn_code resolve_join(tn_binder *binder, tarn_error *err)
{
    if (binder->count != 2 && binder->count != 3) {
        return tn_coerce__no_overload(binder, err);
    }
    TN_RETURN_IF_ERROR(tn_list__need(binder, 0, err));
    TN_RETURN_IF_ERROR(cast_list(binder, TN_VARCHAR, err));
    for (uint32_t i = 1; i < binder->count; i++) {
        TN_RETURN_IF_ERROR(tn_coerce__to(binder->context, binder->children[i], TN_VARCHAR,
                                         &binder->children[i], err));
    }
    binder->bound->kernel = &join_kernel;
    binder->can_fail = true;
    binder->type = TN_VARCHAR;
    return TARN_OK;
}

/* ---- entries ---- */

#define ENTRY(name_, signature_, doc_, example_, result_)                            \
    .name = (name_), .category = "nested", .signature = (signature_), .doc = (doc_), \
    .example = (example_), .example_result = (result_), .cost = 6
#define RESOLVE(rule, op_)                  \
    .binding = &(const tn_function_binding) \
    {                                       \
        .resolve = (rule), .op = (op_)      \
    }

static const tn_function functions[] = {
    {ENTRY("list_sort",
           "list_sort(list [, 'ASC' or 'DESC' [, 'NULLS FIRST' or 'NULLS LAST']]) -> a list",
           "The values in order, NULLs last unless it says otherwise.",
           "list_sort([3, 1, NULL, 2])", "[1,2,3,null]"),
     .aliases = TN_ALIASES("array_sort"), RESOLVE(resolve_sort, 0)},
    {ENTRY("list_reverse_sort", "list_reverse_sort(list) -> a list",
           "The values from the greatest to the least, NULLs last.",
           "list_reverse_sort([3, 1, NULL, 2])", "[3,2,1,null]"),
     .aliases = TN_ALIASES("array_reverse_sort"), RESOLVE(resolve_sort, 1)},
    {ENTRY("list_reverse", "list_reverse(list) -> a list", "The values from the last to the first.",
           "list_reverse([1, 2, 3])", "[3,2,1]"),
     .aliases = TN_ALIASES("array_reverse"), RESOLVE(resolve_same, 0)},
    {ENTRY("list_distinct", "list_distinct(list) -> a list",
           "Each value once, where it is first; without NULLs.", "list_distinct([2, 1, NULL, 2])",
           "[2,1]"),
     .aliases = TN_ALIASES("array_distinct"), RESOLVE(resolve_same, 1)},
    {ENTRY("list_unique", "list_unique(list) -> BIGINT",
           "How many different values there are, NULLs not counted.",
           "list_unique([2, 1, NULL, 2])", "2"),
     .aliases = TN_ALIASES("array_unique"), RESOLVE(resolve_count, 1)},
    {ENTRY("list_count", "list_count(list) -> BIGINT", "How many values are not NULL.",
           "list_count([1, NULL])", "1"),
     .aliases = TN_ALIASES("array_count"), RESOLVE(resolve_count, 0)},
    {ENTRY("list_min", "list_min(list) -> an element", "The least value.",
           "list_min(['b', 'a', NULL])", "a"),
     .aliases = TN_ALIASES("array_min"), RESOLVE(resolve_extreme, 0)},
    {ENTRY("list_max", "list_max(list) -> an element", "The greatest value.",
           "list_max(['b', 'a', NULL])", "b"),
     .aliases = TN_ALIASES("array_max"), RESOLVE(resolve_extreme, 1)},
    {ENTRY("list_sum", "list_sum(list) -> BIGINT, DECIMAL or DOUBLE",
           "The sum of the values; NULL where there are none.", "list_sum([1, NULL, 2])", "3"),
     .aliases = TN_ALIASES("array_sum"), .can_fail = true, RESOLVE(resolve_sum, 0)},
    {ENTRY("list_avg", "list_avg(list) -> DOUBLE",
           "The mean of the values; NULL where there are none.", "list_avg([1, NULL, 2])", "1.5"),
     .aliases = TN_ALIASES("array_avg"), RESOLVE(resolve_sum, 1)},
    {ENTRY("array_to_string", "array_to_string(list, between VARCHAR [, null VARCHAR]) -> VARCHAR",
           "The values one after another, with a text between; NULLs are left out, or shown as a "
           "text.",
           "array_to_string([1, NULL, 2], '-')", "1-2"),
     .aliases = TN_ALIASES("list_to_string", "array_join"), .can_fail = true,
     RESOLVE(resolve_join, 0)},
};

static const tn_kernel *const kernels[] = {&sort_kernel,
                                           &reverse_kernel,
                                           &distinct_kernel,
                                           &unique_kernel,
                                           &count_kernel,
                                           &min_kernel,
                                           &max_kernel,
                                           &sum_wide_kernel,
                                           &sum_small_kernel,
                                           &sum_float_kernel,
                                           &avg_kernel,
                                           &join_kernel,
                                           NULL};
const tn_function_list tn__list_functions = {functions, sizeof(functions) / sizeof(*functions),
                                             kernels};

/* The verbs of frames. */
#include "api/api_internal.h"

#include "frame/frame.h"

tarn_frame *tarn_frame_retain(tarn_frame *frame)
{
    return tn_step_retain(frame);
}

void tarn_frame_release(tarn_frame *frame)
{
    tn_step_release(frame);
}

static tarn_frame *leaf(tarn_session *session, tn_step_kind kind, const char *verb,
                        const char *text)
{
    const tarn_frame like = {.kind = kind, .verb = verb, .owner = session, .text = tn_str_of(text)};
    if (session == NULL || text == NULL) {
        return tn_step_error(tn_process_pool(), TARN_E_INVALID, verb,
                             session == NULL ? "the session is NULL" : "the text is NULL");
    }
    return tn_step_make(tn_process_pool(), &like, NULL, 0);
}

tarn_frame *tarn_frame_scan(tarn_session *session, const char *name)
{
    return leaf(session, TN_FRAME_SCAN, "scan", name);
}

tarn_frame *tarn_frame_sql(tarn_session *session, const char *query)
{
    return leaf(session, TN_FRAME_SQL, "sql", query);
}

/* A step over one input. */
static tarn_frame *step(tarn_frame *input, tn_step_kind kind, const char *verb, tarn_exprs terms)
{
    const tarn_frame like = {
        .kind = kind, .verb = verb, .input_count = 1, .inputs = {input}, .limit = UINT64_MAX};
    return tn_step_make(tn_process_pool(), &like, &terms, 1);
}

tarn_frame *tarn_frame_filter(tarn_frame *input, tarn_expr *predicate)
{
    return step(input, TN_FRAME_FILTER, "filter", (tarn_exprs){&predicate, 1});
}

tarn_frame *tarn_frame_select(tarn_frame *input, tarn_exprs columns)
{
    return step(input, TN_FRAME_SELECT, "select", columns);
}

tarn_frame *tarn_frame_with_columns(tarn_frame *input, tarn_exprs columns)
{
    return step(input, TN_FRAME_WITH_COLUMNS, "with_columns", columns);
}

tarn_frame *tarn_frame_group_by(tarn_frame *input, tarn_exprs keys, tarn_exprs aggregates)
{
    const tarn_exprs lists[] = {keys, aggregates};
    const tarn_frame like = {.kind = TN_FRAME_GROUP_BY,
                             .verb = "group_by",
                             .input_count = 1,
                             .inputs = {input},
                             .key_count = keys.count};
    return tn_step_make(tn_process_pool(), &like, lists, 2);
}

static tarn_frame *join(tarn_frame *left, tarn_frame *right, tn_step_kind kind, const char *verb,
                        tarn_join_kind how, tarn_exprs terms)
{
    const tarn_frame like = {
        .kind = kind, .verb = verb, .join = how, .input_count = 2, .inputs = {left, right}};
    return tn_step_make(tn_process_pool(), &like, &terms, 1);
}

tarn_frame *tarn_frame_join(tarn_frame *left, tarn_frame *right, tarn_join_kind kind,
                            tarn_exprs columns)
{
    return join(left, right, TN_FRAME_JOIN, "join", kind, columns);
}

tarn_frame *tarn_frame_join_on(tarn_frame *left, tarn_frame *right, tarn_join_kind kind,
                               tarn_expr *condition)
{
    return join(left, right, TN_FRAME_JOIN_ON, "join_on", kind, (tarn_exprs){&condition, 1});
}

tarn_frame *tarn_frame_sort(tarn_frame *input, tarn_exprs keys)
{
    return step(input, TN_FRAME_SORT, "sort", keys);
}

static tarn_frame *cut(tarn_frame *input, const char *verb, uint64_t offset, uint64_t rows)
{
    const tarn_frame like = {.kind = TN_FRAME_LIMIT,
                             .verb = verb,
                             .input_count = 1,
                             .inputs = {input},
                             .offset = offset,
                             .limit = rows};
    return tn_step_make(tn_process_pool(), &like, NULL, 0);
}

tarn_frame *tarn_frame_limit(tarn_frame *input, uint64_t rows)
{
    return cut(input, "limit", 0, rows);
}

tarn_frame *tarn_frame_slice(tarn_frame *input, uint64_t offset, uint64_t rows)
{
    return cut(input, "slice", offset, rows);
}

tarn_frame *tarn_frame_top_k(tarn_frame *input, uint64_t rows, tarn_exprs keys)
{
    const tarn_frame like = {
        .kind = TN_FRAME_SORT, .verb = "top_k", .input_count = 1, .inputs = {input}, .limit = rows};
    return tn_step_make(tn_process_pool(), &like, &keys, 1);
}

tarn_frame *tarn_frame_unique(tarn_frame *input, tarn_exprs keys)
{
    return step(input, TN_FRAME_UNIQUE, "unique", keys);
}

static tarn_frame *both(tarn_frame *first, tarn_frame *second, tn_step_kind kind, const char *verb)
{
    const tarn_frame like = {
        .kind = kind, .verb = verb, .input_count = 2, .inputs = {first, second}};
    return tn_step_make(tn_process_pool(), &like, NULL, 0);
}

tarn_frame *tarn_frame_union(tarn_frame *first, tarn_frame *second)
{
    return both(first, second, TN_FRAME_UNION, "union");
}

tarn_frame *tarn_frame_union_by_name(tarn_frame *first, tarn_frame *second)
{
    return both(first, second, TN_FRAME_UNION_BY_NAME, "union_by_name");
}

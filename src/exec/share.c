/*
 * Which plans that are read more than once need no row store: where all readers can take the rows
 * as they come, the pipeline that would fill the store ends in a tee instead, and the readers run
 * within it.  A reader that needs another to end first (a join of a CTE with itself), or that
 * shares its end with another (the branches of a UNION ALL, which stand in order), reads the store.
 */
#include "exec/exec_internal.h"

#include "exec/tee.h"

enum {
    READERS_MAX = 32,
    SHARE_MIN =
        4 << 20 /* bytes without which an end that keeps rows shall not stand beside others */
};

typedef struct sharing {
    tn_query *query;
    const tn_operator *kept;
    size_t producer, last; /* positions in the order: who fills it, its last reader */
    tn_segment *readers[READERS_MAX];
    uint32_t count;
} sharing;

static uint32_t feeders(const tn_query *query, const tn_operator *end)
{
    uint32_t count = 0;
    for (size_t i = 0; i < query->order.count; i++) {
        count += query->order.items[i]->pipeline.end == end;
    }
    return count;
}

static const tn_made *made_of(const tn_query *query, const tn_plan *node)
{
    for (size_t i = 0; i < query->made.count; i++) {
        if (query->made.items[i]->node == node) {
            return query->made.items[i];
        }
    }
    return NULL;
}

/* Does the segment read, in a step or at its end, what `end` fills? */
static bool needs(const tn_query *query, const tn_segment *segment, const tn_operator *end)
{
    for (uint32_t slot = 1; slot <= segment->pipeline.step_count; slot++) {
        const tn_plan *node = segment->nodes[slot];
        const tn_made *made =
            node != NULL && node->kind == TN_PLAN_JOIN ? made_of(query, node) : NULL;
        if (segment->steps[slot - 1] == end ||
            (made != NULL && (made->op == end || made->second == end))) {
            return true;
        }
    }
    for (size_t i = 0; i < query->made.count;
         i++) { /* EXCEPT and INTERSECT: one side, then the other */
        const tn_made *made = query->made.items[i];
        if (made->op == segment->pipeline.end && made->second == end) {
            return true;
        }
    }
    return false;
}

/* Finds who fills the store and who reads it; false where they cannot run at once. */
static bool find_readers(sharing *s)
{
    tn_query *query = s->query;
    if (feeders(query, s->kept) != 1) {
        return false;
    }
    for (size_t i = 0; i < query->order.count; i++) {
        tn_segment *segment = query->order.items[i];
        if (segment->pipeline.end == s->kept) {
            s->producer = i;
            if (segment->is_teed) { /* its output of that tee is settled */
                return false;
            }
        }
        if (segment->origin != TN_ORIGIN_KEPT || segment->state != s->kept) {
            continue;
        }
        if (s->count == READERS_MAX || feeders(query, segment->pipeline.end) != 1) {
            return false;
        }
        s->readers[s->count++] = segment;
        s->last = i;
    }
    for (uint32_t i = 1; i < s->count; i++) { /* one LIMIT would take the others' threads away */
        if (s->readers[i]->single != s->readers[0]->single && query->run.threads > 1) {
            return false;
        }
    }
    for (uint32_t i = 0; i < s->count; i++) {
        for (uint32_t j = 0; j < s->count; j++) {
            if (i != j && needs(query, s->readers[i], s->readers[j]->pipeline.end)) {
                return false;
            }
        }
    }
    return s->count > 1;
}

/* From a source to an end of its own, past nothing that another pipeline fills: it may run sooner.
 */
static bool runs_any_time(const tn_query *query, const tn_segment *segment)
{
    bool alone = segment->origin == TN_ORIGIN_SOURCE &&
                 feeders(query, segment->pipeline.end) == 1 &&
                 segment->pipeline.end != query->result;
    for (uint32_t slot = 1; slot <= segment->pipeline.step_count && alone; slot++) {
        const tn_plan *node = segment->nodes[slot];
        alone = node == NULL || node->kind == TN_PLAN_FILTER || node->kind == TN_PLAN_PROJECT ||
                node->kind == TN_PLAN_UNNEST || node->kind == TN_PLAN_METER;
    }
    return alone;
}

static bool is_reader(const sharing *s, const tn_segment *segment)
{
    bool found = false;
    for (uint32_t i = 0; i < s->count; i++) {
        found |= s->readers[i] == segment;
    }
    return found;
}

static bool is_needed(const sharing *s, const tn_segment *segment)
{
    bool needed = false;
    for (uint32_t i = 0; i < s->count; i++) {
        needed |= needs(s->query, s->readers[i], segment->pipeline.end);
    }
    return needed;
}

/* The readers will run when the producer does: what they need of the pipelines between goes before
 * it, and the others stay behind; false where one may not go. */
static bool clear_the_way(sharing *s)
{
    tn_segment **order = s->query->order.items;
    for (size_t i = s->producer + 1; i < s->last; i++) {
        if (!is_reader(s, order[i]) && is_needed(s, order[i]) &&
            (order[i]->is_teed || !runs_any_time(s->query, order[i]))) {
            return false;
        }
    }
    for (size_t i = s->producer + 1; i < s->last; i++) {
        tn_segment *moved = order[i];
        if (!is_reader(s, moved) && is_needed(s, moved)) {
            memmove(order + s->producer + 1, order + s->producer,
                    (i - s->producer) * sizeof(*order));
            order[s->producer++] = moved;
        }
    }
    return true;
}

static uint32_t sharers_of(const sharing *s)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        count += s->readers[i]->pipeline.end->ops->share_budget != NULL;
    }
    return count;
}

/* Those that keep rows do so at once, where they would one after another. */
static bool has_memory(const sharing *s)
{
    const uint32_t sharers = sharers_of(s);
    return sharers < 2 || tn_pool_budget(s->query->run.pool) / sharers >= (size_t)SHARE_MIN;
}

static void share_memory(const sharing *s)
{
    const uint32_t sharers = sharers_of(s);
    for (uint32_t i = 0; i < s->count && sharers > 1; i++) {
        tn_operator *end = s->readers[i]->pipeline.end;
        if (end->ops->share_budget != NULL) {
            end->ops->share_budget(end, sharers);
        }
    }
}

static TN_FALLIBLE put_tee(sharing *s, tn_operator **tee, tarn_error *err)
{
    tn_query *query = s->query;
    tn_segment *producer = query->order.items[s->producer];
    tn_tee_output outputs[READERS_MAX];
    tn_segment **readers;
    bool stop_early = true;
    TN_RETURN_IF_ERROR(tn_arena_array(&query->arena, tn_segment *, s->count, &readers, err));
    for (uint32_t i = 0; i < s->count; i++) {
        tn_segment *reader = s->readers[i];
        outputs[i] = (tn_tee_output){.steps = reader->steps,
                                     .step_count = reader->pipeline.step_count,
                                     .end = reader->pipeline.end,
                                     .counters = reader->counters,
                                     .enough = &reader->pipeline.enough};
        readers[i] = reader;
    }
    TN_RETURN_IF_ERROR(tn_tee_create(&query->run, outputs, s->count, tee, err));
    if (tn_vec_push(&query->operators, *tee, err) != TARN_OK) {
        (*tee)->ops->destroy(*tee);
        return TARN_E_NOMEM;
    }
    for (uint32_t i = 0; i < s->count; i++) {
        readers[i]->is_teed = true;
        producer->single |= readers[i]->single;
        stop_early &= readers[i]->stop_early;
    }
    share_memory(s);
    producer->stop_early |= stop_early;
    producer->outputs = readers;
    producer->output_count = s->count;
    producer->pipeline.end = *tee;
    return TARN_OK;
}

tarn_code tn_query__share(tn_query *query, tarn_error *err)
{
    for (size_t i = query->made.count; i > 0; i--) { /* what reads another comes after it */
        const tn_made *made = query->made.items[i - 1];
        sharing s = {.query = query, .kept = made->op};
        tn_operator *tee = NULL;
        if (made->shared_id != UINT32_MAX && made->op != NULL && find_readers(&s) &&
            has_memory(&s) && clear_the_way(&s)) {
            TN_RETURN_IF_ERROR(put_tee(&s, &tee, err));
        }
    }
    return TARN_OK;
}

#include "frame/frame_internal.h"

#include "base/size.h"

static bool is_error(const tarn_frame *step)
{
    return step != NULL && step->kind == TN_FRAME_ERROR;
}

/* The session that all inputs have, or an error. */
static bool same_owner(const tarn_frame *like)
{
    return like->input_count < 2 || is_error(like->inputs[0]) || is_error(like->inputs[1]) ||
           like->inputs[0]->owner == like->inputs[1]->owner;
}

static tarn_frame *allocate(tn_pool *pool, const tarn_frame *like, size_t term_count)
{
    void *memory;
    size_t terms;
    size_t size;
    if (!tn_size_mul(term_count, sizeof(tarn_expr *), &terms) ||
        !tn_size_add(sizeof(tarn_frame) + like->text.size + 1, terms, &size) ||
        tn_pool_alloc(pool, size, &memory, NULL) != TARN_OK) {
        return NULL;
    }
    tarn_frame *step = memory;
    *step = *like;
    atomic_init(&step->refs, 1);
    step->pool = pool;
    step->size = size;
    step->next = NULL;
    step->ordinal = 1;
    step->term_count = term_count;
    step->terms = (tarn_expr **)(step + 1);
    char *text = (char *)(step->terms + term_count);
    if (like->text.size > 0) {
        memcpy(text, like->text.data, like->text.size);
    }
    text[like->text.size] = '\0';
    step->text.data = text;
    for (size_t i = 0; i < like->input_count; i++) {
        const tarn_frame *input = like->inputs[i];
        step->owner = is_error(input) && i > 0 ? step->owner : input->owner;
        if (input->ordinal >= step->ordinal) {
            step->ordinal = input->ordinal + 1;
        }
    }
    return step;
}

static void release_all(const tarn_frame *like, const tarn_exprs *lists, size_t list_count)
{
    for (size_t i = 0; i < like->input_count; i++) {
        tn_step_release(like->inputs[i]);
    }
    for (size_t list = 0; list < list_count; list++) {
        for (size_t i = 0; i < lists[list].count; i++) {
            tn_term_release(lists[list].items[i]);
        }
    }
}

tarn_frame *tn_step_make(tn_pool *pool, const tarn_frame *like, const tarn_exprs *lists,
                         size_t list_count)
{
    bool whole = true;
    size_t term_count = 0;
    for (size_t i = 0; i < like->input_count; i++) {
        whole = whole && like->inputs[i] != NULL;
    }
    for (size_t list = 0; list < list_count; list++) {
        for (size_t i = 0; i < lists[list].count; i++) {
            whole = whole && lists[list].items[i] != NULL;
        }
        term_count += lists[list].count;
    }
    if (whole && !same_owner(like)) {
        release_all(like, lists, list_count);
        return tn_step_error(pool, TARN_E_INVALID, like->verb,
                             "the two frames are of different sessions");
    }
    tarn_frame *step = whole ? allocate(pool, like, term_count) : NULL;
    if (step == NULL) {
        release_all(like, lists, list_count);
        return NULL;
    }
    size_t at = 0;
    for (size_t list = 0; list < list_count; list++) {
        for (size_t i = 0; i < lists[list].count; i++) {
            step->terms[at++] = lists[list].items[i];
        }
    }
    return step;
}

tarn_frame *tn_step_error(tn_pool *pool, tarn_code code, const char *verb, const char *message)
{
    const tarn_frame like = {
        .kind = TN_FRAME_ERROR, .code = code, .verb = verb, .text = tn_str_of(message)};
    return tn_step_make(pool, &like, NULL, 0);
}

tarn_frame *tn_step_retain(tarn_frame *step)
{
    if (step != NULL) {
        atomic_fetch_add_explicit(&step->refs, 1, memory_order_relaxed);
    }
    return step;
}

void tn_step_release(tarn_frame *step)
{
    if (step == NULL || atomic_fetch_sub_explicit(&step->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    step->next = NULL;
    for (tarn_frame *dead = step; dead != NULL;) {
        tarn_frame *gone = dead;
        dead = gone->next;
        for (size_t i = 0; i < gone->term_count; i++) {
            tn_term_release(gone->terms[i]);
        }
        for (size_t i = 0; i < gone->input_count; i++) {
            tarn_frame *input = gone->inputs[i];
            if (atomic_fetch_sub_explicit(&input->refs, 1, memory_order_acq_rel) == 1) {
                input->next = dead;
                dead = input;
            }
        }
        tn_pool_free(gone->pool, gone, gone->size);
    }
}

/* ---- lowering ---------------------------------------------------------------------------------*/

typedef struct seen {
    const tarn_frame *step;
    tn_plan *plan;
    uint32_t references, shared_id;
    bool is_entered;
} seen;

/* The steps met so far, found by address. */
typedef struct steps {
    tn_pool *pool;
    TN_VEC(seen) all;
    uint32_t *slots; /* index into `all` + 1, 0: free */
    size_t slot_count;
} steps;

static size_t slot_of(const steps *s, const tarn_frame *step)
{
    size_t at = (size_t)(((uintptr_t)step >> 6) * UINT64_C(0x9e3779b97f4a7c15) >> 20);
    for (at &= s->slot_count - 1; s->slots[at] != 0; at = (at + 1) & (s->slot_count - 1)) {
        if (s->all.items[s->slots[at] - 1].step == step) {
            break;
        }
    }
    return at;
}

static TN_FALLIBLE grow(steps *s, tarn_error *err)
{
    void *memory;
    const size_t count = s->slot_count == 0 ? 64 : 2 * s->slot_count;
    TN_RETURN_IF_ERROR(tn_pool_alloc_zeroed(s->pool, count * sizeof(uint32_t), &memory, err));
    tn_pool_free(s->pool, s->slots, s->slot_count * sizeof(uint32_t));
    s->slots = memory;
    s->slot_count = count;
    for (size_t i = 0; i < s->all.count; i++) {
        s->slots[slot_of(s, s->all.items[i].step)] = (uint32_t)i + 1;
    }
    return TARN_OK;
}

/* The entry of a step, made where it is new; one reference more. */
static TN_FALLIBLE meet(steps *s, const tarn_frame *step, size_t *out, tarn_error *err)
{
    if (2 * (s->all.count + 1) > s->slot_count) {
        TN_RETURN_IF_ERROR(grow(s, err));
    }
    const size_t slot = slot_of(s, step);
    if (s->slots[slot] == 0) {
        const seen entry = {.step = step};
        TN_RETURN_IF_ERROR(tn_vec_push(&s->all, entry, err));
        s->slots[slot] = (uint32_t)s->all.count;
    }
    *out = s->slots[slot] - 1;
    s->all.items[*out].references++;
    return TARN_OK;
}

static TN_FALLIBLE lower_step(const tarn_frame *step, tn_plan *const *inputs,
                              const tn_frame_source *source, tn_plan_context *plans, tn_plan **out,
                              tarn_error *err)
{
    const tarn_code code = tn_step__lower(step, inputs, source, plans, out, err);
    if (code != TARN_OK) {
        tn_explain(err, "step %u (%s)", step->ordinal, step->verb);
    }
    return code;
}

/* What another step reads of an entry: its plan, a reference to it, or a scan of its own. */
static TN_FALLIBLE refer(seen *entry, const tn_frame_source *source, tn_plan_context *plans,
                         tn_plan **out, tarn_error *err)
{
    *out = entry->plan;
    if (entry->references == 1) {
        return TARN_OK;
    }
    if (entry->step->kind == TN_FRAME_SCAN) {
        return lower_step(entry->step, NULL, source, plans, out, err);
    }
    if (entry->shared_id == 0) {
        entry->shared_id = ++plans->next_shared;
    }
    return tn_plan_shared(plans, entry->plan, entry->shared_id, out, err);
}

tarn_code tn_frame_lower(const tarn_frame *frame, const tn_frame_source *source,
                         tn_plan_context *plans, tn_plan **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    steps s = {.pool = plans->pool, .all = TN_VEC_INIT(plans->pool)};
    TN_VEC(size_t) stack = TN_VEC_INIT(plans->pool);
    size_t at;

    *out = NULL;
    TN_TRY(meet(&s, frame, &at, err));
    TN_TRY(tn_vec_push(&stack, at, err));
    /* Inputs before what builds on them.  Counting ends where the first step is lowered whose
     * inputs are all there, so all of it is done before: two passes. */
    for (size_t i = 0; i < s.all.count; i++) {
        const tarn_frame *step = s.all.items[i].step;
        for (size_t input = 0; input < step->input_count; input++) {
            TN_TRY(meet(&s, step->inputs[input], &at, err));
        }
    }
    while (stack.count > 0) {
        tn_plan *inputs[2] = {NULL, NULL};
        const size_t top = stack.items[stack.count - 1];
        seen *entry = &s.all.items[top];
        const tarn_frame *step = entry->step;
        if (entry->plan == NULL && !entry->is_entered) {
            entry->is_entered = true;
            for (size_t i = 0; i < step->input_count; i++) {
                const size_t input = s.slots[slot_of(&s, step->inputs[i])] - 1;
                if (s.all.items[input].plan == NULL) {
                    TN_TRY(tn_vec_push(&stack, input, err));
                }
            }
            continue;
        }
        stack.count--;
        if (entry->plan != NULL) {
            continue;
        }
        for (size_t i = 0; i < step->input_count; i++) {
            const size_t input = s.slots[slot_of(&s, step->inputs[i])] - 1;
            TN_TRY(refer(&s.all.items[input], source, plans, &inputs[i], err));
        }
        TN_TRY(lower_step(step, inputs, source, plans, &entry->plan, err));
    }
    *out = s.all.items[0].plan;
done:
    tn_vec_free(&stack);
    tn_vec_free(&s.all);
    tn_pool_free(s.pool, s.slots, s.slot_count * sizeof(uint32_t));
    return code;
}

#include "exec/block_internal.h"

tarn_code tn_inputs__create(const tn_program *program, uint32_t count, tn_pool *pool,
                            tn_inputs **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_inputs *inputs = NULL;
    void *memory = NULL;

    *out = NULL;
    TN_TRY(tn_pool_alloc_zeroed(pool, sizeof(*inputs), &memory, err));
    inputs = memory;
    inputs->pool = pool;
    inputs->count = count;
    TN_TRY(tn_pool_alloc(pool, count * sizeof(tn_column), (void **)&inputs->columns, err));
    TN_TRY(tn_pool_alloc(pool, count * sizeof(void *), (void **)&inputs->pointers, err));
    TN_TRY(tn_pool_alloc(pool, TN_BATCH_ROWS * sizeof(uint16_t), (void **)&inputs->identity, err));
    for (uint32_t i = 0; i < count; i++) {
        inputs->pointers[i] = &inputs->columns[i];
    }
    for (uint16_t i = 0; i < TN_BATCH_ROWS; i++) {
        inputs->identity[i] = i;
    }
    if (count > 0) {
        TN_TRY(tn_evaluator_create(program, pool, &inputs->evaluator, err));
    }
    *out = inputs;
    inputs = NULL;
done:
    tn_inputs__destroy(inputs);
    return code;
}

void tn_inputs__destroy(tn_inputs *inputs)
{
    if (inputs != NULL) {
        tn_evaluator_destroy(inputs->evaluator);
        tn_pool_free(inputs->pool, inputs->columns, inputs->count * sizeof(tn_column));
        tn_pool_free(inputs->pool, inputs->pointers, inputs->count * sizeof(void *));
        tn_pool_free(inputs->pool, inputs->identity, TN_BATCH_ROWS * sizeof(uint16_t));
        tn_pool_free(inputs->pool, inputs, sizeof(*inputs));
    }
}

tarn_code tn_inputs__part(tn_inputs *inputs, const tn_batch *in, tn_batch *part, bool *more,
                          tarn_error *err)
{
    const uint32_t from = inputs->next;
    *part = *in;
    *more = from < in->selected;
    if (!*more) {
        inputs->next = 0;
        return TARN_OK;
    }
    if (inputs->evaluator == NULL) {
        inputs->next = in->selected;
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(
        tn_evaluator_run(inputs->evaluator, in, &inputs->next, inputs->columns, err));
    if (from > 0 || inputs->next < in->selected) {
        part->selection = (in->selection != NULL ? in->selection : inputs->identity) + from;
        part->selected = inputs->next - from;
    }
    return TARN_OK;
}

void tn_block__counters(tn_scan *scan, tn_scan_counters *out)
{
    (void)scan;
    *out = (tn_scan_counters){0};
}

tarn_code tn_block__finish(tn_scan *scan, tarn_error *err)
{
    (void)scan;
    (void)err;
    return TARN_OK;
}

void tn_block__close(tn_scan *scan)
{
    (void)scan;
}

uint32_t tn_block__one(tn_scan *scan)
{
    (void)scan;
    return 1;
}

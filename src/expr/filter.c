/* Conjuncts to a selection: the cheapest that drops the most goes first. */
#include "expr/program_internal.h"
#include "os/clock.h"

enum { MEASURE_EVERY = 16, DECAY_AT = 1 << 20, PREDICATE_HEAP_MAX = 1 << 29 };

/* Rows dropped by a nanosecond's work: what earns a place in front. */
static double worth_of(const tn_conjunct_state *state)
{
    if (state->rows_in == 0) {
        return 1e30; /* not measured: now */
    }
    const double dropped = 1.0 - (double)state->rows_out / (double)state->rows_in;
    const double cost = ((double)state->nanos + 1) / (double)state->rows_in;
    return dropped / cost;
}

static void reorder(tn_evaluator *ev)
{
    for (uint32_t i = 1; i < ev->program->root_count; i++) {
        const uint32_t moved = ev->order[i];
        const double worth = worth_of(&ev->conjuncts[moved]);
        uint32_t at = i;
        while (at > 0 && worth_of(&ev->conjuncts[ev->order[at - 1]]) < worth) {
            ev->order[at] = ev->order[at - 1];
            at--;
        }
        ev->order[at] = moved;
    }
    for (uint32_t i = 0; i < ev->program->root_count; i++) {
        tn_conjunct_state *state = &ev->conjuncts[i];
        if (state->rows_in > DECAY_AT) {
            state->rows_in /= 2;
            state->rows_out /= 2;
            state->nanos /= 2;
        }
    }
}

static TN_FALLIBLE compute_all_but_last(tn_evaluator *ev, uint32_t root, bool all, tarn_error *err)
{
    const tn_program *program = ev->program;
    const uint32_t end = program->needed_from[root + 1] - !all;
    for (uint32_t i = program->needed_from[root]; i < end; i++) {
        TN_RETURN_IF_ERROR(tn_eval__instruction(ev, program->needed[i], err));
    }
    return TARN_OK;
}

/* Rows whose truth is known not to be true are dropped; rows with a fault stay. */
static TN_FALLIBLE keep_true(tn_evaluator *ev, tn_register *reg, tarn_error *err)
{
    uint64_t *words = ev->words[1];
    uint64_t *faults = ev->words[2];
    const uint32_t count = tn_eval__word_count(ev);
    tn_operand operand;
    if (reg->column.type->kind == TN_KIND_NULL) {
        ev->count = 0;
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_eval__operand(ev, reg, TN_LANE_bool, &operand, err));
    const bool faulty = tn_eval__fault_words(ev, &reg->column, faults);
    const bool constant = operand.mask != UINT32_MAX;
    for (uint32_t i = 0; i < count; i++) {
        words[i] = ((const uint64_t *)operand.values)[constant ? 0 : i];
        if (operand.validity != NULL) {
            words[i] &= operand.validity[constant ? 0 : i];
        }
        if (faulty) {
            words[i] |= faults[i];
        }
    }
    if (ev->selection == NULL) {
        if (tn_bitmap_all(words, ev->rows)) {
            return TARN_OK;
        }
        ev->count = tn_bits_to_selection(words, ev->rows, ev->passed);
    } else {
        ev->count = tn_bits_filter(words, ev->selection, ev->count, ev->passed);
    }
    ev->selection = ev->passed;
    return TARN_OK;
}

static TN_FALLIBLE ask(tn_evaluator *ev, uint32_t root, tarn_error *err)
{
    const tn_program *program = ev->program;
    const uint32_t index = program->roots[root];
    const tn_instruction *ins = &program->instructions[index];
    tn_register *reg = &ev->registers[index];
    if (ins->opcode == TN_OPCODE_CALL && ins->bound->form == TN_FORM_COMPARE &&
        ev->selection != NULL && reg->epoch != ev->epoch) {
        bool done = false;
        uint32_t passed = 0;
        TN_RETURN_IF_ERROR(compute_all_but_last(ev, root, false, err));
        for (uint32_t i = 0; i < 2; i++) {
            ev->arguments[i] = &ev->registers[program->arguments[ins->first_argument + i]];
        }
        TN_RETURN_IF_ERROR(
            tn_eval__compare_at(ev, ins, ev->arguments, ev->passed, &passed, &done, err));
        if (done) {
            ev->count = passed;
            ev->selection = ev->passed;
            reg->column.faults = NULL; /* of an earlier run */
            return TARN_OK;
        }
    }
    TN_RETURN_IF_ERROR(compute_all_but_last(ev, root, true, err));
    return keep_true(ev, reg, err);
}

/* The lowest surviving row on which a conjunct that was asked failed. */
static TN_FALLIBLE raise_survivors(tn_evaluator *ev, tarn_error *err)
{
    tn_column column = {.type = TN_BOOLEAN};
    const tn_batch batch = {.selection = ev->selection, .rows = ev->rows, .selected = ev->count};
    const tn_faults *first = NULL;
    uint32_t first_row = UINT32_MAX;
    for (uint32_t i = 0; i < ev->program->root_count; i++) {
        const tn_register *reg = &ev->registers[ev->program->roots[i]];
        for (const tn_faults *node = reg->column.faults; node != NULL; node = node->next) {
            for (uint32_t k = 0; k < ev->count; k++) {
                const uint32_t row = ev->selection == NULL ? k : ev->selection[k];
                if (row >= first_row) {
                    break;
                }
                if (tn_bit_get(node->mask, row)) {
                    first_row = row;
                    first = node;
                    break;
                }
            }
        }
    }
    if (first == NULL) {
        return TARN_OK;
    }
    column.faults = first;
    return tn_column_raise(&column, &batch, err);
}

tarn_code tn_evaluator_filter(tn_evaluator *ev, const tn_batch *in, bool prefilter,
                              const uint16_t **selection, uint32_t *selected, tarn_error *err)
{
    const tn_program *program = ev->program;
    const bool measure = program->root_count > 1 && ev->filtered_batches % MEASURE_EVERY == 0;
    bool faulty = false;
    uint32_t asked = 0;
    tn_eval__begin(ev, in);
    ev->heap_bound = PREDICATE_HEAP_MAX;
    for (; asked < program->root_count && ev->count > 0; asked++) {
        const uint32_t root = ev->order[asked];
        const uint32_t before = ev->count;
        const uint64_t start = measure ? tn_clock_monotonic_ns() : 0;
        TN_RETURN_IF_ERROR(ask(ev, root, err));
        if (ev->was_cut) {
            return tn_fail(err, TARN_E_LIMIT, "a predicate makes a text that is too long");
        }
        if (measure) {
            ev->conjuncts[root].nanos += tn_clock_monotonic_ns() - start;
            ev->conjuncts[root].rows_in += before;
            ev->conjuncts[root].rows_out += ev->count;
        }
        faulty |= ev->registers[program->roots[root]].column.faults != NULL;
    }
    for (; asked < program->root_count; asked++) { /* not computed in this run: no faults */
        ev->registers[program->roots[ev->order[asked]]].column.faults = NULL;
    }
    if (faulty && !prefilter && ev->count > 0) {
        TN_RETURN_IF_ERROR(raise_survivors(ev, err));
    }
    if (measure) {
        reorder(ev);
    }
    ev->filtered_batches++;
    *selection = ev->selection;
    *selected = ev->count;
    return TARN_OK;
}

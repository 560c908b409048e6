/* Truth: AND, OR, NOT, CASE, COALESCE, null tests.  A word of bits at a time, with faults as
 * values: what was not chosen does not fail. */
#include "expr/program_internal.h"

/* The rows on which a condition is true, false, faulty; the others are null. */
typedef struct truth {
    uint64_t yes[TN_ROW_WORDS], no[TN_ROW_WORDS], fault[TN_ROW_WORDS];
} truth;

bool tn_eval__fault_words(const tn_evaluator *ev, const tn_column *column, uint64_t *words)
{
    const uint32_t count = tn_eval__word_count(ev);
    memset(words, 0, count * sizeof(*words));
    for (const tn_faults *node = column->faults; node != NULL; node = node->next) {
        for (uint32_t i = 0; i < count; i++) {
            words[i] |= node->mask[i];
        }
    }
    return column->faults != NULL;
}

static TN_FALLIBLE truth_of(tn_evaluator *ev, tn_register *reg, truth *out, tarn_error *err)
{
    tn_operand operand;
    TN_RETURN_IF_ERROR(tn_eval__operand(ev, reg, TN_LANE_bool, &operand, err));
    (void)tn_eval__fault_words(ev, &reg->column, out->fault);
    for (uint32_t i = 0; i < tn_eval__word_count(ev); i++) {
        const uint64_t known = tn_eval__word_of(operand.validity, &operand, i) & ~out->fault[i];
        const uint64_t value = tn_eval__word_of(operand.values, &operand, i);
        out->yes[i] = known & value;
        out->no[i] = known & ~value;
    }
    return TARN_OK;
}

tarn_code tn_eval__keep_faults(tn_evaluator *ev, const tn_column *from, const uint64_t *keep,
                               tn_register *out, tarn_error *err)
{
    for (const tn_faults *node = from->faults; node != NULL; node = node->next) {
        uint64_t any = 0;
        tn_faults *copy = NULL;
        uint64_t *mask = NULL;
        for (uint32_t i = 0; i < tn_eval__word_count(ev); i++) {
            any |= node->mask[i] & keep[i];
        }
        if (any == 0) {
            continue;
        }
        TN_RETURN_IF_ERROR(tn_arena_new(&ev->arena, tn_faults, &copy, err));
        TN_RETURN_IF_ERROR(tn_arena_array(&ev->arena, uint64_t, TN_ROW_WORDS, &mask, err));
        for (uint32_t i = 0; i < tn_eval__word_count(ev); i++) {
            mask[i] = node->mask[i] & keep[i];
        }
        *copy = *node;
        copy->mask = mask;
        copy->next = out->column.faults;
        out->column.faults = copy;
    }
    return TARN_OK;
}

/* false AND fault is false; true or null AND fault is a fault.  OR is the mirror. */
tarn_code tn_eval__junction(tn_evaluator *ev, const tn_instruction *ins, tn_register *const *args,
                            tn_register *out, tarn_error *err)
{
    const bool is_and = ins->opcode == TN_OPCODE_AND;
    const uint32_t words = tn_eval__word_count(ev);
    uint64_t decided[TN_ROW_WORDS] = {0}; /* some is false (OR: true) */
    uint64_t all[TN_ROW_WORDS];           /* all are true (OR: false) */
    truth part;
    memset(all, 0xff, sizeof(all));
    out->column.faults = NULL;
    for (uint32_t k = 0; k < ins->argument_count; k++) {
        TN_RETURN_IF_ERROR(truth_of(ev, args[k], &part, err));
        for (uint32_t i = 0; i < words; i++) {
            decided[i] |= is_and ? part.no[i] : part.yes[i];
            all[i] &= is_and ? part.yes[i] : part.no[i];
        }
    }
    TN_RETURN_IF_ERROR(tn_eval__values(ev, out, 0, err));
    uint64_t *values = out->values;
    uint64_t undecided[TN_ROW_WORDS];
    uint64_t nulls = 0;
    for (uint32_t i = 0; i < words; i++) {
        values[i] = is_and ? all[i] : decided[i];
        out->validity[i] = all[i] | decided[i];
        undecided[i] = ~decided[i];
        nulls |= ~out->validity[i];
    }
    for (uint32_t k = 0; k < ins->argument_count; k++) {
        TN_RETURN_IF_ERROR(tn_eval__keep_faults(ev, &args[k]->column, undecided, out, err));
    }
    tn_eval__flat_result(ev, out, TN_BOOLEAN, TN_LANE_bool);
    out->column.validity = nulls == 0 ? NULL : out->validity;
    return TARN_OK;
}

/* ---- merging branches ---- */

/* Decimals and integers are merged in the widest lane that a branch comes in. */
static tn_lane merge_lane(tn_evaluator *ev, const tn_type *type, tn_register *const *branches,
                          uint32_t count)
{
    if (type->lane != TN_LANE_i128 && type->lane != TN_LANE_i256) {
        return type->lane;
    }
    for (uint32_t i = 0; i < count; i++) {
        const tn_column *column = &branches[i]->column;
        tn_i128 min;
        tn_i128 max;
        if (tn_eval__is_null_constant(column)) {
            continue;
        }
        if (column->lane == TN_LANE_i256) {
            return TN_LANE_i256;
        }
        if (column->encoding == TN_CONSTANT
                ? !tn_eval__bounds(ev, branches[i], false, &min, &max) || min < INT64_MIN ||
                      max > INT64_MAX
                : column->lane >= TN_LANE_COUNT || column->lane == TN_LANE_u64) {
            return type->lane == TN_LANE_i256 ? TN_LANE_i256 : TN_LANE_i128;
        }
    }
    return TN_LANE_i64;
}

static void copy_rows(void *to, const tn_operand *from, size_t size, const uint64_t *take,
                      uint32_t words)
{
#define COPY(type)                                                                 \
    for (uint32_t word = 0; word < words; word++) {                                \
        type *restrict y = (type *)to + (size_t)word * 64;                         \
        const size_t base = (size_t)word * 64;                                     \
        for (uint64_t bits = take[word]; bits != 0; bits &= bits - 1) {            \
            const size_t i = (size_t)__builtin_ctzll(bits);                        \
            y[i] = ((const type *)from->values)[(base + i) & tn_eval__mask(from)]; \
        }                                                                          \
    }
    switch (size) {
    case 1:
        COPY(uint8_t)
        break;
    case 2:
        COPY(uint16_t)
        break;
    case 4:
        COPY(uint32_t)
        break;
    case 8:
        COPY(uint64_t)
        break;
    case 16:
        COPY(tn_view)
        break;
    case 32:
        COPY(tn_i256)
        break;
    default:
        break;
    }
}

/* The rows of `take` get the branch's values, validity and faults. */
static TN_FALLIBLE merge_branch(tn_evaluator *ev, tn_register *branch, tn_lane lane,
                                const uint64_t *take, tn_register *out, tarn_error *err)
{
    const uint32_t words = tn_eval__word_count(ev);
    tn_operand operand;
    uint64_t rows[TN_ROW_WORDS];
    TN_RETURN_IF_ERROR(tn_eval__keep_faults(ev, &branch->column, take, out, err));
    if (tn_eval__is_null_constant(&branch->column)) {
        return TARN_OK; /* validity is clear where nothing was taken */
    }
    TN_RETURN_IF_ERROR(tn_eval__operand(ev, branch, lane, &operand, err));
    for (uint32_t i = 0; i < words; i++) {
        out->validity[i] |= take[i] & tn_eval__word_of(operand.validity, &operand, i);
        rows[i] = take[i];
        if (i + 1 == words) {
            rows[i] &= tn_bitmap_tail(ev->rows);
        }
    }
    if (lane == TN_LANE_bool) {
        uint64_t *values = out->values;
        for (uint32_t i = 0; i < words; i++) {
            values[i] =
                (values[i] & ~take[i]) | (tn_eval__word_of(operand.values, &operand, i) & take[i]);
        }
        return TARN_OK;
    }
    copy_rows(out->values, &operand, tn_lane_size(lane), rows, words);
    return TARN_OK;
}

static TN_FALLIBLE merge(tn_evaluator *ev, const tn_type *type, tn_register *const *branches,
                         uint32_t count, const uint64_t (*take)[TN_ROW_WORDS], tn_register *out,
                         tarn_error *err)
{
    uint64_t nulls = 0;
    if (type->kind == TN_KIND_NULL) {
        tn_eval__null_result(ev, out, type);
        return TARN_OK;
    }
    if (tn_type_is_nested(type)) {
        return tn_eval__merge_nested(ev, type, branches, count, take, out, err);
    }
    const tn_lane lane = merge_lane(ev, type, branches, count);
    TN_RETURN_IF_ERROR(tn_eval__values(ev, out, tn_lane_size(lane), err));
    memset(out->validity, 0, sizeof(out->validity));
    for (uint32_t i = 0; i < count; i++) {
        TN_RETURN_IF_ERROR(merge_branch(ev, branches[i], lane, take[i], out, err));
    }
    tn_eval__flat_result(ev, out, type, lane);
    for (uint32_t i = 0; i < tn_eval__word_count(ev); i++) {
        nulls |= ~out->validity[i];
    }
    out->column.validity = nulls == 0 ? NULL : out->validity;
    return TARN_OK;
}

/* Which rows each branch gives, in the evaluator's arena. */
static TN_FALLIBLE take_room(tn_evaluator *ev, uint32_t branches, uint64_t (**take)[TN_ROW_WORDS],
                             tn_register ***list, tarn_error *err)
{
    TN_RETURN_IF_ERROR(
        tn_arena_alloc_array(&ev->arena, branches + 1, sizeof(**take), (void **)take, err));
    return tn_arena_array(&ev->arena, tn_register *, branches + 1, list, err);
}

tarn_code tn_eval__case(tn_evaluator *ev, const tn_instruction *ins, tn_register *const *args,
                        tn_register *out, tarn_error *err)
{
    const uint32_t words = tn_eval__word_count(ev);
    const uint32_t pairs = ins->argument_count / 2;
    const bool has_else = ins->argument_count % 2 == 1;
    uint64_t(*take)[TN_ROW_WORDS] = NULL;
    tn_register **branches = NULL;
    uint64_t remaining[TN_ROW_WORDS];
    truth condition;
    TN_RETURN_IF_ERROR(take_room(ev, pairs + 1, &take, &branches, err));
    memset(remaining, 0xff, sizeof(remaining));
    out->column.faults = NULL;
    for (uint32_t k = 0; k < pairs; k++) {
        TN_RETURN_IF_ERROR(truth_of(ev, args[2 * k], &condition, err));
        TN_RETURN_IF_ERROR(tn_eval__keep_faults(ev, &args[2 * k]->column, remaining, out, err));
        branches[k] = args[2 * k + 1];
        for (uint32_t i = 0; i < words; i++) {
            take[k][i] = condition.yes[i] & remaining[i];
            remaining[i] &= ~(condition.yes[i] | condition.fault[i]);
        }
    }
    if (has_else) {
        branches[pairs] = args[ins->argument_count - 1];
        memcpy(take[pairs], remaining, words * sizeof(uint64_t));
    }
    return merge(ev, ins->expr->type, branches, pairs + has_else,
                 (const uint64_t(*)[TN_ROW_WORDS])take, out, err);
}

tarn_code tn_eval__coalesce(tn_evaluator *ev, const tn_instruction *ins, tn_register *const *args,
                            tn_register *out, tarn_error *err)
{
    const uint32_t words = tn_eval__word_count(ev);
    const uint32_t count = ins->argument_count;
    const bool is_try = ins->bound->form == TN_FORM_TRY;
    uint64_t(*take)[TN_ROW_WORDS] = NULL;
    tn_register **branches = NULL;
    uint64_t remaining[TN_ROW_WORDS];
    uint64_t faults[TN_ROW_WORDS];
    TN_RETURN_IF_ERROR(take_room(ev, count, &take, &branches, err));
    memset(remaining, 0xff, sizeof(remaining));
    out->column.faults = NULL;
    for (uint32_t k = 0; k < count; k++) {
        tn_register *strict[1] = {args[k]};
        tn_register seen = {.column = {.faults = NULL}}; /* only its validity is of interest */
        TN_RETURN_IF_ERROR(tn_eval__strict(ev, strict, 1, &seen, err));
        (void)tn_eval__fault_words(ev, &args[k]->column, faults);
        branches[k] = args[k];
        for (uint32_t i = 0; i < words; i++) {
            const uint64_t valid =
                seen.column.validity == NULL ? ~UINT64_C(0) : seen.column.validity[i];
            take[k][i] = remaining[i] & (is_try ? valid & ~faults[i] : valid | faults[i]);
            remaining[i] &= ~take[k][i];
        }
    }
    return merge(ev, ins->expr->type, branches, count, (const uint64_t(*)[TN_ROW_WORDS])take, out,
                 err);
}

/* ---- NOT, IS NULL, IS TRUE ---- */

static uint64_t truth_test(uint8_t op, uint64_t yes, uint64_t no)
{
    switch ((tn_truth_op)op) {
    case TN_IS_TRUE:
        return yes;
    case TN_IS_NOT_TRUE:
        return ~yes;
    case TN_IS_FALSE:
        return no;
    case TN_IS_NOT_FALSE:
        break;
    }
    return ~no;
}

tarn_code tn_eval__simple_logic(tn_evaluator *ev, const tn_instruction *ins,
                                tn_register *const *args, tn_register *out, tarn_error *err)
{
    const tn_form form = ins->bound->form;
    const uint32_t words = tn_eval__word_count(ev);
    TN_RETURN_IF_ERROR(tn_eval__strict(ev, args, 1, out, err));
    TN_RETURN_IF_ERROR(tn_eval__values(ev, out, 0, err));
    uint64_t *values = out->values;
    if (form == TN_FORM_IS_NULL || form == TN_FORM_IS_NOT_NULL) {
        for (uint32_t i = 0; i < words; i++) {
            const uint64_t valid =
                out->column.validity == NULL ? ~UINT64_C(0) : out->column.validity[i];
            values[i] = form == TN_FORM_IS_NULL ? ~valid : valid;
        }
        out->column.validity = NULL;
    } else if (form == TN_FORM_NOT) {
        tn_operand operand;
        TN_RETURN_IF_ERROR(tn_eval__operand(ev, args[0], TN_LANE_bool, &operand, err));
        for (uint32_t i = 0; i < words; i++) {
            values[i] = ~tn_eval__word_of(operand.values, &operand, i);
        }
    } else {
        truth part;
        TN_RETURN_IF_ERROR(truth_of(ev, args[0], &part, err));
        for (uint32_t i = 0; i < words; i++) {
            values[i] = truth_test(ins->bound->op, part.yes[i], part.no[i]);
        }
        out->column.validity = NULL;
    }
    tn_eval__flat_result(ev, out, TN_BOOLEAN, TN_LANE_bool);
    return TARN_OK;
}

#include "table/files/strict_internal.h"

#include "kernel/text.h"

/* Does every value of the one type have its equal in the other? */
static bool is_exact(const tn_type *from, const tn_type *to)
{
    if (to->kind == TN_KIND_VARCHAR && from->kind != TN_KIND_BLOB) {
        return true; /* its text */
    }
    if (from->kind == TN_KIND_REAL && to->kind == TN_KIND_DOUBLE) {
        return true;
    }
    if (from->kind == TN_KIND_DATE) {
        return to->kind == TN_KIND_TIMESTAMP || to->kind == TN_KIND_TIMESTAMPTZ;
    }
    return tn_type_is_integer(from) && to->kind == TN_KIND_DOUBLE &&
           tn_lane_fits(TN_INTEGER, from->lane);
}

tarn_code tn_strict__cast(tn_expr_context *context, const tn_expr *own, const tn_type *wanted,
                          const tn_expr **cast, const tn_expr **faulty, tarn_error *err)
{
    const tn_type *const from = own->type;
    const tn_span none = {0, 0};
    const tn_expr *sides[2] = {NULL, own};

    *faulty = NULL;
    if ((from->kind == TN_KIND_BOOLEAN && tn_type_is_numeric(wanted)) ||
        (wanted->kind == TN_KIND_BOOLEAN && tn_type_is_numeric(from))) {
        return tn_fail(err, TARN_E_INVALID, "%.*s is not taken as %.*s", TN_STR_ARGS(from->name),
                       TN_STR_ARGS(wanted->name));
    }
    if (is_exact(from, wanted)) {
        return tn_expr_cast(context, own, wanted, false, false, none, cast, err);
    }
    TN_RETURN_IF_ERROR(tn_expr_cast(context, own, wanted, true, false, none, cast, err));
    if (from->kind == TN_KIND_VARCHAR) { /* which has many texts for a value */
        const tn_expr *const operands[2] = {*cast, own};
        TN_RETURN_IF_ERROR(
            tn_expr_call(context, TN_STR("is_null"), &operands[0], 1, none, &sides[0], err));
        TN_RETURN_IF_ERROR(
            tn_expr_call(context, TN_STR("is_null"), &operands[1], 1, none, &sides[1], err));
    } else {
        TN_RETURN_IF_ERROR(tn_expr_cast(context, *cast, from, true, false, none, &sides[0], err));
    }
    return tn_expr_call(context, TN_STR("is_distinct_from"), sides, 2, none, faulty, err);
}

static void hint(bool is_united, tarn_error *err)
{
    tn_hint(err, "%s; in a pipeline, columns = { name = \"TYPE\" } declares them",
            is_united
                ? "types => {'name': 'TYPE'} says what the column is, as VARCHAR takes any text"
                : "union_by_name => true finds types that hold the values of all files");
}

void tn_strict__explain(tn_str uri, const tn_field *wanted, const tn_type *own, tarn_error *err)
{
    tn_explain(err, "'%.*s' has the column '%.*s' as %.*s, where the source has %.*s",
               TN_STR_ARGS(uri), TN_STR_ARGS(wanted->name), TN_STR_ARGS(own->name),
               TN_STR_ARGS(wanted->type->name));
    tn_subject(err, uri.data);
    hint(false, err);
}

tarn_code tn_strict__refuse_nested(tn_str uri, const tn_field *wanted, const tn_type *own,
                                   tarn_error *err)
{
    (void)tn_fail(err, TARN_E_UNSUPPORTED,
                  "'%.*s' has the column '%.*s' as %.*s, not %.*s: within lists, maps and structs "
                  "only integers and decimals are widened (typeWidening)",
                  TN_STR_ARGS(uri), TN_STR_ARGS(wanted->name), TN_STR_ARGS(own->name),
                  TN_STR_ARGS(wanted->type->name));
    tn_subject(err, uri.data);
    return TARN_E_UNSUPPORTED;
}

/* Why, in words; `text` becomes the value. */
static TN_FALLIBLE describe(const tn_strict_check *check, tn_str text, tarn_error *err)
{
    enum { SHOWN = 64 };
    const int size = (int)(text.size < SHOWN ? text.size : SHOWN);
    return tn_fail(err, TARN_E_INVALID, "'%.*s' (%.*s) does not fit %.*s", size, text.data,
                   TN_STR_ARGS(check->own->name), TN_STR_ARGS(check->wanted->name));
}

static TN_FALLIBLE report(const tn_strict_rows *rows, uint32_t check, uint32_t row, tn_arena *arena,
                          tarn_error *err)
{
    const tn_strict_check *const of = &rows->checks[check];
    tarn_error why = TARN_ERROR_INIT;
    tn_value number;
    tn_text text;
    TN_RETURN_IF_ERROR(tn_value_of(rows->numbers, row, arena, &number, err));
    tn_text_init(&text, arena->pool, SIZE_MAX);
    tn_text_value(&rows->columns[of->at], row, &text);
    const tn_str raw = tn_text_str(&text);
    tarn_code code = describe(of, raw, rows->rejects == NULL ? err : &why);
    if (text.failed != TARN_OK) {
        code = tn_text_status(&text, err);
    } else if (rows->rejects == NULL) {
        tn_explain(err, "'%.*s', row %lld, column '%.*s'", TN_STR_ARGS(rows->uri),
                   (long long)number.i64, TN_STR_ARGS(of->name));
        tn_subject(err, rows->uri.data);
        tn_locate(err, 0, 0, number.i64);
        hint(rows->is_united, err);
    } else {
        const tn_reject reject = {.file = rows->uri,
                                  .row = number.i64,
                                  .column = of->name,
                                  .code = code,
                                  .reason = tn_str_of(why.message),
                                  .raw = raw};
        code = rows->rejects->reject(rows->rejects, &reject, err);
    }
    tn_text_deinit(&text);
    return code;
}

tarn_code tn_strict__leave_out(const tn_strict_rows *rows, tn_batch *batch, uint16_t *selection,
                               tn_arena *arena, uint32_t *rejected, tarn_error *err)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < batch->selected; i++) {
        const uint32_t row = tn_batch_row(batch, i);
        tn_value faulty = tn_value_boolean(false);
        for (uint32_t c = 0; c < rows->check_count && !faulty.boolean; c++) {
            TN_RETURN_IF_ERROR(tn_value_of(&rows->faulty[c], row, arena, &faulty, err));
            if (faulty.boolean) {
                TN_RETURN_IF_ERROR(report(rows, c, row, arena, err));
            }
        }
        if (!faulty.boolean) {
            selection[kept++] = (uint16_t)row;
        }
    }
    *rejected = batch->selected - kept;
    if (*rejected > 0) {
        batch->selection = selection;
        batch->selected = kept;
    }
    return TARN_OK;
}

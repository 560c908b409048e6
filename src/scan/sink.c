#include "scan/sink.h"

#include "base/json.h"
#include "kernel/text.h"

enum { SHOWN = 200 }; /* bytes of the row */

/* The row as JSON behind what is said of it; without memory for it the rest is enough. */
static void refuse(const tn_sink *sink, tn_str table, const tn_batch *batch, uint32_t row,
                   tn_str name, tn_pool *pool, tarn_error *err)
{
    const tn_json_style style = {false};
    tn_text text;
    tn_json_writer w = {.out = &text};

    tn_text_init(&text, pool, 1 << 20);
    tn_json_begin(&w, '{');
    for (uint32_t i = 0; i < sink->schema.count && tn_text_str(&text).size < SHOWN; i++) {
        tn_json_name_str(&w, sink->schema.fields[i].name);
        tn_text_json(&batch->columns[i], row, &style, &text);
        w.comma = true;
    }
    tn_json_end(&w, '}');
    const tn_str shown = tn_text_status(&text, NULL) == TARN_OK ? tn_text_str(&text) : TN_STR_NONE;
    const bool cut = shown.size > SHOWN;
    (void)tn_fail(err, TARN_E_INVALID, "NULL in column '%.*s' of '%.*s', which is NOT NULL%s%.*s%s",
                  TN_STR_ARGS(name), TN_STR_ARGS(table), shown.size > 0 ? ": the row is " : "",
                  (int)(cut ? SHOWN : shown.size), shown.size > 0 ? shown.data : "",
                  cut ? "..." : "");
    tn_hint(
        err,
        "leave such rows out (WHERE %.*s IS NOT NULL), or give them a value: coalesce(%.*s, ...)",
        TN_STR_ARGS(name), TN_STR_ARGS(name));
    if (err != NULL) {
        err->row = TN_ROW_OF_BATCH;
    }
    tn_text_deinit(&text);
}

tarn_code tn_sink_refuse_nulls(const tn_sink *sink, tn_str table, const tn_batch *batch,
                               tn_pool *pool, tarn_error *err)
{
    if (batch->selected == 0) { /* the end of a morsel may have columns that were never filled */
        return TARN_OK;
    }
    for (uint32_t i = 0; i < sink->schema.count; i++) {
        const tn_column *column = &batch->columns[i];
        const bool may_be_null =
            column->validity != NULL || column->type->kind == TN_KIND_NULL ||
            (column->encoding == TN_DICTIONARY && column->children->validity != NULL);
        if (sink->schema.fields[i].nullable || !may_be_null) {
            continue;
        }
        for (uint32_t row = 0; row < batch->selected; row++) {
            if (tn_column_is_null(column, tn_batch_row(batch, row))) {
                refuse(sink, table, batch, tn_batch_row(batch, row), sink->schema.fields[i].name,
                       pool, err);
                return TARN_E_INVALID;
            }
        }
    }
    return TARN_OK;
}

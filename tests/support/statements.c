#include "support/statements.h"

#include "kernel/text.h"

tarn_code statements_run(tn_session *session, const char *sql, tn_text *out, tarn_error *err)
{
    tarn_error own = TARN_ERROR_INIT;
    tn_script *script = NULL;
    tn_result *result = NULL;

    err = err != NULL ? err : &own;
    tarn_code code = tn_script_open(session, tn_str_of(sql), NULL, &script, err);

    tn_text_clear(out);
    while (code == TARN_OK) {
        code = tn_script_next(script, &result, err);
        if (code != TARN_OK || result == NULL) {
            break;
        }
        tn_text_clear(out);
        for (tn_chunk *chunk = NULL; code == TARN_OK;) {
            code = tn_result_read(result, &chunk, err);
            if (code != TARN_OK || chunk == NULL) {
                break;
            }
            for (uint32_t row = 0; row < chunk->rows; row++) {
                for (uint32_t i = 0; i < chunk->width; i++) {
                    tn_text_puts(out, i == 0 ? "" : "|");
                    if (tn_column_is_null(&chunk->columns[i], row)) {
                        tn_text_puts(out, "NULL");
                    } else {
                        tn_text_value(&chunk->columns[i], row, out);
                    }
                }
                tn_text_putc(out, '\n');
            }
            tn_chunk_release(chunk);
        }
    }
    if (code != TARN_OK) {
        tn_text_clear(out);
        tn_text_printf(out, "%s: %s\n", tarn_code_name(code), err->message);
    }
    tn_text_puts(out, "");
    tn_script_close(script);
    return code;
}

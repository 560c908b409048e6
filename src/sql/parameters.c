/* The names of a text's parameters, without making anything of it. */
#include "sql/sql.h"
#include "sql/token.h"

#include <inttypes.h>
#include <stdio.h>

tarn_code tn_sql_parameters(tn_str text, tn_parameter_seen *see, void *context, tarn_error *err)
{
    tn_lexer lexer = {text, 0};
    uint32_t marks = 0;
    for (;;) {
        tn_token token;
        char number[16];
        TN_RETURN_IF_ERROR(tn_lexer__next(&lexer, &token, err));
        if (token.kind == TN_TOKEN_END) {
            return TARN_OK;
        }
        if (token.kind == TN_TOKEN_PARAMETER) {
            see(context,
                tn_str_slice(text, token.span.start + 1, token.span.start + token.span.length));
        } else if (token.kind == TN_TOKEN_SYMBOL && token.symbol == ';') {
            marks = 0; /* each statement counts its own */
        } else if (token.kind == TN_TOKEN_SYMBOL && token.symbol == '?') {
            (void)snprintf(number, sizeof(number), "%" PRIu32, ++marks);
            see(context, tn_str_of(number));
        }
    }
}

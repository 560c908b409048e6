/*
 * text.h - text that the library hands out, and room for more.
 *
 * Whatever Tarn gives as `char **` is freed with tarn_text_free().
 */
#ifndef TARN_TEXT_H
#define TARN_TEXT_H

#include <tarn/error.h>

TARN_BEGIN_DECLS

/* Memory from the library's pools: `*text` is NULL or came from here; its bytes are kept up to the
 * smaller size, the others undefined.  On failure `*text` stays as it was. */
TARN_FALLIBLE tarn_text_resize(char **text, size_t size, tarn_error *err);
TARN_API void tarn_text_free(char *text); /* NULL is allowed */

/* Columns that UTF-8 text takes on a terminal. */
TARN_API size_t tarn_text_width(const char *text, size_t size);

/* Takes text; what it returns is false when no more is wanted. */
typedef int tarn_write(void *context, const char *data, size_t size);

/* An error as people read it, with the place in `sql` (or NULL) underlined; or as one JSON object.
 * `what` is "error" or "warning". */
#define TARN_REPORT_JSON   UINT32_C(1)
#define TARN_REPORT_COLOUR UINT32_C(2)
TARN_FALLIBLE tarn_error_report(const tarn_error *error, const char *what, const char *sql,
                                size_t sql_size, uint32_t flags, uint32_t width, char **out,
                                tarn_error *err);

TARN_END_DECLS

#endif

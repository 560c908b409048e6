#include "api/api_internal.h"

#include "base/size.h"
#include "session/render.h"

/* Stands before the bytes, so that whoever frees them needs no size. */
typedef struct head {
    size_t size; /* with the head */
    size_t padding;
} head;

static head *head_of(char *text)
{
    return (head *)(void *)(text - sizeof(head));
}

tarn_code tarn_text_resize(char **text, size_t size, tarn_error *err)
{
    void *memory;
    size_t whole;
    TN_RETURN_IF_ERROR(tn_api__check_given(text != NULL, "text", err));
    if (!tn_size_add(size, sizeof(head), &whole)) {
        return tn_fail(err, TARN_E_NOMEM, "%zu bytes are too many", size);
    }
    TN_RETURN_IF_ERROR(tn_pool_alloc(tn_process_pool(), whole, &memory, err));
    head *made = memory;
    made->size = whole;
    if (*text != NULL) {
        memcpy(made + 1, *text, tn_min_size(size, head_of(*text)->size - sizeof(head)));
        tarn_text_free(*text);
    }
    *text = (char *)(made + 1);
    return TARN_OK;
}

void tarn_text_free(char *text)
{
    if (text != NULL) {
        tn_pool_free(tn_process_pool(), head_of(text), head_of(text)->size);
    }
}

size_t tarn_text_width(const char *text, size_t size)
{
    return tn_text_width((tn_str){text, text == NULL ? 0 : size});
}

tarn_code tn_api__give(tn_text *text, char **out, size_t *size, tarn_error *err)
{
    *out = NULL;
    tarn_code code = tn_text_status(text, err);
    if (code == TARN_OK) {
        code = tarn_text_resize(out, text->size + 1, err);
    }
    if (code == TARN_OK) {
        if (text->size > 0) {
            memcpy(*out, text->data, text->size);
        }
        (*out)[text->size] = '\0';
        if (size != NULL) {
            *size = text->size;
        }
    }
    tn_text_deinit(text);
    return code;
}

tarn_code tarn_error_report(const tarn_error *error, const char *what, const char *sql,
                            size_t sql_size, uint32_t flags, uint32_t width, char **out,
                            tarn_error *err)
{
    const tn_report_options options = {.what = what,
                                       .colour = (flags & TARN_REPORT_COLOUR) != 0,
                                       .json = (flags & TARN_REPORT_JSON) != 0,
                                       .width = width};
    tn_text text;
    TN_RETURN_IF_ERROR(tn_api__check_given(error != NULL, "error", err));
    TN_RETURN_IF_ERROR(tn_api__check_given(out != NULL, "place for the answer", err));
    tn_text_init(&text, tn_process_pool(), 1 << 20);
    tn_report(error, (tn_str){sql, sql == NULL ? 0 : sql_size}, &options, &text);
    return tn_api__give(&text, out, NULL, err);
}

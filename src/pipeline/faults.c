/* The mistakes of a pipeline file, all of them, each with its place. */
#include "base/utf8.h"
#include "pipeline/pipeline_internal.h"

#include <stdarg.h>
#include <stdio.h>

static TN_FALLIBLE push(tn_dataflow *p, const tn_dataflow_fault *fault, tarn_error *err)
{
    if (p->faults.count >= TN_DATAFLOW_FAULTS_MAX) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_vec_push(&p->faults, *fault, err));
    p->errors += !fault->is_warning;
    return TARN_OK;
}

static void set_place(tn_dataflow_fault *fault, const tn_toml *at, bool at_key)
{
    if (at != NULL) {
        fault->error.line = at_key ? at->key_line : at->line;
        fault->error.column = at_key ? at->key_column : at->column;
    }
}

tarn_code tn_dataflow__fault(tn_dataflow *p, const tn_toml *at, bool at_key, const char *hint,
                             tarn_error *err, const char *format, ...)
{
    tn_dataflow_fault fault = {.error = TARN_ERROR_INIT};
    char message[TARN_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    (void)tn_fail(&fault.error, TARN_E_INVALID, "%s", message);
    tn_subject(&fault.error, p->path.data);
    if (hint != NULL) {
        tn_hint(&fault.error, "%s", hint);
    }
    set_place(&fault, at, at_key);
    return push(p, &fault, err);
}

tarn_code tn_dataflow__warn(tn_dataflow *p, const tn_toml *at, const char *hint, tarn_error *err,
                            const char *format, ...)
{
    tn_dataflow_fault fault = {.is_warning = true, .error = TARN_ERROR_INIT};
    char message[TARN_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    (void)tn_fail(&fault.error, TARN_E_INVALID, "%s", message);
    tn_subject(&fault.error, p->path.data);
    if (hint != NULL) {
        tn_hint(&fault.error, "%s", hint);
    }
    set_place(&fault, at, false);
    return push(p, &fault, err);
}

/* An error's span lies in the statement that was made of the text: prefix, text, suffix. */
void tn_dataflow__place(const tn_dataflow *p, const tn_sql_text *sql, tarn_error *error)
{
    uint32_t line = 0;
    uint32_t column = 0;
    size_t at = error->span_start;
    if (error->span_length == 0 && error->line == 0) {
        at = sql->prefix;
    } else if (error->span_length == 0) {
        return;
    }
    at = at < sql->prefix ? 0 : at - sql->prefix;
    at = at > sql->text.size ? sql->text.size : at;
    if (sql->node != NULL) {
        tn_toml_place(p->document, sql->node, at, &line, &column);
    } else {
        size_t start = 0;
        line = 1;
        for (size_t i = 0; i < at; i++) {
            if (sql->text.data[i] == '\n') {
                line++;
                start = i + 1;
            }
        }
        column = (uint32_t)tn_utf8_length(sql->text.data + start, at - start) + 1;
    }
    error->line = line;
    error->column = column;
    error->span_start = error->span_length = 0;
    error->subject[0] = '\0';
    tn_subject(error, sql->node != NULL ? p->path.data : sql->file.data);
}

tarn_code tn_dataflow__fault_of(tn_dataflow *p, const tn_sql_text *sql, const tn_toml *at,
                                const tarn_error *cause, tarn_error *err)
{
    tn_dataflow_fault fault = {.error = *cause};
    switch ((int)cause->code) {
    case TARN_E_NOMEM:
    case TARN_E_CANCELLED:
    case TARN_E_INTERNAL:
    case TARN_E_UNAVAILABLE:
    case TARN_E_AUTH:
    case TARN_E_DENIED:
        return tn_error_copy(err, cause);
    default:
        break;
    }
    if (sql != NULL) {
        tn_dataflow__place(p, sql, &fault.error);
    } else {
        fault.error.line = at == NULL ? 0 : at->line;
        fault.error.column = at == NULL ? 0 : at->column;
        fault.error.span_start = fault.error.span_length = 0;
        fault.error.subject[0] = '\0';
        tn_subject(&fault.error, p->path.data);
    }
    return push(p, &fault, err);
}

/* By place: an insertion sort, since faults are large and few. */
void tn_dataflow__sort_faults(tn_dataflow *p)
{
    for (size_t i = 1; i < p->faults.count; i++) {
        const tn_dataflow_fault fault = p->faults.items[i];
        size_t at = i;
        for (; at > 0; at--) {
            const tarn_error *before = &p->faults.items[at - 1].error;
            if (before->line < fault.error.line ||
                (before->line == fault.error.line && before->column <= fault.error.column)) {
                break;
            }
            p->faults.items[at] = p->faults.items[at - 1];
        }
        p->faults.items[at] = fault;
    }
}

tarn_code tn_dataflow__first_fault(const tn_dataflow *p, tarn_error *err)
{
    for (size_t i = 0; i < p->faults.count; i++) {
        const tn_dataflow_fault *fault = &p->faults.items[i];
        if (!fault->is_warning) {
            return tn_error_copy(err, &fault->error);
        }
    }
    return TARN_OK;
}

const char *tn_dataflow__nearest(tn_dataflow *p, tn_str name, const tn_str *names, size_t count)
{
    tn_str text;
    const tn_str near = tn_str_nearest(name, names, count);
    if (near.data == NULL || tn_arena_print(&p->arena, &text, NULL, "did you mean '%.*s'?",
                                            TN_STR_ARGS(near)) != TARN_OK) {
        return NULL;
    }
    return text.data;
}

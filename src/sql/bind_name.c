/* bind_name.c - which column a name means, and what outputs are called. */
#include "sql/bind_internal.h"

#include <stdarg.h>
#include <stdio.h>

tarn_code tn_binder__fail(const tn_binder *b, tn_span span, tarn_error *err, tarn_code code,
                          const char *format, ...)
{
    char message[2 * TARN_ERROR_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    return tn_sql__fail(b->text, tn_binder__span(b, span), err, code, "%s", message);
}

tarn_code tn_binder__unsupported(const tn_binder *b, tn_span span, tarn_error *err,
                                 const char *what)
{
    return tn_sql__not_built(b->text, tn_binder__span(b, span), err, what);
}

tn_str tn_binder__nearest(tn_str name, const tn_str *names, size_t count)
{
    const tn_str nearest = tn_str_nearest(name, names, count);
    return nearest.size > 0 && 2 * tn_str_distance(name, nearest) <= name.size ? nearest
                                                                               : TN_STR_NONE;
}

tarn_code tn_binder__push_column(tn_binder *b, tn_scope_column column, tarn_error *err)
{
    return tn_vec_push(&b->columns, column, err);
}

tarn_code tn_binder__push_outputs(tn_binder *b, const tn_plan *plan, tn_str table, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_vec_reserve(&b->columns, plan->output_count, err));
    for (uint32_t i = 0; i < plan->output_count; i++) {
        const tn_output *output = &plan->outputs[i];
        b->columns.items[b->columns.count++] = (tn_scope_column){
            .table = table, .name = output->name, .id = output->id, .type = output->type};
    }
    return TARN_OK;
}

/* ---- finding ---- */

typedef enum match { MATCH_NONE, MATCH_FOLDED, MATCH_EXACT } match;

static match match_of(tn_str a, tn_str b)
{
    return tn_str_equal(a, b) ? MATCH_EXACT : tn_str_equal_fold(a, b) ? MATCH_FOLDED : MATCH_NONE;
}

/* The best column of a scope for `name`, under `table` where that is not NULL. */
static TN_FALLIBLE search(tn_binder *b, const tn_scope *scope, const tn_str *table, tn_str name,
                          tn_span span, const tn_scope_column **out, tarn_error *err)
{
    match best = MATCH_NONE;
    bool twice = false;
    *out = NULL;
    for (size_t i = scope->from; i < scope->to; i++) {
        const tn_scope_column *column = &b->columns.items[i];
        if (table == NULL ? column->qualified_only
                          : match_of(column->table, *table) == MATCH_NONE || column->unqualified) {
            continue;
        }
        const match found = match_of(column->name, name);
        if (found > best) {
            best = found;
            *out = column;
            twice = false;
        } else if (found == best && found != MATCH_NONE) {
            twice = true;
        }
    }
    if (!twice) {
        return TARN_OK;
    }
    const tarn_code code = tn_binder__fail(b, span, err, TARN_E_INVALID,
                                           "column '%.*s' is ambiguous", TN_STR_ARGS(name));
    if (table == NULL && (*out)->table.size > 0) {
        tn_hint(err, "say which: '%.*s.%.*s' or another", TN_STR_ARGS((*out)->table),
                TN_STR_ARGS((*out)->name));
    }
    return code;
}

/* In one scope: a, t.a, s.t.a, and the column before its fields. */
static TN_FALLIBLE find_here(tn_binder *b, const tn_scope *scope, const tn_ast *name,
                             tn_found_name *out, tarn_error *err)
{
    for (uint32_t tables = 2; tables > 0; tables--) {
        if (name->count > tables) {
            TN_RETURN_IF_ERROR(search(b, scope, &name->names[tables - 1], name->names[tables],
                                      name->span, &out->column, err));
            if (out->column != NULL) {
                out->parts = tables + 1;
                return TARN_OK;
            }
        }
    }
    out->parts = 1;
    return search(b, scope, NULL, name->names[0], name->span, &out->column, err);
}

tarn_code tn_binder__find(tn_binder *b, tn_scope *scope, const tn_ast *name, bool outer,
                          tn_found_name *out, tarn_error *err)
{
    *out = (tn_found_name){.column = NULL};
    for (tn_scope *at = scope; at != NULL; at = at->outer) {
        TN_RETURN_IF_ERROR(find_here(b, at, name, out, err));
        if (out->column != NULL) {
            out->scope = at;
            at->used = at->used || at != scope || outer;
            b->shallowest = at->depth < b->shallowest ? at->depth : b->shallowest;
            return TARN_OK;
        }
        if (!outer) {
            return TARN_OK;
        }
    }
    return TARN_OK;
}

/* Where all of a scope comes from one table, its name. */
static tn_str only_table(const tn_binder *b, const tn_scope *scope)
{
    tn_str table = TN_STR_NONE;
    for (size_t i = scope->from; i < scope->to; i++) {
        if (i > scope->from && !tn_str_equal(table, b->columns.items[i].table)) {
            return TN_STR_NONE;
        }
        table = b->columns.items[i].table;
    }
    return table;
}

static bool has_table(const tn_binder *b, const tn_scope *scope, tn_str table)
{
    for (const tn_scope *at = scope; at != NULL; at = at->outer) {
        for (size_t i = at->from; i < at->to; i++) {
            if (match_of(b->columns.items[i].table, table) != MATCH_NONE) {
                return true;
            }
        }
    }
    return false;
}

/* The nearest of the names (`tables`: of the tables) in all scopes. */
static tn_str nearest_name(tn_binder *b, const tn_scope *scope, tn_str name, bool tables)
{
    enum { AT_ONCE = 64 };
    tn_str names[AT_ONCE + 1];
    tn_str best = TN_STR_NONE;
    for (const tn_scope *at = scope; at != NULL; at = at->outer) {
        for (size_t i = at->from; i < at->to;) {
            size_t count = 0;
            if (best.size > 0) {
                names[count++] = best;
            }
            for (; i < at->to && count < AT_ONCE; i++) {
                names[count++] = tables ? b->columns.items[i].table : b->columns.items[i].name;
            }
            const tn_str found = tn_binder__nearest(name, names, count);
            best = found.size > 0 ? found : best;
        }
    }
    return best;
}

tarn_code tn_binder__no_column(tn_binder *b, const tn_scope *scope, const tn_ast *name,
                               tarn_error *err)
{
    const tn_str last = name->names[name->count - 1];
    tn_str table = name->count > 1 ? name->names[name->count - 2] : TN_STR_NONE;

    if (name->count > 1 && !has_table(b, scope, table)) {
        (void)tn_binder__fail(b, name->span, err, TARN_E_INVALID, "no table named '%.*s' in FROM",
                              TN_STR_ARGS(table));
        const tn_str near = nearest_name(b, scope, table, true);
        if (near.size > 0) {
            tn_hint(err, "did you mean '%.*s'?", TN_STR_ARGS(near));
        }
        return TARN_E_INVALID;
    }
    if (name->count == 1 && scope != NULL) {
        table = only_table(b, scope);
    }
    (void)tn_binder__fail(b, name->span, err, TARN_E_INVALID, "no column named '%.*s'%s%.*s",
                          TN_STR_ARGS(last), table.size > 0 ? " in " : "", TN_STR_ARGS(table));
    const tn_str near = nearest_name(b, scope, last, false);
    if (near.size > 0) {
        tn_hint(err, "did you mean '%.*s'?", TN_STR_ARGS(near));
    }
    return TARN_E_INVALID;
}

/* ---- what outputs are called ---- */

/* The text of the span, with the parentheses around its first or last operand: they are no part of
 * an operand's span. */
static tn_str balanced(tn_str source, tn_span span)
{
    size_t start = span.start;
    size_t end = (size_t)span.start + span.length;
    size_t opened = 0;
    size_t closed = 0; /* without an opening one */
    char quote = '\0';
    for (size_t i = start; i < end; i++) {
        const char c = source.data[i];
        quote = quote == '\0' && (c == '\'' || c == '"') ? c : quote == c ? '\0' : quote;
        if (quote == '\0' && c == '(') {
            opened++;
        } else if (quote == '\0' && c == ')' && opened > 0) {
            opened--;
        } else if (quote == '\0' && c == ')') {
            closed++;
        }
    }
    for (size_t i = start; closed > 0 && i > 0; i--) {
        const char c = source.data[i - 1];
        if (c == '(') {
            start = i - 1;
            closed--;
        } else if (c > ' ') {
            break;
        }
    }
    for (size_t i = end; opened > 0 && i < source.size; i++) {
        const char c = source.data[i];
        if (c == ')') {
            end = i + 1;
            opened--;
        } else if (c > ' ') {
            break;
        }
    }
    return tn_str_slice(source, start, end);
}

tarn_code tn_binder__text_of(tn_binder *b, tn_span span, tn_str *out, tarn_error *err)
{
    enum { NAME_MAX_SIZE = 120 };
    char name[NAME_MAX_SIZE + 4];
    size_t size = 0;
    const tn_str text = balanced(b->source, span);
    char quote = '\0';

    for (size_t i = 0; i < text.size; i++) {
        const char c = text.data[i];
        if (size >= NAME_MAX_SIZE) {
            while (size > 0 && ((unsigned char)name[size - 1] & 0xC0) == 0x80) {
                size--; /* not through the middle of a character */
            }
            size -= size > 0 && (unsigned char)name[size - 1] >= 0xC0;
            memcpy(name + size, "...", 3);
            size += 3;
            break;
        }
        quote = quote == '\0' && (c == '\'' || c == '"') ? c : quote == c ? '\0' : quote;
        const bool blank = quote == '\0' && (c == ' ' || (c >= '\t' && c <= '\r'));
        if (!blank) {
            name[size++] = c;
        } else if (size > 0 && name[size - 1] != ' ') {
            name[size++] = ' ';
        }
    }
    return tn_arena_copy(b->arena, (tn_str){name, size}, out, err);
}

tarn_code tn_binder__output_name(tn_binder *b, const tn_ast *ast, tn_str *out, tarn_error *err)
{
    const tn_ast *named = ast;
    while (named->kind == TN_AST_CAST && !named->negated) {
        named = named->items[0]; /* a::INT is still a */
    }
    if (named->kind == TN_AST_NAME || named->kind == TN_AST_FIELD) {
        *out = named->text;
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_binder__text_of(b, ast->span, out, err));
    if (ast->kind == TN_AST_CALL) { /* COUNT(*) and count(*) are one name */
        char *data = (char *)(uintptr_t)out->data;
        for (size_t i = 0; i < out->size && data[i] != '('; i++) {
            data[i] = tn_ascii_lower(data[i]);
        }
    }
    return TARN_OK;
}

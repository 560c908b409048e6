#include "frame/term.h"

#include "base/size.h"

static bool is_text(const tn_value *value)
{
    return value->type != NULL && !value->is_null && tn_type_is_string(value->type);
}

/* One block: the struct, its children, its texts. */
static tarn_expr *allocate(tn_pool *pool, const tarn_expr *like, size_t count)
{
    void *memory;
    size_t children;
    size_t size;
    const size_t value_size = is_text(&like->value) ? like->value.str.size + 1 : 0;
    if (!tn_size_mul(count, sizeof(tarn_expr *), &children) ||
        !tn_size_add(sizeof(tarn_expr) + like->text.size + 1 + value_size, children, &size) ||
        tn_pool_alloc(pool, size, &memory, NULL) != TARN_OK) {
        return NULL;
    }
    tarn_expr *term = memory;
    *term = *like;
    atomic_init(&term->refs, 1);
    term->pool = pool;
    term->size = size;
    term->next = NULL;
    term->child_count = count;
    term->children = (tarn_expr **)(term + 1);
    char *text = (char *)(term->children + count);
    if (like->text.size > 0) {
        memcpy(text, like->text.data, like->text.size);
    }
    text[like->text.size] = '\0';
    term->text.data = text;
    if (value_size > 0) {
        char *bytes = text + like->text.size + 1;
        memcpy(bytes, like->value.str.data == NULL ? "" : like->value.str.data, value_size - 1);
        bytes[value_size - 1] = '\0';
        term->value.str.data = bytes;
    }
    return term;
}

tarn_expr *tn_term_make(tn_pool *pool, const tarn_expr *like, tarn_expr *const *children,
                        size_t count)
{
    bool whole = true;
    for (size_t i = 0; i < count; i++) {
        whole = whole && children[i] != NULL;
    }
    tarn_expr *term = whole ? allocate(pool, like, count) : NULL;
    for (size_t i = 0; i < count; i++) {
        if (term != NULL) {
            term->children[i] = children[i];
        } else {
            tn_term_release(children[i]);
        }
    }
    return term;
}

tarn_expr *tn_term_error(tn_pool *pool, tarn_code code, const char *message)
{
    const tarn_expr like = {.kind = TN_TERM_ERROR, .code = code, .text = tn_str_of(message)};
    return tn_term_make(pool, &like, NULL, 0);
}

tarn_expr *tn_term_retain(tarn_expr *expr)
{
    if (expr != NULL) {
        atomic_fetch_add_explicit(&expr->refs, 1, memory_order_relaxed);
    }
    return expr;
}

void tn_term_release(tarn_expr *expr)
{
    if (expr == NULL || atomic_fetch_sub_explicit(&expr->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    expr->next = NULL;
    for (tarn_expr *dead = expr; dead != NULL;) {
        tarn_expr *gone = dead;
        dead = gone->next;
        for (size_t i = 0; i < gone->child_count; i++) {
            tarn_expr *child = gone->children[i];
            if (atomic_fetch_sub_explicit(&child->refs, 1, memory_order_acq_rel) == 1) {
                child->next = dead;
                dead = child;
            }
        }
        tn_pool_free(gone->pool, gone, gone->size);
    }
}

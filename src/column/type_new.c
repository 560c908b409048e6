/* Fields that a type has and another lacks. */
#include "column/type.h"

#include <stdio.h>

enum { NAME_SHOWN = 48 };

/* A pair of types below, and where its next field's path begins. */
typedef struct step {
    const tn_type *known, *now;
    uint32_t next;
    size_t end;
} step;

static const tn_type *field_of(const tn_type *type, tn_str name, bool fold)
{
    const tn_type *found = NULL;
    for (uint32_t i = 0; i < type->field_count; i++) {
        const tn_str own = type->fields[i].name;
        found = (fold ? tn_str_equal_fold(own, name) : tn_str_equal(own, name))
                    ? type->fields[i].type
                    : found;
    }
    return found;
}

bool tn_type_find_new(const tn_type *known, const tn_type *now, bool fold, char *path, size_t size)
{
    step stack[TN_TYPE_DEPTH_MAX + 1] = {{known, now, 0, strlen(path)}};
    size_t depth = 1;
    while (depth > 0) {
        step *const top = &stack[depth - 1];
        const uint32_t at = top->next++;
        if (top->known == top->now || top->known->kind != top->now->kind ||
            !tn_type_is_nested(top->now) || at >= top->now->field_count) {
            depth--;
            continue;
        }
        const bool is_struct = top->now->kind == TN_KIND_STRUCT;
        const tn_field *const field = &top->now->fields[at];
        const tn_type *const below =
            is_struct ? field_of(top->known, field->name, fold) : top->known->fields[at].type;
        const int shown = (int)(field->name.size < NAME_SHOWN ? field->name.size : NAME_SHOWN);
        const int added = snprintf(path + top->end, size - top->end, "%s%.*s",
                                   is_struct ? "." : "[]", is_struct ? shown : 0, field->name.data);
        if (below == NULL) {
            return true;
        }
        const size_t end = top->end + (size_t)(added > 0 ? added : 0);
        if (depth <= TN_TYPE_DEPTH_MAX) {
            stack[depth++] = (step){below, field->type, 0, end < size ? end : size - 1};
        }
    }
    return false;
}

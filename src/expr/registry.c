/* The list of all functions, sorted once; and the look-up by name. */
#include "expr/nested_internal.h"

#include <pthread.h>

enum { FUNCTIONS_MAX = 512, SLOTS = 2048, KERNELS_MAX = 1024 };

static const tn_function_list *const lists[] = {
    &tn__operator_functions, &tn__logic_functions, &tn__string_functions,
    &tn__pattern_functions,  &tn__time_functions,  &tn__math_functions,
    &tn__nested_functions,   &tn__list_functions,  &tn__aggregate_functions,
};

/* Filled once, by the first who asks, and read-only from then on. */
static struct {
    const tn_function *sorted[FUNCTIONS_MAX];
    size_t count;
    struct {
        const char *name;
        const tn_function *function;
    } slots[SLOTS];
    struct {
        const tn_kernel *kernel;
        const char *owner;
    } kernels[KERNELS_MAX];
    size_t kernel_count;
} registry;
static pthread_once_t registry_once = PTHREAD_ONCE_INIT;

static size_t slot_of(tn_str name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < name.size; i++) {
        hash = (hash ^ (uint8_t)tn_ascii_lower(name.data[i])) * UINT64_C(0x100000001b3);
    }
    return (size_t)(hash ^ hash >> 32) % SLOTS;
}

static void enter(const char *name, const tn_function *function)
{
    size_t slot = slot_of(tn_str_of(name));
    while (registry.slots[slot].name != NULL) {
        slot = (slot + 1) % SLOTS;
    }
    registry.slots[slot].name = name;
    registry.slots[slot].function = function;
}

static void add(const tn_function *function)
{
    size_t at = registry.count++;
    while (at > 0 && strcmp(registry.sorted[at - 1]->name, function->name) > 0) {
        registry.sorted[at] = registry.sorted[at - 1];
        at--;
    }
    registry.sorted[at] = function;
    enter(function->name, function);
    for (size_t i = 0; function->aliases != NULL && function->aliases[i] != NULL; i++) {
        enter(function->aliases[i], function);
    }
}

static void add_kernel(const tn_kernel *kernel, const char *owner)
{
    if (registry.kernel_count < KERNELS_MAX) {
        registry.kernels[registry.kernel_count].kernel = kernel;
        registry.kernels[registry.kernel_count++].owner = owner;
    }
}

static void fill(void)
{
    static const tn_kernel *const casts[] = {
        &tn_cast__to_text,   &tn_cast__blob_to_text, &tn_cast__nested_to_text,
        &tn_cast__from_text, &tn_cast__text_to_blob, &tn_cast__empty_list,
        &tn_cast__time};
    for (size_t i = 0; i < sizeof(casts) / sizeof(*casts); i++) {
        add_kernel(casts[i], "a cast");
    }
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        const tn_kernel *const *chosen = lists[i]->kernels;
        for (size_t j = 0; chosen != NULL && chosen[j] != NULL; j++) {
            add_kernel(chosen[j], lists[i]->items[0].category);
        }
        for (size_t j = 0; j < lists[i]->count && registry.count < FUNCTIONS_MAX; j++) {
            add(&lists[i]->items[j]);
            const tn_overload *overload = lists[i]->items[j].binding->overloads;
            for (; overload != NULL && overload->parameters != NULL; overload++) {
                add_kernel(&overload->kernel, lists[i]->items[j].name);
            }
        }
    }
}

const tn_kernel *tn_kernel__at(size_t index, const char **owner)
{
    (void)pthread_once(&registry_once, fill);
    if (index >= registry.kernel_count) {
        return NULL;
    }
    *owner = registry.kernels[index].owner;
    return registry.kernels[index].kernel;
}

bool tn_kernel__is_declared(const tn_kernel *kernel)
{
    const char *owner = NULL;
    const tn_kernel *declared = NULL;
    for (size_t i = 0; (declared = tn_kernel__at(i, &owner)) != NULL; i++) {
        if (declared == kernel) {
            return true;
        }
    }
    return false;
}

const tn_function *const *tn_functions(size_t *count)
{
    (void)pthread_once(&registry_once, fill);
    *count = registry.count;
    return registry.sorted;
}

const tn_function *tn_function_find(tn_str name)
{
    (void)pthread_once(&registry_once, fill);
    for (size_t slot = slot_of(name); registry.slots[slot].name != NULL;
         slot = (slot + 1) % SLOTS) {
        if (tn_str_equal_fold(tn_str_of(registry.slots[slot].name), name)) {
            return registry.slots[slot].function;
        }
    }
    return NULL;
}

tn_function_class tn_function_class_of(tn_str name)
{
    const tn_function *function = tn_function_find(name);
    return function == NULL              ? TN_FUNCTION_UNKNOWN
           : function->aggregate != NULL ? TN_FUNCTION_AGGREGATE
                                         : TN_FUNCTION_SCALAR;
}

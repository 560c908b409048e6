#include "sql/routine.h"

#include "base/size.h"

#include <string.h>

enum { CHUNK_SIZE = 32 << 10, ALIGN = 16 };

typedef struct tn_routine_chunk {
    struct tn_routine_chunk *below;
    size_t size, used; /* of the bytes behind this head */
    size_t pad;
} chunk;
_Static_assert(sizeof(chunk) % ALIGN == 0, "frames stay aligned");

void tn_routines_init(tn_routines *stack, tn_pool *pool)
{
    *stack = (tn_routines){.pool = pool};
}

static void free_chunk(tn_routines *stack, chunk *gone)
{
    if (gone != NULL) {
        tn_pool_free(stack->pool, gone, sizeof(chunk) + gone->size);
    }
}

void tn_routines_deinit(tn_routines *stack)
{
    while (stack->chunks != NULL) {
        chunk *gone = stack->chunks;
        stack->chunks = gone->below;
        free_chunk(stack, gone);
    }
    free_chunk(stack, stack->spare);
    stack->spare = NULL;
    stack->top = NULL;
}

static TN_FALLIBLE grow(tn_routines *stack, size_t size, tarn_error *err)
{
    chunk *fresh = stack->spare;
    if (fresh != NULL && fresh->size >= size) {
        stack->spare = NULL;
    } else {
        void *memory;
        const size_t room = tn_max_size(CHUNK_SIZE - sizeof(chunk), size);
        TN_RETURN_IF_ERROR(tn_pool_alloc(stack->pool, sizeof(chunk) + room, &memory, err));
        fresh = memory;
        fresh->size = room;
    }
    fresh->below = stack->chunks;
    fresh->used = 0;
    stack->chunks = fresh;
    return TARN_OK;
}

tarn_code tn_routine_push(tn_routines *stack, tn_routine *run, size_t size, void **frame,
                          tarn_error *err)
{
    size = tn_round_up(size, ALIGN);
    *frame = NULL;
    if (stack->chunks == NULL || stack->chunks->size - stack->chunks->used < size) {
        TN_RETURN_IF_ERROR(grow(stack, size, err));
    }
    tn_frame *fresh = (void *)((uint8_t *)(stack->chunks + 1) + stack->chunks->used);
    stack->chunks->used += size;
    memset(fresh, 0, size);
    fresh->caller = stack->top;
    fresh->run = run;
    fresh->size = (uint32_t)size;
    stack->top = fresh;
    *frame = fresh;
    return TARN_OK;
}

tarn_code tn_routine_return(tn_routines *stack)
{
    tn_frame *done = stack->top;
    stack->top = done->caller;
    stack->chunks->used -= done->size;
    if (stack->chunks->used == 0 && stack->chunks->below != NULL) {
        chunk *empty = stack->chunks; /* kept, since the next call may need it at once */
        stack->chunks = empty->below;
        free_chunk(stack, stack->spare);
        stack->spare = empty;
    }
    return TARN_OK;
}

tarn_code tn_routines_run(tn_routines *stack, void *machine, tarn_error *err)
{
    while (stack->top != NULL) {
        const tarn_code code = stack->top->run(machine, stack->top, err);
        if (code != TARN_OK) {
            tn_routines_deinit(stack);
            return code;
        }
    }
    return TARN_OK;
}

/*
 * routine.h - functions that call one another on a stack of our own.
 *
 * What a user wrote nests as deep as the user likes, and the C stack does not.  A *routine* is a
 * function whose locals live in a frame that this stack owns; to call another it pushes that one's
 * frame and returns to the loop, which enters it again behind the call when the other has returned:
 *
 *     static tarn_code sum(void *machine, void *frame, tarn_error *err)
 *     {
 *         parser *p = machine;
 *         sum_frame *f = frame;          // begins with tn_frame head
 *         TN_ROUTINE(f);
 *         TN_CALL(p, f, term, (term_frame){.depth = 1});
 *         f->left = p->result;           // what a routine answers stands in its machine
 *         ...
 *         TN_ROUTINE_END(p);
 *     }
 *
 * C locals do not survive a TN_CALL; only the frame does.  A machine is a struct whose member
 * `routines` is a tn_routines.
 */
#ifndef TN_SQL_ROUTINE_H
#define TN_SQL_ROUTINE_H

#include "base/pool.h"

#include <string.h>

typedef tarn_code tn_routine(void *machine, void *frame, tarn_error *err);

typedef struct tn_frame {
    struct tn_frame *caller;
    tn_routine *run;
    uint32_t state; /* where to go on: a line of the routine's source */
    uint32_t size;
} tn_frame;

typedef struct tn_routines {
    tn_pool *pool;
    tn_frame *top;
    struct tn_routine_chunk *chunks, *spare;
} tn_routines;

void tn_routines_init(tn_routines *stack, tn_pool *pool);
void tn_routines_deinit(tn_routines *stack);
/* A zeroed frame on top. */
TN_FALLIBLE tn_routine_push(tn_routines *stack, tn_routine *run, size_t size, void **frame,
                            tarn_error *err);
tarn_code tn_routine_return(tn_routines *stack); /* TARN_OK: for `return` at a routine's end */
/* Runs until all has returned, or the first failure (the stack is then emptied). */
TN_FALLIBLE tn_routines_run(tn_routines *stack, void *machine, tarn_error *err);

#define TN_ROUTINE(f)          \
    switch ((f)->head.state) { \
    case 0:
#define TN_ROUTINE_END(machine) \
    }                           \
    return tn_routine_return(&(machine)->routines)
#define TN_CALL(machine, f, routine, ...)                                                        \
    do {                                                                                         \
        (f)->head.state = __LINE__;                                                              \
        {                                                                                        \
            __typeof__(__VA_ARGS__) init_ = __VA_ARGS__;                                         \
            void *callee_;                                                                       \
            TN_RETURN_IF_ERROR(                                                                  \
                tn_routine_push(&(machine)->routines, (routine), sizeof(init_), &callee_, err)); \
            init_.head = *(const tn_frame *)callee_;                                             \
            memcpy(callee_, &init_, sizeof(init_));                                              \
        }                                                                                        \
        return TARN_OK;                                                                          \
    case __LINE__:;                                                                              \
    } while (0)

#endif

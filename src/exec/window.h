/*
 * window.h - batches of several drivers, handed on in the order of their tags (decision 7).
 *
 * The lowest unfinished morsel streams straight through and is never refused; batches of later ones
 * are copied until the budget is held, and then their drivers wait.  The consumer is called by one
 * thread at a time, in order, and may ask to wait itself.
 */
#ifndef TN_EXEC_WINDOW_H
#define TN_EXEC_WINDOW_H

#include "column/chunk.h"
#include "exec/step.h"

typedef struct tn_window tn_window;

/* MORE_INPUT: taken; ENOUGH: taken, and nothing more is wanted; WAIT: offer it again. */
typedef tarn_code tn_window_consumer(void *consumer, const tn_batch *batch, tn_waker *waker,
                                     tn_answer *answer, tarn_error *err);

/* Ordinals of pipelines stand above this many bits of a morsel's number. */
enum { TN_ORDINAL_SHIFT = 28 };

TN_FALLIBLE tn_window_create(tn_pool *pool, const tn_type *const *types, uint32_t width,
                             size_t budget, tn_window_consumer *consume, void *consumer,
                             tn_window **out, tarn_error *err);
void tn_window_destroy(tn_window *window); /* NULL is allowed */

TN_FALLIBLE tn_window_take(tn_window *window, const tn_batch *batch, tn_waker *waker,
                           tn_answer *answer, tarn_error *err);
/* After a driver's last batch: hands on what is left. */
TN_FALLIBLE tn_window_flush(tn_window *window, tn_waker *waker, tn_answer *answer, tarn_error *err);

/* After all drivers: has everything been handed on? */
TN_FALLIBLE tn_window_check(tn_window *window, tarn_error *err);

#endif

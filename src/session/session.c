#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier) */
#include "session/session_internal.h"

#include "os/clock.h"
#include "os/cpu.h"
#include "os/extent.h"
#include "os/random.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The process's memory: the root of all pools, made once. */
static tn_pool process;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* A child may take memory, whoever held the lock when it was made (decision 17). */
static void lock_process_pool(void)
{
    tn_pool_lock(&process);
}

static void unlock_process_pool(void)
{
    tn_pool_unlock(&process);
}

static void make_process_pool(void)
{
    tn_pool_init(&process, NULL, "process", SIZE_MAX);
    tn_os_extents_use(&process);
    (void)pthread_atfork(lock_process_pool, unlock_process_pool, unlock_process_pool);
}

/* A number alone in a file, as control groups have it; UINT64_MAX where there is none ("max"). */
static uint64_t number_in(const char *path)
{
    char text[64];
    unsigned long long number = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return UINT64_MAX;
    }
    const bool read = fgets(text, sizeof(text), file) != NULL;
    (void)fclose(file);
    if (!read) {
        return UINT64_MAX;
    }
    char *end;
    number = strtoull(text, &end, 10);
    return end == text ? UINT64_MAX : (uint64_t)number;
}

uint64_t tn_session__memory(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES);
    const long page = sysconf(_SC_PAGESIZE);
    uint64_t least = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : UINT64_MAX;
    const uint64_t groups[] = {number_in("/sys/fs/cgroup/memory.max"),
                               number_in("/sys/fs/cgroup/memory/memory.limit_in_bytes")};
    for (size_t i = 0; i < 2; i++) {
        least = groups[i] < least ? groups[i] : least;
    }
    return least;
}

static const char *option(void *context, const char *name)
{
    return tn_session_get(context, name, NULL);
}

/* Results, tables and files that are written take their memory beside the query's. */
static bool reclaim(void *context, size_t size)
{
    tn_session *session = context;
    atomic_fetch_add(&session->cancelling, 1);
    tn_query *running = atomic_load(&session->running);
    const bool freed = running != NULL && tn_query_reclaim(running, size);
    atomic_fetch_sub(&session->cancelling, 1);
    return freed;
}

tarn_code tn_session_create(tn_session **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_session *session = NULL;
    void *memory;

    *out = NULL;
    TN_TRY(tn_cpu_check(err));
    TN_TRY(tn_pool_alloc_zeroed(tn_process_pool(), sizeof(tn_session), &memory, err));
    session = memory;
    tn_pool_init(&session->pool, &process, "session", SIZE_MAX);
    tn_pool_set_reclaim(&session->pool, reclaim, session);
    session->opened.pool = &session->pool;
    session->catalogue.ops = &tn_session__catalogue_ops;
    TN_TRY(tn_types_create(&session->pool, &session->types, err));
    TN_TRY(tn_session__read_config(session, err));
    TN_TRY(tn_session_reset(session, TN_STR_NONE, err));
    const tn_store_options options = {option, session, &session->cancelled};
    TN_TRY(tn_stores_create(&session->pool, &options, &session->stores, err));
    *out = session;
    session = NULL;
done:
    tn_session_destroy(session);
    return code;
}

void tn_session_destroy(tn_session *session)
{
    if (session == NULL) {
        return;
    }
    while (session->entries != NULL) {
        tn_session__drop(session, session->entries);
    }
    tn_session_end_statement(session);
    tn_vec_free(&session->opened);
    tn_stores_destroy(session->stores);
    tn_session__free_settings(session);
    tn_types_destroy(session->types);
    tn_pool_deinit(&session->pool);
    tn_pool_free(&process, session, sizeof(*session));
}

void tn_session_cancel(tn_session *session)
{
    atomic_store(&session->cancelled, true);
    atomic_fetch_add(&session->cancelling, 1);
    tn_query *running = atomic_load(&session->running);
    if (running != NULL) {
        tn_query_cancel(running);
    }
    atomic_fetch_sub(&session->cancelling, 1);
}

void tn_session__run(tn_session *session, tn_query *query)
{
    atomic_store(&session->running, query);
    if (query == NULL) {
        while (atomic_load(&session->cancelling) > 0) {
            (void)sched_yield();
        }
    } else if (atomic_load(&session->cancelled)) {
        tn_query_cancel(query);
    }
}

void tn_session_on_progress(tn_session *session, tn_session_progress *progress, void *context)
{
    session->progress = progress;
    session->progress_context = context;
}

tn_pool *tn_process_pool(void)
{
    (void)pthread_once(&once, make_process_pool);
    return &process;
}

bool tn_session_is_cancelled(const tn_session *session)
{
    return atomic_load(&session->cancelled);
}

void tn_session_resume(tn_session *session)
{
    atomic_store(&session->cancelled, false);
}

tn_pool *tn_session_pool(tn_session *session)
{
    return &session->pool;
}

tn_types *tn_session_types(tn_session *session)
{
    return session->types;
}

tn_stores *tn_session_stores(tn_session *session)
{
    return session->stores;
}

tn_catalogue *tn_session_catalogue(tn_session *session)
{
    return &session->catalogue;
}

void tn_session__drop_sources(tn_session *session, size_t mark)
{
    while (session->opened.count > mark) {
        tn_source_release(tn_vec_pop(&session->opened));
    }
}

void tn_session_end_statement(tn_session *session)
{
    tn_session__drop_sources(session, 0);
}

tarn_code tn_session__take_sources(tn_session *session, size_t mark, tn_sources *out,
                                   tarn_error *err)
{
    const size_t count = session->opened.count - mark;
    out->pool = &session->pool;
    TN_RETURN_IF_ERROR(tn_vec_reserve(out, count, err));
    for (size_t i = 0; i < count; i++) {
        out->items[out->count++] = session->opened.items[mark + i];
    }
    session->opened.count = mark;
    return TARN_OK;
}

void tn_sources__free(tn_sources *sources)
{
    for (size_t i = 0; i < sources->count; i++) {
        tn_source_release(sources->items[i]);
    }
    if (sources->pool != NULL) {
        tn_vec_free(sources);
    }
}

void tn_session_plan_context(tn_session *session, tn_arena *arena, const tn_parameters *parameters,
                             tn_plan_context *out)
{
    const char *seed = tn_session_get(session, "seed", NULL);
    uint64_t drawn = 0;
    if (seed != NULL && seed[0] != '\0') {
        drawn = strtoull(seed, NULL, 10) + session->statements;
    } else {
        drawn = tn_random_u64();
    }
    session->statements++;
    *out = (tn_plan_context){.expr = {.arena = arena,
                                      .types = session->types,
                                      .now_us = tn_clock_now_us(),
                                      .seed = drawn,
                                      .zone = TN_STR("UTC")},
                             .pool = &session->pool,
                             .parameters = parameters};
}

void tn_session_optimise_options(tn_session *session, tn_optimise_options *out)
{
    const char *disabled = tn_session_get(session, "optimizer_disabled", NULL);
    *out = (tn_optimise_options){.disabled = tn_str_of(disabled == NULL ? "" : disabled),
                                 .keep_order = session->preserve_order};
}

void tn_session_query_options(tn_session *session, tn_query_options *out)
{
    const char *temp_dir = tn_session_get(session, "temp_dir", NULL);
    *out = (tn_query_options){.pool = &session->pool,
                              .threads = session->threads,
                              .temp_dir = tn_str_of(temp_dir == NULL ? "" : temp_dir),
                              .preserve_order = session->preserve_order,
                              .deterministic = session->deterministic,
                              .progress = session->progress,
                              .progress_context = session->progress_context};
}

tarn_code tn_session_run_writes(tn_session *session, tn_plan_context *context, tn_plan *plan,
                                tn_query_stats *stats, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_optimise_options optimise;
    tn_query_options options;
    tn_query *query = NULL;
    tn_plan *optimised;

    tn_session_optimise_options(session, &optimise);
    tn_session_query_options(session, &options);
    TN_TRY(tn_plan_optimise(context, plan, &optimise, &optimised, err));
    TN_TRY(tn_query_create(context, optimised, &options, &query, err));
    tn_session__run(session, query);
    for (tn_chunk *count = NULL;;) {
        TN_TRY(tn_query_next(query, &count, err));
        if (count == NULL) {
            break;
        }
        tn_chunk_release(count);
    }
done:
    tn_session__run(session, NULL);
    if (query != NULL && stats != NULL) {
        tn_query_get_stats(query, stats);
    }
    tn_query_destroy(query);
    return code;
}

/*
 * store_internal.h - what each kind of store brings.
 *
 * store.c is the front door: it checks, injects faults, counts and waits; the kinds below it only
 * do.  Each kind embeds these structs as its own first member.  A kind's store lives in
 * stores->pool until tn_stores_destroy(); objects, uploads and listings live in the pool they were
 * opened with.
 */
#ifndef TN_STORE_INTERNAL_H
#define TN_STORE_INTERNAL_H

#include "os/file.h"
#include "store/store.h"

#include <pthread.h>

typedef struct tn_store_kind {
    bool is_local;
    void (*destroy)(tn_store *store); /* frees the struct, too */
    tarn_code (*open)(tn_store *store, tn_str key, tn_pool *pool,
                      const tn_object_open_options *options, tn_object **out, tarn_error *err);
    /* Missing stands for open, read all, close. */
    tarn_code (*get)(tn_store *store, tn_str key, size_t size_max, tn_pool *pool, tn_buffer **out,
                     tn_object_info *info, tarn_error *err);
    tarn_code (*head)(tn_store *store, tn_str key, tn_object_info *out, tarn_error *err);
    tarn_code (*put)(tn_store *store, tn_str key, tn_str bytes, const tn_put_options *options,
                     tn_outcome *outcome, tarn_error *err);
    tarn_code (*upload_create)(tn_store *store, tn_str key, tn_pool *pool,
                               const tn_put_options *options, tn_upload **out, tarn_error *err);
    tarn_code (*listing_open)(tn_store *store, tn_str prefix, tn_str after, bool delimited,
                              tn_pool *pool, tn_listing **out, tarn_error *err);
    tarn_code (*delete_many)(tn_store *store, const tn_str *keys, size_t count, tarn_error *err);
    tarn_code (*copy)(tn_store *store, tn_str from, tn_str to, const tn_put_options *options,
                      tarn_error *err);
} tn_store_kind;

struct tn_store {
    const tn_store_kind *kind;
    tn_stores *stores;
    tn_store *next;
    char root[96]; /* "s3://bucket"; "" for local files */
    tn_fault_hook *hook;
    void *hook_context;
};

struct tn_stores {
    tn_pool *pool;
    tn_store_options options;
    pthread_mutex_t lock; /* guards `first` */
    tn_store *first;
    tn_store *local;
    tn_fault_hook *hook;
    void *hook_context;
    tn_watch *watch;               /* of local files, or NULL */
    _Atomic uint64_t stop_seen_ns; /* when the options' flag was first seen; 0: it is not set */
    const struct tn_http *http;    /* NULL: the process's own.  Tests bring a double. */
    pthread_mutex_t input_lock;    /* guards what follows; held while standard input is read */
    tn_stage input;                /* a copy of standard input */
    bool has_input;
};

void tn_stores__close_input(tn_stores *stores);
/* Is it the key that tn_stores_input() gave?  Its name in messages is TN_INPUT_NAME then. */
bool tn_stores__is_input(tn_stores *stores, tn_str key);
#define TN_INPUT_NAME TN_STR("standard input")

typedef struct tn_object_kind {
    void (*close)(tn_object *object); /* frees what the kind added, not the struct */
    void (*read_start)(tn_object *object, tn_read *read);
    void (*read_cancel)(tn_object *object, tn_read *read);             /* or NULL */
    void (*expect)(tn_object *object, uint64_t offset, uint64_t size); /* or NULL */
    tarn_code (*verify)(tn_object *object, tarn_error *err);           /* or NULL */
} tn_object_kind;

struct tn_object {
    const tn_object_kind *kind;
    tn_store *store;
    tn_pool *pool;
    size_t struct_size;
    tn_object_info info;
    char *uri;
    size_t uri_size;
    char *key;
    tn_witness *witness; /* or NULL */
};
/* A zeroed struct of that size with store, pool, uri and info.key set. */
TN_FALLIBLE tn_object__create(tn_store *store, tn_str key, tn_pool *pool, size_t struct_size,
                              const tn_object_kind *kind, tn_object **out, tarn_error *err);
void tn_object__destroy(tn_object *object); /* the counterpart; does not call the kind */

/* Ends a read: sets the code and `done`, and wakes.  The read may be gone when this returns. */
void tn_read__finish(tn_read *read, tarn_code code);

typedef struct tn_upload_kind {
    tarn_code (*append_start)(tn_upload *upload, const void *data, size_t size, uint64_t *offset,
                              tn_waker *waker, bool *taken, tarn_error *err);
    /* Of uploads that take bytes at once, without a copy of their own; else NULL. */
    tarn_code (*append_pieces)(tn_upload *upload, const tn_str *pieces, size_t count,
                               uint64_t *offset, tarn_error *err);
    tarn_code (*finish)(tn_upload *upload, tn_object_info *info, tn_outcome *outcome,
                        tarn_error *err);
    void (*abort)(tn_upload *upload);
    void (*destroy)(tn_upload *upload); /* frees what the kind added, not the struct */
} tn_upload_kind;

struct tn_upload {
    const tn_upload_kind *kind;
    tn_store *store;
    tn_pool *pool;
    size_t struct_size;
    char *key;
    size_t key_size;
    tn_put_options options; /* if_match and content_type are copies */
    char if_match[TN_TAG_SIZE];
    char content_type[128];
};
TN_FALLIBLE tn_upload__create(tn_store *store, tn_str key, tn_pool *pool, size_t struct_size,
                              const tn_put_options *options, const tn_upload_kind *kind,
                              tn_upload **out, tarn_error *err);
void tn_upload__destroy(tn_upload *upload);

typedef struct tn_listing_kind {
    tarn_code (*next)(tn_listing *listing, tn_object_info *entry, bool *more, tarn_error *err);
    void (*close)(tn_listing *listing); /* frees the struct, too */
} tn_listing_kind;

struct tn_listing {
    const tn_listing_kind *kind;
    tn_store *store;
    tn_pool *pool;
    bool shows_all;
};

/* The kinds. */
TN_FALLIBLE tn_store__local(tn_stores *stores, tn_store **out, tarn_error *err);
TN_FALLIBLE tn_store__memory(tn_stores *stores, tn_str name, tn_store **out, tarn_error *err);
TN_FALLIBLE tn_store__s3(tn_stores *stores, tn_str bucket, tn_store **out, tarn_error *err);

/* Has everything been told to stop, that long ago at least?  From any thread. */
bool tn_stores__is_stopped(tn_stores *stores, unsigned grace_ms);
/* "s3.region" of the session's settings, or NULL. */
const char *tn_stores__option(const tn_stores *stores, const char *name);

/* Names our own unfinished files have; listings leave them out. */
bool tn_store__is_hidden(tn_str name);
void tn_store__count(uint64_t bytes_read, uint64_t bytes_written);
/* "'<uri of key>'", shortened for messages; `out` has 256 bytes. */
void tn_store__name(const tn_store *store, tn_str key, char out[256]);
/* The condition of an update failed, or a create met a taken key. */
tarn_code tn_store__conflict(const tn_store *store, tn_str key, tn_put_mode mode,
                             tn_outcome *outcome, tarn_error *err);

#endif

/*
 * store.h - objects by key: a folder, a bucket, a block of test memory (decisions 12 and 13).
 *
 * A *store* is what a URI's scheme and authority name: the local file system, one S3 bucket.  Keys
 * are bytes below it; `//`, `+`, `%`, spaces and Unicode survive.  An *object* is one key opened
 * for reading and pinned: every read answers the bytes that were there when it was opened, or fails
 * with "changed while being read".  An *upload* is one key being written: nothing is visible under
 * its name before finish(), and then all of it.
 *
 * Reads may be started with a completion; the forms that wait are for threads that may block, and
 * assert that no task is running on theirs.  A request owns its retries, budget, deadline and
 * signer.  Stores may be used from any thread; an object too; an upload's append() too.
 */
#ifndef TN_STORE_STORE_H
#define TN_STORE_STORE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "sched/io.h"

typedef struct tn_store tn_store;
typedef struct tn_object tn_object;
typedef struct tn_upload tn_upload;
typedef struct tn_listing tn_listing;

enum { TN_TAG_SIZE = 128 };

/* What makes two readings of a key the same bytes.  Local files: device, inode and mtime as text;
 * other stores: the ETag.  Empty where unknown. */
typedef struct tn_object_info {
    tn_str key; /* lives as long as what it was asked of says */
    uint64_t size;
    int64_t modified_us; /* since 1970 */
    char tag[TN_TAG_SIZE];
    bool is_folder; /* a common prefix, or a local directory */
    bool is_stream; /* a local pipe or socket: its bytes come once */
    bool is_broken; /* a local link that leads nowhere; only of listings, where asked for */
} tn_object_info;

/* How sure the answer is. */
typedef enum tn_outcome {
    TN_OUTCOME_DONE,        /* it happened */
    TN_OUTCOME_REFUSED,     /* it did not, and repeating will not help */
    TN_OUTCOME_CONFLICT,    /* it did not: the condition (create-only, if-match) does not hold */
    TN_OUTCOME_UNAVAILABLE, /* it did not: try again */
    TN_OUTCOME_UNKNOWN      /* it may have happened: look before you repeat or undo */
} tn_outcome;

/* ---- the stores of a session ------------------------------------------------------------------
 */

/* Settings such as "s3.endpoint", asked by name; NULL where unset.  Asked when a store is first
 * named, and by the network thread when credentials have expired (s3.access_key_id and its kin). */
typedef struct tn_store_options {
    const char *(*get)(void *context, const char *name);
    void *context;
    /* Or NULL.  Once set, what waits for a remote store ends with TARN_E_CANCELLED within 50 ms;
     * a change that is under way has a second to end, aborts and deletes have two in all. */
    const _Atomic bool *stop;
} tn_store_options;

typedef struct tn_stores tn_stores;

/* Opens stores by URI and keeps them: one session's view of the world. */
TN_FALLIBLE tn_stores_create(tn_pool *pool, const tn_store_options *options, tn_stores **out,
                             tarn_error *err);
void tn_stores_destroy(tn_stores *stores);

/* Standard input, read to its end when first asked for, as a key of the local store: it may be read
 * as often as anything else.  This waits. */
TN_FALLIBLE tn_stores_input(tn_stores *stores, tn_arena *arena, tn_store **store, tn_str *key,
                            tarn_error *err);

/*
 * The store of a URI and the key in it.  "s3://bucket/a/b" gives the bucket and "a/b"; a path or
 * "file:///x" the local store and the path.  `key` points into `uri` (or is copied to `arena` where
 * it must be rewritten).  The store is borrowed from `stores`.  An unknown scheme is
 * TARN_E_UNSUPPORTED, by name, with the list of known ones.
 */
TN_FALLIBLE tn_stores_resolve(tn_stores *stores, tn_str uri, tn_arena *arena, tn_store **store,
                              tn_str *key, tarn_error *err);

/* Where a URI is relative (no scheme, no leading '/'), it is put below `base`. */
TN_FALLIBLE tn_uri_join(tn_arena *arena, tn_str base, tn_str relative, tn_str *out,
                        tarn_error *err);
bool tn_uri_is_local(tn_str uri);

/* "s3://bucket/key" for messages and receipts: never with a secret in it. */
TN_FALLIBLE tn_store_uri(const tn_store *store, tn_str key, tn_arena *arena, tn_str *out,
                         tarn_error *err);
bool tn_store_is_local(const tn_store *store);

/* Bytes moved by this process's stores, for --stats: read and written. */
void tn_store_counters(uint64_t *bytes_read, uint64_t *bytes_written);

/* ---- reading ----------------------------------------------------------------------------------
 */

/*
 * Opens a key for reading.  With `tag` (not empty) the object must still be that one:
 * TARN_E_INVALID "changed" otherwise.  With `size_hint` and `tag` known (from a listing or a
 * table's log) a remote store need not be asked first.  Missing is TARN_E_NOT_FOUND.
 */
typedef struct tn_object_open_options {
    const char *tag;
    uint64_t size_hint; /* UINT64_MAX where unknown */
} tn_object_open_options;
#define TN_OBJECT_OPEN_DEFAULT ((tn_object_open_options){NULL, UINT64_MAX})

TN_FALLIBLE tn_object_open(tn_store *store, tn_str key, tn_pool *pool,
                           const tn_object_open_options *options, tn_object **out, tarn_error *err);
void tn_object_close(tn_object *object);

const tn_object_info *tn_object_about(const tn_object *object); /* key, size, tag */
const char *tn_object_uri(const tn_object *object);             /* for messages */

/*
 * Who sees the bytes of local files as they are read, from whatever thread reads them: a pipeline
 * makes its inputs' hashes of them.  `opened` answers the witness of a file, or NULL.  Set while
 * nothing is read; NULL ends it.  It is asked of files that are opened from then on, and a witness
 * must live until they are closed.
 */
typedef struct tn_witness {
    void (*saw)(struct tn_witness *witness, uint64_t offset, const void *data, size_t size);
} tn_witness;
typedef struct tn_watch {
    tn_witness *(*opened)(struct tn_watch *watch, const tn_object_info *file);
} tn_watch;
void tn_stores_watch(tn_stores *stores, tn_watch *watch);

/* One range to be read.  The caller sets the first part and keeps it still until done. */
typedef struct tn_read {
    uint64_t offset;
    size_t size;
    uint8_t *into;
    tn_waker *waker; /* called once `done` is set; may be NULL */
    /* the answer: */
    _Atomic bool done;
    tarn_code code;
    tarn_error error;
    /* the store's own: */
    _Atomic bool cancelled;
    tn_job job;
    struct tn_read *next;
    void *private_data[4];
} tn_read;

/*
 * Starts a read; it may be done before this returns (a page-cache hit costs no hand-off).  A range
 * that reaches past the object's end is TARN_E_CORRUPT ("ends early").  tn_read_cancel() asks to
 * give up soon; `done` is still set, with TARN_E_CANCELLED or whatever came first.
 */
void tn_object_read_start(tn_object *object, tn_read *read);
void tn_object_read_cancel(tn_object *object, tn_read *read);
/* Hints that a range will be wanted soon: WILLNEED locally, nothing elsewhere. */
void tn_object_expect(tn_object *object, uint64_t offset, uint64_t size);

/* The same, waiting. */
TN_FALLIBLE tn_object_read(tn_object *object, uint64_t offset, void *into, size_t size,
                           tarn_error *err);
/* The whole object (at most `size_max` bytes, else TARN_E_LIMIT) into a new buffer. */
TN_FALLIBLE tn_object_read_all(tn_object *object, size_t size_max, tn_pool *pool, tn_buffer **out,
                               tarn_error *err);
/* At a scan's end: is it still the object that was opened?  Local files are looked at again, other
 * stores checked every answer. */
TN_FALLIBLE tn_object_verify(tn_object *object, tarn_error *err);

/* get = open + read_all + close. `info` may be NULL; its key is the caller's. */
TN_FALLIBLE tn_store_get(tn_store *store, tn_str key, size_t size_max, tn_pool *pool,
                         tn_buffer **out, tn_object_info *info, tarn_error *err);
/* What a key holds; TARN_E_NOT_FOUND where nothing. */
TN_FALLIBLE tn_store_head(tn_store *store, tn_str key, tn_object_info *out, tarn_error *err);

/* ---- writing ----------------------------------------------------------------------------------
 */

typedef enum tn_put_mode {
    TN_PUT_OVERWRITE,
    TN_PUT_CREATE, /* only where the key is free */
    TN_PUT_UPDATE  /* only where it still holds `if_match` */
} tn_put_mode;

typedef struct tn_put_options {
    tn_put_mode mode;
    const char *if_match;
    const char *content_type; /* or NULL */
    bool durable;             /* local: fsync the file and its folder before it counts as done */
    bool needs_folder;        /* local: a folder that is not there is an error, not made */
} tn_put_options;

/*
 * One small object, whole.  `outcome` (not NULL) says how sure the answer is; the code is TARN_OK
 * only for DONE, TARN_E_EXISTS or TARN_E_CONFLICT for CONFLICT, TARN_E_OUTCOME_UNKNOWN for UNKNOWN
 * (TARN_E_CANCELLED where it became so by being stopped).
 * It retries what is safe to repeat; a create-only put whose answer was lost is UNKNOWN, and the
 * caller decides by reading the key (the commit rule: table/delta).
 */
TN_FALLIBLE tn_store_put(tn_store *store, tn_str key, tn_str bytes, const tn_put_options *options,
                         tn_outcome *outcome, tarn_error *err);

/* Starts an upload.  Folders are made where the store has any. */
TN_FALLIBLE tn_upload_create(tn_store *store, tn_str key, tn_pool *pool,
                             const tn_put_options *options, tn_upload **out, tarn_error *err);
/*
 * Adds bytes and says at which offset they stand.  From any thread; each call's bytes stay
 * together. May wait for room in the upload's window, so it is not for a worker: workers use
 * _start.
 */
TN_FALLIBLE tn_upload_append(tn_upload *upload, const void *data, size_t size, uint64_t *offset,
                             tarn_error *err);
/*
 * The form for workers: true in `*taken` when the bytes were taken (they are copied or written
 * before it returns); else nothing was taken and `waker` will be called when there is room.
 */
TN_FALLIBLE tn_upload_append_start(tn_upload *upload, const void *data, size_t size,
                                   uint64_t *offset, tn_waker *waker, bool *taken, tarn_error *err);
/* Does it take bytes in pieces that stand together, and at once?  Then this adds them. */
bool tn_upload_takes_pieces(const tn_upload *upload);
TN_FALLIBLE tn_upload_append_pieces(tn_upload *upload, const tn_str *pieces, size_t count,
                                    uint64_t *offset, tarn_error *err);
/* Makes all of it visible (waits).  `info` may be NULL.  On any failure nothing is visible, unless
 * the outcome is UNKNOWN. The upload is destroyed in every case. */
TN_FALLIBLE tn_upload_finish(tn_upload *upload, tn_object_info *info, tn_outcome *outcome,
                             tarn_error *err);
void tn_upload_abort(tn_upload *upload); /* NULL is allowed; forgets all of it */

/* ---- names ------------------------------------------------------------------------------------
 */

/*
 * The keys below a prefix, in byte order within a folder or page, as they arrive; nothing is held.
 * With `delimited`, one level: what lies deeper comes as one entry with is_folder set.  `after` (or
 * empty) leaves out all keys up to and including it.  An empty answer is no error.  Hidden
 * temporary names of our own
 * (".tarn-…") are left out.
 */
TN_FALLIBLE tn_listing_open(tn_store *store, tn_str prefix, tn_str after, bool delimited,
                            tn_pool *pool, tn_listing **out, tarn_error *err);
/* `*more` false at the end; the entry's key lives until the next call. */
TN_FALLIBLE tn_listing_next(tn_listing *listing, tn_object_info *entry, bool *more,
                            tarn_error *err);
/* From now on with what is no file, too: pipes and sockets, and links that lead nowhere. */
void tn_listing_show_all(tn_listing *listing);
void tn_listing_close(tn_listing *listing);

/* A missing key is no error. */
TN_FALLIBLE tn_store_delete(tn_store *store, tn_str key, tarn_error *err);
TN_FALLIBLE tn_store_delete_many(tn_store *store, const tn_str *keys, size_t count,
                                 tarn_error *err);
TN_FALLIBLE tn_store_copy(tn_store *store, tn_str from, tn_str to, const tn_put_options *options,
                          tarn_error *err);

/* ---- uploads that were left open ---------------------------------------------------------------
 *
 * An upload in parts that was neither finished nor aborted (its process was killed) costs storage
 * until someone aborts it.  Its id was written to ~/.local/state/tarn/uploads before its first part
 * was sent.
 */

typedef struct tn_open_upload {
    tn_str uri, id; /* until the visitor returns */
    int64_t started_us;
    int64_t process; /* that began it */
} tn_open_upload;

/* Those of this machine's user below a URI ("" for all); false from `visit` ends it. */
TN_FALLIBLE tn_stores_uploads(tn_stores *stores, tn_str uri,
                              bool (*visit)(void *context, const tn_open_upload *upload),
                              void *context, tarn_error *err);
/* Aborts and forgets them, but those of other processes of this machine that still run.  With
 * `everyones` also those that the store itself lists below the URI, whoever began them. `*count` is
 * how many. */
TN_FALLIBLE tn_stores_abort_uploads(tn_stores *stores, tn_str uri, bool everyones, size_t *count,
                                    tarn_error *err);

/* ---- a store of one's own ---------------------------------------------------------------------
 */

/* For tests: keys in memory, and a hook that may fail, delay or lose the answer of any operation.
 */
typedef enum tn_store_operation {
    TN_STORE_OPEN,
    TN_STORE_READ,
    TN_STORE_PUT,
    TN_STORE_APPEND,
    TN_STORE_FINISH,
    TN_STORE_LIST,
    TN_STORE_DELETE
} tn_store_operation;

typedef enum tn_fault {
    TN_FAULT_NONE,
    TN_FAULT_BEFORE, /* fails without effect */
    TN_FAULT_AFTER   /* takes effect, and the answer is lost: UNKNOWN */
} tn_fault;

typedef tn_fault tn_fault_hook(void *context, tn_store_operation operation, tn_str key);

/* "memory://NAME/" of this session; `hook` may be NULL. */
TN_FALLIBLE tn_stores_add_memory(tn_stores *stores, const char *name, tn_fault_hook *hook,
                                 void *context, tn_store **out, tarn_error *err);
/* The same hook for every store of this session (failed-I/O tests through the front door). */
void tn_stores_inject(tn_stores *stores, tn_fault_hook *hook, void *context);

#endif

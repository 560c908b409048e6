/*
 * s3_internal.h - the parts of the S3 store.
 *
 * A tn_s3_request is one question to the store with all its attempts: it signs anew for each, waits
 * between them, learns the region and the clock, and ends by calling `complete` once, on the
 * network thread.  What it points to is its owner's and stays until then.
 */
#ifndef TN_STORE_S3_INTERNAL_H
#define TN_STORE_S3_INTERNAL_H

#include "base/text.h"
#include "net/http.h"
#include "net/retry.h"
#include "net/sigv4.h"
#include "store/store_internal.h"

enum {
    TN_S3_PART_SIZE = 8 << 20,
    TN_S3_PARTS_MAX = 10000,
    TN_S3_ERROR_MAX = 64 << 10,
    TN_S3_ANSWER_MAX = 16 << 20,
    /* What is under way when all is to stop goes on for so long; questions end at once. */
    TN_S3_GRACE_CHANGE_MS = 1000,
    TN_S3_GRACE_CLEAN_MS = 2000
};

typedef struct tn_s3_credentials {
    char access_key[160];
    char secret_key[160];
    char session_token[4096];
} tn_s3_credentials;

/* Settings, environment, ~/.aws: the first that has a key pair wins.  Empty where none has. */
TN_FALLIBLE tn_s3__credentials(const tn_stores *stores, tn_s3_credentials *out, tarn_error *err);
/* The same for the region; "" where nobody says. */
void tn_s3__region(const tn_stores *stores, char out[40]);
/* A setting of the profile in ~/.aws/config or ~/.aws/credentials; "" where neither has it. */
void tn_s3__profile(const tn_stores *stores, const char *name, char *out, size_t out_size);
/* A value of a profile's section in a file of ~/.aws; for tests and fuzzers. */
bool tn_s3__ini_value(tn_str file, tn_str section, tn_str name, tn_str *value);

typedef struct tn_s3 {
    tn_store base;
    tn_pool *pool;
    const tn_http *http;
    /* Fixed when made: */
    char bucket[80];
    char endpoint[256]; /* host and port; "" stands for AWS */
    bool https;
    bool path_style;
    bool anonymous;
    char ca_file[512];
    unsigned connect_ms;
    unsigned idle_ms;
    uint64_t part_size; /* of uploads; 0 for the usual, growing one */
    tn_retry retry;
    /* Learnt: */
    pthread_mutex_t lock;
    char region[40];
    int64_t skew_s; /* the server's clock less ours */
    tn_s3_credentials credentials;
    _Atomic bool answered;     /* somebody is there */
    _Atomic bool keeps_create; /* `If-None-Match: *` is heeded, or trusted to be */
} tn_s3;

enum { TN_S3_PAIRS = 10 };

typedef struct tn_s3_request {
    tn_http_request http;
    tn_s3 *s3;

    /* The question. */
    const char *method;
    tn_str key; /* "" with `of_bucket` */
    bool of_bucket;
    tn_pair query[TN_S3_PAIRS];
    size_t query_count;
    tn_pair headers[TN_S3_PAIRS];
    size_t header_count;
    tn_str body;
    bool changes;              /* an attempt whose answer is lost may have had an effect */
    bool conditional;          /* If-Match or If-None-Match on a change: 412 is an answer */
    bool is_update;            /* which of the two */
    unsigned grace_ms;         /* TN_S3_GRACE_... */
    _Atomic uint64_t until_ns; /* of the monotonic clock, when it is given up; 0: never */
    const char *root; /* what an answer of 200 must have as its XML root; NULL: anything goes */
    /* A range: into `into`, from `offset`, `size` bytes, of the version `tag`. */
    uint8_t *into;
    uint64_t offset;
    size_t size;
    char tag[TN_TAG_SIZE];
    bool up_to; /* the object may be shorter; then `size` is set to what there is */
    void (*complete)(struct tn_s3_request *request);
    void *context;
    tn_latch latch; /* for tn_s3__run */

    /* The answer. */
    tarn_code code;
    tn_outcome outcome;
    tarn_error error;
    tn_text answer;   /* the body, where it does not go `into` */
    uint64_t total;   /* the object's size, as far as a range's answer told */
    char s3_code[64]; /* "NoSuchKey" */

    /* Its own. */
    tn_arena arena; /* of one attempt */
    char payload[65];
    char region[40]; /* that the last attempt was signed for */
    bool fresh;
    size_t done;
    tn_retry retry;
    bool explained; /* a HEAD was repeated as a GET of one byte, whose answer has words */
    bool ambiguous; /* an earlier attempt may have had an effect */
    unsigned region_tries, clock_tries, credential_tries;
    tarn_code stopped; /* why the body's taker stopped */
} tn_s3_request;

/* Zeroes the request; the caller then fills the question.  _deinit after completion. */
void tn_s3__init(tn_s3_request *request, tn_s3 *s3, const char *method, tn_str key);
void tn_s3__deinit(tn_s3_request *request);
void tn_s3__query(tn_s3_request *request, tn_str name, tn_str value);
void tn_s3__header(tn_s3_request *request, tn_str name, tn_str value);
/* The headers of a put's condition and content type. */
void tn_s3__put_options(tn_s3_request *request, const tn_put_options *options);
void tn_s3__start(tn_s3_request *request);
void tn_s3__cancel(tn_s3_request *request);
/* Starts and waits. */
TN_FALLIBLE tn_s3__run(tn_s3_request *request, tarn_error *err);

/* Before a commit to `key`: an error where a store with an endpoint of its own would let two
 * writers both create it.  Asks once a store; AWS is not asked. */
TN_FALLIBLE tn_s3__keeps_create(tn_s3 *s3, tn_str key, tn_outcome *outcome, tarn_error *err);

TN_FALLIBLE tn_s3__upload_create(tn_store *store, tn_str key, tn_pool *pool,
                                 const tn_put_options *options, tn_upload **out, tarn_error *err);
TN_FALLIBLE tn_s3__listing_open(tn_store *store, tn_str prefix, tn_str after, bool delimited,
                                tn_pool *pool, tn_listing **out, tarn_error *err);
TN_FALLIBLE tn_s3__delete_many(tn_store *store, const tn_str *keys, size_t count, tarn_error *err);
TN_FALLIBLE tn_s3__copy(tn_store *store, tn_str from, tn_str to, const tn_put_options *options,
                        tarn_error *err);
/* CompleteMultipartUpload of `etags`, whose i-th is part i + 1. */
typedef struct tn_s3_etag {
    char text[TN_TAG_SIZE];
} tn_s3_etag;
TN_FALLIBLE tn_s3__complete(tn_s3 *s3, tn_str key, tn_str upload_id, const tn_s3_etag *etags,
                            size_t count, uint64_t size, const tn_put_options *options,
                            char tag[TN_TAG_SIZE], tn_outcome *outcome, tarn_error *err);
TN_FALLIBLE tn_s3__abort_upload(tn_s3 *s3, tn_str key, tn_str upload_id, tarn_error *err);

/* ---- XML --------------------------------------------------------------------------------------
 */

typedef struct tn_s3_xml {
    tarn_code (*open)(void *context, tn_str name, tarn_error *err); /* or NULL */
    /* `parent` is "" for the root; `text` is the element's own, without its children's. */
    tarn_code (*close)(void *context, tn_str parent, tn_str name, tn_str text, tarn_error *err);
    void *context;
} tn_s3_xml;
/* No entities, no document types, 16 levels, 64 KiB of text an element. */
TN_FALLIBLE tn_s3__xml(tn_pool *pool, tn_str document, const tn_s3_xml *handler, tarn_error *err);

/* What an answer's XML says of itself: its root, and the fields of an <Error>. */
typedef struct tn_s3_problem {
    char root[48];
    char code[64];
    char message[256];
    char region[40];
} tn_s3_problem;
TN_FALLIBLE tn_s3__problem(tn_pool *pool, tn_str document, tn_s3_problem *out);
/* The text of the first element of that name, or "". */
TN_FALLIBLE tn_s3__element(tn_pool *pool, tn_str document, const char *name, char *out,
                           size_t out_size, tarn_error *err);
/* Text as XML content.  False where XML has no way to write it (control characters). */
bool tn_s3__escape(tn_text *out, tn_str text);

/* One page of a listing. */
typedef struct tn_s3_entry {
    tn_str key;
    uint64_t size;
    int64_t modified_us;
    tn_str tag;
    bool is_folder;
} tn_s3_entry;
typedef struct tn_s3_page {
    tn_s3_entry *entries; /* in the arena, in byte order */
    size_t count;
    bool truncated;
    tn_str token;
} tn_s3_page;
TN_FALLIBLE tn_s3__page(tn_str document, tn_arena *arena, tn_s3_page *out, tarn_error *err);

/* ---- uploads that are open --------------------------------------------------------------------
 */

enum { TN_S3_JOURNAL_NAME = 24 };
/* Remembers an upload in a file of ours; failing to is no failure.  `name` gets the file's name. */
void tn_s3__journal_add(const tn_s3 *s3, tn_str key, tn_str id, char name[TN_S3_JOURNAL_NAME]);
void tn_s3__journal_remove(const char *name);

#endif

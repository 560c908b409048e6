/*
 * sigv4.h - AWS Signature Version 4, in headers and in queries, and the encoding of URIs it needs.
 *
 * Everything is given raw, as bytes: the signer encodes, sorts and trims.  What it writes into the
 * request (the encoded path and query) is exactly what it signed.
 */
#ifndef TN_NET_SIGV4_H
#define TN_NET_SIGV4_H

#include "base/arena.h"
#include "base/text.h"

typedef struct tn_pair {
    tn_str name, value;
} tn_pair;

/* Unreserved characters stay, all else becomes %XX; with `keep_slashes` also '/'. */
void tn_uri_encode(tn_text *out, tn_str bytes, bool keep_slashes);
/* %XX (and with `plus`, '+' as a space) back into bytes; what is no escape stays. */
TN_FALLIBLE tn_uri_decode(tn_arena *arena, tn_str text, bool plus, tn_str *out, tarn_error *err);

typedef struct tn_sigv4 {
    tn_str access_key, secret_key;
    tn_str session_token; /* or empty */
    tn_str region, service;
    int64_t time_s; /* since 1970, the server's */
    tn_str method;
    tn_str path;         /* from its first '/' */
    bool normalise_path; /* "." and ".." and "//" resolved: all services but S3 */
    bool omit_token;     /* the token is sent, not signed */
    const tn_pair *query;
    size_t query_count;
    const tn_pair *headers; /* all of these are signed; "host" among them */
    size_t header_count;
    tn_str payload; /* SHA-256 in hex, or "UNSIGNED-PAYLOAD" */
} tn_sigv4;

enum { TN_SIGV4_DATE_SIZE = 17 };
void tn_sigv4_date(int64_t time_s, char out[TN_SIGV4_DATE_SIZE]); /* 20150830T123600Z */

/* What is signed, and the signature. The parts live in the arena. */
typedef struct tn_signature {
    tn_str canonical;    /* the canonical request */
    tn_str signed_names; /* "host;x-amz-date" */
    tn_str scope;        /* "20150830/us-east-1/s3/aws4_request" */
    char hex[65];
} tn_signature;

/* The headers must hold x-amz-date (of time_s) and, where there is one, x-amz-security-token. */
TN_FALLIBLE tn_sigv4_sign(const tn_sigv4 *request, tn_arena *arena, tn_signature *out,
                          tarn_error *err);
/* The value of the Authorization header. */
TN_FALLIBLE tn_sigv4_authorise(const tn_sigv4 *request, tn_arena *arena, tn_str *out,
                               tarn_error *err);
/* The query of a presigned URL, without '?', that is good for `expires_s` seconds. */
TN_FALLIBLE tn_sigv4_presign(const tn_sigv4 *request, uint32_t expires_s, tn_arena *arena,
                             tn_str *query, tn_signature *out, tarn_error *err);

#endif

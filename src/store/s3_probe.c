/*
 * Does a store keep what `If-None-Match: *` asks for?
 *
 * One that passes over the header replaces what is there, and says that it was created: of two
 * commits of a version one is lost, and both are told that they won.  AWS keeps it; what stands
 * behind an endpoint of its own is asked once, before the first write whose loss would show in no
 * later answer (a commit, an entry of a ledger): a key nobody knows is written twice.
 */
#include "os/random.h"
#include "store/s3_internal.h"

#include <stdio.h>

enum { PROBE_NAME = 40 };

/* `*kept`: the store said that the key is taken, whatever became of attempts before. */
static tarn_code put_probe(tn_s3 *s3, tn_str key, bool *kept, tn_outcome *outcome, tarn_error *err)
{
    static const tn_put_options create = {.mode = TN_PUT_CREATE, .content_type = "text/plain"};
    tn_s3_request request;
    tn_s3__init(&request, s3, "PUT", key);
    request.body = TN_STR("Is If-None-Match kept?  This may be deleted.\n");
    tn_s3__put_options(&request, &create);
    const tarn_code code = tn_s3__run(&request, err);
    *kept = code != TARN_OK && request.http.head.status == 412;
    *outcome = request.outcome;
    tn_s3__deinit(&request);
    return code;
}

static TN_FALLIBLE refuse(const tn_s3 *s3, tarn_error *err)
{
    (void)tn_fail(
        err, TARN_E_UNSUPPORTED,
        "the store at '%s://%s' replaces objects that 'If-None-Match: *' protects: of two "
        "writers' commits one would be lost, unseen",
        s3->https ? "https" : "http", s3->endpoint);
    tn_hint(err, "use one that keeps it; where there is but one writer, ever, "
                 "s3.trust_conditional_put = true commits without");
    return TARN_E_UNSUPPORTED;
}

static TN_FALLIBLE probe(tn_s3 *s3, tn_str key, tn_outcome *outcome, tarn_error *err)
{
    bool kept;
    tarn_error why = TARN_ERROR_INIT;
    tarn_code code = put_probe(s3, key, &kept, outcome, &why);
    const bool created = code == TARN_OK;
    if (created) {
        code = put_probe(s3, key, &kept, outcome, &why);
    }
    if (created || kept) { /* where it cannot be deleted it stays: it says what it is */
        const tarn_code deleted = tn_s3__delete_many(&s3->base, &key, 1, NULL);
        (void)deleted;
    }
    if (kept) {
        return TARN_OK;
    }
    if (code == TARN_OK) {
        *outcome = TN_OUTCOME_REFUSED;
        return refuse(s3, err);
    }
    return tn_error_copy(err, &why);
}

tarn_code tn_s3__keeps_create(tn_s3 *s3, tn_str key, tn_outcome *outcome, tarn_error *err)
{
    char name[PROBE_NAME];
    tn_arena arena;
    tn_str path;
    size_t folder = key.size;

    if (s3->endpoint[0] == '\0' || atomic_load(&s3->keeps_create)) {
        return TARN_OK;
    }
    while (folder > 0 && key.data[folder - 1] != '/') {
        folder--;
    }
    (void)snprintf(name, sizeof(name), ".tarn-probe-%016llx", (unsigned long long)tn_random_u64());
    tn_arena_init(&arena, s3->pool);
    tarn_code code = tn_arena_print(&arena, &path, err, "%.*s%s", (int)folder, key.data, name);
    if (code == TARN_OK) {
        code = probe(s3, path, outcome, err);
    }
    tn_arena_deinit(&arena);
    if (code == TARN_OK) {
        atomic_store(&s3->keeps_create, true);
    } else if (*outcome != TN_OUTCOME_REFUSED) {
        *outcome = TN_OUTCOME_UNAVAILABLE; /* of what was asked for nothing happened */
        tn_explain(err, "asking whether the store keeps 'If-None-Match'");
    }
    return code;
}

/* tarn init: a small pipeline that works at once. */
#include "pipeline/pipeline_internal.h"

static const char pipeline_toml[] =
    "# A small pipeline: 'tarn check pipeline.toml' says all that is wrong with it,\n"
    "# 'tarn run pipeline.toml' takes every new file of landing/ exactly once.\n"
    "# The reference: docs/pipeline.md.\n"
    "\n"
    "[pipeline]\n"
    "name   = \"sales\"\n"
    "params = { least = 0.0 }            # in SQL $least; tarn run -p least=10 pipeline.toml\n"
    "\n"
    "[[source]]\n"
    "id      = \"raw\"\n"
    "uri     = \"landing/*.csv\"           # put more files there and run again\n"
    "columns = { id = \"BIGINT NOT NULL\", day = \"DATE\", amount = \"DECIMAL(10,2)\" }\n"
    "on_bad_record = \"quarantine\"\n"
    "\n"
    "[[step]]\n"
    "id  = \"clean\"\n"
    "sql = { file = \"sql/clean.sql\" }\n"
    "\n"
    "[[expect]]\n"
    "on     = \"clean\"\n"
    "name   = \"known shop\"\n"
    "rule   = \"shop IN ('north', 'south')\"\n"
    "action = \"quarantine\"\n"
    "\n"
    "[[step]]\n"
    "id  = \"by_day\"\n"
    "sql = \"SELECT day, shop, count(*) AS sales, sum(amount) AS amount FROM clean GROUP BY day, "
    "shop\"\n"
    "\n"
    "[[sink]]\n"
    "from = \"clean\"\n"
    "to   = \"lake/sales\"\n"
    "\n"
    "[[sink]]\n"
    "from = \"by_day\"\n"
    "to   = \"lake/by_day\"\n"
    "\n"
    "[quarantine]\n"
    "to        = \"lake/_bad/sales\"\n"
    "max_ratio = 0.5\n";

static const char clean_sql[] = "-- FROM names a source or another step of pipeline.toml.\n"
                                "SELECT id, day, lower(trim(shop)) AS shop, amount\n"
                                "FROM raw\n"
                                "WHERE amount >= $least\n";

static const char monday_csv[] = "id,day,shop,amount\n"
                                 "1,2026-01-05,North,12.50\n"
                                 "2,2026-01-05,South,7.00\n"
                                 "3,2026-01-05,North,19.99\n"
                                 "4,2026-01-05,Nowhere,3.00\n";
static const char tuesday_csv[] = "id,day,shop,amount\n"
                                  "5,2026-01-06,South,30.10\n"
                                  "6,2026-01-06,South,not a number\n"
                                  "7,2026-01-06,North,8.25\n";

static const struct {
    const char *name, *text;
} files[] = {
    {"sql/clean.sql", clean_sql},
    {"landing/2026-01-05.csv", monday_csv},
    {"landing/2026-01-06.csv", tuesday_csv},
    {"pipeline.toml", pipeline_toml}, /* last: with it everything is there */
};
enum { FILE_COUNT = sizeof(files) / sizeof(files[0]) };

static TN_FALLIBLE put_file(tn_session *session, tn_arena *arena, tn_str folder, size_t index,
                            bool look_only, tarn_error *err)
{
    const tn_put_options options = {.mode = TN_PUT_CREATE};
    tn_store *store;
    tn_str uri;
    tn_str key;
    tn_object_info info;
    TN_RETURN_IF_ERROR(tn_uri_join(arena, folder, tn_str_of(files[index].name), &uri, err));
    TN_RETURN_IF_ERROR(
        tn_stores_resolve(tn_session_stores(session), uri, arena, &store, &key, err));
    if (!look_only) {
        return tn_store_put(store, key, tn_str_of(files[index].text), &options, NULL, err);
    }
    if (tn_store_head(store, key, &info, NULL) != TARN_OK) {
        return TARN_OK;
    }
    TN_RETURN_IF_ERROR(tn_arena_copy(arena, uri, &uri, err));
    (void)tn_fail(err, TARN_E_EXISTS, "'%s' is there already", uri.data);
    tn_subject(err, uri.data);
    tn_hint(err, "'tarn init DIR' takes another folder");
    return TARN_E_EXISTS;
}

tarn_code tn_dataflow_init(tn_session *session, tn_str folder, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_arena arena;
    tn_arena_init(&arena, tn_session_pool(session));
    for (size_t i = 0; i < FILE_COUNT; i++) {
        TN_TRY(put_file(session, &arena, folder, i, true, err));
    }
    for (size_t i = 0; i < FILE_COUNT; i++) {
        TN_TRY(put_file(session, &arena, folder, i, false, err));
    }
done:
    tn_arena_deinit(&arena);
    return code;
}

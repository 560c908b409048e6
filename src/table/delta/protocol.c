/* Which tables may be read and written: by version, and from 3 and 7 on by feature. */
#include "table/delta/delta_internal.h"

typedef enum support { NONE, READS, READS_AND_WRITES } support;

/* Features that Tarn knows.  Writers refuse what is not here; readers only what they must know. */
static const struct {
    const char *name;
    support support;
} features[] = {
    {"appendOnly", READS_AND_WRITES},
    {"invariants", READS_AND_WRITES}, /* refused below where a column has one */
    {"checkConstraints", READS_AND_WRITES},
    {"generatedColumns", READS_AND_WRITES},
    {"identityColumns", READS_AND_WRITES},
    {"allowColumnDefaults", READS_AND_WRITES},
    {"changeDataFeed", READS_AND_WRITES},
    {"domainMetadata", READS_AND_WRITES},
    {"timestampNtz", READS_AND_WRITES},
    {"timestampWithoutTimezone", READS_AND_WRITES},
    {"vacuumProtocolCheck", READS_AND_WRITES},
    {"v2Checkpoint", READS_AND_WRITES},
    {"deletionVectors", READS_AND_WRITES}, /* read; no new ones are made */
    {"columnMapping", READS},
    {"variantType", READS}, /* as metadata and value */
    {"variantType-preview", READS},
    {"variantShredding", READS}, /* refused where a file has one */
    {"variantShredding-preview", READS},
    {"typeWidening", READS},
    {"typeWidening-preview", READS},
};
enum { FEATURE_COUNT = sizeof(features) / sizeof(features[0]) };

static support support_of(tn_str feature)
{
    for (size_t i = 0; i < FEATURE_COUNT; i++) {
        if (tn_str_equal(feature, tn_str_of(features[i].name))) {
            return features[i].support;
        }
    }
    return NONE;
}

tn_str tn_delta__property(const tn_delta *table, const char *name)
{
    for (uint32_t i = 0; i < table->about.property_count; i++) {
        if (tn_str_equal(table->about.properties[i].name, tn_str_of(name))) {
            return table->about.properties[i].value;
        }
    }
    return TN_STR_NONE;
}

static TN_FALLIBLE refuse(const tn_delta *table, tn_str feature, const char *doing, tarn_error *err)
{
    (void)tn_fail(err, TARN_E_UNSUPPORTED,
                  "the Delta table '%.*s' needs the feature '%.*s', which Tarn cannot %s yet",
                  TN_STR_ARGS(table->about.uri), TN_STR_ARGS(feature), doing);
    tn_subject(err, table->about.uri.data);
    return TARN_E_UNSUPPORTED;
}

static TN_FALLIBLE refuse_version(const tn_delta *table, const char *kind, int version, int most,
                                  tarn_error *err)
{
    (void)tn_fail(err, TARN_E_UNSUPPORTED,
                  "the Delta table '%.*s' has %s version %d, and Tarn knows versions to %d",
                  TN_STR_ARGS(table->about.uri), kind, version, most);
    tn_subject(err, table->about.uri.data);
    return TARN_E_UNSUPPORTED;
}

tarn_code tn_delta__check_read(const tn_delta *table, tarn_error *err)
{
    const tn_delta_about *about = &table->about;
    if (about->reader_version < 1 || about->reader_version > 3) {
        return refuse_version(table, "reader", about->reader_version, 3, err);
    }
    for (uint32_t i = 0; i < about->reader_feature_count; i++) {
        if (support_of(about->reader_features[i]) == NONE) {
            return refuse(table, about->reader_features[i], "read", err);
        }
    }
    return TARN_OK;
}

static bool has_property_like(const tn_delta *table, const char *prefix)
{
    for (uint32_t i = 0; i < table->about.property_count; i++) {
        if (tn_str_starts(table->about.properties[i].name, tn_str_of(prefix))) {
            return true;
        }
    }
    return false;
}

static bool is_on(const tn_delta *table, const char *property)
{
    return tn_str_equal_fold(tn_delta__property(table, property), TN_STR("true"));
}

static bool schema_says(const tn_delta *table, const char *key)
{
    const tn_str text = table->schema_json;
    const tn_str wanted = tn_str_of(key);
    for (size_t i = 0; i + wanted.size <= text.size; i++) {
        if (memcmp(text.data + i, wanted.data, wanted.size) == 0) {
            return true;
        }
    }
    return false;
}

/* What a table has set up, whatever its protocol lists. */
static TN_FALLIBLE check_in_use(const tn_delta *table, bool removes, tarn_error *err)
{
    static const struct {
        const char *key, *feature;
    } in_schema[] = {
        {"\"delta.invariants\"", "invariants"},
        {"\"delta.generationExpression\"", "generatedColumns"},
        {"\"delta.identity.start\"", "identityColumns"},
    };
    for (size_t i = 0; i < sizeof(in_schema) / sizeof(in_schema[0]); i++) {
        if (schema_says(table, in_schema[i].key)) {
            return refuse(table, tn_str_of(in_schema[i].feature), "write", err);
        }
    }
    if (has_property_like(table, "delta.constraints.")) {
        return refuse(table, TN_STR("checkConstraints"), "write", err);
    }
    if (is_on(table, "delta.enableInCommitTimestamps")) {
        return refuse(table, TN_STR("inCommitTimestamp"), "write", err);
    }
    if (is_on(table, "delta.enableRowTracking")) {
        return refuse(table, TN_STR("rowTracking"), "write", err);
    }
    const tn_str mapping = tn_delta__property(table, "delta.columnMapping.mode");
    if (mapping.size > 0 && !tn_str_equal(mapping, TN_STR("none"))) {
        return refuse(table, TN_STR("columnMapping"), "write", err);
    }
    if (removes && is_on(table, "delta.appendOnly")) {
        (void)tn_fail(err, TARN_E_INVALID,
                      "the table '%.*s' is append-only: its rows cannot be replaced",
                      TN_STR_ARGS(table->about.uri));
        tn_hint(err, "append, or take the property delta.appendOnly away");
        return TARN_E_INVALID;
    }
    return TARN_OK;
}

tarn_code tn_delta__check_write(const tn_delta *table, bool removes, tarn_error *err)
{
    const tn_delta_about *about = &table->about;
    if (about->reader_version < 1 || about->reader_version > 3) {
        return refuse_version(table, "reader", about->reader_version, 3, err);
    }
    if (about->writer_version < 1 || about->writer_version > 7) {
        return refuse_version(table, "writer", about->writer_version, 7, err);
    }
    for (uint32_t i = 0; i < about->writer_feature_count; i++) {
        const tn_str feature = about->writer_features[i];
        const bool fits = support_of(feature) == READS_AND_WRITES ||
                          tn_str_starts(feature, TN_STR("typeWidening")) ||
                          tn_str_equal(feature, TN_STR("columnMapping"));
        if (!fits) {
            return refuse(table, feature, "write", err);
        }
    }
    return check_in_use(table, removes, err);
}

/* Which properties a table can be made with: what the protocol needs no more for than it has. */
#include "table/delta/delta_internal.h"

typedef enum kind {
    SWITCH,   /* true or false */
    COUNT,    /* from 1 */
    COLUMNS,  /* from 0; -1: all */
    DURATION, /* interval 30 days */
    SIZE,     /* 104857600, 100mb */
    CHOICE,   /* one of `choices` */
    ANYTHING
} kind;

/* With a `feature`: what asks for it, which is every value but false and the first choice. */
typedef struct property {
    const char *name;
    kind kind;
    const char *feature;
    const char *choices[4];
} property;

static const property known[] = {
    {"delta.appendOnly", SWITCH, NULL, {NULL}},
    {"delta.autoOptimize", SWITCH, NULL, {NULL}},
    {"delta.autoOptimize.autoCompact", CHOICE, NULL, {"true", "false", "auto", "legacy"}},
    {"delta.autoOptimize.optimizeWrite", SWITCH, NULL, {NULL}},
    {"delta.checkpoint.writeStatsAsJson", SWITCH, NULL, {NULL}},
    {"delta.checkpoint.writeStatsAsStruct", SWITCH, NULL, {NULL}},
    {"delta.checkpointInterval", COUNT, NULL, {NULL}},
    {"delta.checkpointPolicy", CHOICE, "v2Checkpoint", {"classic", "v2"}},
    {"delta.checkpointRetentionDuration", DURATION, NULL, {NULL}},
    {"delta.columnMapping.maxColumnId", ANYTHING, "columnMapping", {NULL}},
    {"delta.columnMapping.mode", CHOICE, "columnMapping", {"none", "name", "id"}},
    {"delta.compatibility.symlinkFormatManifest.enabled", SWITCH, NULL, {NULL}},
    {"delta.dataSkippingNumIndexedCols", COLUMNS, NULL, {NULL}},
    {"delta.dataSkippingStatsColumns", ANYTHING, NULL, {NULL}},
    {"delta.deletedFileRetentionDuration", DURATION, NULL, {NULL}},
    {"delta.enableChangeDataFeed", SWITCH, "changeDataFeed", {NULL}},
    {"delta.enableDeletionVectors", SWITCH, "deletionVectors", {NULL}},
    {"delta.enableExpiredLogCleanup", SWITCH, NULL, {NULL}},
    {"delta.enableFullRetentionRollback", SWITCH, NULL, {NULL}},
    {"delta.enableIcebergCompatV1", SWITCH, "icebergCompatV1", {NULL}},
    {"delta.enableIcebergCompatV2", SWITCH, "icebergCompatV2", {NULL}},
    {"delta.enableIcebergCompatV3", SWITCH, "icebergCompatV3", {NULL}},
    {"delta.enableInCommitTimestamps", SWITCH, "inCommitTimestamp", {NULL}},
    {"delta.enableRowTracking", SWITCH, "rowTracking", {NULL}},
    {"delta.enableTypeWidening", SWITCH, "typeWidening", {NULL}},
    {"delta.enableVariantShredding", SWITCH, "variantShredding", {NULL}},
    {"delta.inCommitTimestampEnablementTimestamp", ANYTHING, "inCommitTimestamp", {NULL}},
    {"delta.inCommitTimestampEnablementVersion", ANYTHING, "inCommitTimestamp", {NULL}},
    {"delta.isolationLevel",
     CHOICE,
     NULL,
     {"Serializable", "WriteSerializable", "SnapshotIsolation"}},
    {"delta.logRetentionDuration", DURATION, NULL, {NULL}},
    {"delta.parquet.compression.codec", ANYTHING, NULL, {NULL}},
    {"delta.parquet.format.version", ANYTHING, NULL, {NULL}},
    {"delta.randomPrefixLength", COUNT, NULL, {NULL}},
    {"delta.randomizeFilePrefixes", SWITCH, NULL, {NULL}},
    {"delta.requireCheckpointProtectionBeforeVersion", ANYTHING, "checkpointProtection", {NULL}},
    {"delta.rowTrackingSuspended", SWITCH, "rowTracking", {NULL}},
    {"delta.sampleRetentionDuration", DURATION, NULL, {NULL}},
    {"delta.setTransactionRetentionDuration", DURATION, NULL, {NULL}},
    {"delta.targetFileSize", SIZE, NULL, {NULL}},
    {"delta.tuneFileSizesForRewrites", SWITCH, NULL, {NULL}},
};
enum { KNOWN_COUNT = sizeof(known) / sizeof(known[0]) };

/* What is asked for by every name that starts so. */
static const struct {
    const char *prefix, *feature;
} families[] = {
    {"delta.constraints.", "checkConstraints"},
    {"delta.coordinatedCommits.", "coordinatedCommits"},
    {"delta.rowTracking.", "rowTracking"},
    {"delta.universalFormat.", "icebergCompatV2"},
};

/* ---- values -----------------------------------------------------------------------------------*/

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

enum { DIGITS_MAX = 9, SIZE_DIGITS_MAX = 15 }; /* other engines keep 32 and 64 bits */

/* How many digits `text` starts with. */
static size_t digits_of(tn_str text)
{
    size_t count = 0;
    while (count < text.size && is_digit(text.data[count])) {
        count++;
    }
    return count;
}

static bool is_number(tn_str text, bool from_one)
{
    const size_t digits = digits_of(text);
    size_t zeros = 0;
    while (zeros < digits && text.data[zeros] == '0') {
        zeros++;
    }
    return digits > 0 && digits == text.size && (!from_one || zeros < digits);
}

static bool is_size(tn_str text)
{
    static const char *const units[] = {"b", "k", "kb", "m", "mb", "g", "gb"};
    const size_t digits = digits_of(text);
    const tn_str unit = tn_str_slice(text, digits, text.size);
    if (digits > SIZE_DIGITS_MAX || !is_number(tn_str_slice(text, 0, digits), true)) {
        return false;
    }
    bool found = unit.size == 0;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        found = found || tn_str_equal_fold(unit, tn_str_of(units[i]));
    }
    return found;
}

/* Takes a word off the front, and the blanks around it. */
static tn_str next_word(tn_str *text)
{
    size_t start = 0;
    while (start < text->size && text->data[start] == ' ') {
        start++;
    }
    size_t end = start;
    while (end < text->size && text->data[end] != ' ') {
        end++;
    }
    const tn_str word = tn_str_slice(*text, start, end);
    while (end < text->size && text->data[end] == ' ') {
        end++;
    }
    *text = tn_str_slice(*text, end, text->size);
    return word;
}

/* "interval 1 day 12 hours"; months and years are of no fixed length, and no reader takes them. */
static bool read_duration(tn_str text, int64_t *ms)
{
    static const struct {
        const char *name;
        int64_t us;
    } units[] = {{"week", INT64_C(604800000000)}, {"day", INT64_C(86400000000)},
                 {"hour", INT64_C(3600000000)},   {"minute", INT64_C(60000000)},
                 {"second", INT64_C(1000000)},    {"millisecond", INT64_C(1000)},
                 {"microsecond", INT64_C(1)}};
    int64_t us = 0;
    tn_str word = next_word(&text);
    if (tn_str_equal_fold(word, TN_STR("interval"))) {
        word = next_word(&text);
    }
    while (word.size > 0) {
        tn_str unit = next_word(&text);
        int64_t count = 0;
        int64_t each = 0;
        if (unit.size > 0 && (unit.data[unit.size - 1] == 's' || unit.data[unit.size - 1] == 'S')) {
            unit.size--;
        }
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
            each = tn_str_equal_fold(unit, tn_str_of(units[i].name)) ? units[i].us : each;
        }
        if (each == 0 || !is_number(word, false) || word.size > DIGITS_MAX) {
            return false;
        }
        for (size_t i = 0; i < word.size; i++) {
            count = 10 * count + (word.data[i] - '0');
        }
        us = count > (INT64_MAX - us) / each ? INT64_MAX : us + count * each;
        *ms = us / 1000;
        if (text.size == 0) {
            return true;
        }
        word = next_word(&text);
    }
    return false;
}

int64_t tn_delta__duration(const tn_delta *table, const char *name, int64_t otherwise_ms)
{
    int64_t ms;
    const tn_str text = tn_delta__property(table, name);
    return text.size == 0 ? otherwise_ms : read_duration(text, &ms) ? ms : INT64_MAX;
}

/* In small letters: other engines take no others, and go by the default then. */
static bool is_switch(tn_str text)
{
    return tn_str_equal(text, TN_STR("true")) || tn_str_equal(text, TN_STR("false"));
}

/* Position among the choices, or SIZE_MAX. */
static size_t choice_of(const property *p, tn_str text)
{
    for (size_t i = 0; i < 4 && p->choices[i] != NULL; i++) {
        if (tn_str_equal(text, tn_str_of(p->choices[i]))) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* NULL where `text` is a value of the property, else what is. */
static const char *wanted_of(const property *p, tn_str text)
{
    int64_t ignored;
    switch (p->kind) {
    case SWITCH:
        return is_switch(text) ? NULL : "true or false";
    case COUNT:
        return is_number(text, true) && text.size <= DIGITS_MAX ? NULL
                                                                : "a number from 1 to 999999999";
    case COLUMNS:
        return (is_number(text, false) && text.size <= DIGITS_MAX) ||
                       tn_str_equal(text, TN_STR("-1"))
                   ? NULL
                   : "a number of columns, or -1 for all";
    case DURATION:
        return read_duration(text, &ignored)
                   ? NULL
                   : "an interval in weeks or less, such as 'interval 30 days'";
    case SIZE:
        return is_size(text) ? NULL : "a size such as 104857600 or 100mb";
    case CHOICE:
        return choice_of(p, text) != SIZE_MAX ? NULL : "";
    case ANYTHING:
        return NULL;
    }
    return NULL;
}

/* ---- refusals ---------------------------------------------------------------------------------*/

static TN_FALLIBLE wrong_value(const property *p, tn_str value, const char *wanted, tarn_error *err)
{
    (void)tn_fail(err, TARN_E_INVALID, "'%.*s' is no value of the property '%s'",
                  TN_STR_ARGS(value), p->name);
    if (p->kind != CHOICE) {
        tn_hint(err, "it takes %s", wanted);
        return TARN_E_INVALID;
    }
    const char *const *c = p->choices;
    tn_hint(err, "it takes one of %s|%s%s%s%s%s", c[0], c[1], c[2] == NULL ? "" : "|",
            c[2] == NULL ? "" : c[2], c[2] == NULL || c[3] == NULL ? "" : "|",
            c[2] == NULL || c[3] == NULL ? "" : c[3]);
    return TARN_E_INVALID;
}

static TN_FALLIBLE needs_feature(const tn_delta_property *given, const char *feature,
                                 const property *p, tarn_error *err)
{
    (void)tn_fail(err, TARN_E_UNSUPPORTED,
                  "the property '%.*s=%.*s' needs the feature '%s', which Tarn gives no table yet",
                  TN_STR_ARGS(given->name), TN_STR_ARGS(given->value), feature);
    if (strcmp(feature, "checkConstraints") == 0) {
        tn_hint(err, "leave it out: NOT NULL columns and a pipeline's expectations are checked");
    } else if (p != NULL && p->kind != ANYTHING) {
        tn_hint(err, "leave it out, or say '%s=%s'", p->name,
                p->kind == CHOICE ? p->choices[0] : "false");
    } else {
        tn_hint(err, "leave it out");
    }
    return TARN_E_UNSUPPORTED;
}

static TN_FALLIBLE unknown(tn_str name, tarn_error *err)
{
    tn_str names[KNOWN_COUNT];
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        names[i] = tn_str_of(known[i].name);
    }
    tn_str near = tn_str_nearest(name, names, KNOWN_COUNT);
    const size_t prefix = sizeof("delta.");
    for (size_t i = 0; i < KNOWN_COUNT && near.data == NULL && name.size >= prefix; i++) {
        if (tn_str_starts(names[i], name)) { /* one that was cut short */
            near = names[i];
        }
    }
    (void)tn_fail(err, TARN_E_INVALID, "Delta tables have no property '%.*s'", TN_STR_ARGS(name));
    if (near.data != NULL) {
        tn_hint(err, "did you mean '%.*s'?", TN_STR_ARGS(near));
    } else {
        tn_hint(err, "names without the prefix 'delta.' are free");
    }
    return TARN_E_INVALID;
}

static TN_FALLIBLE check_known(const property *p, const tn_delta_property *given, tarn_error *err)
{
    const char *wanted = wanted_of(p, given->value);
    if (wanted != NULL) {
        return wrong_value(p, given->value, wanted, err);
    }
    const bool asks = p->kind == SWITCH   ? tn_str_equal(given->value, TN_STR("true"))
                      : p->kind == CHOICE ? choice_of(p, given->value) > 0
                                          : true;
    return p->feature != NULL && asks ? needs_feature(given, p->feature, p, err) : TARN_OK;
}

tarn_code tn_delta__check_property(const tn_delta_property *given, tarn_error *err)
{
    const tn_str name = given->name;
    const tn_str prefix = TN_STR("delta.");
    if (name.size < prefix.size || !tn_str_equal_fold(tn_str_slice(name, 0, prefix.size), prefix)) {
        return TARN_OK;
    }
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        if (tn_str_equal(name, tn_str_of(known[i].name))) {
            return check_known(&known[i], given, err);
        }
    }
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        if (tn_str_starts(name, tn_str_of(families[i].prefix))) {
            return needs_feature(given, families[i].feature, NULL, err);
        }
    }
    if (tn_str_starts(name, TN_STR("delta.feature.")) ||
        tn_str_equal(name, TN_STR("delta.minReaderVersion")) ||
        tn_str_equal(name, TN_STR("delta.minWriterVersion"))) {
        (void)tn_fail(err, TARN_E_UNSUPPORTED,
                      "the property '%.*s' asks for a protocol, which Tarn chooses itself",
                      TN_STR_ARGS(name));
        tn_hint(err, "leave it out: the protocol follows from the columns' types");
        return TARN_E_UNSUPPORTED;
    }
    return unknown(name, err);
}

/* Texts that grow, statements made of them, and the formats that a file's name tells. */
#include "commands.h"

#include <string.h>
#include <strings.h>

bool text_add(char **text, size_t *size, const char *piece, size_t piece_size)
{
    /* Doubled in steps that the size itself tells. */
    const size_t needed = *size + piece_size + 1;
    size_t capacity = 256;
    size_t had = 256;
    while (capacity < needed) {
        capacity *= 2;
    }
    while (had < *size + 1) {
        had *= 2;
    }
    if ((*text == NULL || capacity > had) && tarn_text_resize(text, capacity, NULL) != TARN_OK) {
        return false;
    }
    memcpy(*text + *size, piece, piece_size);
    *size += piece_size;
    (*text)[*size] = '\0';
    return true;
}

void draft_put(draft *t, const char *piece)
{
    draft_put_bytes(t, piece, strlen(piece));
}

void draft_put_bytes(draft *t, const char *piece, size_t size)
{
    t->failed = t->failed || !text_add(&t->data, &t->size, piece, size);
}

void draft_put_quoted(draft *t, const char *piece)
{
    draft_put_bytes(t, "'", 1);
    for (const char *c = piece; *c != '\0'; c++) {
        draft_put_bytes(t, *c == '\'' ? "''" : c, *c == '\'' ? 2 : 1);
    }
    draft_put_bytes(t, "'", 1);
}

void draft_free(draft *t)
{
    tarn_text_free(t->data);
    *t = (draft){NULL, 0, false};
}

int draft_run(invocation *in, draft *t)
{
    const int code =
        t->failed ? usage_error(in, "", "out of memory") : run_sql(in, t->data, t->size);
    draft_free(t);
    return code;
}

void draft_rows(tarn_session *session, draft *t, tarn_row *row, void *context)
{
    tarn_script *script = NULL;
    tarn_result *result = NULL;
    if (!t->failed && tarn_script_open(session, t->data, t->size, &script, NULL) == TARN_OK &&
        tarn_script_next(script, &result, NULL) == TARN_OK && result != NULL) {
        (void)!tarn_result_rows(result, row, context, NULL);
    }
    tarn_script_close(script);
    draft_free(t);
}

/* ---- formats ----------------------------------------------------------------------------------*/

static const file_format formats[] = {
    {"parquet", "read_parquet(", false, {".parquet", ".pq"}},
    {"csv", "read_csv(", true, {".csv"}},
    {"tsv", "read_csv(delim => '\t', ", true, {".tsv"}},
    {"json", "read_json(", true, {".json"}},
    {"jsonl", "read_json(", true, {".jsonl", ".ndjson"}},
    {"markdown", NULL, false, {".md"}},
    {"delta", "delta_scan(", false, {NULL}},
};
enum { FORMAT_COUNT = sizeof(formats) / sizeof(formats[0]) };

/* In any case, as the engine compares them. */
static bool ends_with(const char *name, size_t size, const char *end)
{
    const size_t end_size = strlen(end);
    return size > end_size && strncasecmp(name + size - end_size, end, end_size) == 0;
}

static size_t size_unpacked(const char *name)
{
    const size_t size = strlen(name);
    return ends_with(name, size, ".gz")    ? size - 3
           : ends_with(name, size, ".zst") ? size - 4
                                           : size;
}

bool is_packed(const char *name)
{
    return name[size_unpacked(name)] != '\0';
}

const file_format *format_of_file(const char *name)
{
    const size_t size = size_unpacked(name);
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        for (size_t k = 0; k < 2 && formats[i].endings[k] != NULL; k++) {
            if (ends_with(name, size, formats[i].endings[k])) {
                return &formats[i];
            }
        }
    }
    return NULL;
}

const file_format *format_named(const char *name)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        if (strcmp(name, formats[i].name) == 0) {
            return &formats[i];
        }
    }
    return NULL;
}

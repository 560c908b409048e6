/* What is no text at all, or in another encoding, by its first bytes. */
#include "format/text/text_internal.h"

static const struct {
    const char *bytes;
    size_t size;
    const char *what, *hint;
} others[] = {
    {"\xff\xfe\0\0", 4, "it is UTF-32", "convert it to UTF-8 first"},
    {"\0\0\xfe\xff", 4, "it is UTF-32", "convert it to UTF-8 first"},
    {"\xff\xfe", 2, "it is UTF-16", "convert it to UTF-8 first"},
    {"\xfe\xff", 2, "it is UTF-16", "convert it to UTF-8 first"},
    {"PAR1", 4, "it is a Parquet file", "read_parquet() reads it, whatever its name"},
    {"PARE", 4, "it is an encrypted Parquet file", NULL},
    {"PK\3\4", 4, "it is a zip archive, as spreadsheets are", "take the text out of it first"},
    {"BZh", 3, "it is compressed by bzip2", "gzip and zstd are read as they are"},
    {"\xfd"
     "7zXZ\0",
     6, "it is compressed by xz", "gzip and zstd are read as they are"},
    {"\x04\x22\x4d\x18", 4, "it is compressed by lz4", "gzip and zstd are read as they are"},
    {"ARROW1", 6, "it is an Arrow IPC file", NULL},
    {"Obj\1", 4, "it is an Avro file", NULL},
    {"ORC", 3, "it is an ORC file", NULL},
    {"SQLite format 3\0", 16, "it is an SQLite database", NULL},
    {"%PDF-", 5, "it is a PDF document", NULL},
};

/* ASCII in two bytes each without a mark: every second byte is zero. */
static bool is_wide(tn_str text)
{
    enum { LOOK = 64, LEAST = 4 };
    const size_t size = text.size < LOOK ? text.size & ~(size_t)1 : LOOK;
    size_t zeros[2] = {0};
    for (size_t i = 0; i < size; i++) {
        zeros[i % 2] += text.data[i] == '\0';
    }
    return size >= LEAST &&
           ((zeros[0] == size / 2 && zeros[1] == 0) || (zeros[1] == size / 2 && zeros[0] == 0));
}

TN_FALLIBLE tn__text_refuse_binary(tn_str text, tarn_error *err)
{
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        const tn_str mark = {others[i].bytes, others[i].size};
        /* letters may well begin a text, which has no zeros */
        const bool letters = (unsigned char)mark.data[0] >= ' ' &&
                             mark.data[mark.size - 1] >= ' ' && tn_str_find(text, '\0') == SIZE_MAX;
        if (tn_str_starts(text, mark) && !letters) {
            (void)tn_fail(err, TARN_E_UNSUPPORTED, "%s", others[i].what);
            if (others[i].hint != NULL) {
                tn_hint(err, "%s", others[i].hint);
            }
            return TARN_E_UNSUPPORTED;
        }
    }
    if (is_wide(text)) {
        (void)tn_fail(err, TARN_E_UNSUPPORTED, "it is UTF-16");
        tn_hint(err, "convert it to UTF-8 first");
        return TARN_E_UNSUPPORTED;
    }
    return TARN_OK;
}

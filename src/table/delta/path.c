/* Paths in the log: URI escapes over Hive's escapes (facts of the protocol: names are decoded
 * once). */
#include "table/delta/delta_internal.h"

tarn_code tn_delta__decode(tn_arena *arena, tn_str path, tn_str *out, tarn_error *err)
{
    void *memory;
    TN_RETURN_IF_ERROR(tn_arena_alloc(arena, path.size + 1, &memory, err));
    char *text = memory;
    size_t size = 0;
    for (size_t i = 0; i < path.size; i++) {
        const bool escape = path.data[i] == '%' && i + 2 < path.size &&
                            tn_hex_digit(path.data[i + 1]) >= 0 &&
                            tn_hex_digit(path.data[i + 2]) >= 0;
        if (escape) {
            text[size++] =
                (char)(16 * tn_hex_digit(path.data[i + 1]) + tn_hex_digit(path.data[i + 2]));
            i += 2;
        } else {
            text[size++] = path.data[i];
        }
    }
    *out = (tn_str){text, size};
    return TARN_OK;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_letter_or_digit(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9');
}

void tn_delta__encode(tn_str path, tn_text *out)
{
    for (size_t i = 0; i < path.size; i++) {
        const char c = path.data[i];
        if (is_letter_or_digit(c) || (c != '\0' && strchr("-._~/=!$&'()*+,;:@", c) != NULL)) {
            tn_text_putc(out, c);
        } else {
            tn_text_printf(out, "%%%02X", (unsigned char)c);
        }
    }
}

/* What Hive escapes in a directory's name. */
static bool is_unsafe(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7F || strchr("\"#%'*/:=?\\{[]^", c) != NULL;
}

static void put_escaped(tn_str text, tn_text *out)
{
    for (size_t i = 0; i < text.size; i++) {
        if (is_unsafe(text.data[i])) {
            tn_text_printf(out, "%%%02X", (unsigned char)text.data[i]);
        } else {
            tn_text_putc(out, text.data[i]);
        }
    }
}

void tn_delta__put_partition(tn_str name, tn_str value, bool is_null, tn_text *out)
{
    put_escaped(name, out);
    tn_text_putc(out, '=');
    if (is_null || value.size == 0) {
        tn_text_puts(out, "__HIVE_DEFAULT_PARTITION__");
    } else {
        put_escaped(value, out);
    }
}

tarn_code tn_delta__canonical(const tn_delta *table, tn_arena *arena, tn_str path, tn_str *out,
                              tarn_error *err)
{
    tn_str root;
    TN_RETURN_IF_ERROR(tn_delta__decode(arena, path, out, err));
    if (tn_str_starts(*out, TN_STR("file:"))) {
        size_t at = 5;
        while (at + 1 < out->size && out->data[at] == '/' && out->data[at + 1] == '/') {
            at++;
        }
        *out = tn_str_slice(*out, at, out->size);
    }
    TN_RETURN_IF_ERROR(tn_store_uri(table->store, table->root, arena, &root, err));
    if (tn_str_starts(root, TN_STR("file://"))) {
        root = tn_str_slice(root, 7, root.size);
    }
    if (root.size > 0 && tn_str_starts(*out, root)) {
        *out = tn_str_slice(*out, root.size, out->size);
    }
    return TARN_OK;
}

tarn_code tn_delta__name_file(tn_delta *table, tn_str path, tn_delta_file *file, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_delta__canonical(table, &table->arena, path, &file->path, err));
    file->written = file->path;
    return tn_str_equal(path, file->path) ? TARN_OK
                                          : tn_arena_copy(&table->arena, path, &file->written, err);
}

/* "/x", or a URI: "s3://bucket/x", "file:/x"; but not "time=10:11/x". */
static bool is_absolute(tn_str path)
{
    size_t at = 0;
    while (at < path.size &&
           (is_letter(path.data[at]) ||
            (at > 0 && path.data[at] != '\0' && strchr("0123456789+-.", path.data[at]) != NULL))) {
        at++;
    }
    return tn_str_starts(path, TN_STR("/")) ||
           (at > 0 && tn_str_starts(tn_str_slice(path, at, path.size), TN_STR(":/")));
}

/* A log is somebody else's text: one in a bucket does not choose files of this machine. */
static TN_FALLIBLE refuse_local(const tn_delta *table, tn_str path, tarn_error *err)
{
    (void)tn_fail(err, TARN_E_UNSUPPORTED,
                  "the log of '%.*s' names '%.*s', a file of this machine and not of the table's "
                  "store",
                  TN_STR_ARGS(table->about.uri), TN_STR_ARGS(path));
    tn_subject(err, table->about.uri.data);
    tn_hint(err, "a table in a bucket names files of buckets, as s3://bucket/path; nothing was "
                 "read of it");
    return TARN_E_UNSUPPORTED;
}

tarn_code tn_delta__resolve_path(const tn_delta *table, tn_str path, tn_arena *arena,
                                 tn_store **store, tn_str *key, tarn_error *err)
{
    *store = table->store;
    if (!is_absolute(path)) {
        return tn_arena_print(arena, key, err, "%.*s%.*s", TN_STR_ARGS(table->root),
                              TN_STR_ARGS(path));
    }
    if (tn_uri_is_local(path) && !tn_store_is_local(table->store)) {
        return refuse_local(table, path, err);
    }
    return tn_stores_resolve(table->stores, path, arena, store, key, err);
}

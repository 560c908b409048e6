/*
 * Deletion vectors (PROTOCOL.md, "Deletion Vectors"): which rows of a data file are no longer the
 * table's.  The log tells where the bitmap lies: in the log itself, in a file whose name is made of
 * a random id, or at an absolute path.
 */
#include "codec/crc.h"
#include "table/delta/delta_internal.h"

enum {
    UUID_BYTES = 16,
    UUID_DIGITS = 20, /* base 85 */
    VECTOR_FRAME = 8, /* size before a bitmap in a file, checksum behind it */
    VECTOR_SIZE_MAX = 1 << 30
};

/* Where a vector lies; in the arena that a source keeps. */
typedef struct deletion {
    tn_store *store; /* NULL: inline */
    tn_str key, text;
    uint64_t offset, size, cardinality;
} deletion;

/* ---- base 85 ----------------------------------------------------------------------------------*/

static uint32_t digit_of(char c)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 ".-:+=^!/*?&<>()[]{}@%$#";
    const char *const at = c == '\0' ? NULL : strchr(digits, c);
    return at == NULL ? UINT32_MAX : (uint32_t)(at - digits);
}

/*
 * Five digits to four bytes, big-endian; `out` has room for four bytes of every five begun.  Some
 * writers mark a last group of fewer bytes by leading '#', which no group of four can begin with.
 * SIZE_MAX where the text is no base 85.
 */
static size_t from_base85(tn_str text, uint8_t *out)
{
    size_t size = 0;
    if (text.size % 5 != 0) {
        return SIZE_MAX;
    }
    for (size_t i = 0; i < text.size; i += 5) {
        size_t marks = 0;
        uint64_t value = 0;
        while (i + 5 == text.size && marks < 3 && text.data[i + marks] == '#') {
            marks++;
        }
        for (size_t j = marks; j < 5; j++) {
            const uint32_t digit = digit_of(text.data[i + j]);
            if (digit == UINT32_MAX) {
                return SIZE_MAX;
            }
            value = 85 * value + digit;
        }
        if (value >> 8 * (4 - marks) != 0) {
            return SIZE_MAX;
        }
        for (size_t j = marks; j < 4; j++) {
            out[size++] = (uint8_t)(value >> 8 * (3 - j));
        }
    }
    return size;
}

/* ---- where it lies ----------------------------------------------------------------------------*/

tarn_code tn_delta__set_vector(tn_delta *table, const tn_delta_vector *vector, tn_delta_file *file,
                               tarn_error *err)
{
    tn_delta_vector *made;
    TN_RETURN_IF_ERROR(tn_arena_new(&table->arena, tn_delta_vector, &made, err));
    *made = *vector;
    TN_RETURN_IF_ERROR(tn_arena_copy(&table->arena, vector->storage, &made->storage, err));
    TN_RETURN_IF_ERROR(tn_arena_copy(&table->arena, vector->path, &made->path, err));
    file->deletion = made;
    return tn_arena_print(&table->arena, &file->vector, err, "%.*s%.*s@%lld",
                          TN_STR_ARGS(made->storage), TN_STR_ARGS(made->path),
                          (long long)made->offset);
}

static TN_FALLIBLE damaged(const tn_delta *table, const tn_delta_file *file, const char *what,
                           tarn_error *err)
{
    (void)tn_fail(err, TARN_E_CORRUPT, "the deletion vector of '%.*s' in '%.*s' %s",
                  TN_STR_ARGS(file->path), TN_STR_ARGS(table->about.uri), what);
    tn_subject(err, table->about.uri.data);
    return TARN_E_CORRUPT;
}

/* "prefix" and twenty digits: prefix/deletion_vector_UUID.bin below the table. */
static TN_FALLIBLE relative_path(const tn_delta *table, const tn_delta_file *file, tn_arena *arena,
                                 tn_str *out, tarn_error *err)
{
    const tn_str text = file->deletion->path;
    uint8_t id[UUID_BYTES];
    if (text.size < UUID_DIGITS ||
        from_base85(tn_str_slice(text, text.size - UUID_DIGITS, text.size), id) != UUID_BYTES) {
        return damaged(table, file, "has no name that can be read", err);
    }
    const tn_str prefix = tn_str_slice(text, 0, text.size - UUID_DIGITS);
    return tn_arena_print(arena, out, err,
                          "%.*s%sdeletion_vector_%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
                          "%02x%02x%02x%02x%02x%02x.bin",
                          TN_STR_ARGS(prefix), prefix.size == 0 ? "" : "/", id[0], id[1], id[2],
                          id[3], id[4], id[5], id[6], id[7], id[8], id[9], id[10], id[11], id[12],
                          id[13], id[14], id[15]);
}

tarn_code tn_delta__locate_vector(const tn_delta *table, const tn_delta_file *file, tn_arena *arena,
                                  const void **out, tarn_error *err)
{
    const tn_delta_vector *vector = file->deletion;
    deletion *made;
    tn_str path;

    *out = NULL;
    TN_RETURN_IF_ERROR(tn_arena_new(arena, deletion, &made, err));
    made->cardinality = (uint64_t)vector->cardinality;
    made->size = (uint64_t)vector->size;
    made->offset = vector->offset < 0 ? 1 : (uint64_t)vector->offset; /* behind the version */
    *out = made;
    if (vector->cardinality < 0 || vector->size < 0 || vector->size > VECTOR_SIZE_MAX) {
        return damaged(table, file, "has a size that cannot be", err);
    }
    if (tn_str_equal(vector->storage, TN_STR("i"))) {
        return tn_arena_copy(arena, vector->path, &made->text, err);
    }
    if (tn_str_equal(vector->storage, TN_STR("u"))) {
        TN_RETURN_IF_ERROR(relative_path(table, file, arena, &path, err));
    } else if (tn_str_equal(vector->storage, TN_STR("p"))) {
        TN_RETURN_IF_ERROR(tn_delta__canonical(table, arena, vector->path, &path, err));
    } else {
        return damaged(table, file, "lies in a place of an unknown kind", err);
    }
    return tn_delta__resolve_path(table, path, arena, &made->store, &made->key, err);
}

/* ---- reading ----------------------------------------------------------------------------------*/

static TN_FALLIBLE read_inline(const deletion *d, tn_pool *pool, tn_buffer **out, tarn_error *err)
{
    TN_RETURN_IF_ERROR(tn_buffer_create(pool, d->text.size / 5 * 4 + 4, out, err));
    const size_t size = from_base85(d->text, (*out)->data);
    if (size == SIZE_MAX || size < d->size || size - d->size > 3) {
        return tn_fail(err, TARN_E_CORRUPT, "the log's deletion vector is not %llu bytes",
                       (unsigned long long)d->size);
    }
    return TARN_OK;
}

static uint32_t load32_big(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static TN_FALLIBLE read_stored(const deletion *d, tn_pool *pool, tn_buffer **out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    tn_object *object = NULL;
    uint8_t version = 0;

    TN_TRY(tn_object_open(d->store, d->key, pool, &TN_OBJECT_OPEN_DEFAULT, &object, err));
    const uint64_t whole = tn_object_about(object)->size;
    if (d->offset > whole || whole - d->offset < d->size + VECTOR_FRAME) {
        code = tn_fail(err, TARN_E_CORRUPT, "'%s' ends before the deletion vector does",
                       tn_object_uri(object));
        goto done;
    }
    TN_TRY(tn_object_read(object, 0, &version, 1, err));
    if (version != 1) {
        code = tn_fail(err, TARN_E_UNSUPPORTED,
                       "the deletion vectors in '%s' have version %u, and Tarn knows version 1",
                       tn_object_uri(object), version);
        goto done;
    }
    const size_t size = (size_t)d->size;
    TN_TRY(tn_buffer_create(pool, size + VECTOR_FRAME, out, err));
    uint8_t *const bytes = (*out)->data;
    TN_TRY(tn_object_read(object, d->offset, bytes, size + VECTOR_FRAME, err));
    if (load32_big(bytes) != size) {
        code = tn_fail(err, TARN_E_CORRUPT, "'%s' has a deletion vector of another size at %llu",
                       tn_object_uri(object), (unsigned long long)d->offset);
    } else if (load32_big(bytes + 4 + size) != tn_crc32(0, bytes + 4, size)) {
        code = tn_fail(err, TARN_E_CORRUPT,
                       "the checksum of a deletion vector in '%s' does not fit its bytes",
                       tn_object_uri(object));
    }
done:
    if (object != NULL) {
        tn_object_close(object);
    }
    return code;
}

tarn_code tn_delta__load_vector(const void *context, tn_pool *pool, tn_row_set **out,
                                tarn_error *err)
{
    tarn_code code = TARN_OK;
    const deletion *d = context;
    tn_buffer *bytes = NULL;
    tn_buffer *bitmap = NULL;
    tn_row_set *set = NULL;

    *out = NULL;
    TN_TRY(d->store == NULL ? read_inline(d, pool, &bytes, err)
                            : read_stored(d, pool, &bytes, err));
    TN_TRY(tn_buffer_slice(bytes, d->store == NULL ? 0 : 4, (size_t)d->size, &bitmap, err));
    TN_TRY(tn_row_set_read(bitmap, pool, &set, err));
    bitmap = NULL;
    if (tn_row_set_count(set) != d->cardinality) {
        code =
            tn_fail(err, TARN_E_CORRUPT, "the deletion vector has %llu rows, and the log says %llu",
                    (unsigned long long)tn_row_set_count(set), (unsigned long long)d->cardinality);
        goto done;
    }
    *out = set;
    set = NULL;
done:
    tn_row_set_destroy(set);
    tn_buffer_release(bitmap);
    tn_buffer_release(bytes);
    return code;
}

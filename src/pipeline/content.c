#include "pipeline/content.h"

#include "base/hash.h"

enum { LEAF_SIZE = 16 << 20, BLOCK_SIZE = 1 << 20 };

/* A run of bytes of the file, hashed up to `seen`. */
typedef struct leaf {
    pthread_mutex_t lock;
    tn_hasher *hasher; /* from its first byte to its last */
    uint64_t seen, hash;
    bool is_lost; /* no memory: it is read again at the end */
} leaf;

struct tn_content {
    tn_witness witness; /* first */
    tn_pool *pool;
    tn_str key, tag;
    uint64_t size;
    leaf *leaves;
    size_t leaf_count;
};

static uint64_t leaf_size(const tn_content *content, size_t index)
{
    const uint64_t start = (uint64_t)index * LEAF_SIZE;
    return content->size - start < LEAF_SIZE ? content->size - start : LEAF_SIZE;
}

/* Locked. */
static void see(const tn_content *content, size_t index, const char *data, size_t size)
{
    leaf *it = &content->leaves[index];
    void *memory;
    if (it->hasher == NULL) {
        if (tn_pool_alloc(content->pool, sizeof(tn_hasher), &memory, NULL) != TARN_OK) {
            it->is_lost = true;
            return;
        }
        it->hasher = memory;
        tn_hasher_init(it->hasher);
    }
    tn_hasher_add(it->hasher, data, size);
    it->seen += size;
    if (it->seen == leaf_size(content, index)) {
        it->hash = tn_hasher_value(it->hasher);
        tn_pool_free(content->pool, it->hasher, sizeof(tn_hasher));
        it->hasher = NULL;
    }
}

/* Bytes that go on where a leaf was left count; those seen before, or out of order, do not. */
static void saw(tn_witness *witness, uint64_t offset, const void *data, size_t size)
{
    const tn_content *content = (const tn_content *)witness;
    const char *bytes = data;
    while (size > 0 && offset < content->size) {
        const size_t index = (size_t)(offset / LEAF_SIZE);
        const uint64_t at = offset % LEAF_SIZE;
        const size_t step = size < LEAF_SIZE - at ? size : (size_t)(LEAF_SIZE - at);
        leaf *it = &content->leaves[index];
        pthread_mutex_lock(&it->lock);
        if (!it->is_lost && at <= it->seen && at + step > it->seen) {
            const size_t known = (size_t)(it->seen - at);
            see(content, index, bytes + known, step - known);
        }
        pthread_mutex_unlock(&it->lock);
        offset += step;
        bytes += step;
        size -= step;
    }
}

/* ---- the files that are watched -----------------------------------------------------------------
 */

static size_t slot_of(const tn_contents *contents, tn_str key)
{
    return (size_t)tn_hash_bytes(key.data, key.size, 0) & (contents->capacity - 1);
}

static tn_content *find(const tn_contents *contents, tn_str key, tn_str tag)
{
    for (size_t at = contents->capacity == 0 ? 0 : slot_of(contents, key);
         contents->capacity > 0 && contents->items[at] != NULL;
         at = (at + 1) & (contents->capacity - 1)) {
        tn_content *content = contents->items[at];
        if (tn_str_equal(content->key, key) && tn_str_equal(content->tag, tag)) {
            return content;
        }
    }
    return NULL;
}

static tn_witness *opened(tn_watch *watch, const tn_object_info *file)
{
    tn_content *content = find((const tn_contents *)watch, file->key, tn_str_of(file->tag));
    return content == NULL || content->size != file->size ? NULL : &content->witness;
}

static TN_FALLIBLE make(tn_dataflow *p, const tn_listed_file *file, tn_arena *arena,
                        tn_content **out, tarn_error *err)
{
    tn_content *content;
    TN_RETURN_IF_ERROR(tn_arena_new(arena, tn_content, &content, err));
    content->leaf_count = (size_t)((file->size + LEAF_SIZE - 1) / LEAF_SIZE);
    TN_RETURN_IF_ERROR(tn_arena_array(arena, leaf, content->leaf_count + 1, &content->leaves, err));
    TN_RETURN_IF_ERROR(tn_arena_copy(arena, file->key, &content->key, err));
    TN_RETURN_IF_ERROR(tn_arena_copy(arena, tn_str_of(file->tag), &content->tag, err));
    for (size_t i = 0; i < content->leaf_count; i++) {
        (void)pthread_mutex_init(&content->leaves[i].lock, NULL);
    }
    content->witness.saw = saw;
    content->pool = p->pool;
    content->size = file->size;
    *out = content;
    return TARN_OK;
}

static void unmake(tn_content *content)
{
    for (size_t i = 0; i < content->leaf_count; i++) {
        tn_pool_free(content->pool, content->leaves[i].hasher, sizeof(tn_hasher));
        (void)pthread_mutex_destroy(&content->leaves[i].lock);
    }
}

tarn_code tn_contents_open(tn_contents *contents, tn_dataflow *p, const tn_source_pin *pins,
                           tn_arena *arena, tarn_error *err)
{
    size_t count = 0;
    *contents = (tn_contents){.watch = {opened}, .p = p};
    for (size_t i = 0; i < p->nodes.count; i++) {
        count += p->nodes.items[i]->take_all ? 0 : pins[i].count;
    }
    size_t capacity = 16;
    while (capacity < 2 * count) {
        capacity *= 2;
    }
    TN_RETURN_IF_ERROR(tn_arena_array(arena, tn_content *, capacity, &contents->items, err));
    contents->capacity = capacity;
    for (size_t i = 0; i < p->nodes.count; i++) {
        for (size_t f = 0; f < pins[i].count && !p->nodes.items[i]->take_all; f++) {
            const tn_listed_file *file = &pins[i].files[f];
            if (!tn_store_is_local(file->store) || file->tag[0] == '\0' ||
                find(contents, file->key, tn_str_of(file->tag)) != NULL) {
                continue;
            }
            size_t at = slot_of(contents, file->key);
            while (contents->items[at] != NULL) {
                at = (at + 1) & (capacity - 1);
            }
            TN_RETURN_IF_ERROR(make(p, file, arena, &contents->items[at], err));
        }
    }
    tn_stores_watch(tn_session_stores(p->session), &contents->watch);
    return TARN_OK;
}

void tn_contents_close(tn_contents *contents)
{
    if (contents->p == NULL) {
        return;
    }
    tn_stores_watch(tn_session_stores(contents->p->session), NULL);
    for (size_t i = 0; i < contents->capacity; i++) {
        if (contents->items[i] != NULL) {
            unmake(contents->items[i]);
        }
    }
    *contents = (tn_contents){.p = NULL};
}

/* ---- the hash ---------------------------------------------------------------------------------*/

/* What nobody read, or not in order. */
static TN_FALLIBLE read_rest(tn_content *content, const tn_listed_file *file, tarn_error *err)
{
    tarn_code code = TARN_OK;
    const tn_object_open_options options = {file->tag, file->size};
    tn_object *object = NULL;
    void *block = NULL;
    for (size_t i = 0; i < content->leaf_count; i++) {
        leaf *it = &content->leaves[i];
        it->is_lost = false;
        while (it->seen < leaf_size(content, i) && !it->is_lost) {
            const uint64_t left = leaf_size(content, i) - it->seen;
            const uint64_t at = (uint64_t)i * LEAF_SIZE + it->seen;
            const size_t size = left < BLOCK_SIZE ? (size_t)left : BLOCK_SIZE;
            if (object == NULL) {
                TN_TRY(
                    tn_object_open(file->store, file->key, content->pool, &options, &object, err));
                TN_TRY(tn_pool_alloc(content->pool, BLOCK_SIZE, &block, err));
            }
            const uint64_t before = it->seen;
            TN_TRY(tn_object_read(object, at, block, size, err)); /* the witness may see it, too */
            if (it->seen == before) {
                see(content, i, block, size);
            }
        }
        if (it->is_lost) {
            code = tn_pool_fail(content->pool, 0, "an input's hash", err);
            goto done;
        }
    }
    if (object != NULL) {
        TN_TRY(tn_object_verify(object, err));
    }
done:
    if (object != NULL) {
        tn_object_close(object);
    }
    tn_pool_free(content->pool, block, BLOCK_SIZE);
    return code;
}

tarn_code tn_content_hash(tn_contents *contents, tn_dataflow *p, const tn_listed_file *file,
                          tn_arena *arena, tn_str *out, tarn_error *err)
{
    tarn_code code = TARN_OK;
    uint64_t hash = file->size;
    tn_content *own = NULL;
    tn_content *content = contents == NULL ? NULL : find(contents, file->key, tn_str_of(file->tag));
    *out = TN_STR_NONE;
    if (content == NULL) {
        TN_RETURN_IF_ERROR(make(p, file, arena, &own, err));
        content = own;
    }
    TN_TRY(read_rest(content, file, err));
    for (size_t i = 0; i < content->leaf_count; i++) {
        hash = tn_hash_bytes(&content->leaves[i].hash, sizeof(hash), hash);
    }
    TN_TRY(tn_arena_print(arena, out, err, "%016llx", (unsigned long long)hash));
done:
    if (own != NULL) {
        unmake(own);
    }
    return code;
}

/* Arrow's C structs as a stranger fills them: any format, any number that the interface lets one
 * check.  Offsets of plain strings and lists are left out: no one can know how long their buffers
 * are. */
#include "column/arrow.h"

enum { BUFFER_SIZE = 1 << 16, ROWS_MAX = 64, NAME_SIZE = 32 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void forget_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void forget_array(struct ArrowArray *array)
{
    array->release = NULL;
}

typedef struct input {
    const uint8_t *data;
    size_t size;
} input;

static uint8_t take(input *in)
{
    if (in->size == 0) {
        return 0;
    }
    in->size--;
    return *in->data++;
}

/* A format of the input's own, or (mostly) one whose buffers have known bounds. */
static void choose_format(input *in, char *out)
{
    static const char *const formats[] = {"n",     "b",   "c",    "l",    "e",   "g",
                                          "d:9,2", "tdm", "tss:", "tiD",  "tDs", "w:16",
                                          "vu",    "vz",  "+vl",  "+w:2", "+s",  "d:76,4,256"};
    const uint8_t choice = take(in);
    if (choice < 200) {
        memcpy(out, formats[choice % 18], strlen(formats[choice % 18]) + 1);
        return;
    }
    for (size_t i = 0; i + 1 < NAME_SIZE; i++) {
        out[i] = (char)take(in);
    }
    out[NAME_SIZE - 1] = '\0';
}

static bool has_bounds(const char *format)
{
    return strchr("uUzZ", format[0]) == NULL && strncmp(format, "+l", 2) != 0 &&
           strncmp(format, "+L", 2) != 0 && strncmp(format, "+m", 2) != 0 &&
           strncmp(format, "+w:", 3) != 0 && strncmp(format, "w:", 2) != 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[BUFFER_SIZE];
    input in = {data, size};
    char format[NAME_SIZE];
    char child_format[NAME_SIZE];
    struct ArrowSchema child_schema = {
        .format = child_format, .flags = 2, .release = forget_schema};
    struct ArrowSchema *children[] = {&child_schema};
    struct ArrowSchema column = {
        .format = format, .name = "x", .flags = 2, .release = forget_schema};
    struct ArrowSchema *columns[] = {&column};
    struct ArrowSchema root = {
        .format = "+s", .n_children = 1, .children = columns, .release = forget_schema};
    const int64_t heap_size = take(&in) * 16;
    const void *buffers[] = {bytes, bytes + 64, bytes + 4096, &heap_size};
    struct ArrowArray child = {.length = take(&in) % ROWS_MAX, .release = forget_array};
    struct ArrowArray *child_arrays[] = {&child};
    struct ArrowArray array = {.length = take(&in) % ROWS_MAX, .release = forget_array};
    struct ArrowArray *arrays[] = {&array};
    struct ArrowArray batch = {.n_buffers = 1, .n_children = 1, .release = forget_array};
    const void *none[] = {NULL};
    tn_pool pool;
    tn_types *types = NULL;
    tn_arrow_import *import = NULL;
    tn_chunk *chunk = NULL;

    choose_format(&in, format);
    choose_format(&in, child_format);
    const uint8_t flags = take(&in);
    child.n_buffers = array.n_buffers = flags % 5;
    child.buffers = array.buffers = buffers;
    child.offset = take(&in) % 8;
    array.offset = take(&in) % 8;
    array.null_count = (int8_t)take(&in);
    child.null_count = -1;
    if ((flags & 32) != 0) {
        column.n_children = array.n_children = 1;
        column.children = children;
        array.children = child_arrays;
    }
    if ((flags & 64) != 0) {
        column.dictionary = &child_schema;
        array.dictionary = &child;
    }
    batch.length = array.length;
    batch.buffers = none;
    batch.children = arrays;
    memset(bytes, 0, sizeof(bytes));
    memcpy(bytes, in.data, in.size < BUFFER_SIZE ? in.size : BUFFER_SIZE);

    tn_pool_init(&pool, NULL, "fuzz", (size_t)64 << 20);
    if (tn_types_create(&pool, &types, NULL) == TARN_OK &&
        tn_arrow_import_open(&root, types, &pool, &import, NULL) == TARN_OK &&
        (has_bounds(format) || strcmp(format, "w:16") == 0 || strcmp(format, "+w:2") == 0) &&
        (has_bounds(child_format) || strcmp(child_format, "w:16") == 0) &&
        tn_arrow_import_array(import, &batch, &chunk, NULL) != TARN_OK) {
        chunk = NULL;
    }
    tn_chunk_release(chunk);
    tn_arrow_import_close(import);
    tn_types_destroy(types);
    tn_pool_deinit(&pool);
    return 0;
}

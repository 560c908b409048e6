/* Answers in XML, from a stranger: expat, with everything off that could grow. */
#include "base/vec.h"
#include "net/date.h"
#include "store/s3_internal.h"

#include <expat.h>
#include <stdio.h>

enum { DEPTH_MAX = 16, TEXT_MAX = 64 << 10, NAME_MAX_SIZE = 64, ENTRIES_MAX = 10000 };

typedef struct element {
    char name[NAME_MAX_SIZE];
    size_t text_at; /* where its text starts in `text` */
} element;

typedef struct parse {
    XML_Parser parser;
    const tn_s3_xml *handler;
    element stack[DEPTH_MAX];
    size_t depth;
    tn_text text;
    tarn_code code;
    tarn_error *err;
} parse;

static void stop(parse *p, tarn_code code)
{
    p->code = code;
    (void)XML_StopParser(p->parser, XML_FALSE);
}

static void on_open(void *context, const XML_Char *name, const XML_Char **attributes)
{
    parse *p = context;
    (void)attributes;
    const char *colon = strrchr(name, ':');
    const char *local = colon != NULL ? colon + 1 : name;
    if (p->depth == DEPTH_MAX || strlen(local) >= NAME_MAX_SIZE) {
        stop(p, tn_fail(p->err, TARN_E_CORRUPT, "the XML answer is nested too deep"));
        return;
    }
    element *at = &p->stack[p->depth++];
    memcpy(at->name, local, strlen(local) + 1);
    at->text_at = p->text.size;
    if (p->handler->open != NULL) {
        const tarn_code code = p->handler->open(p->handler->context, tn_str_of(at->name), p->err);
        if (code != TARN_OK) {
            stop(p, code);
        }
    }
}

static void on_text(void *context, const XML_Char *text, int size)
{
    parse *p = context;
    tn_text_append(&p->text, (tn_str){text, (size_t)size});
    if (p->text.failed != TARN_OK) {
        stop(p, tn_text_status(&p->text, p->err));
    }
}

static void on_close(void *context, const XML_Char *name)
{
    parse *p = context;
    (void)name;
    const element *at = &p->stack[--p->depth];
    const tn_str parent = tn_str_of(p->depth > 0 ? p->stack[p->depth - 1].name : "");
    const size_t size = p->text.size - at->text_at;
    const tn_str text = size == 0 ? TN_STR("") : (tn_str){p->text.data + at->text_at, size};
    const tarn_code code =
        p->handler->close(p->handler->context, parent, tn_str_of(at->name), text, p->err);
    p->text.size = at->text_at;
    if (code != TARN_OK) {
        stop(p, code);
    }
}

static void on_doctype(void *context, const XML_Char *name, const XML_Char *system,
                       const XML_Char *public, int internal)
{
    parse *p = context;
    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    stop(p, tn_fail(p->err, TARN_E_CORRUPT, "the XML answer has a document type"));
}

tarn_code tn_s3__xml(tn_pool *pool, tn_str document, const tn_s3_xml *handler, tarn_error *err)
{
    parse p = {.handler = handler, .err = err};

    if (document.size > TN_S3_ANSWER_MAX) {
        return tn_fail(err, TARN_E_LIMIT, "an XML answer of %zu bytes", document.size);
    }
    p.parser = XML_ParserCreate(NULL);
    if (p.parser == NULL) {
        return tn_pool_fail(pool, 0, "an XML parser", err);
    }
    tn_text_init(&p.text, pool, TEXT_MAX);
    XML_SetUserData(p.parser, &p);
    XML_SetElementHandler(p.parser, on_open, on_close);
    XML_SetCharacterDataHandler(p.parser, on_text);
    XML_SetStartDoctypeDeclHandler(p.parser, on_doctype);
    const enum XML_Status status =
        XML_Parse(p.parser, document.size == 0 ? "" : document.data, (int)document.size, XML_TRUE);
    if (p.code == TARN_OK && status != XML_STATUS_OK) {
        p.code = tn_fail(err, TARN_E_CORRUPT, "the XML answer is damaged: %s (line %lu)",
                         XML_ErrorString(XML_GetErrorCode(p.parser)),
                         (unsigned long)XML_GetCurrentLineNumber(p.parser));
    }
    XML_ParserFree(p.parser);
    tn_text_deinit(&p.text);
    return p.code;
}

/* Printable, cut to fit. */
static void keep(char *out, size_t out_size, tn_str text)
{
    const size_t size = text.size < out_size - 1 ? text.size : out_size - 1;
    for (size_t i = 0; i < size; i++) {
        out[i] = (uint8_t)text.data[i] < ' ' ? ' ' : text.data[i];
    }
    out[size] = '\0';
}

/* ---- errors -----------------------------------------------------------------------------------
 */

static tarn_code problem_close(void *context, tn_str parent, tn_str name, tn_str text,
                               tarn_error *err)
{
    tn_s3_problem *out = context;
    (void)err;
    if (parent.size == 0) {
        keep(out->root, sizeof(out->root), name);
    } else if (!tn_str_equal(parent, TN_STR("Error"))) {
        return TARN_OK;
    } else if (tn_str_equal(name, TN_STR("Code"))) {
        keep(out->code, sizeof(out->code), text);
    } else if (tn_str_equal(name, TN_STR("Message"))) {
        keep(out->message, sizeof(out->message), text);
    } else if (tn_str_equal(name, TN_STR("Region"))) {
        keep(out->region, sizeof(out->region), text);
    }
    return TARN_OK;
}

tarn_code tn_s3__problem(tn_pool *pool, tn_str document, tn_s3_problem *out)
{
    *out = (tn_s3_problem){{0}, {0}, {0}, {0}};
    const tn_s3_xml handler = {NULL, problem_close, out};
    return tn_s3__xml(pool, document, &handler, NULL);
}

typedef struct wanted {
    const char *name;
    char *out;
    size_t out_size;
} wanted;

static tarn_code wanted_close(void *context, tn_str parent, tn_str name, tn_str text,
                              tarn_error *err)
{
    const wanted *want = context;
    (void)parent;
    if (want->out[0] == '\0' && tn_str_equal(name, tn_str_of(want->name))) {
        if (text.size >= want->out_size) {
            return tn_fail(err, TARN_E_CORRUPT, "a <%s> of %zu bytes", want->name, text.size);
        }
        keep(want->out, want->out_size, text);
    }
    return TARN_OK;
}

tarn_code tn_s3__element(tn_pool *pool, tn_str document, const char *name, char *out,
                         size_t out_size, tarn_error *err)
{
    wanted want = {name, out, out_size};
    const tn_s3_xml handler = {NULL, wanted_close, &want};
    out[0] = '\0';
    return tn_s3__xml(pool, document, &handler, err);
}

bool tn_s3__escape(tn_text *out, tn_str text)
{
    for (size_t i = 0; i < text.size; i++) {
        const char c = text.data[i];
        if ((uint8_t)c < ' ' && c != '\n' && c != '\t' && c != '\r') {
            return false;
        }
        switch (c) {
        case '&':
            tn_text_puts(out, "&amp;");
            break;
        case '<':
            tn_text_puts(out, "&lt;");
            break;
        case '>':
            tn_text_puts(out, "&gt;");
            break;
        case '"':
            tn_text_puts(out, "&quot;");
            break;
        case '\n':
        case '\t':
        case '\r':
            tn_text_printf(out, "&#%d;", c);
            break;
        default:
            tn_text_putc(out, c);
            break;
        }
    }
    return true;
}

/* ---- pages of a listing -----------------------------------------------------------------------
 */

typedef struct page_parse {
    tn_arena *arena;
    tn_s3_page *page;
    TN_VEC(tn_s3_entry) files;
    TN_VEC(tn_s3_entry) folders;
    tn_s3_entry current;
    bool encoded;
} page_parse;

static TN_FALLIBLE decode_key(page_parse *p, tn_str text, tn_str *out, tarn_error *err)
{
    return p->encoded ? tn_uri_decode(p->arena, text, true, out, err)
                      : tn_arena_copy(p->arena, text, out, err);
}

static bool digits(tn_str text, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || i >= 18) {
            return false;
        }
        *out = *out * 10 + (uint64_t)(text.data[i] - '0');
    }
    return text.size > 0;
}

static tarn_code file_close(page_parse *p, tn_str name, tn_str text, tarn_error *err)
{
    if (tn_str_equal(name, TN_STR("Key"))) {
        return tn_arena_copy(p->arena, text, &p->current.key, err); /* decoded at the end */
    }
    if (tn_str_equal(name, TN_STR("Size")) && !digits(text, &p->current.size)) {
        return tn_fail(err, TARN_E_CORRUPT, "a listed size is no number");
    }
    if (tn_str_equal(name, TN_STR("LastModified"))) {
        (void)tn_date_parse_iso(text, &p->current.modified_us);
    }
    if (tn_str_equal(name, TN_STR("ETag"))) {
        return tn_arena_copy(p->arena, text, &p->current.tag, err);
    }
    return TARN_OK;
}

static tarn_code page_open(void *context, tn_str name, tarn_error *err)
{
    page_parse *p = context;
    (void)err;
    if (tn_str_equal(name, TN_STR("Contents")) || tn_str_equal(name, TN_STR("CommonPrefixes"))) {
        p->current = (tn_s3_entry){.size = 0};
    }
    return TARN_OK;
}

static tarn_code page_close(void *context, tn_str parent, tn_str name, tn_str text, tarn_error *err)
{
    page_parse *p = context;
    if (tn_str_equal(parent, TN_STR("Contents"))) {
        return file_close(p, name, text, err);
    }
    if (tn_str_equal(parent, TN_STR("CommonPrefixes"))) {
        p->current.is_folder = true;
        return tn_arena_copy(p->arena, text, &p->current.key, err);
    }
    if (parent.size == 0 && !tn_str_equal(name, TN_STR("ListBucketResult"))) {
        return tn_fail(err, TARN_E_CORRUPT, "the answer is no listing but <%.*s>",
                       TN_STR_ARGS(name));
    }
    if (!tn_str_equal(parent, TN_STR("ListBucketResult"))) {
        return TARN_OK;
    }
    if (tn_str_equal(name, TN_STR("Contents")) || tn_str_equal(name, TN_STR("CommonPrefixes"))) {
        if (p->files.count + p->folders.count >= ENTRIES_MAX) {
            return tn_fail(err, TARN_E_CORRUPT, "a page of more than %d entries", ENTRIES_MAX);
        }
        return p->current.is_folder ? tn_vec_push(&p->folders, p->current, err)
                                    : tn_vec_push(&p->files, p->current, err);
    }
    if (tn_str_equal(name, TN_STR("IsTruncated"))) {
        p->page->truncated = tn_str_equal(text, TN_STR("true"));
    } else if (tn_str_equal(name, TN_STR("EncodingType"))) {
        p->encoded = tn_str_equal(text, TN_STR("url"));
    } else if (tn_str_equal(name, TN_STR("NextContinuationToken"))) {
        return tn_arena_copy(p->arena, text, &p->page->token, err);
    }
    return TARN_OK;
}

/* Keys and common prefixes come in two lists, each in order. */
static TN_FALLIBLE merge(page_parse *p, tn_s3_page *out, tarn_error *err)
{
    const size_t total = p->files.count + p->folders.count;
    TN_RETURN_IF_ERROR(tn_arena_array(p->arena, tn_s3_entry, total + 1, &out->entries, err));
    for (size_t i = 0; i < p->files.count; i++) {
        TN_RETURN_IF_ERROR(decode_key(p, p->files.items[i].key, &p->files.items[i].key, err));
    }
    for (size_t i = 0; i < p->folders.count; i++) {
        TN_RETURN_IF_ERROR(decode_key(p, p->folders.items[i].key, &p->folders.items[i].key, err));
    }
    size_t a = 0;
    size_t b = 0;
    while (out->count < total) {
        const bool file = b == p->folders.count ||
                          (a < p->files.count &&
                           tn_str_compare(p->files.items[a].key, p->folders.items[b].key) <= 0);
        out->entries[out->count++] = file ? p->files.items[a++] : p->folders.items[b++];
    }
    return TARN_OK;
}

tarn_code tn_s3__page(tn_str document, tn_arena *arena, tn_s3_page *out, tarn_error *err)
{
    page_parse p = {.arena = arena, .page = out};
    const tn_s3_xml handler = {page_open, page_close, &p};
    tarn_code code = TARN_OK;

    *out = (tn_s3_page){.count = 0};
    p.files.pool = p.folders.pool = arena->pool;
    TN_TRY(tn_s3__xml(arena->pool, document, &handler, err));
    TN_TRY(merge(&p, out, err));
done:
    tn_vec_free(&p.files);
    tn_vec_free(&p.folders);
    return code;
}

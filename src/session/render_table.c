/* Forms for people: aligned columns, frames, Markdown, a line a value. */
#include "session/render_internal.h"

#include "base/size.h"
#include "base/utf8.h"

#include <stdio.h>

/* Widths are chosen from the first rows; later ones may stand out. */
static const size_t window_bytes = 8 << 20;
enum { WINDOW_ROWS = 8192, WINDOW_CHUNKS = 64, COLUMN_WIDTH_MIN = 6, FLUSH_SIZE = 64 << 10 };

typedef struct table {
    tn_renderer *r;
    tn_form form;
    uint32_t width;       /* columns of the result */
    size_t *widths;       /* on the terminal, one a column; 0: not shown */
    uint32_t left, right; /* columns shown from each side; the others are left out */
    tn_chunk *chunks[WINDOW_CHUNKS];
    size_t chunk_count;
    uint64_t window_rows, rows, shown;
    bool is_end;
} table;

/* What frames are made of: left, rule, between, right. */
typedef struct frame {
    const char *left, *rule, *between, *right;
} frame;

static bool is_right(const tn_type *type)
{
    return tn_type_is_numeric(type);
}

/* ---- cells ------------------------------------------------------------------------------------*/

/* Text as it may stand in one line of a terminal: nothing in it moves the cursor. */
static void put_visible(tn_text *out, tn_str text, bool markdown)
{
    for (size_t at = 0; at < text.size;) {
        const size_t from = at;
        const uint32_t point = tn_utf8_next(text.data, text.size, &at);
        if (point == '\n') {
            tn_text_puts(out, markdown ? "<br>" : "\\n");
        } else if (point == '\r') {
            tn_text_puts(out, "\\r");
        } else if (point == '\t') {
            tn_text_puts(out, "\\t");
        } else if (point < 0x20 || (point >= 0x7f && point < 0xa0)) {
            tn_text_printf(out, "\\x%02x", (unsigned)point);
        } else if (point == '|' && markdown) {
            tn_text_puts(out, "\\|");
        } else {
            tn_text_append(out, tn_str_slice(text, from, at));
        }
    }
}

/* The cell's text, in r->cell from `*from` on. */
static tn_str cell_of(table *t, const tn_column *column, uint32_t row)
{
    tn_renderer *r = t->r;
    tn_text_clear(&r->cell);
    if (tn_column_is_null(column, row)) {
        return r->options->null_text.data == NULL ? TN_STR("NULL") : r->options->null_text;
    }
    const bool markdown = t->form == TN_FORM_MARKDOWN;
    if (tn_type_is_numeric(column->type)) {
        tn_text_value(column, row, &r->cell);
        tn_text_take_failure(&r->text, &r->cell);
        return tn_text_str(&r->cell);
    }
    tn_text_value(column, row, &r->cell);
    tn_text_take_failure(&r->text, &r->cell);
    const size_t raw = r->cell.size;
    /* The raw text stands first, the visible one behind it; the buffer may move in between. */
    tn_text copy = r->cell;
    bool plain = true;
    for (size_t i = 0; i < raw && plain; i++) {
        const unsigned char c = (unsigned char)copy.data[i];
        plain = c >= 0x20 && c != 0x7f && c != 0xc2 && !(c == '|' && markdown);
    }
    if (plain) {
        return (tn_str){copy.data, raw};
    }
    if (tn_text_reserve(&r->cell, raw * 4) == NULL) { /* the longest form, so nothing moves */
        tn_text_take_failure(&r->text, &r->cell);
        return TN_STR_NONE;
    }
    const char *data = r->cell.data;
    put_visible(&r->cell, (tn_str){data, raw}, markdown);
    return tn_str_slice(tn_text_str(&r->cell), raw, r->cell.size);
}

static void pad(tn_text *out, size_t width)
{
    static const char blanks[] = "                                ";
    while (width > 0) {
        const size_t part = width < sizeof(blanks) - 1 ? width : sizeof(blanks) - 1;
        tn_text_append(out, (tn_str){blanks, part});
        width -= part;
    }
}

static void repeat(tn_text *out, const char *piece, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tn_text_puts(out, piece);
    }
}

static void put_cell(table *t, tn_str text, size_t width, bool right, bool last)
{
    tn_text *out = &t->r->text;
    const size_t own = tn_text_width(text);
    if (own > width) {
        const size_t cut = tn_text_cut(text, width - 1);
        const tn_str kept = tn_str_slice(text, 0, cut);
        tn_text_append(out, kept);
        tn_text_puts(out, "…");
        pad(out, width - 1 - tn_text_width(kept));
        return;
    }
    if (right) {
        pad(out, width - own);
    }
    tn_text_append(out, text);
    if (!right && !last) {
        pad(out, width - own);
    }
}

/* ---- lines ------------------------------------------------------------------------------------*/

static bool is_shown(const table *t, uint32_t column)
{
    return column < t->left || column >= t->width - t->right;
}

static bool has_gap(const table *t)
{
    return t->left + t->right < t->width;
}

/* The three forms differ in what stands between cells. */
static const char *edge(const table *t, int place) /* 0 left, 1 between, 2 right */
{
    static const char *const table_edges[] = {" ", " | ", "\n"};
    static const char *const box_edges[] = {"│ ", " │ ", " │\n"};
    static const char *const markdown_edges[] = {"| ", " | ", " |\n"};
    return t->form == TN_FORM_TABLE ? table_edges[place]
           : t->form == TN_FORM_BOX ? box_edges[place]
                                    : markdown_edges[place];
}

static void put_rule(table *t, const frame *f)
{
    tn_text *out = &t->r->text;
    const tn_schema *schema = t->r->source->schema;
    const bool markdown = t->form == TN_FORM_MARKDOWN;
    tn_text_puts(out, f->left);
    for (uint32_t i = 0, first = 1; i < t->width; i++) {
        if (!is_shown(t, i)) {
            if (i == t->left) {
                tn_text_puts(out, f->between);
                repeat(out, f->rule, 3);
            }
            continue;
        }
        if (!first) {
            tn_text_puts(out, f->between);
        }
        first = 0;
        const bool colon = markdown && is_right(schema->fields[i].type);
        repeat(out, f->rule, t->widths[i] + (colon ? 1 : 2));
        tn_text_puts(out, colon ? ":" : "");
    }
    tn_text_puts(out, f->right);
}

static void put_header(table *t)
{
    tn_renderer *r = t->r;
    const tn_schema *schema = r->source->schema;
    tn_text_puts(&r->text, edge(t, 0));
    for (uint32_t i = 0, first = 1; i < t->width; i++) {
        if (!is_shown(t, i)) {
            if (i == t->left) {
                tn_text_puts(&r->text, edge(t, 1));
                tn_text_puts(&r->text, "…");
            }
            continue;
        }
        if (!first) {
            tn_text_puts(&r->text, edge(t, 1));
        }
        first = 0;
        tn_text_clear(&r->cell);
        put_visible(&r->cell, schema->fields[i].name, t->form == TN_FORM_MARKDOWN);
        tn_text_take_failure(&r->text, &r->cell);
        tn_text_puts(&r->text, r->options->colour ? "\033[1m" : "");
        put_cell(t, tn_text_str(&r->cell), t->widths[i], is_right(schema->fields[i].type),
                 t->form == TN_FORM_TABLE && i + 1 == t->width);
        tn_text_puts(&r->text, r->options->colour ? "\033[0m" : "");
    }
    tn_text_puts(&r->text, edge(t, 2));
}

static void put_row(table *t, const tn_chunk *chunk, uint32_t row)
{
    tn_renderer *r = t->r;
    tn_text_puts(&r->text, edge(t, 0));
    for (uint32_t i = 0, first = 1; i < t->width; i++) {
        if (!is_shown(t, i)) {
            if (i == t->left) {
                tn_text_puts(&r->text, edge(t, 1));
                tn_text_puts(&r->text, "…");
            }
            continue;
        }
        if (!first) {
            tn_text_puts(&r->text, edge(t, 1));
        }
        first = 0;
        put_cell(t, cell_of(t, &chunk->columns[i], row), t->widths[i],
                 is_right(chunk->columns[i].type), t->form == TN_FORM_TABLE && i + 1 == t->width);
    }
    tn_text_puts(&r->text, edge(t, 2));
}

static void put_record(table *t, const tn_chunk *chunk, uint32_t row)
{
    tn_renderer *r = t->r;
    const tn_schema *schema = r->source->schema;
    tn_text_printf(&r->text, "-[ row %llu ]", (unsigned long long)(t->shown + 1));
    repeat(&r->text, "-", 24);
    tn_text_putc(&r->text, '\n');
    for (uint32_t i = 0; i < t->width; i++) {
        tn_text_clear(&r->cell);
        put_visible(&r->cell, schema->fields[i].name, false);
        tn_text_take_failure(&r->text, &r->cell);
        const tn_str name = tn_text_str(&r->cell);
        tn_text_append(&r->text, name);
        pad(&r->text, t->widths[i] - tn_text_width(name));
        tn_text_puts(&r->text, " | ");
        tn_text_append(&r->text, cell_of(t, &chunk->columns[i], row));
        tn_text_putc(&r->text, '\n');
    }
}

/* ---- widths -----------------------------------------------------------------------------------*/

static uint64_t rows_max(const table *t)
{
    return t->r->options->max_rows == 0 ? UINT64_MAX : t->r->options->max_rows;
}

static void measure(table *t)
{
    const tn_schema *schema = t->r->source->schema;
    uint64_t left = rows_max(t);
    size_t widest = 0;
    for (uint32_t i = 0; i < t->width; i++) {
        tn_text_clear(&t->r->cell);
        put_visible(&t->r->cell, schema->fields[i].name, t->form == TN_FORM_MARKDOWN);
        tn_text_take_failure(&t->r->text, &t->r->cell);
        t->widths[i] = tn_max_size(tn_text_width(tn_text_str(&t->r->cell)), 1);
        widest = tn_max_size(widest, t->widths[i]);
    }
    for (uint32_t i = 0; i < t->width && t->form == TN_FORM_VERTICAL; i++) {
        t->widths[i] = widest; /* of the names */
    }
    for (size_t c = 0; c < t->chunk_count && t->form != TN_FORM_VERTICAL; c++) {
        const tn_chunk *chunk = t->chunks[c];
        for (uint32_t row = 0; row < chunk->rows && left > 0; row++, left--) {
            for (uint32_t i = 0; i < t->width; i++) {
                t->widths[i] =
                    tn_max_size(t->widths[i], tn_text_width(cell_of(t, &chunk->columns[i], row)));
            }
        }
    }
}

static size_t line_width(const table *t)
{
    size_t width = t->form == TN_FORM_TABLE ? 2 : 4;
    for (uint32_t i = 0; i < t->width; i++) {
        width += is_shown(t, i) ? t->widths[i] + 3 : 0;
    }
    return width - 3 + (has_gap(t) ? 4 : 0);
}

/* Narrows the widest columns until the line fits; where that is not enough, leaves out columns in
 * the middle. */
static void fit(table *t)
{
    const size_t wanted = t->r->options->max_width;
    if (wanted == 0 || t->form == TN_FORM_VERTICAL) {
        return;
    }
    while (line_width(t) > wanted) {
        size_t widest = 0;
        size_t next = COLUMN_WIDTH_MIN;
        for (uint32_t i = 0; i < t->width; i++) {
            widest = is_shown(t, i) ? tn_max_size(widest, t->widths[i]) : widest;
        }
        for (uint32_t i = 0; i < t->width; i++) {
            next = is_shown(t, i) && t->widths[i] < widest ? tn_max_size(next, t->widths[i]) : next;
        }
        if (widest <= COLUMN_WIDTH_MIN) {
            if (t->left + t->right <= 2) {
                return;
            }
            t->left -= t->left > t->right ? 1 : 0;
            t->right -= t->left <= t->right && t->left + t->right > 2 ? 1 : 0;
            continue;
        }
        size_t count = 0;
        for (uint32_t i = 0; i < t->width; i++) {
            count += is_shown(t, i) && t->widths[i] == widest;
        }
        const size_t excess = (line_width(t) - wanted + count - 1) / count;
        const size_t narrowed = widest - next < excess ? next : widest - excess;
        for (uint32_t i = 0; i < t->width; i++) {
            t->widths[i] = is_shown(t, i) && t->widths[i] == widest ? narrowed : t->widths[i];
        }
    }
}

/* ---- the whole --------------------------------------------------------------------------------*/

static TN_FALLIBLE fill_window(table *t, tarn_error *err)
{
    size_t bytes = 0;
    while (!t->is_end && t->chunk_count < WINDOW_CHUNKS && t->window_rows < WINDOW_ROWS &&
           bytes < window_bytes) {
        tn_chunk *chunk;
        TN_RETURN_IF_ERROR(t->r->source->read(t->r->source->context, &chunk, err));
        if (chunk == NULL) {
            t->is_end = true;
            return TARN_OK;
        }
        t->chunks[t->chunk_count++] = chunk;
        t->window_rows += chunk->rows;
        bytes += chunk->size + (size_t)chunk->rows * t->width * 16;
    }
    return TARN_OK;
}

static TN_FALLIBLE put_chunk(table *t, const tn_chunk *chunk, tarn_error *err)
{
    for (uint32_t row = 0; row < chunk->rows && t->shown < rows_max(t) && !t->r->stopped; row++) {
        if (t->form == TN_FORM_VERTICAL) {
            put_record(t, chunk, row);
        } else {
            put_row(t, chunk, row);
        }
        t->shown++;
        if (t->r->text.size >= FLUSH_SIZE) {
            TN_RETURN_IF_ERROR(tn_renderer__flush(t->r, err));
        }
    }
    t->rows += chunk->rows;
    return TARN_OK;
}

static TN_FALLIBLE put_rows(table *t, tarn_error *err)
{
    for (size_t i = 0; i < t->chunk_count; i++) {
        TN_RETURN_IF_ERROR(put_chunk(t, t->chunks[i], err));
    }
    while (!t->is_end && !t->r->stopped) {
        tn_chunk *chunk;
        TN_RETURN_IF_ERROR(t->r->source->read(t->r->source->context, &chunk, err));
        if (chunk == NULL) {
            break;
        }
        const tarn_code code = put_chunk(t, chunk, err);
        tn_chunk_release(chunk);
        TN_RETURN_IF_ERROR(code);
    }
    return TARN_OK;
}

static void put_footer(table *t)
{
    tn_text *out = &t->r->text;
    if (t->r->options->no_header || t->form == TN_FORM_MARKDOWN) {
        return;
    }
    if (t->form == TN_FORM_VERTICAL && t->shown == t->rows && t->rows > 0) {
        return;
    }
    tn_text_printf(out, "(%llu row%s", (unsigned long long)t->rows, t->rows == 1 ? "" : "s");
    if (t->shown < t->rows) {
        tn_text_printf(out, ", %llu shown", (unsigned long long)t->shown);
    }
    if (has_gap(t)) {
        tn_text_printf(out, "; %u columns, %u shown", t->width, t->left + t->right);
    }
    tn_text_puts(out, ")\n");
}

static TN_FALLIBLE put_table(table *t, tarn_error *err)
{
    static const frame plain = {"", "-", "+", "\n"};
    static const frame markdown = {"|", "-", "|", "|\n"};
    static const frame top = {"┌", "─", "┬", "┐\n"};
    static const frame middle = {"├", "─", "┼", "┤\n"};
    static const frame bottom = {"└", "─", "┴", "┘\n"};
    const bool box = t->form == TN_FORM_BOX;
    TN_RETURN_IF_ERROR(fill_window(t, err));
    measure(t);
    fit(t);
    if (box) {
        put_rule(t, &top);
    }
    if (t->form != TN_FORM_VERTICAL && !t->r->options->no_header) {
        put_header(t);
        put_rule(t, box ? &middle : t->form == TN_FORM_MARKDOWN ? &markdown : &plain);
    }
    TN_RETURN_IF_ERROR(put_rows(t, err));
    if (box) {
        put_rule(t, &bottom);
    }
    put_footer(t);
    return tn_renderer__flush(t->r, err);
}

tarn_code tn_renderer__table(tn_renderer *r, tarn_error *err)
{
    table t = {.r = r, .form = r->options->form, .width = r->source->schema->count};
    tarn_code code;
    void *memory;

    t.right = t.width / 2;
    t.left = t.width - t.right;
    TN_RETURN_IF_ERROR(
        tn_pool_alloc_zeroed(r->source->pool, (t.width + 1) * sizeof(size_t), &memory, err));
    t.widths = memory;
    code = put_table(&t, err);
    for (size_t i = 0; i < t.chunk_count; i++) {
        tn_chunk_release(t.chunks[i]);
    }
    tn_pool_free(r->source->pool, t.widths, (t.width + 1) * sizeof(size_t));
    return code;
}

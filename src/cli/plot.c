/* tarn plot: a query's rows as bars or as a line, with characters. */
#include "commands.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { POINTS_MAX = 4096, LABEL_WIDTH_MAX = 24, HEIGHT_MAX = 100, WIDTH_MAX = 400 };

typedef struct point {
    char *label;
    double x, y;
} point;

typedef struct picture {
    size_t x_column, y_column;
    bool x_is_text;
    point points[POINTS_MAX];
    size_t count, left_out;
    bool failed;
} picture;

static bool is_number(const char *type)
{
    static const char *const names[] = {"TINYINT",   "SMALLINT", "INTEGER", "BIGINT", "UTINYINT",
                                        "USMALLINT", "UINTEGER", "UBIGINT", "REAL",   "DOUBLE"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(type, names[i]) == 0) {
            return true;
        }
    }
    return strncmp(type, "DECIMAL", 7) == 0;
}

static int take(void *context, const char *const *values, size_t count)
{
    picture *p = context;
    char *end;
    const char *y = values[p->y_column];
    const char *x = values[p->x_column];
    (void)count;
    if (y == NULL) {
        p->left_out++;
        return 1;
    }
    if (p->count == POINTS_MAX) {
        p->left_out++;
        return 1;
    }
    point *to = &p->points[p->count];
    size_t size = 0;
    *to = (point){NULL, (double)p->count, strtod(y, &end)};
    if (!isfinite(to->y)) {
        p->left_out++;
        return 1;
    }
    if (!p->x_is_text && x != NULL) {
        to->x = strtod(x, &end);
    }
    p->failed =
        !text_add(&to->label, &size, x == NULL ? "NULL" : x, strlen(x == NULL ? "NULL" : x));
    p->count++;
    return !p->failed;
}

static void put(output *out, const char *text)
{
    (void)output_write(out, text, strlen(text));
}

static void put_number(output *out, int width, double value)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "%*.6g", width, value);
    put(out, text);
}

/* ---- bars ---- */

static void put_label(output *out, const char *label, size_t width)
{
    char cell[LABEL_WIDTH_MAX * 4 + 8];
    size_t size = 0;
    size_t used = 0;
    while (label[size] != '\0' && size < sizeof(cell) - 8) {
        size_t next = size + 1;
        while (((unsigned char)label[next] & 0xc0) == 0x80) {
            next++;
        }
        const size_t own = tarn_text_width(label + size, next - size);
        if (used + own > width) {
            break;
        }
        used += own;
        memcpy(cell + size, label + size, next - size);
        size = next;
    }
    cell[size] = '\0';
    put(out, cell);
    for (; used < width; used++) {
        put(out, " ");
    }
}

static void put_bar(output *out, double length)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    const long whole = (long)length;
    for (long i = 0; i < whole; i++) {
        put(out, "█");
    }
    put(out, eighths[(int)((length - (double)whole) * 8) & 7]);
}

static void put_bars(const picture *p, output *out, size_t width)
{
    size_t label = 1;
    double most = 0;
    double least = 0;
    for (size_t i = 0; i < p->count; i++) {
        const size_t own = tarn_text_width(p->points[i].label, strlen(p->points[i].label));
        label = own > label ? own : label;
        most = p->points[i].y > most ? p->points[i].y : most;
        least = p->points[i].y < least ? p->points[i].y : least;
    }
    const double scale = most - least > 0 ? most - least : 1;
    label = label > LABEL_WIDTH_MAX ? LABEL_WIDTH_MAX : label;
    const size_t room = width > label + 24 ? width - label - 14 : 10;
    const size_t left = (size_t)(-least / scale * (double)room + 0.5);
    for (size_t i = 0; i < p->count; i++) {
        const double y = p->points[i].y;
        put_label(out, p->points[i].label, label);
        const double length = fabs(y) / scale * (double)room;
        put(out, " ");
        if (least < 0) { /* the line of zero stands to the right of what is below it */
            const size_t cells = y < 0 ? (size_t)(length + 0.5) : 0;
            for (size_t k = cells; k < left; k++) {
                put(out, " ");
            }
            for (size_t k = 0; k < cells && k < left; k++) {
                put(out, "█");
            }
        }
        put(out, "│");
        put_bar(out, y > 0 ? length : 0);
        put(out, " ");
        put_number(out, 0, y);
        put(out, "\n");
    }
}

/* ---- lines: two by four dots a character ---- */

typedef struct canvas {
    unsigned char dots[HEIGHT_MAX][WIDTH_MAX];
    size_t width, height;
} canvas;

static void set_dot(canvas *c, double x, double y)
{
    static const unsigned char bits[4][2] = {
        {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    const size_t column = (size_t)x;
    const size_t line = (size_t)y;
    if (column / 2 < c->width && line / 4 < c->height) {
        c->dots[line / 4][column / 2] |= bits[line % 4][column % 2];
    }
}

static void put_canvas(const canvas *c, output *out, double least, double most)
{
    for (size_t line = 0; line < c->height; line++) {
        const bool named = line == 0 || line + 1 == c->height || line == c->height / 2;
        const double value =
            most - (most - least) * (double)line / (double)(c->height > 1 ? c->height - 1 : 1);
        if (named) {
            put_number(out, 12, value);
            put(out, " ┤");
        } else {
            put(out, "             │");
        }
        for (size_t column = 0; column < c->width; column++) {
            const unsigned dots = c->dots[line][column];
            const char cell[] = {(char)0xe2, (char)(0xa0 | (dots >> 6)), (char)(0x80 | (dots & 63)),
                                 '\0'};
            put(out, dots == 0 ? " " : cell);
        }
        put(out, "\n");
    }
}

static void put_lines(const picture *p, output *out, size_t width, size_t height)
{
    static canvas c; /* too large for a stack, and used once */
    double x_least = p->points[0].x;
    double x_most = x_least;
    double y_least = p->points[0].y;
    double y_most = y_least;
    for (size_t i = 1; i < p->count; i++) {
        x_least = p->points[i].x < x_least ? p->points[i].x : x_least;
        x_most = p->points[i].x > x_most ? p->points[i].x : x_most;
        y_least = p->points[i].y < y_least ? p->points[i].y : y_least;
        y_most = p->points[i].y > y_most ? p->points[i].y : y_most;
    }
    c.width = width > 40 ? width - 15 : 25;
    c.width = c.width > WIDTH_MAX ? WIDTH_MAX : c.width;
    c.height = height > HEIGHT_MAX ? HEIGHT_MAX : height;
    const double x_scale = x_most > x_least ? (double)(2 * c.width - 1) / (x_most - x_least) : 0;
    const double y_scale = y_most > y_least ? (double)(4 * c.height - 1) / (y_most - y_least) : 0;
    for (size_t i = 0; i < p->count; i++) {
        const point *a = &p->points[i > 0 ? i - 1 : 0];
        const point *b = &p->points[i];
        const double ax = (a->x - x_least) * x_scale;
        const double bx = (b->x - x_least) * x_scale;
        const double ay = (y_most - a->y) * y_scale;
        const double by = (y_most - b->y) * y_scale;
        const double far = fmax(fabs(bx - ax), fabs(by - ay));
        const int steps = (int)fmin(ceil(far), 4096) + 1;
        for (int s = 0; s <= steps; s++) {
            const double part = (double)s / steps;
            set_dot(&c, ax + (bx - ax) * part, ay + (by - ay) * part);
        }
    }
    put_canvas(&c, out, y_least, y_most);
    put(out, "             └");
    for (size_t i = 0; i < c.width; i++) {
        put(out, "─");
    }
    put(out, "\n              ");
    const char *first = p->points[0].label;
    const char *last = p->points[p->count - 1].label;
    put(out, first);
    size_t used = tarn_text_width(first, strlen(first)) + tarn_text_width(last, strlen(last));
    for (; used < c.width; used++) {
        put(out, " ");
    }
    put(out, last);
    put(out, "\n");
}

/* ---- the command ---- */

static int column_named(const invocation *in, const tarn_result *result, const char *name,
                        size_t *out)
{
    const char *names[256];
    char hint[160] = "";
    size_t count = tarn_result_column_count(result);
    count = count > 255 ? 255 : count;
    for (size_t i = 0; i < count; i++) {
        names[i] = tarn_result_column_name(result, i);
        if (strcmp(names[i], name) == 0) {
            *out = i;
            return -1;
        }
    }
    names[count] = NULL;
    const char *near = nearest_of(name, names);
    if (near != NULL) {
        (void)snprintf(hint, sizeof(hint), "did you mean '%s'?", near);
    }
    for (size_t i = 0, size = 0; near == NULL && i < count && size < sizeof(hint); i++) {
        const int put =
            snprintf(hint + size, sizeof(hint) - size, "%s%s", i == 0 ? "it has " : ", ", names[i]);
        size += put < 0 ? sizeof(hint) : (size_t)put;
    }
    return usage_error(in, hint, "no column named '%s' in the result", name);
}

static int choose_columns(const invocation *in, const tarn_result *result, picture *p)
{
    const char *x = option_text(in, "x");
    const char *y = option_text(in, "y");
    const size_t count = tarn_result_column_count(result);
    int code = -1;
    if (count == 0) {
        return usage_error(in, "", "the statement has no rows to draw");
    }
    p->x_column = 0;
    if (x != NULL) {
        code = column_named(in, result, x, &p->x_column);
    }
    if (code < 0 && y != NULL) {
        code = column_named(in, result, y, &p->y_column);
    } else if (code < 0) {
        p->y_column = count;
        for (size_t i = count; i-- > 0;) {
            if (i != p->x_column && is_number(tarn_result_column_type(result, i))) {
                p->y_column = i;
            }
        }
        if (p->y_column == count && count == 1) {
            p->y_column = 0;
        }
    }
    if (code < 0 &&
        (p->y_column >= count || !is_number(tarn_result_column_type(result, p->y_column)))) {
        code = usage_error(in, "SELECT a label and a number", "there is no number to draw");
    }
    p->x_is_text = !is_number(tarn_result_column_type(result, p->x_column));
    return code;
}

static int draw(invocation *in, tarn_result *result, const char *sql)
{
    static picture p; /* as above */
    tarn_error error = TARN_ERROR_INIT;
    output out;
    uint64_t height;
    uint64_t width;
    const char *kind = option_text(in, "kind");
    int code = choose_columns(in, result, &p);
    if (code < 0 && (!option_number(in, "height", 15, &height) ||
                     !option_number(in, "max-width", terminal_width(), &width))) {
        code = EXIT_USAGE;
    } else if (code < 0 && height == 0) {
        code = usage_error(in, "1 at least", "'0' is no value of --height");
    }
    if (code < 0 && tarn_result_rows(result, take, &p, &error) != TARN_OK) {
        code = report(in, &error, sql, strlen(sql));
    }
    if (code < 0 && p.failed) {
        code = usage_error(in, "", "out of memory");
    }
    code = code < 0 ? output_open(&out, in, option_text(in, "output")) : code;
    if (code < 0) {
        const char *type = tarn_result_column_type(result, p.x_column);
        const bool bars = kind != NULL ? strcmp(kind, "bars") == 0
                                       : strcmp(type, "VARCHAR") == 0 || p.count <= 12;
        size_t at = 0;
        if (bars && option_each(in, "height", &at) != NULL) {
            code = usage_error(in, "--kind lines", "bars have a line for each row, so no --height");
        } else if (p.count > 0 && bars) {
            put_bars(&p, &out, (size_t)width);
        } else if (p.count > 0) {
            put_lines(&p, &out, (size_t)width, (size_t)height);
        } else if (p.left_out == 0) {
            tell(in, "there are no rows to draw\n");
        }
        code = output_close(&out, code < 0 ? EXIT_DONE : code);
        if (p.left_out > 0) {
            tell(in, "%zu row%s without a number, or beyond %d, %s not drawn\n", p.left_out,
                 p.left_out == 1 ? "" : "s", POINTS_MAX, p.left_out == 1 ? "is" : "are");
        }
    }
    for (size_t i = 0; i < p.count; i++) {
        tarn_text_free(p.points[i].label);
    }
    return code;
}

/* Words that begin a query; anything else is a file. */
static bool is_sql(const char *text)
{
    static const char *const words[] = {"select", "from", "with", "values", "table", "(", "show"};
    const char *at = text + strspn(text, " \t\r\n");
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const size_t size = strlen(words[i]);
        if (strncasecmp(at, words[i], size) == 0 &&
            (words[i][0] == '(' || strchr(" \t\r\n(*", at[size]) != NULL)) {
            return true;
        }
    }
    return false;
}

int run_plot(invocation *in)
{
    tarn_error error = TARN_ERROR_INIT;
    tarn_script *script = NULL;
    tarn_result *result = NULL;
    draft sql = {NULL, 0, false};
    bool used[GIVEN_MAX] = {false};
    int code;
    if (in->word_count != 1) {
        return usage_error(in, "tarn plot \"SELECT origin, count(*) FROM 'f.parquet' GROUP BY 1\"",
                           "plot takes one query or one file");
    }
    if (session_of(in, &code) == NULL) {
        return code;
    }
    if (is_sql(in->words[0])) {
        draft_put(&sql, in->words[0]);
    } else {
        draft_put(&sql, "SELECT * FROM ");
        draft_put_quoted(&sql, in->words[0]);
    }
    if (sql.failed) {
        return usage_error(in, "", "out of memory");
    }
    if (tarn_script_open(in->session, sql.data, sql.size, &script, &error) == TARN_OK) {
        see_parameters(in, script, used);
        code = refuse_unused(in, used);
    }
    if (code >= 0) {
        /* told */
    } else if (tarn_script_results(script) > 1) {
        code = usage_error(in, "one picture a query", "plot takes one query, not %zu",
                           tarn_script_results(script));
    } else if (script == NULL || tarn_script_next(script, &result, &error) != TARN_OK) {
        const bool typed = is_sql(in->words[0]);
        error.line = typed ? error.line : 0; /* else nobody wrote SQL */
        if (!typed && strchr(in->words[0], ' ') != NULL && error.hint[0] == '\0') {
            (void)snprintf(error.hint, sizeof(error.hint),
                           "a query to draw begins with SELECT, FROM, WITH, VALUES, TABLE or SHOW");
        }
        code = report(in, &error, typed ? sql.data : NULL, typed ? sql.size : 0);
    } else {
        code =
            result == NULL ? usage_error(in, "", "no statement given") : draw(in, result, sql.data);
    }
    tarn_script_close(script);
    draft_free(&sql);
    return code;
}

/*
 * csv.h - delimited text: where fields end, and columns of fields as values.
 *
 * The hot half of format/csv, once per instruction set.  A *block* is text with TN_BLOCK_PADDING
 * readable bytes before and behind it.  The index holds the offset of every delimiter and line end
 * outside quotes; a field begins one behind the entry before its own.
 *
 * The kernels take plain fields fast and mark the others (signs with odd digits, nulls, more digits
 * than fit, what is wrong) for the caller, who reads those one by one.
 */
#ifndef TN_KERNEL_CSV_H
#define TN_KERNEL_CSV_H

#include "column/column.h"

enum {
    TN_CSV_ENDS_SLACK = 64, /* entries that the index needs beyond the text's bytes */
    TN_CSV_ROWS_MAX = TN_BATCH_ROWS
};

typedef struct tn_csv_scan {
    char delimiter, quote, newline; /* where there are no quotes, quote is newline */
    bool in_quotes;                 /* before the text, and then behind it */
    /* Found, and only ever set: */
    bool non_ascii;
    bool quotes;
    bool odd; /* a quote in the middle of a field: this index is not to be trusted */
    size_t records;
    size_t newlines; /* those within quotes, too */
} tn_csv_scan;

/* One column of some rows: `end[row * stride]` closes the field, the entry before opens it. */
typedef struct tn_csv_fields {
    char *text;
    const uint32_t *end;
    size_t stride, rows; /* at most TN_CSV_ROWS_MAX */
    char quote;          /* 0: no field is quoted */
    bool trim_return;    /* a '\r' may stand at the field's end */
} tn_csv_fields;

typedef struct tn_csv_kernels {
    /* Answers how many ends it wrote; `ends` has room for size + TN_CSV_ENDS_SLACK. */
    size_t (*index)(const char *text, size_t size, uint32_t *ends, tn_csv_scan *scan);
    size_t (*count)(const char *text, size_t size, char byte);
    /* Valid whole; the three bytes before the text are readable and ASCII. */
    bool (*utf8)(const char *text, size_t size);
    /* Each writes every row, and a bit in `odd` (whole words) for those that it did not take. */
    void (*integers)(const tn_csv_fields *fields, int64_t *out, uint64_t *odd);
    void (*decimals)(const tn_csv_fields *fields, unsigned scale, int64_t *out, uint64_t *odd);
    void (*doubles)(const tn_csv_fields *fields, double *out, uint64_t *odd);
    void (*dates)(const tn_csv_fields *fields, int32_t *out, uint64_t *odd);
    /* Quotes are taken off, but not folded: fields with quotes inside are odd, and so are empty
     * ones. */
    void (*views)(const tn_csv_fields *fields, tn_view *out, uint64_t *odd);
} tn_csv_kernels;

const tn_csv_kernels *tn_csv_kernels_table(void);

/* The field of a row, without its '\r' and the quotes around it, whether it had them. */
static inline tn_str tn_csv_field(const tn_csv_fields *fields, size_t row, bool *quoted)
{
    const uint32_t *at = fields->end + row * fields->stride;
    const char *text = fields->text;
    uint32_t start = at[-1] + 1;
    uint32_t end = at[0];
    end -= fields->trim_return && end > start && text[end - 1] == '\r';
    *quoted = fields->quote != 0 && end - start >= 2 && text[start] == fields->quote &&
              text[end - 1] == fields->quote;
    return (tn_str){text + start + *quoted, end - start - 2 * (uint32_t)*quoted};
}

#endif

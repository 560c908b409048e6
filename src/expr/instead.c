/* What stands here for functions that other engines have: the hint of their error. */
#include "expr/expr_internal.h"

const char *tn_function__instead(tn_str name)
{
    static const struct {
        const char *names[8];
        const char *instead;
    } list[] = {
        {{"row_number", "rank", "dense_rank", "lag", "lead", "ntile", "first_value", "last_value"},
         "window functions are not built yet; a LATERAL subquery with ORDER BY and LIMIT takes the "
         "first rows of each group"},
        {{"format", "printf", "text_format"},
         "|| and concat() join texts; round() and lpad() shape them"},
        {{"to_char", "date_format", "format_datetime"}, "strftime(value, '%Y-%m-%d') writes times"},
        {{"to_date", "parse_date", "str_to_date", "to_datetime"},
         "strptime(text, '%d.%m.%Y') reads times; CAST reads 2001-02-28"},
        {{"to_number", "safe_cast"}, "TRY_CAST(text AS DECIMAL(18, 2)) reads numbers"},
        {{"uuid", "gen_random_uuid", "newid", "generate_uuid"},
         "md5(CAST(random() AS VARCHAR)) makes texts that hardly repeat"},
        {{"unix_timestamp", "to_unixtime"}, "epoch(value) gives seconds since 1970-01-01"},
        {{"from_unixtime", "make_timestamptz"}, "to_timestamp(seconds) makes a time"},
        {{"dateadd", "date_shift", "adddate", "timestampadd"},
         "value + INTERVAL '1 day' is later by that"},
        {{"getdate", "sysdate", "curdate", "systimestamp"},
         "now() and current_date say when it is"},
        {{"to_days", "to_hours", "to_minutes", "to_seconds", "to_months", "to_years"},
         "n * INTERVAL '1 day' is so many days"},
        {{"isnull", "notnull", "is_nan_or_null"}, "write x IS NULL or x IS NOT NULL"},
        {{"nvl2", "decode", "choose"}, "write CASE WHEN ... THEN ... ELSE ... END"},
        {{"charindex", "locate", "indexof"}, "strpos(text, part) says where the part begins"},
        {{"substring_index"}, "split_part(text, by, n) gives the n-th part"},
        {{"group_array", "collect_list", "collect_set", "array_accum"},
         "list(x) gathers values, list(DISTINCT x) different ones"},
        {{"list_aggregate", "list_aggr", "array_aggregate", "aggregate", "list_reduce"},
         "list_sum, list_avg, list_min, list_max and list_count sum a list up"},
        {{"list_transform", "list_apply", "array_transform", "list_filter", "array_filter"},
         "unnest() the list in FROM, and gather the results with list()"},
        {{"approx_quantile", "approx_percentile", "percentile", "percentile_approx"},
         "quantile_cont(x, 0.9) is exact"},
        {{"approx_distinct", "ndv", "uniq", "hll_count_distinct"},
         "approx_count_distinct(x) counts about how many there are"},
        {{"json_extract", "json_extract_string", "json_value", "get_json_object", "json_query"},
         "read_json() and NDJSON files give JSON's fields as columns, structs and lists"},
        {{"regexp_extract_all", "regexp_split_to_array", "regexp_split_to_table",
          "string_split_regex"},
         "regexp_replace() to one separator, and string_split() by it"},
        {{"regexp_like", "rlike", "regexp_contains"},
         "regexp_matches(text, pattern) says whether it fits"},
        {{"histogram"}, "GROUP BY the value, and count(*)"},
        {{"pg_typeof"}, "typeof(x) names a type"},
        {{"log1p", "expm1"}, "ln(1 + x) and exp(x) - 1"},
    };
    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
        for (size_t k = 0; k < 8 && list[i].names[k] != NULL; k++) {
            if (tn_str_equal_fold(name, tn_str_of(list[i].names[k]))) {
                return list[i].instead;
            }
        }
    }
    return NULL;
}

/* The one table of commands and options. */
#include "commands.h"

const option common_options[] = {
    {"format", 0, "table|box|csv|tsv|json|jsonl|markdown|vertical|parquet",
     "form of results; table on a terminal, csv with a header elsewhere"},
    {"output", 'o', "FILE", "write results there; the form follows the name's ending"},
    {"no-header", 0, NULL, "leave out the line of column names"},
    {"null", 0, "TEXT", "how NULL is written"},
    {"json-strings", 0, NULL, "write integers beyond 2^53 and decimals as strings in JSON"},
    {"max-rows", 0, "N", "rows of a table on a terminal (40); 0: all"},
    {"max-width", 0, "N", "width of a table on a terminal; 0: any"},
    {"param", 'p', "NAME=VALUE", "bind $NAME: always a value, never a piece of SQL"},
    {"set", 0, "NAME=VALUE", "change a setting; 'tarn config' lists them"},
    {"memory", 0, "SIZE", "memory for queries: 512MB, 2GiB, 50%"},
    {"threads", 0, "N", "tasks that run at once; 0: one a core"},
    {"temp-dir", 0, "DIR", "where queries spill"},
    {"timing", 0, NULL, "print how long each statement took"},
    {"stats", 0, NULL, "print a line of JSON with figures at the end"},
    {"progress", 0, "auto|always|never", "show how far a statement has come"},
    {"strict", 0, NULL, "warnings are errors"},
    {"quiet", 'q', NULL, "no notes and no warnings"},
    {"log-level", 0, "error|warn|info|debug", "what is told on standard error"},
    {"log-format", 0, "text|json", "errors and log lines as text or JSON"},
    {"color", 0, "auto|always|never", "colours; NO_COLOR turns them off"},
    {"help", 'h', NULL, "explain the command"},
    {NULL, 0, NULL, NULL}};

static const option query_options[] = {
    {"command", 'c', "SQL", "run this; may come often"},
    {"file", 'f', "FILE", "run the statements of a file, - for standard input; may come often"},
    {NULL, 0, NULL, NULL}};

static const option shell_options[] = {
    {"json", 0, NULL, "read requests and write answers, one line of JSON each"},
    {NULL, 0, NULL, NULL}};

static const option help_options[] = {
    {"man", 0, NULL, "print the manual page, in troff"},
    {"completion", 0, "bash|zsh|fish", "print completions for a shell"},
    {NULL, 0, NULL, NULL}};

const command commands[] = {
    {"query", "SQL... | -f FILE | -", "runs statements and prints what they answer",
     "Runs the statements in order and prints the result of each that has one. 'tarn -c SQL' is\n"
     "short for it, and 'tarn' alone reads SQL from standard input.\n"
     "\n"
     "FROM 'uri' reads a CSV, JSON or Parquet file, a glob, or a Delta table's folder; FROM '-' "
     "is\n"
     "standard input. Tables made by CREATE TABLE live as long as the command: keep them with\n"
     "COPY ... TO 'file'.\n"
     "\n"
     "  tarn query \"SELECT 6 * 7 AS answer\"\n"
     "  tarn query \"SELECT origin, avg(delay) FROM 'flights.parquet' GROUP BY origin\"\n"
     "  tarn query -p day=2001-01-31 \"SELECT * FROM 'f.csv' WHERE day = $day::DATE\" -o out.csv\n"
     "  zcat log.csv.gz | tarn query \"SELECT count(*) FROM '-'\"\n",
     query_options, run_query, NULL},
    {"shell", "[--json]", "runs statements as they are typed",
     "With --json each line of standard input is a request and is answered with one line:\n"
     "\n"
     "  {\"sql\": \"SELECT $n AS n\", \"params\": {\"n\": 1}, \"id\": 7}\n"
     "  {\"id\":7,\"ok\":true,\"columns\":[\"n\"],\"types\":[\"BIGINT\"],\"rows\":[[\"1\"]],...}\n"
     "\n"
     "\"conn\" names a session of its own, \"max_rows\" limits the answer; {\"cmd\": \"reset\"} "
     "forgets\n"
     "everything and {\"cmd\": \"cancel\"} ends what runs.\n",
     shell_options, run_shell, NULL},
    {"help", "[COMMAND]", "explains a command, or lists them",
     "  tarn help query\n"
     "  tarn help --completion bash > ~/.local/share/bash-completion/completions/tarn\n"
     "  tarn help --man | man -l -\n",
     help_options, run_help, NULL},
};
const size_t command_count = sizeof(commands) / sizeof(commands[0]);

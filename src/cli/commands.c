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

static const option head_options[] = {{"rows", 'n', "N", "how many rows (10)"},
                                      {NULL, 0, NULL, NULL}};

static const option meta_options[] = {{"pages", 0, NULL, "down to pages"}, {NULL, 0, NULL, NULL}};

static const option convert_options[] = {
    {"from", 0, "csv|tsv|json|jsonl|parquet|delta", "format of the input; else by its name"},
    {"to", 0, "csv|tsv|json|jsonl|parquet|delta", "format of the output; else by its name"},
    {"mode", 0, "error|append|overwrite",
     "to delta: what to do with a table that is there (error)"},
    {NULL, 0, NULL, NULL}};

static const option table_options[] = {
    {"version", 0, "N", "the table as it was at this version"},
    {"at", 0, "TIMESTAMP", "the table as it was at this time"},
    {"limit", 'n', "N", "history: so many commits"},
    {"schema", 0, "COLUMNS", "create: 'id BIGINT NOT NULL, day DATE'"},
    {"like", 0, "IN", "create: the columns of a file or table"},
    {"partition-by", 0, "COLUMNS", "create, write: names with commas between"},
    {"property", 0, "NAME=VALUE", "create: a property; may come often"},
    {"mode", 0, "error|append|overwrite", "write: what to do with a table that is there (append)"},
    {"create", 0, NULL, "write: make the table where there is none"},
    {NULL, 0, NULL, NULL}};
static const char *const table_verbs[] = {"show",   "schema", "history",    "files", "detail",
                                          "create", "write",  "checkpoint", NULL};

static const option ls_options[] = {
    {"recursive", 'r', NULL, "all levels"},
    {"long", 'l', NULL, "with size and time"},
    {"human", 0, NULL, "with size and time, sizes as 1.2M where no --format is given"},
    {NULL, 0, NULL, NULL}};

static const option cat_options[] = {{"recursive", 'r', NULL, "all files of a folder"},
                                     {NULL, 0, NULL, NULL}};

static const option cp_options[] = {
    {"recursive", 'r', NULL, "folders with all that is in them"},
    {"jobs", 'j', "N", "files at a time (4)"},
    {"no-clobber", 0, NULL, "fail where the name is taken"},
    {"if-match", 0, "TAG", "only where the target still holds this tag"},
    {"dry-run", 0, NULL, "only say what would be done"},
    {NULL, 0, NULL, NULL}};

static const option rm_options[] = {{"recursive", 'r', NULL, "folders with all that is in them"},
                                    {"uploads", 0, NULL, "abort uploads that were left open"},
                                    {"yes", 'y', NULL, "do not ask"},
                                    {"dry-run", 0, NULL, "only say what would be done"},
                                    {NULL, 0, NULL, NULL}};

static const option plot_options[] = {
    {"kind", 'k', "bars|lines", "bars for a text column, lines for numbers; else by the columns"},
    {"x", 0, "COLUMN", "what runs along; else the first column"},
    {"y", 0, "COLUMN", "what is drawn; else the first number that is not x"},
    {"height", 0, "N", "lines of the picture (15)"},
    {NULL, 0, NULL, NULL}};

static const option run_options[] = {
    {"dry-run", 0, NULL, "say what would be taken; write nothing"},
    {"step", 0, "ID", "print the rows of that step and write nothing"},
    {"limit-files", 0, "N", "new files to take of each source at most; 0: all"},
    {"no-wait", 0, NULL, "leave with 75 where another runner is at work"},
    {"watch", 0, NULL, NULL},
    {"grace", 0, "TIME", "from SIGTERM to the end at most, to finish commits (10s)"},
    {NULL, 0, NULL, NULL}};

static const option status_options[] = {{"files", 0, NULL, "list every file that is known"},
                                        {"json", 0, NULL, "the same as one line of JSON"},
                                        {NULL, 0, NULL, NULL}};

static const option reset_options[] = {
    {"input", 0, "GLOB", "forget the inputs whose path it matches"},
    {"run", 0, "N", "forget those of a run; one that is not finished is given up"},
    {"yes", 0, NULL, "do it; without this they are only listed"},
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
     "  tarn query -p day=2001-01-31 \"SELECT * FROM 'f.csv' WHERE day = \\$day::DATE\" -o "
     "out.csv\n"
     "  zcat log.csv.gz | tarn query \"SELECT count(*) FROM '-'\"\n",
     query_options, run_query, NULL},
    {"shell", "[--json]", "runs statements as they are typed",
     "Statements end with a semicolon; Tab completes keywords, tables, columns, functions and "
     "paths;\n"
     "Ctrl-C ends what runs; \\? lists the shell's own commands. Tables made by CREATE TABLE are "
     "gone\n"
     "when it ends: keep them with COPY ... TO or 'tarn table write'.\n"
     "\n"
     "With --json each line of standard input is a request and is answered with one line:\n"
     "\n"
     "  {\"sql\": \"SELECT $n AS n\", \"params\": {\"n\": 1}, \"id\": 7}\n"
     "  {\"id\":7,\"ok\":true,\"columns\":[\"n\"],\"types\":[\"BIGINT\"],\"rows\":[[\"1\"]],...}\n"
     "\n"
     "\"conn\" names a session of its own, \"max_rows\" limits the answer; {\"cmd\": \"reset\"} "
     "forgets\n"
     "everything and {\"cmd\": \"cancel\"}, which has no answer, ends what runs. What a request "
     "does "
     "not\n"
     "know is refused by its name; blank lines are passed over. Standard input and output belong "
     "to\n"
     "requests and answers: statements that would use them fail.\n",
     shell_options, run_shell, NULL},
    {"init", "[DIR]", "makes a small pipeline that works at once",
     "Writes pipeline.toml, a file of SQL and two of data into the folder. Nothing that is there\n"
     "is replaced.\n"
     "\n"
     "  tarn init shop && tarn run shop/pipeline.toml\n",
     NULL, run_init, NULL},
    {"check", "PIPELINE", "says all that is wrong with a pipeline file, at once",
     "Looks at the file, its sources and tables, and binds every step. Nothing is written. The\n"
     "exit code is 2 where something is wrong. --format json lists the mistakes on standard "
     "output.\n"
     "\n"
     "  tarn check pipeline.toml\n"
     "  tarn check -p day=2001-01-31 --log-format json pipeline.toml\n",
     NULL, run_check, NULL},
    {"run", "PIPELINE", "takes every new input once: transforms it and commits the tables",
     "A run that was not finished, since its process was killed, is repeated first, from what it\n"
     "had fixed before it read. With nothing new there is nothing to do, and the exit code is 0.\n"
     "\n"
     "  tarn run pipeline.toml\n"
     "  tarn run --dry-run pipeline.toml\n"
     "  tarn run --step clean --limit-files 1 --format table pipeline.toml\n"
     "  tarn run -p max_delay=900 --log-format json pipeline.toml\n",
     run_options, run_pipeline, NULL},
    {"status", "PIPELINE", "shows what the ledger knows: runs, table versions, files that wait",
     "  tarn status pipeline.toml\n"
     "  tarn status --files pipeline.toml\n",
     status_options, run_status, NULL},
    {"reset", "--input GLOB | --run N PIPELINE", "forgets inputs, so that the next run takes them",
     "Shows them first; --yes does it. Rows that are in the tables stay there.\n"
     "\n"
     "  tarn reset --input 'landing/2001-06*' pipeline.toml\n"
     "  tarn reset --run 4 --yes pipeline.toml\n",
     reset_options, run_reset, NULL},
    {"graph", "PIPELINE", "draws sources, steps, expectations and sinks",
     "  tarn graph pipeline.toml\n"
     "  tarn graph --format json pipeline.toml -o graph.json\n",
     NULL, run_graph, NULL},
    {"schema", "URI", "columns and types of a file or table",
     "  tarn schema flights.parquet\n"
     "  tarn schema 's3://lake/events/*.csv' --format json\n",
     NULL, run_schema, NULL},
    {"head", "URI [-n N]", "the first rows",
     "  tarn head flights.parquet\n"
     "  tarn head -n 100 lake/flights --format csv\n",
     head_options, run_head, NULL},
    {"meta", "URI [--pages]", "what is inside a file or table",
     "For Parquet: row groups, columns, encodings, sizes and statistics, with --pages down to "
     "pages.\n"
     "Rows of small text files are counted, others' estimated. --format json says it in one line.\n"
     "\n"
     "  tarn meta flights.parquet\n"
     "  tarn meta --pages --format json flights.parquet\n",
     meta_options, run_meta, NULL},
    {"convert", "IN OUT", "one format to another",
     "Formats follow the endings; --from and --to name them. - is standard input or output.\n"
     "\n"
     "  tarn convert flights.csv.gz flights.parquet\n"
     "  tarn convert flights.parquet lake/flights --to delta\n"
     "  tarn convert more.csv lake/flights --to delta --mode append\n"
     "  tarn convert flights.parquet - --to jsonl | head\n",
     convert_options, run_convert, NULL},
    {"table", "VERB URI...", "makes, fills and explains Delta tables",
     "show prints the rows, schema the columns, history the commits, files the data files, detail\n"
     "everything else. create makes an empty table, write adds rows of files or replaces them,\n"
     "checkpoint spares readers the log before the latest version.\n"
     "\n"
     "  tarn table create lake/flights --schema 'day DATE NOT NULL, delay INT' --partition-by day\n"
     "  tarn table write lake/flights 2001-*.csv\n"
     "  tarn table write lake/flights new.parquet --mode overwrite --create\n"
     "  tarn table history lake/flights\n"
     "  tarn table show lake/flights --version 3\n",
     table_options, run_table, table_verbs},
    {"ls", "[URI...] [-r] [-l]", "lists files of any store",
     "A pattern shows the files and folders that match, with -r the files below them.\n"
     "\n"
     "  tarn ls -l s3://lake/flights/\n"
     "  tarn ls 's3://lake/flights/day=2001-*'\n"
     "  tarn ls -r 'landing/**/*.csv' --format json\n",
     ls_options, run_ls, NULL},
    {"cat", "URI...", "writes files to standard output",
     "  tarn cat s3://lake/notes.txt\n"
     "  tarn cat 'landing/*.csv' > all.csv\n",
     cat_options, run_cat, NULL},
    {"cp", "FROM... TO", "copies files, also between stores",
     "A target that ends in / or is a folder takes files under their own names. Existing files "
     "are\n"
     "replaced, as 'aws s3 cp' does. - is standard input or output.\n"
     "\n"
     "  tarn cp flights.parquet s3://lake/landing/\n"
     "  tarn cp -r s3://lake/landing/ backup/ -j 8\n"
     "  date | tarn cp - s3://lake/stamp.txt\n",
     cp_options, run_cp, NULL},
    {"rm", "URI...", "removes files",
     "Asks before it removes several, when it runs on a terminal. Neither / nor what ends in . or "
     "..\n"
     "is removed.\n"
     "\n"
     "  tarn rm s3://lake/landing/2001-01.csv\n"
     "  tarn rm -r backup/ --dry-run\n"
     "  tarn rm --uploads s3://lake/\n",
     rm_options, run_rm, NULL},
    {"stat", "URI...", "size, time and tag of files",
     "  tarn stat s3://lake/stamp.txt --format json\n"
     "  tarn stat 'landing/*.csv'\n",
     NULL, run_stat, NULL},
    {"plot", "SQL | FILE", "draws a query's rows in the terminal",
     "A text and a number are bars; numbers or times and a number are a line.\n"
     "\n"
     "  tarn plot \"SELECT origin, avg(delay) FROM 'flights.parquet' GROUP BY 1 ORDER BY 2 DESC\"\n"
     "  tarn plot delays.csv --x hour --y mean\n",
     plot_options, run_plot, NULL},
    {"config", "", "every setting, its value and where it came from",
     "Settings come from /etc/tarn/config.toml, ~/.config/tarn/config.toml, the environment\n"
     "(TARN_MEMORY=2GB) and the command line (--set memory=2GB), the later winning. Secrets are "
     "shown\n"
     "as ***.\n",
     NULL, run_config, NULL},
    {"help", "[COMMAND]", "explains a command, or lists them",
     "  tarn help query\n"
     "  tarn help --completion bash > ~/.local/share/bash-completion/completions/tarn\n"
     "  tarn help --man | man -l -\n",
     help_options, run_help, NULL},
};
const size_t command_count = sizeof(commands) / sizeof(commands[0]);

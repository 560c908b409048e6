# Options from the environment: a wrong value is refused, and the variable is named.
code() {
    echo "$ $*"
    "$@" 2>&1
    echo "= $?"
}
code env TARN_TIMING=maybe tarn query 'SELECT 1 AS a'
code env TARN_TIMING=No tarn query 'SELECT 1 AS a'
code env TARN_NO_HEADER=YES tarn query 'SELECT 1 AS a'
code env TARN_QUIET= tarn query 'SELECT 1 AS a'
code env TARN_FORMAT=zzz tarn query 'SELECT 1 AS a'
code env TARN_FORMAT=jsnl tarn query 'SELECT 1 AS a'
code env TARN_FORMAT=jsonl tarn query 'SELECT 1 AS a'
code env TARN_FORMAT=arrow tarn query 'SELECT 1 AS a'
code env TARN_MAX_ROWS=many tarn query --format table 'SELECT 1 AS a'
code env TARN_MAX_ROWS=99999999999999999999 tarn query --format table 'SELECT 1 AS a'
code env TARN_LOG_LEVEL=loud tarn query 'SELECT 1 AS a'
code env TARN_ROWS=few tarn head f.csv
code env TARN_MEMORY=much tarn query 'SELECT 1 AS a'
code env TARN_FORMAT=zzz tarn help config >help.txt
code env TARN_GRACE=soon tarn run p.toml

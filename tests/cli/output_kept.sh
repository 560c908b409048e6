# A file that is there is replaced by a whole result or not at all.
code() {
    echo "$ $*"
    "$@" 2>&1
    echo "= $?"
}
echo old >o.csv
echo '-- no statement gives rows: nothing runs'
code tarn query -o o.csv "COPY (SELECT 1 AS a) TO 'side.csv'"
code tarn query -o o.csv "CREATE TABLE t AS SELECT 1" "INSERT INTO t VALUES (2)"
code tarn query -o o.csv ""
echo 'CREATE TABLE t (a INT); -- and no more' >none.sql
code tarn query -f none.sql --output=o.csv --format parquet
code tarn query -c "SET threads = 1" -o new.csv
echo '-- a failure before, in or behind the result'
code tarn query -o o.csv "SELEC"
code tarn query -o o.csv "SELECT 1 AS a WHERE b"
code tarn query -o o.csv "SELECT 1 AS a; SELECT 1 // 0 AS b" --no-header
code tarn query -o o.csv "SELECT 1 AS a; COPY (SELECT 1) TO 'nowhere/x.csv'"
echo '-- the twin in the environment is for who has rows'
code env TARN_OUTPUT=o.csv tarn query "COPY (SELECT 1 AS a) TO 'other.csv'"
code env TARN_OUTPUT=o.csv tarn convert other.csv more.csv
code tarn query -o /dev/null "COPY (SELECT 1 AS a) TO 'third.csv'"
echo '-- a shell, too'
printf '%s\n' 'CREATE TABLE t AS SELECT 1 AS a;' 'SELECT b FROM t;' | tarn shell -o o.csv 2>&1
ls
code cat o.csv
echo '-- rows, were they none'
code tarn query -o o.csv "SELECT 1 AS a WHERE false"
code cat o.csv
printf '%s\n' 'CREATE TABLE t AS SELECT 1 AS a;' 'FROM t;' | tarn shell -o o.csv
code cat o.csv

# A file holds one result, where a second one would replace or spoil it: nothing runs then.
code() {
    echo "$ $*"
    "$@" 2>&1
    echo "= $?"
}
code tarn query -o x.parquet "SELECT 1 AS a" "SELECT 2 AS a"
code tarn query -o x.parquet "SELECT 1 AS a; SHOW TABLES"
echo 'SELECT 2 AS a' > two.sql
code tarn query -o x.parquet -c 'SELECT 1 AS a' -f two.sql
code tarn query -o x.csv.gz "SELECT 1 AS a; SELECT 2 AS a"
code tarn query -o x.json "SELECT 1 AS a; DESCRIBE SELECT 1"
code tarn query -o x.csv "SELECT 1 AS a" "EXPLAIN SELECT 2"
code tarn query --format parquet "SELECT 1" "SELECT 2"
ls
echo '-- one result, and statements without any'
code tarn query -o x.parquet "CREATE TABLE t (a INT)" "INSERT INTO t VALUES (7)" "FROM t"
code tarn head x.parquet --format csv
code tarn query -o y.parquet "DESCRIBE SELECT 1 AS a, 'x' AS b"
code tarn head y.parquet --format csv
code tarn query --set threads=1 -o z.tsv.gz "SHOW threads"
code tarn query "SELECT name, value FROM 'z.tsv.gz'"
code tarn query -o p.parquet "EXPLAIN SELECT 1 AS a"
code tarn query "SELECT count(*) > 0 AS is_plan FROM 'p.parquet'"
echo '-- forms that can stand one behind the other'
code tarn query -o x.jsonl "SELECT 1 AS a" "SELECT 2 AS a"
code cat x.jsonl
code tarn query -o x.csv --no-header "SELECT 1 AS a" "SELECT 2 AS a"
code cat x.csv
code tarn query -o x.md "SELECT 1 AS a" "SELECT 2 AS a"
code cat x.md
code tarn query --format json "SELECT 1 AS a" "SELECT 2 AS a"
echo '-- a name whose ending says nothing, or what is not so'
code tarn query -o x.foo "SELECT 1 AS a"
code tarn query -o x.txt.gz "SELECT 1 AS a"
code tarn query -o x.foo --format csv "SELECT 1 AS a"
code cat x.foo
code tarn query -o x "SELECT 1 AS a"
code cat x
code tarn query -o x.parquet.gz "SELECT 1 AS a"
code tarn query "COPY (SELECT 1 AS a) TO 'x.parquet.zst'"
code tarn convert x.csv x.pq.gz
code tarn query "COPY (SELECT 1 AS a) TO 'x.gz' (FORMAT parquet)"
echo '-- a text that cannot be read is told when its turn comes'
code tarn query -o last.json "SELECT 1 AS a" "SELEC"
ls

# A NULL for a NOT NULL column names the column, the table, the row, where that came from, and what helps.
printf 'a,b\n1,2\n,6\n7,8\n' >x.csv
tarn -c "COPY (SELECT * FROM 'x.csv') TO 'x.parquet'"
table='CREATE TABLE t(a INT NOT NULL, b INT)'
tarn -c "$table; INSERT INTO t SELECT a, b FROM 'x.csv'"
tarn -c "$table; INSERT INTO t VALUES (1, 2), (NULL, 3)"
tarn -c "$table; INSERT INTO t SELECT a, b FROM 'x.parquet' WHERE b <> 2"
echo '= rows that were sorted or grouped stand in no file'
tarn -c "$table; INSERT INTO t SELECT max(a) FILTER (WHERE b <> 6), b FROM 'x.csv' GROUP BY b"
tarn table create e --schema 'a BIGINT NOT NULL, b BIGINT'
tarn table write e x.csv
tarn table write --log-format json e x.parquet
tarn table history e --format csv | wc -l
echo '= many rows, many columns'
tarn -c "COPY (SELECT CASE WHEN i = 150000 THEN NULL ELSE i END AS a, repeat('x', 300) AS b FROM range(200000) t(i)) TO 'big.csv'"
for threads in 1 2; do
    tarn --threads $threads -c "CREATE TABLE t(a INT NOT NULL, b TEXT); INSERT INTO t SELECT * FROM 'big.csv'" 2>&1 | cut -c 1-120
done

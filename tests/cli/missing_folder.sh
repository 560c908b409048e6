# A mistyped folder is an error that names it; a table makes its own, as 'tarn cp' does for its copies.
tarn -c "COPY (SELECT 1 AS a) TO 'no/such/x.csv'"
echo "= $?"
tarn -c "COPY (SELECT 1 AS a) TO 'no/x.parquet'"
echo "= $?"
tarn -c 'SELECT 1 AS a' -o no/x.csv
echo "= $?"
tarn -c 'SELECT 1 AS a' -o no/x.parquet
echo "= $?"
tarn -c 'SELECT 1 AS a' -o no/x.csv.gz --log-format json
echo "= $?"
printf 'a\n1\n' >x.csv
tarn convert x.csv no/x.parquet
echo "= $?"
ls
echo '= made:'
tarn -c "COPY (SELECT 1 AS a, 2 AS b) TO 'lake/new/t' (FORMAT delta, PARTITION_BY (b))"
tarn table create lake/newer/t --schema 'a BIGINT'
tarn table write lake/newest/t x.csv --create
tarn cp x.csv copies/of/x.csv
ls lake copies

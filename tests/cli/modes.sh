# A table that is there already: the hint works on the very line that was typed.
code() {
    echo "$ $*"
    "$@" 2>&1
    echo "= $?"
}
printf 'a\n1\n' >a.csv
code tarn convert a.csv lake --to delta
code tarn convert a.csv lake --to delta
code tarn convert a.csv lake --to delta --mode append
code tarn convert a.csv lake --mode append
tarn query "SELECT count(*) AS rows FROM 'lake'"
code tarn convert a.csv lake --to delta --mode overwrite
tarn query "SELECT count(*) AS rows FROM 'lake'"
code tarn convert a.csv lake --to delta --mode add
code tarn convert a.csv b.parquet --mode append
code tarn convert a.csv b --to csv --mode append
code tarn convert a.csv - --mode append
code tarn table write lake a.csv --mode error
code tarn query "COPY (SELECT 2 AS a) TO 'lake' (FORMAT delta)"
code tarn query "COPY (SELECT 2::BIGINT AS a) TO 'lake' (FORMAT delta, MODE append)"
code tarn table create both --schema 'a INT' --like a.csv
code tarn table create none
echo '-- nothing to draw'
code tarn plot "SELECT 'x' AS x, 1 AS y WHERE false"
code tarn plot -q "SELECT 'x' AS x, 1 AS y WHERE false"
code tarn plot "SELECT 'x' AS x, NULL::INT AS y"

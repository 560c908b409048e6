# Columns of folders are kept by the ledger and may be declared: no file is asked for them.
pipeline() {
    rm -rf lake h && mkdir -p h/m=1
    printf '[pipeline]\nname = "p"\n[[source]]\nid = "h"\nuri = "h/**/*.%s"\n%s\n[[sink]]\nfrom = "h"\nto = "lake/h"\n' \
        "$1" "$2" >p.toml
}
csv() { printf 'id,w\n%s,2\n' "$2" >"$1"; }
jsonl() { printf '{"id":%s,"w":2}\n' "$2" >"$1"; }
parquet() { tarn query -o "$1" "SELECT $2::BIGINT AS id, 2 AS w"; }
for format in csv jsonl parquet; do
    for columns in '' 'columns = { id = "BIGINT" }' 'columns = { id = "BIGINT", m = "INTEGER" }'; do
        echo "-- $format $columns"
        pipeline $format "$columns"
        $format h/m=1/1.$format 1
        tarn run p.toml -q
        $format h/m=1/2.$format 2
        tarn run p.toml -q
        mkdir h/m=2
        $format h/m=2/1.$format 3
        tarn run p.toml -q
        echo "= $?"
        tarn -c "SELECT *, typeof(m) FROM delta_scan('lake/h') ORDER BY id"
    done
done
echo '-- outside of the folders'
pipeline csv ''
csv h/m=1/1.csv 1
tarn run p.toml -q
csv h/2.csv 2
tarn run p.toml -q
echo "= $?"
printf 'id,w,m\n3,2,7\n' >h/2.csv
tarn run p.toml -q
echo "= $?"
tarn -c "SELECT * FROM delta_scan('lake/h') ORDER BY id"
echo '-- united'
pipeline csv "$(printf 'columns = { m = "VARCHAR" }\nformat = { type = "csv", union_by_name = true }')"
csv h/m=1/1.csv 1
tarn run p.toml -q
csv h/2.csv 2
tarn run p.toml -q
mkdir h/m=3
csv h/m=3/1.csv 3
tarn run p.toml -q
tarn -c "SELECT *, typeof(m) FROM delta_scan('lake/h') ORDER BY id"
echo '-- in SQL'
tarn -c "SELECT DISTINCT typeof(m) FROM read_csv('h/m=*/*.csv', types => {'m': 'INTEGER'})"
tarn -c "SELECT DISTINCT typeof(m) FROM read_csv('h/m=*/*.csv', types => {'mm': 'INTEGER'})"

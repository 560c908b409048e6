# What a command cannot do is refused by name, with a hint in the command's own words.
printf 'a,b\n1,2\n' >x.csv
code() { "$@" 2>&1 >/dev/null; echo "rc $?"; }
code tarn convert x.csv y
code tarn convert x.csv z.arrow --log-format json
code tarn convert x.csv z --to avro --log-format json
code tarn -c "COPY (SELECT 1) TO 'q' (FORMAT avro)"
code tarn -c "COPY (SELECT 1) TO 'q.arrow'"
code tarn head -n 99999999999999999999 x.csv
code tarn schema
code tarn convert x.csv y.parquet
tarn meta y.parquet | sed -n 's/, footer.*//p'
code tarn meta y.parquet --format json
tarn init shop 2>/dev/null
code tarn schema shop/pipeline.toml
code tarn run --step zz shop/pipeline.toml
code tarn run --step cln shop/pipeline.toml
code tarn reset --run 99 shop/pipeline.toml
code tarn run -o out.json shop/pipeline.toml
code tarn graph --format json shop/pipeline.toml
code tarn status --format csv shop/pipeline.toml
code tarn run --watch shop/pipeline.toml
code tarn run --grace soon shop/pipeline.toml
tarn help run | grep -e watch -e grace
tarn help --completion fish | grep watch
tarn run -q shop/pipeline.toml
code tarn reset --run 99 shop/pipeline.toml
tarn status --json shop/pipeline.toml | sed 's/_us":[0-9]*/_us":N/g; s/"ledger":"[^"]*"/"ledger":"L"/; s/"uri":"[^"]*shop/"uri":"shop/g' | tr '[' '\n'
tarn status --format json --files shop/pipeline.toml | sed 's/.*"files":/"files":/; s/"uri":"[^"]*shop/"uri":"shop/g'
ls
code tarn cp --format json x.csv z.csv
code tarn init -o x new
code tarn plot --format csv "SELECT 'a', 1"
code tarn table create t --schema 'a INT' --format csv
code tarn table write t x.csv --create --format csv
code tarn table write t x.csv --create -o y
[ ! -e t ] && echo "no table was made"
code tarn -o y.md.gz -c 'SELECT 1'

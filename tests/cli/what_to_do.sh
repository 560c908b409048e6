# Messages that a newcomer meets: each says what to do, on the line that was typed.
code() {
    echo "$ $*"
    "$@" 2>&1
    echo "= $?"
}
printf 'h,v\n1,2\n2,3\n' >a.csv
tarn convert a.csv really.csv --to parquet
tarn init -q shop
code tarn query -f .
code tarn query -f nowhere.sql
code tarn head really.csv
: >empty.csv
code tarn convert empty.csv b.parquet
code tarn convert a.csv - --to delta
code tarn plot a.csv --height 0
code tarn plot a.csv --x nothing
code tarn plot 'SELEC 1'
code tarn check shop
code tarn run -p nothing=1 shop/pipeline.toml
code tarn run --step clean -o s.parquet shop/pipeline.toml
code tarn run -q shop/pipeline.toml
code tarn reset --input 'landing/*' --run 1 shop/pipeline.toml
code tarn reset --run 1 --yes shop/pipeline.toml
code tarn table show
code tarn mv a b
code tarn query -o x.arrow "SELECT 1"
code tarn query -o x.xlsx "SELECT 1"
code tarn sync a b
code tarn shwo
tarn help config | head -n 1
tarn help query | grep 'day='

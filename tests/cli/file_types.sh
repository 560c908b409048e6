# Files of one source with other types: a value that the column does not hold is never rounded.
try() {
    echo "-- $1" >&2
    tarn query "$2"
    echo "exit $?" >&2
}
mkdir j k p b d w
echo '{"a":1}' >j/1.jsonl
echo '{"a":1.5}' >j/2.jsonl
try "JSON: a fraction in a later file" "SELECT * FROM 'j/*.jsonl'"
printf '{"a":1,"g":2}\n' >k/1.jsonl
printf '{"a":3}\n' >k/2.jsonl
try "JSON: an optional field that a later file lacks" "SELECT * FROM 'k/*.jsonl'"
make() {
    tarn query "SELECT $2" -o "$1" || echo "no $1" >&2
}
make p/1.parquet "1::INTEGER AS a"
make p/2.parquet "x::DOUBLE AS a FROM (VALUES (2.0), (1.5)) t(x)"
try "Parquet: a fraction in a later file" "SELECT * FROM 'p/*.parquet'"
try "Parquet: its remedy" "SELECT * FROM read_parquet('p/*.parquet', union_by_name => true)"
make b/1.parquet "1::INTEGER AS a"
make b/2.parquet "true AS a"
try "Parquet: a truth value is no number" "SELECT * FROM 'b/*.parquet'"
make d/1.parquet "DATE '2001-01-01' AS a"
make d/2.parquet "TIMESTAMP '2001-01-02 03:04:05' AS a"
try "Parquet: a time of day is not cut off" "SELECT * FROM 'd/*.parquet'"
make w/1.parquet "1.5::DOUBLE AS a, 1::BIGINT AS b, TIMESTAMP '2001-01-01' AS c"
make w/2.parquet "2::INTEGER AS a, 2.0::DOUBLE AS b, DATE '2001-01-02' AS c"
try "Parquet: values that fit are taken" "SELECT * FROM 'w/*.parquet'"
mkdir in
cat >pipeline.toml <<'TOML'
[pipeline]
name = "strict"
[[source]]
id = "s"
uri = "in/*.parquet"
columns = { a = "INTEGER" }
on_bad_record = "quarantine"
[[sink]]
from = "s"
to = "out"
[quarantine]
to = "bad"
TOML
make in/1.parquet "1::INTEGER AS a"
tarn run pipeline.toml >/dev/null 2>&1 || echo "run failed" >&2
make in/2.parquet "x AS a FROM (VALUES ('abc'), ('5000000000'), ('7')) t(x)"
tarn run pipeline.toml >out.txt 2>&1 || cat out.txt >&2
try "Parquet: what does not fit goes to quarantine" "SELECT * FROM 'out' ORDER BY a"
try "the quarantine" "SELECT source, file, \"column\", reason, raw FROM 'bad'"
echo "-- endings in any case"
for name in y.PARQUET y.Csv.GZ y.JSONL y.parquet.zst; do
    tarn -c "SELECT 1 AS a, 'x' AS b" -o "$name" && tarn head "$name" --format tsv
    tarn -c "COPY (SELECT 2 AS a) TO '2$name'" && tarn head "2$name" --format tsv
done
head -c 4 y.PARQUET && head -c 2 y.Csv.GZ | od -An -tx1
printf 'id,v\n1,NA\n2,3.5\n' >na.csv
try "name = value names an option, null too" "SELECT sum(v) AS v FROM read_csv('na.csv', null = 'NA', header = true)"
mkdir lacks
printf 'a,b\n1,2\n' >lacks/1.csv
printf 'a\n3\n' >lacks/2.csv
try "CSV: a column that a later file lacks" "SELECT * FROM 'lacks/*.csv'"
try "its remedy" "SELECT * FROM read_csv('lacks/*.csv', union_by_name => true)"
try "its remedy, with a type that is given" \
    "SELECT * FROM read_csv('lacks/*.csv', union_by_name => true, types => {'b': 'VARCHAR'})"
try "a type for a column that is not there" \
    "SELECT * FROM read_csv('lacks/2.csv', types => {'b': 'VARCHAR'})"
try "nor in any file" "SELECT * FROM read_csv('lacks/*.csv', union_by_name => true, types => {'c': 'INT'})"

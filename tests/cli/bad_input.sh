# Each item of "bad input" that a file and a statement can show: text, JSON form, exit code.
try() {
    echo "-- $1" >&2
    tarn query "$2"
    echo "exit $?" >&2
    tarn query --log-format json "$2" 2>json
    echo "exit $?, $(cut -d, -f1-2 json | head -c 60)" >&2
}
{
    echo "id,day"
    seq -f '%.0f,2001-01-01' 1 21000
    echo "many,2001-01-01"
} >late.csv
try "a value that does not fit the inferred type" "SELECT sum(id) FROM 'late.csv'"
printf 'a,b\n1,2\n3\n4,5\n' >ragged.csv
try "ragged rows" "SELECT * FROM read_csv('ragged.csv', header => true, delim => ',')"
printf 'a,b\n1,\377\n' >bytes.csv
try "bad UTF-8" "SELECT * FROM 'bytes.csv'"
printf 'a,b\n0,fine\n1,"open\n2,x\n' >quote.csv
try "an unclosed quote" "SELECT * FROM read_csv('quote.csv', quote => '\"', header => true, delim => ',')"
tarn query "SELECT range AS id FROM range(1000)" -o good.parquet
head -c 100 good.parquet >short.parquet
try "a truncated Parquet file" "SELECT * FROM 'short.parquet'"
{ head -c 40 good.parquet && head -c 60 /dev/zero && tail -c +101 good.parquet; } >damaged.parquet
try "a damaged Parquet file" "SELECT sum(id) FROM 'damaged.parquet'"
try "a missing column" "SELECT ids FROM 'good.parquet'"
try "a missing file" "SELECT * FROM 'god.parquet'"
try "a wrong type" "SELECT sum('x')"
try "an unknown function" "SELECT uper('x')"
try "overflow" "SELECT 9223372036854775807 + id FROM 'good.parquet'"
try "division by zero" "SELECT 1 % id FROM 'good.parquet'"
try "a cast" "SELECT CAST('many' AS INTEGER)"
try "an unknown option" "SELECT * FROM read_csv('late.csv', dleim => ',')"
try "an unknown setting" "SET memroy = '1GB'"
try "a secret in SQL" "SET s3.secret_access_key = 'x'"
mkdir -p t/_delta_log
echo '{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["teleport"],"writerFeatures":["teleport"]}}
{"metaData":{"id":"1","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],"configuration":{}}}' >t/_delta_log/00000000000000000000.json
try "a table with a feature that is not there" "SELECT * FROM 't'"
try "a full disk" "COPY (SELECT 1) TO '/dev/full' (FORMAT csv)"

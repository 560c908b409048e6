# A column or a field that the first files lack is never lost without a word; files without rows
# leave the types to those that have some.
mkdir c j n l p h e z
printf 'a,b\n1,2\n' >c/1.csv
printf 'a,b,c\n3,4,5\n' >c/2.csv
tarn query "SELECT * FROM 'c/*.csv'"
tarn query "SELECT a FROM 'c/*.csv'"
tarn query "SELECT count(*) FROM 'c/*.csv'"
tarn query "SELECT * FROM read_csv('c/*.csv', union_by_name => true)"
tarn query "SELECT * FROM read_csv('c/*.csv', on_new_column => 'ignore')"
tarn query "SELECT * FROM read_csv('c/*.csv', on_new_column => 'fail')"
tarn query "SELECT * FROM read_csv('c/*.csv', on_new_column => 'drop')"

printf '{"a":1}\n' >j/1.jsonl
printf '{"a":2,"b":3}\n' >j/2.jsonl
tarn query "SELECT * FROM 'j/*.jsonl'"
tarn query "SELECT * FROM read_json('j/*.jsonl', union_by_name => true)"
tarn query "SELECT * FROM read_json('j/*.jsonl', on_new_column => 'ignore')"
tarn query "SELECT * FROM read_json('j/*.jsonl', ignore_errors => true)"

printf '{"s":{"a":1}}\n' >n/1.jsonl
printf '{"s":{"a":2,"b":3}}\n' >n/2.jsonl
tarn query "SELECT * FROM 'n/*.jsonl'"
tarn query "SELECT * FROM read_json('n/*.jsonl', on_new_column => 'ignore')"

# beyond the sample of a later file
printf '{"a":1}\n' >l/1.jsonl
{ yes '{"a":1}' | head -n 30000; echo '{"a":2,"b":{"q":1}}'; } >l/2.jsonl
tarn query "SELECT sum(a) FROM 'l/*.jsonl'"
tarn query "SELECT sum(a) FROM read_json('l/*.jsonl', union_by_name => true)"
tarn query "SELECT sum(a) FROM read_json('l/*.jsonl', on_new_column => 'ignore')"
tarn query "SELECT sum(a) FROM read_json('l/2.jsonl', on_new_column => 'ignore')"
tarn query "SELECT sum(a), any_value(b) FROM read_json('l/*.jsonl', union_by_name => true, sample_size => -1)"

tarn query -o p/1.parquet "SELECT 1 AS a, struct_pack('x', 1) AS s"
tarn query -o p/2.parquet "SELECT 2 AS a, struct_pack('x', 2) AS s, 3 AS b"
tarn query -o p/3.parquet "SELECT 4 AS a, [struct_pack('x', 2, 'y', 3)] AS s"
tarn query -o p/4.parquet "SELECT 4 AS a, [struct_pack('x', 2)] AS s"
tarn query "SELECT * FROM 'p/[12].parquet'"
tarn query "SELECT a FROM read_parquet('p/[12].parquet', on_new_column => 'ignore')"
tarn query "SELECT * FROM read_parquet(['p/4.parquet', 'p/3.parquet'])"
tarn query "SELECT * FROM read_parquet(['p/4.parquet', 'p/3.parquet'], union_by_name => true)"

# files with a header alone, and without a byte or a record
printf 'a,b\n' >h/1.csv
: >h/2.csv
printf 'b,a\n' >h/3.csv
printf 'a,b\n1,2024-01-02\n' >h/4.csv
tarn query "SELECT *, typeof(a), typeof(b) FROM 'h/*.csv'"
tarn query "SELECT typeof(a), count(*) FROM 'h/[13].csv' GROUP BY 1"
tarn query "SELECT typeof(a), b FROM read_csv('h/*.csv', types => {'a': 'DOUBLE'})"
: >z/1.jsonl
printf '\n' >z/2.jsonl
printf '{"a":1}\n' >z/3.jsonl
tarn query "SELECT sum(a) FROM 'z/*.jsonl'"
tarn query "SELECT sum(a) FROM read_json('z/*.jsonl', union_by_name => true)"
tarn query "SELECT sum(a) FROM read_json('z/*.jsonl', types => {'a': 'DOUBLE'})"
tarn query "SELECT * FROM 'z/[12].jsonl'"
: >e/1.csv
: >e/2.csv
tarn query "SELECT * FROM 'e/*.csv'"

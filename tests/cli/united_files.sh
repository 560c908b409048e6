# Files united by name: columns that one of them has no value in, and names that differ in case.
mkdir csv json list parquet case mixed
printf 'a,b\n' >csv/1.csv
printf 'a,b\n7,\n' >csv/2.csv
printf 'a,b\n8,2001-01-01\n' >csv/3.csv
printf 'a,b,c\n9,2001-01-02,\n' >csv/4.csv
echo '-- CSV: a header alone, a column without a value, one that no file has a value in'
tarn query "SELECT *, typeof(a), typeof(b), typeof(c) FROM read_csv('csv/*.csv', union_by_name => true)"
echo '{"a":null}' >json/1.json
echo '{"a":5}' >json/2.json
echo '-- JSON: null alone'
tarn query "SELECT a, typeof(a) FROM read_json('json/*.json', union_by_name => true)"
echo '{"a":{"x":null,"y":[]},"b":{}}' >list/1.json
echo '{"a":{"x":5,"y":[1]},"b":{"z":true}}' >list/2.json
echo '-- JSON: the same within objects'
tarn query "SELECT *, typeof(a), typeof(b) FROM read_json('list/*.json', union_by_name => true)"
# v is of Parquet's type for columns that are always null, as pandas writes what is all None
base64 -d >parquet/1.parquet <<END
UEFSMRUAFQwVDCwVBBUAFQYVBhwAAAACAAAABAAVABUcFRwsFQQVABUGFQYcAAAAAgAAAAQBAQAAAAIAAAAVBBk8NQAYBnNjaGVt
YRUEABUCJQIYAXZsvAAAABUCJQIYAW4lHkysEwgRAAAAFgQZHBksJgAcFQIZJQYAGRgBdhUAFgQWMhYyJghJHBUAFQAVAgA8KQYZ
JgQAAAAAJgAcFQIZJQYAGRgBbhUAFgQWQhZCJjpJHBUAFQAVAgA8KQYZJgAEAAAAFnQWBCYIFnQAKCBwYXJxdWV0LWNwcC1hcnJv
dyB2ZXJzaW9uIDI2LjAuMRksHAAAHAAAALwAAABQQVIx
END
tarn query "COPY (SELECT [1, 2] AS v, 3 AS n) TO 'parquet/2.parquet'" >out
echo '-- Parquet: always null'
tarn query "SELECT *, typeof(v) FROM read_parquet('parquet/*.parquet', union_by_name => true)"
tarn query "SELECT n FROM read_parquet('parquet/*.parquet', union_by_name => true) WHERE v IS NULL"
echo '-- two columns whose names differ in case'
tarn query "COPY (SELECT 1 AS \"V\", 2 AS v) TO 'case/1.parquet'" >out
tarn query "COPY (SELECT 3 AS v) TO 'case/2.parquet'" >out
tarn query "SELECT * FROM read_parquet('case/*.parquet', union_by_name => true)"
tarn query "SELECT * FROM read_parquet('case/*.parquet')"
printf 'a\n1\n' >mixed/1.csv
printf 'a\nx\n' >mixed/2.csv
echo '-- types without a common one'
tarn query "SELECT * FROM read_csv('mixed/*.csv', union_by_name => true)"
mkdir structs
echo '{"o":{"x":1},"l":[{"a":1}]}' >structs/1.json
echo '{"o":{"y":"q","x":2.5},"l":[{"b":true},{"a":2}],"n":1}' >structs/2.json
echo '{"o":null,"l":[]}' >structs/3.json
echo '-- fields of structs, in lists too'
tarn query "SELECT * FROM read_json('structs/*.json', union_by_name => true)"
tarn query "COPY (SELECT {'x': 7, 'z': {'u': 1}} AS o) TO 'structs/4.parquet'" >out
tarn query "COPY (SELECT {'z': {'v': 'w'}} AS o) TO 'structs/5.parquet'" >out
tarn query "SELECT * FROM read_parquet('structs/[45].parquet', union_by_name => true)"
echo '-- a struct where another file has a number' >&2
tarn query "COPY (SELECT 1 AS o) TO 'structs/6.parquet'" >out
tarn query "SELECT * FROM read_parquet('structs/[46].parquet', union_by_name => true)"

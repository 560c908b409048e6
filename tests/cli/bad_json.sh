# Lines that are no records are bad records, each by itself.
try() {
    echo "-- $1" >&2
    tarn query "$2"
    echo "exit $?" >&2
}
printf '{"a":1}\n[1]\n"x"\n{"a":2}\n' >mixed.jsonl
try "a line of another kind" "SELECT * FROM 'mixed.jsonl'"
try "left out" "SELECT * FROM read_json('mixed.jsonl', ignore_errors => true)"
printf '{bad\n{"a":2}\n' >first.jsonl
try "the first line" "SELECT * FROM 'first.jsonl'"
try "left out" "SELECT * FROM read_json('first.jsonl', ignore_errors => true)"
printf '{"a":1\n{"a":2}\n' >open.jsonl
try "the first line is not closed" "SELECT * FROM read_json('open.jsonl', ignore_errors => true)"
printf '{\n"a":\n{"b":1}\n}\n{\n"a":[\n{"b":1}\n]}\n' >pretty.json
try "records of many lines" "SELECT count(*) FROM 'pretty.json'"
printf '{"A":13,"b":1}\n' >letters.jsonl
try "a key in other letters" "SELECT a, b FROM read_json('letters.jsonl', columns => {'a': 'BIGINT', 'b': 'BIGINT'})"
printf '{"a":"%017000000d"}\n' 1 >long.jsonl
try "a first record that is too long" "SELECT * FROM 'long.jsonl'"
printf 'a\n%017000000d\n' 1 >long.csv
try "a second record that is too long" "SELECT * FROM read_csv('long.csv', header => true, delim => ',')"

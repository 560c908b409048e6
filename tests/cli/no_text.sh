# Bytes that are no text, in statements and in files, are refused by their names and places.
say() { echo "-- $1" >&2; }
json() {
    printf "$1" >x.json
    tarn query "SELECT * FROM 'x.json'" 2>&1 | sed '/^  line/d; /\^/d' >&2
}
csv() {
    printf "$1" >x.csv
    tarn query "SELECT * FROM 'x.csv'" 2>&1 | sed '/^  line/d; /\^/d' >&2
}
say statements
tarn query "SELECT 1; SELECT 'a$(printf '\377')' AS x"
tarn query "SELECT 1 AS \"a$(printf '\377')\""
say 'lines of JSON, not one of which is a record'
for record in '{"a":"\\ud83d x"}' '{"a":"\377"}' '{"a":NaN}' '{"a":1,}' '{"a":01}' '{"a":1}{"a":2}' \
    '{"a":"\\x"}' '\n\n  {"a":tru}\n{"a":2'; do
    json "$record\n"
done
json ''
say 'other encodings and formats'
csv 'a,b\n1,caf\351\n'
csv 'caf\351,b\n1,2\n'
csv '\377\376a\000,\000b\000\n\000'
csv 'a\000,\000b\000\n\0001\000,\0002\000\n\000'
csv '\000a\000,\000b\000\n\0001\000,\0002\000\n'
csv '\377\376\000\000a\000\000\000'
json '\376\377\000{\000}'
csv 'PK\003\004\024\000\006\000'
csv 'BZh91AY&SY\000\000'
csv '\3757zXZ\000\000\004'
csv 'PAR1\025\004\025\000'
csv 'BZh,ORC\nPAR1,2\n'

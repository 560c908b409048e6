# What a type that was inferred from the first rows cannot hold further down is a bad record, never
# rounded or cut; what fits in another form is taken.
say() { echo "-- $1" && echo "-- $1" >&2; }
many() { awk -v form="$1" 'BEGIN { for (i = 1; i <= 21000; i++) { printf form "\n", i } }' </dev/null; }
try() {
    name=$1 form=$2
    shift 2
    { echo a && many "$form" && printf '%s\n' "$@"; } >"$name.csv"
    say "$name"
    tarn query "SELECT max(a) AS a FROM '$name.csv'"
}
try dates '2001-01-01' '2001-01-02 05:00:00'
try midnights '2001-01-01' '2001-01-02 00:00:00' 2001-01-03T00:00Z
try doubles '%d.5' 9007199254740992 9007199254740993
try times '2001-01-01 05:00:00' '2001-01-02 05:00:00.1234560' '2001-01-02 05:00:00.1234567'
try clocks '05:00:00' '05:00:00.000000001'
try large_doubles '%d.5' 9007199254740994 1e300
try integers '%d' 1.5
say 'asked for'
tarn query "SELECT max(a) AS a FROM read_csv('dates.csv', types => {'a': 'DATE'})"
tarn query "SELECT max(a) AS a FROM read_csv('doubles.csv', types => {'a': 'DOUBLE'})"
tarn query "SELECT max(a) AS a FROM read_csv('times.csv', types => {'a': 'TIMESTAMP_NS'})"
tarn query "SELECT max(a) AS a FROM read_csv('times.csv', types => {'a': 'TIMESTAMP'})"
say 'other files'
mkdir more
printf 'a\n1.5\n' >more/1.csv
printf 'a\n9007199254740993\n' >more/2.csv
tarn query "SELECT * FROM 'more/*.csv'"
say 'JSON'
{ many '{"a":%d.5}' && echo '{"a":9007199254740993}'; } >doubles.json
tarn query "SELECT max(a) AS a FROM 'doubles.json'"
{ many '{"a":"2001-01-01 05:00:00Z"}' && echo '{"a":"2001-01-02 05:00:00.1234567Z"}'; } >times.json
tarn query "SELECT max(a) AS a FROM 'times.json'"
echo '{"a":"2001-01-02 05:00:00.1234567Z"}' >fine.json
tarn query "SELECT a, typeof(a) FROM 'fine.json'"
{ many '{"a":"2001-01-01"}' && echo '{"a":"2001-01-02 05:00:00"}'; } >dates.json
tarn query "SELECT max(a) AS a FROM 'dates.json'"
tarn query "SELECT max(a) AS a FROM read_json('dates.json', types => {'a': 'DATE'})"

# sample_size => -1 looks at all records, however many there are; without it a field that only later
# records of JSON have is an error, not lost.
{ echo a && seq 1 200000 && echo x; } >far.csv
gzip -c far.csv >far.csv.gz
{ seq 1 200000 | sed 's/.*/{"a":&}/' && echo '{"a":"x","b":{"c":1}}'; } >far.json
for file in far.csv far.csv.gz; do
    tarn query "SELECT count(*), max(a), typeof(max(a)) FROM read_csv('$file', sample_size => -1)"
done
tarn query "SELECT count(*), max(a), max(b.c) FROM read_json('far.json', sample_size => -1)"
tarn query "SELECT max(b.c) FROM read_json('far.json', sample_size => 200001)"
echo '-- fields that come up later' >&2
{ seq 1 21000 | sed 's/.*/{"a":&,"n":{"m":1}}/' && echo '{"a":1,"b":2}'; } >late.json
tarn query "SELECT max(a) FROM 'late.json'"
tarn query "SELECT max(a) FROM read_json('late.json', ignore_errors => true)"
tarn query "SELECT max(a), sum(b) FROM read_json('late.json', sample_size => -1)"
{ seq 1 21000 | sed 's/.*/{"a":&,"n":{"m":1}}/' && echo '{"a":1,"n":{"m":1,"o":2}}'; } >inner.json
tarn query "SELECT count(n.m) FROM 'inner.json'"

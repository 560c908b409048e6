tarn shell --json <<'END' | sed 's/"seconds":[0-9.e-]*/"seconds":S/; s/"peak_bytes":[0-9]*/"peak_bytes":P/'
{"sql": "SELECT 1 AS a, NULL AS b, 'x' AS c"}
{"sql": "SELECT $n + 1 AS n, $t AS t", "params": {"n": 41, "t": "it's"}, "id": "seven"}
{"sql": "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), (2), (3)"}
{"sql": "SELECT * FROM t", "max_rows": 2}
{"sql": "SELECT * FROM t", "conn": "other"}
{"sql": "SELECT dealy FROM t"}
{"sql": ""}

nonsense
[1]
{"sql": 1}
{"cmd": "reset"}
{"sql": "SELECT * FROM t"}
{"cmd": "dance"}
END
# standard input is the requests', not the statements'
printf '%s\n' "{\"sql\":\"FROM '-'\"}" "{\"sql\":\"SELECT * FROM read_csv('/dev/stdin')\"}" '{"sql":"SELECT 5 AS five"}' |
    tarn shell --json | sed 's|,"seconds.*|}|'
# whole numbers keep their digits, or are refused
printf '%s\n' '{"sql":"SELECT $x AS x","params":{"x":12345678901234567890123}}' | tarn shell --json
tarn query 'SELECT $x AS x, typeof($x) AS t, $y AS y' -p x=12345678901234567890123 -p y=-9223372036854775808
# ... and standard output is the answers'
for target in /dev/stdout - /dev/fd/1 /proc/self/fd/1; do
    echo "{\"sql\":\"COPY (SELECT 1) TO '$target' (FORMAT csv)\"}"
done | tarn shell --json
printf '%s\n' "{\"sql\":\"COPY (SELECT 1 AS a) TO 'one.csv'\"}" "{\"sql\":\"FROM 'one.csv'\"}" | tarn shell --json | sed 's|,"seconds.*|}|'
# what a request says and nobody heeds is refused by its name; blank lines are none
while read -r request; do
    echo "$request" >&2
    echo "$request"
done <<'END' 2>asked | tarn shell --json | sed 's/,"seconds.*//' >answered
{"id":null,"sql":"SELECT 1"}

{"id":1,"sql":"SELECT 1","bogus":2}
{"sql":"SELECT 1","SQL":"SELECT 2"}
{"sql":5}
{"cmd":5}
{"id":2,"cmd":"reset","sql":"SELECT 1"}
{"cmd":"reset","params":{}}
{"cmd":"cancel","id":4}
{"sql":"SELECT $x"}
{"sql":"SELECT ?, ?","params":[1]}
{"sql":"SELECT ?, ?","params":[1,2,3]}
{"sql":"SELECT 1","params":[1]}
{"sql":"SELECT 1","params":[]}
{"sql":"SELECT 1","params":null}
{"sql":"SELECT $day AS a","params":{"dya":1}}
{"sql":"SELECT '$y' AS a","params":{"y":1}}
{"sql":"CREATE VIEW v AS SELECT $x AS x","params":{"x":1}}
{"sql":"FROM v","params":{"x":2}}
{"sql":"COPY (SELECT 1) TO $f","params":{"f":"q.csv"}}
END
grep -v '^$' asked | paste -d '\n' - answered
echo '{"sql":"SELECT ?","params":[[1]]}' | tarn shell --json

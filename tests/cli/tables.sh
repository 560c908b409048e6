mask() { sed -E 's/20[0-9]{2}-[0-9-]{5} [0-9:.]+\+00/T/g; s/[0-9a-f]{8}-[0-9a-f-]{27}/ID/g; s/"numOutputBytes":"[0-9]+"/"numOutputBytes":"N"/; s#Tarn/[0-9.]+#Tarn/V#'; }
printf 'id,day\n1,2001-01-01\n2,2001-01-02\n' >a.csv
printf 'id,day\n3,2001-01-02\n' >b.csv
tarn table create t --schema 'id BIGINT NOT NULL, day DATE' --partition-by day --property delta.appendOnly=false
tarn table write t a.csv b.csv
tarn table show t --format csv | sort
tarn table schema t
tarn table history t --format jsonl | mask
tarn table files t --format csv | mask | sed 's/,[0-9]*,\([0-9]*\),T/,SIZE,\1,T/'
tarn table write t b.csv --mode overwrite
tarn table show t
tarn table show t --version 1 --format csv | sort
tarn table show t --version 0
tarn table detail t --format csv | mask | grep -v bytes
echo "-- refusals"
for arguments in "write t a.csv --mode error" "write u a.csv" "create t --like a.csv" "create u" "create u --schema nonsense" \
    "show u" "show t --version 99" "show t --version x" "show t --at yesterday" "files t --at 2026-13-01" "show t --at 2001-01-01T00:00:00Z" "show t --at 2001-01-01" "vacuum t" "shw t" "" "history"; do
    echo "-- $arguments" >&2
    tarn table $arguments
    echo "exit $?" >&2
done
tarn table write u a.csv --create && tarn table show u --at "$(date -u -d '+1 hour' '+%Y-%m-%d %H:%M:%S')"
echo "-- text is read in the table's types"
tarn table create typed --schema 'id INT NOT NULL, s VARCHAR, n BIGINT, inner STRUCT(a SMALLINT)'
printf 'id,s,n\n1,007,\n' >typed.csv
printf '{"id":2,"n":5,"inner":{"a":3}}\n' >typed.jsonl
printf 'id,s,n\n3,x,\nabc,y,\n' >wrong.csv
tarn table write typed typed.csv typed.jsonl
tarn table write typed wrong.csv
tarn table show typed --format csv | sort

# A checkpoint spares readers the log before it.
tarn table create marked --schema 'id BIGINT, day DATE' --partition-by day
for i in 1 2 3; do tarn -q -c "COPY (SELECT $i::BIGINT AS id, DATE '2026-01-01' + $i AS day) TO 'marked' (FORMAT delta, MODE append)"; done
tarn table checkpoint marked
echo "rc $?"
cat marked/_delta_log/_last_checkpoint
rm marked/_delta_log/0000000000000000000[012].json
tarn table show marked | sort
tarn table checkpoint nothing
echo "rc $?"
tarn table checkpoint marked --format csv
echo "rc $?"

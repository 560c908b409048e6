# Each item of "bad input" that is not in a file's bytes but in the world around it.
try() { # name, command...
    echo "-- $1" >&2
    shift
    "$@" >/dev/null
    echo "exit $?" >&2
    "$@" --log-format json >/dev/null 2>json
    echo "exit $?, $(grep -o '"level":"error","code":"[a-z_]*"' json | tail -1), retryable $(grep -o '"retryable":[a-z]*' json | tail -1 | cut -d: -f2)" >&2
}
unset AWS_PROFILE AWS_ENDPOINT_URL
AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b AWS_REGION=x
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION
try "a store that does not answer" tarn query --set s3.endpoint=http://127.0.0.1:1 \
    --set s3.allow_http=true "SELECT * FROM 's3://b/x.csv'"
try "a store that there is not" tarn query "SELECT * FROM 'http://127.0.0.1:1/x.csv'"

printf 'a\n1\n' >locked.csv
mkdir locked
chmod 000 locked.csv
if [ "$(id -u)" = 0 ]; then # who is root may read everything
    cp "$(command -v tarn)" ./tarn-of-nobody
    nobody() { command=$1 && shift && setpriv --reuid=65534 --regid=65534 --clear-groups \
        env HOME=/nonexistent "./$command" "$@"; }
else
    chmod 555 locked
    cp "$(command -v tarn)" ./tarn-of-nobody
    nobody() { command=$1 && shift && HOME=/nonexistent "./$command" "$@"; }
fi
try "a file that must not be read" nobody tarn-of-nobody query "SELECT * FROM 'locked.csv'"
try "a folder that must not be written" nobody tarn-of-nobody query "COPY (SELECT 1 AS a) TO 'locked/a.csv'"

tarn query "COPY (SELECT range AS a, sin(range) AS b FROM range(400000)) TO 'moving.csv'"
while echo 1,1 >>moving.csv && sleep 0.01; do :; done &
writer=$!
try "an input that changes while it is read" tarn query "SELECT sum(sin(a) + b) FROM 'moving.csv'"
kill $writer

# A table is unharmed by a writer that is killed, and so is a file.
tarn query "COPY (SELECT 1::BIGINT AS a) TO 't' (FORMAT delta); COPY (SELECT 1 AS a) TO 'f.csv'"
echo "-- a killed process" >&2
for target in "'t' (FORMAT delta, MODE append)" "'f.csv'"; do
    tarn query "COPY (SELECT range AS a FROM range(20000000000) WHERE range % 1000 = 1) TO $target" &
    victim=$!
    sleep 0.5
    kill -9 $victim
    wait $victim 2>/dev/null
    echo "exit $?" >&2
done
tarn query "SELECT * FROM 't'; SELECT * FROM 'f.csv'"
tarn table history t --format csv | cut -d, -f1

echo "-- two writers at once" >&2
tarn init shop -q
tarn run -q shop/pipeline.toml
(
    flock 9
    try "... of one pipeline" tarn run --no-wait shop/pipeline.toml
) 9<>shop/lake/_tarn/sales/lock
try "... of one table" tarn table create t --schema 'a INTEGER'
try "... of one file" tarn cp --no-clobber f.csv locked.csv
try "a key that there is not" tarn run nothing.toml
printf '[pipeline]\nname = "p"\nstat = "x"\n' >keys.toml
try "a key that is not known" tarn check keys.toml
printf 'a,b\n1,x\n2,"y\n' >quote.csv
echo "-- standard input is named so"
tarn query "SELECT * FROM '-'" <quote.csv
printf 'a\n1\n' | tarn query "SELECT DISTINCT _file FROM '-'"

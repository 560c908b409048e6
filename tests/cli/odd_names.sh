# Names with the signs of globs, and pipes: a name that is there is no pattern.
try() {
    echo "-- $1" >&2
    shift
    tarn "$@"
    echo "exit $?" >&2
}
mkdir -p 'g[2]/in' g2/in
printf 'a\n5\n' | tee 'g[2]/in/1.csv' >'data [1].csv'
printf 'a\n9\n' | tee g2/in/1.csv sx.csv 's*.csv' >'data 1.csv'
try "a file" query "SELECT * FROM 'data [1].csv'"
try "its text" cat 'data [1].csv'
try "its columns" schema 'data [1].csv'
try "a folder" query "SELECT * FROM 'g[2]'"
try "a pattern in a folder" query "SELECT * FROM 'g[2]/in/*.csv'"
try "a star" query "SELECT count(*) FROM 's*.csv'"
try "a pattern all the same" query "SELECT * FROM 'data [0-9].csv'"
try "escaped" query "SELECT * FROM 'data [[]?].csv'"
cat >'g[2]/p.toml' <<'TOML'
[pipeline]
name = "p"
[[source]]
id = "s"
uri = "in/*.csv"
[[sink]]
from = "s"
to = "out"
TOML
tarn run 'g[2]/p.toml' >/dev/null 2>&1 || echo "run failed" >&2
try "a pipeline's folder" query "SELECT * FROM 'g[2]/out'"
mkfifo pp
try "a pipe" query "SELECT * FROM 'pp'"
echo "-- standard input by its path" >&2
tarn query "SELECT * FROM '/dev/stdin'" <sx.csv
cat sx.csv | tarn query "SELECT * FROM '/dev/stdin'"

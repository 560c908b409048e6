# What 'tarn check' refuses, 'tarn run' does not begin: exit 2, the place in the file, no entry in the ledger.
mkdir in
printf 'id,v\n1,2\n' > in/a.csv
pipeline() {
    cat > p.toml <<END
[pipeline]
name = "x"
[[source]]
id = "a"
uri = "in/*.csv"
[[step]]
id = "s"
sql = "$1"
[[sink]]
from = "s"
to = "table"
mode = "append"
$2
END
}
attempt() {
    echo "-- $1 $2"
    pipeline "$1" "$2"
    tarn run p.toml 2>&1 | sed 's/: [0-9.]* s$/: T s/'
    ls _tarn/x/runs 2>/dev/null
}
attempt "SELECT id, NULL AS n FROM a"
attempt "SELECT id, INTERVAL 1 DAY AS i FROM a"
attempt "SELECT id, id FROM a"
attempt "SELECT id, v FROM a" 'partition_by = ["nope"]'
attempt "SELECT id, v FROM a"
printf 'id,v\n3,4\n' > in/b.csv
attempt "SELECT 'x' AS id, v FROM a"
tarn run -q p.toml 2>/dev/null
echo "= $?"
tarn query "SELECT * FROM delta_scan('table')"

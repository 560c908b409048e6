# What is no rows (check, status, graph, meta): as JSON, and to a file.
code() {
    echo "$ $*"
    "$@" 2>&1
    echo "= $?"
}
tarn init shop >/dev/null 2>&1
cd shop || exit 1
code tarn check --format json pipeline.toml
code tarn graph --format json pipeline.toml
code tarn graph -o graph.txt pipeline.toml && cat graph.txt
code tarn graph -o graph.json pipeline.toml && cat graph.json
tarn run -q pipeline.toml
tarn status --format json pipeline.toml | sed 's/_us":[0-9]*/_us":T/g'
tarn status -o status.json pipeline.toml && sed 's/_us":[0-9]*/_us":T/g' status.json
tarn status -o status.txt pipeline.toml && sed 's/20..-..-.. ..:..:../T/' status.txt
printf '[pipeline]\nname = "p"\nfoo = 1\n[[source]]\nid = "a"\nuri = "nowhere/*.csv"\n[[step]]\nid = "b"\nsql = "SELECT x FROM c"\n[[sink]]\nfrom = "b"\nto = "t"\n' >bad.toml
code tarn check --format json bad.toml
code tarn check -o faults.json bad.toml
code cat faults.json
code tarn check -o faults.txt bad.toml
echo '-- inside of files and tables'
tarn query "SELECT range AS n, 'x' || range AS t FROM range(3)" -o n.parquet
tarn meta --format json n.parquet | sed 's/(build [^)]*)/(build B)/; s/bytes":[0-9]*/bytes":N/g'
tarn meta --pages --format json n.parquet | sed 's/.*"columns"/..."columns"/; s/bytes":[0-9]*/bytes":N/g'
tarn query "SELECT 'x' || repeat('ä', 40) AS t" -o wide.parquet
tarn meta -o wide.json wide.parquet
code tarn query "SELECT row_groups[1].columns[1].min AS least FROM read_json('wide.json')"
printf 'a,b\n1,x\n2,\n' >two.csv
code tarn meta --format json two.csv
tarn meta --format json lake/sales | sed 's/bytes":[0-9]*/bytes":N/g'
code tarn meta -o two.txt two.csv
code cat two.txt
echo '-- and no more'
for command in meta\ two.csv graph\ pipeline.toml status\ pipeline.toml check\ pipeline.toml; do
    # shellcheck disable=SC2086 # two words
    code tarn $command --format csv
    # shellcheck disable=SC2086
    code tarn $command -o rows.parquet
done
code tarn status --json --format table pipeline.toml
code tarn meta -o nowhere/m.json two.csv
ls

# A rule that fails the run names the row: its file, its line (or row, where a file has no lines), the rule, the values.
mkdir text columns
printf 'a,b\n1,2\n3,4\n' >text/1.csv
printf 'a,b\n1,2\n,6\n-5,7\n' >text/2.csv
tarn -c "COPY (SELECT i AS a, 'x' || i AS b FROM range(1, 9) t(i)) TO 'columns/1.parquet'"
pipeline() { # NAME FOLDER ON SQL
    cat >"$1.toml" <<END
[pipeline]
name = "$1"
[[source]]
id = "raw"
uri = "$2"
[[step]]
id = "first"
sql = "SELECT a, b FROM raw"
[[step]]
id = "last"
sql = "$4"
[[expect]]
on = "$3"
name = "small"
rule = "a BETWEEN 0 AND 5"
action = "fail"
[[sink]]
from = "last"
to = "lake/$1"
END
    tarn run "$1.toml"
    echo "= $?"
}
pipeline source_text 'text/*.csv' raw 'SELECT * FROM first'
pipeline step_text 'text/*.csv' first 'SELECT * FROM first'
pipeline second_text 'text/*.csv' last 'SELECT b, a FROM first WHERE a IS NOT NULL'
pipeline source_columns 'columns/*.parquet' raw 'SELECT * FROM first'
pipeline step_columns 'columns/*.parquet' last 'SELECT b, a FROM first'
echo '= rows of an aggregate stand in no file'
pipeline sum 'columns/*.parquet' last 'SELECT sum(a) AS a FROM first'
tarn run --log-format json step_columns.toml
ls lake

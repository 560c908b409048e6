# A record that is set aside is kept as it was written, also where its other fields have quotes within them.
mkdir in
printf 'a,b,c\nq,"x ""y"" z",1\n1,"say ""hi""",2\n"2""3",plain,3\n' >in/1.csv
cat >p.toml <<'TOML'
[pipeline]
name = "p"
[[source]]
id = "s"
uri = "in/*.csv"
columns = { a = "INTEGER", c = "INTEGER" }
on_bad_record = "quarantine"
[[sink]]
from = "s"
to = "lake/s"
[quarantine]
to = "lake/bad"
TOML
tarn run p.toml >/dev/null 2>&1
tarn query --format jsonl "SELECT raw FROM 'lake/bad' ORDER BY line"
tarn query --format jsonl "SELECT b FROM 'lake/s'"

# A source without files and columns: its steps wait for one.  What reads it is told once.
mkdir a
printf 'id\n1\n' >a/1.csv
cat >p.toml <<'END'
[pipeline]
name = "p"
[[source]]
id = "a"
uri = "a/*.csv"
[[source]]
id = "par"
uri = "par/*.parquet"
[[sink]]
from = "a"
to = "lake/a"
[[sink]]
from = "par"
to = "lake/par"
END
tarn check p.toml
echo "= $?"
tarn run p.toml
echo "= $?"
cat >q.toml <<'END'
[pipeline]
name = "q"
[[source]]
id = "a"
uri = "a/*.csv"
[[source]]
id = "dim"
uri = "a/*.csv"
take = "all"
[[step]]
id = "s"
sql = "SELECT idd FROM a"
[[expect]]
on = "s"
name = "known"
rule = "id IN (SELECT id FROM dim)"
[[sink]]
from = "s"
to = "lake/s"
END
tarn check q.toml
echo "= $?"
tarn run q.toml
echo "= $?"
echo '-- known columns: a warning'
mkdir c
printf 'id\n1\n' >c/1.csv
cat >r.toml <<'END'
[pipeline]
name = "r"
[[source]]
id = "c"
uri = "c/*.csv"
[[source]]
id = "d"
uri = "d/*.csv"
columns = { id = "BIGINT" }
[[step]]
id = "s"
sql = "SELECT id FROM c UNION ALL SELECT id FROM d"
[[sink]]
from = "s"
to = "lake/r"
END
tarn check r.toml
tarn run r.toml -q
echo "= $?"
rm c/1.csv
tarn check r.toml
sed -i 's/SELECT id FROM c/SELECT idd FROM c/' r.toml
printf 'id\n2\n' >c/2.csv
tarn run r.toml
echo "= $?"

# A source that had no file yet has only the columns that are declared; its first file says the others.
cat >p.toml <<'END'
[pipeline]
name = "p"
[[source]]
id = "a"
uri = "a/*.csv"
[[source]]
id = "b"
uri = "b/*.csv"
columns = { id = "INTEGER" }
[[source]]
id = "h"
uri = "h/**/*.csv"
columns = { id = "BIGINT" }
[[step]]
id = "all"
sql = "SELECT id FROM a UNION ALL SELECT id FROM b UNION ALL SELECT id FROM h"
[[sink]]
from = "all"
to = "lake/all"
END
mkdir a b h h/m=1
printf 'id\n0\n' >a/1.csv
tarn run p.toml 2>/dev/null
echo "= $?"
: >b/0.csv
tarn run p.toml 2>/dev/null
echo "= $?"
printf 'id,v\n1,x\n' >b/1.csv
printf 'id,w\n2,2.5\n' >h/m=1/1.csv
tarn run p.toml 2>/dev/null
echo "= $?"
tarn table show lake/all --format csv 2>/dev/null | grep -c .
tarn -c "FROM delta_scan('lake/all') ORDER BY id"
tarn run p.toml --step b
echo "= what the first file says is kept:"
printf 'id,v,z\n3,x,y\n' >b/2.csv
tarn run p.toml
echo "= $?"
rm b/2.csv
printf 'id,v\n3,7\n' >b/2.csv
printf 'id,w\n4,3\n' >h/m=1/2.csv
tarn run p.toml 2>/dev/null
echo "= $?"
tarn -c "SELECT max(id) FROM delta_scan('lake/all')"

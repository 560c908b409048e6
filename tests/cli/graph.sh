# The graph shows tables that SQL names by URI, and what queries of expectations read.
mkdir in
printf 'a\n1\n' >in/1.csv
tarn table create known --schema 'a BIGINT' && tarn table create limits --schema 'a BIGINT'
cat >p.toml <<'END'
[pipeline]
name = "p"
[[source]]
id = "raw"
uri = "in/*.csv"
[[step]]
id = "new"
sql = "SELECT r.a FROM raw r WHERE r.a NOT IN (SELECT a FROM 'known') AND r.a NOT IN (SELECT a FROM delta_scan('known', version => 0))"
[[step]]
id = "last"
sql = "SELECT a FROM new UNION ALL SELECT a FROM 'out' WHERE a < 0"
[[expect]]
name = "below limits"
query = "SELECT n.a FROM new n JOIN 'limits' l ON n.a > l.a"
action = "fail"
[[expect]]
name = "none twice"
query = "SELECT a FROM 'known' GROUP BY a HAVING count(*) > 1"
action = "warn"
[[sink]]
from = "last"
to = "out"
columns = { a = "BIGINT" }
END
tarn graph p.toml

mkdir landing
printf 'id,day,shop\n1,2026-01-01,n\n' >landing/a.csv
cat >p.toml <<'END'
[pipeline]
name  = "ten faults"

[[source]]
id    = "raw"
uri   = "landing/*.csv"
fromat = "csv"
columns = { id = "BIGNIT" }
trigger = "cron:* * * * *"

[[source]]
id  = "more"
uri = "${NO_SUCH_VARIABLE}/x.csv"

[[source]]
id  = "good"
uri = "landing/*.csv"

[[step]]
id  = "a"
sql = "SELECT * FROM b"

[[step]]
id  = "b"
sql = "SELECT * FROM a"

[[step]]
id  = "good"
sql = "SELECT 1 AS one"

[[step]]
id  = "clean"
sql = """
SELECT id,
       dya AS day
FROM good"""

[[step]]
id  = "lost"
sql = "SELECT * FORM good"

[[expect]]
on     = "goood"
name   = "positive"
rule   = "id > 0"
action = "quarantine"

[[sink]]
from = "clean"
to   = "lake/clean"
mode = "merge"
keys = ["id"]

[retry]
times = 3
END
tarn check p.toml

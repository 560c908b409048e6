# A run that reads tables alone: what they gave is counted by nobody, and not told as nothing.
tarn query "COPY (SELECT range AS id FROM range(7)) TO 'old' (FORMAT delta)" >/dev/null
cat >p.toml <<'TOML'
[pipeline]
name = "x"
[[step]]
id = "some"
sql = "SELECT id FROM delta_scan('old') WHERE id > 2"
[[sink]]
from = "some"
to = "new"
mode = "overwrite"
TOML
tarn run p.toml 2>&1 | sed 's/[0-9.]* s$/S/'

# Whoever meets the mistakes of a pipeline file tells all of them, by line: 'tarn check' and 'tarn run'.
mkdir in
printf 'a,b\n1,2\n' >in/1.csv
cat >bad.toml <<'END'
name = "bad"
[[sink]]
from = "step_that_is_not"
to = "out"
mode = "apend"
[[step]]
id = "clean"
sql = "SELECT nope FROM raw"
[[step]]
id = "twice"
sql = "SELEC a FROM raw"
unknown = 1
[[source]]
id = "raw"
uri = "in/*.csv"
fromat = "csv"
[[step]]
id = "clean"
sql = "SELECT a FROM raw WHERE upper(a) > missing(b)"
[[expect]]
on = "clean"
check = "a > zero"
[quarantine]
to = 7
END
tarn check bad.toml >check.txt 2>&1
echo "= $?"
tarn run bad.toml >run.txt 2>&1
echo "= $?"
diff check.txt run.txt && cat run.txt
tarn run --step clean bad.toml 2>&1 | diff - check.txt && echo 'a step: the same'
tarn graph bad.toml 2>&1 | diff - check.txt && echo 'the graph: the same'
tarn status bad.toml 2>&1 | diff - check.txt && echo 'status: the same'
cat >unclosed.toml <<'END'
name = "unclosed"
[[source]]
id = "raw"
uri = "in/*.csv"
columns = [
  "a"
[[sink]]
from = "raw"
to = "out
END
tarn run unclosed.toml
echo "= $?"

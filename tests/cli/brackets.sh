# A folder whose name has brackets is one like any other, wherever the pipeline looks.
pipeline() {
    cat <<END
[pipeline]
name = "p"
[[source]]
id = "raw"
uri = "$1"
format = "csv"
[[sink]]
from = "raw"
to = "$2"
END
}
for folder in plain 'a[x]b'; do
    mkdir -p "$folder/in"
    printf 'a\n1\n' >"$folder/in/1.csv"
    pipeline 'in/**' in/out >"$folder/inside.toml"
    pipeline 'in/*.csv' out >"$folder/beside.toml"
    echo "-- $folder"
    tarn check "$folder/inside.toml" 2>&1
    (cd "$folder" && tarn check inside.toml 2>&1)
    tarn run "$folder/beside.toml" 2>&1 | grep -c 'sink .* 1 row,'
    tarn query "FROM '$folder/out'"
done
mkdir 'in[1]'
printf 'a\n1\n' >'in[1]/1.csv'
pipeline 'in[1]/**' 'in[1]/out' >own.toml
tarn check own.toml 2>&1

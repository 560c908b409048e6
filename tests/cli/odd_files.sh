# What is no file of rows is refused by what it is; words that nothing heeds are refused, too.
code() {
    echo "$ $*"
    timeout 10 "$@" 2>&1
    echo "= $?"
}
mkdir folder
mkfifo pipe
: >empty.csv
for command in head schema meta; do
    for name in folder pipe /dev/null empty.csv missing.csv; do
        code tarn "$command" "$name"
    done
done
code tarn plot missing.csv
code tarn plot "SELECT 1 AS a; SELECT 2 AS a"
code tarn query "-- the answer
SELECT 42 AS answer"
code tarn help query plot
code tarn shell --json words
code tarn ls -o x.csv folder pipe
code tarn plot --height 3 "SELECT 'a' AS a, 1 AS n"
echo '-- outputs that cannot be'
printf 'a,b\n1,2\n' >s.csv
code tarn convert s.csv s.foo
code tarn convert s.csv s.pq.zst
code tarn query -o '' "SELECT 1 AS a"
tarn table create t --schema 'a INT'
code tarn table create t --schema 'a INT'

# -p: a name that can stand behind $, and that a statement has.
code() {
    echo "$ $*"
    "$@" 2>&1
    echo "= $?"
}
code tarn query -p day=2026-01-31 'SELECT $day AS day'
code tarn query -p 1=a -p 2=b 'SELECT ? AS first, ? AS second'
code tarn query -p 1x=5 'SELECT 1'
code tarn query -p 'a b=5' 'SELECT 1'
code tarn query -p =5 'SELECT 1'
code tarn query -p 0=5 'SELECT 1'
code tarn query 'SELECT $1x'
code tarn query -p unused=3 'SELECT 1' 'SELECT $other'
code tarn query -p Day=3 'SELECT $day'
code tarn query -p x=3 "SELECT '\$x' AS text"
code tarn query -p x=3 'SELECT 1 AS one' 'SELECT $x AS x'
code tarn query -p x=3 'CREATE VIEW v AS SELECT $x AS x' 'FROM v'
code tarn query -p x=3 'SELECT $x AS x' 'SELEC'
code tarn plot -p x=3 'SELECT 1'
code tarn plot -p x=3 "SELECT 'a', \$x"

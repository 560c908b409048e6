# Folders name=value as columns: escapes, NULL, types, and folders that only some files stand in.
file() {
    mkdir -p "$(dirname "$1")"
    printf 'v\n%s\n' "$2" >"$1"
}
say() { echo "-- $1" && echo "-- $1" >&2; }
say 'types, escapes, NULL'
file 'a/n=1/s=a%20b%2Fc/d=2001-01-01/1.csv' 1
file 'a/n=2/s=it%27s/d=2001-01-02/1.csv' 2
file 'a/n=__HIVE_DEFAULT_PARTITION__/s=%zz/d=2001-01-03/1.csv' 3
tarn query "SELECT *, typeof(n), typeof(d) FROM 'a/**/*.csv' ORDER BY v"
tarn query "SELECT v FROM 'a/**/*.csv' WHERE n IS NULL OR s = 'a b/c' ORDER BY v"
say 'in another order: by name'
file b/k=1/j=2/1.csv 1
file b/j=3/k=4/1.csv 2
tarn query "SELECT v, k, j FROM 'b/**/*.csv' ORDER BY v"
say 'some files only'
file c/k=1/1.csv 1
file c/k=2/j=x/1.csv 2
file c/1.csv 3
tarn query "SELECT * FROM 'c/**/*.csv' ORDER BY v"
tarn query "SELECT * FROM 'c/k=*/**/*.csv' ORDER BY v"
tarn query "SELECT v, k, j FROM read_csv('c/**/*.csv', union_by_name => true) ORDER BY v"
tarn query "SELECT v FROM read_csv('c/**/*.csv', union_by_name => true) WHERE k IS NULL OR j = 'x' ORDER BY v"
tarn query "SELECT * FROM read_csv('c/**/*.csv', hive_partitioning => true)"
say 'no UTF-8'
file 'e/k=%ff/1.csv' 1
tarn query "SELECT * FROM 'e/**/*.csv'"
tarn query "SELECT * FROM read_csv('e/**/*.csv', hive_partitioning => false)"
say 'also a column of the file: the path counts'
mkdir -p f/k=1 f/k=2
printf 'k,v\n7,1\n' >f/k=1/1.csv
printf 'k,v\n8,2\n' >f/k=2/1.csv
tarn query "SELECT * FROM 'f/**/*.csv' WHERE k < 7 ORDER BY v"
printf 'k,v\n9,3\n' >f/3.csv
tarn query "SELECT * FROM read_csv('f/**/*.csv', union_by_name => true) ORDER BY v"
tarn query "SELECT * FROM 'f/**/*.csv' ORDER BY v"

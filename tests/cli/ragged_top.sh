# Lines above the table are never left out unasked: they may be titles, data or a header.
try() {
    echo "-- $1" >&2
    tarn query "$2"
    echo "exit $?" >&2
}
printf '1,2\n4,5,6\n7,8,9\n' >short.csv
printf 'a,b,c\n1,2\n3,4\n' >wide.csv
printf 'A title\n\nx,y\n1,2\n3,4\n' >title.csv
try "a short first line" "SELECT * FROM 'short.csv'"
try "filled" "SELECT * FROM read_csv('short.csv', null_padding => true)"
try "left out as asked" "SELECT * FROM read_csv('short.csv', skip => 1)"
try "a wide header" "SELECT * FROM 'wide.csv'"
try "its lines filled" "SELECT * FROM read_csv('wide.csv', null_padding => true)"
try "a title" "SELECT * FROM 'title.csv'"
try "left out as its hint says" "SELECT * FROM read_csv('title.csv', skip => 2)"
try "left out with bad records" "SELECT * FROM read_csv('title.csv', ignore_errors => true)"

# What CSV is written with is never mistaken for its values, and reads back as it was.
values="SELECT * FROM (VALUES (0, TIMESTAMP '2001-01-01 10:00:00', -1.5, NULL, true, 'NA'),
    (1, NULL, 2.5, 7, false, '-')) AS t(i, t, d, n, b, s)"
back() {
    echo "-- $1, $2"
    tarn query "COPY ($values) TO 'x.csv' ($1)" >count && cat x.csv
    tarn query "SELECT * FROM read_csv('x.csv', $2) EXCEPT $values"
    tarn query "$values EXCEPT SELECT * FROM read_csv('x.csv', $2)"
}
for delimiter in ' ' '-' ':' '.' 0 e; do
    back "DELIMITER '$delimiter'" "delim => '$delimiter', header => true"
done
back "NULL '0'" "nullstr => '0'"
back "NULL 'true'" "nullstr => 'true'"
back "NULL 'NA'" "nullstr => 'NA'"
echo '-- one column, its last value NULL'
tarn query "COPY (FROM (VALUES (1), (NULL), (3), (NULL)) AS t(a)) TO 'one.csv'"
tarn query "SELECT count(*), count(a) FROM 'one.csv'"
echo '-- refused' | tee refused >&2
tarn query "COPY ($values) TO 'y.csv' (DELIMITER ';', QUOTE ';')"
tarn query "COPY ($values) TO 'y.csv' (DELIMITER '
')"
tarn query "COPY ($values) TO 'y.csv' (ESCAPE ',')"
tarn query "COPY ($values) TO 'y.csv' (NULL 'a,b')"
[ -e y.csv ] || echo "nothing was written"

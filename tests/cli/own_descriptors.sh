# Results to descriptors of the command itself: what is in the file behind one stays.
(echo header; tarn query -o /dev/stdout --format csv "SELECT 1 a"; echo trailer) > all
cat all
tarn query "SELECT 1 a; COPY (SELECT 2 b) TO '/dev/stdout' (FORMAT csv); SELECT 3 c" > three
cat three
echo log > log
tarn convert three /dev/fd/1 --from csv --to csv >> log
cat log
tarn query "COPY (SELECT range AS r FROM range(10)) TO '/proc/self/fd/7' (FORMAT parquet)" 7> seven.parquet
tarn query "SELECT sum(r) FROM 'seven.parquet'"
tarn query "COPY (SELECT 1) TO '/dev/fd/987' (FORMAT csv)"; echo "exit $?"
tarn query "SELECT 1 a; COPY (SELECT 2 b) TO '-' (FORMAT csv); SELECT 3 c" > dash
cat dash
ls
tarn query "COPY (SELECT 1) TO '/dev/fd/7' (FORMAT csv)" 7< dash; echo "exit $?"

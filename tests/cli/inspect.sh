printf 'origin,delay,day\nSEA,5,2001-01-01\nJFK,-3,2001-01-02\n"O,H",12.5,2001-01-02\n' >f.csv
tarn schema f.csv
tarn head f.csv -n 2 --format jsonl
tarn meta f.csv
tarn query "SELECT 1 AS one" -o one.csv.gz && tarn meta one.csv.gz | grep rows && rm one.csv.gz
printf 'a,b\n1,2\n3\n' >ragged.csv && tarn meta ragged.csv | grep rows && rm ragged.csv
tarn convert f.csv f.parquet
tarn meta f.parquet | sed 's/(build [^)]*)/(build B)/'
tarn convert f.parquet - --to jsonl
tarn convert f.csv back.tsv && cat back.tsv
tarn query "SELECT * FROM 'f.csv'" -o copy.parquet && tarn query "SELECT count(*) AS n FROM 'copy.parquet'"
tarn query --format parquet "SELECT 7 AS seven" >seven.parquet && tarn query "SELECT * FROM 'seven.parquet'"
tarn query "SELECT * FROM 'f.csv'" -o copy.json && cat copy.json
echo "-- nothing is left" && ls
tarn schema fcsv

# A row that fails is told with its file, and with the lines or rows of the batch that has it.
printf 'a,b\n1,x\n2,\n3,7\n0,4\n' >f.csv
gzip -k f.csv
printf '{"a":1,"b":"x"}\n' >f.jsonl
printf 'a,b\n5,1\n' >g.csv
mkdir both
cp g.csv both/1.csv
cp f.csv both/2.csv
tarn query "SELECT range AS a, 'x' AS b FROM range(3)" -o f.parquet
tarn table write t f.parquet --create
fault() {
    tarn query "$@" 2>&1 | sed -e '1!d' -e 's/part-[^.]*/part-ID/'
}
fault "SELECT CAST(b AS INT) FROM 'f.csv'"
fault "SELECT 1 / a FROM 'f.csv'"
fault "SELECT a + 9223372036854775807 FROM 'f.csv.gz'"
fault "SELECT sum(CAST(b AS INT)) FROM 'f.jsonl'"
fault "SELECT a FROM read_csv('both/*.csv', all_varchar => true) ORDER BY CAST(b AS INT)"
fault "SELECT CAST(b AS INT) FROM 'f.parquet'"
fault "SELECT * FROM 't' WHERE CAST(b AS INT) > 1"
fault "SELECT 1 / (range - 3) FROM range(9)"
echo '-- of many morsels, on any number of threads'
tarn query "SELECT range AS a, CASE range WHEN 1900000 THEN 'x' ELSE '7' END AS b FROM range(2000000)" -o big.csv
for threads in 1 2 5; do
    fault --threads $threads "SELECT sum(CAST(b AS INT)) FROM read_csv('big.csv', all_varchar => true)"
done
echo '-- damaged and missing files'
head -c 300 f.parquet >cut.parquet
tarn query "FROM 'cut.parquet'" 2>&1
rm t/*.parquet
tarn table show t 2>&1 | sed 's/part-[^.]*/part-ID/'

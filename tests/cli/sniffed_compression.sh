# Compressed text is known by its first bytes, whatever it is called and wherever it comes from.
printf 'id,v\n1,a\n2,b\n' >a.csv
printf '{"id":3,"v":"c"}\n' >a.jsonl
for codec in gzip zstd; do
    echo "-- $codec"
    $codec -qc a.csv >"$codec.dat"
    $codec -qc a.csv >"$codec.csv"
    $codec -qc a.jsonl >"$codec.jsonl"
    tarn query --format csv "FROM '$codec.dat'"
    tarn query --format csv "FROM '$codec.csv'"
    tarn query --format csv "FROM '$codec.jsonl'"
    tarn query --format csv "FROM read_csv('$codec.dat', compression => 'auto')"
    tarn query --format csv "FROM '-'" <"$codec.dat"
    $codec -qc a.csv | tarn query --format csv "FROM '-'"
    $codec -qc a.jsonl | tarn query --format csv "FROM '-'"
    tarn query "FROM read_csv('$codec.dat', compression => 'none')"
    echo "exit $?"
    head -c 20 "$codec.dat" >short.dat
    tarn query "FROM 'short.dat'"
    echo "exit $?"
done

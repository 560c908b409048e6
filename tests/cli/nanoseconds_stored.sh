# Delta tables hold microseconds: nanoseconds that would be lost there are an error, others are kept.
printf 't\n2024-01-01 00:00:00.123456789\n' >fine.csv
printf 't\n2024-01-01 00:00:00.123456\n\n' >whole.csv
read_as="types => {'t': 'TIMESTAMP_NS'}"
tarn query "COPY (SELECT t FROM read_csv('whole.csv', $read_as)) TO 'table' (FORMAT delta)"
tarn query "COPY (SELECT t FROM read_csv('fine.csv', $read_as)) TO 'table' (FORMAT delta, MODE append)"
tarn query "COPY (SELECT CAST(t AS TIMESTAMP) AS t FROM read_csv('fine.csv', $read_as)) TO 'table' (FORMAT delta, MODE append)"
tarn query "SELECT t, typeof(t) FROM 'table' ORDER BY t"
tarn query "COPY (SELECT t FROM read_csv('fine.csv', $read_as)) TO 'fine.parquet'"
tarn query "SELECT t, typeof(t) FROM 'fine.parquet'"

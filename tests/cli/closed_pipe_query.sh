# The reader leaves in the middle of the first result; the second statement still runs.
{ tarn query "SELECT * FROM range(5000000)" "COPY (SELECT 7 AS seven) TO 'seven.csv'"; echo "tarn: $?" >&2; } | head -n 2
cat seven.csv

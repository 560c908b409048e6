tarn query "SELECT 42 AS answer, 'a,b' AS text, NULL AS nothing, '' AS empty"
tarn -c "VALUES (1, 'x')" -c "SELECT 2" --no-header
echo "SELECT 3 AS three;" | tarn
echo "SELECT 4 AS four;" | tarn query -
tarn -p n=5 -p t=007 query 'SELECT $n + 1 AS n, $t AS t'

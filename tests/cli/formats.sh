rows="SELECT * FROM (VALUES (1, 'a|b', 1.50, NULL), (NULL, 'line
two', -2.25, true)) AS t(i, s, d, b)"
for form in table box csv tsv json jsonl markdown vertical; do
    echo "-- $form"
    tarn query --format $form "$rows"
done
echo "-- null, max-rows, max-width"
tarn query --format csv --null NA "$rows"
tarn query --format table --max-rows 1 "$rows"
tarn query --format box --max-width 24 "SELECT 'a long text that does not fit' AS t, 1 AS n"
echo "-- json-strings"
tarn query --format jsonl --json-strings "SELECT 9007199254740993 AS i, 1.5 AS d, 2 AS small"

# Results in a file whose name says no format are CSV, and that is said.
tarn -c 'SELECT 1 AS a' -o plain && cat plain
tarn -q -c 'SELECT 1 AS a' -o plain
tarn -c 'SELECT 1 AS a' -o plain --format jsonl && cat plain
tarn -c 'SELECT 1 AS a' -o /dev/null
tarn -c 'SELECT 1 AS a' -o .hidden
tarn -c 'SELECT 1 AS a' -o x.foo
echo "= $?"

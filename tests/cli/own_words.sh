# A hint is in the words of the command that was typed, and what a hint calls possible is.
code() { "$@" 2>&1 >/dev/null; echo "rc $?"; }
for command in run check status graph "reset --run 1"; do
    echo "-- $command"
    code tarn $command
    code tarn $command a.toml b.toml
done
echo "-- the least memory"
tarn --memory 1MB --format csv -c 'SELECT 1 AS one'
code tarn --memory 999999B -c 'SELECT 1 AS one'
code tarn -c "COPY (SELECT 1 AS id) TO 't' (FORMAT delta, PARTITIONBY (id))"
code tarn -c "COPY (SELECT 1 AS id) TO 't' (FORMT delta)"

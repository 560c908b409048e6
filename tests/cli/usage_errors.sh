for arguments in "query --formt csv" "query --format cvs" "query --format arrow" "query --output" "--max-rows=x -c SELECT" \
    "--set memory -c SELECT" "--set s3.secret=x -c SELECT" "--set s3.secret_access_key=x -c SELECT" "--set memroy=1GB -c SELECT" \
    "--memory lots -c SELECT" "-x" "query --timing=yes" "-p day -c SELECT" "-f /nowhere.sql" "help qury"; do
    echo "-- $arguments" >&2
    tarn $arguments </dev/null
    echo "exit $?" >&2
done
